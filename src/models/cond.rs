//! Models of `RawCond` with the lock of its condition. In all of them, a waiter that is called must wake: a
//! model in which it sleeps on ends in a deadlock.

use super::mutex::{Mutex, join, spawn, with_a_mutex};
use super::system::set_watch;
use super::threads::{settle, with_a_lock};
use super::{Counter, Explored, Model, Timeouts, Watch, go, threads, witness};
use crate::raw_cond::RawCond;
use crate::workers::models::acquire_processor;
use loom::sync::Arc;
use std::time::Instant;

/// A `RawCond`, to be used with a mutex.
struct Cond {
    raw: RawCond,
}

fn new() -> Arc<Cond> {
    Arc::new(Cond {
        raw: RawCond::new(),
    })
}

impl Cond {
    /// Waits once. The caller owns the mutex, before and after. Returns false if the wait times out.
    fn wait_with(&self, mutex: &Mutex, is_timed: bool) -> bool {
        let waiter = self.raw.enqueue();
        mutex.unlock();
        let is_called = self.raw.wait(waiter, is_timed.then(Instant::now));
        mutex.raw.lock();
        is_called
    }

    /// Waits until another thread has taken a turn.
    fn wait_for_a_turn(&self, mutex: &Mutex) {
        mutex.raw.lock();
        while mutex.turns() == 0 {
            self.wait_with(mutex, false);
        }
        mutex.unlock();
    }
}

fn check(
    model: Model,
    scenario: impl Fn(&Arc<Mutex>, &Arc<Cond>) -> usize + Send + Sync + Clone + 'static,
) {
    let model = model.explore(Explored::Slots);
    model.check_timeouts(with_a_mutex(move |mutex| scenario(mutex, &new())));
}

#[test]
fn a_signal_after_a_change_reaches_a_waiter_that_has_not_seen_it() {
    check(Model::new().preemptions(3), |mutex, cond| {
        let waiting = Arc::clone(cond);
        let waiter = spawn(mutex, move |mutex| waiting.wait_for_a_turn(mutex));
        mutex.take_turn();
        cond.raw.signal();
        waiter.join().unwrap();
        1
    });
}

#[test]
fn a_broadcast_after_a_change_reaches_all_that_have_not_seen_it() {
    check(Model::new(), |mutex, cond| {
        let waiters = [(); 2].map(|()| {
            let cond = Arc::clone(cond);
            spawn(mutex, move |mutex| cond.wait_for_a_turn(mutex))
        });
        mutex.take_turn();
        cond.raw.broadcast();
        join(waiters);
        1
    });
}

#[test]
fn a_signal_wakes_the_first() {
    check(Model::new(), |mutex, cond| {
        let [first, second] = [(); 2].map(|()| cond.raw.enqueue());
        let waiting = Arc::clone(cond);
        let second = spawn(mutex, move |_| {
            waiting.raw.wait(second, Some(Instant::now()))
        });
        assert!(cond.raw.signal());
        // A deadlock if the signal has called the second waiter.
        assert!(cond.raw.wait(first, None));
        assert!(!second.join().unwrap());
        0
    });
}

#[test]
fn a_signal_that_meets_a_timeout_is_not_lost() {
    check(Model::new(), |mutex, cond| {
        let waiters = [true, false].map(|is_timed| {
            let cond = Arc::clone(cond);
            spawn(mutex, move |mutex| {
                mutex.raw.lock();
                let is_called = cond.wait_with(mutex, is_timed);
                mutex.unlock();
                is_called
            })
        });
        settle();
        let mut calls = usize::from(cond.raw.signal());
        let [timed, other] = waiters;
        let is_called = timed.join().unwrap();
        witness(!is_called && calls == 1);
        // Signal until each waiter that has not timed out has been called. A signal that the timed waiter
        // missed must have called the other one.
        while calls < 1 + usize::from(is_called) {
            loom::thread::yield_now();
            calls += usize::from(cond.raw.signal());
        }
        assert!(other.join().unwrap());
        assert!(!cond.raw.signal());
        0
    });
}

#[test]
fn a_broadcast_wakes_those_that_wait_and_no_later_one() {
    check(Model::new(), |mutex, cond| {
        let waiting = Arc::clone(cond);
        let waiter = spawn(mutex, move |mutex| {
            mutex.raw.lock();
            let calls = [(); 2].map(|()| waiting.wait_with(mutex, false));
            mutex.unlock();
            calls
        });
        let mut called = 0;
        while called < 2 {
            let now = cond.raw.broadcast();
            assert!(now <= 1);
            called += now;
            loom::thread::yield_now();
        }
        assert_eq!(waiter.join().unwrap(), [true; 2]);
        0
    });
}

#[test]
fn a_signal_happens_before_the_wait_returns() {
    check(Model::new().preemptions(3), |mutex, cond| {
        let counter = Counter::new();
        let counted = std::sync::Arc::clone(&counter);
        let waiting = Arc::clone(cond);
        let waiter = spawn(mutex, move |_| {
            let waiter = waiting.raw.enqueue();
            // Without the mutex, so that only the signal orders the two accesses to the counter.
            waiting.raw.wait(waiter, None);
            assert_eq!(counted.add_one(), 2);
        });
        settle();
        counter.add_one();
        while !cond.raw.signal() {
            loom::thread::yield_now();
        }
        waiter.join().unwrap();
        0
    });
}

#[test]
fn readers_wait_with_their_read_locks() {
    Model::new().check(with_a_lock(|lock| {
        let cond = new();
        let waiters = [(); 2].map(|()| {
            let cond = Arc::clone(&cond);
            threads::spawn(lock, move |lock| {
                let mut token = lock.raw.rlock();
                while lock.get() == 0 {
                    let waiter = cond.raw.enqueue();
                    lock.runlock(token);
                    cond.raw.wait(waiter, None);
                    token = lock.raw.rlock();
                }
                lock.runlock(token);
            })
        });
        lock.write();
        cond.raw.broadcast();
        join(waiters);
        1
    }));
}

/// At first the system refuses the monitor, so maybe no thread runs the goroutine that signals. The waiter
/// must call again and again until the goroutine runs.
#[test]
fn a_waiter_keeps_trying_to_have_its_goroutine_run() {
    let model = Model::new().threads(3).watch(Watch::Refused);
    model.timeouts(Timeouts::Late).check(|| {
        acquire_processor();
        let cond = new();
        let waiter = cond.raw.enqueue();
        let calling = Arc::clone(&cond);
        drop(go(move || {
            calling.raw.signal();
        }));
        // Threads may become available only when the waiter sleeps already.
        let other = loom::thread::spawn(|| set_watch(Watch::ByTheModel));
        assert!(cond.raw.wait(waiter, None));
        other.join().unwrap();
    });
}
