//! Forks: a child process has no workers.
//!
//! Only the thread that forks survives in the child. The scheduler's state still lists the parent's workers,
//! a lock that one of them held stays locked, and the goroutines that they ran never continue. So if the
//! parent had workers, the child cannot have goroutines, and gets a panic that says so. The surviving thread
//! still runs the goroutines that it has queued itself and that no thread had started, when it waits for
//! them. If the parent had no workers, the child can do all that the parent could.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

static HAS_LOST_WORKERS: AtomicBool = AtomicBool::new(false);

/// Whether the parent had, or may have had, workers or a monitor when this process was forked.
#[inline]
pub(crate) fn has_lost_workers() -> bool {
    // Relaxed: it is set in the child, before the child has a second thread.
    HAS_LOST_WORKERS.load(Relaxed)
}

/// Notices forks from now on. Must be called only once.
#[cfg(unix)]
pub(super) fn install_handler() {
    // SAFETY: the function exists as long as the process. If this code is unloaded, the C library forgets the
    // function. If there is no memory to register it, forks are not noticed.
    unsafe { libc::pthread_atfork(None, None, Some(begin_child)) };
}

#[cfg(not(unix))]
pub(super) fn install_handler() {}

/// Runs in the child. Waits for no other thread, and reads nothing that another thread may have left half
/// written.
#[cfg(unix)]
extern "C" fn begin_child() {
    use super::processor::Holder;
    use super::{CURRENT, SCHEDULER};
    use std::sync::LazyLock;

    let has_lost_workers = match LazyLock::get(&SCHEDULER) {
        Some(Ok(scheduler)) => scheduler.lose_threads(),
        Some(Err(_)) => false,
        // Another thread was creating the scheduler and will never finish.
        None => true,
    };
    if has_lost_workers {
        HAS_LOST_WORKERS.store(true, Relaxed);
        // From now on the thread counts as external, since an external thread keeps its processor when it sleeps.
        // To release it would take the lock, which may stay locked.
        if let Some(p) = CURRENT.get() {
            p.set_holder(Holder::External);
        }
    }
}
