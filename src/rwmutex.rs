//! `RWMutex<T>`: Go's names and a value inside, over lock_api's guards.

use crate::raw_rwmutex::RawRWMutex;
use std::fmt;
use std::time::{Duration, Instant};

#[cfg(feature = "arc_lock")]
use std::sync::Arc;

/// The lock behind [`RWMutex`], with `parking_lot`'s method names: `read` for Go's `mu.RLock`, `write` for
/// `mu.Lock`.
///
/// It has every method of parking_lot 0.13's `RwLock` and of its guards, so a program that uses that lock
/// changes one import. `parking_lot::RecursiveRwLock` has no counterpart: there, a reader may pass a waiting
/// writer. Fairness, memory and speed are those of [`RWMutex`].
///
/// # Methods
///
/// They belong to [`lock_api::RwLock`].
///
/// | method | the method of [`RWMutex`] that does the same |
/// |---|---|
/// | [`new`](lock_api::RwLock::new) (`const`), [`into_inner`](lock_api::RwLock::into_inner), [`get_mut`](lock_api::RwLock::get_mut), [`data_ptr`](lock_api::RwLock::data_ptr), [`is_locked`](lock_api::RwLock::is_locked), [`is_locked_exclusive`](lock_api::RwLock::is_locked_exclusive) | the same name |
/// | [`read`](lock_api::RwLock::read), [`try_read`](lock_api::RwLock::try_read) | [`rlock`](RWMutex::rlock), [`try_rlock`](RWMutex::try_rlock) |
/// | [`try_read_for`](lock_api::RwLock::try_read_for), [`try_read_until`](lock_api::RwLock::try_read_until) | [`try_rlock_for`](RWMutex::try_rlock_for), [`try_rlock_until`](RWMutex::try_rlock_until) |
/// | [`write`](lock_api::RwLock::write), [`try_write`](lock_api::RwLock::try_write) | [`lock`](RWMutex::lock), [`try_lock`](RWMutex::try_lock) |
/// | [`try_write_for`](lock_api::RwLock::try_write_for), [`try_write_until`](lock_api::RwLock::try_write_until) | [`try_lock_for`](RWMutex::try_lock_for), [`try_lock_until`](RWMutex::try_lock_until) |
/// | [`upgradable_read`](lock_api::RwLock::upgradable_read), [`try_upgradable_read`](lock_api::RwLock::try_upgradable_read) | [`rlock_upgradable`](RWMutex::rlock_upgradable), [`try_rlock_upgradable`](RWMutex::try_rlock_upgradable) |
/// | [`try_upgradable_read_for`](lock_api::RwLock::try_upgradable_read_for), [`try_upgradable_read_until`](lock_api::RwLock::try_upgradable_read_until) | [`try_rlock_upgradable_for`](RWMutex::try_rlock_upgradable_for), [`try_rlock_upgradable_until`](RWMutex::try_rlock_upgradable_until) |
/// | `read_arc`, `write_arc`, `upgradable_read_arc` (feature `arc_lock`) | `rlock_arc`, `lock_arc`, `rlock_upgradable_arc` |
/// | `try_read_arc`, `try_write_arc`, `try_upgradable_read_arc`, and each of them with `_for` and `_until` (feature `arc_lock`) | none |
/// | [`from_raw`](lock_api::RwLock::from_raw), [`into_inner_with_raw`](lock_api::RwLock::into_inner_with_raw), and unsafe functions on the raw lock | none |
///
/// # Panics
///
/// `read`, `upgradable_read`, their timed forms and their forms with `_arc` panic if about 2²⁵ readers are
/// counted in the lock already, with `gosync: too many readers of one RWMutex`. In practice only forgotten
/// guards add up to so many.
///
/// # Examples
///
/// ```
/// use gosync::{RwLock, RwLockUpgradableReadGuard};
///
/// static LIMIT: RwLock<u32> = RwLock::new(10);
///
/// *LIMIT.write() += 1;
/// assert_eq!(*LIMIT.read(), 11);
///
/// let limit = LIMIT.upgradable_read();
/// if *limit < 20 {
///     *RwLockUpgradableReadGuard::upgrade(limit) = 20;
/// }
/// assert_eq!(LIMIT.try_read().as_deref(), Some(&20));
/// ```
#[doc(alias = "read")]
#[doc(alias = "write")]
#[doc(alias = "upgradable_read")]
pub type RwLock<T> = lock_api::RwLock<RawRWMutex, T>;

