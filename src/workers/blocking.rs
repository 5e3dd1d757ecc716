//! How a thread sleeps: a goroutine that does hands its CPU on to another one.

use super::processor::Holder;
use super::{CURRENT, has_lost_workers, release_external, scheduler, take_current};
use crate::park::{self, Key, Parked, sleep};
use crate::sleeper::Sleeper;
use std::cell::Cell;
use std::time::{Duration, Instant};

/// As [`sleep`]. If this is a goroutine, another one may run meanwhile.
pub(crate) fn park(key: Key, validate: impl FnOnce() -> bool, deadline: Option<Instant>) -> Parked {
    // Before the thread joins the queue: a thread may be started here, which allocates, and
    // parking_lot_core allows nobody to sleep in two queues, not even an allocator with a lock.
    let _blocked = block();
    sleep(key, validate, deadline)
}

/// The first nap of [`park_for_goroutines`]: about as long as a thread needs to start.
const FIRST_NAP: Duration = Duration::from_micros(100);
const LONGEST_NAP: Duration = Duration::from_millis(100);

/// As [`park()`], for a thread that waits for goroutines: while the system refuses whoever could run them, the
/// thread wakes ever later, and calls again.
///
/// Between two naps it is in no queue. If `validate` has become false by then, that is a wake-up; if it has
/// become true once more, the thread sleeps on.
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
            // Between two naps.
            Parked::Invalid if has_slept => return Parked::Unparked,
            parked => return parked,
        }
        nap = LONGEST_NAP.min(2 * nap);
    }
}

/// As [`Sleeper::sleep`], of a thread that waits for goroutines, like [`park_for_goroutines`].
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

/// A thread that is about to block. A worker gets a processor again when this is dropped.
pub(crate) struct Blocked {
    has_given_up_its_processor: bool,
    /// Whether goroutines may wait that nobody can run: the system refuses threads.
    lacks_threads: bool,
}

/// The current thread is about to block. If it is a worker, another one may run meanwhile. Otherwise it calls
/// a worker, if it has started goroutines and there is nobody to run them.
pub(crate) fn block() -> Blocked {
    let p = CURRENT.try_with(Cell::get).ok().flatten();
    let is_worker = p.is_some_and(|p| p.holder() != Holder::External);
    let lacks_threads = match p {
        Some(_) if is_worker => {
            // It may be another one by now, if an allocator has slept.
            if let Some(p) = take_current() {
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
    /// When to wake and to call again: after this `nap`, if nobody may be there to run goroutines.
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
            // Of one that has started goroutines meanwhile.
            release_external();
            let p = scheduler().reacquire();
            CURRENT.with(|current| current.set(Some(p)));
        }
    }
}
