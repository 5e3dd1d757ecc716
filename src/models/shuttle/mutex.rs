//! Models of `RawMutex`, and of `Cond` and `Weighted` on top of it.

use super::super::faces::{Cond, Mutex};
use super::super::witness;
use super::{check, join, spawn};
use crate::primitive::UnsafeCell;
use crate::raw_mutex::RawMutex;
use crate::semaphore::Weighted;
use shuttle::sync::Arc;
use std::sync::Arc as StdArc;
use std::time::{Duration, Instant};

/// A mutex and its data. The cell panics if two threads use the data at the same time.
struct Lock {
    raw: RawMutex,
    data: UnsafeCell<usize>,
}

// SAFETY: a thread uses the data only while it owns the lock. If that is not enough, the cell panics.
unsafe impl Send for Lock {}
// SAFETY: as above.
unsafe impl Sync for Lock {}

impl Lock {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            raw: RawMutex::new(),
            data: UnsafeCell::new(0),
        })
    }

    /// Adds 1 and unlocks, if the caller `is_in`, that is, owns the lock. Returns the number of additions.
    fn add_if(&self, is_in: bool, is_fair: bool) -> usize {
        if is_in {
            // SAFETY: the caller owns the lock.
            self.data.with_mut(|data| unsafe { *data += 1 });
            if is_fair {
                // SAFETY: the caller owns the lock.
                unsafe { self.raw.unlock_fair() };
            } else {
                // SAFETY: the caller owns the lock.
                unsafe { self.raw.unlock() };
            }
        }
        usize::from(is_in)
    }

    fn add(&self, is_fair: bool) -> usize {
        self.raw.lock();
        self.add_if(true, is_fair)
    }

    fn try_to_add(&self) -> usize {
        self.add_if(self.raw.try_lock(), false)
    }

    fn add_timed(&self) -> usize {
        let is_in = self.raw.try_lock_until(Some(Instant::now()));
        self.add_if(is_in, false)
    }

    /// Asserts that all threads have left, after `added` additions.
    fn assert_left(&self, added: usize) {
        assert_eq!(self.raw.traces(), 0, "a trace is left in the word");
        // SAFETY: no thread is left.
        self.data
            .with_mut(|data| assert_eq!(unsafe { *data }, added));
    }
}

#[test]
fn owners_exclude_each_other_and_give_up_at_any_moment() {
    check(|| {
        let lock = Lock::new();
        let at_work = Arc::clone(&lock);
        let threads = spawn(7, move |index| match index {
            0..3 => at_work.add(false) + at_work.add(false),
            3 => at_work.add(true) + at_work.add(true),
            4..6 => at_work.add_timed() + at_work.add_timed(),
            _ => at_work.try_to_add() + at_work.add(false),
        });
        let added = join(threads).iter().sum();
        witness(added < 14);
        lock.assert_left(added);
    });
}

/// A number of items that threads put into the store and take from it.
struct Store {
    count: Mutex<usize>,
    filled: Cond,
}

impl Store {
    fn put(&self) {
        *self.count.lock() += 1;
        self.filled.signal();
    }

    fn take(&self) {
        let mut count = self.count.lock();
        self.filled.wait_while(&mut count, |count| *count == 0);
        *count -= 1;
    }

    /// Takes an item and puts it back, or times out. Returns false if the wait timed out.
    fn borrow(&self) -> bool {
        let taken = {
            let mut count = self.count.lock();
            if *count == 0 && !self.filled.wait_for(&mut count, Duration::ZERO) {
                return false;
            }
            // Another thread may have taken the item first.
            let taken = (*count).min(1);
            *count -= taken;
            taken
        };
        if taken > 0 {
            self.put();
        }
        true
    }
}

/// Puts as many items as the takers need, while the borrowers may time out. If a signal were lost to a
/// borrower that times out, a taker would sleep forever.
#[test]
fn a_signal_reaches_a_waiter() {
    check(|| {
        let store = Arc::new(Store {
            count: Mutex::new(0),
            filled: Cond::new(),
        });
        let at_work = Arc::clone(&store);
        let takers = spawn(2, move |_| at_work.take());
        let at_work = Arc::clone(&store);
        let borrowers = spawn(3, move |_| at_work.borrow());
        let at_work = Arc::clone(&store);
        join(spawn(2, move |_| at_work.put()));
        join(takers);
        witness(join(borrowers).contains(&false));
        assert_eq!(*store.count.lock(), 0);
    });
}

#[test]
fn permits_are_handed_out_to_all_that_wait() {
    check(|| {
        let semaphore = StdArc::new(Weighted::new(3));
        let at_work = StdArc::clone(&semaphore);
        let threads = spawn(6, move |index| match index {
            0..4 => {
                drop(at_work.acquire(1 + index % 3).unwrap());
                true
            }
            _ => at_work.acquire_for(2, Duration::ZERO).is_some(),
        });
        let got = join(threads);
        witness(got.contains(&false));
        assert!(semaphore.try_acquire(3).is_some(), "permits are gone");
    });
}
