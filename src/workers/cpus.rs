//! The number of CPUs for goroutines: what Go would choose for `GOMAXPROCS`.

use std::thread;

/// Counts the CPUs that the current thread may use, and takes the quota of CPU time into account.
pub(super) fn count() -> usize {
    let rounded_down = thread::available_parallelism().map_or(1, usize::from);
    #[cfg(target_os = "linux")]
    let count = within_quota(all().unwrap_or(rounded_down), rounded_down, num_cpus::get());
    #[cfg(not(target_os = "linux"))]
    let count = rounded_down;
    count
}

/// Limits `all` CPUs to the quota of CPU time that a container may have, as Go does (Go 1.25,
/// `runtime/cgroup_linux.go`). The quota is rounded up to whole CPUs. It counts as two CPUs at least, so that
/// one goroutine that computes does not hold up all others, and as no more than there are.
///
/// `rounded_down` comes from std. `rounded_up` comes from `num_cpus`, which does not know of a smaller quota
/// further up in the hierarchy.
#[cfg(any(target_os = "linux", test))]
fn within_quota(all: usize, rounded_down: usize, rounded_up: usize) -> usize {
    rounded_up.min(rounded_down + 1).max(2).min(all)
}

/// Counts the CPUs that the current thread may use, whatever the quota. Returns `None` if there are more than
/// fit into a set.
#[cfg(target_os = "linux")]
fn all() -> Option<usize> {
    let set = super::spawner::own_affinity()?;
    // SAFETY: `set` is an initialized set.
    let count = unsafe { libc::CPU_COUNT(&set) };
    Some(count.cast_unsigned() as usize)
}

#[cfg(test)]
mod tests {
    use super::within_quota;

    #[test]
    fn without_a_quota_all_count() {
        for all in [1, 2, 3, 64] {
            assert_eq!(within_quota(all, all, all), all);
        }
    }

    #[test]
    fn a_quota_is_rounded_up() {
        // A quota of 2.5 CPUs out of 8.
        assert_eq!(within_quota(8, 2, 3), 3);
        assert_eq!(within_quota(8, 3, 3), 3);
    }

    #[test]
    fn a_quota_counts_as_two_cpus_at_least() {
        // Quotas of 0.5 and of 1.5 CPUs.
        assert_eq!(within_quota(8, 1, 1), 2);
        assert_eq!(within_quota(8, 1, 2), 2);
        assert_eq!(within_quota(1, 1, 1), 1);
    }

    #[test]
    fn a_quota_of_a_parent_counts() {
        assert_eq!(within_quota(8, 3, 8), 4);
    }
}
