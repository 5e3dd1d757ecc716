//! `WaitGroup`: what Go tests in its own, and what this one promises beyond that.

use crate::support::{
    AGES, LIMIT, Stop, asleep, holds_within, panic_location, panic_quietly, panic_text, rounds,
    waiters, within,
};
use gosync::{RWMutex, WaitGroup, go};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

const NEGATIVE: &str = "sync: negative WaitGroup counter";
const OVERFLOW: &str = "sync: WaitGroup counter overflow";
/// The largest counter.
pub const MAX: isize = isize::MAX / 4;

#[track_caller]
fn assert_count(wg: &WaitGroup, count: usize) {
    assert_eq!(format!("{wg:?}"), format!("WaitGroup {{ count: {count} }}"));
}

/// Go's `TestWaitGroup`: no goroutine passes the second barrier before all have passed the first.
#[test]
fn sixteen_goroutines_meet_at_two_barriers() {
    const N: usize = 16;

    within(LIMIT, || {
        // Each round uses the same groups: a group may be reused.
        let (first, second) = (WaitGroup::new(), WaitGroup::new());
        for _ in rounds(8) {
            first.add(N as isize);
            second.add(N as isize);
            let (passed, all_passed) = mpsc::channel();
            for _ in 0..N {
                let (first, second, passed) = (first.clone(), second.clone(), passed.clone());
                go(move || {
                    first.done();
                    second.wait();
                    passed.send(()).unwrap();
                });
            }
            first.wait();
            for _ in 0..N {
                assert!(all_passed.try_recv().is_err(), "released too soon");
                second.done();
            }
            for _ in 0..N {
                all_passed.recv().unwrap();
            }
        }
    });
}

/// Go's `TestWaitGroupMisuse`.
#[test]
fn one_done_too_many_panics_with_the_text_of_go() {
    let wg = WaitGroup::new();
    wg.add(1);
    wg.done();
    assert_eq!(panic_text(|| wg.done()), NEGATIVE);
    assert_count(&wg, 0);
    wg.wait();
}

/// Go's `TestWaitGroupRace`: what comes before `done` happens before `wait` returns.
#[test]
fn wait_sees_what_came_before_done() {
    within(LIMIT, || {
        for _ in rounds(1000) {
            let wg = WaitGroup::new();
            let n = Arc::new(AtomicUsize::new(0));
            for _ in 0..2 {
                wg.add(1);
                let (wg, n) = (wg.clone(), Arc::clone(&n));
                go(move || {
                    n.fetch_add(1, Relaxed);
                    wg.done();
                });
            }
            wg.wait();
            assert_eq!(n.load(Relaxed), 2);
        }
    });
}

/// Go's `TestWaitGroupGo`.
#[test]
fn go_counts_in_and_out() {
    within(LIMIT, || {
        let wg = WaitGroup::new();
        let n = Arc::new(RWMutex::new(0));
        for _ in 0..50 {
            let n = Arc::clone(&n);
            wg.go(move || *n.lock() += 1);
        }
        wg.wait();
        assert_eq!(*n.rlock(), 50);
        assert_count(&wg, 0);
    });
}

#[test]
fn a_goroutine_is_counted_from_the_call_of_go_on() {
    within(LIMIT, || {
        let wg = WaitGroup::new();
        let (release, released) = mpsc::channel::<()>();
        wg.go(move || assert!(released.recv().is_err()));
        assert_count(&wg, 1);
        assert!(!wg.wait_timeout(Duration::from_millis(10)));
        drop(release);
        wg.wait();
        assert_count(&wg, 0);
    });
}

#[test]
fn a_goroutine_of_the_group_may_start_others() {
    fn tree(wg: &WaitGroup, leaves: &Arc<AtomicUsize>, depth: usize) {
        if depth == 0 {
            leaves.fetch_add(1, Relaxed);
            return;
        }
        for _ in 0..2 {
            let (group, leaves) = (wg.clone(), Arc::clone(leaves));
            wg.go(move || tree(&group, &leaves, depth - 1));
        }
    }

    within(LIMIT, || {
        let wg = WaitGroup::new();
        let leaves = Arc::new(AtomicUsize::new(0));
        tree(&wg, &leaves, 6);
        wg.wait();
        assert_eq!(leaves.load(Relaxed), 64);
    });
}

#[test]
fn a_goroutine_that_panics_is_counted_out() {
    within(LIMIT, || {
        let wg = WaitGroup::new();
        let n = Arc::new(AtomicUsize::new(0));
        for i in 0..10 {
            let n = Arc::clone(&n);
            wg.go(move || {
                n.fetch_add(1, Relaxed);
                if i % 2 == 0 {
                    panic_quietly("even")
                }
            });
        }
        wg.wait();
        assert_eq!(n.load(Relaxed), 10);
        assert_count(&wg, 0);
    });
}

