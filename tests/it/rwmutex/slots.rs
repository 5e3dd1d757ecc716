//! The contract once more, at every speed. A lock that is read often notes its readers in the slots of
//! their threads, and no longer in itself.
//!
//! The speed of a lock cannot be seen from outside, so each property is tried on locks with different
//! pasts. If a lock was not as fast as intended, the test is weaker, but not wrong. A run with
//! `GOSYNC_SPEED` leaves nothing to chance (`src/forced.rs`).

use crate::support::{
    AGES, Dice, LIMIT, Log, Stop, assert_free, assert_read_locked, elsewhere, panic_quietly,
    panic_text, queued, rounds, time_is_up, within,
};
use gosync::{RWMutex, RWMutexReadGuard, RWMutexWriteGuard};
use std::cell::{Cell, RefCell};
use std::hint::{black_box, spin_loop};
use std::mem::forget;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Once};
use std::thread;
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(1);

/// Long enough for a few other threads to fall asleep before it is over.
const A_WHILE: Duration = Duration::from_millis(300);

/// The number of reads that bring a lock from *counted* to *slots*, on a CPU where slots save much.
const FOR_SLOTS: usize = 3000;

/// The number of further reads that bring it to *quiet*. An interpreter could not finish them.
const FOR_QUIET: usize = if cfg!(miri) { 0 } else { 50_000 };

/// More read locks than a thread has slots.
const MANY: usize = 20;

fn read_often<T>(lock: &RWMutex<T>, times: usize) {
    (0..times).for_each(|_| drop(lock.rlock()));
}

fn take_up_slots<T>(lock: &RWMutex<T>) {
    // The first lock that is read often makes the process find out which barrier it has. No lock takes
    // up slots before that.
    static ASKED: Once = Once::new();
    ASKED.call_once(|| {
        read_often(&RWMutex::new(()), FOR_SLOTS);
        thread::sleep(Duration::from_millis(50));
    });
    read_often(lock, FOR_SLOTS);
}

/// Brings `lock` to the fastest speed that it can have.
fn warm<T>(lock: &RWMutex<T>) {
    take_up_slots(lock);
    read_often(lock, FOR_QUIET);
}

/// Gives three locks different pasts. The first stays new, the second becomes as fast as it can, and so
/// does the third, which is then written to.
fn prepare<T>(locks: &[RWMutex<T>; 3]) {
    warm(&locks[1]);
    warm(&locks[2]);
    drop(locks[2].lock());
}

fn locks() -> [RWMutex<u32>; 3] {
    let locks = [0; 3].map(RWMutex::new);
    prepare(&locks);
    locks
}

/// Waits for `time`, which may be shorter than the shortest sleep.
fn spin_for(time: Duration) {
    let is_over = time_is_up(time);
    while !is_over() {
        spin_loop();
    }
}

/// Removes one of `items` at random.
fn take_any<T>(items: &mut Vec<T>, dice: &mut Dice) -> Option<T> {
    let len = items.len() as u64;
    (len > 0).then(|| items.swap_remove(dice.roll(len) as usize))
}

// Exclusion.

/// The lock of a pair. Both halves are the number of writes, except in the middle of one.
type Halves = RWMutex<(u64, u64)>;

/// Variables that all threads store to, each on its own cache line. Fetching those lines holds up the
/// stores that come after. So if a lock relies on a store that is still held up, the test finds out, at
/// least when optimised.
#[derive(Default)]
struct Ballast([Line; 32]);

#[derive(Default)]
#[repr(align(128))]
struct Line(AtomicU32);

impl Ballast {
    fn store(&self, lines: u64) {
        for line in &self.0[..lines as usize] {
            line.0.store(1, Relaxed);
        }
    }
}

/// Reads the halves again and again, for a while. Nothing here but the lock orders memory, since that
/// would hide what the lock lacks.
fn read_halves(lock: &Halves, ballast: &Ballast, dice: &mut Dice) {
    let looks = 1 << dice.roll(9);
    ballast.store(dice.roll(33));
    let halves = lock.rlock();
    for _ in 0..looks {
        let (first, second) = *black_box(&*halves);
        assert_eq!(first, second, "read in the middle of a write");
    }
}

fn write_halves(mut halves: RWMutexWriteGuard<'_, (u64, u64)>) {
    halves.0 += 1;
    for _ in 0..100 {
        black_box(&mut *halves);
    }
    halves.1 += 1;
    assert_eq!(halves.0, halves.1, "two writes at once");
}

