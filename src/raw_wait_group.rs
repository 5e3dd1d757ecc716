//! The counter behind `WaitGroup` and `scope`: threads sleep until it is 0. (A `JoinHandle` waits on the word
//! of its `Task` instead.)
//!
//! # The word
//!
//! | bit | means |
//! |---|---|
//! | 0 | `PARKED`: a thread sleeps, or is about to, until the counter is 0 |
//! | 1.. | the counter, signed |
//!
//! Go's `sync.WaitGroup` (`waitgroup.go`) also counts the waiters. Here they are in the queue.
//!
//! # Invariants
//!
//! 1. A thread sets `PARKED` only while the counter is above 0; the flag may outlast that. The thread that
//!    takes the counter to 0 and finds `PARKED` *releases*: under the lock of the queue, if the counter is
//!    still 0, it clears `PARKED` and takes every sleeper from the queue. So it releases the sleepers that
//!    wait for *this* 0, and a thread that waits for the next round cannot be among them. Therefore the group
//!    may be reused at once, which panics in Go. If the counter is no longer 0, an `add` came before this
//!    `done` was over. That counts as if the `add` had come before the `done` began: the counter was never 0,
//!    and a later `done` releases.
//! 2. `PARKED` is cleared only under the lock of the queue, and every sleeper checks it there. It may outlive
//!    the sleepers, if they give up.
//! 3. A `done` too many takes the counter below 0 for a moment, and then takes that back. If an `add` comes
//!    between the two, the `done` counts as the one for this `add`, and the next one is too many. So each
//!    `done` too many is refused, and no other. No thread waits for a counter below 0.

use crate::park::{self, Key, Parked};
use crate::primitive::{AtomicUsize, Ordering};
use crate::spin::SpinBudget;
use crate::workers;
use std::time::Instant;

use Ordering::{Acquire, Relaxed, Release};

const PARKED: usize = 1;
const ONE: usize = 2;
/// Far from overflow, so that threads that add at the same time cannot reach it together.
const MAX: isize = isize::MAX / 4;

fn count(word: usize) -> isize {
    word.cast_signed() >> 1
}

pub(crate) struct RawWaitGroup {
    /// See the table above.
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

    /// Adds `delta`, and releases the sleepers if the counter becomes 0. Refuses a result outside the range.
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
        // Other threads may add after this look, but there is room for all of them beyond `MAX`.
        if count(self.word.load(Relaxed)) >= MAX {
            return Err(Misuse::Overflow);
        }
        self.word.fetch_add(ONE, Relaxed);
        Ok(())
    }

    #[inline]
    fn done(&self) -> Result<(), Misuse> {
        // Release: pairs with the Acquires in `wait` and `release`, so that what came before a `done` happens
        // before the return of every `wait`.
        let word = self.word.fetch_sub(ONE, Release);
        if count(word) > 0 && word != ONE | PARKED {
            Ok(())
        } else {
            self.done_slow(word)
        }
    }

    /// The rest of a `done` that found `word`. Either it is the last one and threads sleep, or it is one too
    /// many.
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

    /// Takes back a `done` that took the counter below 0, unless an `add` has made up for it in the meantime.
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

    /// Wakes all current sleepers if the counter is 0.
    #[cold]
    fn release(&self) {
        let clear_at_zero = || {
            self.word
                // Acquire: pairs with the Release of every `done`, on behalf of the sleepers. The queue
                // passes it on to them.
                .compare_exchange(PARKED, 0, Acquire, Relaxed)
                .is_ok()
        };
        park::unpark_all_if(self.waiters(), clear_at_zero, |_| {});
    }

    /// Waits until the counter is 0. Returns false if the deadline passes first.
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

    /// Returns the whole word.
    #[cfg(gosync_model)]
    pub(crate) fn word(&self) -> usize {
        self.word.load(Relaxed)
    }
}
