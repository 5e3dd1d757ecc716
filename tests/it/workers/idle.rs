//! A process some seconds after its goroutines have ended.
#![cfg(target_os = "linux")]

use super::child::{alone, processor_time, threads_of_gosync};
use super::ends::of_a_thread::at_end;
use crate::support::{LIMIT, holds_within, panic_quietly, time_is_up};
use gosync::{RWMutex, WaitGroup, go, num_goroutines, num_workers, scope};
use std::mem::MaybeUninit;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

/// Runs goroutines that block, sleep, panic, or do nothing.
fn storm() {
    let (gate, wg, lock) = (
        WaitGroup::new(),
        WaitGroup::new(),
        Arc::new(RWMutex::new(0)),
    );
    gate.add(1);
    for i in 0..100 {
        let (gate, lock) = (gate.clone(), Arc::clone(&lock));
        wg.go(move || {
            gate.wait();
            *lock.lock() += i;
        });
        wg.go(|| thread::sleep(Duration::from_millis(1)));
        wg.go(|| panic_quietly("in a storm"));
        drop(go(|| ()));
    }
    gate.done();
    wg.wait();
    scope(|s| (0..10_000).for_each(|_| drop(s.go(|| ()))));
}

/// Whether nothing is left: no worker, no monitor, and no other thread of gosync.
fn is_at_rest() -> bool {
    num_workers() == 0 && threads_of_gosync().is_empty()
}

/// Waits until the process is at rest. Looks rarely, since each look uses CPU time, which the caller
/// measures.
fn until_at_rest() {
    let is_late = time_is_up(LIMIT);
    while !is_at_rest() {
        assert!(!is_late(), "{:?}", threads_of_gosync());
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn workers_and_the_monitor_leave_and_come_back() {
    alone(&[], || {
        storm();
        assert!(holds_within(LIMIT, || num_goroutines() == 0));
        assert!(num_workers() > 0);
        let (begin, used) = (Instant::now(), processor_time());
        until_at_rest();
        let used = processor_time() - used;
        println!("at rest after {:?}, which took {used:?}", begin.elapsed());
        assert!(used < Duration::from_secs(1), "{used:?}");
        storm();
        assert!(num_workers() > 0);
    });
}

/// Returns how often the current thread has slept.
fn sleeps() -> libc::c_long {
    let mut usage = MaybeUninit::<libc::rusage>::uninit();
    // SAFETY: `usage` is valid for writes, and is read only if the call has written it.
    unsafe {
        assert_eq!(libc::getrusage(libc::RUSAGE_THREAD, usage.as_mut_ptr()), 0);
        usage.assume_init().ru_nvcsw
    }
}

/// Both while there are workers and after all of them have ended.
#[test]
fn a_thread_that_waits_sleeps_once() {
    alone(&[], || {
        let wg = WaitGroup::new();
        wg.add(1);
        storm();
        for at_rest in [false, true] {
            if at_rest {
                until_at_rest();
            }
            let before = sleeps();
            assert!(!wg.wait_timeout(Duration::from_millis(500)));
            let sleeps = sleeps() - before;
            println!("{sleeps} sleeps");
            assert!(sleeps < 5, "{sleeps}");
        }
    });
}

/// A worker's thread-local values are dropped when it ends.
#[test]
fn destructors_of_a_worker_may_use_goroutines() {
    static LEFT: AtomicUsize = AtomicUsize::new(0);

    fn leave() {
        let (wg, ran) = (WaitGroup::new(), Arc::new(AtomicUsize::new(0)));
        for _ in 0..10 {
            let ran = Arc::clone(&ran);
            wg.go(move || {
                ran.fetch_add(1, SeqCst);
            });
        }
        wg.wait();
        assert_eq!(ran.load(SeqCst), 10);
        assert_eq!(go(|| 1).join().unwrap(), 1);
        drop(go(|| LEFT.fetch_add(1, SeqCst)));
    }

    alone(&[], || {
        let has_begun = WaitGroup::new();
        has_begun.go(|| at_end(leave));
        assert!(has_begun.wait_timeout(LIMIT));
        assert!(holds_within(LIMIT, || LEFT.load(SeqCst) == 1));
        storm();
    });
}
