//! The types behind `crate::primitive` under loom.

pub(crate) use loom::cell::UnsafeCell;
pub(crate) use loom::sync::atomic::{AtomicPtr, fence};
pub(crate) use loom::sync::{Arc, Mutex, MutexGuard};

use crate::park;
use crate::primitive::Ordering;
use loom::sync::Condvar;
use loom::sync::atomic;
use std::cell::Cell;

pub(crate) fn null_pointers<T, const N: usize>() -> [AtomicPtr<T>; N] {
    std::array::from_fn(|_| AtomicPtr::new(std::ptr::null_mut()))
}

thread_local! {
    static NEXT_ADDRESS: Cell<usize> = const { Cell::new(0) };
}

/// Returns an address that is the same each time a schedule is repeated, and that is not reused after its
/// owner has been dropped.
fn new_address(size: usize) -> usize {
    NEXT_ADDRESS.replace(NEXT_ADDRESS.get() + size)
}

/// Must be called first in every schedule.
#[cfg(test)]
pub(super) fn reset() {
    NEXT_ADDRESS.set(0);
}

/// Loom's atomic, but loom tries all orders of each load and the stores of other threads.
///
/// Of the loads since the last store of an atomic, loom remembers only the latest. So it does not try to move
/// a store before an earlier load if the storing thread has loaded in between, as every compare-exchange loop
/// does. To make up for that, each load notifies a condition variable that no thread waits on. This orders
/// nothing, but loom takes any two notifications for dependent operations and tries both orders.
macro_rules! atomic {
    ($name:ident, $int:ty, $is_thorough:expr) => {
        pub(crate) struct $name {
            atomic: atomic::$name,
            loads: Condvar,
            address: usize,
        }

        impl park::Owner for $name {
            fn address(&self) -> usize {
                self.address
            }
        }

        #[allow(dead_code, reason = "not every type is used in every way")]
        impl $name {
            pub(crate) fn new(value: $int) -> Self {
                Self {
                    atomic: atomic::$name::new(value),
                    loads: Condvar::new(),
                    address: new_address(size_of::<Self>()),
                }
            }

            pub(crate) fn load(&self, order: Ordering) -> $int {
                if $is_thorough {
                    self.loads.notify_one();
                }
                self.atomic.load(order)
            }

            pub(crate) fn store(&self, value: $int, order: Ordering) {
                self.atomic.store(value, order);
            }

            pub(crate) fn compare_exchange(
                &self,
                current: $int,
                new: $int,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$int, $int> {
                self.atomic.compare_exchange(current, new, success, failure)
            }

            pub(crate) fn compare_exchange_weak(
                &self,
                current: $int,
                new: $int,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$int, $int> {
                self.compare_exchange(current, new, success, failure)
            }

            pub(crate) fn fetch_add(&self, value: $int, order: Ordering) -> $int {
                self.atomic.fetch_add(value, order)
            }

            pub(crate) fn fetch_sub(&self, value: $int, order: Ordering) -> $int {
                self.atomic.fetch_sub(value, order)
            }

            pub(crate) fn fetch_or(&self, value: $int, order: Ordering) -> $int {
                self.atomic.fetch_or(value, order)
            }

            pub(crate) fn fetch_and(&self, value: $int, order: Ordering) -> $int {
                self.atomic.fetch_and(value, order)
            }
        }
    };
}

// Only on request, because a writer loads every slot: any two writers would be dependent at each slot.
atomic!(
    AtomicU32,
    u32,
    super::Model::current().explored >= super::Explored::Slots
);
atomic!(
    AtomicU64,
    u64,
    super::Model::current().explored >= super::Explored::Word
);
atomic!(AtomicUsize, usize, true);
