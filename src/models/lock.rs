//! A lock under a checker, and the data that it protects.

use super::Model;
use crate::primitive::{Arc, UnsafeCell};
use crate::raw_rwmutex::{RawRWMutex, ReadToken, UpgradableToken, WriteToken};
use crate::speed::Speed;
use std::cell::Cell;
use std::time::Instant;

/// A lock and its data. The checker reports accesses to the data that race with a write, or overlap one.
pub(super) struct Lock {
    pub(super) raw: RawRWMutex,
    data: UnsafeCell<usize>,
    /// The token of the thread that owns the write lock.
    token: Cell<Option<WriteToken>>,
}

// SAFETY: all threads of a schedule run on one OS thread. If the lock does not exclude accesses to the data
// that conflict, the checker reports it.
unsafe impl Send for Lock {}
// SAFETY: as above.
unsafe impl Sync for Lock {}

impl Lock {
    /// Returns a new lock at `speed`.
    pub(super) fn at(speed: Speed) -> Arc<Self> {
        Arc::new(Self {
            raw: RawRWMutex::at(speed, Model::current().credit),
            data: UnsafeCell::new(0),
            token: Cell::new(None),
        })
    }

    /// Returns the data. The caller must hold the lock.
    pub(super) fn get(&self) -> usize {
        // SAFETY: the caller holds the lock. If that is not enough, the checker reports it.
        self.data.with(|data| unsafe { *data })
    }

    /// Adds 1 to the data. The caller must hold the write lock.
    pub(super) fn increment(&self) {
        // SAFETY: the caller holds the write lock. If that is not enough, the checker reports it.
        self.data.with_mut(|data| unsafe { *data += 1 });
    }

    pub(super) fn runlock(&self, token: ReadToken) {
        // SAFETY: models release only read locks that they own.
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

    /// Keeps the token for the end of the write. Returns whether there is one.
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
        // SAFETY: the token is that of the write lock.
        unsafe { self.raw.unlock(self.token()) }
    }

    pub(super) fn downgrade(&self) -> ReadToken {
        // SAFETY: the token is that of the write lock.
        unsafe { self.raw.downgrade(self.token()) }
    }

    pub(super) fn unlock_fair(&self) {
        // SAFETY: the token is that of the write lock.
        unsafe { self.raw.unlock_fair(self.token()) }
    }

    pub(super) fn unlock_upgradable(&self, token: UpgradableToken) {
        // SAFETY: models release only an upgradable read lock that they own.
        unsafe { self.raw.unlock_upgradable(token) }
    }

    pub(super) fn upgrade(&self, token: UpgradableToken) {
        // SAFETY: models upgrade only an upgradable read lock that they own.
        self.token.set(Some(unsafe { self.raw.upgrade(token) }));
    }

    /// Upgrades if that needs no wait. Returns the token of the upgradable read otherwise.
    pub(super) fn try_upgrade(&self, token: UpgradableToken) -> Result<(), UpgradableToken> {
        // SAFETY: models upgrade only an upgradable read lock that they own.
        let token = unsafe { self.raw.try_upgrade(token) }?;
        self.token.set(Some(token));
        Ok(())
    }

    /// Upgrades, or times out. Returns the token of the upgradable read if it times out.
    pub(super) fn upgrade_timed(&self, token: UpgradableToken) -> Result<(), UpgradableToken> {
        // SAFETY: models upgrade only an upgradable read lock that they own.
        let token = unsafe { self.raw.try_upgrade_until(token, Some(Instant::now())) }?;
        self.token.set(Some(token));
        Ok(())
    }

    pub(super) fn downgrade_to_upgradable(&self) -> UpgradableToken {
        // SAFETY: the token is that of the write lock.
        unsafe { self.raw.downgrade_to_upgradable(self.token()) }
    }

    pub(super) fn downgrade_upgradable(&self, token: UpgradableToken) -> ReadToken {
        // SAFETY: models downgrade only an upgradable read lock that they own.
        unsafe { self.raw.downgrade_upgradable(token) }
    }

    /// Reads as an upgradable reader, without an upgrade. Returns what it read.
    pub(super) fn read_upgradable(&self) -> usize {
        let token = self.raw.lock_upgradable();
        let value = self.get();
        self.unlock_upgradable(token);
        value
    }

    /// Reads as an upgradable reader, or times out. Returns whether it has read.
    pub(super) fn read_upgradable_timed(&self) -> bool {
        let token = self.raw.try_lock_upgradable_until(Some(Instant::now()));
        let is_in = token.is_some();
        if let Some(token) = token {
            self.get();
            self.unlock_upgradable(token);
        }
        is_in
    }

    /// Reads as an upgradable reader, upgrades and writes, and checks that no other write comes between.
    /// Returns what it read.
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

    /// Reads, unless a writer is in the way. Returns whether it has read.
    pub(super) fn try_to_read(&self) -> bool {
        self.read_with(self.raw.try_rlock())
    }

    /// Reads, or times out. Returns whether it has read.
    pub(super) fn read_timed(&self) -> bool {
        self.read_with(self.raw.try_rlock_until(Some(Instant::now())))
    }

    /// Writes, or times out. Returns whether it has written.
    pub(super) fn write_timed(&self) -> bool {
        self.write_if(self.lock_timed())
    }

    /// Reads and releases the read lock, if there is a `token` of one. Returns whether there is.
    pub(super) fn read_with(&self, token: Option<ReadToken>) -> bool {
        let is_in = token.is_some();
        if let Some(token) = token {
            self.get();
            self.runlock(token);
        }
        is_in
    }

    /// Writes and unlocks, if the caller `is_in`, that is, owns the write lock. Returns `is_in`.
    pub(super) fn write_if(&self, is_in: bool) -> bool {
        if is_in {
            self.increment();
            self.unlock();
        }
        is_in
    }

    /// Asserts that all threads have left the lock: the data counts `writes`, and the word has no flag left.
    pub(super) fn assert_idle(&self, writes: usize) {
        assert_eq!(self.raw.traces(), 0, "a trace is left in the word");
        assert!(self.try_lock());
        assert_eq!(self.get(), writes);
        self.unlock();
    }
}
