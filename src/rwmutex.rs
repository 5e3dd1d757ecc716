//! `RWMutex<T>`: Go's names and a value inside, over lock_api's guards.

use crate::raw_rwmutex::RawRWMutex;
use std::fmt;
use std::time::{Duration, Instant};

#[cfg(feature = "arc_lock")]
use std::sync::Arc;

/// The same lock with `parking_lot`'s method names (`read`, `write`, `upgradable_read`, `try_read_for`, …).
///
/// It has every method of parking_lot 0.13's `RwLock` and of its guards, so a program that uses that lock
/// changes one import. `parking_lot::RecursiveRwLock` has no counterpart: there, a reader may pass a waiting
/// writer.
///
/// # Examples
///
/// ```
/// use gosync::RwLock;
///
/// static LIMIT: RwLock<u32> = RwLock::new(10);
///
/// *LIMIT.write() += 1;
/// assert_eq!(*LIMIT.read(), 11);
/// ```
pub type RwLock<T> = lock_api::RwLock<RawRWMutex, T>;

/// A read lock on an [`RWMutex`]: shared access until it is dropped. See [`RWMutex::rlock`].
///
/// It may be sent to another thread and dropped there if the data is `Send` and `Sync`.
pub type RWMutexReadGuard<'a, T> = lock_api::RwLockReadGuard<'a, RawRWMutex, T>;

/// The write lock on an [`RWMutex`]: exclusive access until it is dropped. See [`RWMutex::lock`].
///
/// It may be sent to another thread and dropped there if the data is `Send` and `Sync`.
pub type RWMutexWriteGuard<'a, T> = lock_api::RwLockWriteGuard<'a, RawRWMutex, T>;

/// An upgradable read lock on an [`RWMutex`]: shared access until it is dropped, or exclusive access once it
/// has been [upgraded](Self::upgrade). See [`RWMutex::rlock_upgradable`].
///
/// It may be sent to another thread and dropped there if the data is `Send` and `Sync`.
pub type RWMutexUpgradableReadGuard<'a, T> = lock_api::RwLockUpgradableReadGuard<'a, RawRWMutex, T>;

/// A read lock narrowed to a part of the data by [`RWMutexReadGuard::map`].
pub type MappedRWMutexReadGuard<'a, T> = lock_api::MappedRwLockReadGuard<'a, RawRWMutex, T>;

/// A write lock narrowed to a part of the data by [`RWMutexWriteGuard::map`].
pub type MappedRWMutexWriteGuard<'a, T> = lock_api::MappedRwLockWriteGuard<'a, RawRWMutex, T>;

/// A read lock that owns an `Arc` of its [`RWMutex`]. See [`RWMutex::rlock_arc`].
#[cfg(feature = "arc_lock")]
pub type ArcRWMutexReadGuard<T> = lock_api::ArcRwLockReadGuard<RawRWMutex, T>;

/// An upgradable read lock that owns an `Arc` of its [`RWMutex`]. See [`RWMutex::rlock_upgradable_arc`].
#[cfg(feature = "arc_lock")]
pub type ArcRWMutexUpgradableReadGuard<T> = lock_api::ArcRwLockUpgradableReadGuard<RawRWMutex, T>;

/// A write lock that owns an `Arc` of its [`RWMutex`]. See [`RWMutex::lock_arc`].
#[cfg(feature = "arc_lock")]
pub type ArcRWMutexWriteGuard<T> = lock_api::ArcRwLockWriteGuard<RawRWMutex, T>;

/// parking_lot's name for [`RWMutexReadGuard`].
pub type RwLockReadGuard<'a, T> = RWMutexReadGuard<'a, T>;

/// parking_lot's name for [`RWMutexUpgradableReadGuard`].
pub type RwLockUpgradableReadGuard<'a, T> = RWMutexUpgradableReadGuard<'a, T>;

/// parking_lot's name for [`RWMutexWriteGuard`].
pub type RwLockWriteGuard<'a, T> = RWMutexWriteGuard<'a, T>;

