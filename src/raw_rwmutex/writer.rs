//! How a writer announces itself, drains the readers inside, and steps down.

use super::handoff::Exit;
use super::word::*;
use super::{RawRWMutex, ReadToken, Step, WriteToken};
use crate::park::Parked;
use crate::primitive::Ordering;
use crate::readers;
use crate::spin::{self, SpinBudget};
use std::time::Instant;

use Ordering::{Acquire, Relaxed};

impl RawRWMutex {
    #[inline]
    pub(crate) fn lock(&self) -> WriteToken {
        // No load of the word first: the exchange would have to wait for it.
        if readers::own().expects_new.get()
            && let Ok(token) = self.announce_at(NEW)
        {
            return token;
        }
        self.lock_general()
    }

    #[inline(never)]
    fn lock_general(&self) -> WriteToken {
        let own = readers::own();
        own.expects_new.set(false);
        // Not a compare-exchange, which would need to know the word.
        if is_announced(self.word.fetch_or(WRITER, Relaxed)) {
            return self.lock_contended();
        }
        self.track_announce();
        own.note_write(self.address());
        // Acquire: pairs with the Releases in `exchange_release` and `count_out`.
        let word = self.word.load(Acquire);
        own.expects_new.set(word & !CREDIT == NEW | WRITER);
        if is_held_alone(word) {
            WriteToken(word)
        } else {
            self.drain_contended()
        }
    }

    #[inline]
    pub(crate) fn try_lock(&self) -> Option<WriteToken> {
        self.try_lock_fast().or_else(|| self.try_lock_slow())
    }

    #[inline]
    pub(crate) fn try_lock_until(&self, deadline: Option<Instant>) -> Option<WriteToken> {
        self.try_lock_fast().or_else(|| self.lock_slow(deadline))
    }

    /// Ends the write.
    ///
    /// # Safety
    ///
    /// The caller must own the write lock. This call ends it.
    #[inline]
    pub(crate) unsafe fn unlock(&self, token: WriteToken) {
        self.step_down_keeping(token, 0);
    }

    /// Ends the write and hands the lock to the writer that has waited longest, if there is one. As in
    /// `unlock`, the sleeping readers are admitted before it.
    ///
    /// # Safety
    ///
    /// The caller must own the write lock. This call ends it.
    #[inline]
    pub(crate) unsafe fn unlock_fair(&self, token: WriteToken) {
        self.step_down_fairly(token);
    }

    /// Ends the write and keeps a read lock. No writer comes between.
    ///
    /// # Safety
    ///
    /// The caller must own the write lock. After this call it owns a read lock instead.
    #[inline]
    pub(crate) unsafe fn downgrade(&self, token: WriteToken) -> ReadToken {
        self.step_down_keeping(token, ONE_READER);
        self.track_enter();
        ReadToken(None)
    }

    /// Makes one attempt. Succeeds only at *counted*, if no thread holds the lock or waits for it.
    #[inline(always)]
    fn try_lock_fast(&self) -> Option<WriteToken> {
        let word = self.word.load(Relaxed);
        if is_free_and_counted(word) {
            self.announce_at(word).ok()
        } else {
            None
        }
    }

    /// Becomes the owner of `WRITER` if the word is still `word`. Otherwise returns the current word.
    #[inline(always)]
    fn announce_at(&self, word: u64) -> Result<WriteToken, u64> {
        // Acquire: as in `lock_general`, if there are no slots to look at.
        self.word
            .compare_exchange_weak(word, word | WRITER, Acquire, Relaxed)?;
        self.track_announce();
        readers::own().note_write(self.address());
        Ok(WriteToken(word | WRITER))
    }

    /// Fails only because of a writer or of readers inside, never because of waiters.
    #[cold]
    fn try_lock_slow(&self) -> Option<WriteToken> {
        let mut word = self.word.load(Relaxed);
        loop {
            if is_announced(word) || self.has_readers(word) {
                return None;
            }
            match self.announce_at(word) {
                Ok(_) => break,
                Err(now) => word = now,
            }
        }
        let is_drained = self.drain_slots(|slot| self.is_passing(slot));
        self.enter_or_give_up(is_drained)
    }

    #[cold]
    fn lock_contended(&self) -> WriteToken {
        self.lock_slow(None).expect("there is no deadline")
    }

    #[cold]
    fn drain_contended(&self) -> WriteToken {
        self.drain_slow(None).expect("there is no deadline")
    }

    fn lock_slow(&self, deadline: Option<Instant>) -> Option<WriteToken> {
        self.announce(deadline)
            .then(|| self.drain_slow(deadline))
            .flatten()
    }

    fn drain_slow(&self, deadline: Option<Instant>) -> Option<WriteToken> {
        let is_drained = self.drain(deadline);
        self.enter_or_give_up(is_drained)
    }

    /// Becomes the owner of `WRITER`, in competition with other writers. Returns false if the deadline passes
    /// first. Does not acquire; `drain` follows, and acquires.
    fn announce(&self, deadline: Option<Instant>) -> bool {
        let mut budget = SpinBudget::new();
        loop {
            let word = self.word.load(Relaxed);
            if !is_announced(word) {
                // An announcement would hold up other threads without effect.
                if spin::is_late(deadline) && self.has_readers(word) {
                    return false;
                }
                // Not a compare-exchange: readers that come and go could make it fail again and again.
                if !is_announced(self.word.fetch_or(WRITER, Relaxed)) {
                    self.track_announce();
                    return true;
                }
            } else if !budget.spin(word & WRITERS_PARKED != 0, deadline) {
                break;
            }
        }
        budget.start_clock();
        let decide = |word| match is_announced(word) {
            true => Step::Sleep(word | WRITERS_PARKED),
            false => Step::Enter(word | WRITER),
        };
        match self.park(self.writers_queue(), decide, deadline) {
            Parked::Unparked => self.take_over(budget, deadline),
            Parked::Invalid => {
                self.track_announce();
                true
            }
            Parked::TimedOut => false,
        }
    }

    /// Returns the write lock if all readers have left. Otherwise steps down and returns `None`.
    fn enter_or_give_up(&self, is_drained: bool) -> Option<WriteToken> {
        if is_drained {
            return Some(WriteToken(self.word.load(Relaxed)));
        }
        self.track_step_down();
        self.step_down_and_wake(0, Exit::GaveUp);
        None
    }
}
