//! `Cond` on real threads: Go's scenarios, timed waits, each kind of guard.

use crate::support::{AGES, LIMIT, Log, holds_within, linger, rounds, within};
use gosync::{Cond, Mutex, RWMutex, WaitGroup, go};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

/// Threads that wait for a condition variable. Each notes its index when it has been woken.
struct Crowd {
    /// The number of threads that wait or are about to.
    mutex: Mutex<usize>,
    cond: Cond,
    called: Log<usize>,
}

impl Crowd {
    fn new() -> Self {
        Self {
            mutex: Mutex::new(0),
            cond: Cond::new(),
            called: Log::new(),
        }
    }

    /// Calls `during` while `n` threads wait. They begin to wait one after the other, in the order of
    /// their indices.
    fn run(&self, n: usize, during: impl FnOnce(&Self)) {
        thread::scope(|s| {
            for index in 0..n {
                s.spawn(move || {
                    let mut waiting = self.mutex.lock();
                    *waiting += 1;
                    self.cond.wait(&mut waiting);
                    self.called.push(index);
                });
                // The thread holds the lock from the count until it waits, so once the count is seen it
                // waits.
                assert!(holds_within(LIMIT, || *self.mutex.lock() > index));
            }
            during(self);
        });
    }

    fn until_called(&self, n: usize) -> Vec<usize> {
        let mut called = Vec::new();
        assert!(holds_within(LIMIT, || {
            called.extend(self.called.take());
            called.len() >= n
        }));
        called
    }
}

/// Go's `TestCondSignal` and `TestCondSignalGenerations`.
#[test]
fn a_signal_wakes_the_longest_waiter() {
    within(LIMIT, || {
        for n in [1, 2, 10] {
            Crowd::new().run(n, |crowd| {
                for index in 0..n {
                    assert!(crowd.cond.signal());
                    assert_eq!(crowd.until_called(1), [index]);
                }
                assert!(!crowd.cond.signal());
            });
        }
    });
}

/// Go's `TestCondBroadcast`.
#[test]
fn a_broadcast_wakes_all_waiters() {
    within(LIMIT, || {
        Crowd::new().run(20, |crowd| {
            assert_eq!(crowd.cond.broadcast(), 20);
            let mut called = crowd.until_called(20);
            called.sort_unstable();
            assert!(called.into_iter().eq(0..20));
            assert_eq!(crowd.cond.broadcast(), 0);
        });
    });
}

#[test]
fn no_thread_wakes_without_a_signal() {
    within(LIMIT, || {
        Crowd::new().run(3, |crowd| {
            linger();
            assert!(crowd.called.take().is_empty());
            assert!(crowd.cond.signal());
            assert_eq!(crowd.until_called(1), [0]);
            linger();
            assert!(crowd.called.take().is_empty());
            assert_eq!(crowd.cond.broadcast(), 2);
        });
    });
}

/// Go's `TestRace`, many times. The thread that changes the condition may signal while it holds the
/// lock, or afterwards.
#[test]
fn no_signal_is_lost() {
    within(LIMIT, || {
        for round in rounds(2000) {
            let (mutex, cond) = (Mutex::new(0), Cond::new());
            thread::scope(|s| {
                s.spawn(|| cond.wait_while(&mut mutex.lock(), |value| *value == 0));
                s.spawn(|| {
                    let mut value = mutex.lock();
                    *value = 1;
                    if round % 2 == 0 {
                        cond.signal();
                    }
                    drop(value);
                    if round % 2 == 1 {
                        cond.signal();
                    }
                });
            });
        }
    });
}

/// A bounded queue, with producers and consumers in goroutines.
#[test]
fn producers_and_consumers() {
    const CAPACITY: usize = 3;
    const EACH: usize = 500;

    #[derive(Default)]
    struct Queue {
        items: Mutex<Vec<usize>>,
        filled: Cond,
        emptied: Cond,
    }

    within(LIMIT, || {
        let queue = Arc::new(Queue::default());
        let wg = WaitGroup::new();
        let sum = Arc::new(AtomicUsize::new(0));
        for _ in 0..4 {
            let producer = Arc::clone(&queue);
            wg.go(move || {
                for item in 1..=EACH {
                    let mut items = producer.items.lock();
                    producer
                        .emptied
                        .wait_while(&mut items, |items| items.len() == CAPACITY);
                    items.push(item);
                    producer.filled.signal();
                }
            });
            let (consumer, sum) = (Arc::clone(&queue), Arc::clone(&sum));
            wg.go(move || {
                for _ in 0..EACH {
                    let mut items = consumer.items.lock();
                    consumer
                        .filled
                        .wait_while(&mut items, |items| items.is_empty());
                    sum.fetch_add(items.pop().unwrap(), SeqCst);
                    drop(items);
                    consumer.emptied.signal();
                }
            });
        }
        wg.wait();
        assert_eq!(sum.load(SeqCst), 4 * EACH * (EACH + 1) / 2);
    });
}

