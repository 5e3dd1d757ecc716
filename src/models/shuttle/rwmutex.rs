//! Models of `RawRWMutex`.

use super::super::lock::Lock;
use super::super::{Model, witness};
use super::{adjust, check, join, one_of, spawn};
use crate::raw_rwmutex::{ReadToken, UpgradableToken};
use crate::readers;
use crate::speed::Speed;
use shuttle::rand::{Rng, thread_rng};
use shuttle::sync::{Arc, Mutex};
use shuttle::thread::JoinHandle;

impl Lock {
    /// Returns a new lock, either at *counted* or at the speed that was drawn.
    fn new() -> Arc<Self> {
        Self::at(one_of([Speed::Counted, Model::current().speed]))
    }

    /// Writes, and downgrades to a read lock.
    fn write_and_keep(&self) -> ReadToken {
        self.lock();
        self.increment();
        let written = self.get();
        let token = self.downgrade();
        assert_eq!(self.get(), written, "a writer entered at a downgrade");
        token
    }

    /// Asserts that all threads have ended and given back their blocks, and that the lock is idle after
    /// `writes`.
    fn assert_left(&self, writes: usize) {
        assert!(readers::models::all_threads_have_exited());
        self.assert_idle(writes);
    }
}

/// Runs `body` on `count` threads.
fn crew<T: Send + 'static>(
    lock: &Arc<Lock>,
    count: usize,
    body: fn(&Lock) -> T,
) -> Vec<JoinHandle<T>> {
    let lock = Arc::clone(lock);
    spawn(count, move |_| body(&lock))
}

#[test]
fn readers_and_writers_exclude_each_other() {
    check(|| {
        let lock = Lock::new();
        let writers = crew(&lock, 3, |lock| {
            for _ in 0..2 {
                lock.write();
            }
        });
        let readers = crew(&lock, 5, |lock| {
            for _ in 0..3 {
                lock.read();
            }
        });
        join(writers);
        join(readers);
        lock.assert_left(6);
    });
}

#[test]
fn exclusion_while_the_speed_changes() {
    check(|| {
        adjust(|model| model.speed = one_of([Speed::Slots, Speed::Quiet]));
        let lock = Lock::at(Model::current().speed);
        let look = |lock: &Lock| {
            lock.write();
            let is_counted = lock.raw.speed() == Speed::Counted;
            lock.read();
            lock.read();
            let is_raised = is_counted && lock.raw.speed() > Speed::Counted;
            lock.write();
            is_raised
        };
        let both = crew(&lock, 3, look);
        let readers = crew(&lock, 4, |lock| {
            for _ in 0..3 {
                lock.read();
            }
        });
        witness(join(both).contains(&true));
        join(readers);
        lock.assert_left(6);
    });
}

/// Prices decide how fast a lock is, never whether it is correct. So each price is drawn anew at each use,
/// from zero up to a huge one.
#[test]
fn with_any_prices_a_lock_is_right() {
    check(|| {
        adjust(|model| {
            model.limit = Speed::Quiet;
            model.any_prices = true;
        });
        let lock = Lock::new();
        let writers = crew(&lock, 3, |lock| {
            let before = lock.raw.speed();
            lock.write();
            let has_changed = lock.raw.speed() != before;
            let timed = usize::from(lock.write_timed());
            (1 + timed, has_changed)
        });
        let readers = crew(&lock, 4, |lock| {
            for _ in 0..4 {
                lock.read();
            }
        });
        let writers = join(writers);
        join(readers);
        witness(writers.iter().any(|(_, has_changed)| *has_changed));
        lock.assert_left(writers.iter().map(|(writes, _)| writes).sum());
    });
}

#[test]
fn attempts_give_up_at_any_moment() {
    check(|| {
        let lock = Lock::new();
        let writers = crew(&lock, 2, Lock::write);
        let readers = crew(&lock, 2, Lock::read);
        let timed_writers = crew(&lock, 3, |lock| {
            let attempt = || lock.write_timed();
            usize::from(attempt()) + usize::from(attempt())
        });
        let timed_readers = crew(&lock, 2, |lock| {
            let attempt = || lock.read_timed();
            usize::from(attempt()) + usize::from(attempt())
        });
        let hasty = crew(&lock, 1, |lock| {
            lock.try_to_read();
            usize::from(lock.write_if(lock.try_lock()))
        });
        join(writers);
        join(readers);
        let timed: usize = join(timed_writers).iter().sum();
        let read: usize = join(timed_readers).iter().sum();
        witness(0 < timed && timed < 6 && read < 4);
        let hasty: usize = join(hasty).iter().sum();
        lock.assert_left(2 + timed + hasty);
    });
}

