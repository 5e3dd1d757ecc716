//! A thread that waits for goroutines runs them, and no others.

use super::child::alone;
use crate::support::{LIMIT, Stop, within};
use gosync::{WaitGroup, go, scope};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::{hint, thread};

/// Asserts that `wait` helps, that is, runs what it waits for on its own thread. In most rounds it gets
/// there first. If this thread loses its CPU a worker may, so it is enough that `wait` helps once.
#[track_caller]
fn assert_helps(wait: impl Fn(&AtomicUsize)) {
    let helped = AtomicUsize::new(0);
    (0..1000).for_each(|_| wait(&helped));
    let helped = helped.into_inner();
    println!("helped in {helped} of 1000 rounds");
    assert!(helped > 0);
}

/// Runs `body` while a hog occupies the only worker that may run.
fn beside_a_hog(body: impl FnOnce()) {
    let is_over = Arc::new(AtomicBool::new(false));
    let (send, begun) = mpsc::channel();
    let hog = go({
        let is_over = Arc::clone(&is_over);
        move || {
            send.send(()).unwrap();
            while !is_over.load(SeqCst) {
                hint::spin_loop();
            }
        }
    });
    let _stop = Stop(&is_over);
    begun.recv().unwrap();
    body();
    assert!(!hog.is_finished());
}

const ONE_PROCESSOR: &[(&str, &str)] = &[("GOSYNC_MAXPROCS", "1")];

#[test]
#[cfg_attr(not(any(target_os = "linux", target_os = "macos", windows)), ignore)]
fn join_runs_an_unstarted_goroutine() {
    alone(ONE_PROCESSOR, || {
        beside_a_hog(|| {
            assert_helps(|helped| {
                let me = thread::current().id();
                let is_here = go(move || thread::current().id() == me).join().unwrap();
                helped.fetch_add(usize::from(is_here), SeqCst);
            });
        });
    });
}

#[test]
#[cfg_attr(not(any(target_os = "linux", target_os = "macos", windows)), ignore)]
fn a_group_wait_runs_unstarted_members() {
    alone(ONE_PROCESSOR, || {
        beside_a_hog(|| {
            let counted = Arc::new(AtomicUsize::new(0));
            assert_helps(|helped| {
                let me = thread::current().id();
                let wg = WaitGroup::new();
                for _ in 0..3 {
                    let counted = Arc::clone(&counted);
                    let is_here = move || thread::current().id() == me;
                    wg.go(move || {
                        counted.fetch_add(usize::from(is_here()), SeqCst);
                    });
                }
                wg.wait();
                helped.store(counted.load(SeqCst), SeqCst);
            });
        });
    });
}

#[test]
#[cfg_attr(not(any(target_os = "linux", target_os = "macos", windows)), ignore)]
fn a_scope_runs_its_unstarted_goroutines() {
    alone(ONE_PROCESSOR, || {
        beside_a_hog(|| {
            assert_helps(|helped| {
                let me = thread::current().id();
                let is_here = || thread::current().id() == me;
                scope(|s| {
                    for _ in 0..3 {
                        s.go(|| helped.fetch_add(usize::from(is_here()), SeqCst));
                    }
                });
            });
        });
    });
}

/// Other goroutines stay queued, above and below the one that is waited for.
mod no_other {
    use super::*;

    thread_local! {
        static WAITS: Cell<bool> = const { Cell::new(false) };
    }

    /// Goroutines that have nothing to do with the one that is waited for. They cannot end before the
    /// wait does, so they would block it if they ran on the waiter's stack.
    struct Others {
        gate: WaitGroup,
        ended: WaitGroup,
    }

    impl Others {
        fn new() -> Self {
            let (gate, ended) = (WaitGroup::new(), WaitGroup::new());
            gate.add(1);
            Self { gate, ended }
        }

