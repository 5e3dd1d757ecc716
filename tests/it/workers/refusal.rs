//! The system refuses to start threads.
#![cfg(target_os = "linux")]

use super::child::alone;
use crate::support::LIMIT;
use gosync::semaphore::Weighted;
use gosync::{Cond, WaitGroup, go, num_goroutines, num_workers, scope};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::time::Duration;
use std::{fs, process, thread};

/// Limits the process to `n` threads from now on. Threads of the user's other processes may count, too,
/// so there may be room for fewer, or for none.
fn limit_threads(n: libc::rlim_t) {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `limit` is valid for reads and writes.
    unsafe {
        assert_eq!(libc::getrlimit(libc::RLIMIT_NPROC, &mut limit), 0);
        limit.rlim_cur = n.min(limit.rlim_max);
        assert_eq!(libc::setrlimit(libc::RLIMIT_NPROC, &limit), 0);
    }
}

fn allow_threads() {
    limit_threads(libc::RLIM_INFINITY);
}

/// Switches to a user without other processes if this is the superuser, which the limit does not bind.
/// Returns whether the limit counts this process's threads alone.
fn drop_root() -> bool {
    // SAFETY: system calls that touch no memory.
    unsafe {
        let is_root = libc::geteuid() == 0;
        if is_root {
            assert_eq!(libc::setuid(1_000_000_000 + process::id()), 0);
        }
        is_root
    }
}

#[track_caller]
fn assert_refused() {
    let gate = Arc::new(Mutex::new(()));
    // The lock keeps these threads alive until one is refused, however soon they run.
    let _held = gate.lock().unwrap();
    let refused = (0..100).any(|_| {
        let gate = Arc::clone(&gate);
        thread::Builder::new()
            .spawn(move || drop(gate.lock()))
            .is_err()
    });
    assert!(refused, "the limit has no effect");
}

/// Returns the number of threads of this process.
fn threads() -> libc::rlim_t {
    fs::read_dir("/proc/self/task").unwrap().count() as libc::rlim_t
}

#[test]
fn all_run_in_the_end_if_there_is_no_thread_for_a_while() {
    alone(&[], || {
        drop_root();
        limit_threads(0);
        assert_refused();
        let (send, ran) = mpsc::channel();
        for i in 0..1000 {
            let send = send.clone();
            drop(go(move || send.send(i).unwrap()));
        }
        assert_eq!((num_goroutines(), num_workers()), (1000, 0));
        // Leaves the scheduler time to go wrong.
        thread::sleep(Duration::from_millis(200));
        assert_eq!((num_goroutines(), num_workers()), (1000, 0));
        allow_threads();
        // The monitor could not be started either, so it takes another `go` to try again.
        drop(go(move || send.send(1000).unwrap()));
        let mut ran: Vec<_> = ran.iter().take(1001).collect();
        ran.sort_unstable();
        assert!(ran.into_iter().eq(0..=1000));
    });
}

/// Waits for a goroutine, for at most the given time. Returns whether it has done its part.
type Wait = Box<dyn Fn(Duration) -> bool>;

/// A waiter continues once the system allows threads again. `begin` starts a goroutine and returns a
/// wait for it. The wait is a timed one, so it does not run the goroutine itself, but tries again and
/// again to wake a worker for it.
fn assert_wait_ends_once_threads_are_allowed(begin: fn() -> Wait) {
    drop_root();
    let (hopeless, has_tried) = mpsc::channel::<()>();
    let allow_later = move || {
        assert!(has_tried.recv().is_err());
        // By then the waiter has tried without effect.
        thread::sleep(Duration::from_millis(300));
        allow_threads();
    };
    let other = thread::spawn(allow_later);
    limit_threads(0);
    assert_refused();
    let wait = begin();
    assert!(!wait(Duration::from_millis(1)));
    drop(hopeless);
    assert!(wait(LIMIT));
    other.join().unwrap();
}

#[test]
fn a_group_wait_ends_once_threads_are_allowed() {
    alone(&[], || {
        assert_wait_ends_once_threads_are_allowed(|| {
            let wg = WaitGroup::new();
            wg.add(1);
            let member = wg.clone();
            drop(go(move || member.done()));
            Box::new(move |timeout| wg.wait_timeout(timeout))
        });
    });
}

#[test]
fn a_cond_wait_ends_once_threads_are_allowed() {
    alone(&[], || {
        assert_wait_ends_once_threads_are_allowed(|| {
            let state = Arc::new((gosync::Mutex::new(false), Cond::new()));
            let inner = Arc::clone(&state);
            drop(go(move || {
                *inner.0.lock() = true;
                inner.1.signal();
            }));
            Box::new(move |timeout| {
                let mut is_set = state.0.lock();
                *is_set || state.1.wait_for(&mut is_set, timeout)
            })
        });
    });
}

#[test]
fn a_semaphore_wait_ends_once_threads_are_allowed() {
    alone(&[], || {
        assert_wait_ends_once_threads_are_allowed(|| {
            let semaphore = Arc::new(Weighted::new(1));
            let permit = semaphore.acquire_owned(1).unwrap();
            drop(go(move || drop(permit)));
            Box::new(move |timeout| semaphore.acquire_for(1, timeout).is_some())
        });
    });
}

