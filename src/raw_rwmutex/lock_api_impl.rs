//! The implementation of lock_api's traits, for use through lock_api's guards.

use super::{RawRWMutex, ReadToken, UpgradableToken, WriteToken};
use crate::park::deadline;
use lock_api::{
    RawRwLock, RawRwLockDowngrade, RawRwLockFair, RawRwLockTimed, RawRwLockUpgrade,
    RawRwLockUpgradeDowngrade, RawRwLockUpgradeFair, RawRwLockUpgradeTimed,
};
use std::mem;
use std::time::{Duration, Instant};

// SAFETY: invariant 1 gives exclusion. The pairs named at each ordering give acquire and release. For slots,
// the proofs in `readers` give both. Forgetting a guard's state only leaves the lock held: a slot stays
// filled with the identity of this lock. The identity moves with the lock, and no other lock gets it before
// this one is dropped. A thread in the queues borrows the lock, so no thread is in them when a held lock is
// moved or dropped, and both are allowed. No operation unwinds except `lock_shared`, `lock_upgradable` and
// their timed forms, and these unwind before they have changed anything that lasts.
unsafe impl RawRwLock for RawRWMutex {
    // lock_api requires the initial value as a constant. Each use of it makes a separate lock.
    #[allow(clippy::declare_interior_mutable_const)]
    const INIT: Self = Self::new();

    type SharedGuard = ReadToken;
    type ExclusiveGuard = WriteToken;

    #[inline]
    #[track_caller]
    fn lock_shared(&self) -> ReadToken {
        self.rlock()
    }

    #[inline]
    fn try_lock_shared(&self) -> Option<ReadToken> {
        self.try_rlock()
    }

    #[inline]
    unsafe fn unlock_shared(&self, token: ReadToken) {
        // SAFETY: the caller passes the state of a shared acquisition.
        unsafe { self.runlock(token) }
    }

    #[inline]
    fn lock_exclusive(&self) -> WriteToken {
        self.lock()
    }

    #[inline]
    fn try_lock_exclusive(&self) -> Option<WriteToken> {
        self.try_lock()
    }

    #[inline]
    unsafe fn unlock_exclusive(&self, token: WriteToken) {
        // SAFETY: the caller passes the state of the exclusive acquisition.
        unsafe { self.unlock(token) }
    }

    #[inline]
    fn is_locked(&self) -> bool {
        self.is_locked()
    }

    #[inline]
    fn is_locked_exclusive(&self) -> bool {
        self.is_write_locked()
    }
}

// SAFETY: `downgrade` turns the write into a read in the one step that ends the write, which is a Release.
unsafe impl RawRwLockDowngrade for RawRWMutex {
    #[inline]
    unsafe fn downgrade(&self, token: WriteToken) -> ReadToken {
        // SAFETY: the caller passes the state of the exclusive acquisition.
        unsafe { self.downgrade(token) }
    }
}

// SAFETY: as for `RawRwLock`; a timed attempt that fails has changed nothing that lasts.
unsafe impl RawRwLockTimed for RawRWMutex {
    type Duration = Duration;
    type Instant = Instant;

    #[inline]
    #[track_caller]
    fn try_lock_shared_for(&self, timeout: Duration) -> Option<ReadToken> {
        self.try_rlock_until(deadline(timeout))
    }

    #[inline]
    #[track_caller]
    fn try_lock_shared_until(&self, deadline: Instant) -> Option<ReadToken> {
        self.try_rlock_until(Some(deadline))
    }

    #[inline]
    fn try_lock_exclusive_for(&self, timeout: Duration) -> Option<WriteToken> {
        self.try_lock_until(deadline(timeout))
    }

    #[inline]
    fn try_lock_exclusive_until(&self, deadline: Instant) -> Option<WriteToken> {
        self.try_lock_until(Some(deadline))
    }
}

// SAFETY: as for `RawRwLock`.
unsafe impl RawRwLockFair for RawRWMutex {
    /// Every unlock by a reader is fair: the writer that has announced itself is next.
    #[inline]
    unsafe fn unlock_shared_fair(&self, token: ReadToken) {
        // SAFETY: the caller passes the state of a shared acquisition.
        unsafe { self.runlock(token) }
    }

