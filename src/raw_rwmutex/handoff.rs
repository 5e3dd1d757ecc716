//! How ownership passes from writer to writer: to whoever is faster, to the heir by hand-off, or to readers.

use super::bias::{settle, settle_counted};
use super::word::*;
use super::{RawRWMutex, WriteToken};
use crate::park::{self, Parked};
use crate::primitive::Ordering;
use crate::spin::Patience;
use std::time::Instant;

use Ordering::{Acquire, Relaxed, Release};

/// How the owner of `WRITER` comes to step down.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// It had the lock: it has seen all readers leave.
    Done,
    /// It may have left readers inside.
    GaveUp,
}

impl RawRWMutex {
    /// As heir, becomes the owner of `WRITER`: by winning it, or by hand-off once it has waited too
    /// long. `drain` follows, and acquires.
    pub(super) fn inherit(&self, mut patience: Patience, deadline: Option<Instant>) -> bool {
        patience.renew();
        loop {
            let word = self.word.load(Relaxed);
            if !is_heir(word) {
                self.announced();
                return true;
            }
            if !is_announced(word) {
                let heirless = word & !(HEIR | HEIR_PARKED);
                if self
                    .word
                    .compare_exchange_weak(word, heirless | WRITER, Relaxed, Relaxed)
                    .is_ok()
                {
                    self.announced();
                    return true;
                }
                continue;
            }
            let plea = if patience.is_over() {
                HEIR_PARKED | HANDOFF
            } else {
                HEIR_PARKED
            };
            if patience.spin(false, deadline) || !self.flag(word, plea, is_announced) {
                continue;
            }
            match self.park_while(self.heir(), HEIR_PARKED, is_announced, deadline) {
                Parked::Unparked | Parked::Invalid => patience.renew(),
                Parked::TimedOut => return self.resign(),
            }
        }
    }

    /// The owner of the lock steps down; it keeps `kept` read locks.
    #[inline]
    pub(super) fn step_down_to(&self, token: WriteToken, kept: u64) {
        self.stepped_down();
        let word = token.0;
        if !is_held_alone(word) || !self.step_down_from(word, settle_counted(word), kept) {
            self.step_down_slow(word, kept);
        }
    }

    /// Steps down to `next`, without `WRITER` and with `kept` readers, if the word is still `word`.
    #[inline(always)]
    fn step_down_from(&self, word: u64, next: u64, kept: u64) -> bool {
        let next = next - WRITER + kept * ONE_READER;
        // Release: pairs with every Acquire on the word.
        self.word
            .compare_exchange(word, next, Release, Relaxed)
            .is_ok()
    }

    /// As `step_down_to`, for a lock with slots, or one that somebody waits for.
    #[cold]
    fn step_down_slow(&self, word: u64, kept: u64) {
        let is_alone_with_slots = word & COUNTED == 0 && is_held_alone(word | COUNTED);
        if !is_alone_with_slots || !self.step_down_from(word, settle(word), kept) {
            self.pass_on(kept, Exit::Done);
        }
    }

    #[inline(never)]
    pub(super) fn pass_on(&self, mut kept: u64, mut exit: Exit) {
        loop {
            let word = self.step_down(kept, exit);
            if word & HEIR_PARKED != 0 {
                park::unpark_one(self.heir(), |_, _| {});
            }
            if !(needs_heir(word) && self.bequeath()) {
                return;
            }
            // The reads that `kept` stands for are the caller's from the first round on, and from
            // then on it is not the lock that it has.
            (kept, exit) = (0, Exit::GaveUp);
        }
    }

    /// Gives up `WRITER` and admits the readers that wait, in one step. Returns the word before it.
    fn step_down(&self, kept: u64, exit: Exit) -> u64 {
        loop {
            let word = self.word.load(Relaxed);
            if word & READERS_PARKED != 0 {
                return self.admit(kept, exit);
            }
            // Release: as in `step_down_to`.
            if self
                .word
                .compare_exchange_weak(word, Self::next(word, kept, exit), Release, Relaxed)
                .is_ok()
            {
                return word;
            }
        }
    }

    /// `step_down` with readers in the queue. They are counted in under the queue's lock, so none can
    /// join or leave meanwhile.
    #[cold]
    fn admit(&self, kept: u64, exit: Exit) -> u64 {
        let mut word = self.word.load(Relaxed);
        park::unpark_all(self.readers(), |waiting| {
            // Release: as in `step_down_to`.
            while let Err(now) = self.word.compare_exchange_weak(
                word,
                Self::next(word, kept + waiting as u64, exit),
                Release,
                Relaxed,
            ) {
                word = now;
            }
        });
        word
    }

    /// The word after the owner of `WRITER` has stepped down, and `entering` readers have entered.
    fn next(word: u64, entering: u64, exit: Exit) -> u64 {
        match exit {
            Exit::Done => succeed(settle(word), entering),
            Exit::GaveUp => succeed(word | FENCED, entering), // Invariant 7.
        }
    }

    /// Passes `HEIR`, which the caller owns, to a writer in the queue, or drops it if there is none.
    /// Returns whether the caller owns `WRITER` instead and has to step down, since there are readers
    /// to admit and nobody else to do it.
    fn bequeath(&self) -> bool {
        loop {
            let word = self.word.load(Relaxed);
            if word & WRITERS_PARKED != 0 {
                let found = park::unpark_one(self.writers(), |_, more| {
                    if !more {
                        self.word.fetch_and(!WRITERS_PARKED, Relaxed);
                    }
                });
                if found {
                    return false;
                }
                continue;
            }
            let owes_readers = word & READERS_PARKED != 0 && !is_announced(word);
            let heirless = word & !HEIR;
            let next = if owes_readers {
                heirless | WRITER
            } else {
                heirless
            };
            // Acquire: pairs with the Release of the writer before, whose writes the readers that
            // this thread admits have to see.
            if self
                .word
                .compare_exchange_weak(word, next, Acquire, Relaxed)
                .is_ok()
            {
                return owes_readers;
            }
        }
    }

    /// Gives up as heir. Returns whether `WRITER` was handed to the caller before that.
    fn resign(&self) -> bool {
        loop {
            let word = self.word.load(Relaxed);
            if !is_heir(word) {
                self.announced();
                return true;
            }
            // From here on nobody hands the lock to this thread.
            let silent = word & !(HANDOFF | HEIR_PARKED);
            if self
                .word
                .compare_exchange_weak(word, silent, Relaxed, Relaxed)
                .is_ok()
            {
                if self.bequeath() {
                    self.pass_on(0, Exit::GaveUp);
                }
                return false;
            }
        }
    }
}
