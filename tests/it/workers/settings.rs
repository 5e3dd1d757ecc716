//! What a user can set and see.

use super::child::alone;
#[cfg(target_os = "linux")]
use super::frozen::FrozenMonitor;
use super::stack::below;
use crate::support::{LIMIT, holds_within, on_a_worker, panic_text, within};
use gosync::{WaitGroup, go, num_goroutines, num_workers, scope, set_max_procs};
#[cfg(target_os = "linux")]
use std::sync::atomic::AtomicBool;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

#[test]
fn max_procs_is_the_number_of_cpus() {
    alone(&[], || {
        let cpus = thread::available_parallelism().unwrap().get();
        assert_eq!(set_max_procs(0), cpus);
    });
}

#[test]
fn max_procs_may_come_from_the_environment() {
    alone(&[("GOSYNC_MAXPROCS", "37")], || {
        assert_eq!(go(|| set_max_procs(0)).join().unwrap(), 37);
    });
}

#[test]
fn an_empty_variable_is_none() {
    alone(
        &[("GOSYNC_MAXPROCS", ""), ("GOSYNC_STACK_SIZE", "")],
        || {
            let cpus = thread::available_parallelism().unwrap().get();
            assert_eq!(go(|| set_max_procs(0)).join().unwrap(), cpus);
        },
    );
}

#[test]
fn set_max_procs_returns_what_was_set_before() {
    alone(&[("GOSYNC_MAXPROCS", "3")], || {
        assert_eq!(set_max_procs(5), 3);
        assert_eq!(set_max_procs(0), 5);
        assert_eq!(set_max_procs(0), 5);
        assert_eq!(set_max_procs(1), 5);
        assert_eq!(set_max_procs(usize::MAX), 1);
        assert_eq!(go(|| 1).join().unwrap(), 1);
        assert_eq!(set_max_procs(2), usize::MAX);
    });
}

/// Returns how many of many short goroutines began while `n` or more others ran, after the maximum had
/// been lowered or raised from `before` to `n`. Must be called while the monitor is frozen: it would add
/// workers for goroutines that get no CPU for a while.
#[cfg(target_os = "linux")]
fn surplus(before: usize, n: usize) -> usize {
    const GOROUTINES: usize = 400;
    /// The number of goroutines that have begun when `n` is set.
    const EARLY: usize = 50;

    #[derive(Default)]
    struct Counts {
        begun: AtomicUsize,
        running: AtomicUsize,
        is_set: AtomicBool,
        surplus: AtomicUsize,
    }

    set_max_procs(before);
    let counts = Arc::new(Counts::default());
    let wg = WaitGroup::new();
    for _ in 0..GOROUTINES {
        let counts = Arc::clone(&counts);
        wg.go(move || {
            // Read first: this thread, or the one that sets `n`, may lose its CPU for long.
            let is_set = counts.is_set.load(SeqCst);
            let others = counts.running.fetch_add(1, SeqCst);
            if is_set && others >= n {
                counts.surplus.fetch_add(1, SeqCst);
            }
            if counts.begun.fetch_add(1, SeqCst) == EARLY {
                set_max_procs(n);
                counts.is_set.store(true, SeqCst);
            }
            // Lets others begin, if they may, even on a single CPU.
            thread::yield_now();
            counts.running.fetch_sub(1, SeqCst);
        });
    }
    // A timed wait does not help. A helper would run on top of the maximum.
    assert!(wg.wait_timeout(LIMIT));
    counts.surplus.load(SeqCst)
}

#[test]
#[cfg(target_os = "linux")]
fn at_most_max_procs_goroutines_run_at_once() {
    alone(&[], || {
        let Some(_frozen) = FrozenMonitor::new() else {
            return;
        };
        for (before, n) in [(1_usize, 1), (4, 1), (1, 4), (2, 1), (4, 2), (1, 1)] {
            // Each surplus worker may have chosen its next goroutine already.
            let late = before.saturating_sub(n);
            for _ in 0..5 {
                let surplus = surplus(before, n);
                assert!(surplus <= late, "{surplus} beside {n}, after {before}");
            }
        }
    });
}

/// All goroutines run, whatever is set meanwhile.
#[test]
fn max_procs_may_change_at_any_time() {
    alone(&[], || {
        let (ran, wg) = (Arc::new(AtomicUsize::new(0)), WaitGroup::new());
        for i in 0..50_000 {
            let ran = Arc::clone(&ran);
            wg.go(move || {
                if i % 100 == 0 {
                    set_max_procs(i / 100 % 8);
                }
                ran.fetch_add(1, SeqCst);
            });
            if i % 1000 == 0 {
                set_max_procs(8 - i / 1000 % 8);
            }
        }
        assert!(wg.wait_timeout(LIMIT));
        assert_eq!(ran.load(SeqCst), 50_000);
    });
}

/// Every call refuses such a value with a text that names the variable, and leaves nothing behind that
/// waits forever.
mod nonsense {
    use super::*;

