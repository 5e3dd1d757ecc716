//! How long a thread waits at most while three others hold the lock for 1 ms each, back to back.

use crate::support::{LIMIT, Stop, within};
use gosync::RWMutex;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

const HOLD: Duration = Duration::from_millis(1);
const PROBE: Duration = if cfg!(miri) {
    Duration::from_millis(50)
} else {
    Duration::from_secs(1)
};

/// Far above the few milliseconds that it takes here, far below the second that a lock takes that
/// lets somebody starve.
const BOUND: Duration = Duration::from_millis(200);

/// A machine may stop a thread for long, but hardly each time.
const ATTEMPTS: usize = 3;

fn read(lock: &RWMutex<()>, hold: Duration) -> Duration {
    let begin = Instant::now();
    let _reader = lock.rlock();
    let waited = begin.elapsed();
    thread::sleep(hold);
    waited
}

fn write(lock: &RWMutex<()>, hold: Duration) -> Duration {
    let begin = Instant::now();
    let _writer = lock.lock();
    let waited = begin.elapsed();
    thread::sleep(hold);
    waited
}

type Access = fn(&RWMutex<()>, Duration) -> Duration;

/// The longest that `victim` waits, and how often it gets in.
fn probe(victim: Access, hog: Access) -> (Duration, usize) {
    let lock = RWMutex::new(());
    let stop = AtomicBool::new(false);
    thread::scope(|s| {
        for _ in 0..3 {
            s.spawn(|| {
                while !stop.load(SeqCst) {
                    hog(&lock, HOLD);
                }
            });
        }
        let victim = s.spawn(|| {
            let mut longest = Duration::ZERO;
            let mut turns = 0;
            while !stop.load(SeqCst) {
                longest = longest.max(victim(&lock, Duration::ZERO));
                turns += 1;
                thread::sleep(HOLD);
            }
            (longest, turns)
        });
        let end = Stop(&stop);
        thread::sleep(PROBE);
        drop(end);
        victim.join().unwrap()
    })
}

#[track_caller]
fn assert_fair(what: &str, victim: Access, hog: Access) {
    let longest = within(LIMIT, {
        let what = what.to_string();
        move || {
            let mut attempts = (0..ATTEMPTS).map(|_| {
                let (longest, turns) = probe(victim, hog);
                println!("{what}: {longest:?} at most, {turns} turns in {PROBE:?}");
                longest
            });
            attempts.find(|longest| *longest < BOUND)
        }
    });
    assert!(
        longest.is_some(),
        "{what}: over {BOUND:?} in each of {ATTEMPTS} attempts"
    );
}

#[test]
fn a_reader_does_not_starve_beside_three_writers() {
    assert_fair("reader vs 3 writers", read, write);
}

#[test]
fn a_writer_does_not_starve_beside_three_readers() {
    assert_fair("writer vs 3 readers", write, read);
}

#[test]
fn a_writer_does_not_starve_beside_three_writers() {
    assert_fair("writer vs 3 writers", write, write);
}

/// How many turns a writer takes that gives the lock up only to ask for it again at once, while
/// another one waits. Without a hand-off the other one would have to be awake in that very moment.
#[test]
fn a_writer_that_has_waited_for_long_is_next() {
    const TURNS: usize = 9;
    const BOUND: usize = 30;

    let mut overtaken = within(LIMIT, || {
        let lock = RWMutex::new(0);
        let stop = AtomicBool::new(false);
        thread::scope(|s| {
            s.spawn(|| {
                while !stop.load(SeqCst) {
                    let mut turns = lock.lock();
                    thread::sleep(2 * HOLD);
                    *turns += 1;
                }
            });
            let _end = Stop(&stop);
            [(); TURNS].map(|()| {
                thread::sleep(HOLD);
                let before = *lock.rlock();
                *lock.lock() - before
            })
        })
    });
    overtaken.sort_unstable();
    println!("overtaken {overtaken:?} times");
    // Twice, as a rule; who has to wait for a CPU asks for the hand-off late.
    assert!(
        overtaken[TURNS / 2] <= BOUND,
        "overtaken {overtaken:?} times"
    );
}
