//! `go`, `JoinHandle` and `scope`.

use crate::support::{
    Ended, LIMIT, Log, asleep, linger, panic_quietly, panic_text, rounds, text, within,
};
use gosync::{JoinHandle, go, scope};
use std::panic::{panic_any, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::{Arc, Barrier, Condvar, Mutex, mpsc};
use std::thread;

/// Counts how many values of this type have been dropped.
struct Dropped<'a>(&'a AtomicUsize);

impl Drop for Dropped<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

mod alone {
    use super::*;

    #[test]
    fn join_returns_the_result() {
        within(LIMIT, || {
            assert_eq!(go(|| 6 * 7).join().unwrap(), 42);
            let word = "gopher".to_string();
            assert_eq!(go(move || word + "s").join().unwrap(), "gophers");
        });
    }

    #[test]
    fn an_unjoined_goroutine_runs_on_another_thread() {
        within(LIMIT, || {
            let runner = go(|| thread::current().id()).ended().join();
            assert_ne!(runner.unwrap(), thread::current().id());
        });
    }

    #[test]
    fn join_waits_for_the_end() {
        within(LIMIT, || {
            let (release, released) = mpsc::channel::<()>();
            let handle = go(move || released.recv().is_err());
            thread::scope(|s| {
                let joiner = asleep(s, || handle.join());
                assert!(!joiner.is_finished());
                drop(release);
                assert!(joiner.join().unwrap().unwrap());
            });
        });
    }

    #[test]
    fn join_sees_what_the_goroutine_did() {
        within(LIMIT, || {
            for _ in rounds(1000) {
                let n = Arc::new(AtomicUsize::new(0));
                let handle = go({
                    let n = Arc::clone(&n);
                    move || n.store(1, Relaxed)
                });
                handle.join().unwrap();
                assert_eq!(n.load(Relaxed), 1);
            }
        });
    }

    #[test]
    fn join_returns_what_the_goroutine_panicked_with() {
        struct Custom(u8);

        within(LIMIT, || {
            let payload = go(|| panic_quietly("a text")).join().unwrap_err();
            assert_eq!(payload.downcast_ref(), Some(&"a text"));
            // The payload that `panic!` with arguments has.
            let payload = go(|| resume_unwind(Box::new(format!("no {}", 7)))).join();
            assert_eq!(text(payload.unwrap_err()), "no 7");
            let payload = go(|| resume_unwind(Box::new(Custom(9)))).join();
            assert_eq!(payload.unwrap_err().downcast::<Custom>().ok().unwrap().0, 9);
        });
    }

    #[test]
    fn a_panic_of_any_kind_reaches_join() {
        within(LIMIT, || {
            let payload = go(|| -> u8 { panic!("reported {}", "too") })
                .join()
                .unwrap_err();
            assert_eq!(text(payload), "reported too");
            let payload = go(|| -> u8 { panic_any(5_u64) }).join().unwrap_err();
            assert_eq!(payload.downcast_ref(), Some(&5_u64));
        });
    }

    #[test]
    fn a_goroutine_that_panicked_harms_no_other() {
        within(LIMIT, || {
            for _ in rounds(100) {
                drop(go(|| panic_quietly("nobody hears this")));
                assert_eq!(go(|| 1).join().unwrap(), 1);
            }
        });
    }

    #[test]
    fn is_finished_turns_true_at_the_end() {
        within(LIMIT, || {
            let (release, released) = mpsc::channel::<()>();
            let handle = go(move || {
                assert!(released.recv().is_err());
                5
            });
            assert!(!handle.is_finished());
            assert_eq!(format!("{handle:?}"), "JoinHandle { is_finished: false }");
            drop(release);
            let handle = handle.ended();
            assert_eq!(format!("{handle:?}"), "JoinHandle { is_finished: true }");
            assert_eq!(handle.join().unwrap(), 5);
        });
    }

    #[test]
    fn a_panic_finishes_a_goroutine_too() {
        within(LIMIT, || {
            assert!(go(|| panic_quietly("the end")).ended().join().is_err());
        });
    }

    #[test]
    fn a_goroutine_whose_handle_is_dropped_runs_on() {
        within(LIMIT, || {
            let (release, released) = mpsc::channel::<()>();
            let (end, ended) = mpsc::channel();
            drop(go(move || {
                assert!(released.recv().is_err());
                end.send("the end").unwrap();
            }));
            drop(release);
            assert_eq!(ended.recv().unwrap(), "the end");
        });
    }

