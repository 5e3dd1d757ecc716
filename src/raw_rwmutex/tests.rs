//! Tests of what writers cost other threads. They count the heavy barriers that writers pass.

use super::*;
use crate::barrier::{self, PASSED, repay, run_into_debt};
use crate::forced;
use crate::park;
use crate::speed::Speed;
use std::panic::{self, AssertUnwindSafe};
use std::thread;
use std::time::Duration;

/// More attempts than a lock has credit for.
const ATTEMPTS: usize = 200;

/// Returns a lock that registers its readers in slots, unless the forced speed forbids that.
fn lock_with_slots() -> RawRWMutex {
    while !barrier::ensure_decided(prices::measure) {
        thread::yield_now();
    }
    let lock = RawRWMutex::new();
    let enough = if forced::speed() == Some(Speed::Counted) {
        0
    } else {
        1_000_000
    };
    for _ in 0..enough {
        if lock.word.load(Relaxed) & COUNTED == 0 {
            break;
        }
        read(&lock);
    }
    // A write ends the quiet speed.
    write(&lock);
    lock
}

fn read(lock: &RawRWMutex) {
    let token = lock.rlock();
    runlock(lock, token);
}

fn runlock(lock: &RawRWMutex, token: ReadToken) {
    // SAFETY: the caller owns the read lock of the token.
    unsafe { lock.runlock(token) };
}

fn write(lock: &RawRWMutex) {
    let token = lock.lock();
    // SAFETY: this is the token of the write lock that was just taken.
    unsafe { lock.unlock(token) };
}

/// Takes a read lock: in a slot, unless the forced speed forbids that.
fn reader(lock: &RawRWMutex) -> ReadToken {
    let token = lock.rlock();
    assert_eq!(token.0.is_some(), forced::speed() != Some(Speed::Counted));
    token
}

/// Returns how many heavy barriers this thread passes in attempts to write that each take `time` and fail.
#[track_caller]
fn barriers_of_attempts(lock: &RawRWMutex, attempts: usize, time: Duration) -> usize {
    let before = PASSED.get();
    for _ in 0..attempts {
        assert!(lock.try_lock_until(park::deadline(time)).is_none());
    }
    PASSED.get() - before
}

#[test]
fn attempts_without_time_pass_no_barrier_beside_a_reader() {
    let lock = lock_with_slots();
    let token = reader(&lock);
    let before = lock.word.load(Relaxed);
    let barriers = barriers_of_attempts(&lock, ATTEMPTS, Duration::ZERO);
    assert_eq!(barriers, 0);
    assert_eq!(lock.word.load(Relaxed), before, "it announced itself");
    runlock(&lock, token);
    let token = lock.try_lock_until(Some(Instant::now()));
    assert!(token.is_some(), "no reader is inside");
}

#[test]
fn attempts_with_little_time_pass_no_barrier_beside_a_forgotten_guard() {
    let lock = lock_with_slots();
    let _forgotten = reader(&lock);
    let barriers = barriers_of_attempts(&lock, ATTEMPTS, Duration::from_micros(1));
    let to_end_quiet = usize::from(forced::speed() == Some(Speed::Quiet));
    assert!(barriers <= to_end_quiet, "{barriers} barriers");
}

#[test]
fn attempts_that_give_up_cost_credit_until_the_lock_gives_up_its_slots() {
    if forced::speed().is_some() {
        return;
    }
    let lock = lock_with_slots();
    let token = reader(&lock);
    barriers_of_attempts(&lock, ATTEMPTS, Duration::from_micros(1));
    runlock(&lock, token);
    // The next writer still sees the reader, and finds no credit.
    let token = reader(&lock);
    assert!(lock.try_lock().is_none());
    runlock(&lock, token);
    write(&lock);
    let token = lock.rlock();
    assert!(token.0.is_none(), "the lock still has slots");
    runlock(&lock, token);
}

/// Returns how many barriers a writer passes that waits for a read which ends after `time`. By then the
/// writer usually sleeps.
fn barriers_of_a_write(lock: &RawRWMutex, token: ReadToken, time: Duration) -> usize {
    thread::scope(|s| {
        let writer = s.spawn(|| {
            write(lock);
            PASSED.get()
        });
        thread::sleep(time);
        runlock(lock, token);
        writer.join().unwrap()
    })
}

#[test]
fn writers_nap_while_the_process_cannot_afford_barriers() {
    if forced::speed().is_some() {
        return;
    }
    let lock = lock_with_slots();
    let token = reader(&lock);
    let debt = run_into_debt(Duration::from_secs(60));
    let barriers = barriers_of_attempts(&lock, 10, Duration::from_millis(2));
    // A writer without a deadline is woken all the same, or its nap ends.
    let barriers_of_the_last = barriers_of_a_write(&lock, token, Duration::from_millis(5));
    repay(debt);
    assert_eq!((barriers, barriers_of_the_last), (0, 0));
}

#[test]
fn a_writer_that_can_afford_it_sleeps_behind_a_barrier() {
    let lock = lock_with_slots();
    let token = reader(&lock);
    let barriers = barriers_of_a_write(&lock, token, Duration::from_millis(20));
    let to_end_quiet = usize::from(forced::speed() == Some(Speed::Quiet));
    assert!(barriers <= 1 + to_end_quiet, "{barriers} barriers");
}

/// Readers that wait are admitted without another look at the count.
#[test]
fn too_many_readers_panic_whether_they_would_wait_or_not() {
    const TIMES: [Option<Duration>; 2] = [None, Some(Duration::from_secs(60))];

    for (flags, time) in [0, WRITER, SUCCESSOR]
        .into_iter()
        .flat_map(|f| TIMES.map(|t| (f, t)))
    {
        let lock = RawRWMutex {
            word: AtomicU64::new(NEW | TOO_MANY_READERS | flags),
        };
        let read = || match time {
            None => Some(lock.rlock()),
            Some(time) => lock.try_rlock_until(park::deadline(time)),
        };
        assert!(panic::catch_unwind(AssertUnwindSafe(read)).is_err());
        assert!(lock.try_rlock().is_none());
        assert_eq!(lock.word.load(Relaxed) & COUNT, TOO_MANY_READERS);
    }
}

#[test]
fn a_lock_that_is_dropped_gives_back_its_identity() {
    const LOCKS: usize = if cfg!(miri) { 20 } else { 1000 };
    /// More locks than the other tests have at a time.
    const OTHERS: usize = 128;

    if forced::speed() == Some(Speed::Counted) {
        return;
    }
    let mut ids: Vec<u32> = (0..LOCKS)
        .map(|_| {
            let lock = lock_with_slots();
            // The entry of a forgotten guard stays in its slot.
            let _ = reader(&lock);
            id(lock.word.load(Relaxed))
        })
        .collect();
    ids.sort();
    ids.dedup();
    assert!(!ids.contains(&0));
    assert!(
        ids.len() <= 1 + OTHERS,
        "{} identities for one lock at a time",
        ids.len()
    );
}