#[test]
fn a_wait_ends_when_its_time_is_over() {
    within(LIMIT, || {
        let (mutex, cond) = (Mutex::new(()), Cond::new());
        let mut guard = mutex.lock();
        let (start, timeout) = (Instant::now(), Duration::from_millis(20));
        assert!(!cond.wait_for(&mut guard, timeout));
        assert!(start.elapsed() >= timeout);
        assert!(!cond.wait_until(&mut guard, start));
        assert!(mutex.is_locked());
        // The wait that has timed out is no longer in the queue.
        assert!(!cond.signal());
        assert_eq!(cond.broadcast(), 0);
    });
}

/// Each signal that reports a wake-up belongs to a wait that returns true, even if the wait's time is
/// over at that moment.
#[test]
fn no_signal_is_lost_at_the_end_of_a_wait() {
    within(LIMIT, || {
        for round in rounds(500) {
            let (mutex, cond) = (Mutex::new(()), Cond::new());
            let timeout = Duration::from_micros(round as u64 % 100);
            thread::scope(|s| {
                let waiters =
                    [(); 3].map(|()| s.spawn(|| cond.wait_for(&mut mutex.lock(), timeout)));
                let mut signals = 0;
                while !waiters.iter().all(|waiter| waiter.is_finished()) {
                    signals += usize::from(cond.signal());
                    thread::yield_now();
                }
                let called = waiters.map(|waiter| usize::from(waiter.join().unwrap()));
                assert_eq!(called.iter().sum::<usize>(), signals);
            });
        }
    });
}

#[test]
fn a_wait_woken_in_time_returns_true() {
    within(LIMIT, || {
        let (mutex, cond) = (Mutex::new(()), Cond::new());
        thread::scope(|s| {
            let mut guard = mutex.lock();
            s.spawn(|| {
                drop(mutex.lock());
                assert!(cond.signal());
            });
            assert!(cond.wait_for(&mut guard, AGES));
        });
    });
}

/// Two threads wait with a read lock, one with the write lock of another lock, and one with a mutex.
#[test]
fn each_kind_of_guard_waits() {
    within(LIMIT, || {
        let (cond, waiting) = (Cond::new(), AtomicUsize::new(0));
        let (read, written, mutex) = (RWMutex::new(0), RWMutex::new(0), Mutex::new(0));
        thread::scope(|s| {
            for _ in 0..2 {
                s.spawn(|| {
                    let mut guard = read.rlock();
                    waiting.fetch_add(1, SeqCst);
                    cond.wait_while(&mut guard, |value| *value == 0);
                });
            }
            s.spawn(|| {
                let mut guard = written.lock();
                waiting.fetch_add(1, SeqCst);
                cond.wait_while(&mut guard, |value| *value == 0);
                *guard += 1;
            });
            s.spawn(|| {
                let mut guard = mutex.lock();
                waiting.fetch_add(1, SeqCst);
                cond.wait_while(&mut guard, |value| *value == 0);
            });
            assert!(holds_within(LIMIT, || waiting.load(SeqCst) == 4));
            *read.lock() = 1;
            *written.lock() = 1;
            *mutex.lock() = 1;
            assert_eq!(cond.broadcast(), 4);
        });
        assert_eq!(written.into_inner(), 2);
    });
}

#[test]
fn waiting_goroutines_release_their_processors() {
    within(LIMIT, || {
        static STATE: Mutex<usize> = Mutex::new(0);
        static CHANGED: Cond = Cond::new();
        let wg = WaitGroup::new();
        for _ in 0..100 {
            wg.go(|| {
                let mut waiting = STATE.lock();
                *waiting += 1;
                CHANGED.wait(&mut waiting);
            });
        }
        assert!(holds_within(LIMIT, || *STATE.lock() == 100));
        assert_eq!(go(|| CHANGED.broadcast()).join().unwrap(), 100);
        wg.wait();
    });
}

#[test]
fn texts() {
    assert_eq!(format!("{:?}", Cond::default()), "Cond { .. }");
}
