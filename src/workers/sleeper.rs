//! How a worker or the monitor sleeps until it is called.

use crate::park::{self, Key, Parked};
use crate::primitive::{AtomicUsize, Ordering};
use std::time::Instant;

use Ordering::Relaxed;

/// One sleep: is called once, or not at all.
pub(super) struct Sleeper {
    /// 1 if it has been called.
    called: AtomicUsize,
}

impl Sleeper {
    pub(super) fn new() -> Self {
        Self {
            called: AtomicUsize::new(0),
        }
    }

    fn key(&self) -> Key {
        Key::new(&self.called, 0)
    }

    pub(super) fn call(&self) {
        // Relaxed, here and below: what a call means stands in the scheduler's state.
        self.called.store(1, Relaxed);
        park::unpark_one(self.key(), |_, _| {});
    }

    /// Sleeps until it is called; false if the deadline comes first.
    pub(super) fn sleep(&self, deadline: Option<Instant>) -> bool {
        let is_uncalled = || self.called.load(Relaxed) == 0;
        park::sleep(self.key(), is_uncalled, deadline) != Parked::TimedOut
    }
}
