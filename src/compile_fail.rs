//! Misuse that must not compile. Each case stands beside a twin that differs as little as possible and does
//! compile, so that the case fails for the reason in its name.
//!
//! Only the nightly compiler checks the error codes: `cargo +nightly test --doc compile_fail`.

/// ```compile_fail,E0597
/// use gosync::RWMutex;
///
/// let guard;
/// {
///     let mutex = RWMutex::new(1);
///     guard = mutex.rlock();
/// }
/// assert_eq!(*guard, 1);
/// ```
///
/// ```
/// use gosync::RWMutex;
///
/// let mutex = RWMutex::new(1);
/// let guard;
/// {
///     guard = mutex.rlock();
/// }
/// assert_eq!(*guard, 1);
/// ```
mod a_guard_does_not_outlive_its_lock {}

/// ```compile_fail,E0505
/// use gosync::RWMutex;
///
/// let mutex = RWMutex::new(1);
/// let guard = mutex.lock();
/// drop(mutex);
/// drop(guard);
/// ```
///
/// ```
/// use gosync::RWMutex;
///
/// let mutex = RWMutex::new(1);
/// let guard = mutex.lock();
/// drop(guard);
/// drop(mutex);
/// ```
mod a_lock_is_not_dropped_before_its_guard {}

/// ```compile_fail,E0505
/// use gosync::RWMutex;
///
/// let mutex = RWMutex::new(String::from("data"));
/// let guard = mutex.rlock();
/// let data: &str = &guard;
/// drop(guard);
/// assert_eq!(data, "data");
/// ```
///
/// ```
/// use gosync::RWMutex;
///
/// let mutex = RWMutex::new(String::from("data"));
/// let guard = mutex.rlock();
/// let data: &str = &guard;
/// assert_eq!(data, "data");
/// drop(guard);
/// ```
mod data_is_not_used_after_a_read_guard_is_dropped {}

/// ```compile_fail,E0505
/// use gosync::RWMutex;
///
/// let mutex = RWMutex::new([1, 2]);
/// let mut guard = mutex.lock();
/// let first = &mut guard[0];
/// drop(guard);
/// *first = 3;
/// ```
///
/// ```
/// use gosync::RWMutex;
///
/// let mutex = RWMutex::new([1, 2]);
/// let mut guard = mutex.lock();
/// let first = &mut guard[0];
/// *first = 3;
/// drop(guard);
/// ```
mod data_is_not_used_after_a_write_guard_is_dropped {}

/// ```compile_fail,E0505
/// use gosync::{RWMutex, RWMutexReadGuard};
///
/// let mutex = RWMutex::new((1, 2));
/// let half = RWMutexReadGuard::map(mutex.rlock(), |pair| &pair.0);
/// let number: &i32 = &half;
/// drop(half);
/// assert_eq!(*number, 1);
/// ```
///
/// ```
/// use gosync::{RWMutex, RWMutexReadGuard};
///
/// let mutex = RWMutex::new((1, 2));
/// let half = RWMutexReadGuard::map(mutex.rlock(), |pair| &pair.0);
/// let number: &i32 = &half;
/// assert_eq!(*number, 1);
/// drop(half);
/// ```
mod data_is_not_used_after_a_mapped_guard_is_dropped {}

/// ```compile_fail,E0382
/// use gosync::{RWMutex, RWMutexWriteGuard};
///
/// let mutex = RWMutex::new(1);
/// let mut writer = mutex.lock();
/// let reader = RWMutexWriteGuard::downgrade(writer);
/// *writer = 2;
/// ```
///
/// ```
/// use gosync::{RWMutex, RWMutexWriteGuard};
///
/// let mutex = RWMutex::new(1);
/// let mut writer = mutex.lock();
/// *writer = 2;
/// let reader = RWMutexWriteGuard::downgrade(writer);
/// ```
mod nothing_is_written_after_a_downgrade {}

/// ```compile_fail,E0594
/// let mutex = gosync::RWMutex::new(1);
/// let mut guard = mutex.rlock();
/// *guard = 2;
/// ```
///
/// ```
/// let mutex = gosync::RWMutex::new(1);
/// let mut guard = mutex.lock();
/// *guard = 2;
/// ```
mod nothing_is_written_through_a_read_guard {}

/// ```compile_fail,E0502
/// let mut mutex = gosync::RWMutex::new(1);
/// let guard = mutex.rlock();
/// *mutex.get_mut() = 2;
/// drop(guard);
/// ```
///
/// ```
/// let mut mutex = gosync::RWMutex::new(1);
/// let guard = mutex.rlock();
/// drop(guard);
/// *mutex.get_mut() = 2;
/// ```
mod get_mut_needs_no_live_guard {}

