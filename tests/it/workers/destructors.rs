//! What happens when values are dropped: captured values, results that are not wanted, and payloads of
//! panics. Their destructors may panic, and they may start goroutines.

use super::child::alone;
use crate::support::{Ended, LIMIT, panic_quietly, panic_text, rounds, text, within};
use gosync::{WaitGroup, go, scope};
use std::collections::HashSet;
use std::panic::resume_unwind;
use std::sync::mpsc;
use std::thread;

struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        self.0();
    }
}

/// Returns a value whose destructor panics, without a report.
fn bomb() -> OnDrop<fn()> {
    OnDrop(|| panic_quietly("a destructor"))
}

mod that_spawn {
    use super::*;

    /// Returns a value whose destructor starts a goroutine that sends a word.
    fn spawner(send: &mpsc::Sender<&'static str>) -> OnDrop<impl FnMut() + Send + use<>> {
        let send = send.clone();
        OnDrop(move || {
            let send = send.clone();
            drop(go(move || send.send("spawned").unwrap()));
        })
    }

    #[test]
    fn of_a_captured_value() {
        within(LIMIT, || {
            let (send, spawned) = mpsc::channel();
            for _ in rounds(100) {
                let captured = spawner(&send);
                drop(go(move || drop(captured)));
                assert_eq!(spawned.recv().unwrap(), "spawned");
                let captured = spawner(&send);
                let wg = WaitGroup::new();
                wg.go(move || {
                    let _captured = captured;
                    panic_quietly("meanwhile")
                });
                wg.wait();
                assert_eq!(spawned.recv().unwrap(), "spawned");
            }
        });
    }

    #[test]
    fn of_a_result() {
        within(LIMIT, || {
            let (send, spawned) = mpsc::channel();
            for _ in rounds(100) {
                // The goroutine usually drops the result,
                let result = spawner(&send);
                drop(go(move || result));
                assert_eq!(spawned.recv().unwrap(), "spawned");
                // or the thread that drops the handle,
                let result = spawner(&send);
                drop(go(move || result).ended());
                assert_eq!(spawned.recv().unwrap(), "spawned");
                // or the joiner.
                let result = spawner(&send);
                drop(go(move || result).join().ok().unwrap());
                assert_eq!(spawned.recv().unwrap(), "spawned");
            }
        });
    }

    #[test]
    fn of_what_a_panic_carries() {
        within(LIMIT, || {
            let (send, spawned) = mpsc::channel();
            for _ in rounds(100) {
                let payload = spawner(&send);
                drop(go(move || resume_unwind(Box::new(payload))));
                assert_eq!(spawned.recv().unwrap(), "spawned");
                let payload = spawner(&send);
                let wg = WaitGroup::new();
                wg.go(move || resume_unwind(Box::new(payload)));
                wg.wait();
                assert_eq!(spawned.recv().unwrap(), "spawned");
            }
        });
    }

    /// The destructor adds a goroutine to the same group that is being waited for.
    #[test]
    fn into_the_group_of_the_goroutine() {
        within(LIMIT, || {
            for _ in rounds(100) {
                let wg = WaitGroup::new();
                let (send, spawned) = mpsc::channel();
                let captured = OnDrop({
                    let wg = wg.clone();
                    move || {
                        let send = send.clone();
                        wg.go(move || send.send("spawned").unwrap());
                    }
                });
                wg.go(move || drop(captured));
                wg.wait();
                assert_eq!(spawned.try_recv().unwrap(), "spawned");
            }
        });
    }
}

mod that_panic {
    use super::*;

    /// Ways for a goroutine to panic without being joined.
    fn ways() -> [fn(); 4] {
        [
            || panic_quietly("the goroutine"),
            || {
                let captured = bomb();
                drop(go(move || drop(captured)));
            },
            || drop(go(bomb)),
            || {
                let payload = || OnDrop(|| resume_unwind(Box::new(bomb())));
                drop(go(move || resume_unwind(Box::new(payload()))));
            },
        ]
    }

    #[test]
    fn a_group_waits_for_them_like_for_others() {
        within(LIMIT, || {
            for _ in rounds(100) {
                let wg = WaitGroup::new();
                ways().into_iter().for_each(|way| wg.go(way));
                let captured = bomb();
                wg.go(move || drop(captured));
                wg.go(|| resume_unwind(Box::new(bomb())));
                wg.wait();
            }
        });
    }

    /// The timed wait does not help, so the single worker runs all of them, one after the other.
    #[test]
    fn the_worker_lives_on() {
        alone(&[("GOSYNC_MAXPROCS", "1")], || {
            let mut workers = HashSet::new();
            for _ in 0..100 {
                for way in ways() {
                    let wg = WaitGroup::new();
                    wg.go(way);
                    assert!(wg.wait_timeout(LIMIT));
                    let (send, worker) = mpsc::channel();
                    drop(go(move || send.send(thread::current().id()).unwrap()));
                    workers.insert(worker.recv().unwrap());
                }
            }
            // On a busy machine the monitor may take a worker for stuck, and add another one.
            println!("{} workers for 400 panics", workers.len());
            assert!(workers.len() < 100);
        });
    }

    #[test]
    fn join_returns_a_panic_of_a_captured_value() {
        within(LIMIT, || {
            let captured = bomb();
            let payload = go(move || drop(captured)).join().unwrap_err();
            assert_eq!(text(payload), "a destructor");
        });
    }

    #[test]
    fn an_unwanted_result_that_panics_is_harmless() {
        within(LIMIT, || {
            for _ in rounds(100) {
                // The handle is dropped last, on this thread, so a panic would be raised here.
                drop(go(bomb).ended());
                drop::<gosync::JoinHandle<()>>(go(|| resume_unwind(Box::new(bomb()))).ended());
                // The joiner gets the result, and the panic of its destructor.
                let result = go(bomb).join().ok().unwrap();
                assert_eq!(panic_text(|| drop(result)), "a destructor");
            }
        });
    }

    #[test]
    fn a_scope_raises_them_once_all_have_ended() {
        within(LIMIT, || {
            for _ in rounds(100) {
                let captured = bomb();
                assert_eq!(
                    panic_text(|| scope(|s| drop(s.go(move || drop(captured))))),
                    "a destructor"
                );
                assert_eq!(panic_text(|| scope(|s| drop(s.go(bomb)))), "a destructor");
                let wanted = scope(|s| s.go(bomb).join()).ok().unwrap();
                assert_eq!(panic_text(|| drop(wanted)), "a destructor");
            }
        });
    }

    /// The scope raises one panic. The payloads that it drops panic in turn.
    #[test]
    fn a_scope_drops_what_it_does_not_raise() {
        within(LIMIT, || {
            let text = panic_text(|| {
                scope(|s| {
                    for text in ["the first", "another"] {
                        s.go(move || panic_quietly(text)).ended();
                        let payload = || -> () { resume_unwind(Box::new(bomb())) };
                        s.go(payload).ended();
                    }
                });
            });
            assert_eq!(text, "the first");
            let text = panic_text(|| {
                scope(|s| {
                    s.go(|| resume_unwind(Box::new(bomb())));
                    panic_quietly("the closure")
                })
            });
            assert_eq!(text, "the closure");
        });
    }
}
