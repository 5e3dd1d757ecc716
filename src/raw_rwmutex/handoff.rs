//! How a writer passes the lock on: to the fastest writer, to the successor by hand-off, or to readers.

use super::bias::{settle, settle_counted};
use super::word::*;
use super::{RawRWMutex, Step, WriteToken};
use crate::park::{self, Parked};
use crate::primitive::Ordering;
use crate::spin::SpinBudget;
use std::time::Instant;

use Ordering::{AcqRel, Relaxed};

/// Why the owner of `WRITER` steps down.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// It had the lock, so it has seen all readers leave.
    Done,
    /// As `Done`, but `WRITER` goes to the next writer.
    Fair,
    /// It gave up, and may leave readers inside.
    GaveUp,
}

impl RawRWMutex {
    /// Makes the caller, which is the successor, the owner of `WRITER`: it wins the flag, or is handed it,
    /// when it starves or by a fair unlock. Returns false if the deadline passes first. Does not acquire;
    /// `drain` follows, and acquires.
    pub(super) fn take_over(&self, mut budget: SpinBudget, deadline: Option<Instant>) -> bool {
        loop {
            budget.reset();
            loop {
                let word = self.word.load(Relaxed);
                if !has_successor(word) {
                    self.track_announce();
                    return true;
                }
                if !is_announced(word) {
                    let next = without_successor(word) | WRITER;
                    if self
                        .word
                        .compare_exchange_weak(word, next, Relaxed, Relaxed)
                        .is_ok()
                    {
                        self.track_announce();
                        return true;
                    }
                } else if !budget.spin(false, deadline) {
                    break;
                }
            }
            let request = if budget.is_starving() {
                SUCCESSOR_PARKED | HANDOFF
            } else {
                SUCCESSOR_PARKED
            };
            let decide = |word| match (has_successor(word), is_announced(word)) {
                (false, _) => Step::Enter(word),
                (true, true) => Step::Sleep(word | request),
                (true, false) => Step::Enter(without_successor(word) | WRITER),
            };
            match self.park(self.successor_queue(), decide, deadline) {
                Parked::Unparked => {}
                Parked::Invalid => {
                    self.track_announce();
                    return true;
                }
                Parked::TimedOut => return self.give_up_as_successor(),
            }
        }
    }

    /// Steps down as the owner of the lock. The caller keeps `kept`: 0, `ONE_READER` or `UPGRADABLE`.
    #[inline]
    pub(super) fn step_down_keeping(&self, token: WriteToken, kept: u64) {
        self.track_step_down();
        let word = token.0;
        if !is_held_alone(word) || !self.try_step_down(word, settle_counted(word), kept) {
            self.step_down_slow(word, kept);
        }
    }

    /// As `step_down_keeping`, but keeps nothing, and `WRITER` goes to the next writer if there is one.
    #[inline]
    pub(super) fn step_down_fairly(&self, token: WriteToken) {
        self.track_step_down();
        let word = token.0;
        if !is_held_alone(word) || !self.try_step_down(word, settle_counted(word), 0) {
            self.end_write(word, 0, Exit::Fair);
        }
    }

    /// Steps down if the word is still `word`: stores `next` without `WRITER` and with `kept`.
    #[inline(always)]
    fn try_step_down(&self, word: u64, next: u64, kept: u64) -> bool {
        self.exchange_release(word, next - WRITER + kept)
    }

    /// As `step_down_keeping`, for a lock that has slots or that other threads wait for.
    #[cold]
    fn step_down_slow(&self, word: u64, kept: u64) {
        let is_alone_with_slots = word & COUNTED == 0 && is_held_alone(word | COUNTED);
        if !is_alone_with_slots || !self.try_step_down(word, settle(word), kept) {
            self.end_write(word, kept, Exit::Done);
        }
    }

    /// Ends the write of an owner that got the lock when the word was `word`.
    #[cold]
    fn end_write(&self, word: u64, kept: u64, exit: Exit) {
        if has_upgrade_ahead(word) {
            self.track_no_writer_behind();
            self.end_upgrade(kept, exit);
        } else {
            self.step_down_and_wake(kept, exit);
        }
    }

    /// Steps down as the owner of `WRITER`, and wakes the waiters that the caller owes a wake-up.
    ///
    /// The wake-ups may come after another thread has got the lock, so the lock must outlive this call.
    /// Behind guards it does.
    #[inline(never)]
    pub(super) fn step_down_and_wake(&self, mut kept: u64, mut exit: Exit) {
        // `None`: an upgrade has passed the caller, and owns `WRITER` now.
        while let Some(word) = self.step_down(kept, exit) {
            if upgradable_to_admit(word, kept) != 0 {
                self.wake_admitted_upgradable();
            }
            if word & SUCCESSOR_PARKED != 0 {
                park::unpark_one(self.successor_queue(), |_, _| {});
            }
            let owns_writer_still = needs_successor(word)
                && match exit {
                    Exit::Fair => !self.wake_writer(),
                    Exit::Done | Exit::GaveUp => self.promote_next(),
                };
            if !owns_writer_still {
                return;
            }
            // The first round has given the caller what `kept` stands for. In later rounds the caller owns
            // `WRITER` but not the lock: readers may be inside.
            (kept, exit) = (0, Exit::GaveUp);
        }
    }

