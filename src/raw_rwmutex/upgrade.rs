//! How an upgradable reader reads beside other readers, and becomes the writer before any other thread does.
//!
//! An upgradable reader is neither counted nor in a slot. It has its own flag, [`UPGRADABLE`], so there is
//! one at a time. A writer that announces itself waits for this flag before it begins to drain the lock.
//! Meanwhile the upgradable reader may upgrade: it *passes* the writer. `WRITER` bars other readers already,
//! so the upgradable reader drains the lock and writes, while the writer continues to wait. If the writer
//! gives up, the upgradable reader gets `WRITER` from it. If no writer has announced itself, the upgradable
//! reader sets `WRITER` itself and gives up its flag.
//!
//! Upgradable readers that must wait compete with newcomers, as writers do. One that loses goes to the end of
//! the queue. But the first one in the queue is handed the flag if it has waited for a millisecond, or when a
//! writer steps down.

use super::handoff::Exit;
use super::reader::refuse_too_many_readers;
use super::word::*;
use super::{RawRWMutex, ReadToken, Step, UpgradableToken, WriteToken};
use crate::park::{self, Parked};
use crate::primitive::Ordering;
use crate::spin::{self, Backoff, SpinBudget};
use crate::workers;
use std::time::Instant;

use Ordering::{AcqRel, Acquire, Relaxed};

impl RawRWMutex {
    #[inline]
    #[track_caller]
    pub(crate) fn lock_upgradable(&self) -> UpgradableToken {
        self.try_lock_upgradable_until(None)
            .expect("there is no deadline")
    }

    #[inline]
    pub(crate) fn try_lock_upgradable(&self) -> Option<UpgradableToken> {
        let mut word = self.word.load(Relaxed);
        while admits_upgradable(word) {
            match self.enter_upgradable(word) {
                Ok(token) => return Some(token),
                Err(now) => word = now,
            }
        }
        None
    }

    #[inline]
    #[track_caller]
    pub(crate) fn try_lock_upgradable_until(
        &self,
        deadline: Option<Instant>,
    ) -> Option<UpgradableToken> {
        let word = self.word.load(Relaxed);
        if admits_upgradable(word)
            && let Ok(token) = self.enter_upgradable(word)
        {
            return Some(token);
        }
        self.lock_upgradable_slow(deadline)
    }

    /// Ends the upgradable read.
    ///
    /// # Safety
    ///
    /// The caller must own the upgradable read lock. This call ends it.
    #[inline]
    pub(crate) unsafe fn unlock_upgradable(&self, _: UpgradableToken) {
        self.track_leave_upgradable();
        self.end_upgradable(0, false);
    }

    /// Ends the upgradable read. If other upgradable readers wait, the first of them is next.
    ///
    /// # Safety
    ///
    /// The caller must own the upgradable read lock. This call ends it.
    #[inline]
    pub(crate) unsafe fn unlock_upgradable_fair(&self, _: UpgradableToken) {
        self.track_leave_upgradable();
        self.end_upgradable(0, true);
    }

    /// Ends the upgradable read and keeps a read lock.
    ///
    /// # Safety
    ///
    /// The caller must own the upgradable read lock. After this call it owns a read lock instead.
    #[inline]
    pub(crate) unsafe fn downgrade_upgradable(&self, _: UpgradableToken) -> ReadToken {
        self.track_leave_upgradable();
        self.end_upgradable(ONE_READER, false);
        self.track_enter();
        ReadToken(None)
    }

    /// Ends the write and keeps an upgradable read lock. No writer comes between.
    ///
    /// # Safety
    ///
    /// The caller must own the write lock. After this call it owns the upgradable read lock instead.
    #[inline]
    pub(crate) unsafe fn downgrade_to_upgradable(&self, token: WriteToken) -> UpgradableToken {
        self.step_down_keeping(token, UPGRADABLE);
        self.track_enter_upgradable();
        UpgradableToken(())
    }

    /// Waits until the readers inside have left, and becomes the writer. No other writer comes between.
    ///
    /// # Safety
    ///
    /// The caller must own the upgradable read lock. After this call it owns the write lock instead.
    #[inline]
    pub(crate) unsafe fn upgrade(&self, token: UpgradableToken) -> WriteToken {
        // SAFETY: the caller guarantees that it owns the upgradable read lock.
        match unsafe { self.try_upgrade_until(token, None) } {
            Ok(token) => token,
            Err(_) => unreachable!("there is no deadline"),
        }
    }

