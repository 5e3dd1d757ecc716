//! Models of `errgroup`: its limit on running goroutines, and how `wait` reports errors.

use super::{Counter, Model, witness};
use crate::errgroup::Group;
use crate::workers::models::acquire_processor;
use std::sync::Arc;

fn model() -> Model {
    Model::new().preemptions(1).helping().procs(2)
}

/// `wait` returns the error of one of the goroutines, and the next `wait` starts afresh.
#[test]
fn an_error_is_seen_by_the_wait() {
    model().check(|| {
        acquire_processor();
        let group = Group::new();
        group.go(|| Err(1));
        group.go(|| Err(2));
        let first = group.wait();
        assert!(matches!(first, Err(1 | 2)));
        assert_eq!(group.wait(), Ok(()));
    });
}

/// With a limit of 1, no two goroutines of the group run at the same time.
#[test]
fn one_at_a_time() {
    model().check(|| {
        acquire_processor();
        let group = Group::<()>::new();
        group.set_limit(1);
        let counter = Counter::new();
        for _ in 0..2 {
            // Loom reports a race if both run at the same time.
            let counter = Arc::clone(&counter);
            group.go(move || {
                counter.add_one();
                Ok(())
            });
        }
        assert_eq!(group.wait(), Ok(()));
        assert_eq!(counter.add_one(), 3);
    });
}

/// `try_go` may fail while the group is at its limit, and succeeds once a `wait` has returned.
#[test]
fn an_attempt_at_the_limit() {
    model().check(|| {
        acquire_processor();
        let group = Group::<()>::new();
        group.set_limit(1);
        group.go(|| Ok(()));
        witness(!group.try_go(|| Ok(())));
        assert_eq!(group.wait(), Ok(()));
        assert!(group.try_go(|| Ok(())));
        assert_eq!(group.wait(), Ok(()));
    });
}