    #[test]
    fn unjoined_results_and_captures_are_dropped() {
        struct Signal(mpsc::Sender<()>);

        impl Drop for Signal {
            fn drop(&mut self) {
                self.0.send(()).unwrap();
            }
        }

        within(LIMIT, || {
            let (dropped, one_dropped) = mpsc::channel();
            // The result, once if the handle is dropped before the goroutine ends, and once if it is
            // dropped after that.
            let signal = Signal(dropped.clone());
            drop(go(move || signal));
            one_dropped.recv().unwrap();
            let signal = Signal(dropped.clone());
            let handle = go(move || signal).ended();
            assert!(one_dropped.try_recv().is_err());
            drop(handle);
            one_dropped.recv().unwrap();
            // A value that the goroutine owns when it panics.
            let signal = Signal(dropped);
            drop(go(move || {
                let _signal = signal;
                panic_quietly("the end")
            }));
            one_dropped.recv().unwrap();
        });
    }

    #[test]
    fn a_handle_may_be_joined_by_another_goroutine() {
        within(LIMIT, || {
            let mut last: JoinHandle<usize> = go(|| 0);
            for _ in 0..100 {
                last = go(move || last.join().unwrap() + 1);
            }
            assert_eq!(last.join().unwrap(), 100);
        });
    }

    #[test]
    fn a_handle_may_go_to_other_threads() {
        fn assert_send_sync<T: Send + Sync>(_: &T) {}
        let handle = go(|| 1);
        assert_send_sync(&handle);
        within(LIMIT, || handle.join().unwrap());
    }

    #[test]
    fn five_hundred_goroutines_are_all_there_at_once() {
        within(LIMIT, || {
            const N: usize = if cfg!(miri) { 20 } else { 500 };
            let meeting = Arc::new(Barrier::new(N));
            let handles: Vec<_> = (0..N)
                .map(|i| {
                    let meeting = Arc::clone(&meeting);
                    go(move || {
                        meeting.wait();
                        i
                    })
                })
                .collect();
            let sum: usize = handles
                .into_iter()
                .map(|handle| handle.join().unwrap())
                .sum();
            assert_eq!(sum, N * (N - 1) / 2);
        });
    }

    /// Each goroutine blocks until one that is started later has run.
    #[test]
    fn goroutines_may_wait_for_later_ones() {
        within(LIMIT, || {
            const N: usize = if cfg!(miri) { 10 } else { 150 };
            let turn = Arc::new((Mutex::new(N), Condvar::new()));
            let handles: Vec<_> = (0..N)
                .map(|i| {
                    let turn = Arc::clone(&turn);
                    go(move || {
                        let (now, changed) = &*turn;
                        let now = now.lock().unwrap();
                        *changed.wait_while(now, |now| *now != i + 1).unwrap() = i;
                        changed.notify_all();
                    })
                })
                .collect();
            handles
                .into_iter()
                .for_each(|handle| handle.join().unwrap());
            assert_eq!(*turn.0.lock().unwrap(), 0);
        });
    }

    #[test]
    fn goroutines_may_talk_over_channels_without_room() {
        within(LIMIT, || {
            const STAGES: usize = 20;
            const N: usize = if cfg!(miri) { 2 } else { 50 };
            let (source, mut last) = mpsc::sync_channel::<usize>(0);
            for _ in 0..STAGES {
                let (next, output) = mpsc::sync_channel(0);
                let input = std::mem::replace(&mut last, output);
                drop(go(move || {
                    input.into_iter().for_each(|n| next.send(n + 1).unwrap())
                }));
            }
            drop(go(move || (0..N).for_each(|i| source.send(i).unwrap())));
            assert!(last.into_iter().eq(STAGES..STAGES + N));
        });
    }
}

mod scoped {
    use super::*;

    #[test]
    fn goroutines_borrow_from_the_caller() {
        within(LIMIT, || {
            let numbers = [1, 2, 3];
            let mut words = ["go", "rust"].map(String::from);
            let mut count = 0;
            let sum = scope(|s| {
                let sum = s.go(|| numbers.iter().sum::<i32>());
                for word in &mut words {
                    s.go(|| word.make_ascii_uppercase());
                }
                s.go(|| count += numbers.len());
                sum.join().unwrap()
            });
            assert_eq!((sum, count), (6, 3));
            assert_eq!(words, ["GO", "RUST"]);
        });
    }