/// A read lock on an [`RWMutex`]: shared access to the data until it is dropped. The drop is Go's
/// `mu.RUnlock`.
///
/// [`RWMutex::rlock`] and its siblings return it. It may be sent to another thread and dropped there if the
/// data is `Send` and `Sync`.
///
/// # Functions
///
/// They take the guard as an argument, `RWMutexReadGuard::map(guard, …)`, so that they hide no method of the
/// data.
///
/// | function | what it does |
/// |---|---|
/// | [`map`](Self::map) | narrows the lock to a part of the data: a [`MappedRWMutexReadGuard`] |
/// | [`try_map`](Self::try_map), [`try_map_or_err`](Self::try_map_or_err) | do the same if the closure returns `Some` or `Ok`, and otherwise return the guard |
/// | [`unlocked`](Self::unlocked), [`unlocked_fair`](Self::unlocked_fair) | unlock, call a closure, and lock again |
/// | [`bump`](Self::bump) | unlocks and locks again, so that a writer that waits gets its turn |
/// | [`unlock_fair`](Self::unlock_fair) | unlocks, as a drop does: the writer that waits for the readers is next in any case |
/// | [`rwlock`](Self::rwlock) | returns the lock, as an [`RwLock`] |
///
/// # Aborts
///
/// `unlocked`, `unlocked_fair` and `bump` abort the process if about 2²⁵ readers are counted in the lock when
/// they lock again.
///
/// # Examples
///
/// ```
/// use gosync::{RWMutex, RWMutexReadGuard};
///
/// let mutex = RWMutex::new(vec![1, 2]);
/// let mut list = mutex.rlock();
/// assert_eq!(list.len(), 2);
///
/// RWMutexReadGuard::unlocked(&mut list, || mutex.lock().push(3));
/// RWMutexReadGuard::unlocked_fair(&mut list, || mutex.lock().push(4));
/// assert_eq!(*list, [1, 2, 3, 4]);
/// RWMutexReadGuard::bump(&mut list); // A writer that waits gets its turn here.
/// assert!(RWMutexReadGuard::rwlock(&list).is_locked());
///
/// let list = RWMutexReadGuard::try_map(list, |list| list.get(4)).unwrap_err();
/// let third = RWMutexReadGuard::map(list, |list| &list[2]);
/// assert_eq!(*third, 3);
/// drop(third);
///
/// let (list, error) =
///     RWMutexReadGuard::try_map_or_err(mutex.rlock(), |list| list.get(4).ok_or("too short"))
///         .unwrap_err();
/// assert_eq!(error, "too short");
/// RWMutexReadGuard::unlock_fair(list);
/// ```
#[doc(alias = "RUnlock")]
#[doc(alias = "defer")]
#[doc(alias = "map")]
#[doc(alias = "try_map")]
#[doc(alias = "bump")]
#[doc(alias = "unlock_fair")]
#[doc(alias = "unlocked")]
pub type RWMutexReadGuard<'a, T> = lock_api::RwLockReadGuard<'a, RawRWMutex, T>;

/// The write lock on an [`RWMutex`]: exclusive access to the data until it is dropped. The drop is Go's
/// `mu.Unlock`.
///
/// [`RWMutex::lock`] and its siblings return it. It may be sent to another thread and dropped there if the
/// data is `Send` and `Sync`.
///
/// # Functions
///
/// They take the guard as an argument, `RWMutexWriteGuard::downgrade(guard)`, so that they hide no method of
/// the data.
///
/// | function | what it does |
/// |---|---|
/// | [`downgrade`](Self::downgrade) | turns the lock into a read lock: an [`RWMutexReadGuard`]. No other writer comes between |
/// | [`downgrade_to_upgradable`](Self::downgrade_to_upgradable) | turns the lock into an upgradable read lock: an [`RWMutexUpgradableReadGuard`]. No other writer comes between |
/// | [`map`](Self::map) | narrows the lock to a part of the data: a [`MappedRWMutexWriteGuard`] |
/// | [`try_map`](Self::try_map), [`try_map_or_err`](Self::try_map_or_err) | do the same if the closure returns `Some` or `Ok`, and otherwise return the guard |
/// | [`unlock_fair`](Self::unlock_fair) | unlocks, and hands the lock to the writer that has waited longest, after the readers that sleep |
/// | [`bump`](Self::bump) | if another thread waits, unlocks like `unlock_fair`, and locks again |
/// | [`unlocked`](Self::unlocked), [`unlocked_fair`](Self::unlocked_fair) | unlock, call a closure, and lock again |
/// | [`rwlock`](Self::rwlock) | returns the lock, as an [`RwLock`] |
///
/// # Examples
///
/// ```
/// use gosync::{RWMutex, RWMutexWriteGuard};
///
/// let mutex = RWMutex::new(vec![1]);
/// let mut list = mutex.lock();
/// list.push(2);
/// let list = RWMutexWriteGuard::downgrade(list);
/// assert!(mutex.try_rlock().is_some()); // Other readers may enter now.
/// assert_eq!(*list, [1, 2]);
/// drop(list);
///
/// let list = RWMutexWriteGuard::downgrade_to_upgradable(mutex.lock());
/// assert!(mutex.try_lock().is_none());
/// drop(list);
///
/// let mut list = mutex.lock();
/// RWMutexWriteGuard::bump(&mut list); // A thread that waits gets its turn here.
/// RWMutexWriteGuard::unlocked(&mut list, || mutex.lock().push(3));
/// RWMutexWriteGuard::unlocked_fair(&mut list, || mutex.lock().push(4));
/// assert_eq!(*list, [1, 2, 3, 4]);
/// assert!(RWMutexWriteGuard::rwlock(&list).is_locked_exclusive());
/// RWMutexWriteGuard::unlock_fair(list);
///
/// *RWMutexWriteGuard::map(mutex.lock(), |list| &mut list[0]) = 7;
/// let list = RWMutexWriteGuard::try_map(mutex.lock(), |list| list.get_mut(4)).unwrap_err();
/// assert_eq!(*list, [7, 2, 3, 4]);
/// let (_list, error) =
///     RWMutexWriteGuard::try_map_or_err(list, |list| list.get_mut(4).ok_or("too short"))
///         .unwrap_err();
/// assert_eq!(error, "too short");
/// ```
#[doc(alias = "Unlock")]
#[doc(alias = "defer")]
#[doc(alias = "downgrade")]
#[doc(alias = "downgrade_to_upgradable")]
#[doc(alias = "map")]
#[doc(alias = "try_map")]
#[doc(alias = "bump")]
#[doc(alias = "unlock_fair")]
#[doc(alias = "unlocked")]
pub type RWMutexWriteGuard<'a, T> = lock_api::RwLockWriteGuard<'a, RawRWMutex, T>;

