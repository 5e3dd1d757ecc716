//! A goroutine that blocks in one of gosync's own primitives hands its place on at once: the monitor is
//! not needed.
//!
//! The monitor would see to it, too, but not within a millisecond if it sleeps. So in one round out of
//! many, each of which begins when it sleeps, the next goroutine has to run sooner.

use super::child::alone;
use crate::support::LIMIT;
use gosync::{RWMutex, WaitGroup, go, scope, set_max_procs};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// The monitor looks at a goroutine twice, a millisecond apart, before it calls for another worker.
const SOON: Duration = Duration::from_micros(800);

/// Longer than the monitor looks for goroutines when there are none.
const PAUSE: Duration = Duration::from_millis(60);

/// `round` is run in a goroutine. It has to start another one and block until that one has run, and
/// returns how long that took.
#[track_caller]
fn assert_hands_over(round: fn() -> Duration) {
    let mut shortest = Duration::MAX;
    for _ in 0..100 {
        thread::sleep(PAUSE);
        let (send, took) = mpsc::channel();
        drop(go(move || send.send(round()).unwrap()));
        shortest = shortest.min(took.recv().unwrap());
        if shortest < SOON {
            return;
        }
    }
    panic!("the next goroutine had never run before {shortest:?}");
}

const ONE_PROCESSOR: &[(&str, &str)] = &[("GOSYNC_MAXPROCS", "1")];

#[test]
fn in_a_wait_group() {
    alone(ONE_PROCESSOR, || {
        assert_hands_over(|| {
            let gate = WaitGroup::new();
            gate.add(1);
            let begin = Instant::now();
            drop(go({
                let gate = gate.clone();
                move || gate.done()
            }));
            gate.wait();
            begin.elapsed()
        });
    });
}

#[test]
fn in_a_wait_with_a_timeout() {
    alone(ONE_PROCESSOR, || {
        assert_hands_over(|| {
            let gate = WaitGroup::new();
            gate.add(1);
            let begin = Instant::now();
            gate.go({
                let gate = gate.clone();
                move || gate.done()
            });
            assert!(gate.wait_timeout(LIMIT));
            begin.elapsed()
        });
    });
}

#[test]
fn in_a_write_lock() {
    static LOCK: RWMutex<()> = RWMutex::new(());

    alone(ONE_PROCESSOR, || {
        assert_hands_over(|| {
            let held = LOCK.rlock();
            let begin = Instant::now();
            drop(go(move || drop(held)));
            drop(LOCK.lock());
            begin.elapsed()
        });
    });
}

#[test]
fn in_a_read_lock() {
    static LOCK: RWMutex<()> = RWMutex::new(());

    alone(ONE_PROCESSOR, || {
        assert_hands_over(|| {
            let held = LOCK.lock();
            let begin = Instant::now();
            drop(go(move || drop(held)));
            drop(LOCK.rlock());
            begin.elapsed()
        });
    });
}

/// Has `start` start a goroutine that waits for the gate, and returns once it runs. Meanwhile two may
/// run, so that the monitor sleeps on.
fn until_one_waits_for(gate: &WaitGroup, start: impl FnOnce(WaitGroup, WaitGroup)) {
    let begun = WaitGroup::new();
    begun.add(1);
    gate.add(1);
    set_max_procs(2);
    start(begun.clone(), gate.clone());
    // Otherwise the one that waits for it next would run it.
    begun.wait();
    set_max_procs(1);
}

#[test]
fn in_a_join() {
    alone(ONE_PROCESSOR, || {
        assert_hands_over(|| {
            let gate = WaitGroup::new();
            let mut joined = None;
            until_one_waits_for(&gate, |begun, gate| {
                joined = Some(go(move || {
                    begun.done();
                    gate.wait();
                }));
            });
            let begin = Instant::now();
            drop(go(move || gate.done()));
            joined.unwrap().join().unwrap();
            begin.elapsed()
        });
    });
}

#[test]
fn at_the_end_of_a_scope() {
    alone(ONE_PROCESSOR, || {
        assert_hands_over(|| {
            let gate = WaitGroup::new();
            let begin = scope(|s| {
                until_one_waits_for(&gate, |begun, gate| {
                    s.go(move || {
                        begun.done();
                        gate.wait();
                    });
                });
                let begin = Instant::now();
                let gate = gate.clone();
                drop(go(move || gate.done()));
                begin
            });
            begin.elapsed()
        });
    });
}