    #[test]
    fn a_scope_returns_what_its_closure_returns() {
        assert_eq!(scope(|_| "result"), "result");
        let local = 5;
        assert_eq!(*scope(|_| &local), 5);
    }

    #[test]
    fn all_have_ended_when_a_scope_returns() {
        within(LIMIT, || {
            let ended = AtomicUsize::new(0);
            for n in [0, 1, 10] {
                scope(|s| {
                    for _ in 0..n {
                        s.go(|| {
                            linger();
                            ended.fetch_add(1, SeqCst);
                        });
                    }
                });
                assert_eq!(ended.swap(0, SeqCst), n);
            }
        });
    }

    #[test]
    fn a_goroutine_of_the_scope_may_start_others_in_it() {
        within(LIMIT, || {
            let ended = AtomicUsize::new(0);
            scope(|s| {
                s.go(|| {
                    for _ in 0..3 {
                        s.go(|| {
                            s.go(|| {
                                linger();
                                ended.fetch_add(1, SeqCst)
                            });
                            ended.fetch_add(1, SeqCst)
                        });
                    }
                });
            });
            assert_eq!(ended.into_inner(), 6);
        });
    }

    #[test]
    fn scopes_nest() {
        within(LIMIT, || {
            let outer = AtomicUsize::new(0);
            scope(|s| {
                for _ in 0..3 {
                    s.go(|| {
                        let inner = AtomicUsize::new(0);
                        scope(|t| {
                            for _ in 0..3 {
                                t.go(|| inner.fetch_add(1, SeqCst));
                                s.go(|| outer.fetch_add(1, SeqCst));
                            }
                        });
                        assert_eq!(inner.into_inner(), 3);
                    });
                }
            });
            assert_eq!(outer.into_inner(), 9);
        });
    }

    #[test]
    fn many_goroutines_of_a_scope_block_on_each_other() {
        within(LIMIT, || {
            const N: usize = if cfg!(miri) { 20 } else { 200 };
            let meeting = Barrier::new(N);
            let met = AtomicUsize::new(0);
            scope(|s| {
                for _ in 0..N {
                    s.go(|| {
                        meeting.wait();
                        met.fetch_add(1, SeqCst);
                    });
                }
            });
            assert_eq!(met.into_inner(), N);
        });
    }

    #[test]
    fn a_panic_is_raised_again_with_the_same_payload() {
        #[derive(PartialEq, Debug)]
        struct Custom(u8);

        within(LIMIT, || {
            let ended = AtomicUsize::new(0);
            let payload = std::panic::catch_unwind(|| {
                scope(|s| {
                    s.go(|| resume_unwind(Box::new(Custom(7))));
                    s.go(|| {
                        linger();
                        ended.fetch_add(1, SeqCst);
                    });
                    "not returned"
                })
            });
            assert_eq!(payload.unwrap_err().downcast_ref(), Some(&Custom(7)));
            assert_eq!(ended.into_inner(), 1);
        });
    }

    #[test]
    fn of_several_panics_the_first_is_raised() {
        within(LIMIT, || {
            let text = panic_text(|| {
                scope(|s| {
                    s.go(|| ()).ended();
                    s.go(|| panic_quietly("first")).ended();
                    s.go(|| panic_quietly("second"));
                });
            });
            assert_eq!(text, "first");
        });
    }

    #[test]
    fn a_panic_that_is_joined_is_not_raised_again() {
        within(LIMIT, || {
            let result = scope(|s| {
                let caught = s.go(|| panic_quietly("joined")).join().unwrap_err();
                text(caught)
            });
            assert_eq!(result, "joined");

            // A scope raises only the panic that was not joined.
            let text = panic_text(|| {
                scope(|s| {
                    assert!(s.go(|| panic_quietly("joined")).join().is_err());
                    s.go(|| panic_quietly("not joined"));
                });
            });
            assert_eq!(text, "not joined");
        });
    }