    /// Upgrades if that needs no wait. Never fails because of writers.
    ///
    /// # Safety
    ///
    /// The caller must own the upgradable read lock. After this call it owns the returned lock instead.
    #[inline]
    pub(crate) unsafe fn try_upgrade(
        &self,
        token: UpgradableToken,
    ) -> Result<WriteToken, UpgradableToken> {
        self.upgrade_alone().ok_or(token).or_else(|token| {
            if self.has_plain_readers(self.word.load(Relaxed)) {
                return Err(token);
            }
            self.begin_upgrade();
            // Acquire: as in `await_count`.
            let is_drained = self.drain_slots(|slot| self.is_passing(slot))
                && !has_counted_readers(self.word.load(Acquire));
            self.write_or_give_up(is_drained)
        })
    }

    /// As `upgrade`, but gives up at the deadline.
    ///
    /// # Safety
    ///
    /// The caller must own the upgradable read lock. After this call it owns the returned lock instead.
    #[inline]
    pub(crate) unsafe fn try_upgrade_until(
        &self,
        token: UpgradableToken,
        deadline: Option<Instant>,
    ) -> Result<WriteToken, UpgradableToken> {
        self.upgrade_alone().ok_or(token).or_else(|token| {
            // Barring readers would hold them up without effect.
            if spin::is_late(deadline) && self.has_plain_readers(self.word.load(Relaxed)) {
                return Err(token);
            }
            self.begin_upgrade();
            let is_drained = self.drain_plain_readers(deadline);
            self.write_or_give_up(is_drained)
        })
    }

    /// Becomes the upgradable reader if the word is still `word`. Otherwise returns the current word.
    #[inline(always)]
    fn enter_upgradable(&self, word: u64) -> Result<UpgradableToken, u64> {
        // Acquire: pairs with the Release in `exchange_release`.
        self.word
            .compare_exchange_weak(word, word | UPGRADABLE, Acquire, Relaxed)?;
        self.track_enter_upgradable();
        Ok(UpgradableToken(()))
    }

    #[cold]
    #[track_caller]
    fn lock_upgradable_slow(&self, deadline: Option<Instant>) -> Option<UpgradableToken> {
        // Only before the first sleep. A reader that was woken must not panic: other sleepers may depend
        // on its wake-up, too (invariant 3 of `raw_rwmutex`).
        refuse_too_many_readers(self.word.load(Relaxed));
        let mut budget = SpinBudget::new();
        let mut backoff = Backoff::new();
        loop {
            let word = self.word.load(Relaxed);
            if !bars_upgradable(word) {
                if let Ok(token) = self.enter_upgradable(word) {
                    return Some(token);
                }
                backoff.wait();
                continue;
            }
            if budget.spin(word & UPGRADABLES_PARKED != 0, deadline) {
                continue;
            }
            budget.start_clock();
            match self.park_as_upgradable(budget.is_starving(), deadline) {
                // It must compete.
                (Parked::Unparked, false) => budget.reset(),
                (Parked::TimedOut, _) => return None,
                (Parked::Unparked, true) | (Parked::Invalid, _) => {
                    self.track_enter_upgradable();
                    return Some(UpgradableToken(()));
                }
            }
        }
    }

    /// As `park`, for an upgradable reader. Also returns whether `UPGRADABLE` was handed to it.
    fn park_as_upgradable(&self, starves: bool, deadline: Option<Instant>) -> (Parked, bool) {
        let decide = |word| match bars_upgradable(word) {
            true => Step::Sleep(word | UPGRADABLES_PARKED),
            false => Step::Enter(word | UPGRADABLE),
        };
        // As in `workers::park`.
        let _blocked = workers::block();
        let sleeps = || self.sleep_or_enter(decide);
        park::sleep_for_handoff(self.upgradables_queue(), starves, sleeps, deadline)
    }

    /// Ends the upgradable read. The caller keeps `kept`: 0 or `ONE_READER`.
    #[inline]
    fn end_upgradable(&self, kept: u64, is_fair: bool) {
        let word = self.word.load(Relaxed);
        let is_alone = word & (WRITER | UPGRADABLES_PARKED) == 0;
        if !is_alone || !self.exchange_release(word, word - UPGRADABLE + kept) {
            self.end_upgradable_slow(kept, is_fair);
        }
    }

    #[cold]
    fn end_upgradable_slow(&self, kept: u64, is_fair: bool) {
        let mut backoff = Backoff::new();
        loop {
            let word = self.word.load(Relaxed);
            if owes_upgradable(word) {
                if self.wake_upgradable(kept, is_fair) {
                    return;
                }
            } else if self.exchange_release(word, word - UPGRADABLE + kept) {
                return self.wake_writer_behind(word);
            }
            backoff.wait();
        }
    }

    /// Wakes the first sleeping upgradable reader, for which the caller set `UPGRADABLE` as it stepped down from
    /// `WRITER`. If none sleeps any more, gives the flag up again.
    #[cold]
    pub(super) fn wake_admitted_upgradable(&self) {
        if !self.wake_upgradable(0, true) {
            self.end_upgradable_slow(0, false);
        }
    }

