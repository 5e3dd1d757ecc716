//! Attempts that give up, at once or after a time.

use crate::support::{AGES, LIMIT, queued, rounds, within};
use gosync::{RWMutex, RWMutexWriteGuard};
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

const SHORT: Duration = Duration::from_millis(1);

/// What other threads see of a lock.
#[derive(PartialEq, Eq, Debug)]
struct Seen {
    readable: bool,
    writable: bool,
    locked: bool,
    exclusive: bool,
}

const FREE: Seen = Seen {
    readable: true,
    writable: true,
    locked: false,
    exclusive: false,
};
const READ: Seen = Seen {
    readable: true,
    writable: false,
    locked: true,
    exclusive: false,
};
const WRITTEN: Seen = Seen {
    readable: false,
    writable: false,
    locked: true,
    exclusive: true,
};
/// Readers hold the lock, and a writer waits for them.
const AWAITED: Seen = Seen {
    readable: false,
    writable: false,
    locked: true,
    exclusive: false,
};

/// Returns whether an attempt has got a guard, and drops the guard.
fn admits<G>(attempt: Option<G>) -> bool {
    attempt.is_some()
}

/// Asserts that attempts of every kind, to read and to write, see `expected`.
#[track_caller]
fn assert_seen(lock: &RWMutex<u32>, expected: Seen) {
    let past = Instant::now();
    let soon = || Instant::now() + SHORT;
    let attempts = [
        (admits(lock.try_rlock()), admits(lock.try_lock())),
        (
            admits(lock.try_rlock_for(Duration::ZERO)),
            admits(lock.try_lock_for(Duration::ZERO)),
        ),
        (
            admits(lock.try_rlock_for(SHORT)),
            admits(lock.try_lock_for(SHORT)),
        ),
        (
            admits(lock.try_rlock_until(past)),
            admits(lock.try_lock_until(past)),
        ),
        (
            admits(lock.try_rlock_until(soon())),
            admits(lock.try_lock_until(soon())),
        ),
        // None of the attempts above has left a trace.
        (admits(lock.try_rlock()), admits(lock.try_lock())),
    ];
    for (readable, writable) in attempts {
        let (locked, exclusive) = (lock.is_locked(), lock.is_locked_exclusive());
        assert_eq!(
            Seen {
                readable,
                writable,
                locked,
                exclusive
            },
            expected
        );
    }
}

/// Runs `scenario` with a new lock, and asserts that the lock is free at the end.
#[track_caller]
fn play(scenario: for<'scope> fn(&'scope Scope<'scope, '_>, &'scope RWMutex<u32>)) {
    within(LIMIT, move || {
        let lock = RWMutex::new(0);
        thread::scope(|s| scenario(s, &lock));
        assert_seen(&lock, FREE);
    });
}

#[test]
fn a_free_lock_admits_every_attempt() {
    within(LIMIT, || {
        let mut lock = RWMutex::new(0);
        assert_seen(&lock, FREE);
        drop(lock.rlock());
        assert_seen(&lock, FREE);
        drop(lock.lock());
        assert_seen(&lock, FREE);
        *lock.get_mut() = 1;
        assert_seen(&lock, FREE);
    });
}

#[test]
fn a_read_lock_admits_only_attempts_to_read() {
    within(LIMIT, || {
        let lock = RWMutex::new(0);
        let one = lock.rlock();
        assert_seen(&lock, READ);
        let two = lock.try_rlock().unwrap();
        assert_seen(&lock, READ);
        drop(one);
        assert_seen(&lock, READ);
        drop(two);
        assert_seen(&lock, FREE);
    });
}

#[test]
fn a_write_lock_admits_no_attempt() {
    within(LIMIT, || {
        let lock = RWMutex::new(0);
        let writer = lock.try_lock().unwrap();
        assert_seen(&lock, WRITTEN);
        let reader = RWMutexWriteGuard::downgrade(writer);
        assert_seen(&lock, READ);
        drop(reader);
        assert_seen(&lock, FREE);
    });
}

#[test]
fn a_write_lock_with_a_queue_admits_no_attempt() {
    play(|s, lock| {
        let writer = lock.lock();
        queued(s, lock, || drop(lock.rlock()));
        assert_seen(lock, WRITTEN);
        queued(s, lock, || drop(lock.lock()));
        assert_seen(lock, WRITTEN);
        drop(writer);
    });
}

#[test]
fn a_read_lock_with_a_waiting_writer_admits_no_attempt() {
    play(|s, lock| {
        let reader = lock.rlock();
        queued(s, lock, || drop(lock.lock()));
        assert_seen(lock, AWAITED);
        queued(s, lock, || drop(lock.rlock()));
        assert_seen(lock, AWAITED);
        drop(reader);
    });
}

