//! Blocking: when a goroutine sleeps, another one may run in its stead.

use super::processor::Holder;
use super::{CURRENT, detach_processor, has_lost_workers, release_external, scheduler};
use crate::park::{self, Key, Parked, sleep};
use crate::sleeper::Sleeper;
use std::cell::Cell;
use std::time::{Duration, Instant};

/// Sleeps like [`sleep`]. If the caller is a goroutine, another one may run meanwhile.
pub(crate) fn park(key: Key, validate: impl FnOnce() -> bool, deadline: Option<Instant>) -> Parked {
    // This must come before the thread joins the queue: `block` may start a worker, which allocates, and an
    // allocator with a lock may sleep. parking_lot_core does not allow a thread to sleep in two queues.
    let _blocked = block();
    sleep(key, validate, deadline)
}

/// The first nap of [`park_for_goroutines`]: about as long as a thread needs to start.
const FIRST_NAP: Duration = Duration::from_micros(100);
const LONGEST_NAP: Duration = Duration::from_millis(100);

/// Sleeps like [`park()`], for a thread that waits for goroutines. While the system refuses the threads that
/// could run them, the thread takes naps of growing length, and tries to wake a worker before each.
///
/// Between two naps the thread is in no queue. If `validate` is false by the next nap, that counts as a
/// wake-up. If it was false only in between and is true again, the thread continues to sleep.
pub(crate) fn park_for_goroutines(
    key: Key,
    validate: impl Fn() -> bool,
    deadline: Option<Instant>,
) -> Parked {
    let mut nap = FIRST_NAP;
    let mut has_slept = false;
    loop {
        let blocked = block();
        let end = blocked.end_of_sleep(nap, deadline);
        match sleep(key, &validate, end) {
            Parked::TimedOut if end != deadline => has_slept = true,
            // The wake-up came between two naps.
            Parked::Invalid if has_slept => return Parked::Unparked,
            parked => return parked,
        }
        nap = LONGEST_NAP.min(2 * nap);
    }
}

/// Sleeps like [`Sleeper::sleep`], for a thread that waits for goroutines, and in naps like
/// [`park_for_goroutines`].
pub(crate) fn sleep_until_woken(sleeper: &Sleeper, deadline: Option<Instant>) -> bool {
    let mut nap = FIRST_NAP;
    loop {
        let blocked = block();
        let end = blocked.end_of_sleep(nap, deadline);
        if sleeper.sleep(end) {
            return true;
        }
        if end == deadline {
            return false;
        }
        nap = LONGEST_NAP.min(2 * nap);
    }
}

/// Marks the current thread as blocked. A worker gets a processor again when this is dropped.
pub(crate) struct Blocked {
    has_given_up_its_processor: bool,
    /// Whether goroutines may be waiting with no thread to run them, because the system refuses threads.
    lacks_threads: bool,
}

/// Prepares the current thread to block. A worker gives up its processor, so that another worker may run
/// meanwhile. If an external thread has started goroutines and no thread is there to run them, it wakes a
/// worker.
pub(crate) fn block() -> Blocked {
    let p = CURRENT.try_with(Cell::get).ok().flatten();
    let is_worker = p.is_some_and(|p| p.holder() != Holder::External);
    let lacks_threads = match p {
        Some(_) if is_worker => {
            // This may be another processor than before, if an allocator has slept.
            if let Some(p) = detach_processor() {
                scheduler().block(p);
            }
            false
        }
        Some(p) => scheduler().wake_before_sleep(p),
        None => false,
    };
    Blocked {
        has_given_up_its_processor: is_worker,
        lacks_threads,
    }
}

impl Blocked {
    /// Returns when to end the sleep: at the deadline, or, if threads are lacking, after `nap` if that is earlier,
    /// to try again to wake a worker.
    fn end_of_sleep(&self, nap: Duration, deadline: Option<Instant>) -> Option<Instant> {
        if !self.lacks_threads {
            return deadline;
        }
        let ends = [deadline, park::deadline(nap)];
        ends.into_iter().flatten().min()
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        if self.has_given_up_its_processor && !has_lost_workers() {
            // Gives back the processor that the thread got if it started goroutines meanwhile.
            release_external();
            let p = scheduler().reacquire();
            CURRENT.with(|current| current.set(Some(p)));
        }
    }
}