/// ```compile_fail,E0505
/// let mutex = gosync::RWMutex::new(1);
/// let guard = mutex.lock();
/// assert_eq!(mutex.into_inner(), 1);
/// drop(guard);
/// ```
///
/// ```
/// let mutex = gosync::RWMutex::new(1);
/// let guard = mutex.lock();
/// drop(guard);
/// assert_eq!(mutex.into_inner(), 1);
/// ```
mod into_inner_needs_no_live_guard {}

/// ```compile_fail,E0277
/// use gosync::RWMutex;
/// use std::cell::Cell;
///
/// let mutex = RWMutex::new(Cell::new(1));
/// std::thread::scope(|s| {
///     s.spawn(|| mutex.rlock().set(2));
///     s.spawn(|| mutex.rlock().set(3));
/// });
/// ```
///
/// ```
/// use gosync::RWMutex;
/// use std::cell::Cell;
///
/// let mutex = RWMutex::new(Cell::new(1));
/// mutex.rlock().set(2);
/// mutex.rlock().set(3);
/// ```
mod readers_do_not_share_what_is_not_sync {}

/// ```compile_fail,E0277
/// use gosync::RWMutex;
/// use std::rc::Rc;
///
/// static SHARED: RWMutex<Option<Rc<u8>>> = RWMutex::new(None);
/// ```
///
/// ```
/// use gosync::RWMutex;
/// use std::sync::Arc;
///
/// static SHARED: RWMutex<Option<Arc<u8>>> = RWMutex::new(None);
/// ```
mod a_static_does_not_share_what_is_not_send {}

/// ```compile_fail,E0277
/// use gosync::RWMutex;
/// use std::rc::Rc;
///
/// let mutex = RWMutex::new(Rc::new(1));
/// let guard = mutex.lock();
/// std::thread::scope(|s| {
///     s.spawn(move || drop(guard));
/// });
/// ```
///
/// ```
/// use gosync::RWMutex;
/// use std::sync::Arc;
///
/// let mutex = RWMutex::new(Arc::new(1));
/// let guard = mutex.lock();
/// std::thread::scope(|s| {
///     s.spawn(move || drop(guard));
/// });
/// ```
mod a_write_guard_does_not_go_where_its_data_may_not_go {}

/// ```compile_fail,E0277
/// use gosync::{RWMutex, RWMutexReadGuard};
/// use std::cell::Cell;
///
/// let mutex = RWMutex::new((Cell::new(1), 2));
/// let part = RWMutexReadGuard::map(mutex.rlock(), |pair| &pair.0);
/// std::thread::scope(|s| {
///     s.spawn(move || drop(part));
/// });
/// ```
///
/// ```
/// use gosync::{RWMutex, RWMutexReadGuard};
/// use std::cell::Cell;
///
/// let mutex = RWMutex::new((Cell::new(1), 2));
/// let part = RWMutexReadGuard::map(mutex.rlock(), |pair| &pair.1);
/// std::thread::scope(|s| {
///     s.spawn(move || drop(part));
/// });
/// ```
mod a_mapped_guard_does_not_go_where_its_part_may_not_go {}

/// ```compile_fail,E0373
/// let local = 1;
/// gosync::go(|| assert_eq!(local, 1)).join().unwrap();
/// ```
///
/// ```
/// let local = 1;
/// gosync::go(move || assert_eq!(local, 1)).join().unwrap();
/// ```
mod a_goroutine_does_not_borrow_a_local {}

/// ```compile_fail,E0597
/// let local = String::from("local");
/// let borrowed = &local;
/// gosync::go(move || assert_eq!(borrowed, "local")).join().unwrap();
/// ```
///
/// ```
/// let local = "local";
/// let borrowed = &local;
/// gosync::scope(|s| s.go(move || assert_eq!(*borrowed, "local")).join().unwrap());
/// ```
mod a_goroutine_does_not_take_a_reference_to_a_local {}

/// ```compile_fail,E0277
/// use std::rc::Rc;
///
/// let shared = Rc::new(1);
/// gosync::go(move || assert_eq!(*shared, 1)).join().unwrap();
/// ```
///
/// ```
/// use std::sync::Arc;
///
/// let shared = Arc::new(1);
/// gosync::go(move || assert_eq!(*shared, 1)).join().unwrap();
/// ```
mod a_goroutine_does_not_take_what_is_not_send {}

/// ```compile_fail,E0277
/// use std::rc::Rc;
///
/// assert_eq!(*gosync::go(|| Rc::new(1)).join().unwrap(), 1);
/// ```
///
/// ```
/// use std::sync::Arc;
///
/// assert_eq!(*gosync::go(|| Arc::new(1)).join().unwrap(), 1);
/// ```
mod a_goroutine_does_not_return_what_is_not_send {}

/// ```compile_fail,E0373
/// let wg = gosync::WaitGroup::new();
/// let local = 1;
/// wg.go(|| assert_eq!(local, 1));
/// wg.wait();
/// ```
///
/// ```
/// let wg = gosync::WaitGroup::new();
/// let local = 1;
/// wg.go(move || assert_eq!(local, 1));
/// wg.wait();
/// ```
mod a_goroutine_of_a_group_does_not_borrow_a_local {}