    #[test]
    fn a_panic_that_a_goroutine_joins_is_not_raised_again() {
        within(LIMIT, || {
            let joined = AtomicBool::new(false);
            scope(|s| {
                let handle = s.go(|| panic_quietly("joined"));
                s.go(|| joined.store(handle.join().is_err(), SeqCst));
            });
            assert!(joined.into_inner());
        });
    }

    #[test]
    fn a_panic_of_the_closure_waits_for_all_and_goes_first() {
        within(LIMIT, || {
            let ended = AtomicUsize::new(0);
            let text = panic_text(|| {
                scope(|s| {
                    s.go(|| panic_quietly("a goroutine")).ended();
                    for _ in 0..5 {
                        s.go(|| {
                            linger();
                            ended.fetch_add(1, SeqCst);
                        });
                    }
                    panic_quietly("the closure")
                })
            });
            assert_eq!(text, "the closure");
            assert_eq!(ended.into_inner(), 5);
        });
    }

    #[test]
    fn a_panic_in_a_nested_scope_reaches_the_outer_one() {
        within(LIMIT, || {
            let text = panic_text(|| {
                scope(|s| {
                    s.go(|| scope(|t| drop(t.go(|| panic_quietly("deep inside")))));
                });
            });
            assert_eq!(text, "deep inside");
        });
    }

    #[test]
    fn a_forgotten_handle_does_not_block_the_scope() {
        within(LIMIT, || {
            let ended = AtomicUsize::new(0);
            scope(|s| {
                std::mem::forget(s.go(|| {
                    linger();
                    ended.fetch_add(1, SeqCst)
                }));
            });
            assert_eq!(ended.into_inner(), 1);
        });
    }

    #[test]
    fn results_that_borrow_are_dropped_before_the_scope_returns() {
        within(LIMIT, || {
            for _ in rounds(300) {
                let dropped = AtomicUsize::new(0);
                scope(|s| {
                    // The handle is dropped at once.
                    s.go(|| Dropped(&dropped));
                    // The handle is dropped when the result is there.
                    drop(s.go(|| Dropped(&dropped)).ended());
                    // Another goroutine drops the handle.
                    let handle = s.go(|| Dropped(&dropped));
                    s.go(move || drop(handle));
                    // The handle is dropped at the end of the closure.
                    let _handle = s.go(|| Dropped(&dropped));
                });
                assert_eq!(dropped.into_inner(), 4);
            }
        });
    }

    #[test]
    fn captures_that_borrow_are_dropped_before_the_scope_returns() {
        within(LIMIT, || {
            for _ in rounds(300) {
                let dropped = AtomicUsize::new(0);
                let capture = || Dropped(&dropped);
                panic_text(|| {
                    scope(|s| {
                        let (one, two) = (capture(), capture());
                        s.go(move || drop(one));
                        s.go(move || {
                            let _two = two;
                            panic_quietly("the end")
                        });
                    });
                });
                assert_eq!(dropped.into_inner(), 2);
            }
        });
    }

    #[test]
    fn join_returns_a_result_that_borrows() {
        within(LIMIT, || {
            let text = "a few words".to_string();
            let log = Log::new();
            let longest = scope(|s| {
                let handles: Vec<_> = text
                    .split(' ')
                    .map(|word| {
                        let log = &log;
                        s.go(move || {
                            log.push(word);
                            word
                        })
                    })
                    .collect();
                let words = handles.into_iter().map(|handle| handle.join().unwrap());
                words.max_by_key(|word| word.len())
            });
            assert_eq!(longest, Some("words"));
            let mut words = log.take();
            words.sort_unstable();
            assert_eq!(words, ["a", "few", "words"]);
        });
    }

    #[test]
    fn debug_shows_what_runs() {
        within(LIMIT, || {
            let (release, released) = mpsc::channel::<()>();
            scope(|s| {
                assert_eq!(format!("{s:?}"), "Scope { running: 0 }");
                let handle = s.go(move || assert!(released.recv().is_err()));
                assert_eq!(format!("{s:?}"), "Scope { running: 1 }");
                assert_eq!(
                    format!("{handle:?}"),
                    "ScopedJoinHandle { is_finished: false }"
                );
                drop(release);
                let handle = handle.ended();
                assert_eq!(
                    format!("{handle:?}"),
                    "ScopedJoinHandle { is_finished: true }"
                );
                handle.join().unwrap();
            });
        });
    }
}
