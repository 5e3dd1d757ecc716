//! Goroutines that block, or never end, while others must run.

use super::child::alone;
use crate::support::{LIMIT, Stop, holds_within, queue_length, within};
use gosync::{RWMutex, WaitGroup, go, scope};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::time::Duration;
use std::{hint, thread};

#[test]
#[cfg_attr(target_pointer_width = "32", ignore = "their stacks take gigabytes")]
#[cfg_attr(target_os = "macos", ignore = "a process may not have so many threads")]
fn two_thousand_block_in_a_wait_group() {
    const N: usize = 2000;

    within(LIMIT, || {
        let (gate, arrived, ended) = (WaitGroup::new(), WaitGroup::new(), WaitGroup::new());
        gate.add(1);
        arrived.add(N as isize);
        let passed = Arc::new(AtomicUsize::new(0));
        for _ in 0..N {
            let (gate, arrived, passed) = (gate.clone(), arrived.clone(), Arc::clone(&passed));
            ended.go(move || {
                arrived.done();
                gate.wait();
                passed.fetch_add(1, SeqCst);
            });
        }
        // A timed wait does not help, so workers must start all of them.
        assert!(arrived.wait_timeout(LIMIT));
        assert_eq!(passed.load(SeqCst), 0);
        gate.done();
        ended.wait();
        assert_eq!(passed.load(SeqCst), N);
    });
}

#[test]
#[cfg_attr(target_pointer_width = "32", ignore = "their stacks take gigabytes")]
fn a_thousand_meet_at_a_barrier_of_std() {
    const N: usize = 1000;

    within(LIMIT, || {
        let meeting = Barrier::new(N);
        let leaders = AtomicUsize::new(0);
        scope(|s| {
            for _ in 0..N {
                s.go(|| {
                    if meeting.wait().is_leader() {
                        leaders.fetch_add(1, SeqCst);
                    }
                });
            }
        });
        assert_eq!(leaders.into_inner(), 1);
    });
}

/// Go's prime sieve: each prime has a goroutine that passes on the numbers that the prime does not
/// divide.
#[test]
fn a_sieve_of_hundreds_of_channels_finds_the_primes() {
    /// With 32 bits, the address space has room for some seven hundred stacks.
    const PRIMES: usize = if cfg!(target_pointer_width = "64") {
        500
    } else {
        200
    };
    /// The capacity of a channel. With less room the test takes longer.
    const ROOM: usize = 8;

    within(LIMIT, || {
        let (source, mut last) = mpsc::sync_channel(ROOM);
        drop(go(move || {
            (2_u32..).take_while(|&n| source.send(n).is_ok()).count()
        }));
        let mut found = Vec::new();
        for _ in 0..PRIMES {
            let prime = last.recv().unwrap();
            found.push(prime);
            let (next, output) = mpsc::sync_channel(ROOM);
            let input = std::mem::replace(&mut last, output);
            drop(go(move || {
                let mut rest = input.iter().filter(|n| n % prime != 0);
                while rest.next().is_some_and(|n| next.send(n).is_ok()) {}
            }));
        }
        let is_prime = |n: &u32| !(2..*n).any(|d| n.is_multiple_of(d));
        assert!(found.into_iter().eq((2..).filter(is_prime).take(PRIMES)));
    });
}

#[test]
fn short_goroutines_run_beside_hogs_that_never_end() {
    within(LIMIT, || {
        let is_over = Arc::new(AtomicBool::new(false));
        let _stop = Stop(&is_over);
        let hogs: Vec<_> = (0..8)
            .map(|_| {
                let is_over = Arc::clone(&is_over);
                go(move || {
                    while !is_over.load(SeqCst) {
                        hint::spin_loop();
                    }
                })
            })
            .collect();
        let wg = WaitGroup::new();
        let (send, ran) = mpsc::channel();
        for i in 0..100 {
            let send = send.clone();
            wg.go(move || send.send(i).unwrap());
        }
        // A receive does not help, so workers must run them beside the hogs.
        let mut ran: Vec<_> = ran.iter().take(100).collect();
        assert!(!hogs.iter().any(|hog| hog.is_finished()));
        ran.sort_unstable();
        assert!(ran.into_iter().eq(0..100));
        is_over.store(true, SeqCst);
        hogs.into_iter().for_each(|hog| hog.join().unwrap());
    });
}

/// One goroutine blocks in a channel of std, and the others in a mutex of std.
#[test]
fn goroutines_that_block_in_std_do_not_hold_up_others() {
    within(LIMIT, || {
        let (release, released) = mpsc::channel::<()>();
        let released = Arc::new(Mutex::new(released));
        let sleepers: Vec<_> = (0..64)
            .map(|_| {
                let released = Arc::clone(&released);
                go(move || released.lock().unwrap().recv().is_err())
            })
            .collect();
        let (send, ran) = mpsc::channel();
        drop(go(move || send.send(thread::current().id()).unwrap()));
        assert_ne!(ran.recv().unwrap(), thread::current().id());
        drop(release);
        for sleeper in sleepers {
            assert!(sleeper.join().unwrap());
        }
    });
}

/// The only worker blocks for so long that the monitor takes it for stuck and replaces it. Then a worker
/// gets a goroutine that blocks again, and the monitor must notice that, too.
#[test]
fn a_worker_that_was_blocked_is_watched_again() {
    alone(&[("GOSYNC_MAXPROCS", "1")], || {
        for round in 0..50 {
            let (send, slept) = mpsc::channel();
            drop(go(move || {
                thread::sleep(Duration::from_millis(15));
                send.send(()).unwrap();
            }));
            slept.recv().unwrap();
            // Depending on the round, the worker still looks for another goroutine or sleeps already.
            thread::sleep(Duration::from_micros(round * 40));
            let (release, released) = mpsc::channel::<()>();
            let blocked = go(move || released.recv().is_ok());
            let (send, began) = mpsc::channel();
            drop(go(move || {
                send.send(()).unwrap();
                release.send(()).unwrap();
            }));
            // A receive does not help, so a worker must run it.
            began.recv_timeout(LIMIT).unwrap();
            assert!(blocked.join().unwrap());
        }
    });
}

#[test]
fn hundreds_block_in_one_lock() {
    const N: usize = 300;

    within(LIMIT, || {
        let sum = Arc::new(RWMutex::new(0));
        let held = sum.lock();
        let wg = WaitGroup::new();
        for i in 0..N {
            let sum = Arc::clone(&sum);
            wg.go(move || match i % 2 {
                0 => *sum.lock() += i,
                _ => assert!(*sum.rlock() < N * N),
            });
        }
        assert!(holds_within(LIMIT, || { queue_length(&*sum) == N }));
        drop(held);
        wg.wait();
        assert_eq!(*sum.rlock(), (0..N).step_by(2).sum::<usize>());
    });
}
