//! `Cond`: Go's names over the raw list, and the guards that a `Cond` accepts.

use crate::park;
use crate::raw_cond::RawCond;
use std::fmt;
use std::time::{Duration, Instant};

pub use guard::CondGuard;

/// A condition variable, Go's `sync.Cond`: goroutines wait until another one signals that something has
/// changed.
///
/// In Go, a `Cond` gets its lock when it is made. Here each wait takes a guard, as in parking_lot: a guard of
/// a [`Mutex`](crate::Mutex), or of an [`RWMutex`](crate::RWMutex) for writing or for reading (Go:
/// `sync.NewCond(rw.RLocker())`). A wait unlocks, sleeps until it is woken, and locks again. Guards of
/// different locks may wait on the same `Cond`.
///
/// # Fairness
///
/// Waiters are woken in the order in which they came, and only by a `signal` or a `broadcast`. Before a
/// woken waiter has the lock again, other threads may have held it. So the condition must be checked
/// once more, as in Go; [`wait_while`](Self::wait_while) does that.
///
/// A wake-up is not lost if it coincides with the end of a timed wait: the wait then counts as woken.
///
/// # Differences from Go
///
/// * [`signal`](Self::signal) returns whether it has woken a waiter, and [`broadcast`](Self::broadcast) how
///   many.
/// * There are timed waits.
/// * A `Cond` may be moved. Go panics if a `Cond` is used after it was copied.
///
/// # Aborts
///
/// A wait aborts the process if it cannot lock again. The only cause: it waits with a read lock, and when it
/// locks again, about 2²⁵ readers are counted in the lock.
///
/// # Memory
///
/// A call of `signal` or `broadcast` synchronizes before the return of every wait that it ends.
///
/// # Examples
///
/// ```
/// use gosync::{Cond, Mutex, go};
/// use std::collections::VecDeque;
///
/// static QUEUE: Mutex<VecDeque<u32>> = Mutex::new(VecDeque::new());
/// static FILLED: Cond = Cond::new();
///
/// let consumer = go(|| {
///     let mut queue = QUEUE.lock();
///     FILLED.wait_while(&mut queue, |queue| queue.is_empty());
///     queue.pop_front()
/// });
/// QUEUE.lock().push_back(7);
/// FILLED.signal();
/// assert_eq!(consumer.join().unwrap(), Some(7));
/// ```
///
/// A bounded queue:
///
/// ```
/// use gosync::{Cond, Mutex, WaitGroup};
/// use std::sync::Arc;
///
/// struct Queue {
///     items: Mutex<Vec<u32>>,
///     filled: Cond,
///     emptied: Cond,
/// }
///
/// impl Queue {
///     fn put(&self, item: u32) {
///         let mut items = self.items.lock();
///         self.emptied.wait_while(&mut items, |items| items.len() == 3);
///         items.push(item);
///         self.filled.signal();
///     }
///
///     fn take(&self) -> u32 {
///         let mut items = self.items.lock();
///         self.filled.wait_while(&mut items, |items| items.is_empty());
///         self.emptied.signal();
///         items.remove(0)
///     }
/// }
///
/// let queue = Arc::new(Queue {
///     items: Mutex::new(vec![]),
///     filled: Cond::new(),
///     emptied: Cond::new(),
/// });
/// let wg = WaitGroup::new();
/// let producer = Arc::clone(&queue);
/// wg.go(move || (0..10).for_each(|item| producer.put(item)));
/// assert!((0..10).all(|item| queue.take() == item));
/// wg.wait();
/// ```
pub struct Cond {
    raw: RawCond,
}

impl Cond {
    /// Returns a `Cond` without waiters: Go's `sync.NewCond`, without the lock.
    ///
    /// # Examples
    ///
    /// ```
    /// static CHANGED: gosync::Cond = gosync::Cond::new();
    /// ```
    #[doc(alias = "NewCond")]
    #[must_use]
    pub const fn new() -> Self {
        Self {
            raw: RawCond::new(),
        }
    }

