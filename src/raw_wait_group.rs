//! The counter behind `WaitGroup` and `scope`: threads sleep until it is 0. (A `JoinHandle` waits for the
//! word of its `Task`.)
//!
//! # The word
//!
//! | bit | means |
//! |---|---|
//! | 0 | `PARKED`: somebody sleeps, or is about to, until the counter is 0 |
//! | 1.. | the counter, signed |
//!
//! Go's `sync.WaitGroup` (`waitgroup.go`) counts the waiters beside the counter; here the queue knows
//! them.
//!
//! # Invariants
//!
//! 1. `PARKED` is set only while the counter is above 0. Whoever takes the counter to 0 and finds
//!    `PARKED` *releases*: under the queue's lock, if the counter is still 0, it clears `PARKED` and
//!    takes every sleeper from the queue. Those who sleep until *this* 0 are released by it, and
//!    whoever comes for the next round cannot be among them. So the group may be used again at once,
//!    which is a panic in Go. If the counter is no longer 0, an `add` came before this `done` was
//!    over, as if it had come before it began: there was no 0, and a later `done` releases.
//! 2. `PARKED` is cleared under the queue's lock only, and every sleeper checks it there. It may
//!    outlive the sleepers, if they give up.
//! 3. A `done` too many takes the counter below 0 for a moment, and takes that back. An `add` may come
//!    between the two: then the `done` counts as that one's, and it is the next that is too many. So
//!    there is a refusal for each `done` too many, and none for the others. Nobody waits for a counter
//!    below 0.

use crate::park::{self, Key, Parked};
use crate::primitive::{AtomicUsize, Ordering};
use crate::spin::SpinBudget;
use crate::workers;
use std::time::Instant;

use Ordering::{Acquire, Relaxed, Release};

const PARKED: usize = 1;
const ONE: usize = 2;
/// Far from the end of the word, so that no number of threads can get there together.
const MAX: isize = isize::MAX / 4;

fn count(word: usize) -> isize {
    word.cast_signed() >> 1
}

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

    pub(crate) fn count(&self) -> isize {
        count(self.word.load(Relaxed)).max(0)
    }

    /// Adds `delta`, and releases the sleepers if that makes 0. Refuses to leave the range.
    #[inline]
    pub(crate) fn add(&self, delta: isize) -> Result<(), Misuse> {
        match delta {
            1 => self.add_one(),
            -1 => self.done(),
            _ => self.add_many(delta),
        }
    }

    #[inline]
    fn add_one(&self) -> Result<(), Misuse> {
        // Others may add after this look, but not as many as there is room for beyond `MAX`.
        if count(self.word.load(Relaxed)) >= MAX {
            return Err(Misuse::Overflow);
        }
        self.word.fetch_add(ONE, Relaxed);
        Ok(())
    }

    #[inline]
    fn done(&self) -> Result<(), Misuse> {
        // Release: what came before a `done` happens before the return of every `wait`; pairs with
        // the Acquires in `wait` and `release`.
        let word = self.word.fetch_sub(ONE, Release);
        if count(word) > 0 && word != ONE | PARKED {
            Ok(())
        } else {
            self.done_slow(word)
        }
    }

    /// The rest of a `done` that found `word`: the last with somebody asleep, or one too many.
    #[cold]
    fn done_slow(&self, word: usize) -> Result<(), Misuse> {
        let result = if count(word) < 1 {
            self.retract()
        } else {
            Ok(())
        };
        self.release();
        result
    }

    /// Takes back a `done` that took the counter below 0, unless an `add` has made up for it.
    fn retract(&self) -> Result<(), Misuse> {
        loop {
            let word = self.word.load(Relaxed);
            if count(word) >= 0 {
                return Ok(());
            }
            if self
                .word
                .compare_exchange_weak(word, word.wrapping_add(ONE), Relaxed, Relaxed)
                .is_ok()
            {
                return Err(Misuse::Negative);
            }
        }
    }

    fn add_many(&self, delta: isize) -> Result<(), Misuse> {
        loop {
            let word = self.word.load(Relaxed);
            let next = match count(word).checked_add(delta) {
                Some(next @ ..=MAX) if next >= 0 || delta >= 0 => next,
                _ if delta < 0 => return Err(Misuse::Negative),
                _ => return Err(Misuse::Overflow),
            };
            let parked = word & PARKED;
            let next_word = (next << 1).cast_unsigned() | parked;
            // Release: as in `done`.
            if self
                .word
                .compare_exchange_weak(word, next_word, Release, Relaxed)
                .is_ok()
            {
                if next == 0 && parked != 0 {
                    self.release();
                }
                return Ok(());
            }
        }
    }

    /// Wakes all who sleep until now, if the counter is 0.
    #[cold]
    fn release(&self) {
        let is_zero = || {
            self.word
                // Acquire: pairs with the Release of every `done`, for the sleepers, who are told
                // through the queue.
                .compare_exchange(PARKED, 0, Acquire, Relaxed)
                .is_ok()
        };
        park::unpark_all_if(self.waiters(), is_zero, |_| {});
    }

    /// Waits until the counter is 0; false if the deadline comes first.
    #[inline]
    pub(crate) fn wait(&self, deadline: Option<Instant>) -> bool {
        // Acquire: pairs with the Release of every `done`.
        count(self.word.load(Acquire)) < 1 || self.wait_slow(deadline)
    }

    #[cold]
    fn wait_slow(&self, deadline: Option<Instant>) -> bool {
        let mut budget = SpinBudget::new();
        loop {
            // Acquire: as in `wait`.
            let word = self.word.load(Acquire);
            if count(word) < 1 {
                return true;
            }
            let others_sleep = word & PARKED != 0;
            if budget.spin(others_sleep, deadline) || !self.flag_parked(word) {
                continue;
            }
            let sleep = || self.word.load(Relaxed) & PARKED != 0;
            match workers::park_for_goroutines(self.waiters(), sleep, deadline) {
                Parked::Unparked => return true,
                Parked::Invalid => budget.reset(),
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
    #[cfg(gosync_model)]
    pub(crate) fn word(&self) -> usize {
        self.word.load(Relaxed)
    }
}
