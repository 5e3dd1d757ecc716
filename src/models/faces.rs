//! What `Mutex` and `Cond` are in the models: the same faces over the modelled raw ones. lock_api wants a constant for
//! a new lock, which a checker's atomics cannot be.

use crate::primitive::UnsafeCell;
use crate::raw_cond::RawCond;
use crate::raw_mutex::RawMutex;
use std::ops::{Deref, DerefMut};
use std::time::{Duration, Instant};

/// The checker notices every access to the data that races with another one.
pub(crate) struct Mutex<T> {
    raw: RawMutex,
    data: UnsafeCell<T>,
}

// SAFETY: whoever uses the data has the lock; that this is enough is what models are about.
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
        // SAFETY: the guard has the lock.
        unsafe { &*self.0.get() }
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above.
        unsafe { &mut *self.0.get() }
    }
}

impl<T> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        // SAFETY: as above.
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
        // SAFETY: the guard has the lock, and has it again when this returns.
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