/// ```compile_fail,E0382
/// let handle = gosync::go(|| 1);
/// assert_eq!(handle.join().unwrap(), 1);
/// assert_eq!(handle.join().unwrap(), 1);
/// ```
///
/// ```
/// let handle = gosync::go(|| 1);
/// assert_eq!(handle.join().unwrap(), 1);
/// ```
mod a_goroutine_is_joined_once {}

/// ```compile_fail,E0277
/// use std::cell::Cell;
///
/// let mut local = Cell::new(1);
/// gosync::scope(|s| {
///     let local = &local;
///     s.go(move || local.set(2));
/// });
/// ```
///
/// ```
/// use std::cell::Cell;
///
/// let mut local = Cell::new(1);
/// gosync::scope(|s| {
///     let local = &mut local;
///     s.go(move || local.set(2));
/// });
/// ```
mod a_scoped_goroutine_does_not_borrow_what_is_not_sync {}

/// ```compile_fail,E0499
/// let mut local = 1;
/// gosync::scope(|s| {
///     s.go(|| local = 2);
///     s.go(|| local = 3);
/// });
/// ```
///
/// ```
/// let mut local = 1;
/// gosync::scope(|s| {
///     s.go(|| local = 2);
/// });
/// gosync::scope(|s| {
///     s.go(|| local = 3);
/// });
/// ```
mod two_goroutines_of_a_scope_do_not_write_the_same {}

/// ```compile_fail,E0506
/// let mut local = 1;
/// gosync::scope(|s| {
///     s.go(|| assert_eq!(local, 1));
///     local = 2;
/// });
/// ```
///
/// ```
/// let mut local = 1;
/// gosync::scope(|s| {
///     s.go(|| assert_eq!(local, 1));
/// });
/// local = 2;
/// # assert_eq!(local, 2);
/// ```
mod what_a_scope_borrows_does_not_change_before_it_returns {}

/// ```compile_fail,E0373
/// gosync::scope(|s| {
///     let local = 1;
///     s.go(|| assert_eq!(local, 1));
/// });
/// ```
///
/// ```
/// let local = 1;
/// gosync::scope(|s| {
///     s.go(|| assert_eq!(local, 1));
/// });
/// ```
mod a_scoped_goroutine_does_not_borrow_from_the_closure_of_its_scope {}

/// ```compile_fail,E0597
/// gosync::scope(|s| {
///     let local = 1;
///     let borrowed = &local;
///     s.go(move || assert_eq!(*borrowed, 1));
/// });
/// ```
///
/// ```
/// let local = 1;
/// gosync::scope(|s| {
///     let borrowed = &local;
///     s.go(move || assert_eq!(*borrowed, 1));
/// });
/// ```
mod a_scoped_goroutine_does_not_take_a_reference_to_what_its_closure_owns {}

/// The compiler has no error code for this one.
///
/// ```compile_fail
/// let handle = gosync::scope(|s| s.go(|| 1));
/// ```
///
/// ```
/// let result = gosync::scope(|s| s.go(|| 1).join());
/// ```
mod a_handle_does_not_leave_its_scope {}

/// ```compile_fail,E0521
/// let mut kept = None;
/// gosync::scope(|s| {
///     kept = Some(s.go(|| 1));
/// });
/// ```
///
/// ```
/// let mut kept = None;
/// gosync::scope(|s| {
///     kept = Some(s.go(|| 1).join());
/// });
/// # assert!(kept.is_some());
/// ```
mod a_handle_is_not_kept_beyond_its_scope {}

/// ```compile_fail,E0521
/// let mut kept = None;
/// gosync::scope(|s| {
///     kept = Some(s);
/// });
/// ```
///
/// ```
/// gosync::scope(|s| {
///     let mut kept = None;
///     kept = Some(s);
/// });
/// ```
mod a_scope_is_not_kept {}

/// ```compile_fail,E0521
/// gosync::scope(|s| {
///     let handle = s.go(|| 1);
///     gosync::go(move || handle.join());
/// });
/// ```
///
/// ```
/// gosync::scope(|s| {
///     let handle = s.go(|| 1);
///     s.go(move || handle.join());
/// });
/// ```
mod a_handle_does_not_go_to_a_goroutine_that_may_outlive_its_scope {}

/// ```compile_fail,E0502
/// let mut list = vec![1];
/// gosync::scope(|s| {
///     let first = s.go(|| &list[0]);
///     list.push(2);
///     assert_eq!(*first.join().unwrap(), 1);
/// });
/// ```
///
/// ```
/// let mut list = vec![1];
/// gosync::scope(|s| {
///     let first = s.go(|| &list[0]);
///     assert_eq!(*first.join().unwrap(), 1);
/// });
/// list.push(2);
/// ```
mod what_a_result_borrows_does_not_change {}
