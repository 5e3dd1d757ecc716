//! A lock under a checker, and the data that it protects.

use super::Model;
use crate::primitive::{Arc, UnsafeCell};
use crate::raw_rwmutex::{RawRWMutex, ReadToken, UpgradableToken, WriteToken};
use crate::speed::Speed;
use std::cell::Cell;
use std::time::Instant;

/// The checker notices every access to the data that races with a write, or overlaps it.
pub(super) struct Lock {
    pub(super) raw: RawRWMutex,
    data: UnsafeCell<usize>,
    /// Of the thread that has the write lock.
    token: Cell<Option<WriteToken>>,
}

// SAFETY: all threads of a schedule run on one OS thread; that the data is shared by turns is what the
// models are about.
unsafe impl Send for Lock {}
// SAFETY: as above.
unsafe impl Sync for Lock {}

impl Lock {
    /// A lock that has got to `speed`.
    pub(super) fn at(speed: Speed) -> Arc<Self> {
        Arc::new(Self {
            raw: RawRWMutex::at(speed, Model::current().credit),
            data: UnsafeCell::new(0),
            token: Cell::new(None),
        })
    }

    /// The data. The caller holds the lock.
    pub(super) fn get(&self) -> usize {
        // SAFETY: the caller holds the lock; if that is not enough, the checker reports it.
        self.data.with(|data| unsafe { *data })
    }

    /// Adds 1 to the data. The caller holds the write lock.
    pub(super) fn increment(&self) {
        // SAFETY: as above.
        self.data.with_mut(|data| unsafe { *data += 1 });
    }

    pub(super) fn runlock(&self, token: ReadToken) {
        // SAFETY: each model ends the read locks that it has.
        unsafe { self.raw.runlock(token) }
    }

    pub(super) fn lock(&self) {
        self.token.set(Some(self.raw.lock()));
    }

    pub(super) fn try_lock(&self) -> bool {
        self.keep(self.raw.try_lock())
    }

    fn lock_timed(&self) -> bool {
        self.keep(self.raw.try_lock_until(Some(Instant::now())))
    }

    /// Whether there is a write lock. If so, its token is kept until it ends.
    fn keep(&self, token: Option<WriteToken>) -> bool {
        let is_locked = token.is_some();
        if is_locked {
            self.token.set(token);
        }
        is_locked
    }

    fn token(&self) -> WriteToken {
        self.token.take().expect("the write lock is had")
    }

    pub(super) fn unlock(&self) {
        // SAFETY: each model ends the write lock that it has.
        unsafe { self.raw.unlock(self.token()) }
    }

    pub(super) fn downgrade(&self) -> ReadToken {
        // SAFETY: as above.
        unsafe { self.raw.downgrade(self.token()) }
    }

    pub(super) fn unlock_fair(&self) {
        // SAFETY: as above.
        unsafe { self.raw.unlock_fair(self.token()) }
    }

    pub(super) fn unlock_upgradable(&self, token: UpgradableToken) {
        // SAFETY: each model ends the upgradable read lock that it has.
        unsafe { self.raw.unlock_upgradable(token) }
    }

    pub(super) fn upgrade(&self, token: UpgradableToken) {
        // SAFETY: as above.
        self.token.set(Some(unsafe { self.raw.upgrade(token) }));
    }

    /// Whether the caller is a writer now.
    pub(super) fn try_upgrade(&self, token: UpgradableToken) -> Result<(), UpgradableToken> {
        // SAFETY: as above.
        let token = unsafe { self.raw.try_upgrade(token) }?;
        self.token.set(Some(token));
        Ok(())
    }

    /// As `try_upgrade`, with a wait.
    pub(super) fn upgrade_timed(&self, token: UpgradableToken) -> Result<(), UpgradableToken> {
        // SAFETY: as above.
        let token = unsafe { self.raw.try_upgrade_until(token, Some(Instant::now())) }?;
        self.token.set(Some(token));
        Ok(())
    }

    pub(super) fn downgrade_to_upgradable(&self) -> UpgradableToken {
        // SAFETY: as above.
        unsafe { self.raw.downgrade_to_upgradable(self.token()) }
    }

    pub(super) fn downgrade_upgradable(&self, token: UpgradableToken) -> ReadToken {
        // SAFETY: as above.
        unsafe { self.raw.downgrade_upgradable(token) }
    }

    /// A read that may upgrade, and does not.
    pub(super) fn read_upgradable(&self) -> usize {
        let token = self.raw.lock_upgradable();
        let value = self.get();
        self.unlock_upgradable(token);
        value
    }

    /// As `read_upgradable`, or gives up.
    pub(super) fn read_upgradable_timed(&self) -> bool {
        let token = self.raw.try_lock_upgradable_until(Some(Instant::now()));
        let is_in = token.is_some();
        if let Some(token) = token {
            self.get();
            self.unlock_upgradable(token);
        }
        is_in
    }

    /// A read, and a write that nobody else's comes before. Returns what was read.
    pub(super) fn read_and_write(&self) -> usize {
        let token = self.raw.lock_upgradable();
        let value = self.get();
        self.upgrade(token);
        assert_eq!(self.get(), value, "a writer came before an upgrade");
        self.increment();
        self.unlock();
        value
    }

    pub(super) fn read(&self) -> usize {
        let token = self.raw.rlock();
        let value = self.get();
        self.runlock(token);
        value
    }

    pub(super) fn write(&self) {
        self.lock();
        self.increment();
        self.unlock();
    }

    /// A read, if no writer is in the way. Returns whether there was one, as do those below.
    pub(super) fn try_to_read(&self) -> bool {
        self.read_with(self.raw.try_rlock())
    }

    /// A read that may give up.
    pub(super) fn read_timed(&self) -> bool {
        self.read_with(self.raw.try_rlock_until(Some(Instant::now())))
    }

    /// A write that may give up.
    pub(super) fn write_timed(&self) -> bool {
        self.write_if(self.lock_timed())
    }

    /// Reads, if `token` says that the caller may.
    pub(super) fn read_with(&self, token: Option<ReadToken>) -> bool {
        let is_in = token.is_some();
        if let Some(token) = token {
            self.get();
            self.runlock(token);
        }
        is_in
    }

    /// Writes, if the caller `is_in`.
    pub(super) fn write_if(&self, is_in: bool) -> bool {
        if is_in {
            self.increment();
            self.unlock();
        }
        is_in
    }

    /// Everybody has left: the lock holds `writes`, and no flag is left behind.
    pub(super) fn assert_idle(&self, writes: usize) {
        assert_eq!(self.raw.traces(), 0, "a trace is left in the word");
        assert!(self.try_lock());
        assert_eq!(self.get(), writes);
        self.unlock();
    }
}
