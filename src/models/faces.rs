//! `Mutex` and `Cond` in the models: the same interfaces over the modelled `RawMutex` and `RawCond`. lock_api
//! cannot be used here: it needs a constant for a new lock, and a checker's atomics have no constant
//! constructor.

use crate::primitive::UnsafeCell;
use crate::raw_cond::RawCond;
use crate::raw_mutex::RawMutex;
use std::ops::{Deref, DerefMut};
use std::time::{Duration, Instant};

/// A mutex whose data is checked: the checker reports accesses that race.
pub(crate) struct Mutex<T> {
    raw: RawMutex,
    data: UnsafeCell<T>,
}

// SAFETY: a thread uses the data only while it owns the lock. If that is not enough, the checker reports it.
unsafe impl<T: Send> Send for Mutex<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Mutex<T> {}

impl<T> Mutex<T> {
    pub(crate) fn new(data: T) -> Self {
        Self {
            raw: RawMutex::new(),
            data: UnsafeCell::new(data),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.raw.lock();
        MutexGuard(self)
    }

    fn get(&self) -> *mut T {
        self.data.with_mut(|data| data)
    }
}

pub(crate) struct MutexGuard<'a, T>(&'a Mutex<T>);

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the guard owns the lock.
        unsafe { &*self.0.get() }
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard owns the lock.
        unsafe { &mut *self.0.get() }
    }
}

impl<T> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        // SAFETY: the guard owns the lock, and ends here.
        unsafe { self.0.raw.unlock() };
    }
}

pub(crate) struct Cond(RawCond);

impl Cond {
    pub(crate) fn new() -> Self {
        Self(RawCond::new())
    }

    pub(crate) fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        self.wait_until_called(guard, None);
    }

    pub(crate) fn wait_while<T>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        mut condition: impl FnMut(&T) -> bool,
    ) {
        while condition(guard) {
            self.wait(guard);
        }
    }

    pub(crate) fn wait_for<T>(&self, guard: &mut MutexGuard<'_, T>, timeout: Duration) -> bool {
        self.wait_until_called(guard, crate::park::deadline(timeout))
    }

    fn wait_until_called<T>(
        &self,
        MutexGuard(mutex): &mut MutexGuard<'_, T>,
        deadline: Option<Instant>,
    ) -> bool {
        let waiter = self.0.enqueue();
        // SAFETY: the guard owns the lock, and owns it again when this returns.
        unsafe { mutex.raw.unlock() };
        let is_called = self.0.wait(waiter, deadline);
        mutex.raw.lock();
        is_called
    }

    pub(crate) fn signal(&self) -> bool {
        self.0.signal()
    }

    pub(crate) fn broadcast(&self) -> usize {
        self.0.broadcast()
    }
}
