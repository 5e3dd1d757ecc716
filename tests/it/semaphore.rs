//! `semaphore` on real threads: x/sync's scenarios, order, permits.

use crate::support::{AGES, Dice, LIMIT, Log, holds_within, linger, panic_text, rounds, within};
use gosync::WaitGroup;
use gosync::semaphore::{OwnedPermit, Permit, Weighted};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

/// x/sync's `TestWeighted`, with some attempts that give up.
#[test]
fn permits_in_use_never_exceed_the_size() {
    const SIZE: usize = 5;

    within(LIMIT, || {
        let (semaphore, used) = (Weighted::new(SIZE), AtomicUsize::new(0));
        thread::scope(|s| {
            for index in 0..8 {
                let (semaphore, used) = (&semaphore, &used);
                s.spawn(move || {
                    let mut dice = Dice::new(index);
                    for _ in rounds(5000) {
                        let n = dice.roll(SIZE as u64 + 1) as usize;
                        let permit = match dice.roll(3) {
                            0 => Some(semaphore.acquire(n).unwrap()),
                            1 => semaphore.try_acquire(n),
                            _ => semaphore.acquire_for(n, Duration::from_micros(dice.roll(50))),
                        };
                        if let Some(permit) = permit {
                            assert!(used.fetch_add(n, SeqCst) + n <= SIZE);
                            used.fetch_sub(n, SeqCst);
                            drop(permit);
                        }
                    }
                });
            }
        });
        assert_eq!(semaphore.available(), SIZE);
        assert!(semaphore.try_acquire(SIZE).is_some());
    });
}

/// x/sync's `TestWeightedDoesntBlockIfTooBig`, and the text of the error.
#[test]
fn acquiring_more_than_the_size_fails_at_once() {
    within(LIMIT, || {
        let semaphore = Arc::new(Weighted::new(2));
        let _permit = semaphore.acquire(2).unwrap();
        let error = semaphore.acquire(3).unwrap_err();
        assert_eq!(error.to_string(), "3 permits of 2 were asked for");
        assert_eq!(
            semaphore.acquire_owned(4).unwrap_err().to_string(),
            "4 permits of 2 were asked for"
        );
        assert!(semaphore.acquire_for(3, AGES).is_none());
        assert!(semaphore.acquire_owned_for(3, AGES).is_none());
    });
}

/// x/sync's `TestLargeAcquireDoesntStarve`.
#[test]
fn a_large_acquire_does_not_starve() {
    within(LIMIT, || {
        let semaphore = Weighted::new(4);
        let running = AtomicUsize::new(1);
        thread::scope(|s| {
            for _ in 0..4 {
                let permit = semaphore.acquire(1).unwrap();
                let (semaphore, running) = (&semaphore, &running);
                s.spawn(move || {
                    let mut permit = permit;
                    while running.load(SeqCst) == 1 {
                        drop(permit);
                        thread::sleep(Duration::from_micros(100));
                        permit = semaphore.acquire(1).unwrap();
                    }
                });
            }
            drop(semaphore.acquire(4).unwrap());
            running.store(0, SeqCst);
        });
    });
}

#[test]
fn first_come_first_served() {
    within(LIMIT, || {
        let (semaphore, log) = (Weighted::new(4), Log::new());
        let all = semaphore.acquire(4).unwrap();
        thread::scope(|s| {
            for n in [3, 4, 1, 2] {
                let (semaphore, log) = (&semaphore, &log);
                s.spawn(move || {
                    let permit = semaphore.acquire(n).unwrap();
                    log.push(n);
                    // No other thread gets in until this is noted.
                    drop(permit);
                });
                linger();
            }
            drop(all);
        });
        // The last two get in together.
        let mut order = log.take();
        order[2..].sort_unstable();
        assert_eq!(order, [3, 4, 1, 2]);
    });
}

/// x/sync's `TestAllocCancelDoesntStarve`.
#[test]
fn an_acquire_that_times_out_blocks_no_other() {
    within(LIMIT, || {
        let semaphore = Weighted::new(10);
        let nine = semaphore.acquire(9).unwrap();
        thread::scope(|s| {
            let big = s.spawn(|| {
                semaphore
                    .acquire_for(10, Duration::from_millis(50))
                    .is_none()
            });
            // One permit is free, but this waits behind the thread that wants all of them.
            assert!(holds_within(LIMIT, || semaphore.try_acquire(1).is_none()
                || big.is_finished()));
            drop(semaphore.acquire(1).unwrap());
            assert!(big.join().unwrap());
        });
        drop(nine);
    });
}