        /// Starts `n` others: members of another group and goroutines that are not joined, in turn.
        fn start(&self, n: usize) {
            for i in 0..n {
                let gate = self.gate.clone();
                let other = move || {
                    assert!(!WAITS.get(), "it runs on a stack that waits for another");
                    gate.wait();
                };
                if i % 2 == 0 {
                    self.ended.go(other);
                } else {
                    let ended = self.ended.clone();
                    ended.add(1);
                    drop(go(move || {
                        other();
                        ended.done();
                    }));
                }
            }
        }

        fn end(self) {
            self.gate.done();
            assert!(self.ended.wait_timeout(LIMIT));
        }
    }

    fn waiting(wait: impl FnOnce()) {
        WAITS.set(true);
        wait();
        WAITS.set(false);
    }

    /// Runs rounds with few and with many others, on an external thread and on a worker.
    fn among_others(round: fn(&Others, usize)) {
        let rounds = move || {
            for n in [0, 1, 2, 5, 7, 8, 9, 20].repeat(5) {
                let others = Others::new();
                round(&others, n);
                others.end();
            }
        };
        within(LIMIT, move || {
            rounds();
            let (send, ended) = mpsc::channel();
            drop(go(move || {
                rounds();
                send.send(()).unwrap();
            }));
            ended.recv().unwrap();
        });
    }

    #[test]
    fn than_what_is_joined() {
        among_others(|others, n| {
            others.start(n);
            let handle = go(|| 5);
            others.start(n);
            waiting(|| assert_eq!(handle.join().unwrap(), 5));
        });
    }

    #[test]
    fn than_members_of_the_group() {
        among_others(|others, n| {
            let wg = WaitGroup::new();
            let ran = Arc::new(AtomicUsize::new(0));
            for _ in 0..3 {
                others.start(n);
                let ran = Arc::clone(&ran);
                wg.go(move || {
                    ran.fetch_add(1, SeqCst);
                });
            }
            others.start(n);
            waiting(|| wg.wait());
            assert_eq!(ran.load(SeqCst), 3);
        });
    }

    #[test]
    fn than_goroutines_of_the_scope() {
        among_others(|others, n| {
            let ran = AtomicUsize::new(0);
            scope(|s| {
                for _ in 0..3 {
                    others.start(n);
                    s.go(|| ran.fetch_add(1, SeqCst));
                }
                others.start(n);
                WAITS.set(true);
            });
            WAITS.set(false);
            assert_eq!(ran.into_inner(), 3);
        });
    }

    /// The inner scope must not run goroutines of the outer one: they wait until the inner one is over.
    #[test]
    fn not_even_of_the_scope_around() {
        within(LIMIT, || {
            for n in 1..20 {
                let (gate, ran) = (WaitGroup::new(), AtomicUsize::new(0));
                gate.add(1);
                scope(|outer| {
                    let blocked = || {
                        gate.wait();
                        ran.fetch_add(1, SeqCst);
                    };
                    (0..n).for_each(|_| drop(outer.go(blocked)));
                    scope(|inner| {
                        inner.go(|| ran.fetch_add(1, SeqCst));
                        (0..n).for_each(|_| drop(outer.go(blocked)));
                    });
                    assert_eq!(ran.load(SeqCst), 1);
                    gate.done();
                });
                assert_eq!(ran.into_inner(), 1 + 2 * n);
            }
        });
    }
}

#[test]
fn a_timed_wait_does_not_help() {
    alone(ONE_PROCESSOR, || {
        beside_a_hog(|| {
            for _ in 0..200 {
                let me = thread::current().id();
                let (send, ran) = mpsc::channel();
                let wg = WaitGroup::new();
                for _ in 0..3 {
                    let send = send.clone();
                    wg.go(move || send.send(thread::current().id()).unwrap());
                }
                drop(send);
                assert!(wg.wait_timeout(LIMIT));
                assert!(ran.into_iter().all(|id| id != me));
            }
        });
    });
}