    #[inline]
    unsafe fn unlock_exclusive_fair(&self, token: WriteToken) {
        // SAFETY: the caller passes the state of the exclusive acquisition.
        unsafe { self.unlock_fair(token) }
    }

    #[inline]
    unsafe fn bump_exclusive(&self, token: &mut WriteToken) {
        if self.is_wanted() {
            // Neither `unlock_fair` nor `lock` unwinds, so the placeholder is never left behind.
            let held = mem::replace(token, WriteToken(0));
            // SAFETY: the caller passes the state of the exclusive acquisition.
            unsafe { self.unlock_fair(held) };
            *token = self.lock();
        }
    }
}

// SAFETY: as for `RawRwLock`. An upgrade succeeds only after a drain, which acquires from all readers. No
// writer has the lock between the read and the write: the upgradable reader passes a writer that waits.
unsafe impl RawRwLockUpgrade for RawRWMutex {
    type UpgradableGuard = UpgradableToken;

    #[inline]
    #[track_caller]
    fn lock_upgradable(&self) -> UpgradableToken {
        self.lock_upgradable()
    }

    #[inline]
    fn try_lock_upgradable(&self) -> Option<UpgradableToken> {
        self.try_lock_upgradable()
    }

    #[inline]
    unsafe fn unlock_upgradable(&self, token: UpgradableToken) {
        // SAFETY: the caller passes the state of the upgradable acquisition.
        unsafe { self.unlock_upgradable(token) }
    }

    #[inline]
    unsafe fn upgrade(&self, token: UpgradableToken) -> WriteToken {
        // SAFETY: as above.
        unsafe { self.upgrade(token) }
    }

    #[inline]
    unsafe fn try_upgrade(&self, token: UpgradableToken) -> Result<WriteToken, UpgradableToken> {
        // SAFETY: as above.
        unsafe { self.try_upgrade(token) }
    }
}

// SAFETY: as for `RawRwLock`.
unsafe impl RawRwLockUpgradeFair for RawRWMutex {
    #[inline]
    unsafe fn unlock_upgradable_fair(&self, token: UpgradableToken) {
        // SAFETY: the caller passes the state of the upgradable acquisition.
        unsafe { self.unlock_upgradable_fair(token) }
    }
}

// SAFETY: in a single step, which is a Release, each method exchanges the caller's lock for the one that it returns.
unsafe impl RawRwLockUpgradeDowngrade for RawRWMutex {
    #[inline]
    unsafe fn downgrade_upgradable(&self, token: UpgradableToken) -> ReadToken {
        // SAFETY: the caller passes the state of the upgradable acquisition.
        unsafe { self.downgrade_upgradable(token) }
    }

    #[inline]
    unsafe fn downgrade_to_upgradable(&self, token: WriteToken) -> UpgradableToken {
        // SAFETY: the caller passes the state of the exclusive acquisition.
        unsafe { self.downgrade_to_upgradable(token) }
    }
}

// SAFETY: as for `RawRwLockUpgrade`; a timed attempt that fails has changed nothing that lasts.
unsafe impl RawRwLockUpgradeTimed for RawRWMutex {
    #[inline]
    #[track_caller]
    fn try_lock_upgradable_for(&self, timeout: Duration) -> Option<UpgradableToken> {
        self.try_lock_upgradable_until(deadline(timeout))
    }

    #[inline]
    #[track_caller]
    fn try_lock_upgradable_until(&self, deadline: Instant) -> Option<UpgradableToken> {
        self.try_lock_upgradable_until(Some(deadline))
    }

    #[inline]
    unsafe fn try_upgrade_for(
        &self,
        token: UpgradableToken,
        timeout: Duration,
    ) -> Result<WriteToken, UpgradableToken> {
        // SAFETY: the caller passes the state of the upgradable acquisition.
        unsafe { self.try_upgrade_until(token, deadline(timeout)) }
    }

    #[inline]
    unsafe fn try_upgrade_until(
        &self,
        token: UpgradableToken,
        deadline: Instant,
    ) -> Result<WriteToken, UpgradableToken> {
        // SAFETY: as above.
        unsafe { self.try_upgrade_until(token, Some(deadline)) }
    }
}