#[test]
fn a_negative_result_is_refused_and_changes_nothing() {
    within(LIMIT, || {
        let wg = WaitGroup::new();
        wg.add(2);
        for delta in [-3, -1000, isize::MIN] {
            assert_eq!(panic_text(|| wg.add(delta)), NEGATIVE);
            assert_count(&wg, 2);
        }
        thread::scope(|s| {
            let waiter = asleep(s, || wg.wait());
            assert_eq!(panic_text(|| wg.add(-3)), NEGATIVE);
            assert_count(&wg, 2);
            assert!(!waiter.is_finished());
            // In Go the waiter would hang now.
            wg.add(-2);
            waiter.join().unwrap();
        });
        assert_eq!(panic_text(|| wg.done()), NEGATIVE);
        assert_count(&wg, 0);
    });
}

#[test]
fn an_overflow_is_refused_and_changes_nothing() {
    within(LIMIT, || {
        let wg = WaitGroup::new();
        wg.add(MAX);
        assert_count(&wg, MAX as usize);
        thread::scope(|s| {
            let waiter = asleep(s, || wg.wait());
            for delta in [1, 2, MAX] {
                assert_eq!(panic_text(|| wg.add(delta)), OVERFLOW);
                assert_count(&wg, MAX as usize);
            }
            wg.add(1 - MAX);
            assert_eq!(panic_text(|| wg.add(MAX)), OVERFLOW);
            assert_count(&wg, 1);
            assert!(!waiter.is_finished());
            wg.done();
            waiter.join().unwrap();
        });
        wg.add(MAX);
        wg.add(-MAX);
        wg.wait();
    });
}

#[test]
fn misuse_is_reported_where_it_was_made() {
    let wg = WaitGroup::new();
    let here = |line| (file!().to_string(), line);
    assert_eq!(panic_location(|| wg.done()), here(line!()));
    assert_eq!(panic_location(|| wg.add(-1)), here(line!()));
}

#[test]
fn add_takes_any_delta() {
    within(LIMIT, || {
        let wg = WaitGroup::new();
        wg.add(0);
        wg.wait();
        wg.add(5);
        wg.add(0);
        assert_count(&wg, 5);
        wg.add(-3);
        assert_count(&wg, 2);
        wg.add(-2);
        wg.wait();
    });
}

#[test]
fn a_wait_for_nothing_returns_at_once() {
    within(LIMIT, || {
        WaitGroup::new().wait();
        WaitGroup::default().wait();
    });
}

#[test]
fn a_clone_is_another_handle_to_the_same_group() {
    within(LIMIT, || {
        let wg = WaitGroup::new();
        let other = wg.clone();
        wg.add(1);
        assert_count(&other, 1);
        thread::scope(|s| {
            let waiter = asleep(s, || other.wait());
            drop(other.clone());
            assert!(!waiter.is_finished());
            wg.done();
            waiter.join().unwrap();
        });
        // A handle is not a member: dropping it does not count down.
        other.add(1);
        drop(other);
        assert_count(&wg, 1);
    });
}

#[test]
fn wait_waits_for_the_last_done() {
    within(LIMIT, || {
        let wg = WaitGroup::new();
        wg.add(3);
        thread::scope(|s| {
            let waiter = asleep(s, || wg.wait());
            for _ in 0..2 {
                wg.done();
                thread::sleep(Duration::from_millis(5));
                assert!(!waiter.is_finished());
            }
            wg.add(1);
            wg.add(-2);
            waiter.join().unwrap();
        });
    });
}

#[test]
fn all_waiters_are_released_together() {
    within(LIMIT, || {
        let wg = WaitGroup::new();
        wg.add(1);
        thread::scope(|s| {
            let waiters = [(); 20].map(|()| s.spawn(|| wg.wait()));
            let timed = asleep(s, || assert!(wg.wait_timeout(AGES)));
            assert!(waiters.iter().all(|waiter| !waiter.is_finished()));
            wg.done();
            waiters
                .into_iter()
                .for_each(|waiter| waiter.join().unwrap());
            timed.join().unwrap();
        });
    });
}