/// Writes in bursts and after pauses, in which the lock becomes quiet again. Returns the number of
/// writes.
fn write_now_and_then(lock: &Halves, ballast: &Ballast, dice: &mut Dice) -> u64 {
    let mut writes = 0;
    for _ in rounds(50_000) {
        ballast.store(dice.roll(33));
        let writer = match dice.roll(4) {
            0 => lock.try_lock(),
            1 => lock.try_lock_for(Duration::from_micros(dice.roll(50))),
            _ => Some(lock.lock()),
        };
        if let Some(writer) = writer {
            write_halves(writer);
            writes += 1;
        }
        match dice.roll(200) {
            0 => thread::sleep(Duration::from_micros(dice.roll(5000))),
            1..20 => spin_for(Duration::from_micros(dice.roll(50))),
            _ => {}
        }
    }
    writes
}

#[test]
fn a_writer_excludes_all_others_at_every_speed() {
    within(LIMIT, || {
        for n in 1..=2 {
            let lock = RWMutex::new((0, 0));
            warm(&lock);
            let ballast = Ballast::default();
            let stop = AtomicBool::new(false);
            let writes: u64 = thread::scope(|s| {
                let _stop = Stop(&stop);
                let (lock, ballast, stop) = (&lock, &ballast, &stop);
                for seed in 0..n {
                    s.spawn(move || {
                        let mut dice = Dice::new(seed);
                        while !stop.load(Relaxed) {
                            read_halves(lock, ballast, &mut dice);
                        }
                    });
                }
                let writers: Vec<_> = (0..n)
                    .map(|seed| {
                        let mut dice = Dice::new(10 + seed);
                        s.spawn(move || write_now_and_then(lock, ballast, &mut dice))
                    })
                    .collect();
                writers
                    .into_iter()
                    .map(|writer| writer.join().unwrap())
                    .sum()
            });
            assert_free(&lock);
            assert_eq!(lock.into_inner(), (writes, writes));
        }
    });
}

#[test]
fn readers_of_a_lock_in_slots_and_in_its_count_are_both_waited_for() {
    within(LIMIT, || {
        for lock in &locks() {
            thread::scope(|s| {
                // The read locks for which there are no slots are counted in the lock.
                let mut readers: Vec<_> = (0..MANY).map(|_| lock.rlock()).collect();
                readers.extend((0..4).map(|_| elsewhere(|| lock.rlock())));
                let writer = queued(s, lock, || *lock.lock() += 1);
                let mut dice = Dice::new(0);
                while let Some(reader) = take_any(&mut readers, &mut dice) {
                    assert!(!writer.is_finished());
                    assert!(lock.try_rlock().is_none());
                    drop(reader);
                }
                writer.join().unwrap();
            });
            assert_free(lock);
        }
    });
}

// Order.

#[test]
fn a_writer_that_waits_for_a_reader_bars_later_ones() {
    within(LIMIT, || {
        for lock in &locks() {
            thread::scope(|s| {
                let reader = lock.rlock();
                let writer = queued(s, lock, || *lock.lock() = 1);
                assert!(lock.is_locked() && !lock.is_locked_exclusive());
                assert!(lock.try_rlock().is_none());
                assert!(lock.try_rlock_for(SHORT).is_none(), "a second read lock");
                assert!(elsewhere(|| lock.try_rlock().is_none()));
                assert!(!writer.is_finished());
                drop(reader);
                assert_eq!(*lock.rlock(), 1);
                writer.join().unwrap();
            });
            assert_free(lock);
        }
    });
}

#[test]
fn readers_that_sleep_are_admitted_before_the_next_writer() {
    within(LIMIT, || {
        for lock in &locks() {
            let log = Log::new();
            thread::scope(|s| {
                let reader = lock.rlock();
                let (lock, log) = (&lock, &log);
                let write = |name| {
                    queued(s, *lock, move || {
                        let _writer = lock.lock();
                        log.push(name);
                    })
                };
                write("first");
                write("second");
                for _ in 0..3 {
                    queued(s, *lock, || {
                        let _reader = lock.rlock();
                        log.push("reader");
                    });
                }
                drop(reader);
            });
            let order = ["first", "reader", "reader", "reader", "second"];
            assert_eq!(log.take(), order);
            assert_free(lock);
        }
    });
}

