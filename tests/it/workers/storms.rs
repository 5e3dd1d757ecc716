//! Very many goroutines that end right after they start.

use crate::support::{LIMIT, within};
use gosync::{WaitGroup, go, scope};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::{hint, thread};

/// Fewer in debug builds, which are slower, so that the tests take about as long.
const N: usize = if cfg!(debug_assertions) {
    200_000
} else {
    1_000_000
};

/// How often each goroutine has run.
struct Roll(Vec<AtomicU8>);

impl Roll {
    fn new(n: usize) -> Arc<Self> {
        Arc::new(Self((0..n).map(|_| AtomicU8::new(0)).collect()))
    }

    fn mark(&self, i: usize) {
        self.0[i].fetch_add(1, Relaxed);
    }

    #[track_caller]
    fn assert_each_once(&self) {
        let others = self.0.iter().filter(|times| times.load(Relaxed) != 1);
        assert_eq!(others.count(), 0);
    }
}

#[test]
fn each_goroutine_of_a_group_runs_once() {
    within(LIMIT, || {
        let (wg, roll) = (WaitGroup::new(), Roll::new(N));
        for i in 0..N {
            let roll = Arc::clone(&roll);
            wg.go(move || roll.mark(i));
        }
        wg.wait();
        roll.assert_each_once();
    });
}

#[test]
fn each_detached_goroutine_runs_once() {
    within(LIMIT, || {
        let (wg, roll) = (WaitGroup::new(), Roll::new(N));
        wg.add(N as isize);
        for i in 0..N {
            let (wg, roll) = (wg.clone(), Arc::clone(&roll));
            drop(go(move || {
                roll.mark(i);
                wg.done();
            }));
        }
        wg.wait();
        roll.assert_each_once();
    });
}

/// Workers and joiners claim the goroutines, from both ends of the queue.
#[test]
fn each_joined_goroutine_runs_once() {
    within(LIMIT, || {
        let roll = Roll::new(N);
        let spawn = |i| {
            let roll = Arc::clone(&roll);
            go(move || {
                roll.mark(i);
                i
            })
        };
        let handles: Vec<_> = (0..N / 2).map(spawn).collect();
        for (i, handle) in handles.into_iter().enumerate() {
            assert_eq!(handle.join().unwrap(), i);
        }
        let handles: Vec<_> = (N / 2..N).map(|i| (i, spawn(i))).collect();
        for (i, handle) in handles.into_iter().rev() {
            assert_eq!(handle.join().unwrap(), i);
        }
        roll.assert_each_once();
    });
}

#[test]
fn each_goroutine_of_eight_threads_runs_once() {
    const THREADS: usize = 8;

    within(LIMIT, || {
        let roll = Roll::new(N);
        thread::scope(|s| {
            for thread in 0..THREADS {
                let roll = &roll;
                s.spawn(move || {
                    scope(|s| {
                        for i in (thread..N).step_by(THREADS) {
                            s.go(move || roll.mark(i));
                        }
                    });
                });
            }
        });
        roll.assert_each_once();
    });
}

/// Goroutines start goroutines, so they are queued at the workers.
#[test]
fn each_goroutine_of_a_tree_runs_once() {
    fn grow(wg: &WaitGroup, roll: &Arc<Roll>, i: usize) {
        roll.mark(i);
        for child in [2 * i + 1, 2 * i + 2] {
            if child < N {
                let (group, roll) = (wg.clone(), Arc::clone(roll));
                wg.go(move || grow(&group, &roll, child));
            }
        }
    }

    within(LIMIT, || {
        let (wg, roll) = (WaitGroup::new(), Roll::new(N));
        grow(&wg, &roll, 0);
        wg.wait();
        roll.assert_each_once();
    });
}

/// Each burst comes when the workers have fallen asleep, or are about to.
#[test]
fn bursts_wake_workers_that_fall_asleep() {
    within(LIMIT, || {
        let bursts = N / 100;
        let roll = Roll::new(bursts);
        for i in 0..bursts {
            let (wg, roll) = (WaitGroup::new(), Arc::clone(&roll));
            let group = wg.clone();
            wg.add(1);
            drop(go(move || {
                roll.mark(i);
                group.done();
            }));
            // A timed wait does not help, so a worker must be woken. The pauses grow from short to long.
            assert!(wg.wait_timeout(LIMIT));
            (0..i % 1000 * 20).for_each(|_| hint::spin_loop());
        }
        roll.assert_each_once();
    });
}
