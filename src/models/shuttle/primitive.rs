//! The types behind `crate::primitive` under shuttle.

pub(crate) use shuttle::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, fence};
pub(crate) use shuttle::sync::{Arc, Mutex, MutexGuard};

use std::cell::Cell;

pub(crate) fn null_pointers<T, const N: usize>() -> [AtomicPtr<T>; N] {
    std::array::from_fn(|_| AtomicPtr::new(std::ptr::null_mut()))
}

/// A cell that panics if a write overlaps another access.
pub(crate) struct UnsafeCell<T> {
    value: std::cell::UnsafeCell<T>,
    /// The total weight of the accesses in progress. Shuttle does not see this cell, so during an access it
    /// can switch threads only where `access` pauses.
    weight: Cell<usize>,
}

/// The weight of a read.
#[cfg(test)]
const READ: usize = 1;

/// The weight of a write, and the most that may be in progress: one write, or any number of reads.
const WRITE: usize = usize::MAX / 2;

impl<T> UnsafeCell<T> {
    pub(crate) fn new(value: T) -> Self {
        Self {
            value: std::cell::UnsafeCell::new(value),
            weight: Cell::new(0),
        }
    }

    #[cfg(test)]
    pub(crate) fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
        self.access(READ, || f(self.value.get()))
    }

    pub(crate) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        self.access(WRITE, || f(self.value.get()))
    }

    fn access<R>(&self, weight: usize, f: impl FnOnce() -> R) -> R {
        self.weight.set(self.weight.get() + weight);
        assert!(
            self.weight.get() <= WRITE,
            "a write overlaps another access"
        );
        super::pause();
        let result = f();
        self.weight.set(self.weight.get() - weight);
        result
    }
}
