//! Models of `semaphore`: each waiter gets its permits, in its turn.

use super::mutex::join;
use super::threads::settle;
use super::{Model, witness};
use crate::semaphore::Weighted;
use loom::thread::{self, JoinHandle};
use std::sync::Arc;
use std::time::Duration;

/// Runs `scenario` with a new semaphore of `size` permits. Checks that all of them are available afterwards.
fn check(
    model: Model,
    size: usize,
    scenario: impl Fn(&Arc<Weighted>) + Send + Sync + Clone + 'static,
) {
    model.check_timeouts(move || {
        let semaphore = Arc::new(Weighted::new(size));
        scenario(&semaphore);
        assert_eq!(semaphore.available(), size);
        assert!(
            semaphore.try_acquire(size).is_some(),
            "a thread still waits"
        );
    });
}

fn spawn<T: 'static>(
    semaphore: &Arc<Weighted>,
    f: impl FnOnce(&Weighted) -> T + 'static,
) -> JoinHandle<T> {
    let semaphore = Arc::clone(semaphore);
    thread::spawn(move || f(&semaphore))
}

fn use_some(n: usize) -> impl FnOnce(&Weighted) {
    move |semaphore| drop(semaphore.acquire(n).unwrap())
}

#[test]
fn one_permit_excludes_three_threads() {
    check(Model::new(), 1, |semaphore| {
        let others = [(); 2].map(|()| spawn(semaphore, use_some(1)));
        use_some(1)(semaphore);
        join(others);
    });
}

#[test]
fn a_large_request_is_served_before_later_ones() {
    check(Model::new(), 2, |semaphore| {
        let permit = semaphore.acquire(1).unwrap();
        let big = spawn(semaphore, use_some(2));
        settle();
        // One permit is available, but this thread must not get it while another one waits.
        let waits = witness(semaphore.try_acquire(1).is_none());
        let small = spawn(semaphore, use_some(1));
        if waits {
            settle();
            assert_eq!(semaphore.available(), 1, "a later one has overtaken");
        }
        drop(permit);
        big.join().unwrap();
        small.join().unwrap();
    });
}

#[test]
fn a_timeout_serves_the_waiters_behind_it() {
    check(Model::new(), 2, |semaphore| {
        let permit = semaphore.acquire(1).unwrap();
        let big = spawn(semaphore, |semaphore| {
            semaphore.acquire_for(2, Duration::ZERO).is_some()
        });
        let small = spawn(semaphore, use_some(1));
        // Once the large request has given up, the small one needs nothing from this thread.
        small.join().unwrap();
        witness(!big.join().unwrap());
        drop(permit);
    });
}

#[test]
fn a_grant_that_meets_a_timeout_is_not_lost() {
    check(Model::new(), 1, |semaphore| {
        let permit = semaphore.acquire(1).unwrap();
        let timed = spawn(semaphore, |semaphore| {
            semaphore.acquire_for(1, Duration::ZERO).is_some()
        });
        let other = spawn(semaphore, use_some(1));
        drop(permit);
        timed.join().unwrap();
        other.join().unwrap();
    });
}

#[test]
fn a_release_serves_all_waiters_for_which_it_is_enough() {
    check(Model::new(), 2, |semaphore| {
        let both = semaphore.acquire(2).unwrap();
        let others = [(); 2].map(|()| {
            let semaphore = Arc::clone(semaphore);
            // Each keeps its permit, so that the other one cannot get it.
            thread::spawn(move || semaphore.acquire_owned(1).unwrap())
        });
        drop(both);
        drop(join(others));
    });
}

#[test]
fn permits_are_released_one_by_one() {
    check(Model::new(), 2, |semaphore| {
        let mut permit = semaphore.acquire(2).unwrap();
        let others = [(); 2].map(|()| spawn(semaphore, use_some(1)));
        drop(permit.split(1));
        drop(permit);
        join(others);
    });
}

#[test]
fn a_request_for_forgotten_permits_fails() {
    Model::new().check(|| {
        let semaphore = Arc::new(Weighted::new(2));
        let permit = semaphore.acquire_owned(1).unwrap();
        let big = spawn(&semaphore, |semaphore| semaphore.acquire(2).is_err());
        let small = spawn(&semaphore, use_some(1));
        permit.forget();
        assert!(big.join().unwrap());
        small.join().unwrap();
        assert_eq!(semaphore.available(), 1);
    });
}
