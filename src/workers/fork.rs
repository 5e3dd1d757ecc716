//! What is left of the workers in a child of `fork`: nothing.
//!
//! Only the thread that forks lives on in the child. The workers' state says that they are there, a lock
//! that one of them held stays locked, and what they ran does not go on. So if there were any, the child
//! cannot have goroutines, and is told so. What the thread itself has queued, and nobody has started, it
//! still runs when it waits for it. If there were no workers, all is as in the parent.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

static HAS_LOST_WORKERS: AtomicBool = AtomicBool::new(false);

/// Whether the parent had workers when this process was forked.
#[inline]
pub(crate) fn has_lost_workers() -> bool {
    // Relaxed: it is set before the process has a second thread.
    HAS_LOST_WORKERS.load(Relaxed)
}

/// Notices forks from now on. To be called once.
#[cfg(unix)]
pub(super) fn watch() {
    // SAFETY: the function is there as long as the process; should this code be unloaded, the C library
    // forgets it. If there is no memory for it, forks are not noticed.
    unsafe { libc::pthread_atfork(None, None, Some(begin_child)) };
}

#[cfg(not(unix))]
pub(super) fn watch() {}

/// Waits for nobody, and reads nothing that another thread may have left half written.
#[cfg(unix)]
extern "C" fn begin_child() {
    use super::processor::Holder;
    use super::{CURRENT, SCHEDULER};
    use std::sync::LazyLock;

    let has_lost_workers = match LazyLock::get(&SCHEDULER) {
        Some(Ok(scheduler)) => scheduler.lose_threads(),
        Some(Err(_)) => false,
        // Another thread was about to make it, and nobody ever ends that.
        None => true,
    };
    if has_lost_workers {
        HAS_LOST_WORKERS.store(true, Relaxed);
        // A thread that is no worker keeps its processor when it sleeps.
        if let Some(p) = CURRENT.get() {
            p.set_holder(Holder::External);
        }
    }
}
