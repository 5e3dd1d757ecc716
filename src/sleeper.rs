//! Lets a thread sleep until another one wakes it.

use crate::park::{self, Key, Parked};
use crate::primitive::{AtomicUsize, Ordering};
use std::time::Instant;

use Ordering::{Acquire, Release};

/// Lets one thread sleep once, until another one wakes it. Go's `note`, without `noteclear`.
pub(crate) struct Sleeper {
    /// 1 if it has been woken.
    woken: AtomicUsize,
}

impl Sleeper {
    pub(crate) fn new() -> Self {
        Self {
            woken: AtomicUsize::new(0),
        }
    }

    fn key(&self) -> Key {
        Key::new(&self.woken, 0)
    }

    /// Ends the sleep, or the next one if none has begun. What happens before this call happens before the return of
    /// the `sleep` that it ends.
    pub(crate) fn wake(&self) {
        // Release: pairs with the Acquire in `sleep` of a thread that does not sleep yet.
        self.woken.store(1, Release);
        park::unpark_one(self.key(), |_, _| {});
    }

    /// Sleeps until it is woken. Returns false if the deadline passes first.
    pub(crate) fn sleep(&self, deadline: Option<Instant>) -> bool {
        let is_not_woken = || self.woken.load(Acquire) == 0;
        park::sleep(self.key(), is_not_woken, deadline) != Parked::TimedOut
    }
}
