//! Many threads use one lock with all of its operations.

use crate::support::{Activity, Dice, LIMIT, Stop, elsewhere, rounds, within};
use gosync::{RWMutex, RWMutexReadGuard, RWMutexWriteGuard};
use std::mem::forget;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::Duration;

/// The data under the lock. Both halves are the number of writes, except in the middle of one.
type Halves = (u64, u64);

struct Arena {
    lock: RWMutex<Halves>,
    activity: Activity,
    writes: AtomicU64,
}

impl Arena {
    fn new() -> Self {
        Self {
            lock: RWMutex::new((0, 0)),
            activity: Activity::default(),
            writes: AtomicU64::new(0),
        }
    }

    fn read(&self, guard: RWMutexReadGuard<'_, Halves>, dice: &mut Dice) {
        self.activity.read(|| {
            let first = guard.0;
            if dice.roll(8) == 0 {
                thread::yield_now();
            }
            assert_eq!(first, guard.1, "read in the middle of a write");
        });
    }

    fn write(&self, guard: &mut RWMutexWriteGuard<'_, Halves>, dice: &mut Dice) {
        self.activity.write(|| {
            guard.0 += 1;
            if dice.roll(8) == 0 {
                thread::yield_now();
            }
            guard.1 += 1;
            assert_eq!(guard.0, guard.1, "two writes at once");
        });
        self.writes.fetch_add(1, Relaxed);
    }

    /// Does one operation, chosen by `dice`.
    fn act(&self, dice: &mut Dice) {
        let lock = &self.lock;
        let timeout = Duration::from_micros(dice.roll(200));
        let reader = match dice.roll(12) {
            0..3 => Some(lock.rlock()),
            3 => lock.try_rlock(),
            4 => lock.try_rlock_for(timeout),
            5 => {
                let mut writer = lock.lock();
                self.write(&mut writer, dice);
                Some(RWMutexWriteGuard::downgrade(writer))
            }
            6 => {
                let half = RWMutexReadGuard::map(lock.rlock(), |halves| &halves.0);
                self.activity
                    .read(|| assert!(*half <= self.writes.load(Relaxed) + 1));
                None
            }
            kind => {
                let writer = match kind {
                    7..10 => Some(lock.lock()),
                    10 => lock.try_lock(),
                    _ => lock.try_lock_for(timeout),
                };
                if let Some(mut writer) = writer {
                    self.write(&mut writer, dice);
                }
                None
            }
        };
        if let Some(reader) = reader {
            self.read(reader, dice);
        }
    }

    /// Asserts that no thread has left a trace, and no write is lost.
    fn assert_at_rest(&self) {
        assert!(!self.lock.is_locked());
        let writes = self.writes.load(Relaxed);
        assert_eq!(
            *self.lock.try_lock().expect("no guard is left"),
            (writes, writes)
        );
        assert_eq!(
            *self.lock.try_rlock().expect("no guard is left"),
            (writes, writes)
        );
    }
}

#[test]
fn sixty_four_threads_mix_all_operations() {
    within(LIMIT, || {
        let arena = Arena::new();
        thread::scope(|s| {
            for seed in 0..64 {
                let arena = &arena;
                s.spawn(move || {
                    let mut dice = Dice::new(seed);
                    for _ in rounds(500) {
                        arena.act(&mut dice);
                    }
                });
            }
        });
        arena.assert_at_rest();
    });
}

#[test]
fn a_few_threads_mix_all_operations_for_long() {
    within(LIMIT, || {
        let arena = Arena::new();
        thread::scope(|s| {
            for seed in 0..3 {
                let arena = &arena;
                s.spawn(move || {
                    let mut dice = Dice::new(seed);
                    for _ in rounds(30_000) {
                        arena.act(&mut dice);
                    }
                });
            }
        });
        arena.assert_at_rest();
    });
}

