//! Which threads keep which others out, and which is next.

use crate::support::{LIMIT, Log, Stop, queued, rounds, until_queued, within};
use gosync::{RWMutex, RWMutexWriteGuard};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;

#[test]
fn readers_are_inside_together() {
    within(LIMIT, || {
        const READERS: usize = 8;
        let lock = RWMutex::new(7);
        let all_inside = Barrier::new(READERS);
        thread::scope(|s| {
            for _ in 0..READERS {
                s.spawn(|| {
                    let value = lock.rlock();
                    all_inside.wait();
                    assert_eq!(*value, 7);
                });
            }
        });
    });
}

#[test]
fn a_thread_may_read_twice_if_no_writer_waits() {
    within(LIMIT, || {
        let lock = RWMutex::new(7);
        let first = lock.rlock();
        let second = lock.rlock();
        assert_eq!(*first, *second);
    });
}

#[test]
fn a_writer_excludes_readers_and_writers() {
    within(LIMIT, || {
        let lock = RWMutex::new(0);
        thread::scope(|s| {
            let mut value = lock.lock();
            *value = 1;
            let reader = queued(s, &lock, || *lock.rlock());
            let writer = queued(s, &lock, || *lock.lock() *= 10);
            *value = 2;
            assert!(!reader.is_finished() && !writer.is_finished());
            drop(value);
            assert_eq!(reader.join().unwrap(), 2);
            writer.join().unwrap();
            assert_eq!(*lock.rlock(), 20);
        });
    });
}

#[test]
fn a_writer_waits_for_the_last_reader() {
    within(LIMIT, || {
        let lock = RWMutex::new(());
        thread::scope(|s| {
            let first = lock.rlock();
            let last = lock.rlock();
            let writer = queued(s, &lock, || drop(lock.lock()));
            drop(first);
            assert!(lock.try_rlock().is_none(), "the writer still waits");
            assert!(!writer.is_finished());
            drop(last);
            writer.join().unwrap();
            assert!(lock.try_rlock().is_some());
        });
    });
}

#[test]
fn a_waiting_writer_bars_later_readers() {
    within(LIMIT, || {
        let lock = RWMutex::new("before");
        thread::scope(|s| {
            let early = lock.rlock();
            let writer = queued(s, &lock, || *lock.lock() = "after");
            assert!(lock.try_rlock().is_none());
            let late = queued(s, &lock, || *lock.rlock());
            assert!(!writer.is_finished() && !late.is_finished());
            assert_eq!(*early, "before");
            drop(early);
            assert_eq!(late.join().unwrap(), "after");
            writer.join().unwrap();
        });
    });
}

#[test]
fn a_queued_writer_bars_readers_in_the_gap_between_two_writers() {
    within(LIMIT, || {
        for _ in rounds(40) {
            let lock = RWMutex::new("first");
            thread::scope(|s| {
                let first = lock.lock();
                queued(s, &lock, || *lock.lock() = "second");
                drop(first);
                if let Some(value) = lock.try_rlock() {
                    assert_eq!(*value, "second");
                }
                assert_eq!(*lock.rlock(), "second");
            });
        }
    });
}

/// Lets threads queue up behind a writer in the order of `queue`, where `r` is a reader and any other
/// letter a writer, and then unlocks. Returns the order in which they entered. A reader stays until all
/// readers are inside.
fn order_behind_a_writer(queue: &str) -> String {
    let readers = queue.chars().filter(|&kind| kind == 'r').count();
    let all_inside = Barrier::new(readers);
    let lock = RWMutex::new(());
    let log = Log::new();
    thread::scope(|s| {
        let first = lock.lock();
        for kind in queue.chars() {
            let (lock, log, all_inside) = (&lock, &log, &all_inside);
            if kind == 'r' {
                queued(s, lock, move || {
                    let _inside = lock.rlock();
                    log.push(kind);
                    all_inside.wait();
                });
            } else {
                queued(s, lock, move || {
                    let _inside = lock.lock();
                    log.push(kind);
                });
            }
        }
        drop(first);
    });
    log.take().into_iter().collect()
}

#[test]
fn readers_that_wait_at_an_unlock_enter_together_before_the_next_writer() {
    within(LIMIT, || {
        assert_eq!(order_behind_a_writer("rrrW"), "rrrW");
        assert_eq!(order_behind_a_writer("Wrrr"), "rrrW");
        assert_eq!(order_behind_a_writer("rWrr"), "rrrW");
        assert_eq!(order_behind_a_writer("rArBr"), "rrrAB");
    });
}

