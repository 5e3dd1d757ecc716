//! The condition variable: a list of those who wait, in the order in which they came.
//!
//! Go's `notifyList` (`runtime/sema.go`), where a waiter takes a ticket, and a signal calls the next one. Here it joins
//! a list instead, which is the same for those who wait, and lets one leave that has waited for long enough.
//!
//! # Invariants
//!
//! 1. Whoever waits joins the list before it unlocks the lock that goes with the condition. So one that has changed
//!    the condition under that lock, and signals then, finds in the list whoever has seen it as it was before.
//! 2. Whoever takes a waiter from the list calls it. One whose time is up takes itself from the list, or has been
//!    taken, and then it counts as woken. So a call is never lost, and ends one wait.
//! 3. `len` is the length of the list. It changes under the list's lock.

use crate::primitive::{Arc, AtomicUsize, Mutex, Ordering, const_fn};
use crate::sleeper::Sleeper;
use crate::workers;
use std::collections::VecDeque;
use std::mem;
use std::time::Instant;

use Ordering::Relaxed;

pub(crate) struct RawCond {
    len: AtomicUsize,
    list: Mutex<List>,
}

type List = VecDeque<Arc<Sleeper>>;

/// One that is in the list, or has been woken.
#[must_use]
pub(crate) struct Waiter(Arc<Sleeper>);

impl RawCond {
    const_fn! {
        pub(crate) const fn new() -> Self {
            Self {
                len: AtomicUsize::new(0),
                list: Mutex::new(VecDeque::new()),
            }
        }
    }

    /// Changes the list, and makes its length known.
    fn change<T>(&self, change: impl FnOnce(&mut List) -> T) -> T {
        let mut list = self.list.lock().expect("no code panics under this lock");
        let result = change(&mut list);
        // Relaxed: whoever has to see a waiter has had the lock of the condition after it (invariant 1).
        self.len.store(list.len(), Relaxed);
        result
    }

    /// Joins the list, with the lock of the condition.
    pub(crate) fn enqueue(&self) -> Waiter {
        let waiter = Arc::new(Sleeper::new());
        self.change(|list| list.push_back(Arc::clone(&waiter)));
        Waiter(waiter)
    }

    /// Sleeps until it is woken, without the lock of the condition; false if the deadline comes first.
    pub(crate) fn wait(&self, Waiter(waiter): Waiter, deadline: Option<Instant>) -> bool {
        workers::sleep_until_woken(&waiter, deadline) || !self.remove(&waiter)
    }

    /// Returns whether it was in the list.
    fn remove(&self, waiter: &Arc<Sleeper>) -> bool {
        self.change(|list| {
            let position = list.iter().position(|other| Arc::ptr_eq(other, waiter));
            position.and_then(|position| list.remove(position))
        })
        .is_some()
    }

    /// Calls the one that waits for longest. Returns whether there was one.
    pub(crate) fn signal(&self) -> bool {
        if self.len.load(Relaxed) == 0 {
            return false;
        }
        let first = self.change(List::pop_front);
        first.inspect(|waiter| waiter.wake()).is_some()
    }

    /// Calls all who wait. Returns how many there were.
    pub(crate) fn broadcast(&self) -> usize {
        if self.len.load(Relaxed) == 0 {
            return 0;
        }
        let all = self.change(mem::take);
        all.iter().for_each(|waiter| waiter.wake());
        all.len()
    }
}
