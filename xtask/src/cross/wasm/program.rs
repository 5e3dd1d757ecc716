//! The functions `works_…` must return, and the functions `panics_…` must panic with the expected text. On this
//! target a panic ends the program.

use gosync::semaphore::Weighted;
use gosync::singleflight::Group;
use gosync::{Cond, Mutex, RWMutex, WaitGroup, go, scope};
use std::cell::RefCell;
use std::panic;
use std::time::Duration;

const A_WHILE: Duration = Duration::from_secs(1);

/// Many times the number of reads that brings a lock to its fastest speed.
const READS: usize = 100_000;

thread_local! {
    static PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

#[unsafe(no_mangle)]
extern "C" fn prepare() {
    panic::set_hook(Box::new(|info| {
        let text = info.payload_as_str().unwrap_or("no text").to_string();
        PANIC.set(text);
    }));
}

#[unsafe(no_mangle)]
extern "C" fn panic_at() -> *const u8 {
    PANIC.with_borrow(|text| text.as_ptr())
}

#[unsafe(no_mangle)]
extern "C" fn panic_length() -> usize {
    PANIC.with_borrow(String::len)
}

/// All texts of gosync begin like this.
const EXPECTED: &str = "gosync: ";

#[unsafe(no_mangle)]
extern "C" fn expected_at() -> *const u8 {
    EXPECTED.as_ptr()
}

#[unsafe(no_mangle)]
extern "C" fn expected_length() -> usize {
    EXPECTED.len()
}

#[unsafe(no_mangle)]
extern "C" fn works_rwmutex() {
    let lock = RWMutex::new(1);
    for _ in 0..READS {
        assert_eq!(*lock.rlock(), 1);
    }
    *lock.lock() += 1;
    let reader = lock.rlock();
    assert!(lock.try_lock().is_none());
    assert_eq!(*reader, 2);
    drop(reader);
    assert_eq!(lock.into_inner(), 2);
}

#[unsafe(no_mangle)]
extern "C" fn works_mutex() {
    let lock = Mutex::new(1);
    let mut guard = lock.lock();
    *guard += 1;
    assert!(lock.try_lock().is_none());
    drop(guard);
    assert_eq!(*lock.lock(), 2);
}

#[unsafe(no_mangle)]
extern "C" fn works_timed_attempts_without_a_wait() {
    let (lock, mutex, semaphore) = (RWMutex::new(1), Mutex::new(1), Weighted::new(2));
    assert!(lock.try_lock_for(A_WHILE).is_some());
    assert!(lock.try_rlock_for(A_WHILE).is_some());
    assert!(mutex.try_lock_for(A_WHILE).is_some());
    assert!(semaphore.acquire_for(2, A_WHILE).is_some());
    assert!(WaitGroup::new().wait_timeout(A_WHILE));
}

#[unsafe(no_mangle)]
extern "C" fn works_groups_semaphores_and_flights() {
    let wg = WaitGroup::new();
    wg.add(2);
    wg.done();
    wg.done();
    wg.wait();
    let semaphore = Weighted::new(2);
    let permit = semaphore.acquire(1).unwrap();
    assert!(semaphore.try_acquire(2).is_none());
    drop(permit);
    assert!(semaphore.try_acquire(2).is_some());
    let flights = Group::new();
    let (answer, is_shared) = flights.run("key", || 6 * 7);
    assert_eq!((answer, is_shared), (42, false));
    let cond = Cond::new();
    cond.signal();
    cond.broadcast();
    assert_eq!(gosync::num_goroutines(), 0);
    assert!(gosync::set_max_procs(0) > 0);
    assert!(gosync::init_workers().is_err());
}

#[unsafe(no_mangle)]
extern "C" fn panics_a_goroutine() {
    go(|| 1).join().unwrap();
}

#[unsafe(no_mangle)]
extern "C" fn panics_a_goroutine_of_a_scope() {
    scope(|s| drop(s.go(|| 1)));
}

#[unsafe(no_mangle)]
extern "C" fn panics_a_contended_lock() {
    let lock = RWMutex::new(());
    let _reader = lock.rlock();
    drop(lock.lock());
}

#[unsafe(no_mangle)]
extern "C" fn panics_a_contended_mutex() {
    let lock = Mutex::new(());
    let _guard = lock.lock();
    drop(lock.lock());
}

#[unsafe(no_mangle)]
extern "C" fn panics_a_timed_attempt_that_has_to_wait() {
    let lock = RWMutex::new(());
    let _writer = lock.lock();
    drop(lock.try_rlock_for(A_WHILE));
}

#[unsafe(no_mangle)]
extern "C" fn panics_a_lock_that_is_read_in_slots() {
    let lock = RWMutex::new(());
    (0..READS).for_each(|_| drop(lock.rlock()));
    let _reader = lock.rlock();
    drop(lock.lock());
}

#[unsafe(no_mangle)]
extern "C" fn panics_a_group_that_is_not_done() {
    let wg = WaitGroup::new();
    wg.add(1);
    wg.wait();
}

#[unsafe(no_mangle)]
extern "C" fn panics_a_condition() {
    let (lock, cond) = (Mutex::new(()), Cond::new());
    cond.wait(&mut lock.lock());
}
