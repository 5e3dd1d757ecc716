//! A child of fork has no workers but its own.
#![cfg(unix)]

use super::child::alone;
use crate::support::{Ended, LIMIT, holds_within, panic_text};
use gosync::{RWMutex, WaitGroup, go, num_goroutines, num_workers, scope};
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::time::Duration;
use std::{ptr, thread};

/// Forks, and plays `body` in the child, which must not panic there.
#[track_caller]
fn in_a_child(body: impl FnOnce()) {
    // SAFETY: other threads may hold locks of std's or of libc's at this moment, in theory: those of the
    // test are asleep.
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    if child == 0 {
        // SAFETY: system calls that touch no memory. The alarm ends a child that hangs.
        unsafe {
            libc::alarm(LIMIT.as_secs() as u32);
            let is_over = catch_unwind(AssertUnwindSafe(body)).is_ok();
            libc::_exit(if is_over { 0 } else { 1 });
        }
    }
    let mut status = 0;
    // SAFETY: the status is there to be written.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    assert_eq!(status, 0, "the child has not come to its end");
}

#[track_caller]
fn assert_refused(f: impl FnOnce()) {
    let text = panic_text(f);
    assert!(text.contains("fork"), "another text: {text}");
}

#[test]
fn goroutines_are_refused_if_there_were_workers_before() {
    alone(&[], || {
        go(|| ()).ended().join().unwrap();
        assert!(num_workers() > 0);
        in_a_child(|| {
            assert_refused(|| drop(go(|| ())));
            let wg = WaitGroup::new();
            assert_refused(|| wg.go(|| ()));
            // It was not counted.
            wg.wait();
            assert_refused(|| scope(|s| drop(s.go(|| ()))));
            assert_refused(|| _ = (num_workers(), num_goroutines()));
            // Nor are there any in its own children.
            in_a_child(|| assert_refused(|| drop(go(|| ()))));
        });
        // All is well here.
        assert_eq!(go(|| 1).ended().join().unwrap(), 1);
    });
}

#[test]
fn a_join_of_what_nobody_runs_any_more_is_refused() {
    alone(&[], || {
        let (end, ended) = mpsc::channel::<()>();
        let handle = go(move || _ = ended.recv());
        assert!(holds_within(LIMIT, || num_workers() > 0));
        thread::sleep(Duration::from_millis(50));
        // The parent has it, too.
        // SAFETY: each process joins one of the two copies, and drops no other.
        let copy = ManuallyDrop::new(unsafe { ptr::read(&handle) });
        in_a_child(|| assert_refused(|| ManuallyDrop::into_inner(copy).join().unwrap()));
        drop(end);
        handle.join().unwrap();
    });
}

/// As in a server that forks its workers first of all.
#[test]
fn goroutines_run_if_there_were_no_workers_before() {
    alone(&[], || {
        let lock = RWMutex::new(1);
        assert_eq!((num_goroutines(), *lock.rlock()), (0, 1));
        in_a_child(|| {
            let (send, ran) = mpsc::channel();
            drop(go(move || send.send(1).unwrap()));
            assert_eq!(ran.recv(), Ok(1));
            assert_eq!(go(|| 2).join().unwrap(), 2);
            *lock.lock() += 1;
            assert_eq!(*lock.rlock(), 2);
            in_a_child(|| assert_refused(|| drop(go(|| ()))));
        });
        assert_eq!(go(|| 1).ended().join().unwrap(), 1);
    });
}

/// They end when they have nothing to do for long.
#[test]
fn goroutines_run_if_there_are_no_workers_any_more() {
    alone(&[], || {
        go(|| ()).ended().join().unwrap();
        assert!(holds_within(LIMIT, || num_workers() == 0));
        // The monitor, too, ends then.
        thread::sleep(Duration::from_millis(300));
        in_a_child(|| assert_eq!(go(|| 1).ended().join().unwrap(), 1));
    });
}
