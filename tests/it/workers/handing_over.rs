//! A goroutine that blocks in one of gosync's own primitives gives its processor to another worker
//! itself. It does not need the monitor for that.
//!
//! The monitor would do it, too, so these goroutines block while the monitor is frozen.
#![cfg(target_os = "linux")]

use super::child::alone;
use super::frozen::FrozenMonitor;
use crate::support::{LIMIT, linger};
use gosync::{RWMutex, WaitGroup, go, scope, set_max_procs};
use std::sync::mpsc;

/// Several, because a round may prove nothing: a worker that still searches since the round before has a
/// processor already.
const ROUNDS: usize = 20;

/// Runs `round` in a goroutine, again and again, while the monitor is frozen. `round` must start another
/// goroutine and block until that one has run.
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

/// The contrast: only the monitor notices a goroutine that blocks in a channel of std.
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

/// Calls `start`, which must start a goroutine that waits for the gate, and returns once that one runs.
/// Meanwhile two goroutines may run at a time, so that this does not depend on the monitor.
fn start_a_waiter_for(gate: &WaitGroup, start: impl FnOnce(WaitGroup, WaitGroup)) {
    let begun = WaitGroup::new();
    begun.add(1);
    gate.add(1);
    set_max_procs(2);
    start(begun.clone(), gate.clone());
    // Otherwise the wait that comes next would help and run the goroutine, instead of blocking.
    begun.wait();
    set_max_procs(1);
}

#[test]
fn in_a_join() {
    alone(ONE_PROCESSOR, || {
        assert_hands_over(|| {
            let gate = WaitGroup::new();
            let mut joined = None;
            start_a_waiter_for(&gate, |begun, gate| {
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
                start_a_waiter_for(&gate, |begun, gate| {
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
