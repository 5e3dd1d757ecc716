//! A goroutine runs although other goroutines never leave the CPUs.

use super::child::alone;
use gosync::{WaitGroup, go, set_max_procs};
use std::sync::mpsc;
use std::{hint, thread};

/// Starts as many goroutines as may run at a time, each of which calls `again`, which never returns.
/// Asserts that other goroutines still run.
#[track_caller]
fn assert_others_run(again: fn()) {
    for _ in 0..set_max_procs(0) {
        drop(go(again));
    }
    for _ in 0..10 {
        let (send, ran) = mpsc::channel();
        drop(go(move || send.send(()).unwrap()));
        ran.recv().unwrap();
    }
}

const PROCESSORS: [&[(&str, &str)]; 2] = [&[("GOSYNC_MAXPROCS", "1")], &[("GOSYNC_MAXPROCS", "2")]];

/// Each goroutine starts the next one, blocks until that has begun, and ends.
#[test]
fn beside_a_chain_that_blocks() {
    fn follow(previous: WaitGroup) {
        previous.done();
        let own = WaitGroup::new();
        own.add(1);
        let next = own.clone();
        drop(go(move || follow(next)));
        own.wait();
    }

    for vars in PROCESSORS {
        alone(vars, || {
            assert_others_run(|| {
                let first = WaitGroup::new();
                first.add(1);
                follow(first);
            });
        });
    }
}

#[test]
fn beside_loops_that_join() {
    for vars in PROCESSORS {
        alone(vars, || {
            assert_others_run(|| {
                loop {
                    go(|| ()).join().unwrap();
                }
            });
        });
    }
}

/// Each goroutine joins sixty others and starts the next one.
#[test]
fn beside_a_chain_of_joins() {
    fn follow() {
        for _ in 0..60 {
            go(|| ()).join().unwrap();
        }
        drop(go(follow));
    }

    for vars in PROCESSORS {
        alone(vars, || assert_others_run(follow));
    }
}

/// The waiter always finds one more member of the group to run.
#[test]
fn beside_a_group_that_never_ends() {
    fn follow(wg: WaitGroup) {
        let next = wg.clone();
        wg.go(move || follow(next));
    }

    for vars in PROCESSORS {
        alone(vars, || {
            assert_others_run(|| {
                let wg = WaitGroup::new();
                follow(wg.clone());
                wg.wait();
            });
        });
    }
}

/// One of the two CPUs is taken by a goroutine that computes. The other is taken by an external thread
/// that always has one more goroutine to start and to run.
#[test]
fn beside_a_hog_and_a_busy_thread() {
    alone(&[("GOSYNC_MAXPROCS", "2")], || {
        let (send, began) = mpsc::channel();
        drop(go(move || {
            send.send(()).unwrap();
            loop {
                hint::spin_loop();
            }
        }));
        began.recv().unwrap();
        let (send, is_busy) = mpsc::channel();
        thread::spawn(move || {
            for round in 0.. {
                go(|| ()).join().unwrap();
                if round == 10_000 {
                    send.send(()).unwrap();
                }
            }
        });
        is_busy.recv().unwrap();
        for _ in 0..10 {
            let (send, ran) = mpsc::channel();
            drop(go(move || send.send(()).unwrap()));
            ran.recv().unwrap();
        }
    });
}