    #[track_caller]
    fn assert_refused(variable: &str, value: &str) {
        let refuses = |call: fn()| {
            let text = panic_text(call);
            assert!(
                text.contains(variable) && text.contains(value),
                "another text: {text}"
            );
        };
        refuses(|| drop(go(|| ())));
        refuses(|| _ = set_max_procs(0));
        refuses(|| _ = num_goroutines());
        refuses(|| _ = num_workers());
        refuses(|| drop(go(|| ())));
    }

    #[test]
    fn no_cpus() {
        alone(&[("GOSYNC_MAXPROCS", "0")], || {
            assert_refused("GOSYNC_MAXPROCS", "0")
        });
    }

    #[test]
    fn less_than_no_cpus() {
        alone(&[("GOSYNC_MAXPROCS", "-1")], || {
            assert_refused("GOSYNC_MAXPROCS", "-1")
        });
    }

    #[test]
    fn processors_that_are_no_number() {
        alone(&[("GOSYNC_MAXPROCS", "x")], || {
            assert_refused("GOSYNC_MAXPROCS", "x")
        });
    }

    #[test]
    fn a_stack_that_is_no_number() {
        alone(&[("GOSYNC_STACK_SIZE", "2M")], || {
            assert_refused("GOSYNC_STACK_SIZE", "2M")
        });
    }

    #[test]
    fn a_group_does_not_count_what_is_refused() {
        alone(&[("GOSYNC_MAXPROCS", "x")], || {
            within(LIMIT, || {
                let wg = WaitGroup::new();
                assert!(panic_text(|| wg.go(|| ())).contains("GOSYNC_MAXPROCS"));
                wg.wait();
            });
        });
    }

    #[test]
    fn a_scope_does_not_wait_for_what_is_refused() {
        alone(&[("GOSYNC_MAXPROCS", "x")], || {
            within(LIMIT, || {
                let text = panic_text(|| scope(|s| drop(s.go(|| ()))));
                assert!(text.contains("GOSYNC_MAXPROCS"));
            });
        });
    }
}

#[test]
fn a_goroutine_may_use_the_stack_that_was_asked_for() {
    const STACK: usize = 64 << 20;

    alone(&[("GOSYNC_STACK_SIZE", &STACK.to_string())], || {
        // Joined at once: the joiner must not run it, since the joiner's stack is too small.
        for _ in 0..10 {
            let digger = go(|| below(STACK - (64 << 10), || 1));
            assert_eq!(digger.join().unwrap(), 1);
        }
    });
}

#[test]
fn a_worker_says_by_its_name_where_it_comes_from() {
    let name = on_a_worker(|| thread::current().name().map(String::from));
    assert_eq!(name.unwrap(), "gosync-worker");
}

#[test]
fn num_goroutines_counts_unfinished_goroutines() {
    alone(&[], || {
        assert_eq!(num_goroutines(), 0);
        let (release, released) = mpsc::channel::<()>();
        let released = Arc::new(Mutex::new(released));
        let blocked = || {
            let released = Arc::clone(&released);
            move || assert!(released.lock().unwrap().recv().is_err())
        };
        let wg = WaitGroup::new();
        let handles: Vec<_> = (0..10).map(|_| go(blocked())).collect();
        (0..20).for_each(|_| wg.go(blocked()));
        assert_eq!(num_goroutines(), 30);
        scope(|s| {
            s.go(|| ());
            let seen = s.go(num_goroutines).join().unwrap();
            assert!((31..=32).contains(&seen), "{seen} goroutines");
        });
        assert_eq!(num_goroutines(), 30);
        drop(release);
        handles
            .into_iter()
            .for_each(|handle| handle.join().unwrap());
        wg.wait();
        assert_eq!(num_goroutines(), 0);
    });
}

/// A goroutine no longer counts once a wait for it has returned, whichever thread ran it.
#[test]
fn num_goroutines_excludes_goroutines_already_waited_for() {
    alone(&[], || {
        for i in 0..10_000 {
            let handle = go(|| ());
            let wg = WaitGroup::new();
            wg.go(|| ());
            if i % 2 == 0 {
                thread::yield_now();
            }
            handle.join().unwrap();
            wg.wait();
            assert_eq!(num_goroutines(), 0);
        }
    });
}

#[test]
fn num_workers_counts_blocked_workers() {
    alone(&[], || {
        assert_eq!(num_workers(), 0);
        let gate = WaitGroup::new();
        gate.add(1);
        let arrived = WaitGroup::new();
        arrived.add(50);
        for _ in 0..50 {
            let (gate, arrived) = (gate.clone(), arrived.clone());
            drop(go(move || {
                arrived.done();
                gate.wait();
            }));
        }
        assert!(arrived.wait_timeout(LIMIT));
        let workers = num_workers();
        assert!(workers >= 50, "{workers} for 50 that block");
        gate.done();
        assert!(holds_within(LIMIT, || num_goroutines() == 0));
        assert!(num_workers() <= workers + 2);
    });
}