/// An upgradable read lock on an [`RWMutex`]: shared access to the data until it is dropped, or exclusive
/// access once it has been [upgraded](Self::upgrade). Go has no counterpart.
///
/// [`RWMutex::rlock_upgradable`] and its siblings return it. It may be sent to another thread and dropped
/// there if the data is `Send` and `Sync`.
///
/// # Functions
///
/// Most of them take the guard as an argument, `RWMutexUpgradableReadGuard::upgrade(guard)`, so that they
/// hide no method of the data. Those with `with_upgraded` in their names are methods.
///
/// | function | what it does |
/// |---|---|
/// | [`upgrade`](Self::upgrade) | waits until the readers inside have left, and turns the lock into the write lock: an [`RWMutexWriteGuard`]. No other writer comes between |
/// | [`try_upgrade`](Self::try_upgrade) | does the same if that needs no wait, and otherwise returns the guard |
/// | [`try_upgrade_for`](Self::try_upgrade_for), [`try_upgrade_until`](Self::try_upgrade_until) | do the same, but give up after a `Duration` or at an `Instant` |
/// | [`with_upgraded`](Self::with_upgraded) | upgrades, calls a closure with the data, and goes back to the upgradable read lock |
/// | [`try_with_upgraded`](Self::try_with_upgraded) | does the same if that needs no wait |
/// | [`try_with_upgraded_for`](Self::try_with_upgraded_for), [`try_with_upgraded_until`](Self::try_with_upgraded_until) | do the same, but give up after a `Duration` or at an `Instant` |
/// | [`downgrade`](Self::downgrade) | turns the lock into a plain read lock: an [`RWMutexReadGuard`]. No writer comes between |
/// | [`unlock_fair`](Self::unlock_fair) | unlocks; if other upgradable readers wait and no writer does, the first of them is next |
/// | [`bump`](Self::bump) | unlocks like `unlock_fair`, and locks again |
/// | [`unlocked`](Self::unlocked), [`unlocked_fair`](Self::unlocked_fair) | unlock, call a closure, and lock again |
/// | [`rwlock`](Self::rwlock) | returns the lock, as an [`RwLock`] |
///
/// # Aborts
///
/// `unlocked`, `unlocked_fair` and `bump` abort the process if about 2²⁵ readers are counted in the lock when
/// they lock again.
///
/// # Examples
///
/// ```
/// use gosync::{RWMutex, RWMutexUpgradableReadGuard};
/// use std::time::{Duration, Instant};
///
/// let mutex = RWMutex::new(1);
/// let number = mutex.rlock_upgradable();
/// let before = *number;
/// // No other thread writes between the read and the write.
/// *RWMutexUpgradableReadGuard::upgrade(number) = before + 1;
///
/// let mut number = mutex.rlock_upgradable();
/// number.with_upgraded(|number| *number += 1);
/// assert_eq!(*number, 3);
///
/// let reader = mutex.rlock();
/// let soon = Duration::from_millis(1);
/// assert!(number.try_with_upgraded(|_| ()).is_none());
/// assert!(number.try_with_upgraded_for(soon, |_| ()).is_none());
/// assert!(number.try_with_upgraded_until(Instant::now() + soon, |_| ()).is_none());
/// let number = RWMutexUpgradableReadGuard::try_upgrade(number).unwrap_err();
/// let number = RWMutexUpgradableReadGuard::try_upgrade_for(number, soon).unwrap_err();
/// drop(reader);
/// let mut number =
///     RWMutexUpgradableReadGuard::try_upgrade_until(number, Instant::now() + soon).unwrap();
/// *number += 1;
/// drop(number);
///
/// let mut number = mutex.rlock_upgradable();
/// RWMutexUpgradableReadGuard::bump(&mut number); // A thread that waits gets its turn here.
/// RWMutexUpgradableReadGuard::unlocked(&mut number, || *mutex.lock() += 1);
/// RWMutexUpgradableReadGuard::unlocked_fair(&mut number, || *mutex.lock() += 1);
/// assert!(RWMutexUpgradableReadGuard::rwlock(&number).is_locked());
/// let number = RWMutexUpgradableReadGuard::downgrade(number);
/// let other = mutex.try_rlock_upgradable().unwrap(); // There is room for another one now.
/// assert_eq!((*number, *other), (6, 6));
/// RWMutexUpgradableReadGuard::unlock_fair(other);
/// ```
#[doc(alias = "upgrade")]
#[doc(alias = "try_upgrade")]
#[doc(alias = "with_upgraded")]
#[doc(alias = "try_with_upgraded")]
#[doc(alias = "downgrade")]
#[doc(alias = "bump")]
#[doc(alias = "unlock_fair")]
#[doc(alias = "unlocked")]
pub type RWMutexUpgradableReadGuard<'a, T> = lock_api::RwLockUpgradableReadGuard<'a, RawRWMutex, T>;

