//! The data behind a mutex, and a semaphore with its permits.

use super::cell::{Value, expect};
use gosync::semaphore::{Permit, Weighted};
use gosync::{Mutex, MutexGuard};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Each of the two has a count beside it that does not rely on it.
pub struct Store {
    pub lock: Mutex<Value>,
    owners: AtomicUsize,
    pub permits: Weighted,
    taken: AtomicUsize,
}

/// How many permits the semaphore has.
pub const PERMITS: usize = 5;

impl Store {
    pub fn new() -> Self {
        Self {
            lock: Mutex::new(Value::new()),
            owners: AtomicUsize::new(0),
            permits: Weighted::new(PERMITS),
            taken: AtomicUsize::new(0),
        }
    }

    /// Changes the value as the owner of the mutex.
    pub fn change(&self, value: &MutexGuard<'_, Value>, pause: impl FnOnce()) {
        expect(self.owners.fetch_add(1, Relaxed) == 0, "two owners met");
        value.change(pause);
        expect(self.owners.fetch_sub(1, Relaxed) == 1, "two owners met");
    }

    /// Uses permits as their owner.
    pub fn use_up(&self, permit: &Permit<&Weighted>, pause: impl FnOnce()) {
        let count = permit.count();
        let taken = self.taken.fetch_add(count, Relaxed) + count;
        expect(taken <= PERMITS, "more permits granted than exist");
        pause();
        self.taken.fetch_sub(count, Relaxed);
    }

    /// Expects that the mutex is free and that all permits are available.
    pub fn expect_free(&self) {
        expect(
            self.lock.try_lock().is_some(),
            "a free mutex appears locked",
        );
        expect(
            self.permits.try_acquire(PERMITS).is_some(),
            "permits were lost",
        );
    }
}