    /// Unlocks, sleeps until [`signal`](Self::signal) or [`broadcast`](Self::broadcast) wakes it, and locks
    /// again: Go's `cond.Wait`.
    ///
    /// By the time it returns, the condition may have changed again. Check it once more, or use
    /// [`wait_while`](Self::wait_while).
    ///
    /// # Aborts
    ///
    /// If `guard` is a read guard, and about 2²⁵ readers are counted in its lock when the wait locks again.
    ///
    /// # Examples
    ///
    /// ```
    /// use gosync::{Cond, Mutex, go};
    ///
    /// static READY: Mutex<bool> = Mutex::new(false);
    /// static CHANGED: Cond = Cond::new();
    ///
    /// go(|| {
    ///     *READY.lock() = true;
    ///     CHANGED.broadcast();
    /// });
    /// let mut ready = READY.lock();
    /// while !*ready {
    ///     CHANGED.wait(&mut ready);
    /// }
    /// ```
    #[doc(alias = "Wait")]
    pub fn wait<G: CondGuard>(&self, guard: &mut G) {
        self.wait_until_woken(guard, None);
    }

    /// Waits as long as `condition` returns true: Go's `for condition() { cond.Wait() }`.
    ///
    /// `condition` is called with the lock held, before the first sleep and after each one.
    ///
    /// # Aborts
    ///
    /// If `guard` is a read guard, and about 2²⁵ readers are counted in its lock when the wait locks again.
    ///
    /// # Examples
    ///
    /// With a read lock:
    ///
    /// ```
    /// use gosync::{Cond, RWMutex, go};
    ///
    /// static VERSION: RWMutex<u32> = RWMutex::new(0);
    /// static CHANGED: Cond = Cond::new();
    ///
    /// go(|| {
    ///     *VERSION.lock() = 2;
    ///     CHANGED.broadcast();
    /// });
    /// let mut version = VERSION.rlock();
    /// CHANGED.wait_while(&mut version, |version| *version < 2);
    /// assert_eq!(*version, 2);
    /// ```
    pub fn wait_while<G: CondGuard>(
        &self,
        guard: &mut G,
        mut condition: impl FnMut(&G::Target) -> bool,
    ) {
        while condition(&**guard) {
            self.wait(guard);
        }
    }

    /// Waits like [`wait`](Self::wait), but for `timeout` at most. Returns true if a `signal` or `broadcast`
    /// has woken it, and false if the timeout has passed first. Go has no counterpart.
    ///
    /// It may return after the timeout, since it must lock again.
    ///
    /// # Aborts
    ///
    /// If `guard` is a read guard, and about 2²⁵ readers are counted in its lock when the wait locks again.
    ///
    /// # Examples
    ///
    /// ```
    /// use gosync::{Cond, Mutex};
    /// use std::time::Duration;
    ///
    /// let (cond, mutex) = (Cond::new(), Mutex::new(()));
    /// assert!(!cond.wait_for(&mut mutex.lock(), Duration::from_millis(1)));
    /// ```
    pub fn wait_for<G: CondGuard>(&self, guard: &mut G, timeout: Duration) -> bool {
        self.wait_until_woken(guard, park::deadline(timeout))
    }

    /// Waits like [`wait`](Self::wait), but until `deadline` at most. Returns true if a `signal` or
    /// `broadcast` has woken it, and false if the deadline has passed first. Go has no counterpart.
    ///
    /// It may return after the deadline, since it must lock again.
    ///
    /// # Aborts
    ///
    /// If `guard` is a read guard, and about 2²⁵ readers are counted in its lock when the wait locks again.
    ///
    /// # Examples
    ///
    /// ```
    /// use gosync::{Cond, Mutex};
    /// use std::time::Instant;
    ///
    /// let (cond, mutex) = (Cond::new(), Mutex::new(()));
    /// assert!(!cond.wait_until(&mut mutex.lock(), Instant::now()));
    /// ```
    pub fn wait_until<G: CondGuard>(&self, guard: &mut G, deadline: Instant) -> bool {
        self.wait_until_woken(guard, Some(deadline))
    }

    fn wait_until_woken<G: CondGuard>(&self, guard: &mut G, deadline: Option<Instant>) -> bool {
        let waiter = self.raw.enqueue();
        guard.while_unlocked(|| self.raw.wait(waiter, deadline))
    }

