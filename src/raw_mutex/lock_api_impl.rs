//! The traits of lock_api for the mutex.

use super::RawMutex;
use crate::park::deadline;
use std::time::{Duration, Instant};

// SAFETY: invariant 1 gives exclusion. The pairs named at each ordering give acquire and release. An
// acquisition has no state. Each thread in a queue borrows the lock. So a lock that stays locked by a
// forgotten guard can be moved or dropped only when its queues are empty. No operation unwinds.
unsafe impl lock_api::RawMutex for RawMutex {
    // lock_api asks for the initial value in this form. Each use makes a separate lock.
    #[allow(clippy::declare_interior_mutable_const)]
    const INIT: Self = Self::new();

    type Guard = ();

    #[inline]
    fn lock(&self) {
        self.lock();
    }

    #[inline]
    fn try_lock(&self) -> Option<()> {
        self.try_lock().then_some(())
    }

    #[inline]
    unsafe fn unlock(&self, (): ()) {
        // SAFETY: the caller owns the lock.
        unsafe { self.unlock() }
    }

    #[inline]
    fn is_locked(&self) -> bool {
        self.is_locked()
    }
}

// SAFETY: as for `lock_api::RawMutex` above.
unsafe impl lock_api::RawMutexFair for RawMutex {
    #[inline]
    unsafe fn unlock_fair(&self, (): ()) {
        // SAFETY: the caller owns the lock.
        unsafe { self.unlock_fair() }
    }

    #[inline]
    unsafe fn bump(&self, (): &mut ()) {
        if self.has_waiters() {
            // SAFETY: the caller owns the lock, and takes it again on the next line.
            unsafe { self.unlock_fair() };
            self.lock();
        }
    }
}

// SAFETY: as for `lock_api::RawMutex` above; also, a timed attempt that fails leaves no lasting change.
unsafe impl lock_api::RawMutexTimed for RawMutex {
    type Duration = Duration;
    type Instant = Instant;

    #[inline]
    fn try_lock_for(&self, timeout: Duration) -> Option<()> {
        self.try_lock_until(deadline(timeout)).then_some(())
    }

    #[inline]
    fn try_lock_until(&self, deadline: Instant) -> Option<()> {
        self.try_lock_until(Some(deadline)).then_some(())
    }
}
