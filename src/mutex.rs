//! `Mutex<T>`: lock_api's guards over our raw lock.

use crate::raw_mutex::RawMutex;

/// A mutual exclusion lock that starves no waiter: Go's `sync.Mutex`, with the data inside.
///
/// Dropping the guard unlocks. So there is no `Unlock` to forget, or to call once too often.
///
/// # Methods
///
/// They belong to [`lock_api::Mutex`], and are the same as those of `parking_lot::Mutex`.
///
/// | method | what it does | Go |
/// |---|---|---|
/// | [`new`](lock_api::Mutex::new) (`const`) | returns an unlocked mutex that holds a value | the zero value |
/// | [`lock`](lock_api::Mutex::lock) | waits until no other thread holds the mutex, locks it, and returns a [`MutexGuard`] | `mu.Lock` |
/// | the drop of the guard | unlocks | `mu.Unlock` |
/// | [`try_lock`](lock_api::Mutex::try_lock) | locks if that needs no wait, and otherwise returns `None` | `mu.TryLock` |
/// | [`try_lock_for`](lock_api::Mutex::try_lock_for), [`try_lock_until`](lock_api::Mutex::try_lock_until) | lock, or give up after a `Duration` or at an `Instant` and return `None` | none |
/// | [`is_locked`](lock_api::Mutex::is_locked) | returns whether a thread holds the mutex: a snapshot | none |
/// | [`into_inner`](lock_api::Mutex::into_inner), [`get_mut`](lock_api::Mutex::get_mut) | return the value, or a reference to it, without locking | none |
/// | [`data_ptr`](lock_api::Mutex::data_ptr) | returns a pointer to the value | none |
/// | `lock_arc`, `try_lock_arc`, `try_lock_arc_for`, `try_lock_arc_until` (feature `arc_lock`) | lock, and return a guard that owns an `Arc` of the mutex | none |
/// | [`from_raw`](lock_api::Mutex::from_raw), [`into_inner_with_raw`](lock_api::Mutex::into_inner_with_raw), and unsafe functions | work on the [`RawMutex`] inside | none |
///
/// None of them panics.
///
/// # Fairness
///
/// As in Go, a newcomer may overtake sleeping waiters: waiting for each of them to wake up would make the
/// lock slow. A waiter that has waited for a millisecond, and loses once more when it wakes, is handed the
/// lock by its holder. Sleeping waiters get their turns in the order in which they came.
/// [`MutexGuard::unlock_fair`] hands the lock at once to the waiter that has slept longest, if there is one.
/// [`MutexGuard::bump`] does the same, and then waits for its next turn.
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
/// The other methods:
///
/// ```
/// use std::time::{Duration, Instant};
///
/// let mut mutex = gosync::Mutex::new(1);
/// let guard = mutex.lock();
/// assert!(mutex.is_locked());
/// assert!(mutex.try_lock().is_none());
/// assert!(mutex.try_lock_for(Duration::from_millis(1)).is_none());
/// assert!(mutex.try_lock_until(Instant::now()).is_none());
/// assert!(std::ptr::eq(mutex.data_ptr(), &*guard));
/// assert_eq!(format!("{mutex:?}"), "Mutex { data: <locked> }");
/// drop(guard);
///
/// *mutex.get_mut() += 1;
/// assert_eq!(mutex.into_inner(), 2);
/// ```
#[doc(alias = "Lock")]
#[doc(alias = "TryLock")]
#[doc(alias = "Unlock")]
pub type Mutex<T> = lock_api::Mutex<RawMutex, T>;

/// A lock on a [`Mutex`]: exclusive access to the data until it is dropped. The drop is Go's `mu.Unlock`.
///
/// `lock` and its siblings return it. It may be sent to another thread and dropped there if the data is
/// `Send`.
///
/// # Functions
///
/// They take the guard as an argument, `MutexGuard::map(guard, …)`, so that they hide no method of the data.
///
/// | function | what it does |
/// |---|---|
/// | [`map`](Self::map) | narrows the lock to a part of the data: a [`MappedMutexGuard`] |
/// | [`try_map`](Self::try_map), [`try_map_or_err`](Self::try_map_or_err) | do the same if the closure returns `Some` or `Ok`, and otherwise return the guard |
/// | [`unlock_fair`](Self::unlock_fair) | unlocks, and hands the lock to the waiter that has slept longest |
/// | [`bump`](Self::bump) | if another thread waits, unlocks like `unlock_fair`, and locks again |
/// | [`unlocked`](Self::unlocked), [`unlocked_fair`](Self::unlocked_fair) | unlock, call a closure, and lock again |
/// | [`leak`](Self::leak) | returns a reference to the data, and keeps the mutex locked for the rest of its life |
/// | [`mutex`](Self::mutex) | returns the mutex |
///
/// # Examples
///
/// ```
/// use gosync::{Mutex, MutexGuard};
///
/// let mutex = Mutex::new(vec![1]);
/// let mut list = mutex.lock();
/// list.push(2);
/// MutexGuard::bump(&mut list); // A thread that waits gets its turn here.
/// MutexGuard::unlocked(&mut list, || mutex.lock().push(3));
/// MutexGuard::unlocked_fair(&mut list, || mutex.lock().push(4));
/// assert_eq!(*list, [1, 2, 3, 4]);
/// assert!(MutexGuard::mutex(&list).is_locked());
/// MutexGuard::unlock_fair(list);
///
/// *MutexGuard::map(mutex.lock(), |list| &mut list[0]) = 7;
/// let list = MutexGuard::try_map(mutex.lock(), |list| list.get_mut(4)).unwrap_err();
/// let (list, error) =
///     MutexGuard::try_map_or_err(list, |list| list.get_mut(4).ok_or("too short")).unwrap_err();
/// assert_eq!(error, "too short");
///
/// let list: &mut Vec<i32> = MutexGuard::leak(list);
/// assert_eq!(*list, [7, 2, 3, 4]);
/// assert!(mutex.try_lock().is_none());
/// ```
#[doc(alias = "Unlock")]
#[doc(alias = "defer")]
#[doc(alias = "map")]
#[doc(alias = "try_map")]
#[doc(alias = "bump")]
#[doc(alias = "unlock_fair")]
#[doc(alias = "unlocked")]
pub type MutexGuard<'a, T> = lock_api::MutexGuard<'a, RawMutex, T>;

