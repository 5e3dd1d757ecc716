//! `errgroup` on real threads: x/sync's scenarios, panics, limits, goroutines that borrow.

use crate::support::{LIMIT, holds_within, panic_quietly, panic_text, within};
use gosync::errgroup::{self, Group};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// x/sync's `TestZeroGroup`.
#[test]
fn a_wait_returns_the_first_error() {
    within(LIMIT, || {
        let cases: [&[Result<(), u8>]; 5] = [
            &[],
            &[Ok(())],
            &[Err(1)],
            &[Ok(()), Err(2)],
            &[Ok(()), Err(3), Ok(()), Err(4)],
        ];
        for results in cases {
            let group = Group::new();
            let expected = results
                .iter()
                .copied()
                .find(Result::is_err)
                .unwrap_or(Ok(()));
            for &result in results {
                let (send, ended) = mpsc::channel::<()>();
                group.go(move || {
                    let _send = send;
                    result
                });
                // Waits until the group has noted the result, so that it is known which error was the
                // first. A goroutine notes its error before it leaves the group.
                ended.recv().unwrap_err();
                assert!(holds_within(LIMIT, || result.is_ok() || group.is_cancelled()));
            }
            assert_eq!(group.wait(), expected);
            assert!(!group.is_cancelled());
            assert_eq!(group.wait(), Ok(()));
        }
    });
}

/// x/sync's `TestGoLimit`.
#[test]
fn at_most_limit_goroutines_run_at_once() {
    within(LIMIT, || {
        const LIMIT: usize = 3;

        let group = Group::<()>::new();
        group.set_limit(LIMIT);
        let running = Arc::new(AtomicUsize::new(0));
        for _ in 0..200 {
            let running = Arc::clone(&running);
            group.go(move || {
                assert!(running.fetch_add(1, SeqCst) < LIMIT);
                thread::yield_now();
                running.fetch_sub(1, SeqCst);
                Ok(())
            });
        }
        assert_eq!(group.wait(), Ok(()));
    });
}

/// x/sync's `TestTryGo`.
#[test]
fn an_attempt_fails_at_the_limit() {
    within(LIMIT, || {
        let group = Group::<()>::new();
        group.set_limit(2);
        let (send, receive) = mpsc::channel::<()>();
        let receive = Arc::new(std::sync::Mutex::new(receive));
        let block = || {
            let receive = Arc::clone(&receive);
            move || {
                let _ = receive.lock().unwrap().recv();
                Ok(())
            }
        };
        assert!(group.try_go(block()));
        assert!(group.try_go(block()));
        assert!(!group.try_go(|| Ok(())));
        drop(send);
        assert_eq!(group.wait(), Ok(()));
        assert!(group.try_go(|| Ok(())));
        assert_eq!(group.wait(), Ok(()));
    });
}

#[test]
fn a_panic_is_raised_by_the_wait_when_all_have_ended() {
    within(LIMIT, || {
        let group = Group::<()>::new();
        let ended = Arc::new(AtomicUsize::new(0));
        group.go(|| panic_quietly("inside"));
        let last = Arc::clone(&ended);
        group.go(move || {
            thread::sleep(Duration::from_millis(20));
            last.store(1, SeqCst);
            Err(())
        });
        assert!(holds_within(LIMIT, || group.is_cancelled()));
        let payload = catch_unwind(AssertUnwindSafe(|| group.wait())).unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&"inside"));
        assert_eq!(ended.load(SeqCst), 1);
        // The panic has been raised, and the group is like new.
        assert_eq!(group.wait(), Ok(()));
        group.set_limit(1);
        group.go(|| Err(()));
        assert_eq!(group.wait(), Err(()));
    });
}

#[test]
fn misuse_has_a_text() {
    within(LIMIT, || {
        let group = Group::<()>::new();
        assert!(panic_text(|| group.set_limit(0)).contains("limit of 0"));
        let (send, receive) = mpsc::channel::<()>();
        group.go(move || {
            let _ = receive.recv();
            Ok(())
        });
        assert_eq!(
            panic_text(|| group.set_limit(2)),
            "errgroup: modify limit while 1 goroutines in the group are still active"
        );
        drop(send);
        assert_eq!(group.wait(), Ok(()));
    });
}

/// The destructor of the error calls the group, as foreign code may. With the group's lock held that
/// would deadlock.
#[test]
fn an_error_that_comes_too_late_is_dropped_without_the_lock() {
    struct Nosy(Option<Group<Nosy>>);

    impl Drop for Nosy {
        fn drop(&mut self) {
            if let Some(group) = self.0.take() {
                assert!(group.is_cancelled());
            }
        }
    }

    within(LIMIT, || {
        let group = Group::new();
        group.go(|| Err(Nosy(None)));
        assert!(holds_within(LIMIT, || group.is_cancelled()));
        let inner = group.clone();
        group.go(move || Err(Nosy(Some(inner))));
        assert!(group.wait().is_err());
    });
}

mod scope {
    use super::*;

    #[test]
    fn goroutines_borrow_and_may_fail() {
        within(LIMIT, || {
            let numbers = ["1", "2", "x", "4"];
            let sum = AtomicUsize::new(0);
            let result = errgroup::scope(|group| {
                group.set_limit(2);
                for number in &numbers {
                    group.go(|| {
                        let Ok(number) = number.parse::<usize>() else {
                            return Err(number.to_string());
                        };
                        sum.fetch_add(number, SeqCst);
                        Ok(())
                    });
                }
                Ok(())
            });
            assert_eq!(result, Err("x".to_string()));
            assert_eq!(sum.into_inner(), 7);
        });
    }

    /// The error of the closure counts as an error of the group, so it cancels the goroutine.
    #[test]
    fn an_error_of_the_scope_itself_cancels_the_others() {
        within(LIMIT, || {
            let result = errgroup::scope(|group| {
                let inner = group.clone();
                assert!(group.try_go(move || {
                    while !inner.is_cancelled() {
                        thread::yield_now();
                    }
                    Err(1)
                }));
                Err(2)
            });
            assert_eq!(result, Err(2));
        });
    }

    #[test]
    fn a_panic_is_raised_by_the_scope() {
        within(LIMIT, || {
            let result = catch_unwind(AssertUnwindSafe(|| {
                errgroup::scope(|group| {
                    group.go(|| panic_quietly("inside"));
                    // The panic takes precedence over this error.
                    Err(())
                })
            }));
            assert_eq!(result.unwrap_err().downcast_ref(), Some(&"inside"));
        });
    }
}
