//! A child of fork has no workers other than those that it starts.
#![cfg(unix)]

use super::child::alone;
use crate::support::{Ended, LIMIT, holds_within, panic_text, text};
use gosync::{RWMutex, WaitGroup, go, num_goroutines, num_workers, scope};
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::time::Duration;
use std::{ptr, thread};

/// Forks, and runs `body` in the child. `body` must not panic.
#[track_caller]
fn in_a_child(body: impl FnOnce()) {
    match fork() {
        0 => exit(i32::from(catch_unwind(AssertUnwindSafe(body)).is_err())),
        child => assert_ends_well(child),
    }
}

/// Forks. The child is killed if it hangs.
fn fork() -> libc::pid_t {
    // SAFETY: in theory another thread may hold a lock of std or libc at this moment, but the threads of
    // the test are asleep. The alarm touches no memory.
    unsafe {
        let child = libc::fork();
        assert!(child >= 0);
        if child == 0 {
            libc::alarm(LIMIT.as_secs() as u32);
        }
        child
    }
}

/// Ends a child at once, without what the test program would do at its end.
fn exit(code: i32) -> ! {
    // SAFETY: a system call that touches no memory.
    unsafe { libc::_exit(code) }
}

#[track_caller]
fn assert_ends_well(child: libc::pid_t) {
    let mut status = 0;
    // SAFETY: `status` is valid for writes.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    assert_eq!(status, 0, "the child did not exit cleanly");
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
            // The group has not counted the goroutine that was refused.
            wg.wait();
            assert_refused(|| scope(|s| drop(s.go(|| ()))));
            assert_refused(|| _ = (num_workers(), num_goroutines()));
            // Goroutines are refused in the child's own children, too.
            in_a_child(|| assert_refused(|| drop(go(|| ()))));
        });
        // The parent still has its workers.
        assert_eq!(go(|| 1).ended().join().unwrap(), 1);
    });
}

#[test]
fn joining_a_goroutine_of_the_parent_is_refused() {
    alone(&[], || {
        let (end, ended) = mpsc::channel::<()>();
        let handle = go(move || _ = ended.recv());
        assert!(holds_within(LIMIT, || num_workers() > 0));
        thread::sleep(Duration::from_millis(50));
        // The parent and the child each have a copy of the handle.
        // SAFETY: each process joins one of the two copies, and drops no other.
        let copy = ManuallyDrop::new(unsafe { ptr::read(&handle) });
        in_a_child(|| assert_refused(|| ManuallyDrop::into_inner(copy).join().unwrap()));
        drop(end);
        handle.join().unwrap();
    });
}

/// Each process runs the goroutines that this thread has queued, and that no thread has started, when it
/// waits for them.
#[test]
#[cfg(target_os = "linux")]
fn unstarted_goroutines_run_in_the_child() {
    use super::frozen::FrozenMonitor;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    alone(&[("GOSYNC_MAXPROCS", "1")], || {
        let Some(_frozen) = FrozenMonitor::new() else {
            return;
        };
        // The only worker is busy, and while the monitor is frozen no other one is started.
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
fn a_scope_in_the_child_does_not_wait_for_the_parents_goroutines() {
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

/// Like a server that first of all forks its workers.
#[test]
fn goroutines_run_if_there_were_no_workers_before() {
    alone(&[], || {
        let lock = RWMutex::new(1);
        assert_eq!(num_goroutines(), 0);
        // Enough reads to make the lock quiet. The next write then ends the quiet by `membarrier`, which
        // must work in the child, too.
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

/// Workers end when they have had nothing to do for long.
#[test]
fn goroutines_run_if_there_are_no_workers_any_more() {
    alone(&[], || {
        go(|| ()).ended().join().unwrap();
        assert!(holds_within(LIMIT, || num_workers() == 0));
        // The monitor ends, too, after the last worker.
        thread::sleep(Duration::from_millis(300));
        in_a_child(|| assert_eq!(go(|| 1).ended().join().unwrap(), 1));
    });
}
