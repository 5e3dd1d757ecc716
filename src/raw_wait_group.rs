//! The counter behind `WaitGroup`, `JoinHandle` and `scope`: threads sleep until it is 0.
//!
//! # The word
//!
//! | bit | means |
//! |---|---|
//! | 0 | `PARKED`: somebody sleeps, or is about to, until the counter is 0 |
//! | 1.. | the counter |
//!
//! Go's `sync.WaitGroup` (`waitgroup.go`) counts the waiters beside the counter; here the queue knows
//! them.
//!
//! # Invariants
//!
//! 1. `PARKED` implies a counter above 0. The step that takes the counter to 0 clears `PARKED` and
//!    takes every sleeper from the queue, all under the queue's lock: those who sleep until *this* 0
//!    are released by it, and whoever comes for the next round cannot be among them. So the group
//!    may be reused at once, which is a panic in Go.
//! 2. `PARKED` is cleared under the queue's lock only, and every sleeper checks it there. It may
//!    outlive the sleepers, if they give up.
//! 3. The counter never leaves its range, not even for a moment: a call that would take it below 0
//!    or above the maximum changes nothing.

use crate::park::{self, Key, Parked, Patience};
use crate::primitive::{AtomicUsize, Ordering};
use std::time::Instant;

use Ordering::{AcqRel, Acquire, Relaxed, Release};

const PARKED: usize = 1;
const ONE: usize = 2;
const MAX: usize = usize::MAX / ONE;

pub(crate) struct RawWaitGroup {
    /// See the table in the module's header.
    word: AtomicUsize,
}

/// Why [`RawWaitGroup::add`] refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Misuse {
    Negative,
    Overflow,
}

impl RawWaitGroup {
    pub(crate) fn new(count: usize) -> Self {
        Self {
            word: AtomicUsize::new(count * ONE),
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.word.load(Relaxed) / ONE
    }

    /// Adds `delta`, and releases the sleepers if that makes 0. Refuses to leave the range.
    #[inline]
    pub(crate) fn add(&self, delta: isize) -> Result<(), Misuse> {
        let mut word = self.word.load(Relaxed);
        loop {
            let next = match (word / ONE).checked_add_signed(delta) {
                Some(count @ 0..=MAX) => count * ONE,
                Some(_) => return Err(Misuse::Overflow),
                None => {
                    return Err(if delta < 0 {
                        Misuse::Negative
                    } else {
                        Misuse::Overflow
                    });
                }
            };
            let parked = word & PARKED;
            if next == 0 && parked != 0 {
                if self.release(word) {
                    return Ok(());
                }
                word = self.word.load(Relaxed);
                continue;
            }
            // Release: what came before a `done` happens before the return of every `wait`; pairs
            // with the Acquires in `wait` and `release`.
            match self
                .word
                .compare_exchange_weak(word, next | parked, Release, Relaxed)
            {
                Ok(_) => return Ok(()),
                Err(now) => word = now,
            }
        }
    }

    /// Takes the word to 0, and every sleeper with it; false if it is no longer `word`.
    #[cold]
    fn release(&self, word: usize) -> bool {
        park::unpark_all_if(self.waiters(), || {
            self.word
                // Acquire: pairs with the Releases of all earlier `add`s, for the sleepers, who are
                // told through the queue.
                .compare_exchange(word, 0, AcqRel, Relaxed)
                .is_ok()
        })
    }

    /// Waits until the counter is 0; false if the deadline comes first.
    #[inline]
    pub(crate) fn wait(&self, deadline: Option<Instant>) -> bool {
        // Acquire: pairs with the Releases in `add`.
        self.word.load(Acquire) < ONE || self.wait_slow(deadline)
    }

    #[cold]
    fn wait_slow(&self, deadline: Option<Instant>) -> bool {
        let mut patience = Patience::new();
        loop {
            // Acquire: as in `wait`.
            let word = self.word.load(Acquire);
            if word < ONE {
                return true;
            }
            if patience.spin() || !self.flag_parked(word) {
                continue;
            }
            let sleep = || self.word.load(Relaxed) & PARKED != 0;
            match park::park(self.waiters(), sleep, deadline) {
                Parked::Unparked => return true,
                Parked::Invalid => patience.renew(),
                Parked::TimedOut => return false,
            }
        }
    }

    fn flag_parked(&self, word: usize) -> bool {
        word & PARKED != 0
            || self
                .word
                .compare_exchange_weak(word, word | PARKED, Relaxed, Relaxed)
                .is_ok()
    }

    pub(crate) fn waiters(&self) -> Key {
        Key::new(&self.word, 0)
    }

    /// The whole word.
    #[cfg(gosync_loom)]
    pub(crate) fn word(&self) -> usize {
        self.word.load(Relaxed)
    }
}
