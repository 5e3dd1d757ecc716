//! `Cond`: Go's names over the raw list, and the guards that it takes.

use crate::park;
use crate::raw_cond::RawCond;
use std::fmt;
use std::time::{Duration, Instant};

pub use guard::CondGuard;

/// A condition variable: goroutines wait until another one says that something has changed. Go's `sync.Cond`.
///
/// Go gives a `Cond` its lock when it is made. Here each wait takes a guard, as in parking_lot: of a
/// [`Mutex`](crate::Mutex), or of an [`RWMutex`](crate::RWMutex), for writing or for reading (Go:
/// `sync.NewCond(rw.RLocker())`). A wait unlocks, sleeps until it is called, and locks again. Guards of different locks
/// may wait at one `Cond`.
///
/// # Fairness
///
/// Those who wait are called in the order in which they came, and nobody wakes without a call. But when one that was
/// called has the lock again, others may have had it before, so the condition has to be looked at once more, as in Go:
/// [`wait_while`](Self::wait_while) does that.
///
/// A call is not lost when it meets the end of a timed wait: the wait then counts as called.
///
/// # Differences from Go
///
/// * [`signal`](Self::signal) and [`broadcast`](Self::broadcast) tell how many they have called.
/// * There are timed waits.
/// * A `Cond` may be moved; Go panics if one is used after it was copied.
///
/// # Aborts
///
/// If a wait cannot lock again. The one cause is a read lock that panics since there are too many readers; see
/// [`RWMutex::rlock`](crate::RWMutex::rlock).
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
/// A queue with room for so many:
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
    /// Returns a `Cond` at which nobody waits. Go's `NewCond`, without the lock.
    ///
    /// # Examples
    ///
    /// ```
    /// static CHANGED: gosync::Cond = gosync::Cond::new();
    /// ```
    pub const fn new() -> Self {
        Self {
            raw: RawCond::new(),
        }
    }

    /// Unlocks, sleeps until it is called, and locks again. Go's `Wait`.
    ///
    /// When it returns the condition may have changed once more. Look at it again, or use
    /// [`wait_while`](Self::wait_while).
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
        self.wait_until_called(guard, None);
    }

    /// Waits as long as `condition` holds: Go's loop around `Wait`.
    ///
    /// `condition` is asked with the lock, before the first sleep and after each.
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

    /// As [`wait`](Self::wait), for `timeout` at most. Returns whether it was woken by a call, and false after the timeout. Go
    /// has no counterpart.
    ///
    /// It may return later than that, since it has to lock again.
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
        self.wait_until_called(guard, park::deadline(timeout))
    }

    /// As [`wait_for`](Self::wait_for), until `deadline`.
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
        self.wait_until_called(guard, Some(deadline))
    }

    fn wait_until_called<G: CondGuard>(&self, guard: &mut G, deadline: Option<Instant>) -> bool {
        let waiter = self.raw.enqueue();
        guard.while_unlocked(|| self.raw.wait(waiter, deadline))
    }

    /// Wakes the one that waits for longest. Returns whether there was one. Go's `Signal`.
    ///
    /// Change the condition under the lock. Signal with the lock or without it: it is faster to unlock first, since a waiter
    /// that wakes while the lock is held has to wait again. Where waiters use guards of different locks, or wait
    /// for different things, use [`broadcast`](Self::broadcast).
    ///
    /// # Examples
    ///
    /// ```
    /// assert!(!gosync::Cond::new().signal());
    /// ```
    #[doc(alias = "Signal")]
    #[doc(alias = "notify_one")]
    #[inline]
    pub fn signal(&self) -> bool {
        self.raw.signal()
    }

    /// Wakes all that wait. Returns how many there were. Go's `Broadcast`.
    ///
    /// As for [`signal`](Self::signal) you need not hold the lock.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(gosync::Cond::new().broadcast(), 0);
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

/// What is a guard to a `Cond`.
mod guard {
    #[cfg(feature = "arc_lock")]
    use crate::{ArcMutexGuard, ArcRWMutexReadGuard, ArcRWMutexWriteGuard};
    use crate::{MutexGuard, RWMutexReadGuard, RWMutexWriteGuard};
    use std::ops::Deref;

    /// A guard with which one can wait at a [`Cond`](crate::Cond): of a [`Mutex`](crate::Mutex), or of an
    /// [`RWMutex`](crate::RWMutex) for writing or for reading. It may own an `Arc` of its lock, but a part of the data
    /// will not do: lock_api has no way to unlock that for a while.
    ///
    /// No other type can implement it.
    pub trait CondGuard: Deref + Unlock {}

    impl<G: Deref + Unlock> CondGuard for G {}

    /// Out of reach for others.
    pub trait Unlock {
        /// Calls `f` while the lock is unlocked.
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
