//! What a writer does: it announces itself, drains the readers inside, and steps down.

use super::bias::balance;
use super::handoff::Exit;
use super::word::*;
use super::{RawRWMutex, ReadToken};
use crate::park::Parked;
use crate::primitive::Ordering;
use crate::readers;
use crate::spin::{self, Patience};
use std::time::Instant;

use Ordering::{Acquire, Relaxed};

impl RawRWMutex {
    #[inline]
    pub(crate) fn lock(&self) {
        if !self.try_lock_fast() {
            self.lock_slow(None);
        }
    }

    #[inline]
    pub(crate) fn try_lock(&self) -> bool {
        self.try_lock_fast() || self.try_lock_slow()
    }

    #[inline]
    pub(crate) fn try_lock_until(&self, deadline: Option<Instant>) -> bool {
        self.try_lock_fast() || self.lock_slow(deadline)
    }

    /// Ends the write.
    ///
    /// # Safety
    ///
    /// The caller owns the write lock, and ends it with this call.
    #[inline]
    pub(crate) unsafe fn unlock(&self) {
        self.step_down_to(0);
    }

    /// Ends the write and keeps a read lock: no writer comes between.
    ///
    /// # Safety
    ///
    /// The caller owns the write lock, and owns a read lock instead after this call.
    #[inline]
    pub(crate) unsafe fn downgrade(&self) -> ReadToken {
        self.step_down_to(1);
        self.entered();
        ReadToken(None)
    }

    /// One attempt, at a lock that has no slots. Acquire: pairs with the Releases in `step_down` and
    /// `count_out`.
    #[inline]
    fn try_lock_fast(&self) -> bool {
        // Most locks that are written often have no past. To look first would take longer than to fail.
        let locked = match self.word.compare_exchange(0, WRITER, Acquire, Relaxed) {
            Ok(_) => true,
            Err(word) if is_free_of_all(word) => {
                let taken = balance(word, 0, readers::price()) | WRITER;
                self.word
                    .compare_exchange_weak(word, taken, Acquire, Relaxed)
                    .is_ok()
            }
            Err(_) => false,
        };
        if locked {
            self.announced();
        }
        locked
    }

    /// Fails only because of a writer or readers inside, never because of those who wait.
    #[cold]
    fn try_lock_slow(&self) -> bool {
        let mut word = self.word.load(Relaxed);
        loop {
            if is_announced(word) || self.has_readers(word) {
                return false;
            }
            // `drain_slots` acquires.
            match self
                .word
                .compare_exchange_weak(word, word | WRITER, Relaxed, Relaxed)
            {
                Ok(_) => break,
                Err(now) => word = now,
            }
        }
        self.announced();
        self.drain_slots(|slot| self.is_passing(slot)) || self.give_up()
    }

    #[cold]
    fn lock_slow(&self, deadline: Option<Instant>) -> bool {
        self.announce(deadline) && self.drain(deadline)
    }

    /// Becomes the owner of `WRITER`, in competition with other writers. `drain` follows, and
    /// acquires.
    fn announce(&self, deadline: Option<Instant>) -> bool {
        let mut patience = Patience::new();
        loop {
            let word = self.word.load(Relaxed);
            if !is_announced(word) {
                if spin::is_late(deadline) && self.has_readers(word) {
                    return false;
                }
                // Not a compare-exchange, which readers that come and go could foil again and again.
                if !is_announced(self.word.fetch_or(WRITER, Relaxed)) {
                    self.announced();
                    return true;
                }
                continue;
            }
            if patience.spin(deadline) || !self.flag(word, WRITERS_PARKED, is_announced) {
                continue;
            }
            patience.start();
            match self.park_while(self.writers(), WRITERS_PARKED, is_announced, deadline) {
                Parked::Unparked => return self.inherit(patience, deadline),
                Parked::Invalid => patience.renew(),
                Parked::TimedOut => return false,
            }
        }
    }

    /// Steps down without having had the lock.
    #[cold]
    pub(super) fn give_up(&self) -> bool {
        self.stepped_down();
        self.step_down_slow(0, Exit::GaveUp);
        false
    }
}
