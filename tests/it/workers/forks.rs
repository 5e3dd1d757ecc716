//! A child of fork has no workers but its own.
#![cfg(unix)]

use super::child::alone;
use crate::support::{Ended, LIMIT, holds_within, panic_text, text};
use gosync::{RWMutex, WaitGroup, go, num_goroutines, num_workers, scope};
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use std::{ptr, thread};

/// Forks, and plays `body` in the child, which must not panic there.
#[track_caller]
fn in_a_child(body: impl FnOnce()) {
    match fork() {
        0 => exit(i32::from(catch_unwind(AssertUnwindSafe(body)).is_err())),
        child => assert_ends_well(child),
    }
}

/// The child is killed if it hangs.
fn fork() -> libc::pid_t {
    // SAFETY: other threads may hold locks of std's or of libc's at this moment, in theory: those of the
    // test are asleep. The alarm touches no memory.
    unsafe {
        let child = libc::fork();
        assert!(child >= 0);
        if child == 0 {
            libc::alarm(LIMIT.as_secs() as u32);
        }
        child
    }
}

/// Ends a child, but for what the test program would do at its end.
fn exit(code: i32) -> ! {
    // SAFETY: a system call that touches no memory.
    unsafe { libc::_exit(code) }
}

#[track_caller]
fn assert_ends_well(child: libc::pid_t) {
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

/// What the thread itself has queued, and nobody has started, runs in each process when it is waited for.
#[test]
#[cfg(target_os = "linux")]
fn what_nobody_has_started_runs_in_the_child() {
    use super::frozen::FrozenMonitor;

    alone(&[("GOSYNC_MAXPROCS", "1")], || {
        let Some(_frozen) = FrozenMonitor::new() else {
            return;
        };
        // The only worker is busy, and without the monitor there is no other one.
        let (end, ended) = mpsc::channel::<()>();
        let (begin, begun) = mpsc::channel();
        drop(go(move || {
            begin.send(()).unwrap();
            let _ = ended.recv();
        }));
        begun.recv_timeout(LIMIT).unwrap();
        let ran = Arc::new(AtomicUsize::new(0));
        let wg = WaitGroup::new();
        for _ in 0..3 {
            let ran = Arc::clone(&ran);
            wg.go(move || _ = ran.fetch_add(1, SeqCst));
        }
        let wait = || {
            wg.wait();
            assert_eq!(ran.load(SeqCst), 3);
        };
        in_a_child(wait);
        assert_eq!(ran.load(SeqCst), 0);
        wait();
        drop(end);
    });
}

#[test]
fn a_scope_does_not_wait_for_what_runs_in_the_parent() {
    alone(&[], || {
        let (end, ended) = mpsc::channel::<()>();
        let (begin, begun) = mpsc::channel();
        let mut end = Some(end);
        let fork_in_scope = || {
            scope(|s| {
                drop(s.go(move || {
                    begin.send(()).unwrap();
                    let _ = ended.recv();
                }));
                begun.recv_timeout(LIMIT).unwrap();
                let child = fork();
                if child > 0 {
                    end = None;
                }
                child
            })
        };
        match catch_unwind(AssertUnwindSafe(fork_in_scope)) {
            Ok(0) => exit(1),
            Ok(child) => assert_ends_well(child),
            Err(payload) => exit(i32::from(!text(payload).contains("fork"))),
        }
    });
}

/// As in a server that forks its workers first of all.
#[test]
fn goroutines_run_if_there_were_no_workers_before() {
    alone(&[], || {
        let lock = RWMutex::new(1);
        assert_eq!(num_goroutines(), 0);
        // So often that the next write asks membarrier to end the quiet, which has to work in the child.
        assert!((0..100_000).all(|_| *lock.rlock() == 1));
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