#[test]
fn an_attempt_gives_up_when_its_time_is_over() {
    within(LIMIT, || {
        let semaphore = Weighted::new(1);
        let _permit = semaphore.acquire(1).unwrap();
        let (start, timeout) = (Instant::now(), Duration::from_millis(20));
        assert!(semaphore.acquire_for(1, timeout).is_none());
        assert!(start.elapsed() >= timeout);
    });
}

/// When a permit is forgotten, waiters that want more than are left are refused, and those behind them
/// continue.
#[test]
fn a_request_for_forgotten_permits_fails() {
    within(LIMIT, || {
        let semaphore = Weighted::new(3);
        let two = semaphore.acquire(2).unwrap();
        thread::scope(|s| {
            let big = s.spawn(|| semaphore.acquire(3).map(drop));
            // One permit is free, but another thread waits.
            assert!(holds_within(LIMIT, || semaphore.try_acquire(1).is_none()));
            let timed = s.spawn(|| semaphore.acquire_for(2, AGES).is_none());
            let small = s.spawn(|| semaphore.acquire(1).map(drop));
            linger();
            two.forget();
            let error = big.join().unwrap().unwrap_err();
            assert_eq!(error.to_string(), "3 permits of 1 were asked for");
            assert!(timed.join().unwrap());
            assert!(small.join().unwrap().is_ok());
        });
        assert!(semaphore.acquire(2).is_err());
    });
}

#[test]
fn waiting_goroutines_release_their_processors() {
    within(LIMIT, || {
        let semaphore = Arc::new(Weighted::new(1));
        let permit = semaphore.acquire_owned(1).unwrap();
        let wg = WaitGroup::new();
        for _ in 0..100 {
            let semaphore = Arc::clone(&semaphore);
            wg.go(move || drop(semaphore.acquire(1).unwrap()));
        }
        // This goroutine is queued last and is never joined, so a worker must get to it.
        let last = gosync::go(move || drop(permit));
        assert!(holds_within(LIMIT, || last.is_finished()));
        wg.wait();
    });
}

mod permits {
    use super::*;

    fn assert_send<T: Send + Sync>() {}

    #[test]
    fn permits_can_move_to_other_threads() {
        assert_send::<Permit<&'static Weighted>>();
        assert_send::<OwnedPermit>();
        static SEMAPHORE: Weighted = Weighted::new(1);
        let permit = SEMAPHORE.try_acquire(1).unwrap();
        thread::spawn(move || drop(permit)).join().unwrap();
        assert_eq!(SEMAPHORE.available(), 1);
    }

    #[test]
    fn permits_can_be_split_merged_and_forgotten() {
        let semaphore = Arc::new(Weighted::new(10));
        let mut permit = semaphore.try_acquire_owned(6).unwrap();
        assert!(permit.split(7).is_none());
        assert_eq!(permit.count(), 6);
        let mut part = permit.split(2).unwrap();
        assert_eq!((permit.count(), part.count()), (4, 2));
        part.merge(semaphore.try_acquire_owned(3).unwrap());
        assert_eq!((part.count(), semaphore.available()), (5, 1));
        part.forget();
        drop(permit);
        assert_eq!(semaphore.available(), 5);
        assert_eq!(Arc::strong_count(&semaphore), 1);
    }

    #[test]
    fn merging_permits_of_two_semaphores_panics() {
        let semaphores = [Weighted::new(1), Weighted::new(1)];
        let [mut first, second] = semaphores.each_ref().map(|one| one.try_acquire(1).unwrap());
        let text = panic_text(|| first.merge(second));
        assert_eq!(text, "permits of another semaphore");
        drop(first);
        assert!(
            semaphores
                .iter()
                .all(|semaphore| semaphore.available() == 1)
        );
    }

    #[test]
    fn zero_permits_are_allowed() {
        let semaphore = Weighted::new(0);
        assert_eq!(semaphore.acquire(0).unwrap().count(), 0);
        assert!(semaphore.acquire(1).is_err());
    }

    #[test]
    fn texts() {
        let semaphore = Weighted::new(3);
        let permit = semaphore.acquire(1).unwrap();
        assert_eq!(format!("{permit:?}"), "Permit(1)");
        assert_eq!(
            format!("{semaphore:?}"),
            "Weighted { size: 3, available: 2, .. }"
        );
    }
}
