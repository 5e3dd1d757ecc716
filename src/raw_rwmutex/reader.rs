//! What a reader does: it enters by a slot or counts itself in, and leaves the same way.

use super::bias::{is_credit_full, read_credit};
use super::word::*;
use super::{RawRWMutex, ReadToken, prices};
use crate::barrier;
use crate::park::Parked;
use crate::primitive::{Ordering, fence};
use crate::readers::{self, Slot};
use crate::spin::{Backoff, Patience};
use std::time::Instant;

use Ordering::{Acquire, Relaxed, Release, SeqCst};

impl RawRWMutex {
    #[inline]
    #[track_caller]
    pub(crate) fn rlock(&self) -> ReadToken {
        match self.try_rlock_fast() {
            Some(token) => token,
            None => self.rlock_slow(None).expect("there is no deadline"),
        }
    }

    #[inline]
    pub(crate) fn try_rlock(&self) -> Option<ReadToken> {
        self.try_rlock_fast().or_else(|| self.try_rlock_slow())
    }

    #[inline]
    #[track_caller]
    pub(crate) fn try_rlock_until(&self, deadline: Option<Instant>) -> Option<ReadToken> {
        self.try_rlock_fast().or_else(|| self.rlock_slow(deadline))
    }

    /// Ends one read.
    ///
    /// # Safety
    ///
    /// The caller owns the read lock of the token, and ends it with this call.
    #[inline]
    pub(crate) unsafe fn runlock(&self, token: ReadToken) {
        self.left();
        match token.0 {
            Some(slot) => self.leave(slot),
            None => self.count_out(),
        }
    }

    /// One attempt at the speeds that take one step, so that it can be inlined.
    #[inline(always)]
    fn try_rlock_fast(&self) -> Option<ReadToken> {
        let word = self.word.load(Relaxed);
        if is_quiet(word) {
            self.enter_quietly(readers::enter(id(word))?)
        } else if is_counted(word) {
            self.count_in(word)
        } else if has_slots(word) {
            self.enter_by_slot(word)
        } else {
            None
        }
    }

    /// Fails only because of a writer, or because there are too many readers.
    #[inline(never)]
    fn try_rlock_slow(&self) -> Option<ReadToken> {
        let mut backoff = Backoff::new();
        loop {
            let word = self.word.load(Relaxed);
            if !is_readable(word) {
                return None;
            }
            let token = if is_credit_full(word) && !has_slots(word) {
                self.take_up_slots(word);
                None
            } else if has_slots(word) && readers::has_slot() {
                self.enter_by_slot(word)
            } else {
                self.count_in(word).or_else(|| {
                    backoff.wait();
                    None
                })
            };
            if token.is_some() {
                return token;
            }
        }
    }

    /// Counts the reader in, if the word is still `word`; now and then with credit for the reads
    /// since the last time.
    #[inline]
    fn count_in(&self, word: u64) -> Option<ReadToken> {
        let has_earned = is_counted(word) && readers::is_sample();
        let credit = if has_earned { read_credit() } else { 0 };
        // Acquire: pairs with the Release in `step_down`.
        self.word
            .compare_exchange_weak(word, word + ONE_READER + credit, Acquire, Relaxed)
            .ok()?;
        self.entered();
        Some(ReadToken(None))
    }

    /// Enters at *slots*, unless no slot is empty or a writer comes between.
    #[inline(never)]
    fn enter_by_slot(&self, word: u64) -> Option<ReadToken> {
        let slot = readers::enter(id(word))?;
        fence(SeqCst);
        // Acquire: pairs with the Release in `step_down`.
        let now = self.word.load(Acquire);
        if !has_slots(now) {
            return self.retreat(slot);
        }
        if readers::note_read(stamp(now)) >= prices::quiet_after() {
            self.become_quiet(now);
        }
        self.entered();
        Some(ReadToken(Some(slot)))
    }

    /// Enters at *quiet*, by a slot that has just been filled, unless a writer comes between.
    #[inline(always)]
    fn enter_quietly(&self, slot: &'static Slot) -> Option<ReadToken> {
        barrier::light();
        // Acquire: pairs with the Release in `step_down`.
        if !is_quiet(self.word.load(Acquire)) {
            return self.retreat(slot);
        }
        self.entered();
        Some(ReadToken(Some(slot)))
    }

    /// Takes back an entry: a writer has come between, who may have seen it.
    #[cold]
    fn retreat(&self, slot: &Slot) -> Option<ReadToken> {
        self.leave(slot);
        None
    }

    /// Ends a read by a slot, or takes back a passing entry.
    #[inline(always)]
    fn leave(&self, slot: &Slot) {
        slot.clear();
        barrier::light();
        if self.word.load(Relaxed) & DRAIN != 0 {
            self.wake_drain();
        }
    }

    /// Ends a read that was counted in.
    #[inline]
    fn count_out(&self) {
        // Release: pairs with the Acquires in `await_count`, `drain_slots` and `try_lock_fast`, so that
        // reads end before writes begin.
        let word = self.word.fetch_sub(ONE_READER, Release);
        if was_awaited(word) {
            self.wake_drain();
        }
    }

    #[cold]
    #[track_caller]
    fn rlock_slow(&self, deadline: Option<Instant>) -> Option<ReadToken> {
        let mut patience = Patience::new();
        loop {
            if let Some(token) = self.try_rlock_slow() {
                return Some(token);
            }
            let word = self.word.load(Relaxed);
            assert!(
                bars_readers(word) || is_readable(word),
                "gosync: too many readers of one RWMutex"
            );
            if patience.spin(deadline) || !self.flag(word, READERS_PARKED, bars_readers) {
                continue;
            }
            match self.park_while(self.readers(), READERS_PARKED, bars_readers, deadline) {
                // Admitted: counted in by the writer that stepped down.
                Parked::Unparked => {
                    self.entered();
                    return Some(ReadToken(None));
                }
                Parked::Invalid => patience.renew(),
                Parked::TimedOut => return None,
            }
        }
    }
}
