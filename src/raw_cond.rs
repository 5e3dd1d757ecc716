//! The condition variable: a list of the waiters, in the order in which they came.
//!
//! In Go's `notifyList` (`runtime/sema.go`), a waiter takes a ticket, and a signal wakes the next ticket.
//! Here the waiter joins a list instead. That is the same for the waiters, and lets a waiter leave when it
//! times out.
//!
//! # Invariants
//!
//! 1. A waiter joins the list before it unlocks the lock that goes with the condition. So a thread that
//!    changes the condition under that lock, and signals after that, finds in the list every waiter that has
//!    seen the old condition.
//! 2. A thread that takes a waiter from the list wakes it. A waiter that times out takes itself from the
//!    list. If another thread has taken it already, it counts as woken. So no wake-up is lost, and each ends
//!    one wait.
//! 3. `len` is the length of the list. It changes under the lock of the list.

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

/// A waiter that is in the list, or has been taken from it to be woken.
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

    /// Changes the list, and publishes its length.
    fn change<T>(&self, change: impl FnOnce(&mut List) -> T) -> T {
        let mut list = self.list.lock().expect("no code panics under this lock");
        let result = change(&mut list);
        // Relaxed: a thread that must see a waiter has locked the lock of the condition after that waiter unlocked it
        // (invariant 1).
        self.len.store(list.len(), Relaxed);
        result
    }

    /// Joins the list. The caller holds the lock of the condition.
    pub(crate) fn enqueue(&self) -> Waiter {
        let waiter = Arc::new(Sleeper::new());
        self.change(|list| list.push_back(Arc::clone(&waiter)));
        Waiter(waiter)
    }

    /// Sleeps until the waiter is woken. The caller does not hold the lock of the condition. Returns false if
    /// the deadline passes first.
    pub(crate) fn wait(&self, Waiter(waiter): Waiter, deadline: Option<Instant>) -> bool {
        workers::sleep_until_woken(&waiter, deadline) || !self.remove(&waiter)
    }

    /// Removes the waiter from the list. Returns whether it was there.
    fn remove(&self, waiter: &Arc<Sleeper>) -> bool {
        self.change(|list| {
            let position = list.iter().position(|other| Arc::ptr_eq(other, waiter));
            position.and_then(|position| list.remove(position))
        })
        .is_some()
    }

    /// Wakes the waiter that has waited longest. Returns whether there was one.
    pub(crate) fn signal(&self) -> bool {
        if self.len.load(Relaxed) == 0 {
            return false;
        }
        let first = self.change(List::pop_front);
        first.inspect(|waiter| waiter.wake()).is_some()
    }

    /// Wakes all waiters. Returns how many there were.
    pub(crate) fn broadcast(&self) -> usize {
        if self.len.load(Relaxed) == 0 {
            return 0;
        }
        let all = self.change(mem::take);
        all.iter().for_each(|waiter| waiter.wake());
        all.len()
    }
}
