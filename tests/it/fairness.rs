//! How many turns of other threads a thread waits for at most, while three of them hold the lock back to
//! back.
//!
//! The tests count turns and not time: a busy machine has little time for each thread. And each turn
//! lasts until the threads that must wait are asleep, so no turn passes while a thread is still on its
//! way into the queue.

use crate::support::{LIMIT, Lock, Stop, holds_within, queue_length, queued, rounds, within};
use gosync::{Mutex, RWMutex};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

/// Longer than a writer lets others overtake it.
const HOLD: Duration = Duration::from_millis(2);

/// The number of turns that the three threads take in total.
const TURNS: usize = 60;

/// More than one turn for each of the three, and one more by which a thread may overtake. Far less than
/// all turns, which is what a lock that lets threads starve would come to.
const BOUND: usize = 12;

/// How long a turn waits for the other threads to fall asleep. All of it passes at the end of a test,
/// and if threads do not sleep as they should.
const PATIENCE: Duration = Duration::from_millis(500);

fn read(lock: &RWMutex<()>, inside: &mut dyn FnMut()) {
    let _reader = lock.rlock();
    inside();
}

fn write(lock: &RWMutex<()>, inside: &mut dyn FnMut()) {
    let _writer = lock.lock();
    inside();
}

fn lock(mutex: &Mutex<()>, inside: &mut dyn FnMut()) {
    let _guard = mutex.lock();
    inside();
}

type Access<L> = fn(&L, &mut dyn FnMut());

/// Returns how many turns of the others `victim` waits for at most, and how often it gets in. While one
/// of the others is inside, `barred` threads must wait.
fn probe<L: Lock + Default + Sync>(
    victim: Access<L>,
    hog: Access<L>,
    barred: usize,
) -> (usize, usize) {
    let lock = L::default();
    let (turns, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    thread::scope(|s| {
        for _ in 0..3 {
            s.spawn(|| {
                let mut take_turn = || {
                    turns.fetch_add(1, SeqCst);
                    let all_sleep = || stop.load(SeqCst) || queue_length(&lock) >= barred;
                    holds_within(PATIENCE, all_sleep);
                    thread::sleep(HOLD);
                };
                while !stop.load(SeqCst) {
                    hog(&lock, &mut take_turn);
                }
            });
        }
        let victim = s.spawn(|| {
            let (mut most, mut entries) = (0, 0);
            while !stop.load(SeqCst) {
                let (before, mut passed) = (turns.load(SeqCst), 0);
                victim(&lock, &mut || passed = turns.load(SeqCst) - before);
                most = most.max(passed);
                entries += 1;
            }
            (most, entries)
        });
        let end = Stop(&stop);
        assert!(holds_within(LIMIT, || turns.load(SeqCst) >= TURNS));
        drop(end);
        victim.join().unwrap()
    })
}

#[track_caller]
fn assert_fair<L: Lock + Default + Sync + 'static>(
    what: &str,
    victim: Access<L>,
    hog: Access<L>,
    barred: usize,
) {
    let (most, entries) = within(LIMIT, move || probe(victim, hog, barred));
    println!("{what}: {most} of {TURNS} turns at most, {entries} entries");
    assert!(most <= BOUND, "{what}: {most} of {TURNS} turns");
}

#[test]
fn a_reader_does_not_starve_beside_three_writers() {
    assert_fair("reader vs 3 writers", read, write, 3);
}

#[test]
fn a_writer_does_not_starve_beside_three_readers() {
    assert_fair("writer vs 3 readers", write, read, 1);
}

#[test]
fn a_writer_does_not_starve_beside_three_writers() {
    assert_fair("writer vs 3 writers", write, write, 3);
}

/// Go's `TestMutexFairness`.
#[test]
fn a_thread_does_not_starve_beside_three_others_in_a_mutex() {
    assert_fair("mutex vs 3 others", lock, lock, 3);
}

/// The writer that holds the lock unlocks it and locks it again at once. It does so whenever the other
/// writer, which has waited for long, is asleep again. Without a hand-off the other writer would get the
/// lock only if it were awake at that very moment.
#[test]
fn a_writer_that_has_waited_for_long_is_next() {
    /// The number of turns without a hand-off.
    const TURNS: usize = 10;
    /// The waiter may be overtaken once, when it is woken for the first time.
    const BOUND: usize = 1;

    within(LIMIT, || {
        for _ in rounds(20) {
            let lock = RWMutex::new(0);
            thread::scope(|s| {
                let mut turns = lock.lock();
                let other = queued(s, &lock, || *lock.lock());
                while *turns < TURNS && !other.is_finished() {
                    thread::sleep(HOLD);
                    drop(turns);
                    turns = lock.lock();
                    *turns += 1;
                    assert!(holds_within(LIMIT, || {
                        other.is_finished() || queue_length(&lock) > 0
                    }));
                }
                drop(turns);
                let overtaken = other.join().unwrap();
                assert!(overtaken <= BOUND, "overtaken {overtaken} times");
            });
        }
    });
}