#[test]
fn a_timed_attempt_does_not_fail_early() {
    within(LIMIT, || {
        let lock = RWMutex::new(());
        for timeout in [0, 1, 7, 40].map(Duration::from_millis) {
            let assert_late = |attempt: &dyn Fn() -> bool, begin: Instant| {
                assert!(!attempt());
                assert!(
                    begin.elapsed() >= timeout,
                    "failed after {:?}",
                    begin.elapsed()
                );
            };
            let reader = lock.rlock();
            assert_late(&|| lock.try_lock_for(timeout).is_some(), Instant::now());
            let begin = Instant::now();
            assert_late(&|| lock.try_lock_until(begin + timeout).is_some(), begin);
            drop(reader);
            let _writer = lock.lock();
            assert_late(&|| lock.try_lock_for(timeout).is_some(), Instant::now());
            assert_late(&|| lock.try_rlock_for(timeout).is_some(), Instant::now());
            let begin = Instant::now();
            assert_late(&|| lock.try_lock_until(begin + timeout).is_some(), begin);
            assert_late(
                &|| lock.try_rlock_until(begin + timeout * 2).is_some(),
                begin,
            );
        }
    });
}

#[test]
fn a_timed_attempt_succeeds_when_the_lock_becomes_free() {
    within(LIMIT, || {
        // The last timeout ends after any time that a clock can show.
        for timeout in [AGES, Duration::MAX] {
            let lock = RWMutex::new(0);
            thread::scope(|s| {
                let writer = lock.lock();
                let timed_reader = queued(s, &lock, || lock.try_rlock_for(timeout).is_some());
                let timed_writer = queued(s, &lock, || lock.try_lock_for(timeout).is_some());
                assert!(!timed_reader.is_finished() && !timed_writer.is_finished());
                drop(writer);
                assert!(timed_reader.join().unwrap());
                assert!(timed_writer.join().unwrap());

                let reader = lock.rlock();
                let timed_writer = queued(s, &lock, || lock.try_lock_for(timeout).is_some());
                let timed_reader = queued(s, &lock, || lock.try_rlock_for(timeout).is_some());
                assert!(!timed_reader.is_finished() && !timed_writer.is_finished());
                drop(reader);
                assert!(timed_writer.join().unwrap());
                assert!(timed_reader.join().unwrap());
            });
            assert_seen(&lock, FREE);
        }
    });
}

/// Long enough for a few other threads to queue up before it is over.
const A_WHILE: Duration = Duration::from_millis(300);

#[test]
fn a_writer_that_gives_up_on_readers_lets_others_in_at_once() {
    play(|s, lock| {
        let reader = lock.rlock();
        let writer = queued(s, lock, || lock.try_lock_for(A_WHILE).is_none());
        let held_back = [(); 3].map(|()| queued(s, lock, || drop(lock.rlock())));
        assert!(writer.join().unwrap());
        for thread in held_back {
            thread.join().unwrap();
        }
        assert_seen(lock, READ);
        drop(reader);
    });
}

#[test]
fn a_writer_that_gives_up_in_the_queue_lets_others_in_at_once() {
    play(|s, lock| {
        let writer = lock.lock();
        let impatient = queued(s, lock, || lock.try_lock_for(A_WHILE).is_none());
        let reader = queued(s, lock, || lock.rlock());
        let after = queued(s, lock, || *lock.lock() = 1);
        assert!(impatient.join().unwrap());
        assert_seen(lock, WRITTEN);
        drop(writer);
        // The reader is inside, and the writer behind it still waits.
        let reader = reader.join().unwrap();
        assert_seen(lock, AWAITED);
        drop(reader);
        after.join().unwrap();
    });
}

#[test]
fn the_only_writer_in_the_queue_leaves_no_trace_when_it_gives_up() {
    play(|s, lock| {
        let writer = lock.lock();
        let impatient = queued(s, lock, || lock.try_lock_for(A_WHILE).is_none());
        let reader = queued(s, lock, || lock.rlock());
        assert!(impatient.join().unwrap());
        drop(writer);
        let _reader = reader.join().unwrap();
        // No writer is left that could bar readers.
        assert_seen(lock, READ);
    });
}

#[test]
fn a_writer_behind_one_that_gives_up_takes_its_place() {
    play(|s, lock| {
        let reader = lock.rlock();
        let first = queued(s, lock, || lock.try_lock_for(A_WHILE).is_none());
        let second = queued(s, lock, || *lock.lock() = 1);
        assert!(first.join().unwrap());
        assert_seen(lock, AWAITED);
        drop(reader);
        second.join().unwrap();
    });
}