/// Waiters help, so they need no other thread.
#[test]
fn waiters_help_without_any_worker() {
    alone(&[], || {
        drop_root();
        limit_threads(0);
        assert_refused();
        assert_eq!(go(|| 6 * 7).join().unwrap(), 42);
        let (wg, ran) = (WaitGroup::new(), Arc::new(AtomicUsize::new(0)));
        for _ in 0..1000 {
            let ran = Arc::clone(&ran);
            wg.go(move || {
                ran.fetch_add(1, SeqCst);
            });
        }
        wg.wait();
        assert_eq!(ran.load(SeqCst), 1000);
        scope(|s| (0..1000).for_each(|_| drop(s.go(|| ran.fetch_add(1, SeqCst)))));
        assert_eq!(ran.load(SeqCst), 2000);
        assert_eq!(num_workers(), 0);
    });
}

/// There are few threads, and many goroutines that each need one for a moment.
#[test]
fn all_run_on_the_threads_that_there_are() {
    alone(&[], || {
        if !drop_root() {
            return;
        }
        limit_threads(threads() + 4);
        let (wg, ran) = (WaitGroup::new(), Arc::new(AtomicUsize::new(0)));
        for _ in 0..500 {
            let ran = Arc::clone(&ran);
            wg.go(move || {
                thread::sleep(Duration::from_millis(1));
                ran.fetch_add(1, SeqCst);
            });
        }
        assert!(wg.wait_timeout(LIMIT));
        assert_eq!(ran.load(SeqCst), 500);
        assert!(num_workers() <= 4);
    });
}

/// All goroutines must be at the barrier at once. No thread queues a goroutine any more, so the monitor
/// must try again.
#[test]
fn goroutines_at_a_barrier_continue_once_threads_are_allowed() {
    const N: usize = 50;

    alone(&[], || {
        if !drop_root() {
            return;
        }
        limit_threads(threads() + 6);
        let (meeting, wg) = (Arc::new(Barrier::new(N)), WaitGroup::new());
        for _ in 0..N {
            let meeting = Arc::clone(&meeting);
            wg.go(move || _ = meeting.wait());
        }
        assert!(!wg.wait_timeout(Duration::from_millis(300)));
        assert_refused();
        assert_eq!(num_goroutines(), N);
        allow_threads();
        assert!(wg.wait_timeout(LIMIT));
        assert_eq!(num_goroutines(), 0);
    });
}

/// The goroutines block in a primitive of gosync and give up their processors, but no new thread can be
/// started to take these.
#[test]
fn goroutines_blocked_in_a_group_continue_once_threads_are_allowed() {
    const N: isize = 50;

    alone(&[], || {
        if !drop_root() {
            return;
        }
        limit_threads(threads() + 6);
        let (arrived, wg) = (WaitGroup::new(), WaitGroup::new());
        arrived.add(N);
        for _ in 0..N {
            let arrived = arrived.clone();
            wg.go(move || {
                arrived.done();
                arrived.wait();
            });
        }
        assert!(!wg.wait_timeout(Duration::from_millis(300)));
        assert_refused();
        allow_threads();
        assert!(wg.wait_timeout(LIMIT));
    });
}

/// There is room for the stack of a thread, but not for anything else that a thread needs.
#[test]
fn a_goroutine_waits_for_memory() {
    const STACK: usize = 1 << 20;

    /// Returns the size of the address space in bytes.
    fn address_space() -> usize {
        let pages = fs::read_to_string("/proc/self/statm").unwrap();
        pages.split(' ').next().unwrap().parse::<usize>().unwrap() * 4096
    }

    fn limit_address_space(bytes: libc::rlim_t) {
        let limit = libc::rlimit {
            rlim_cur: bytes,
            rlim_max: libc::RLIM_INFINITY,
        };
        // SAFETY: `limit` is valid for reads.
        unsafe { assert_eq!(libc::setrlimit(libc::RLIMIT_AS, &limit), 0) };
    }

    // A worker's stack is twice this size plus half a MiB.
    alone(&[("GOSYNC_STACK_SIZE", &STACK.to_string())], || {
        let (end, ended) = mpsc::channel::<()>();
        let ended = Arc::new(Mutex::new(ended));
        let (send, ran) = mpsc::channel();
        let block = || {
            let (send, ended) = (send.clone(), Arc::clone(&ended));
            drop(go(move || {
                send.send(()).unwrap();
                let _ = ended.lock().unwrap().recv();
            }));
        };
        // The monitor runs from now on.
        block();
        ran.recv_timeout(LIMIT).unwrap();
        let mut refused = 0;
        for pages in 0..16 {
            let size = address_space() + 2 * STACK + (1 << 19) + pages * 4096;
            limit_address_space(size as libc::rlim_t);
            block();
            // An idle worker from the round before may run it.
            let is_refused = ran.recv_timeout(Duration::from_millis(30)).is_err();
            limit_address_space(libc::RLIM_INFINITY);
            if is_refused {
                refused += 1;
                ran.recv_timeout(LIMIT).unwrap();
            }
        }
        assert!(refused > 0, "the limit has no effect");
        drop(end);
    });
}