    /// Wakes the waiter that has waited longest: Go's `cond.Signal`. Returns whether there was one.
    ///
    /// Change the condition under the lock. The signal itself does not need the lock, and it is faster to
    /// unlock first: a waiter that wakes while the lock is held must wait again. If waiters use guards of
    /// different locks, or wait for different things, use [`broadcast`](Self::broadcast).
    ///
    /// # Examples
    ///
    /// ```
    /// use gosync::{Cond, Mutex, go};
    ///
    /// static READY: Mutex<bool> = Mutex::new(false);
    /// static CHANGED: Cond = Cond::new();
    ///
    /// let waiter = go(|| CHANGED.wait_while(&mut READY.lock(), |ready| !*ready));
    /// *READY.lock() = true; // The guard is dropped here, before the signal.
    /// CHANGED.signal();
    /// waiter.join().unwrap();
    /// assert!(!CHANGED.signal()); // Now no goroutine waits.
    /// ```
    #[doc(alias = "Signal")]
    #[doc(alias = "notify_one")]
    #[inline]
    pub fn signal(&self) -> bool {
        self.raw.signal()
    }

    /// Wakes all waiters: Go's `cond.Broadcast`. Returns how many there were.
    ///
    /// Change the condition under the lock. The broadcast itself does not need the lock.
    ///
    /// # Examples
    ///
    /// ```
    /// use gosync::{Cond, Mutex, WaitGroup};
    ///
    /// static READY: Mutex<bool> = Mutex::new(false);
    /// static CHANGED: Cond = Cond::new();
    ///
    /// let wg = WaitGroup::new();
    /// for _ in 0..3 {
    ///     wg.go(|| CHANGED.wait_while(&mut READY.lock(), |ready| !*ready));
    /// }
    /// *READY.lock() = true;
    /// CHANGED.broadcast();
    /// wg.wait();
    /// assert_eq!(CHANGED.broadcast(), 0); // Now no goroutine waits.
    /// ```
    #[doc(alias = "Broadcast")]
    #[doc(alias = "notify_all")]
    #[inline]
    pub fn broadcast(&self) -> usize {
        self.raw.broadcast()
    }
}

impl Default for Cond {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Cond {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cond").finish_non_exhaustive()
    }
}

/// The guards that a `Cond` accepts.
mod guard {
    #[cfg(feature = "arc_lock")]
    use crate::{ArcMutexGuard, ArcRWMutexReadGuard, ArcRWMutexWriteGuard};
    use crate::{MutexGuard, RWMutexReadGuard, RWMutexWriteGuard};
    use std::ops::Deref;

    /// A guard that can wait on a [`Cond`](crate::Cond): of a [`Mutex`](crate::Mutex), or of an
    /// [`RWMutex`](crate::RWMutex) for writing or for reading. In Go it is the `sync.Locker` that
    /// `sync.NewCond` takes.
    ///
    /// The guard may own an `Arc` of its lock. An upgradable guard is not accepted, nor is a mapped one,
    /// which lock_api cannot unlock temporarily. No other type can implement this trait.
    ///
    /// # Examples
    ///
    /// ```
    /// use gosync::{Cond, CondGuard, Mutex, RWMutex};
    ///
    /// fn wait_until_positive(cond: &Cond, number: &mut impl CondGuard<Target = i32>) {
    ///     cond.wait_while(number, |number| *number <= 0);
    /// }
    ///
    /// let cond = Cond::new();
    /// wait_until_positive(&cond, &mut Mutex::new(1).lock());
    /// wait_until_positive(&cond, &mut RWMutex::new(1).rlock());
    /// wait_until_positive(&cond, &mut RWMutex::new(1).lock());
    /// ```
    #[doc(alias = "Locker")]
    #[doc(alias = "RLocker")]
    pub trait CondGuard: Deref + Unlock {}

    impl<G: Deref + Unlock> CondGuard for G {}

    /// Not reachable from outside, so no other crate can implement [`CondGuard`].
    pub trait Unlock {
        /// Unlocks, calls `f`, and locks again.
        fn while_unlocked<R>(&mut self, f: impl FnOnce() -> R) -> R;
    }

    macro_rules! unlock {
        ($($guard:ty),*) => {$(
            impl<T: ?Sized> Unlock for $guard {
                fn while_unlocked<R>(&mut self, f: impl FnOnce() -> R) -> R {
                    <$guard>::unlocked(self, f)
                }
            }
        )*};
    }

    unlock!(
        MutexGuard<'_, T>,
        RWMutexReadGuard<'_, T>,
        RWMutexWriteGuard<'_, T>
    );
    #[cfg(feature = "arc_lock")]
    unlock!(
        ArcMutexGuard<T>,
        ArcRWMutexReadGuard<T>,
        ArcRWMutexWriteGuard<T>
    );
}