#[test]
fn sleeping_writers_enter_in_their_order() {
    within(LIMIT, || {
        assert_eq!(order_behind_a_writer("ABCDE"), "ABCDE")
    });
}

#[test]
fn a_sleeping_reader_waits_for_one_write_phase_at_most() {
    within(LIMIT, || {
        let phases = RWMutex::new(0_u64);
        let stop = AtomicBool::new(false);
        thread::scope(|s| {
            let _stop = Stop(&stop);
            for _ in 0..3 {
                s.spawn(|| {
                    while !stop.load(SeqCst) {
                        *phases.lock() += 1;
                    }
                });
            }
            // Late readers. In Go they take the turn that is meant for the sleeping readers.
            s.spawn(|| {
                while !stop.load(SeqCst) {
                    drop(phases.try_rlock());
                }
            });
            for _ in rounds(30) {
                let mut writer = phases.lock();
                *writer += 1;
                let this_phase = *writer;
                until_queued(&phases, 3);
                let reader = queued(s, &phases, || *phases.rlock());
                drop(writer);
                assert_eq!(reader.join().unwrap(), this_phase);
            }
        });
    });
}

#[test]
fn downgrade_keeps_writers_out() {
    within(LIMIT, || {
        let lock = RWMutex::new(1);
        thread::scope(|s| {
            let mut writer = lock.lock();
            let other = queued(s, &lock, || *lock.lock() *= 10);
            *writer += 1;
            let reader = RWMutexWriteGuard::downgrade(writer);
            assert!(lock.try_lock().is_none());
            assert!(lock.is_locked() && !lock.is_locked_exclusive());
            assert!(!other.is_finished());
            assert_eq!(*reader, 2);
            drop(reader);
            other.join().unwrap();
            assert_eq!(*lock.rlock(), 20);
        });
    });
}

#[test]
fn downgrade_lets_readers_in() {
    within(LIMIT, || {
        let lock = RWMutex::new(1);
        let reader = RWMutexWriteGuard::downgrade(lock.lock());
        assert_eq!(lock.try_rlock().as_deref(), Some(&1));
        assert!(lock.try_lock().is_none());
        drop(reader);
        assert!(lock.try_lock().is_some());
    });
}

#[test]
fn downgrade_lets_sleeping_readers_in_before_a_waiting_writer() {
    within(LIMIT, || {
        let lock = RWMutex::new(1);
        thread::scope(|s| {
            let mut writer = lock.lock();
            let other = queued(s, &lock, || *lock.lock() *= 10);
            let sleepers = [(); 3].map(|()| queued(s, &lock, || *lock.rlock()));
            *writer += 1;
            let reader = RWMutexWriteGuard::downgrade(writer);
            for sleeper in sleepers {
                assert_eq!(sleeper.join().unwrap(), 2);
            }
            assert!(lock.try_rlock().is_none(), "a writer waits");
            assert!(!other.is_finished());
            drop(reader);
            other.join().unwrap();
        });
    });
}

#[test]
fn a_thread_may_hold_a_hundred_locks() {
    within(LIMIT, || {
        let locks: Vec<_> = (0..100).map(RWMutex::new).collect();
        let readers: Vec<_> = locks.iter().map(RWMutex::rlock).collect();
        for (i, lock) in locks.iter().enumerate() {
            assert_eq!(*readers[i], i);
            assert!(lock.try_lock().is_none());
        }
        // Not in the order in which they were locked.
        let (even, odd): (Vec<_>, Vec<_>) = readers.into_iter().partition(|i| **i % 2 == 0);
        drop(even);
        for (i, lock) in locks.iter().enumerate() {
            assert_eq!(lock.try_lock().is_some(), i % 2 == 0);
        }
        drop(odd);
        let writers: Vec<_> = locks.iter().map(RWMutex::lock).collect();
        assert!(locks.iter().all(|lock| lock.try_rlock().is_none()));
        drop(writers);
        assert!(locks.iter().all(|lock| lock.try_lock().is_some()));
    });
}

#[test]
fn a_thread_may_read_one_lock_a_hundred_times() {
    within(LIMIT, || {
        let lock = RWMutex::new(());
        let mut readers: Vec<_> = (0..100).map(|_| lock.rlock()).collect();
        while let Some(reader) = readers.pop() {
            assert!(lock.try_lock().is_none());
            drop(reader);
        }
        assert!(lock.try_lock().is_some());
    });
}