#[test]
fn writers_give_up_beside_readers() {
    check(|| {
        // So little that a writer that waits for the slots uses it up, even if it then gives up.
        adjust(|model| model.credit = one_of([0, 1]));
        let lock = Lock::at(Model::current().speed);
        let attempts = crew(&lock, 4, |lock| {
            let attempt = || lock.write_timed();
            usize::from(attempt()) + usize::from(attempt())
        });
        let counted_reader = crew(&lock, 1, |lock| {
            let token = lock.write_and_keep();
            lock.read_with(Some(token));
        });
        let readers = crew(&lock, 4, |lock| {
            lock.read();
            lock.read();
        });
        let writes: usize = join(attempts).iter().sum();
        witness(writes < 8);
        join(counted_reader);
        join(readers);
        lock.assert_left(writes + 1);
    });
}

#[test]
fn downgrades_keep_writers_out() {
    check(|| {
        let lock = Lock::new();
        let keepers = crew(&lock, 3, |lock| {
            let token = lock.write_and_keep();
            lock.runlock(token);
            lock.read();
        });
        let writers = crew(&lock, 2, Lock::write);
        let readers = crew(&lock, 3, |lock| {
            lock.read();
            lock.read();
        });
        join(keepers);
        join(writers);
        join(readers);
        lock.assert_left(5);
    });
}

#[test]
fn reads_are_ended_on_other_threads() {
    check(|| {
        let lock = Lock::new();
        let writers = crew(&lock, 3, Lock::write);
        let (at_work, post) = (Arc::clone(&lock), Arc::new(Mutex::new(Vec::new())));
        let readers = spawn(5, move |index| {
            let token = match index {
                0 => at_work.write_and_keep(),
                _ => at_work.raw.rlock(),
            };
            at_work.get();
            let token = {
                let mut post = post.lock().unwrap();
                post.push(token);
                let any = thread_rng().gen_range(0..post.len());
                post.swap_remove(any)
            };
            at_work.runlock(token);
            at_work.read();
        });
        join(writers);
        join(readers);
        lock.assert_left(4);
    });
}

#[test]
fn writes_are_ended_on_other_threads() {
    check(|| {
        let lock = Lock::new();
        let at_work = Arc::clone(&lock);
        let writers = spawn(3, move |_| {
            at_work.lock();
            at_work.increment();
            crew(&at_work, 1, Lock::unlock)
        });
        let readers = crew(&lock, 3, Lock::read);
        join(join(writers).into_iter().flatten());
        join(readers);
        lock.assert_left(3);
    });
}

#[test]
fn blocks_change_hands_with_reads_in_them() {
    check(|| {
        let lock = Lock::new();
        let writers = crew(&lock, 3, Lock::write);
        let at_work = Arc::clone(&lock);
        let starters = spawn(3, move |_| {
            for _ in 0..2 {
                // The thread ends with a read in its block, which another thread may then get.
                for token in join(crew(&at_work, 1, |lock| lock.raw.rlock())) {
                    at_work.read_with(Some(token));
                }
            }
            at_work.read();
        });
        join(writers);
        join(starters);
        lock.assert_left(3);
    });
}

#[test]
fn nested_reads_overflow_the_slots() {
    check(|| {
        let locks = [(); 4].map(|()| Lock::new());
        let nested = locks.clone();
        let readers = spawn(4, move |_| {
            // The second read of a lock must not wait: a writer may already be waiting for the first to end.
            let tokens = nested
                .each_ref()
                .map(|lock| (lock.raw.rlock(), lock.raw.try_rlock()));
            for (lock, (token, second)) in nested.iter().zip(tokens) {
                lock.read_with(second);
                lock.read_with(Some(token));
            }
        });
        let written = locks.clone();
        let writers = spawn(3, move |_| written.iter().for_each(|lock| lock.write()));
        join(readers);
        join(writers);
        locks.iter().for_each(|lock| lock.assert_left(3));
    });
}

#[test]
fn identities_go_from_lock_to_lock() {
    check(|| {
        let lock = Lock::new();
        let at_work = Arc::clone(&lock);
        let threads = spawn(6, move |_| {
            for _ in 0..2 {
                let own = Lock::new();
                own.write();
                at_work.read();
                own.read();
                // The drop of the lock must empty the slot. Otherwise the next lock with this identity would
                // wait for it forever.
                let _forgotten = own.raw.rlock();
            }
            at_work.write();
        });
        join(threads);
        lock.assert_left(6);
    });
}

#[test]
fn upgrades_come_before_other_writes() {
    check(|| {
        let lock = Lock::new();
        let upgradables = crew(&lock, 3, |lock| {
            lock.read_and_write();
            lock.read_upgradable();
        });
        let timed = crew(&lock, 2, |lock| {
            lock.read_upgradable_timed();
            let token = lock.raw.lock_upgradable();
            let seen = lock.get();
            let (token, has_written) = match lock.upgrade_timed(token) {
                Ok(()) => {
                    lock.increment();
                    (lock.downgrade_to_upgradable(), 1)
                }
                Err(token) => (token, 0),
            };
            assert_eq!(lock.get(), seen + has_written, "a writer came between");
            let token = lock.downgrade_upgradable(token);
            lock.runlock(token);
            has_written
        });
        let writers = crew(&lock, 2, |lock| {
            lock.write();
            usize::from(lock.write_timed())
        });
        let readers = crew(&lock, 2, |lock| {
            lock.read();
            lock.read_timed();
        });
        join(upgradables);
        let upgraded: usize = join(timed).iter().sum();
        let written: usize = join(writers).iter().sum();
        join(readers);
        witness(upgraded < 2);
        lock.assert_left(3 + upgraded + 2 + written);
    });
}

