//! `singleflight` on real threads: x/sync's scenarios, panics, nested calls.

use crate::support::{LIMIT, holds_within, linger, panic_quietly, panic_text, text, within};
use gosync::singleflight::Group;
use gosync::{WaitGroup, go};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// x/sync's `TestDo`.
#[test]
fn a_call_alone_is_not_shared() {
    let group = Group::new();
    assert_eq!(
        group.run("key", || "bar".to_string()),
        ("bar".into(), false)
    );
    assert_eq!(
        group.run("key", || "baz".to_string()),
        ("baz".into(), false)
    );
}

/// x/sync's `TestDoDupSuppress`.
#[test]
fn calls_at_the_same_time_are_one() {
    within(LIMIT, || {
        let (group, calls) = (Group::new(), AtomicUsize::new(0));
        let (send, receive) = mpsc::channel::<()>();
        let receive = std::sync::Mutex::new(receive);
        let arrived = AtomicUsize::new(0);
        let run = || {
            arrived.fetch_add(1, SeqCst);
            group.run("key", || {
                calls.fetch_add(1, SeqCst);
                let _ = receive.lock().unwrap().recv();
                7
            })
        };
        thread::scope(|s| {
            let callers = [(); 10].map(|()| s.spawn(run));
            assert!(holds_within(LIMIT, || arrived.load(SeqCst) == 10));
            linger();
            drop(send);
            let results = callers.map(|caller| caller.join().unwrap());
            let calls = calls.load(SeqCst);
            assert!((1..10).contains(&calls), "{calls} calls");
            assert!(results.iter().all(|(value, _)| *value == 7));
            assert!(results.iter().filter(|(_, is_shared)| !is_shared).count() < calls.max(2));
        });
    });
}

/// x/sync's `TestForget`.
#[test]
fn a_forgotten_call_is_not_shared_any_more() {
    within(LIMIT, || {
        let group = Arc::new(Group::new());
        let (begin, begun) = mpsc::channel();
        let (end, ended) = mpsc::channel::<()>();
        let first = {
            let group = Arc::clone(&group);
            go(move || {
                group.run(1, || {
                    begin.send(()).unwrap();
                    let _ = ended.recv();
                    "first"
                })
            })
        };
        begun.recv().unwrap();
        group.forget(&1);
        assert_eq!(group.run(1, || "second"), ("second", false));
        drop(end);
        assert_eq!(first.join().unwrap(), ("first", false));
        assert_eq!(group.run(1, || "third"), ("third", false));
    });
}

/// x/sync's `TestPanicDo`.
#[test]
fn a_panic_reaches_its_caller_and_the_waiters() {
    within(LIMIT, || {
        let group = Group::<_, ()>::new();
        let (begin, begun) = mpsc::channel();
        thread::scope(|s| {
            let first = s.spawn(|| {
                let run = || {
                    group.run(1, || {
                        begin.send(()).unwrap();
                        thread::sleep(Duration::from_millis(100));
                        panic_quietly("no luck")
                    })
                };
                catch_unwind(AssertUnwindSafe(run)).unwrap_err()
            });
            begun.recv().unwrap();
            let waits = || group.run(1, || panic_quietly("of its own"));
            let waited = text(catch_unwind(AssertUnwindSafe(waits)).unwrap_err());
            assert_eq!(
                waited,
                "singleflight: the call that this one waited for panicked: no luck"
            );
            assert_eq!(first.join().unwrap().downcast_ref(), Some(&"no luck"));
        });
        assert_eq!(group.run(1, || ()), ((), false));
    });
}

#[test]
fn a_panicking_clone_leaves_no_waiter_behind() {
    struct Once;

    impl Clone for Once {
        fn clone(&self) -> Self {
            panic_quietly("a clone")
        }
    }

    within(LIMIT, || {
        let group = Group::new();
        for _ in 0..2 {
            let run = || group.run(1, || Once);
            assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
        }
    });
}

#[test]
fn a_call_from_inside_for_the_same_key_panics() {
    within(LIMIT, || {
        let group = Group::<u8, u8>::new();
        let nested = panic_text(|| group.run(1, || group.run(1, || 2).0));
        assert_eq!(
            nested,
            "singleflight: a call for a key from inside of the call for the same key"
        );
        // A nested call for another key is allowed.
        assert_eq!(group.run(1, || group.run(2, || 3).0).0, 3);
    });
}

#[test]
fn many_goroutines() {
    within(LIMIT, || {
        let (group, calls) = (Arc::new(Group::new()), Arc::new(AtomicUsize::new(0)));
        let wg = WaitGroup::new();
        for index in 0..2000 {
            let (group, calls) = (Arc::clone(&group), Arc::clone(&calls));
            wg.go(move || {
                let key = index % 7;
                let (value, _) = group.run(key, || {
                    calls.fetch_add(1, SeqCst);
                    thread::yield_now();
                    key * 2
                });
                assert_eq!(value, key * 2);
            });
        }
        wg.wait();
        assert!((7..=2000).contains(&calls.load(SeqCst)));
    });
}