#[test]
fn a_waiter_is_released_although_the_next_round_has_begun() {
    within(LIMIT, || {
        let wg = WaitGroup::new();
        wg.add(1);
        for _ in rounds(20) {
            thread::scope(|s| {
                let woken = [(); 3].map(|()| s.spawn(|| wg.wait()));
                assert!(holds_within(LIMIT, || waiters(&wg) == 3));
                wg.done();
                // In Go this panics if it is noticed.
                wg.add(1);
                woken.into_iter().for_each(|waiter| waiter.join().unwrap());
            });
        }
        assert_count(&wg, 1);
    });
}

#[test]
fn a_group_is_used_again_and_again() {
    within(LIMIT, || {
        let wg = WaitGroup::new();
        let stop = AtomicBool::new(false);
        thread::scope(|s| {
            let waiter = s.spawn(|| {
                while !stop.load(SeqCst) {
                    wg.wait();
                }
            });
            let end = Stop(&stop);
            for _ in rounds(20_000) {
                wg.add(2);
                wg.done();
                wg.done();
            }
            drop(end);
            waiter.join().unwrap();
        });
        assert_count(&wg, 0);
    });
}

#[test]
fn wait_timeout_tells_whether_it_was_released() {
    within(LIMIT, || {
        let wg = WaitGroup::new();
        assert!(wg.wait_timeout(Duration::ZERO));
        assert!(wg.wait_timeout(Duration::MAX));
        wg.add(1);
        assert!(!wg.wait_timeout(Duration::ZERO));
        for timeout in [1, 20].map(Duration::from_millis) {
            let begin = Instant::now();
            assert!(!wg.wait_timeout(timeout));
            assert!(begin.elapsed() >= timeout);
        }
        for timeout in [AGES, Duration::MAX] {
            thread::scope(|s| {
                let waiter = asleep(s, || wg.wait_timeout(timeout));
                wg.done();
                assert!(waiter.join().unwrap());
            });
            wg.add(1);
        }
    });
}

#[test]
fn a_wait_that_times_out_blocks_no_other() {
    within(LIMIT, || {
        let wg = WaitGroup::new();
        wg.add(1);
        thread::scope(|s| {
            let patient = asleep(s, || wg.wait());
            let timed = asleep(s, || wg.wait_timeout(Duration::from_millis(50)));
            assert!(!timed.join().unwrap());
            assert!(!patient.is_finished());
            wg.done();
            patient.join().unwrap();

            wg.add(1);
            assert!(!wg.wait_timeout(Duration::from_millis(1)));
            let after = asleep(s, || wg.wait());
            wg.done();
            after.join().unwrap();
        });
    });
}

#[test]
fn a_timeout_racing_the_last_done_loses_no_wake_up() {
    within(LIMIT, || {
        let wg = WaitGroup::new();
        for round in rounds(500) {
            let timeout = Duration::from_micros(50 + round as u64 % 20 * 10);
            wg.add(1);
            thread::scope(|s| {
                s.spawn(|| wg.wait_timeout(timeout));
                s.spawn(|| wg.wait());
                s.spawn(|| {
                    thread::sleep(timeout);
                    wg.done();
                });
            });
            assert_count(&wg, 0);
        }
    });
}

#[test]
fn the_handle_may_be_dropped_as_soon_as_wait_returns() {
    within(LIMIT, || {
        let (to_worker, from_main) = mpsc::channel::<WaitGroup>();
        let worker = thread::spawn(move || {
            for wg in from_main {
                wg.done();
            }
        });
        for round in rounds(10_000) {
            let wg = WaitGroup::new();
            wg.add(1);
            to_worker.send(wg.clone()).unwrap();
            // The waiter is sometimes asleep when the other thread calls `done`, and sometimes not.
            if round % 2 == 0 {
                thread::yield_now();
            }
            wg.wait();
            drop(wg);
        }
        drop(to_worker);
        worker.join().unwrap();
    });
}

#[test]
fn counters_go_up_and_down_from_many_threads() {
    within(LIMIT, || {
        let wg = WaitGroup::new();
        wg.add(1);
        thread::scope(|s| {
            let waiter = s.spawn(|| wg.wait());
            let workers = [1, 2, 3, 4].map(|step| {
                let wg = &wg;
                s.spawn(move || {
                    for _ in rounds(5000) {
                        wg.add(step);
                        wg.add(-step);
                    }
                })
            });
            workers
                .into_iter()
                .for_each(|worker| worker.join().unwrap());
            assert!(!waiter.is_finished());
            assert_count(&wg, 1);
            wg.done();
        });
    });
}

#[test]
fn a_group_may_go_to_other_threads() {
    fn assert_send_sync<T: Send + Sync + Clone + Default + 'static>() {}
    assert_send_sync::<WaitGroup>();
}