/// A read lock on an [`RWMutex`], narrowed to a part of the data by [`RWMutexReadGuard::map`]. Go has no
/// counterpart.
///
/// A [`Cond`](crate::Cond) cannot wait with it.
///
/// # Functions
///
/// | function | what it does |
/// |---|---|
/// | [`map`](Self::map) | narrows the lock further |
/// | [`try_map`](Self::try_map), [`try_map_or_err`](Self::try_map_or_err) | do the same if the closure returns `Some` or `Ok`, and otherwise return the guard |
/// | [`unlock_fair`](Self::unlock_fair) | unlocks, as a drop does |
///
/// # Examples
///
/// ```
/// use gosync::{MappedRWMutexReadGuard, RWMutex, RWMutexReadGuard};
/// use std::collections::HashMap;
///
/// struct Users(RWMutex<HashMap<u32, String>>);
///
/// impl Users {
///     fn name(&self, id: u32) -> Option<MappedRWMutexReadGuard<'_, str>> {
///         let name = RWMutexReadGuard::try_map(self.0.rlock(), |users| users.get(&id)).ok()?;
///         Some(MappedRWMutexReadGuard::map(name, String::as_str))
///     }
/// }
///
/// let users = Users(RWMutex::new(HashMap::from([(1, "gopher".into())])));
/// assert!(users.name(2).is_none());
/// let name = users.name(1).unwrap();
/// assert_eq!(&*name, "gopher");
///
/// let name = MappedRWMutexReadGuard::try_map(name, |name| name.get(7..)).unwrap_err();
/// let (name, error) =
///     MappedRWMutexReadGuard::try_map_or_err(name, |name| name.get(7..).ok_or("too short"))
///         .unwrap_err();
/// assert_eq!(error, "too short");
/// MappedRWMutexReadGuard::unlock_fair(name);
/// ```
#[doc(alias = "map")]
pub type MappedRWMutexReadGuard<'a, T> = lock_api::MappedRwLockReadGuard<'a, RawRWMutex, T>;

/// The write lock on an [`RWMutex`], narrowed to a part of the data by [`RWMutexWriteGuard::map`]. Go has no
/// counterpart.
///
/// It cannot be downgraded, and a [`Cond`](crate::Cond) cannot wait with it.
///
/// # Functions
///
/// | function | what it does |
/// |---|---|
/// | [`map`](Self::map) | narrows the lock further |
/// | [`try_map`](Self::try_map), [`try_map_or_err`](Self::try_map_or_err) | do the same if the closure returns `Some` or `Ok`, and otherwise return the guard |
/// | [`unlock_fair`](Self::unlock_fair) | unlocks, and hands the lock to the writer that has waited longest, after the readers that sleep |
///
/// # Examples
///
/// ```
/// use gosync::{MappedRWMutexWriteGuard, RWMutex, RWMutexWriteGuard};
///
/// let mutex = RWMutex::new((String::from("go"), vec![1, 2]));
/// let mut list = RWMutexWriteGuard::map(mutex.lock(), |pair| &mut pair.1);
/// list.push(3);
/// *MappedRWMutexWriteGuard::map(list, |list| &mut list[0]) = 7;
/// assert_eq!(mutex.rlock().1, [7, 2, 3]);
///
/// let list = RWMutexWriteGuard::map(mutex.lock(), |pair| &mut pair.1);
/// let list = MappedRWMutexWriteGuard::try_map(list, |list| list.get_mut(3)).unwrap_err();
/// let (list, error) =
///     MappedRWMutexWriteGuard::try_map_or_err(list, |list| list.get_mut(3).ok_or("too short"))
///         .unwrap_err();
/// assert_eq!(error, "too short");
/// MappedRWMutexWriteGuard::unlock_fair(list);
/// ```
#[doc(alias = "map")]
pub type MappedRWMutexWriteGuard<'a, T> = lock_api::MappedRwLockWriteGuard<'a, RawRWMutex, T>;

/// A read lock that owns an `Arc` of its [`RWMutex`] instead of borrowing the lock. Go has no counterpart.
///
/// [`RWMutex::rlock_arc`] returns it. It borrows nothing, so it may move into a goroutine. Needs the feature
/// `arc_lock`.
///
/// # Functions
///
/// They take the guard as an argument, so that they hide no method of the data. There is no `map`.
///
/// | function | what it does |
/// |---|---|
/// | [`unlocked`](Self::unlocked), [`unlocked_fair`](Self::unlocked_fair) | unlock, call a closure, and lock again |
/// | [`bump`](Self::bump) | unlocks and locks again, so that a writer that waits gets its turn |
/// | [`unlock_fair`](Self::unlock_fair) | unlocks, as a drop does |
/// | [`into_arc`](Self::into_arc), [`into_arc_fair`](Self::into_arc_fair) | unlock, and return the `Arc`, as one of an [`RwLock`] |
/// | [`rwlock`](Self::rwlock) | returns a reference to the `Arc` |
///
/// # Aborts
///
/// `unlocked`, `unlocked_fair` and `bump` abort the process if about 2²⁵ readers are counted in the lock when
/// they lock again.
///
/// # Examples
///
/// ```
/// use gosync::{ArcRWMutexReadGuard, RWMutex, go};
/// use std::sync::Arc;
///
/// let mutex = Arc::new(RWMutex::new(vec![1]));
/// let list = mutex.rlock_arc();
/// assert_eq!(go(move || list.len()).join().unwrap(), 1);
///
/// let mut list = mutex.rlock_arc();
/// ArcRWMutexReadGuard::unlocked(&mut list, || mutex.lock().push(2));
/// ArcRWMutexReadGuard::unlocked_fair(&mut list, || mutex.lock().push(3));
/// ArcRWMutexReadGuard::bump(&mut list); // A writer that waits gets its turn here.
/// assert!(ArcRWMutexReadGuard::rwlock(&list).is_locked());
/// let lock = ArcRWMutexReadGuard::into_arc(list);
/// assert_eq!(*lock.read(), [1, 2, 3]);
///
/// ArcRWMutexReadGuard::into_arc_fair(mutex.rlock_arc());
/// ArcRWMutexReadGuard::unlock_fair(mutex.rlock_arc());
/// ```
#[cfg(feature = "arc_lock")]
pub type ArcRWMutexReadGuard<T> = lock_api::ArcRwLockReadGuard<RawRWMutex, T>;