#[test]
fn writers_get_in_although_readers_and_writers_keep_coming() {
    within(LIMIT, || {
        for lock in &locks() {
            let stop = AtomicBool::new(false);
            thread::scope(|s| {
                let _stop = Stop(&stop);
                for seed in 0..4 {
                    let stop = &stop;
                    s.spawn(move || {
                        while !stop.load(Relaxed) {
                            if seed == 0 {
                                *lock.lock() += 1;
                            } else {
                                drop(lock.rlock());
                            }
                        }
                    });
                }
                for _ in rounds(100) {
                    *lock.lock() += 1;
                    drop(lock.rlock());
                }
            });
            assert_free(lock);
        }
    });
}

// Release.

#[test]
fn a_reader_that_leaves_on_another_thread_wakes_the_writer() {
    within(LIMIT, || {
        for lock in &locks() {
            thread::scope(|s| {
                let reader = elsewhere(|| lock.rlock());
                let writer = queued(s, lock, || *lock.lock() = 1);
                assert!(!writer.is_finished());
                elsewhere(|| drop(reader));
                writer.join().unwrap();
            });
            assert_free(lock);
        }
    });
}

/// The reader leaves while the writer looks for readers, spins, or is about to sleep.
#[test]
fn a_reader_that_leaves_at_any_moment_wakes_the_writer() {
    within(LIMIT, || {
        let lock = RWMutex::new(0);
        warm(&lock);
        let mut dice = Dice::new(0);
        for _ in rounds(3000) {
            // Enough reads to make up for the write, so that the lock stays fast.
            read_often(&lock, 100);
            thread::scope(|s| {
                let reader = lock.rlock();
                s.spawn(|| *lock.lock() += 1);
                spin_for(Duration::from_micros(dice.roll(200)));
                drop(reader);
            });
        }
        assert_free(&lock);
    });
}

#[test]
fn a_guard_outlives_the_thread_that_locked() {
    within(LIMIT, || {
        for lock in &locks() {
            let mut readers: Vec<_> = (0..MANY).map(|_| elsewhere(|| lock.rlock())).collect();
            let mut dice = Dice::new(1);
            while let Some(reader) = take_any(&mut readers, &mut dice) {
                assert_read_locked(lock);
                elsewhere(|| drop(reader));
            }
            assert_free(lock);
        }
    });
}

#[test]
fn a_panic_releases_a_lock_of_any_speed() {
    within(LIMIT, || {
        for lock in &locks() {
            for _ in 0..MANY {
                panic_text(|| {
                    let _reader = lock.rlock();
                    panic_quietly("while reading")
                });
            }
            assert_free(lock);
        }
    });
}

#[test]
fn downgrade_leaves_a_reader_of_a_lock_of_any_speed() {
    within(LIMIT, || {
        for lock in &locks() {
            thread::scope(|s| {
                let writer = lock.lock();
                let other = queued(s, lock, || *lock.lock() += 1);
                let sleeper = queued(s, lock, || *lock.rlock());
                let reader = RWMutexWriteGuard::downgrade(writer);
                assert_eq!(sleeper.join().unwrap(), 0);
                assert!(lock.try_rlock().is_none() && lock.try_lock().is_none());
                assert!(!other.is_finished());
                drop(reader);
                other.join().unwrap();
            });
            warm(lock);
            let reader = RWMutexWriteGuard::downgrade(lock.lock());
            assert_read_locked(lock);
            read_often(lock, FOR_SLOTS);
            assert_read_locked(lock);
            drop(reader);
            assert_free(lock);
        }
    });
}

// Nested read locks.

#[test]
fn a_thread_reads_one_lock_more_often_than_it_has_slots() {
    within(LIMIT, || {
        for lock in &locks() {
            let mut dice = Dice::new(2);
            for _ in rounds(20) {
                let mut readers: Vec<_> = (0..MANY).map(|_| lock.rlock()).collect();
                while let Some(reader) = take_any(&mut readers, &mut dice) {
                    assert!(lock.try_lock().is_none());
                    drop(reader);
                }
                assert!(lock.try_lock().is_some());
            }
            assert_free(lock);
        }
    });
}

