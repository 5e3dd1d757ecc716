//! `Mutex<T>`: lock_api's guards over our raw lock.

use crate::raw_mutex::RawMutex;

/// A mutual exclusion lock that starves no waiter: Go's `sync.Mutex`, with the data inside.
///
/// Go's `Lock` and `TryLock` are `lock` and `try_lock`. Dropping the guard is Go's `Unlock`, so unlocking a
/// mutex that is not locked does not compile. The methods are those of [`lock_api::Mutex`], and so the same
/// as those of `parking_lot::Mutex`:
///
/// | method | |
/// |---|---|
/// | `new` (`const`), `into_inner`, `get_mut`, `data_ptr`, `Default`, `From`, `Debug` | |
/// | `lock` | waits until the mutex is free, and locks it |
/// | `try_lock` | locks if that needs no wait |
/// | `try_lock_for`, `try_lock_until` | lock, or give up after some time; Go has no counterpart |
/// | `is_locked` | a snapshot |
/// | `lock_arc`, `try_lock_arc`, … | guards that own an `Arc` of the lock; feature `arc_lock` |
///
/// # Fairness
///
/// As in Go, a newcomer may overtake sleeping waiters: waiting for each of them to wake up would make the
/// lock slow. A waiter that has waited for a millisecond, and loses once more when it wakes, is handed the
/// lock by its holder. Sleeping waiters get their turns in the order in which they came.
/// `MutexGuard::unlock_fair` hands the lock at once to the waiter that has slept longest, if there is one.
/// `MutexGuard::bump` does the same, and then waits for its next turn.
///
/// # Differences from Go
///
/// * The mutex owns its data, and only a guard gives access to it.
/// * It is not poisoned: a panic in a critical section drops the guard, which unlocks. (An unrecovered panic
///   ends a Go program.)
///
/// As in Go, locking a mutex twice in one goroutine is a deadlock, and another goroutine may unlock it: a
/// guard may be sent to another thread. So the compiler does not reject a guard that is held across an
/// `.await`.
///
/// # Memory
///
/// An unlock synchronizes before every later lock. `Mutex<()>` takes 4 bytes.
///
/// # Examples
///
/// ```
/// use gosync::{Mutex, WaitGroup};
/// use std::collections::HashMap;
///
/// static VISITS: Mutex<Option<HashMap<&str, u32>>> = Mutex::new(None);
///
/// let wg = WaitGroup::new();
/// for _ in 0..10 {
///     wg.go(|| {
///         let mut visits = VISITS.lock();
///         *visits.get_or_insert_default().entry("/").or_default() += 1;
///     });
/// }
/// wg.wait();
/// assert_eq!(VISITS.lock().as_ref().unwrap()["/"], 10);
/// ```
///
/// An attempt that gives up:
///
/// ```
/// use std::time::Duration;
///
/// let mutex = gosync::Mutex::new(1);
/// let guard = mutex.lock();
/// assert!(mutex.try_lock().is_none());
/// assert!(mutex.try_lock_for(Duration::from_millis(1)).is_none());
/// assert_eq!(format!("{mutex:?}"), "Mutex { data: <locked> }");
/// # drop(guard);
/// ```
#[doc(alias = "Lock")]
#[doc(alias = "TryLock")]
#[doc(alias = "Unlock")]
pub type Mutex<T> = lock_api::Mutex<RawMutex, T>;

/// A lock on a [`Mutex`]: exclusive access until it is dropped.
///
/// It may be sent to another thread and dropped there if the data is `Send`.
pub type MutexGuard<'a, T> = lock_api::MutexGuard<'a, RawMutex, T>;

/// A lock narrowed to a part of the data by [`MutexGuard::map`], `try_map` or `filter_map`.
///
/// # Examples
///
/// ```
/// use gosync::{Mutex, MutexGuard};
///
/// let pair = Mutex::new((1, 2));
/// let mut second = MutexGuard::map(pair.lock(), |pair| &mut pair.1);
/// *second += 1;
/// drop(second);
/// assert_eq!(pair.into_inner(), (1, 3));
/// ```
pub type MappedMutexGuard<'a, T> = lock_api::MappedMutexGuard<'a, RawMutex, T>;

/// A lock that owns an `Arc` of its [`Mutex`].
///
/// # Examples
///
/// ```
/// use gosync::Mutex;
/// use std::sync::Arc;
///
/// let guard = Arc::new(Mutex::new(1)).lock_arc();
/// assert_eq!(*guard, 1);
/// ```
#[cfg(feature = "arc_lock")]
pub type ArcMutexGuard<T> = lock_api::ArcMutexGuard<RawMutex, T>;
