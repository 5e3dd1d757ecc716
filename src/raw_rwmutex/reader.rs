//! How a reader enters, by a slot or by counting itself in, and how it leaves again.

use super::bias::{balance, credit_of_sample, is_enough, samples_all};
use super::word::*;
use super::{RawRWMutex, ReadToken, Step, prices};
use crate::barrier;
use crate::park::Parked;
use crate::primitive::{Ordering, fence};
use crate::readers::{self, Entry, Own};
use crate::spin::{Backoff, SpinBudget};
use std::hint;
use std::time::Instant;

use Ordering::{Acquire, Relaxed, Release, SeqCst};

/// Why an attempt failed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Miss {
    /// Another thread changed the word at the same time.
    Collision,
    Other,
}

impl RawRWMutex {
    #[inline]
    #[track_caller]
    pub(crate) fn rlock(&self) -> ReadToken {
        match self.try_rlock_fast() {
            Ok(token) => token,
            Err(miss) => self.rlock_contended(miss),
        }
    }

    #[inline]
    pub(crate) fn try_rlock(&self) -> Option<ReadToken> {
        match self.try_rlock_fast() {
            Ok(token) => Some(token),
            Err(miss) => self.try_rlock_slow(miss),
        }
    }

    #[inline]
    #[track_caller]
    pub(crate) fn try_rlock_until(&self, deadline: Option<Instant>) -> Option<ReadToken> {
        match self.try_rlock_fast() {
            Ok(token) => Some(token),
            Err(miss) => self.rlock_slow(miss, deadline),
        }
    }

    /// Ends a read.
    ///
    /// # Safety
    ///
    /// The caller must own the read lock of `token`. This call ends it.
    #[inline]
    pub(crate) unsafe fn runlock(&self, token: ReadToken) {
        self.track_leave();
        match token.0 {
            Some(entry) => self.leave(entry),
            None => {
                hint::cold_path();
                self.count_out()
            }
        }
    }

    /// Makes one attempt, at the current speed of the lock. Short enough to be inlined.
    #[inline(always)]
    fn try_rlock_fast(&self) -> Result<ReadToken, Miss> {
        let own = readers::own();
        let word = self.word.load(Relaxed);
        if admits_quiet_readers(word) {
            let entry = own.enter_quietly(id(word)).ok_or(Miss::Other)?;
            self.hold_quietly(entry)
        } else if word & COUNTED != 0 {
            if bars_readers(word) || samples_all() || own.tick_sample_of(self.address()) {
                return Err(Miss::Other);
            }
            // With this bit cleared, the exchange fails if there are too many readers. That takes less time
            // than a check.
            let word = word & !TOO_MANY_READERS;
            self.count_in(word, word)
        } else if admits_slot_readers(word) {
            hint::cold_path();
            let entry = own.enter(id(word)).ok_or(Miss::Other)?;
            self.hold(&own, entry)
        } else {
            Err(Miss::Other)
        }
    }

    /// Tries again until it succeeds. Fails only because of a writer, or because there are too many readers.
    #[inline(never)]
    fn try_rlock_slow(&self, mut miss: Miss) -> Option<ReadToken> {
        let own = readers::own();
        let mut backoff = Backoff::new();
        loop {
            let word = self.word.load(Relaxed);
            if !is_readable(word) {
                return None;
            }
            let result = if !admits_slot_readers(word) {
                self.count_in_slow(&own, word, miss)
            } else if let Some(entry) = own.enter_anywhere(id(word)) {
                // The fence is right at *quiet*, too, and only takes longer.
                self.hold(&own, entry)
            } else {
                self.count_in(word, word)
            };
            match result {
                Ok(token) => return Some(token),
                Err(now) => miss = now,
            }
            if miss == Miss::Collision {
                backoff.wait();
            }
        }
    }

    /// Counts the reader in at *counted*. If the read is a sample or follows a collision, it adds to the
    /// credit, or takes up slots instead.
    fn count_in_slow(&self, own: &Own, word: u64, miss: Miss) -> Result<ReadToken, Miss> {
        let saved = match own.tick_sample() || samples_all() {
            true => {
                own.restart_samples();
                credit_of_sample(word)
            }
            false if miss == Miss::Collision => prices::collision_credit(),
            false => 0,
        };
        let next = balance(word, saved, 0);
        if saved == 0 || !is_enough(next) {
            return self.count_in(word, next);
        }
        if self.take_up_slots(word, next & CREDIT) {
            return Err(Miss::Other);
        }
        // The credit starts again at 0.
        self.count_in(word, word & !CREDIT)
    }