#[test]
fn a_thread_reads_more_locks_than_it_has_slots() {
    within(LIMIT, || {
        let locks: Vec<_> = (0..MANY).map(RWMutex::new).collect();
        locks.iter().for_each(warm);
        let mut dice = Dice::new(3);
        for _ in rounds(20) {
            let mut readers: Vec<_> = locks.iter().map(RWMutex::rlock).collect();
            while let Some(reader) = take_any(&mut readers, &mut dice) {
                let lock = &locks[*reader];
                assert!(lock.try_lock().is_none());
                drop(reader);
                assert!(lock.try_lock().is_some());
                take_up_slots(lock);
            }
        }
        locks.iter().for_each(assert_free);
    });
}

#[test]
fn a_writer_asks_for_each_of_a_hundred_locks_that_one_thread_reads() {
    within(LIMIT, || {
        let n = if cfg!(miri) { 10 } else { 100 };
        let locks: Vec<_> = (0..n).map(RWMutex::new).collect();
        locks.iter().for_each(take_up_slots);
        locks.iter().step_by(10).for_each(warm);
        let mut readers: Vec<_> = locks.iter().map(RWMutex::rlock).collect();
        locks.iter().for_each(assert_read_locked);
        let mut dice = Dice::new(4);
        while let Some(reader) = take_any(&mut readers, &mut dice) {
            let lock = &locks[*reader];
            thread::scope(|s| {
                let writer = queued(s, lock, || *lock.lock() += 1000);
                assert!(lock.try_rlock().is_none() && !writer.is_finished());
                drop(reader);
                writer.join().unwrap();
            });
            assert_free(lock);
        }
    });
}

// Threads that end.

struct AtExit(Cell<Option<Box<dyn FnOnce()>>>);

impl Drop for AtExit {
    fn drop(&mut self) {
        if let Some(f) = self.0.take() {
            f();
        }
    }
}

thread_local! {
    static AT_EXIT: AtExit = const { AtExit(Cell::new(None)) };
    static KEPT: RefCell<Vec<RWMutexReadGuard<'static, u32>>> = const { RefCell::new(Vec::new()) };
}

/// Reads and writes in every way that works on a lock that no other thread uses. Returns whether
/// everything went as it should. Does not panic: a panic at the end of a thread would end the process.
fn access(lock: &RWMutex<u32>) -> bool {
    let readers: Vec<_> = (0..MANY).map(|_| lock.rlock()).collect();
    let is_held = lock.is_locked() && lock.try_lock().is_none();
    drop(readers);
    let is_free = !lock.is_locked() && lock.try_lock().is_some();
    *lock.lock() += 1;
    is_held && is_free && lock.try_rlock().is_some()
}

/// Calls [`access`] at the end of a thread. Thread-local variables are dropped in the order of their
/// first use, or in the reverse order. So with `is_first` set and not set, the call comes once before
/// and once after the crate's own variables are dropped.
fn access_at_exit(lock: Arc<RWMutex<u32>>, is_first: bool) -> bool {
    let went_well = Arc::new(AtomicBool::new(false));
    elsewhere(|| {
        if is_first {
            AT_EXIT.with(|_| ());
        }
        drop(lock.rlock());
        let went_well = Arc::clone(&went_well);
        AT_EXIT.with(|at_exit| {
            let access = move || went_well.store(access(&lock), Relaxed);
            at_exit.0.set(Some(Box::new(access)));
        });
    });
    went_well.load(Relaxed)
}

#[test]
fn a_thread_that_ends_takes_locks() {
    within(LIMIT, || {
        for lock in locks().map(Arc::new) {
            for _ in rounds(20) {
                for is_first in [true, false] {
                    take_up_slots(&lock);
                    assert!(access_at_exit(Arc::clone(&lock), is_first));
                    assert_free(&lock);
                }
            }
        }
    });
}

#[test]
fn a_thread_that_ends_takes_its_first_lock() {
    within(LIMIT, || {
        for lock in locks().map(Arc::new) {
            let went_well = Arc::new(AtomicBool::new(false));
            elsewhere(|| {
                let (lock, went_well) = (Arc::clone(&lock), Arc::clone(&went_well));
                AT_EXIT.with(|at_exit| {
                    let access = move || went_well.store(access(&lock), Relaxed);
                    at_exit.0.set(Some(Box::new(access)));
                });
            });
            assert!(went_well.load(Relaxed));
            assert_free(&lock);
        }
    });
}

