//! A goroutine that blocks in one of gosync's own primitives hands its place on itself: the monitor is
//! not needed.
//!
//! The monitor would see to it, too. So these goroutines block while it is frozen.
#![cfg(target_os = "linux")]

use super::child::alone;
use super::frozen::FrozenMonitor;
use crate::support::{LIMIT, linger};
use gosync::{RWMutex, WaitGroup, go, scope, set_max_procs};
use std::sync::mpsc;

/// In some of them a worker may still search from the one before, and needs no place.
const ROUNDS: usize = 20;

/// `round` is run in a goroutine. It has to start another one and block until that one has run.
#[track_caller]
fn assert_hands_over(round: fn()) {
    let Some(frozen) = FrozenMonitor::new() else {
        return;
    };
    for _ in 0..ROUNDS {
        let (send, over) = mpsc::channel();
        drop(go(move || {
            round();
            send.send(()).unwrap();
        }));
        let result = over.recv_timeout(LIMIT);
        assert!(result.is_ok(), "the next goroutine waits for the monitor");
    }
    assert_needs_the_monitor(frozen);
}

/// The contrast: nobody but the monitor sees a goroutine that blocks in a channel of std.
#[track_caller]
fn assert_needs_the_monitor(frozen: FrozenMonitor) {
    let (send, over) = mpsc::channel();
    drop(go(move || {
        let (send_next, next) = mpsc::channel();
        drop(go(move || send_next.send(()).unwrap()));
        send.send(next.recv()).unwrap();
    }));
    linger();
    assert!(over.try_recv().is_err(), "the monitor is not frozen");
    drop(frozen);
    assert!(over.recv().unwrap().is_ok());
}

const ONE_PROCESSOR: &[(&str, &str)] = &[("GOSYNC_MAXPROCS", "1")];

#[test]
fn in_a_wait_group() {
    alone(ONE_PROCESSOR, || {
        assert_hands_over(|| {
            let gate = WaitGroup::new();
            gate.add(1);
            drop(go({
                let gate = gate.clone();
                move || gate.done()
            }));
            gate.wait();
        });
    });
}

#[test]
fn in_a_wait_with_a_timeout() {
    alone(ONE_PROCESSOR, || {
        assert_hands_over(|| {
            let gate = WaitGroup::new();
            gate.add(1);
            gate.go({
                let gate = gate.clone();
                move || gate.done()
            });
            assert!(gate.wait_timeout(LIMIT));
        });
    });
}

#[test]
fn in_a_write_lock() {
    static LOCK: RWMutex<()> = RWMutex::new(());

    alone(ONE_PROCESSOR, || {
        assert_hands_over(|| {
            let held = LOCK.rlock();
            drop(go(move || drop(held)));
            drop(LOCK.lock());
        });
    });
}

#[test]
fn in_a_read_lock() {
    static LOCK: RWMutex<()> = RWMutex::new(());

    alone(ONE_PROCESSOR, || {
        assert_hands_over(|| {
            let held = LOCK.lock();
            drop(go(move || drop(held)));
            drop(LOCK.rlock());
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
            drop(go(move || gate.done()));
            joined.unwrap().join().unwrap();
        });
    });
}

#[test]
fn at_the_end_of_a_scope() {
    alone(ONE_PROCESSOR, || {
        assert_hands_over(|| {
            let gate = WaitGroup::new();
            scope(|s| {
                until_one_waits_for(&gate, |begun, gate| {
                    s.go(move || {
                        begun.done();
                        gate.wait();
                    });
                });
                let gate = gate.clone();
                drop(go(move || gate.done()));
            });
        });
    });
}