/// Attempts with short timeouts give up in whatever state they are. Patient threads still get the lock.
#[test]
fn constant_timeouts_do_not_block_other_threads() {
    within(LIMIT, || {
        let arena = Arena::new();
        let stop = AtomicBool::new(false);
        thread::scope(|s| {
            let arena = &arena;
            for seed in 0..8 {
                let stop = &stop;
                s.spawn(move || {
                    let mut dice = Dice::new(seed);
                    while !stop.load(Relaxed) {
                        let timeout = Duration::from_micros(dice.roll(300));
                        if seed % 2 == 0 {
                            drop(arena.lock.try_lock_for(timeout));
                        } else {
                            drop(arena.lock.try_rlock_for(timeout));
                        }
                    }
                });
            }
            let _stop = Stop(&stop);
            let patient = [0, 1, 2].map(|seed| {
                s.spawn(move || {
                    let mut dice = Dice::new(seed);
                    for _ in rounds(300) {
                        arena.write(&mut arena.lock.lock(), &mut dice);
                        arena.read(arena.lock.rlock(), &mut dice);
                        if dice.roll(4) == 0 {
                            let reader = arena.lock.rlock();
                            // Long enough for writers to fall asleep and to give up.
                            thread::sleep(Duration::from_micros(dice.roll(400)));
                            drop(reader);
                        }
                    }
                })
            });
            for thread in patient {
                thread.join().unwrap();
            }
        });
        arena.assert_at_rest();
    });
}

#[test]
fn guards_travel_between_threads_all_the_time() {
    within(LIMIT, || {
        enum Guard<'a> {
            Read(RWMutexReadGuard<'a, Halves>),
            Write(RWMutexWriteGuard<'a, Halves>),
        }

        let arena = Arena::new();
        let (to_dropper, from_lockers) = mpsc::channel();
        let from_lockers = Mutex::new(from_lockers);
        thread::scope(|s| {
            let (arena, from_lockers) = (&arena, &from_lockers);
            for seed in 0..3 {
                let to_dropper = to_dropper.clone();
                s.spawn(move || {
                    let mut dice = Dice::new(seed);
                    for _ in rounds(2000) {
                        let guard = if dice.roll(4) == 0 {
                            Guard::Write(arena.lock.lock())
                        } else {
                            Guard::Read(arena.lock.rlock())
                        };
                        to_dropper.send(guard).unwrap();
                    }
                });
            }
            for seed in 3..5 {
                s.spawn(move || {
                    let mut dice = Dice::new(seed);
                    let next = || from_lockers.lock().unwrap().recv();
                    while let Ok(guard) = next() {
                        match guard {
                            Guard::Read(reader) => arena.read(reader, &mut dice),
                            Guard::Write(mut writer) => arena.write(&mut writer, &mut dice),
                        }
                    }
                });
            }
            drop(to_dropper);
        });
        arena.assert_at_rest();
    });
}

/// Threads begin and end all the time, and so do the owners of what a lock keeps for each thread.
#[test]
fn threads_come_and_go() {
    within(LIMIT, || {
        let arena = Arena::new();
        thread::scope(|s| {
            for seed in 0..4 {
                let arena = &arena;
                s.spawn(move || {
                    for round in rounds(200) {
                        elsewhere(|| {
                            let mut dice = Dice::new(seed + 4 * round);
                            // The end of the thread does not release this read lock.
                            forget(RWMutex::new(()).rlock());
                            (0..5).for_each(|_| arena.act(&mut dice));
                        });
                    }
                });
            }
        });
        arena.assert_at_rest();
    });
}

#[test]
fn many_locks_are_used_at_once() {
    within(LIMIT, || {
        let locks: Vec<_> = (0..32).map(|_| RWMutex::new(0)).collect();
        let writes = AtomicU64::new(0);
        thread::scope(|s| {
            for seed in 0..8 {
                let (locks, writes) = (&locks, &writes);
                s.spawn(move || {
                    let mut dice = Dice::new(seed);
                    for _ in rounds(2000) {
                        // Locks in ascending order, so that no two threads wait for each other.
                        let low = dice.roll(31) as usize;
                        let high = low + 1 + dice.roll(31 - low as u64) as usize;
                        let from = locks[low].rlock();
                        let mut to = locks[high].lock();
                        *to += 1;
                        let so_far = writes.fetch_add(1, Relaxed);
                        assert!(*from <= so_far + 8);
                    }
                });
            }
        });
        let total: u64 = locks.into_iter().map(RWMutex::into_inner).sum();
        assert_eq!(total, writes.into_inner());
    });
}
