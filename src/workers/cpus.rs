//! How many CPUs there are for goroutines: as many as Go would take for its `GOMAXPROCS`.

use std::thread;

/// Of those that the current thread may use.
pub(super) fn count() -> usize {
    let rounded_down = thread::available_parallelism().map_or(1, usize::from);
    #[cfg(target_os = "linux")]
    let count = within_quota(all().unwrap_or(rounded_down), rounded_down, num_cpus::get());
    #[cfg(not(target_os = "linux"))]
    let count = rounded_down;
    count
}

/// A quota of CPU time, which a container may have, counts as its CPUs rounded up, but as two at least,
/// so that one goroutine that computes does not hold up all others; and as no more than there are
/// (Go 1.25, `runtime/cgroup_linux.go`).
///
/// std rounds down. `num_cpus` rounds up, and does not know of a smaller quota further up in the hierarchy.
#[cfg(any(target_os = "linux", test))]
fn within_quota(all: usize, rounded_down: usize, rounded_up: usize) -> usize {
    rounded_up.min(rounded_down + 1).max(2).min(all)
}

/// Whatever the quota; none if there are more than fit into a set.
#[cfg(target_os = "linux")]
fn all() -> Option<usize> {
    let set = super::spawner::own_affinity()?;
    // SAFETY: it is a set.
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
        // 2.5 of 8.
        assert_eq!(within_quota(8, 2, 3), 3);
        assert_eq!(within_quota(8, 3, 3), 3);
    }

    #[test]
    fn two_count_at_least_if_there_are_two() {
        // Half a CPU, and one and a half.
        assert_eq!(within_quota(8, 1, 1), 2);
        assert_eq!(within_quota(8, 1, 2), 2);
        assert_eq!(within_quota(1, 1, 1), 1);
    }

    #[test]
    fn a_quota_of_a_parent_counts() {
        assert_eq!(within_quota(8, 3, 8), 4);
    }
}