/// A lock on a [`Mutex`], narrowed to a part of the data by [`MutexGuard::map`]. Go has no counterpart.
///
/// A [`Cond`](crate::Cond) cannot wait with it.
///
/// # Functions
///
/// | function | what it does |
/// |---|---|
/// | [`map`](Self::map) | narrows the lock further |
/// | [`try_map`](Self::try_map), [`try_map_or_err`](Self::try_map_or_err) | do the same if the closure returns `Some` or `Ok`, and otherwise return the guard |
/// | [`unlock_fair`](Self::unlock_fair) | unlocks, and hands the lock to the waiter that has slept longest |
///
/// # Examples
///
/// ```
/// use gosync::{MappedMutexGuard, Mutex, MutexGuard};
///
/// let pair = Mutex::new((1, [2, 3]));
/// let mut array = MutexGuard::map(pair.lock(), |pair| &mut pair.1);
/// array[0] += 1;
/// *MappedMutexGuard::map(array, |array| &mut array[1]) += 1;
///
/// let array = MutexGuard::map(pair.lock(), |pair| &mut pair.1);
/// let array = MappedMutexGuard::try_map(array, |array| array.get_mut(2)).unwrap_err();
/// let (array, error) =
///     MappedMutexGuard::try_map_or_err(array, |array| array.get_mut(2).ok_or("too short"))
///         .unwrap_err();
/// assert_eq!(error, "too short");
/// MappedMutexGuard::unlock_fair(array);
/// assert_eq!(pair.into_inner(), (1, [3, 4]));
/// ```
#[doc(alias = "map")]
pub type MappedMutexGuard<'a, T> = lock_api::MappedMutexGuard<'a, RawMutex, T>;

/// A lock that owns an `Arc` of its [`Mutex`] instead of borrowing the mutex. Go has no counterpart.
///
/// `lock_arc` of the mutex and its siblings return it. It borrows nothing, so it may move into a goroutine.
/// Needs the feature `arc_lock`.
///
/// # Functions
///
/// They take the guard as an argument, so that they hide no method of the data. There is no `map`.
///
/// | function | what it does |
/// |---|---|
/// | [`unlock_fair`](Self::unlock_fair) | unlocks, and hands the lock to the waiter that has slept longest |
/// | [`bump`](Self::bump) | if another thread waits, unlocks like `unlock_fair`, and locks again |
/// | [`unlocked`](Self::unlocked), [`unlocked_fair`](Self::unlocked_fair) | unlock, call a closure, and lock again |
/// | [`into_arc`](Self::into_arc), [`into_arc_fair`](Self::into_arc_fair) | unlock, and return the `Arc` |
/// | [`mutex`](Self::mutex) | returns a reference to the `Arc` |
///
/// # Examples
///
/// ```
/// use gosync::{ArcMutexGuard, Mutex, go};
/// use std::sync::Arc;
///
/// let mutex = Arc::new(Mutex::new(vec![1]));
/// let mut list = mutex.lock_arc();
/// go(move || list.push(2)).join().unwrap();
///
/// let mut list = mutex.lock_arc();
/// ArcMutexGuard::bump(&mut list); // A thread that waits gets its turn here.
/// ArcMutexGuard::unlocked(&mut list, || mutex.lock().push(3));
/// ArcMutexGuard::unlocked_fair(&mut list, || mutex.lock().push(4));
/// assert!(ArcMutexGuard::mutex(&list).is_locked());
/// let mutex = ArcMutexGuard::into_arc(list);
/// assert_eq!(*mutex.lock(), [1, 2, 3, 4]);
///
/// let mutex = ArcMutexGuard::into_arc_fair(mutex.lock_arc());
/// ArcMutexGuard::unlock_fair(mutex.lock_arc());
/// ```
#[cfg(feature = "arc_lock")]
pub type ArcMutexGuard<T> = lock_api::ArcMutexGuard<RawMutex, T>;