/// parking_lot's name for [`MappedRWMutexReadGuard`].
pub type MappedRwLockReadGuard<'a, T> = MappedRWMutexReadGuard<'a, T>;

/// parking_lot's name for [`MappedRWMutexWriteGuard`].
pub type MappedRwLockWriteGuard<'a, T> = MappedRWMutexWriteGuard<'a, T>;

/// A reader-writer lock that prefers writers and starves no thread: Go's `sync.RWMutex`, with the data
/// inside.
///
/// Any number of readers or one writer hold it at a time. Go's `RLock` is [`rlock`](Self::rlock), and `Lock`
/// is [`lock`](Self::lock). Dropping the guard is Go's `RUnlock` or `Unlock`, so unlocking a lock that is not
/// locked does not compile.
///
/// # Fairness
///
/// * Once a writer waits for the readers inside, no later reader enters before it.
/// * Readers that sleep when a writer unlocks are admitted together, before the next writer. The lock is
///   handed to those readers, so a sleeping reader waits for at most one writer, and for the writes of an
///   upgradable reader before that writer. No other reader enters between a writer and the next one that
///   sleeps.
/// * A writer may be overtaken by other writers for a millisecond. The next time it wakes after that, it asks
///   for the lock, and is next. Sleeping writers get their turns in the order in which they came.
/// * A sleeping upgradable reader is admitted with the other readers, one upgradable reader at a time. It may
///   be overtaken by other upgradable readers until it is first in the queue and has waited for a
///   millisecond.
/// * An upgrade waits for the readers inside, and for no other thread: a writer that waits comes after it.
/// * `unlock_fair` of a write guard hands the lock to the writer that has waited longest, after the readers
///   that sleep. `bump` does the same, and locks again.
///
/// # Deadlocks
///
/// As in Go, a thread that holds a read lock must not ask for another read lock on the same `RWMutex`. If a
/// writer has come between the two, the reader waits for the writer and the writer for the reader.
///
/// # Differences from Go
///
/// * The lock owns its data, and only a guard gives access to it.
/// * The lock is not poisoned: a panic in a critical section drops the guard, which unlocks. (An unrecovered
///   panic ends a Go program.)
/// * There are timed attempts. A write lock can be downgraded to a read lock, and an upgradable read lock can
///   become a write lock.
/// * Go admits as many readers as were waiting, whichever readers these are. Here, the readers that were
///   waiting enter.
///
/// # Memory
///
/// An unlock synchronizes before every later write lock, and a write unlock also before every later read
/// lock. `RWMutex<()>` takes 8 bytes. Each thread that reads often has 128 bytes more, for all locks
/// together. They go to another thread when it ends.
///
/// # Speed
///
/// A lock that is read much more than written records its readers in slots of their threads, instead of
/// counting them in a word that all of them write. Then a read lock costs a few nanoseconds less than an
/// atomic read-modify-write. If the lock has not been written for long, a read lock costs no more than a few
/// plain loads and stores, on any number of CPUs at once. In return a write takes longer: it looks at each
/// thread, and after a long time without a write it also makes a system call. The lock finds out by itself
/// what pays.
///
/// On Linux, the first lock that is read often registers the process with the system call `membarrier`. In a
/// process with several threads it starts a thread for that, which lives for a few milliseconds. If a process
/// forbids this call later, by a filter, the next write aborts the process. On other systems, and where the
/// call is forbidden from the start, reads keep a fence.
///
/// A signal handler must not return while it holds a lock that it has taken.
///
/// # Examples
///
/// ```
/// use gosync::RWMutex;
/// use std::collections::HashMap;
///
/// static AGES: RWMutex<Option<HashMap<&str, u32>>> = RWMutex::new(None);
///
/// AGES.lock().get_or_insert_default().insert("gopher", 17);
///
/// let ages = AGES.rlock();
/// assert_eq!(ages.as_ref().unwrap()["gopher"], 17);
/// ```
#[repr(transparent)]
pub struct RWMutex<T: ?Sized>(RwLock<T>);

