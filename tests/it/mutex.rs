//! `Mutex` on real threads: Go's scenarios, timed attempts, what the types promise.

use crate::support::{Activity, Dice, LIMIT, elsewhere, panic_quietly, queued, rounds, within};
use gosync::{MappedMutexGuard, Mutex, MutexGuard, RawMutex, WaitGroup, go};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// Go's `TestMutex`, with each way to lock.
#[test]
fn one_at_a_time() {
    within(LIMIT, || {
        let (mutex, activity) = (Mutex::new(0), Activity::default());
        let turn = |mut guard: MutexGuard<'_, usize>| activity.write(|| *guard += 1);
        let turns = AtomicUsize::new(0);
        thread::scope(|s| {
            for index in 0..8 {
                let (mutex, turns, turn) = (&mutex, &turns, &turn);
                s.spawn(move || {
                    let mut dice = Dice::new(index);
                    for _ in rounds(20_000) {
                        let guard = match dice.roll(4) {
                            0 => Some(mutex.lock()),
                            1 => mutex.try_lock(),
                            2 => mutex.try_lock_for(Duration::from_micros(dice.roll(50))),
                            _ => {
                                let mut guard = mutex.lock();
                                MutexGuard::bump(&mut guard);
                                Some(guard)
                            }
                        };
                        let Some(guard) = guard else { continue };
                        turns.fetch_add(1, SeqCst);
                        turn(guard);
                    }
                });
            }
        });
        assert_eq!(mutex.into_inner(), turns.into_inner());
    });
}

/// More goroutines than there are CPUs sleep in the lock.
#[test]
fn waiting_goroutines_release_their_processors() {
    within(LIMIT, || {
        static MUTEX: Mutex<usize> = Mutex::new(0);
        let guard = MUTEX.lock();
        let wg = WaitGroup::new();
        for _ in 0..200 {
            wg.go(|| *MUTEX.lock() += 1);
        }
        // This goroutine is queued last, and a receive does not help, so a worker must get to it.
        let (send, ran) = mpsc::channel();
        drop(go(move || send.send(()).unwrap()));
        ran.recv_timeout(LIMIT).unwrap();
        drop(guard);
        wg.wait();
        assert_eq!(*MUTEX.lock(), 200);
    });
}

#[test]
fn a_fair_unlock_hands_it_to_the_one_that_sleeps() {
    within(LIMIT, || {
        for _ in rounds(50) {
            let mutex = Mutex::new(0);
            let guard = mutex.lock();
            thread::scope(|s| {
                let other = queued(s, &mutex, || std::mem::replace(&mut *mutex.lock(), 1));
                MutexGuard::unlock_fair(guard);
                assert_eq!(*mutex.lock(), 1);
                assert_eq!(other.join().unwrap(), 0);
            });
        }
    });
}

#[test]
fn sleepers_get_it_in_the_order_in_which_they_came() {
    within(LIMIT, || {
        let mutex = Mutex::new(Vec::new());
        let guard = mutex.lock();
        thread::scope(|s| {
            for index in 0..5 {
                queued(s, &mutex, {
                    let mutex = &mutex;
                    move || {
                        let mut order = mutex.lock();
                        order.push(index);
                        MutexGuard::unlock_fair(order);
                    }
                });
            }
            MutexGuard::unlock_fair(guard);
        });
        assert_eq!(mutex.into_inner(), [0, 1, 2, 3, 4]);
    });
}

mod attempts {
    use super::*;

    #[test]
    fn an_attempt_fails_while_another_has_it() {
        let mutex = Mutex::new(());
        let guard = mutex.lock();
        assert!(mutex.is_locked());
        assert!(mutex.try_lock().is_none());
        assert!(mutex.try_lock_for(Duration::ZERO).is_none());
        assert!(mutex.try_lock_until(Instant::now()).is_none());
        drop(guard);
        assert!(!mutex.is_locked());
        assert!(mutex.try_lock().is_some());
        assert!(mutex.try_lock_for(Duration::MAX).is_some());
    }

    #[test]
    fn an_attempt_gives_up_when_its_time_is_over() {
        within(LIMIT, || {
            let mutex = Mutex::new(());
            let _guard = mutex.lock();
            let (start, timeout) = (Instant::now(), Duration::from_millis(20));
            assert!(mutex.try_lock_for(timeout).is_none());
            assert!(start.elapsed() >= timeout);
        });
    }