/// An upgradable read lock that owns an `Arc` of its [`RWMutex`] instead of borrowing the lock. Go has no
/// counterpart.
///
/// [`RWMutex::rlock_upgradable_arc`] returns it. It borrows nothing, so it may move into a goroutine. Needs
/// the feature `arc_lock`.
///
/// # Functions
///
/// Most of them take the guard as an argument, so that they hide no method of the data. Those with
/// `with_upgraded` in their names are methods.
///
/// | function | what it does |
/// |---|---|
/// | [`upgrade`](Self::upgrade) | waits until the readers inside have left, and turns the lock into the write lock: an [`ArcRWMutexWriteGuard`]. No other writer comes between |
/// | [`try_upgrade`](Self::try_upgrade) | does the same if that needs no wait, and otherwise returns the guard |
/// | [`try_upgrade_for`](Self::try_upgrade_for), [`try_upgrade_until`](Self::try_upgrade_until) | do the same, but give up after a `Duration` or at an `Instant` |
/// | [`with_upgraded`](Self::with_upgraded) | upgrades, calls a closure with the data, and goes back to the upgradable read lock |
/// | [`try_with_upgraded`](Self::try_with_upgraded) | does the same if that needs no wait |
/// | [`try_with_upgraded_for`](Self::try_with_upgraded_for), [`try_with_upgraded_until`](Self::try_with_upgraded_until) | do the same, but give up after a `Duration` or at an `Instant` |
/// | [`downgrade`](Self::downgrade) | turns the lock into a plain read lock: an [`ArcRWMutexReadGuard`]. No writer comes between |
/// | [`unlock_fair`](Self::unlock_fair) | unlocks; if other upgradable readers wait and no writer does, the first of them is next |
/// | [`bump`](Self::bump) | unlocks like `unlock_fair`, and locks again |
/// | [`unlocked`](Self::unlocked), [`unlocked_fair`](Self::unlocked_fair) | unlock, call a closure, and lock again |
/// | [`into_arc`](Self::into_arc), [`into_arc_fair`](Self::into_arc_fair) | unlock, and return the `Arc`, as one of an [`RwLock`] |
/// | [`rwlock`](Self::rwlock) | returns a reference to the `Arc` |
///
/// # Aborts
///
/// `unlocked`, `unlocked_fair` and `bump` abort the process if about 2²⁵ readers are counted in the lock when
/// they lock again.
///
/// # Examples
///
/// ```
/// use gosync::{ArcRWMutexUpgradableReadGuard, RWMutex, go};
/// use std::sync::Arc;
/// use std::time::{Duration, Instant};
///
/// let mutex = Arc::new(RWMutex::new(1));
/// let number = mutex.rlock_upgradable_arc();
/// go(move || *ArcRWMutexUpgradableReadGuard::upgrade(number) += 1).join().unwrap();
///
/// let mut number = mutex.rlock_upgradable_arc();
/// number.with_upgraded(|number| *number += 1);
/// assert_eq!(*number, 3);
///
/// let reader = mutex.rlock();
/// let soon = Duration::from_millis(1);
/// assert!(number.try_with_upgraded(|_| ()).is_none());
/// assert!(number.try_with_upgraded_for(soon, |_| ()).is_none());
/// assert!(number.try_with_upgraded_until(Instant::now() + soon, |_| ()).is_none());
/// let number = ArcRWMutexUpgradableReadGuard::try_upgrade(number).unwrap_err();
/// let number = ArcRWMutexUpgradableReadGuard::try_upgrade_for(number, soon).unwrap_err();
/// drop(reader);
/// let number =
///     ArcRWMutexUpgradableReadGuard::try_upgrade_until(number, Instant::now() + soon).unwrap();
/// drop(number);
///
/// let mut number = mutex.rlock_upgradable_arc();
/// ArcRWMutexUpgradableReadGuard::bump(&mut number); // A thread that waits gets its turn here.
/// ArcRWMutexUpgradableReadGuard::unlocked(&mut number, || *mutex.lock() = 4);
/// ArcRWMutexUpgradableReadGuard::unlocked_fair(&mut number, || *mutex.lock() = 5);
/// assert!(ArcRWMutexUpgradableReadGuard::rwlock(&number).is_locked());
/// let lock = ArcRWMutexUpgradableReadGuard::into_arc(number);
/// assert_eq!(*lock.read(), 5);
///
/// let number = ArcRWMutexUpgradableReadGuard::downgrade(mutex.rlock_upgradable_arc());
/// assert!(mutex.try_rlock_upgradable().is_some()); // There is room for another one now.
/// drop(number);
/// ArcRWMutexUpgradableReadGuard::into_arc_fair(mutex.rlock_upgradable_arc());
/// ArcRWMutexUpgradableReadGuard::unlock_fair(mutex.rlock_upgradable_arc());
/// ```
#[cfg(feature = "arc_lock")]
pub type ArcRWMutexUpgradableReadGuard<T> = lock_api::ArcRwLockUpgradableReadGuard<RawRWMutex, T>;

