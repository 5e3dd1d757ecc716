//! How many others a thread lets pass at most while three of them hold the lock for 1 ms each, back to
//! back. Turns, and not time: a machine that is busy with others has little of that for all of them.

use crate::support::{LIMIT, Stop, holds_within, queued, until_queued, within};
use gosync::RWMutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

const HOLD: Duration = Duration::from_millis(1);

/// How many turns the three take.
const TURNS: usize = if cfg!(miri) { 40 } else { 400 };

/// Far above the few that it takes here, far below all of them, as with a lock that lets somebody starve.
const BOUND: usize = TURNS / 4;

/// A machine may stop a thread for long where it is about to ask, but hardly each time.
const ATTEMPTS: usize = 3;

fn read(lock: &RWMutex<()>, inside: &mut dyn FnMut()) {
    let _reader = lock.rlock();
    inside();
}

fn write(lock: &RWMutex<()>, inside: &mut dyn FnMut()) {
    let _writer = lock.lock();
    inside();
}

type Access = fn(&RWMutex<()>, &mut dyn FnMut());

/// How many turns of the others `victim` waits for at most, and how often it gets in.
fn probe(victim: Access, hog: Access) -> (usize, usize) {
    let lock = RWMutex::new(());
    let (turns, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    thread::scope(|s| {
        for _ in 0..3 {
            s.spawn(|| {
                let mut take_turn = || {
                    turns.fetch_add(1, SeqCst);
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
                thread::sleep(HOLD);
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
fn assert_fair(what: &str, victim: Access, hog: Access) {
    let fewest = within(LIMIT, {
        let what = what.to_string();
        move || {
            let mut attempts = (0..ATTEMPTS).map(|_| {
                let (most, entries) = probe(victim, hog);
                println!("{what}: {most} of {TURNS} turns at most, {entries} entries");
                most
            });
            attempts.find(|most| *most < BOUND)
        }
    });
    assert!(
        fewest.is_some(),
        "{what}: {BOUND} turns or more in each of {ATTEMPTS} attempts"
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

/// A writer that gives the lock up while another one, which has waited for longer than a millisecond, is
/// asleep, and asks for it again at once. Returns whether it gets it; none if the other one was not asleep.
fn overtakes(lock: &RWMutex<()>) -> Option<bool> {
    thread::scope(|s| {
        let (release, released) = mpsc::channel::<()>();
        let held = lock.lock();
        queued(s, lock, move || {
            let _held = lock.lock();
            // Until the end of this call: otherwise the lock might be free again by then.
            released.recv().unwrap_err()
        });
        thread::sleep(2 * HOLD);
        drop(held);
        // Now the other one is woken, and is late, as a rule.
        let held = lock.try_lock()?;
        let is_asleep = until_queued(lock, 1);
        drop(held);
        let overtakes = lock.try_lock().is_some();
        drop(release);
        is_asleep.then_some(overtakes)
    })
}

#[test]
fn a_writer_that_has_waited_for_long_is_next() {
    within(LIMIT, || {
        let lock = RWMutex::new(());
        let mut rounds = (0..).filter_map(|_| overtakes(&lock));
        assert!(!rounds.by_ref().take(9).any(|overtakes| overtakes));
    });
}
