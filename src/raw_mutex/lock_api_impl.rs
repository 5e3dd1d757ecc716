//! The mutex under lock_api's guards.

use super::RawMutex;
use crate::park::deadline;
use std::time::{Duration, Instant};

// SAFETY: exclusion and acquire/release are invariant 1 and the pairs named at each ordering. There is no state that
// belongs to an acquisition. A thread in the queues borrows the lock, so it may be moved or dropped while it is locked
// by a guard that was forgotten. No operation unwinds.
unsafe impl lock_api::RawMutex for RawMutex {
    // The initial value, as lock_api asks for it; each use makes a lock of its own.
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

// SAFETY: as above.
unsafe impl lock_api::RawMutexFair for RawMutex {
    #[inline]
    unsafe fn unlock_fair(&self, (): ()) {
        // SAFETY: the caller owns the lock.
        unsafe { self.unlock_fair() }
    }

    #[inline]
    unsafe fn bump(&self, (): &mut ()) {
        if self.has_waiters() {
            // SAFETY: the caller owns the lock, as it does after this call.
            unsafe { self.unlock_fair() };
            self.lock();
        }
    }
}

// SAFETY: as above; a timed attempt that fails has changed nothing that lasts.
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