#[test]
fn a_thread_that_ends_drops_its_guards() {
    static LOCKS: [RWMutex<u32>; 3] = [const { RWMutex::new(0) }; 3];

    within(LIMIT, || {
        prepare(&LOCKS);
        for lock in &LOCKS {
            for is_first in [true, false] {
                elsewhere(|| {
                    if is_first {
                        KEPT.with(|_| ());
                    }
                    (0..3).for_each(|_| drop(lock.rlock()));
                    KEPT.with_borrow_mut(|kept| kept.extend((0..MANY).map(|_| lock.rlock())));
                    assert!(lock.try_lock().is_none());
                });
                assert_free(lock);
            }
        }
    });
}

#[test]
fn threads_come_and_go_and_leave_read_locks_behind() {
    within(LIMIT, || {
        let shared = RWMutex::new(0);
        let taken = AtomicU32::new(0);
        thread::scope(|s| {
            for seed in 0..3 {
                let (shared, taken) = (&shared, &taken);
                s.spawn(move || {
                    let mut dice = Dice::new(seed);
                    for _ in rounds(200) {
                        take_up_slots(shared);
                        let kept = elsewhere(|| {
                            let mine = RWMutex::new(0);
                            take_up_slots(&mine);
                            forget(mine.rlock());
                            // It must not matter whether the lock is dropped before its thread ends, or
                            // never.
                            if dice.roll(2) == 0 {
                                forget(mine);
                            }
                            shared.rlock()
                        });
                        assert!(shared.try_lock().is_none());
                        drop(kept);
                        *shared.lock() += 1;
                        taken.fetch_add(1, Relaxed);
                    }
                });
            }
        });
        assert_free(&shared);
        assert_eq!(shared.into_inner(), taken.into_inner());
    });
}

// Guards that are forgotten.

#[test]
fn a_lock_with_a_forgotten_reader_stays_held_when_it_moves() {
    within(LIMIT, || {
        for lock in locks() {
            forget(lock.rlock());
            assert_read_locked(&lock);
            let mut pair = [lock, RWMutex::new(7)];
            warm(&pair[1]);
            pair.swap(0, 1);
            assert_free(&pair[0]);
            assert_read_locked(&pair[1]);
            let moved = Box::new(pair);
            assert_free(&moved[0]);
            assert_read_locked(&moved[1]);
            assert!(moved[1].try_lock_for(SHORT).is_none());
            let [free, held] = *moved;
            drop(held);
            assert_free(&free);
        }
    });
}

#[test]
fn a_new_lock_at_the_address_of_one_with_a_forgotten_reader_is_free() {
    within(LIMIT, || {
        let mut place = Box::new(RWMutex::new(0));
        let address = place.data_ptr();
        for round in rounds(1000) {
            take_up_slots(&place);
            match round % 3 {
                0 => forget(place.rlock()),
                1 => (0..MANY).for_each(|_| forget(place.rlock())),
                _ => elsewhere(|| forget(place.rlock())),
            }
            assert!(place.try_lock().is_none());
            // Drops the old lock and puts the new one at the same address.
            *place = RWMutex::new(round);
            assert_eq!(place.data_ptr(), address);
            assert!(!place.is_locked());
            *place.lock() += 1;
            if round % 16 == 0 {
                take_up_slots(&place);
                assert_free(&*place);
            }
        }
    });
}

#[test]
fn a_thousand_forgotten_readers_harm_no_other_lock() {
    within(LIMIT, || {
        let other = RWMutex::new(0);
        warm(&other);
        let mut forgotten = Vec::new();
        for round in rounds(1000) {
            let lock = RWMutex::new(0);
            take_up_slots(&lock);
            forget(lock.rlock());
            // Most locks are dropped at once. The others keep slots of this thread filled.
            if round % 10 == 0 {
                forgotten.push(lock);
            }
            assert!(other.try_lock().is_some());
            assert!(other.try_rlock().is_some());
        }
        assert_free(&other);
        forgotten.iter().for_each(assert_read_locked);
        warm(&other);
        assert!(access(&other));
        // The slots are free again and work.
        drop(forgotten);
        warm(&other);
        assert!(access(&other));
        assert_free(&other);
    });
}

// Attempts that give up.