impl<T> RWMutex<T> {
    /// Returns an unlocked `RWMutex` that holds `value`. Go's zero value.
    ///
    /// # Examples
    ///
    /// ```
    /// use gosync::RWMutex;
    ///
    /// static COUNT: RWMutex<u64> = RWMutex::new(0);
    /// ```
    pub const fn new(value: T) -> Self {
        Self(RwLock::new(value))
    }

    /// Returns the value, without locking: no other thread can hold a reference to it.
    ///
    /// # Examples
    ///
    /// ```
    /// let mutex = gosync::RWMutex::new(String::from("go"));
    /// assert_eq!(mutex.into_inner(), "go");
    /// ```
    pub fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

impl<T: ?Sized> RWMutex<T> {
    /// Locks for writing. Waits until all readers and writers before it have left. Go's `Lock`.
    ///
    /// Readers that arrive while it waits for others to leave wait behind it.
    ///
    /// # Examples
    ///
    /// ```
    /// let mutex = gosync::RWMutex::new(1);
    /// *mutex.lock() += 1;
    /// assert_eq!(*mutex.rlock(), 2);
    /// ```
    #[doc(alias = "Lock")]
    #[doc(alias = "Unlock")]
    #[doc(alias = "write")]
    #[inline]
    pub fn lock(&self) -> RWMutexWriteGuard<'_, T> {
        self.0.write()
    }