    /// Counts the reader in if the word is still `word`. The rest of the word becomes that of `next`.
    #[inline(always)]
    fn count_in(&self, word: u64, next: u64) -> Result<ReadToken, Miss> {
        // Acquire: pairs with the Release in `exchange_release`.
        self.word
            .compare_exchange_weak(word, next + ONE_READER, Acquire, Relaxed)
            .map_err(|_| Miss::Collision)?;
        self.track_enter();
        Ok(ReadToken(None))
    }

    /// Makes the entry a read lock, at *slots*, unless the word no longer admits readers by slots: a writer has
    /// come, or the lock has given up its slots.
    #[inline(always)]
    fn hold(&self, own: &Own, entry: Entry) -> Result<ReadToken, Miss> {
        fence(SeqCst);
        // Acquire: pairs with the Release in `exchange_release`.
        let word = self.word.load(Acquire);
        if !admits_slot_readers(word) {
            self.retreat(entry);
            return Err(Miss::Other);
        }
        if own.tick_sample() {
            self.note_sample(own, word);
        }
        self.track_enter();
        Ok(ReadToken(Some(entry)))
    }

    /// As `hold`, at *quiet*.
    #[inline(always)]
    fn hold_quietly(&self, entry: Entry) -> Result<ReadToken, Miss> {
        barrier::light();
        // Acquire: pairs with the Release in `exchange_release`.
        if !admits_quiet_readers(self.word.load(Acquire)) {
            self.retreat(entry);
            return Err(Miss::Other);
        }
        self.track_enter();
        Ok(ReadToken(Some(entry)))
    }

    /// Takes back an entry because a writer has come between. That writer may have seen the entry, and wait
    /// for it.
    #[cold]
    fn retreat(&self, entry: Entry) {
        self.leave(entry);
    }

    /// Ends a read by a slot, or takes back a passing entry.
    #[inline(always)]
    fn leave(&self, entry: Entry) {
        entry.end();
        if self.word.load(Relaxed) & DRAINER_PARKED != 0 {
            self.wake_drainer();
        }
    }

    /// Ends a read that was counted in.
    #[inline(always)]
    fn count_out(&self) {
        // Release: pairs with the Acquires of the threads that become the writer (`await_count`,
        // `lock_general`, `announce_at`, `try_upgrade`, `upgrade_alone`), so that reads end before writes
        // begin. On x86 a separate load costs less than a subtraction that returns the word. The load finds a
        // `DRAINER_PARKED` that was set before. A writer that sets `DRAINER_PARKED` later looks at the count
        // before it sleeps.
        self.word.fetch_sub(ONE_READER, Release);
        let word = self.word.load(Relaxed);
        if word & DRAINER_PARKED != 0 && !has_counted_readers(word) {
            self.wake_drainer();
        }
    }

    #[cold]
    #[track_caller]
    fn rlock_contended(&self, miss: Miss) -> ReadToken {
        self.rlock_slow(miss, None).expect("there is no deadline")
    }

    #[inline(never)]
    #[track_caller]
    fn rlock_slow(&self, mut miss: Miss, deadline: Option<Instant>) -> Option<ReadToken> {
        let mut budget = SpinBudget::new();
        loop {
            if let Some(token) = self.try_rlock_slow(miss) {
                return Some(token);
            }
            miss = Miss::Other;
            let word = self.word.load(Relaxed);
            refuse_too_many_readers(word);
            if !budget.spin(word & READERS_PARKED != 0, deadline) {
                break;
            }
        }
        let decide = |word| match bars_readers(word) {
            true => Step::Sleep(word | READERS_PARKED),
            false => Step::Enter(word + ONE_READER),
        };
        match self.park(self.readers_queue(), decide, deadline) {
            // Counted in, by the writer that admitted it or by its own `decide`.
            Parked::Unparked | Parked::Invalid => {
                self.track_enter();
                Some(ReadToken(None))
            }
            Parked::TimedOut => None,
        }
    }
}

/// Panics if no more readers may be counted. Must be called before a reader sleeps, because a writer admits
/// sleeping readers without another look at the count.
#[track_caller]
pub(super) fn refuse_too_many_readers(word: u64) {
    assert!(
        !has_too_many_readers(word),
        "gosync: too many readers of one RWMutex"
    );
}