#[test]
fn writers_that_all_give_up_let_the_readers_behind_them_in() {
    play(|s, lock| {
        let reader = lock.rlock();
        let writers = [(); 3].map(|()| queued(s, lock, || lock.try_lock_for(A_WHILE).is_none()));
        let held_back = [(); 3].map(|()| queued(s, lock, || drop(lock.rlock())));
        for thread in held_back {
            thread.join().unwrap();
        }
        for thread in writers {
            assert!(thread.join().unwrap());
        }
        assert_seen(lock, READ);
        drop(reader);
    });
}

#[test]
fn a_writer_that_gives_up_behind_readers_admitted_before_it_lets_others_in() {
    play(|s, lock| {
        let writer = lock.lock();
        let successor = queued(s, lock, || lock.try_lock_for(A_WHILE).is_none());
        let admitted = queued(s, lock, || lock.rlock());
        drop(writer);
        let admitted = admitted.join().unwrap();
        let held_back = queued(s, lock, || drop(lock.rlock()));
        assert!(successor.join().unwrap());
        held_back.join().unwrap();
        assert_seen(lock, READ);
        drop(admitted);
    });
}

/// The first waiter is woken, overtaken by a newcomer, and times out: the rarest state in which a writer
/// can give up. `behind` are the accesses that wait behind it.
fn give_up_after_being_overtaken(behind: &[fn(&RWMutex<u32>)]) {
    let lock = RWMutex::new(0);
    for _ in 0..3 {
        thread::scope(|s| {
            let writer = lock.lock();
            let next = queued(s, &lock, || drop(lock.try_lock_for(A_WHILE / 3)));
            for &access in behind {
                let lock = &lock;
                queued(s, lock, move || access(lock));
            }
            drop(writer);
            // Usually succeeds, since the waiter needs longer to wake up.
            let newcomer = lock.try_lock();
            if newcomer.is_some() {
                next.join().unwrap();
            }
        });
        assert_seen(&lock, FREE);
    }
}

#[test]
fn a_writer_that_gives_up_after_being_overtaken_passes_its_turn_on() {
    within(LIMIT, || {
        give_up_after_being_overtaken(&[]);
        give_up_after_being_overtaken(&[|lock| drop(lock.lock())]);
        give_up_after_being_overtaken(&[|lock| drop(lock.rlock())]);
        give_up_after_being_overtaken(&[|lock| drop(lock.lock()), |lock| drop(lock.rlock())]);
    });
}

#[test]
fn a_reader_that_gives_up_is_not_counted_in() {
    play(|s, lock| {
        let writer = lock.lock();
        let timed = queued(s, lock, || lock.try_rlock_for(A_WHILE).is_none());
        let patient = queued(s, lock, || lock.rlock());
        assert!(timed.join().unwrap());
        drop(writer);
        let patient = patient.join().unwrap();
        assert_seen(lock, READ);
        drop(patient);
        assert_seen(lock, FREE);

        let writer = lock.lock();
        assert!(
            queued(s, lock, || lock.try_rlock_for(SHORT).is_none())
                .join()
                .unwrap()
        );
        drop(writer);
        assert_seen(lock, FREE);
    });
}

#[test]
fn a_reader_that_gives_up_behind_a_waiting_writer_leaves_no_trace() {
    within(LIMIT, || {
        let lock = RWMutex::new(0);
        thread::scope(|s| {
            let reader = lock.rlock();
            let writer = queued(s, &lock, || *lock.lock() += 1);
            assert!(lock.try_rlock_for(SHORT).is_none());
            assert_seen(&lock, AWAITED);
            drop(reader);
            writer.join().unwrap();
        });
        assert_seen(&lock, FREE);
    });
}

#[test]
fn an_attempt_that_meets_the_unlock_leaves_no_trace_either_way() {
    within(LIMIT, || {
        for round in rounds(600) {
            let lock = RWMutex::new(0);
            let timeout = Duration::from_micros(100 + round as u64 % 20 * 5);
            thread::scope(|s| {
                let writer = lock.lock();
                s.spawn(|| drop(lock.try_lock_for(timeout)));
                s.spawn(|| drop(lock.try_rlock_for(timeout)));
                s.spawn(|| drop(lock.try_lock_for(timeout)));
                s.spawn(|| drop(lock.rlock()));
                thread::sleep(timeout);
                drop(writer);
            });
            assert!(lock.try_lock().is_some());
        }
    });
}