    /// Wakes the first sleeping upgradable reader, on behalf of the owner of `UPGRADABLE`, which keeps `kept`
    /// instead. The sleeper is handed `UPGRADABLE` if it has waited for long or if `is_fair`. Otherwise it
    /// competes for it. Returns false if none sleeps; the caller then still owns `UPGRADABLE`.
    fn wake_upgradable(&self, kept: u64, is_fair: bool) -> bool {
        let mut before = None;
        park::unpark_first(self.upgradables_queue(), |first| {
            let Some(first) = first else {
                self.word.fetch_and(!UPGRADABLES_PARKED, Relaxed);
                return false;
            };
            let is_handed_over = is_fair || first.wants_handoff;
            let mut gone = 0;
            if !is_handed_over {
                gone |= UPGRADABLE;
            }
            if !first.more {
                gone |= UPGRADABLES_PARKED;
            }
            // Release: as in `exchange_release`. Acquire: as in `admit`.
            before = Some(self.word.fetch_add(kept.wrapping_sub(gone), AcqRel));
            is_handed_over
        });
        // If `UPGRADABLE` was handed over, the writer is woken without effect and continues to wait.
        before
            .inspect(|word| self.wake_writer_behind(*word))
            .is_some()
    }

    /// Wakes the writer that waited for the upgradable reader when the word was `word`, if there was one.
    fn wake_writer_behind(&self, word: u64) {
        if is_announced(word) {
            park::unpark_one(self.behind_upgradable_queue(), |_, _| {});
        }
    }

    /// Upgrades if no other thread is inside or waits, and there are no slots to look at.
    #[inline(always)]
    fn upgrade_alone(&self) -> Option<WriteToken> {
        let word = self.word.load(Relaxed);
        let next = word - UPGRADABLE + WRITER;
        // Acquire: as in `await_count`.
        let is_done = is_upgradable_alone(word)
            && self
                .word
                .compare_exchange(word, next, Acquire, Relaxed)
                .is_ok();
        is_done.then(|| {
            self.track_bar_others();
            self.track_no_writer_behind();
            WriteToken(next)
        })
    }

    /// Bars other readers: sets `WRITER` as its owner, or passes the announced writer.
    #[cold]
    fn begin_upgrade(&self) {
        self.track_bar_others();
        while is_announced(self.word.fetch_or(WRITER, Relaxed)) {
            if self.pass_writer() {
                return;
            }
        }
        self.word.fetch_and(!UPGRADABLE, Relaxed);
    }

    /// Passes the announced writer. Returns false if that writer has given up.
    ///
    /// Runs under the lock of the readers' queue. A writer that gives up and admits the readers in the queue
    /// holds that lock, too. So either that writer sees the upgrade, or the upgrade finds it gone.
    fn pass_writer(&self) -> bool {
        let mut has_passed = false;
        let pass = || {
            let mut word = self.word.load(Relaxed);
            while is_announced(word) && !has_passed {
                match self
                    .word
                    .compare_exchange_weak(word, word | UPGRADE_AHEAD, Relaxed, Relaxed)
                {
                    Ok(_) => has_passed = true,
                    Err(now) => word = now,
                }
            }
        };
        park::with_locked_queue(self.readers_queue(), pass);
        has_passed
    }

    /// Returns the write lock if all readers have left. Otherwise goes back to the upgradable read.
    fn write_or_give_up(&self, is_drained: bool) -> Result<WriteToken, UpgradableToken> {
        if !is_drained {
            self.track_admit_others();
            self.end_upgrade(UPGRADABLE, Exit::GaveUp);
            return Err(UpgradableToken(()));
        }
        let word = self.word.load(Relaxed);
        if !has_upgrade_ahead(word) {
            self.track_no_writer_behind();
        }
        Ok(WriteToken(word))
    }

    /// Ends an upgrade that has passed a writer. The caller keeps `kept`.
    pub(super) fn end_upgrade(&self, kept: u64, exit: Exit) {
        loop {
            let word = self.word.load(Relaxed);
            if !has_upgrade_ahead(word) {
                // The writer has given up meanwhile, and `WRITER` belongs to the caller.
                return self.step_down_and_wake(kept, exit);
            }
            let next = (word & !(UPGRADABLE | UPGRADE_AHEAD | DRAINER_PARKED)) + kept;
            if self.exchange_release(word, next) {
                if !has_upgradable(next) {
                    self.wake_writer_behind(word);
                }
                return;
            }
        }
    }

    /// Gives up `WRITER` to the upgrade that has passed the caller. Returns false if the word is not `word`
    /// any more.
    pub(super) fn yield_to_upgrade(&self, word: u64) -> bool {
        let next = word & !(UPGRADABLE | UPGRADE_AHEAD);
        self.word
            .compare_exchange_weak(word, next, Relaxed, Relaxed)
            .is_ok()
    }
}
