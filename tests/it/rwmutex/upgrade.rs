//! Clause 9: an upgradable reader reads beside other readers, and what it has read is still true when it
//! writes.

use crate::support::{AGES, LIMIT, asleep, assert_free, queued, rounds, within};
use gosync::{RWMutex, RWMutexUpgradableReadGuard, RWMutexWriteGuard, RwLock, WaitGroup, go};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

type Upgradable<'a, T> = RWMutexUpgradableReadGuard<'a, T>;

const SHORT: Duration = Duration::from_millis(5);

/// Long enough for other threads to fall asleep, even on a busy machine.
const LONG: Duration = Duration::from_secs(1);

#[test]
fn readers_share_the_lock_with_an_upgradable_reader() {
    let lock = RWMutex::new(1);
    let upgradable = lock.rlock_upgradable();
    assert_eq!(*lock.rlock() + *upgradable, 2);
    assert!(lock.try_rlock_upgradable().is_none());
    assert!(lock.try_lock().is_none());
    assert!(lock.is_locked() && !lock.is_locked_exclusive());
    drop(upgradable);
    assert_free(&lock);
}

#[test]
fn an_upgrade_waits_for_the_readers_inside() {
    within(LIMIT, || {
        let lock = RWMutex::new(0);
        let upgradable = lock.rlock_upgradable();
        let reader = lock.rlock();
        thread::scope(|s| {
            let upgrade = queued(s, &lock, || *Upgradable::upgrade(upgradable) += 1);
            assert!(!upgrade.is_finished());
            assert!(lock.try_rlock().is_none(), "no later reader enters");
            assert_eq!(*reader, 0);
            drop(reader);
            upgrade.join().unwrap();
        });
        assert_eq!(*lock.rlock(), 1);
        assert_free(&lock);
    });
}

#[test]
fn an_upgrade_overtakes_a_waiting_writer() {
    within(LIMIT, || {
        let lock = RWMutex::new(Vec::new());
        let upgradable = lock.rlock_upgradable();
        thread::scope(|s| {
            queued(s, &lock, || lock.lock().push("writer"));
            let reader = queued(s, &lock, || lock.rlock().clone());
            assert!(!lock.is_locked_exclusive(), "the writer only waits");
            let mut writer = Upgradable::upgrade(upgradable);
            assert!(lock.is_locked_exclusive());
            writer.push("upgrade");
            drop(writer);
            assert_eq!(reader.join().unwrap(), ["upgrade", "writer"]);
        });
        assert_free(&lock);
    });
}

#[test]
fn a_writer_that_gives_up_leaves_the_lock_to_the_upgrade() {
    within(LIMIT, || {
        let lock = RWMutex::new(0);
        let upgradable = lock.rlock_upgradable();
        thread::scope(|s| {
            let writer = asleep(s, || lock.try_lock_for(LONG).is_none());
            let reader = queued(s, &lock, || *lock.rlock());
            let mut upgraded = Upgradable::upgrade(upgradable);
            assert!(writer.join().unwrap());
            assert!(!reader.is_finished() && lock.is_locked_exclusive());
            *upgraded += 1;
            drop(upgraded);
            assert_eq!(reader.join().unwrap(), 1);
        });
        assert_free(&lock);
    });
}

#[test]
fn readers_enter_beside_an_upgradable_reader_once_a_writer_times_out() {
    within(LIMIT, || {
        let lock = RWMutex::new(0);
        let upgradable = lock.rlock_upgradable();
        thread::scope(|s| {
            let writer = asleep(s, || lock.try_lock_for(LONG).is_none());
            let reader = queued(s, &lock, || *lock.rlock());
            assert_eq!(reader.join().unwrap(), 0);
            assert!(writer.join().unwrap());
        });
        drop(upgradable);
        assert_free(&lock);
    });
}

#[test]
fn an_upgrade_gives_up() {
    within(LIMIT, || {
        let lock = RWMutex::new(0);
        let upgradable = lock.rlock_upgradable();
        let reader = lock.rlock();
        let upgradable = Upgradable::try_upgrade(upgradable).unwrap_err();
        let begin = Instant::now();
        let upgradable = Upgradable::try_upgrade_for(upgradable, SHORT).unwrap_err();
        assert!(begin.elapsed() >= SHORT);
        let past = Instant::now();
        let upgradable = Upgradable::try_upgrade_until(upgradable, past).unwrap_err();
        assert!(lock.try_rlock().is_some() && lock.try_lock().is_none());
        drop(reader);
        *Upgradable::try_upgrade_for(upgradable, AGES).unwrap() += 1;
        assert_eq!(*lock.rlock(), 1);
        assert_free(&lock);
    });
}

#[test]
fn waiting_to_become_upgradable_times_out() {
    within(LIMIT, || {
        let lock = RWMutex::new(0);
        let upgradable = lock.rlock_upgradable();
        thread::scope(|s| {
            let timed = asleep(s, || lock.try_rlock_upgradable_for(SHORT).is_none());
            assert!(timed.join().unwrap());
            let waits = queued(s, &lock, || {
                *Upgradable::upgrade(lock.rlock_upgradable()) += 1
            });
            drop(upgradable);
            waits.join().unwrap();
        });
        assert_free(&lock);
    });
}