#[test]
fn a_writer_that_gives_up_on_a_reader_leaves_no_trace() {
    within(LIMIT, || {
        for lock in &locks() {
            let reader = elsewhere(|| lock.rlock());
            for timeout in [Duration::ZERO, SHORT, 3 * SHORT] {
                assert!(lock.try_lock_for(timeout).is_none());
                assert!(lock.try_lock().is_none());
                let read = || {
                    for _ in 0..FOR_SLOTS {
                        drop(lock.try_rlock().expect("no writer waits"));
                    }
                };
                read();
                elsewhere(read);
                assert_read_locked(lock);
            }
            drop(reader);
            assert_free(lock);
        }
    });
}

#[test]
fn a_writer_that_gives_up_on_a_reader_lets_others_in_at_once() {
    within(LIMIT, || {
        for lock in &locks() {
            thread::scope(|s| {
                let reader = lock.rlock();
                let impatient = queued(s, lock, || lock.try_lock_for(A_WHILE).is_none());
                let held_back = [(); 3].map(|()| queued(s, lock, || drop(lock.rlock())));
                assert!(impatient.join().unwrap());
                for thread in held_back {
                    thread.join().unwrap();
                }
                assert_read_locked(lock);
                drop(reader);
            });
            assert_free(lock);
        }
    });
}

/// The next writer finds the lock as the one before has left it, and must pass the same barrier.
#[test]
fn a_writer_waits_for_a_reader_after_others_have_given_up() {
    within(LIMIT, || {
        for lock in &locks() {
            thread::scope(|s| {
                let reader = lock.rlock();
                let impatient = queued(s, lock, || lock.try_lock_for(A_WHILE).is_none());
                let patient = queued(s, lock, || lock.try_lock_for(AGES).is_some());
                assert!(impatient.join().unwrap());
                assert!(!patient.is_finished());
                assert!(lock.try_rlock().is_none());
                drop(reader);
                assert!(patient.join().unwrap());
            });
            assert_free(lock);
        }
    });
}

#[test]
fn attempts_to_write_fail_all_the_time_and_readers_never() {
    within(LIMIT, || {
        for lock in &locks() {
            let _reader = lock.rlock();
            let stop = AtomicBool::new(false);
            thread::scope(|s| {
                let _stop = Stop(&stop);
                s.spawn(|| {
                    while !stop.load(Relaxed) {
                        assert!(lock.try_lock().is_none());
                    }
                });
                for _ in rounds(20_000) {
                    assert!(lock.try_rlock().is_some(), "no writer ever waits");
                }
            });
        }
    });
}

// Inspection.

#[test]
fn inspection_sees_the_readers_and_the_writer_of_a_lock_of_any_speed() {
    const DATA: &str = "RWMutex { data: 0, .. }";
    const LOCKED: &str = "RWMutex { data: <locked>, .. }";

    let assert_seen = |lock: &RWMutex<u32>, locked, exclusive, text| {
        let check = || {
            assert_eq!(lock.is_locked(), locked);
            assert_eq!(lock.is_locked_exclusive(), exclusive);
            assert_eq!(format!("{lock:?}"), text);
        };
        check();
        elsewhere(check);
    };
    within(LIMIT, move || {
        for lock in &locks() {
            assert_seen(lock, false, false, DATA);
            let reader = lock.rlock();
            assert_seen(lock, true, false, DATA);
            thread::scope(|s| {
                queued(s, lock, || drop(lock.lock()));
                assert_seen(lock, true, false, LOCKED);
                drop(reader);
            });
            warm(lock);
            let writer = lock.lock();
            assert_seen(lock, true, true, LOCKED);
            let reader = RWMutexWriteGuard::downgrade(writer);
            assert_seen(lock, true, false, DATA);
            drop(reader);
            assert_seen(lock, false, false, DATA);
        }
    });
}

// Many locks.

#[test]
fn ten_thousand_locks_take_up_slots_one_after_the_other() {
    within(LIMIT, || {
        let new = || Box::new(RWMutex::new(0));
        let mut locks: Vec<_> = (0..16).map(|_| new()).collect();
        let mut dice = Dice::new(5);
        for round in rounds(10_000) {
            let lock = &mut locks[dice.roll(16) as usize];
            // Another one of the locks may get the identity of the old lock.
            *lock = new();
            take_up_slots(lock);
            read_often(lock, 900);
            if round % 8 == 0 {
                assert!(access(lock));
            }
        }
        assert!(locks.iter().all(|lock| access(lock)));
    });
}