/// A write lock that owns an `Arc` of its [`RWMutex`] instead of borrowing the lock. Go has no counterpart.
///
/// [`RWMutex::lock_arc`] returns it. It borrows nothing, so it may move into a goroutine. Needs the feature
/// `arc_lock`.
///
/// # Functions
///
/// They take the guard as an argument, so that they hide no method of the data. There is no `map`.
///
/// | function | what it does |
/// |---|---|
/// | [`downgrade`](Self::downgrade) | turns the lock into a read lock: an [`ArcRWMutexReadGuard`]. No other writer comes between |
/// | [`downgrade_to_upgradable`](Self::downgrade_to_upgradable) | turns the lock into an upgradable read lock: an [`ArcRWMutexUpgradableReadGuard`]. No other writer comes between |
/// | [`unlock_fair`](Self::unlock_fair) | unlocks, and hands the lock to the writer that has waited longest, after the readers that sleep |
/// | [`bump`](Self::bump) | if another thread waits, unlocks like `unlock_fair`, and locks again |
/// | [`unlocked`](Self::unlocked), [`unlocked_fair`](Self::unlocked_fair) | unlock, call a closure, and lock again |
/// | [`into_arc`](Self::into_arc), [`into_arc_fair`](Self::into_arc_fair) | unlock, and return the `Arc`, as one of an [`RwLock`] |
/// | [`rwlock`](Self::rwlock) | returns a reference to the `Arc` |
///
/// # Examples
///
/// ```
/// use gosync::{ArcRWMutexWriteGuard, RWMutex, go};
/// use std::sync::Arc;
///
/// let mutex = Arc::new(RWMutex::new(vec![1]));
/// let mut list = mutex.lock_arc();
/// go(move || list.push(2)).join().unwrap();
///
/// let list = ArcRWMutexWriteGuard::downgrade(mutex.lock_arc());
/// assert!(mutex.try_rlock().is_some()); // Other readers may enter now.
/// drop(list);
/// let list = ArcRWMutexWriteGuard::downgrade_to_upgradable(mutex.lock_arc());
/// assert!(mutex.try_lock().is_none());
/// drop(list);
///
/// let mut list = mutex.lock_arc();
/// ArcRWMutexWriteGuard::bump(&mut list); // A thread that waits gets its turn here.
/// ArcRWMutexWriteGuard::unlocked(&mut list, || mutex.lock().push(3));
/// ArcRWMutexWriteGuard::unlocked_fair(&mut list, || mutex.lock().push(4));
/// assert!(ArcRWMutexWriteGuard::rwlock(&list).is_locked_exclusive());
/// let lock = ArcRWMutexWriteGuard::into_arc(list);
/// assert_eq!(*lock.read(), [1, 2, 3, 4]);
///
/// ArcRWMutexWriteGuard::into_arc_fair(mutex.lock_arc());
/// ArcRWMutexWriteGuard::unlock_fair(mutex.lock_arc());
/// ```
#[cfg(feature = "arc_lock")]
pub type ArcRWMutexWriteGuard<T> = lock_api::ArcRwLockWriteGuard<RawRWMutex, T>;

/// parking_lot's name for [`RWMutexReadGuard`]. `read` of an [`RwLock`] returns it.
///
/// # Examples
///
/// ```
/// use gosync::{RwLock, RwLockReadGuard};
///
/// let lock = RwLock::new(7);
/// let number: RwLockReadGuard<'_, i32> = lock.read();
/// assert_eq!(*number, 7);
/// ```
pub type RwLockReadGuard<'a, T> = RWMutexReadGuard<'a, T>;

/// parking_lot's name for [`RWMutexUpgradableReadGuard`]. `upgradable_read` of an [`RwLock`] returns it.
///
/// # Examples
///
/// ```
/// use gosync::{RwLock, RwLockUpgradableReadGuard};
///
/// let lock = RwLock::new(7);
/// let number: RwLockUpgradableReadGuard<'_, i32> = lock.upgradable_read();
/// *RwLockUpgradableReadGuard::upgrade(number) += 1;
/// assert_eq!(*lock.read(), 8);
/// ```
pub type RwLockUpgradableReadGuard<'a, T> = RWMutexUpgradableReadGuard<'a, T>;

/// parking_lot's name for [`RWMutexWriteGuard`]. `write` of an [`RwLock`] returns it.
///
/// # Examples
///
/// ```
/// use gosync::{RwLock, RwLockWriteGuard};
///
/// let lock = RwLock::new(7);
/// let mut number: RwLockWriteGuard<'_, i32> = lock.write();
/// *number += 1;
/// assert_eq!(*RwLockWriteGuard::downgrade(number), 8);
/// ```
pub type RwLockWriteGuard<'a, T> = RWMutexWriteGuard<'a, T>;

