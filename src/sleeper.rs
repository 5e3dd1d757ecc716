//! How a thread sleeps until another one calls it.

use crate::park::{self, Key, Parked};
use crate::primitive::{AtomicUsize, Ordering};
use std::time::Instant;

use Ordering::{Acquire, Release};

/// One sleep: is called once, or not at all.
pub(crate) struct Sleeper {
    /// 1 if it has been called.
    called: AtomicUsize,
}

impl Sleeper {
    pub(crate) fn new() -> Self {
        Self {
            called: AtomicUsize::new(0),
        }
    }

    fn key(&self) -> Key {
        Key::new(&self.called, 0)
    }

    /// What comes before this happens before the return of the `sleep` that it ends.
    pub(crate) fn call(&self) {
        // Release: pairs with the Acquire in `sleep`, of one that has not slept yet.
        self.called.store(1, Release);
        park::unpark_one(self.key(), |_, _| {});
    }

    /// Sleeps until it is called; false if the deadline comes first.
    pub(crate) fn sleep(&self, deadline: Option<Instant>) -> bool {
        let is_uncalled = || self.called.load(Acquire) == 0;
        park::sleep(self.key(), is_uncalled, deadline) != Parked::TimedOut
    }
}