#[test]
fn fair_unlocks_lose_no_wake_up() {
    check(|| {
        let lock = Lock::new();
        let fair = crew(&lock, 3, |lock| {
            lock.lock();
            lock.increment();
            lock.unlock_fair();
            let token = lock.raw.lock_upgradable();
            // SAFETY: the token is that of the upgradable read lock.
            unsafe { lock.raw.unlock_upgradable_fair(token) };
        });
        let others = crew(&lock, 3, |lock| {
            lock.read_and_write();
            usize::from(lock.write_timed())
        });
        let readers = crew(&lock, 2, |lock| {
            lock.read();
            lock.read_timed();
        });
        join(fair);
        let timed: usize = join(others).iter().sum();
        join(readers);
        witness(timed < 3);
        lock.assert_left(6 + timed);
    });
}

/// Draws at random what a thread does with a lock: how it enters, and how it leaves, upgrades or downgrades.
mod anything {
    use super::*;

    /// Runs a few random operations. Returns the number of writes, as the functions below do.
    pub fn happens(lock: &Lock) -> usize {
        (0..draw(1..4)).map(|_| one_thing(lock)).sum()
    }

    fn draw(range: std::ops::Range<u32>) -> u32 {
        thread_rng().gen_range(range)
    }

    fn one_thing(lock: &Lock) -> usize {
        let now = std::time::Instant::now();
        match draw(0..8) {
            0 => {
                lock.lock();
                leave_as_writer(lock)
            }
            1 => try_as_writer(lock, lock.try_lock()),
            2 => usize::from(lock.write_timed()),
            3 => leave_as_reader(lock, lock.raw.rlock()),
            4 => {
                let token = lock.raw.try_rlock_until(Some(now));
                token.map_or(0, |token| leave_as_reader(lock, token))
            }
            5 => leave_as_upgradable(lock, lock.raw.lock_upgradable()),
            6 => try_as_upgradable(lock, lock.raw.try_lock_upgradable()),
            _ => try_as_upgradable(lock, lock.raw.try_lock_upgradable_until(Some(now))),
        }
    }

    fn try_as_writer(lock: &Lock, is_in: bool) -> usize {
        if is_in { leave_as_writer(lock) } else { 0 }
    }

    fn try_as_upgradable(lock: &Lock, token: Option<UpgradableToken>) -> usize {
        token.map_or(0, |token| leave_as_upgradable(lock, token))
    }

    fn stay(lock: &Lock) {
        let value = lock.get();
        (0..draw(0..3)).for_each(|_| super::super::pause());
        assert_eq!(lock.get(), value, "a writer came between");
    }

    fn leave_as_reader(lock: &Lock, token: ReadToken) -> usize {
        stay(lock);
        lock.runlock(token);
        0
    }

    fn leave_as_writer(lock: &Lock) -> usize {
        lock.increment();
        stay(lock);
        1 + match draw(0..5) {
            0..2 => {
                lock.unlock();
                0
            }
            2 => {
                lock.unlock_fair();
                0
            }
            3 => leave_as_reader(lock, lock.downgrade()),
            _ => leave_as_upgradable(lock, lock.downgrade_to_upgradable()),
        }
    }

    fn leave_as_upgradable(lock: &Lock, token: UpgradableToken) -> usize {
        stay(lock);
        let value = lock.get();
        let upgraded = match draw(0..6) {
            0 => {
                lock.unlock_upgradable(token);
                return 0;
            }
            1 => {
                // SAFETY: the token is that of the upgradable read lock.
                unsafe { lock.raw.unlock_upgradable_fair(token) };
                return 0;
            }
            2 => return leave_as_reader(lock, lock.downgrade_upgradable(token)),
            3 => {
                lock.upgrade(token);
                Ok(())
            }
            4 => lock.try_upgrade(token),
            _ => lock.upgrade_timed(token),
        };
        assert_eq!(lock.get(), value, "a writer came before an upgrade");
        match upgraded {
            Ok(()) => leave_as_writer(lock),
            Err(token) => leave_as_upgradable(lock, token),
        }
    }
}

#[test]
fn random_operations_exclude_writers() {
    check(|| {
        if one_of([false, true]) {
            adjust(|model| {
                model.limit = Speed::Quiet;
                model.any_prices = true;
            });
        }
        let lock = Lock::new();
        let writes = join(crew(&lock, one_of([2, 3, 4, 6]), anything::happens));
        lock.assert_left(writes.iter().sum());
    });
}