/// parking_lot's name for [`MappedRWMutexReadGuard`].
///
/// # Examples
///
/// ```
/// use gosync::{MappedRwLockReadGuard, RwLock, RwLockReadGuard};
///
/// let lock = RwLock::new((1, 2));
/// let second: MappedRwLockReadGuard<'_, i32> = RwLockReadGuard::map(lock.read(), |pair| &pair.1);
/// assert_eq!(*second, 2);
/// ```
pub type MappedRwLockReadGuard<'a, T> = MappedRWMutexReadGuard<'a, T>;

/// parking_lot's name for [`MappedRWMutexWriteGuard`].
///
/// # Examples
///
/// ```
/// use gosync::{MappedRwLockWriteGuard, RwLock, RwLockWriteGuard};
///
/// let lock = RwLock::new((1, 2));
/// let mut second: MappedRwLockWriteGuard<'_, i32> =
///     RwLockWriteGuard::map(lock.write(), |pair| &mut pair.1);
/// *second += 1;
/// drop(second);
/// assert_eq!(lock.into_inner(), (1, 3));
/// ```
pub type MappedRwLockWriteGuard<'a, T> = MappedRWMutexWriteGuard<'a, T>;

/// A reader-writer lock that prefers writers and starves no thread: Go's `sync.RWMutex`, with the data
/// inside.
///
/// Any number of readers or one writer hold it at a time. Each call that locks returns a guard. The guard
/// gives access to the data, and unlocks when it is dropped. So there is no `RUnlock` or `Unlock` to forget,
/// or to call once too often.
///
/// | Go | here | guard | what else the guard can do |
/// |---|---|---|---|
/// | `mu.RLock()` | [`rlock`](Self::rlock) | [`RWMutexReadGuard`] | narrow the lock to a part of the data (`map`), unlock for a while (`unlocked`, `bump`) |
/// | `mu.Lock()` | [`lock`](Self::lock) | [`RWMutexWriteGuard`] | the same, and become a read lock (`downgrade`) |
/// | none | [`rlock_upgradable`](Self::rlock_upgradable) | [`RWMutexUpgradableReadGuard`] | become the write lock, for good (`upgrade`) or for a while (`with_upgraded`), or a plain read lock (`downgrade`) |
/// | `mu.TryRLock()`, `mu.TryLock()` | [`try_rlock`](Self::try_rlock), [`try_lock`](Self::try_lock) | an `Option` of the guard | as above |
///
/// [`RwLock`] is the same lock with `parking_lot`'s names.
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
/// * [`RWMutexWriteGuard::unlock_fair`] hands the lock to the writer that has waited longest, after the
///   readers that sleep. [`RWMutexWriteGuard::bump`] does the same if a thread waits, and locks again.
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
/// forbids this call later, by a filter, the next write aborts the process. Windows has such a call, too, which
/// needs no registration (`FlushProcessWriteBuffers`). On other systems, and where the call is forbidden from the
/// start, reads keep a fence.
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
    /// Returns an unlocked `RWMutex` that holds `value`. Go's zero value, with data.
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
    /// Locks for writing: Go's `mu.Lock`. Waits until no other thread holds the lock.
    ///
    /// Once it waits for the readers inside, no later reader enters before it. Go's `mu.Unlock` is the drop
    /// of the guard.
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

    /// Locks for reading: Go's `mu.RLock`. If a writer holds the lock or waits for it, waits until that
    /// writer has unlocked.
    ///
    /// Go's `mu.RUnlock` is the drop of the guard. Go's `mu.RLocker()`, a `sync.Locker` for
    /// `sync.NewCond`, is not needed: [`Cond::wait`](crate::Cond::wait) takes the guard.
    ///
    /// # Deadlocks
    ///
    /// A thread that holds a read lock must not ask for a second one, as in Go: a writer may have come in
    /// between, and then each waits for the other.
    ///
    /// # Panics
    ///
    /// If about 2²⁵ readers are counted in the lock already, with `gosync: too many readers of one RWMutex`.
    /// In practice only forgotten guards add up to so many.
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
    #[doc(alias = "RLocker")]
    #[doc(alias = "RUnlock")]
    #[doc(alias = "read")]
    #[inline]
    #[track_caller]
    pub fn rlock(&self) -> RWMutexReadGuard<'_, T> {
        self.0.read()
    }

    /// Locks for reading, with the right to [upgrade](RWMutexUpgradableReadGuard::upgrade) to the write lock
    /// later. Waits for a writer as [`rlock`](Self::rlock) does, and until no other upgradable reader holds
    /// the lock. Go has no counterpart.
    ///
    /// Other readers may enter and leave meanwhile. Writers wait, so what has been read through the guard is
    /// still true after the upgrade. An upgrade waits for the readers inside.
    ///
    /// # Deadlocks
    ///
    /// A thread that holds a plain read lock must not upgrade an upgradable read lock on the same `RWMutex`:
    /// it would wait for itself.
    ///
    /// # Panics
    ///
    /// If about 2²⁵ readers are counted in the lock already, with `gosync: too many readers of one RWMutex`.
    /// In practice only forgotten guards add up to so many.
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
    ///     // No other thread can have filled it in meanwhile.
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
    #[doc(alias = "upgrade")]
    #[inline]
    #[track_caller]
    pub fn rlock_upgradable(&self) -> RWMutexUpgradableReadGuard<'_, T> {
        self.0.upgradable_read()
    }

    /// Locks for writing if that needs no wait: Go's `mu.TryLock`. Otherwise returns `None`.
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
    #[must_use = "it may have failed"]
    pub fn try_lock(&self) -> Option<RWMutexWriteGuard<'_, T>> {
        self.0.try_write()
    }

    /// Locks for reading if no writer holds the lock or waits for it: Go's `mu.TryRLock`. Otherwise returns
    /// `None`.
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
    #[must_use = "it may have failed"]
    pub fn try_rlock(&self) -> Option<RWMutexReadGuard<'_, T>> {
        self.0.try_read()
    }

    /// Locks for reading with the right to upgrade, like [`rlock_upgradable`](Self::rlock_upgradable), if
    /// that needs no wait. Otherwise returns `None`. Go has no counterpart.
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
    #[must_use = "it may have failed"]
    pub fn try_rlock_upgradable(&self) -> Option<RWMutexUpgradableReadGuard<'_, T>> {
        self.0.try_upgradable_read()
    }

    /// Locks for writing, or gives up after `timeout` and returns `None`. Go has no counterpart.
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
    #[must_use = "it may have failed"]
    pub fn try_lock_for(&self, timeout: Duration) -> Option<RWMutexWriteGuard<'_, T>> {
        self.0.try_write_for(timeout)
    }

    /// Locks for writing, or gives up at `deadline` and returns `None`. Go has no counterpart.
    ///
    /// An attempt that gives up leaves no trace: readers that it held back continue at once.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    ///
    /// let mutex = gosync::RWMutex::new(());
    /// assert!(mutex.try_lock_until(Instant::now() + Duration::from_millis(1)).is_some());
    /// ```
    #[must_use = "it may have failed"]
    pub fn try_lock_until(&self, deadline: Instant) -> Option<RWMutexWriteGuard<'_, T>> {
        self.0.try_write_until(deadline)
    }

    /// Locks for reading, or gives up after `timeout` and returns `None`. Go has no counterpart.
    ///
    /// # Panics
    ///
    /// If about 2²⁵ readers are counted in the lock already, with `gosync: too many readers of one RWMutex`.
    /// In practice only forgotten guards add up to so many.
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
    #[must_use = "it may have failed"]
    pub fn try_rlock_for(&self, timeout: Duration) -> Option<RWMutexReadGuard<'_, T>> {
        self.0.try_read_for(timeout)
    }

    /// Locks for reading, or gives up at `deadline` and returns `None`. Go has no counterpart.
    ///
    /// # Panics
    ///
    /// If about 2²⁵ readers are counted in the lock already, with `gosync: too many readers of one RWMutex`.
    /// In practice only forgotten guards add up to so many.
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
    #[must_use = "it may have failed"]
    pub fn try_rlock_until(&self, deadline: Instant) -> Option<RWMutexReadGuard<'_, T>> {
        self.0.try_read_until(deadline)
    }

    /// Locks for reading with the right to upgrade, like [`rlock_upgradable`](Self::rlock_upgradable), or
    /// gives up after `timeout` and returns `None`. Go has no counterpart.
    ///
    /// # Panics
    ///
    /// If about 2²⁵ readers are counted in the lock already, with `gosync: too many readers of one RWMutex`.
    /// In practice only forgotten guards add up to so many.
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
    #[must_use = "it may have failed"]
    pub fn try_rlock_upgradable_for(
        &self,
        timeout: Duration,
    ) -> Option<RWMutexUpgradableReadGuard<'_, T>> {
        self.0.try_upgradable_read_for(timeout)
    }

    /// Locks for reading with the right to upgrade, like [`rlock_upgradable`](Self::rlock_upgradable), or
    /// gives up at `deadline` and returns `None`. Go has no counterpart.
    ///
    /// # Panics
    ///
    /// If about 2²⁵ readers are counted in the lock already, with `gosync: too many readers of one RWMutex`.
    /// In practice only forgotten guards add up to so many.
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
    #[must_use = "it may have failed"]
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

    /// Locks for writing, like [`lock`](Self::lock). The guard owns an `Arc` of the lock instead of borrowing
    /// the lock. Needs the feature `arc_lock`. Go has no counterpart.
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

    /// Locks for reading, like [`rlock`](Self::rlock). The guard owns an `Arc` of the lock instead of
    /// borrowing the lock. Needs the feature `arc_lock`. Go has no counterpart.
    ///
    /// # Panics
    ///
    /// If about 2²⁵ readers are counted in the lock already, with `gosync: too many readers of one RWMutex`.
    /// In practice only forgotten guards add up to so many.
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

    /// Locks for reading with the right to upgrade, like [`rlock_upgradable`](Self::rlock_upgradable). The
    /// guard owns an `Arc` of the lock instead of borrowing the lock. Needs the feature `arc_lock`. Go has no
    /// counterpart.
    ///
    /// # Panics
    ///
    /// If about 2²⁵ readers are counted in the lock already, with `gosync: too many readers of one RWMutex`.
    /// In practice only forgotten guards add up to so many.
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