    /// Locks for reading. Waits until no writer holds the lock or waits for it. Go's `RLock`.
    ///
    /// # Panics
    ///
    /// If about 2²⁵ readers are already counted in the lock. Readers recorded in the slots of their threads
    /// are not counted, so in practice only forgotten guards can reach the limit.
    ///
    /// # Examples
    ///
    /// ```
    /// let mutex = gosync::RWMutex::new(7);
    /// let first = mutex.rlock();
    /// std::thread::scope(|s| {
    ///     s.spawn(|| assert_eq!(*mutex.rlock(), 7));
    /// });
    /// assert_eq!(*first, 7);
    /// ```
    #[doc(alias = "RLock")]
    #[doc(alias = "RUnlock")]
    #[doc(alias = "read")]
    #[inline]
    #[track_caller]
    pub fn rlock(&self) -> RWMutexReadGuard<'_, T> {
        self.0.read()
    }

    /// Locks for reading, with the right to [upgrade](RWMutexUpgradableReadGuard::upgrade) to a write lock
    /// later. Waits until no writer and no other upgradable reader holds the lock, and no writer waits for
    /// it. Go has no counterpart.
    ///
    /// Other readers may enter and leave meanwhile. Writers wait, so whatever the guard has read is still
    /// true after the upgrade. An upgrade waits for the readers inside.
    ///
    /// # Deadlocks
    ///
    /// A thread that holds a plain read lock must not upgrade an upgradable read lock on the same `RWMutex`:
    /// it would wait for itself.
    ///
    /// # Panics
    ///
    /// If about 2²⁵ readers are already counted in the lock. Readers recorded in the slots of their threads
    /// are not counted, so in practice only forgotten guards can reach the limit.
    ///
    /// # Examples
    ///
    /// ```
    /// use gosync::{RWMutex, RWMutexUpgradableReadGuard};
    /// use std::collections::HashMap;
    ///
    /// static LENGTHS: RWMutex<Option<HashMap<String, usize>>> = RWMutex::new(None);
    ///
    /// fn length(word: &str) -> usize {
    ///     let lengths = LENGTHS.rlock_upgradable();
    ///     if let Some(length) = lengths.as_ref().and_then(|lengths| lengths.get(word)) {
    ///         return *length;
    ///     }
    ///     // Nobody can have filled it in meanwhile.
    ///     let mut lengths = RWMutexUpgradableReadGuard::upgrade(lengths);
    ///     let length = word.chars().count();
    ///     lengths.get_or_insert_default().insert(word.to_owned(), length);
    ///     length
    /// }
    ///
    /// assert_eq!(length("gopher"), 6);
    /// assert_eq!(length("gopher"), 6);
    /// ```
    #[doc(alias = "upgradable_read")]
    #[inline]
    #[track_caller]
    pub fn rlock_upgradable(&self) -> RWMutexUpgradableReadGuard<'_, T> {
        self.0.upgradable_read()
    }

    /// Locks for writing if that needs no wait. Go's `TryLock`.
    ///
    /// It may fail because of another attempt that also fails, or because of a reader that has just left.
    ///
    /// # Examples
    ///
    /// ```
    /// let mutex = gosync::RWMutex::new(());
    /// let reader = mutex.rlock();
    /// assert!(mutex.try_lock().is_none());
    /// drop(reader);
    /// assert!(mutex.try_lock().is_some());
    /// ```
    #[doc(alias = "TryLock")]
    #[inline]
    pub fn try_lock(&self) -> Option<RWMutexWriteGuard<'_, T>> {
        self.0.try_write()
    }

    /// Locks for reading if that needs no wait: if no writer holds the lock or waits for it. Go's `TryRLock`.
    ///
    /// # Examples
    ///
    /// ```
    /// let mutex = gosync::RWMutex::new(());
    /// let writer = mutex.lock();
    /// assert!(mutex.try_rlock().is_none());
    /// drop(writer);
    /// assert!(mutex.try_rlock().is_some());
    /// ```
    #[doc(alias = "TryRLock")]
    #[inline]
    pub fn try_rlock(&self) -> Option<RWMutexReadGuard<'_, T>> {
        self.0.try_read()
    }

    /// Locks like [`rlock_upgradable`](Self::rlock_upgradable) if that needs no wait.
    ///
    /// # Examples
    ///
    /// ```
    /// let mutex = gosync::RWMutex::new(());
    /// let upgradable = mutex.try_rlock_upgradable().unwrap();
    /// assert!(mutex.try_rlock_upgradable().is_none());
    /// assert!(mutex.try_rlock().is_some());
    /// # drop(upgradable);
    /// ```
    #[inline]
    pub fn try_rlock_upgradable(&self) -> Option<RWMutexUpgradableReadGuard<'_, T>> {
        self.0.try_upgradable_read()
    }

    /// Locks for writing, or gives up after `timeout`. Go has no counterpart.
    ///
    /// An attempt that gives up leaves no trace: readers that it held back continue at once.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let mutex = gosync::RWMutex::new(());
    /// let reader = mutex.rlock();
    /// assert!(mutex.try_lock_for(Duration::from_millis(1)).is_none());
    /// assert!(mutex.try_rlock().is_some());
    /// # drop(reader);
    /// ```
    pub fn try_lock_for(&self, timeout: Duration) -> Option<RWMutexWriteGuard<'_, T>> {
        self.0.try_write_for(timeout)
    }

    /// Locks for writing, or gives up at `deadline`. Like [`try_lock_for`](Self::try_lock_for).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    ///
    /// let mutex = gosync::RWMutex::new(());
    /// assert!(mutex.try_lock_until(Instant::now() + Duration::from_millis(1)).is_some());
    /// ```
    pub fn try_lock_until(&self, deadline: Instant) -> Option<RWMutexWriteGuard<'_, T>> {
        self.0.try_write_until(deadline)
    }

    /// Locks for reading, or gives up after `timeout`. Go has no counterpart.
    ///
    /// # Panics
    ///
    /// If about 2²⁵ readers are already counted in the lock. Readers recorded in the slots of their threads
    /// are not counted, so in practice only forgotten guards can reach the limit.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let mutex = gosync::RWMutex::new(());
    /// let writer = mutex.lock();
    /// assert!(mutex.try_rlock_for(Duration::from_millis(1)).is_none());
    /// # drop(writer);
    /// ```
    #[track_caller]
    pub fn try_rlock_for(&self, timeout: Duration) -> Option<RWMutexReadGuard<'_, T>> {
        self.0.try_read_for(timeout)
    }

    /// Locks for reading, or gives up at `deadline`. Like [`try_rlock_for`](Self::try_rlock_for).
    ///
    /// # Panics
    ///
    /// If about 2²⁵ readers are already counted in the lock. Readers recorded in the slots of their threads
    /// are not counted, so in practice only forgotten guards can reach the limit.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    ///
    /// let mutex = gosync::RWMutex::new(());
    /// assert!(mutex.try_rlock_until(Instant::now() + Duration::from_millis(1)).is_some());
    /// ```
    #[track_caller]
    pub fn try_rlock_until(&self, deadline: Instant) -> Option<RWMutexReadGuard<'_, T>> {
        self.0.try_read_until(deadline)
    }

    /// Locks like [`rlock_upgradable`](Self::rlock_upgradable), or gives up after `timeout`.
    ///
    /// # Panics
    ///
    /// If about 2²⁵ readers are already counted in the lock. Readers recorded in the slots of their threads
    /// are not counted, so in practice only forgotten guards can reach the limit.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let mutex = gosync::RWMutex::new(());
    /// let upgradable = mutex.rlock_upgradable();
    /// assert!(mutex.try_rlock_upgradable_for(Duration::from_millis(1)).is_none());
    /// # drop(upgradable);
    /// ```
    #[track_caller]
    pub fn try_rlock_upgradable_for(
        &self,
        timeout: Duration,
    ) -> Option<RWMutexUpgradableReadGuard<'_, T>> {
        self.0.try_upgradable_read_for(timeout)
    }

    /// Locks like [`rlock_upgradable`](Self::rlock_upgradable), or gives up at `deadline`.
    ///
    /// # Panics
    ///
    /// If about 2²⁵ readers are already counted in the lock. Readers recorded in the slots of their threads
    /// are not counted, so in practice only forgotten guards can reach the limit.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    ///
    /// let mutex = gosync::RWMutex::new(());
    /// let soon = Instant::now() + Duration::from_millis(1);
    /// assert!(mutex.try_rlock_upgradable_until(soon).is_some());
    /// ```
    #[track_caller]
    pub fn try_rlock_upgradable_until(
        &self,
        deadline: Instant,
    ) -> Option<RWMutexUpgradableReadGuard<'_, T>> {
        self.0.try_upgradable_read_until(deadline)
    }

    /// Returns a mutable reference to the value, without locking: `&mut self` proves that no other thread has
    /// one.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut mutex = gosync::RWMutex::new(1);
    /// *mutex.get_mut() = 2;
    /// assert_eq!(mutex.into_inner(), 2);
    /// ```
    pub const fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
    }

    /// Returns a pointer to the value. Hold the lock to dereference it.
    ///
    /// # Examples
    ///
    /// ```
    /// let mutex = gosync::RWMutex::new(1);
    /// let pointer = mutex.data_ptr();
    /// let guard = mutex.rlock();
    /// assert!(std::ptr::eq(pointer, &*guard));
    /// ```
    pub const fn data_ptr(&self) -> *mut T {
        self.0.data_ptr()
    }

    /// Returns whether a thread holds the lock, or a writer waits for the readers inside. The result is a
    /// snapshot.
    ///
    /// # Examples
    ///
    /// ```
    /// let mutex = gosync::RWMutex::new(());
    /// let reader = mutex.rlock();
    /// assert!(mutex.is_locked() && !mutex.is_locked_exclusive());
    /// # drop(reader);
    /// ```
    pub fn is_locked(&self) -> bool {
        self.0.is_locked()
    }

    /// Returns whether a writer holds the lock. The result is a snapshot.
    ///
    /// It is exact for a thread that holds the lock. Another thread may get true for a writer that has just
    /// begun to wait for readers.
    ///
    /// # Examples
    ///
    /// ```
    /// let mutex = gosync::RWMutex::new(());
    /// let writer = mutex.lock();
    /// assert!(mutex.is_locked_exclusive());
    /// # drop(writer);
    /// ```
    pub fn is_locked_exclusive(&self) -> bool {
        self.0.is_locked_exclusive()
    }

    /// Locks like [`lock`](Self::lock), but the guard keeps an `Arc` of the lock alive instead of borrowing
    /// the lock.
    ///
    /// # Examples
    ///
    /// ```
    /// use gosync::RWMutex;
    /// use std::sync::Arc;
    ///
    /// let guard = Arc::new(RWMutex::new(1)).lock_arc();
    /// assert_eq!(*guard, 1);
    /// ```
    #[cfg(feature = "arc_lock")]
    pub fn lock_arc(self: &Arc<Self>) -> ArcRWMutexWriteGuard<T> {
        Self::inner_arc(self).write_arc()
    }

    /// Locks like [`rlock`](Self::rlock), but the guard keeps an `Arc` of the lock alive instead of borrowing
    /// the lock.
    ///
    /// # Panics
    ///
    /// If about 2²⁵ readers are already counted in the lock. Readers recorded in the slots of their threads
    /// are not counted, so in practice only forgotten guards can reach the limit.
    ///
    /// # Examples
    ///
    /// ```
    /// use gosync::RWMutex;
    /// use std::sync::Arc;
    ///
    /// let guard = Arc::new(RWMutex::new(1)).rlock_arc();
    /// assert_eq!(*guard, 1);
    /// ```
    #[cfg(feature = "arc_lock")]
    #[track_caller]
    pub fn rlock_arc(self: &Arc<Self>) -> ArcRWMutexReadGuard<T> {
        Self::inner_arc(self).read_arc()
    }

    /// Locks like [`rlock_upgradable`](Self::rlock_upgradable), but the guard keeps an `Arc` of the lock
    /// alive instead of borrowing the lock.
    ///
    /// # Panics
    ///
    /// If about 2²⁵ readers are already counted in the lock. Readers recorded in the slots of their threads
    /// are not counted, so in practice only forgotten guards can reach the limit.
    ///
    /// # Examples
    ///
    /// ```
    /// use gosync::{ArcRWMutexUpgradableReadGuard, RWMutex};
    /// use std::sync::Arc;
    ///
    /// let guard = Arc::new(RWMutex::new(1)).rlock_upgradable_arc();
    /// *ArcRWMutexUpgradableReadGuard::upgrade(guard) += 1;
    /// ```
    #[cfg(feature = "arc_lock")]
    #[track_caller]
    pub fn rlock_upgradable_arc(self: &Arc<Self>) -> ArcRWMutexUpgradableReadGuard<T> {
        Self::inner_arc(self).upgradable_read_arc()
    }

    /// Returns the same `Arc`, as the type whose methods lock_api has.
    #[cfg(feature = "arc_lock")]
    fn inner_arc(this: &Arc<Self>) -> Arc<RwLock<T>> {
        let pointer = Arc::into_raw(Arc::clone(this)) as *const RwLock<T>;
        // SAFETY: the pointer comes from `Arc::into_raw`, and `RWMutex<T>` is a transparent wrapper
        // of `RwLock<T>`: same size, alignment and metadata.
        unsafe { Arc::from_raw(pointer) }
    }
}

impl<T: Default> Default for RWMutex<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> From<T> for RWMutex<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RWMutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("RWMutex");
        match self.try_rlock() {
            Some(data) => debug.field("data", &&*data),
            None => debug.field("data", &format_args!("<locked>")),
        };
        debug.finish_non_exhaustive()
    }
}

#[cfg(feature = "serde")]
impl<T: ?Sized + serde::Serialize> serde::Serialize for RWMutex<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

#[cfg(feature = "serde")]
impl<'de, T: serde::Deserialize<'de>> serde::Deserialize<'de> for RWMutex<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::new)
    }
}