#[test]
fn a_waiting_upgradable_reader_is_admitted_with_the_readers() {
    within(LIMIT, || {
        let lock = RWMutex::new(0);
        let writer = lock.lock();
        thread::scope(|s| {
            let readers = [
                queued(s, &lock, || *lock.rlock_upgradable()),
                queued(s, &lock, || *lock.rlock()),
            ];
            queued(s, &lock, || *lock.lock() += 1);
            drop(writer);
            for reader in readers {
                assert_eq!(reader.join().unwrap(), 0);
            }
        });
        assert_free(&lock);
    });
}

#[test]
fn the_first_waiting_upgradable_reader_is_next() {
    within(LIMIT, || {
        let lock = RWMutex::new(Vec::new());
        let upgradable = lock.rlock_upgradable();
        thread::scope(|s| {
            let lock = &lock;
            for index in 0..4 {
                queued(s, lock, move || {
                    let mut guard = Upgradable::upgrade(lock.rlock_upgradable());
                    guard.push(index);
                    drop(RWMutexWriteGuard::downgrade_to_upgradable(guard));
                });
            }
            Upgradable::unlock_fair(upgradable);
        });
        // The first waiter is handed the lock. The others compete for it, but only with each other.
        assert_eq!(lock.rlock()[0], 0);
        assert_eq!(lock.rlock().len(), 4);
        assert_free(&lock);
    });
}

#[test]
fn a_goroutine_waiting_to_upgrade_releases_its_processor() {
    within(LIMIT, || {
        let lock = Arc::new(RWMutex::new(0));
        let upgradable = lock.rlock_upgradable();
        let wg = WaitGroup::new();
        for _ in 0..100 {
            let lock = Arc::clone(&lock);
            wg.go(move || *Upgradable::upgrade(lock.rlock_upgradable()) += 1);
        }
        assert_eq!(go(|| 7).join().unwrap(), 7);
        drop(upgradable);
        wg.wait();
        assert_eq!(*lock.rlock(), 100);
    });
}

#[test]
fn no_write_comes_between_a_read_and_its_upgrade() {
    within(LIMIT, || {
        let lock = RWMutex::new((0, 0));
        let add_one = |pair: &mut (u64, u64)| {
            pair.0 += 1;
            pair.1 += 1;
        };
        let upgrade = || {
            for _ in rounds(20_000) {
                let guard = lock.rlock_upgradable();
                let seen = *guard;
                let mut guard = Upgradable::upgrade(guard);
                assert_eq!(*guard, seen);
                add_one(&mut guard);
            }
        };
        thread::scope(|s| {
            for _ in 0..3 {
                s.spawn(upgrade);
            }
            s.spawn(|| {
                for _ in rounds(20_000) {
                    add_one(&mut lock.lock());
                    if let Some(mut guard) = lock.try_lock_for(Duration::from_micros(10)) {
                        add_one(&mut guard);
                        RWMutexWriteGuard::unlock_fair(guard);
                    }
                }
            });
            s.spawn(|| {
                for _ in rounds(20_000) {
                    let pair = *lock.rlock();
                    assert_eq!(pair.0, pair.1);
                }
            });
        });
        assert_free(&lock);
    });
}

#[test]
fn a_fair_unlock_lets_a_writer_go_first() {
    within(LIMIT, || {
        let lock = RWMutex::new(Vec::new());
        let mut first = lock.lock();
        thread::scope(|s| {
            let reader = queued(s, &lock, || lock.rlock().clone());
            queued(s, &lock, || lock.lock().push("next"));
            first.push("first");
            // Unlocks, and locks again behind the waiting writer.
            RWMutexWriteGuard::bump(&mut first);
            assert_eq!(*first, ["first", "next"]);
            assert_eq!(reader.join().unwrap(), ["first"]);
            RWMutexWriteGuard::unlock_fair(first);
        });
        assert_free(&lock);
    });
}

#[test]
fn parking_lots_names_do_the_same() {
    let lock = RwLock::new(1);
    let mut guard = lock.upgradable_read();
    assert!(lock.try_upgradable_read().is_none());
    assert_eq!(guard.with_upgraded(|value| std::mem::replace(value, 2)), 1);
    assert_eq!(*guard, 2);
    let guard = gosync::RwLockUpgradableReadGuard::downgrade(guard);
    assert!(lock.try_upgradable_read().is_some());
    assert_eq!(*guard, 2);
}

#[cfg(feature = "arc_lock")]
#[test]
fn a_guard_keeps_an_arc_of_its_lock() {
    use gosync::ArcRWMutexUpgradableReadGuard as Upgradable;

    let lock = Arc::new(RWMutex::new(1));
    let guard = lock.rlock_upgradable_arc();
    assert!(lock.try_rlock_upgradable().is_none());
    let mut guard = Upgradable::upgrade(guard);
    *guard += 1;
    assert!(lock.is_locked_exclusive());
    drop(guard);
    assert_eq!(*lock.rlock(), 2);
}