    /// The threads behind it in the queue still get the lock.
    #[test]
    fn an_attempt_that_gives_up_leaves_no_trace() {
        within(LIMIT, || {
            for round in rounds(200) {
                let mutex = Mutex::new(0);
                let guard = mutex.lock();
                thread::scope(|s| {
                    for index in 0..4 {
                        let timeout = Duration::from_micros((index * 37 + round as u64 * 13) % 200);
                        s.spawn({
                            let mutex = &mutex;
                            move || mutex.try_lock_for(timeout).map(|mut turns| *turns += 1)
                        });
                        s.spawn(|| *mutex.lock() += 1);
                    }
                    thread::sleep(Duration::from_micros(100));
                    drop(guard);
                });
                assert!(mutex.into_inner() >= 4);
            }
        });
    }
}

mod types {
    use super::*;

    fn assert_send<T: Send + ?Sized>() {}
    fn assert_sync<T: Sync + ?Sized>() {}

    #[test]
    fn a_mutex_and_its_guards_go_where_their_data_may_go() {
        assert_send::<Mutex<Cell<u8>>>();
        assert_sync::<Mutex<Cell<u8>>>();
        assert_send::<MutexGuard<'_, Cell<u8>>>();
        assert_sync::<MutexGuard<'_, u8>>();
        assert_send::<MappedMutexGuard<'_, Cell<u8>>>();
        assert_sync::<RawMutex>();
    }

    #[test]
    fn it_is_small() {
        assert_eq!(size_of::<Mutex<()>>(), 4);
        assert_eq!(size_of::<Mutex<u32>>(), 8);
    }

    #[test]
    fn a_guard_is_dropped_on_another_thread() {
        within(LIMIT, || {
            let mutex = Mutex::new(1);
            let guard = mutex.lock();
            elsewhere(move || drop(guard));
            assert_eq!(*mutex.try_lock().unwrap(), 1);
        });
    }

    /// There is no poison.
    #[test]
    fn a_panic_unlocks() {
        let mutex = Mutex::new(1);
        let result = catch_unwind(AssertUnwindSafe(|| {
            let _guard = mutex.lock();
            panic_quietly("inside");
        }));
        assert!(result.is_err());
        assert_eq!(*mutex.try_lock().unwrap(), 1);
    }

    #[test]
    fn a_forgotten_guard_keeps_it_locked() {
        let mut mutex = Mutex::new(1);
        std::mem::forget(mutex.lock());
        assert!(mutex.try_lock().is_none());
        *mutex.get_mut() = 2;
        let moved = mutex;
        assert!(moved.is_locked());
        assert_eq!(moved.into_inner(), 2);
    }

    #[test]
    fn texts() {
        let mutex = Mutex::from(5);
        assert_eq!(format!("{mutex:?}"), "Mutex { data: 5 }");
        let guard = mutex.lock();
        assert_eq!(format!("{guard:?} {guard}"), "5 5");
        assert_eq!(format!("{mutex:?}"), "Mutex { data: <locked> }");
        assert_eq!(Mutex::<u8>::default().into_inner(), 0);
    }

    #[test]
    fn parts() {
        let mutex = Mutex::new((1, Some(2)));
        let part = MutexGuard::try_map(mutex.lock(), |pair| pair.1.as_mut());
        *part.ok().unwrap() += 1;
        let mut first = MutexGuard::map(mutex.lock(), |pair| &mut pair.0);
        assert!(mutex.is_locked());
        *first += 1;
        drop(first);
        assert_eq!(mutex.into_inner(), (2, Some(3)));
    }

    #[test]
    #[cfg(feature = "arc_lock")]
    fn a_guard_may_own_its_lock() {
        let mutex = std::sync::Arc::new(Mutex::new(1));
        let mut guard = mutex.lock_arc();
        *guard += 1;
        assert!(mutex.try_lock_arc().is_none());
        drop(guard);
        assert_eq!(*mutex.try_lock_arc().unwrap(), 2);
    }

    #[test]
    #[cfg(feature = "serde")]
    fn it_is_serialized_by_value() {
        let mutex: Mutex<Vec<u8>> = serde_json::from_str("[1,2]").unwrap();
        assert_eq!(serde_json::to_string(&mutex).unwrap(), "[1,2]");
    }
}
