//! What `crate::primitive` is made of under loom.

pub(crate) use loom::cell::UnsafeCell;
pub(crate) use loom::sync::Arc;

use crate::primitive::Ordering;
use loom::sync::Condvar;
use loom::sync::atomic;

/// Loom's atomic, with every load a point at which all orders are tried.
///
/// Of all the loads of an atomic since its last store, loom remembers the latest only, and so does
/// not try to move a store before an earlier load if the storing thread has loaded in between, as
/// every compare-exchange loop does. A notification that nobody waits for orders nothing, but loom
/// takes any two of them for dependent and tries both orders.
pub(crate) struct AtomicUsize {
    atomic: atomic::AtomicUsize,
    loads: Condvar,
}

impl AtomicUsize {
    pub(crate) fn new(value: usize) -> Self {
        Self {
            atomic: atomic::AtomicUsize::new(value),
            loads: Condvar::new(),
        }
    }

    pub(crate) fn load(&self, order: Ordering) -> usize {
        self.loads.notify_one();
        self.atomic.load(order)
    }

    pub(crate) fn compare_exchange(
        &self,
        current: usize,
        new: usize,
        success: Ordering,
        failure: Ordering,
    ) -> Result<usize, usize> {
        self.atomic.compare_exchange(current, new, success, failure)
    }

    pub(crate) fn compare_exchange_weak(
        &self,
        current: usize,
        new: usize,
        success: Ordering,
        failure: Ordering,
    ) -> Result<usize, usize> {
        self.compare_exchange(current, new, success, failure)
    }

    pub(crate) fn fetch_add(&self, value: usize, order: Ordering) -> usize {
        self.atomic.fetch_add(value, order)
    }

    pub(crate) fn fetch_sub(&self, value: usize, order: Ordering) -> usize {
        self.atomic.fetch_sub(value, order)
    }

    pub(crate) fn fetch_or(&self, value: usize, order: Ordering) -> usize {
        self.atomic.fetch_or(value, order)
    }

    pub(crate) fn fetch_and(&self, value: usize, order: Ordering) -> usize {
        self.atomic.fetch_and(value, order)
    }
}