    /// Gives up `WRITER` and admits the readers that wait, in one step. Returns the word before that step.
    /// Returns `None` if an upgradable reader has passed the caller: `WRITER` then belongs to that reader.
    fn step_down(&self, kept: u64, exit: Exit) -> Option<u64> {
        loop {
            let word = self.word.load(Relaxed);
            if has_upgrade_ahead(word) {
                if self.yield_to_upgrade(word) {
                    return None;
                }
            } else if word & READERS_PARKED != 0 {
                if let Some(word) = self.admit(kept, exit) {
                    return Some(word);
                }
            } else if self.exchange_release(word, Self::next(word, kept, exit)) {
                return Some(word);
            }
        }
    }

    /// As `step_down`, with readers in the queue. It counts them in under the queue's lock. Meanwhile no
    /// reader can join or leave the queue, and no upgrade can pass. Returns `None` if an upgrade has passed
    /// already.
    #[cold]
    fn admit(&self, kept: u64, exit: Exit) -> Option<u64> {
        let mut word = self.word.load(Relaxed);
        let mut is_done = false;
        let is_not_passed = || !has_upgrade_ahead(self.word.load(Relaxed));
        park::unpark_all_if(self.readers_queue(), is_not_passed, |waiting| {
            let kept = kept + waiting as u64 * ONE_READER;
            // Release: as in `exchange_release`. Acquire: the admitted readers learn of their admission through the
            // queue, not from the word. They must see the writes of all earlier owners, which this owner may
            // not have acquired if it gave up at once.
            while let Err(now) =
                self.word
                    .compare_exchange_weak(word, Self::next(word, kept, exit), AcqRel, Relaxed)
            {
                word = now;
            }
            is_done = true;
        });
        is_done.then_some(word)
    }

    /// Returns the word after the owner of `WRITER` has stepped down. `kept` stands for what it keeps and for
    /// the readers that it admits.
    fn next(word: u64, kept: u64, exit: Exit) -> u64 {
        let entering = kept + upgradable_to_admit(word, kept);
        match exit {
            Exit::Done => stepped_down(settle(word), entering),
            Exit::Fair => stepped_down_fairly(settle(word), entering),
            Exit::GaveUp => stepped_down(word | FENCED, entering), // Invariant 7.
        }
    }

    /// Wakes the writer that has slept longest in the queue. Returns whether there was one.
    fn wake_writer(&self) -> bool {
        park::unpark_one(self.writers_queue(), |_, more| {
            if !more {
                self.word.fetch_and(!WRITERS_PARKED, Relaxed);
            }
        })
    }

    /// Promotes the next writer in the queue: passes it `SUCCESSOR`, which the caller owns. Drops `SUCCESSOR`
    /// if there is no such writer.
    ///
    /// Returns whether the caller owns `WRITER` instead and must step down. Either a fair unlock has handed
    /// `WRITER` to it, or there are sleepers to admit and no other thread that would do so.
    fn promote_next(&self) -> bool {
        loop {
            let word = self.word.load(Relaxed);
            if word & WRITERS_PARKED != 0 {
                if self.wake_writer() {
                    return false;
                }
                continue;
            }
            if !has_successor(word) {
                return true;
            }
            let has_to_admit = owes_admission(word) && !is_announced(word);
            let rest = word & !SUCCESSOR;
            let next = if has_to_admit { rest | WRITER } else { rest };
            if self
                .word
                .compare_exchange_weak(word, next, Relaxed, Relaxed)
                .is_ok()
            {
                return has_to_admit;
            }
        }
    }

    /// Gives up as the successor. Returns whether `WRITER` was handed to the caller before that.
    fn give_up_as_successor(&self) -> bool {
        loop {
            let word = self.word.load(Relaxed);
            if !has_successor(word) {
                self.track_announce();
                return true;
            }
            // From here on no thread wakes this one.
            let silent = word & !(HANDOFF | SUCCESSOR_PARKED);
            if self
                .word
                .compare_exchange_weak(word, silent, Relaxed, Relaxed)
                .is_ok()
            {
                if self.promote_next() {
                    self.step_down_and_wake(0, Exit::GaveUp);
                }
                return false;
            }
        }
    }
}
