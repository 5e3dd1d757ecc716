//! Models of `RawRWMutex`'s upgradable reader, and of its fair unlocks. In names such as `upgrade_2u_1w` the
//! numbers count upgradable readers that upgrade, writers, and readers.

use super::lock::Lock;
use super::threads::*;
use super::{Explored, Model, Timeouts, witness};

// Exclusion: what an upgradable reader has read is still true when it writes.

#[test]
fn upgrade_1u_1r() {
    Model::new()
        .preemptions(3)
        .check_speeds(with_a_lock(|lock| {
            let reader = spawn(lock, Lock::read);
            assert_eq!(lock.read_and_write(), 0);
            assert!(reader.join().unwrap() <= 1);
            1
        }));
}

#[test]
fn upgrade_1u_1w() {
    Model::new()
        .preemptions(3)
        .check_speeds(with_a_lock(|lock| {
            let writer = spawn(lock, Lock::write);
            assert!(lock.read_and_write() <= 1);
            writer.join().unwrap();
            2
        }));
}

#[test]
fn upgrade_2u() {
    for model in [Model::new(), Model::new().spin_budget(0)] {
        model.preemptions(3).check_speeds(with_a_lock(|lock| {
            let other = spawn(lock, Lock::read_and_write);
            let seen = lock.read_and_write();
            assert_eq!(seen + other.join().unwrap(), 1);
            2
        }));
    }
}

#[test]
fn upgrade_3u() {
    for model in [Model::new(), Model::new().spin_budget(0)] {
        model.check(with_a_lock(|lock| {
            let others = [
                spawn(lock, Lock::read_and_write),
                spawn(lock, Lock::read_and_write),
            ];
            let mut seen = lock.read_and_write();
            for other in others {
                seen += other.join().unwrap();
            }
            assert_eq!(seen, 3);
            3
        }));
    }
}

#[test]
fn upgrade_1u_1w_1r() {
    Model::new().check(with_a_lock(|lock| {
        let writer = spawn(lock, Lock::write);
        let reader = spawn(lock, Lock::read);
        assert!(lock.read_and_write() <= 1);
        writer.join().unwrap();
        assert!(reader.join().unwrap() <= 2);
        2
    }));
}

#[test]
fn upgrade_2u_1w() {
    for model in [Model::new(), Model::new().spin_budget(0)] {
        model.check(with_a_lock(|lock| {
            let other = spawn(lock, Lock::read_and_write);
            let writer = spawn(lock, Lock::write);
            lock.read_and_write();
            other.join().unwrap();
            writer.join().unwrap();
            3
        }));
    }
}

// Exclusion with barriers that promise no more than the real ones.

#[test]
fn asymmetric_upgrade_1u_1r() {
    Model::new()
        .asymmetric()
        .preemptions(3)
        .check_with_slots(with_a_lock(|lock| {
            let reader = spawn(lock, Lock::read);
            lock.read_and_write();
            assert!(reader.join().unwrap() <= 1);
            1
        }));
}

/// The first writer gives up behind the upgradable reader, but ends the quiet speed. The second passes only a
/// fence, which is not ordered with light barriers. So the first must pass a heavy barrier before it gives
/// up.
#[test]
fn asymmetric_a_writer_comes_after_one_that_gave_up_behind_an_upgradable_reader() {
    Model::new()
        .asymmetric()
        .explore(Explored::Little)
        .check_timeouts_with_slots(with_a_lock(|lock| {
            let reader = spawn(lock, Lock::try_to_read);
            let token = lock.raw.lock_upgradable();
            assert!(!lock.write_timed());
            lock.unlock_upgradable(token);
            lock.write();
            reader.join().unwrap();
            1
        }));
}

// Order.

#[test]
fn upgradable_readers_exclude_each_other() {
    Model::new()
        .preemptions(3)
        .check_speeds(with_a_lock(|lock| {
            let token = lock.raw.lock_upgradable();
            let other = spawn(lock, |lock| {
                assert!(lock.raw.try_lock_upgradable().is_none());
                assert!(!lock.try_lock());
                // A plain reader does not wait for an upgradable one.
                lock.read()
            });
            assert_eq!(other.join().unwrap(), 0);
            lock.unlock_upgradable(token);
            0
        }));
}

#[test]
fn a_writer_behind_an_upgradable_reader_bars_readers() {
    Model::new()
        .preemptions(3)
        .check_speeds(with_a_lock(|lock| {
            let token = lock.raw.lock_upgradable();
            let writer = spawn(lock, Lock::write);
            settle();
            let waits = witness(lock.is_writer_behind());
            assert!(!waits || lock.raw.try_rlock().is_none());
            lock.unlock_upgradable(token);
            writer.join().unwrap();
            1
        }));
}

#[test]
fn an_upgrade_passes_a_writer_that_is_next() {
    Model::new()
        .preemptions(3)
        .check_speeds(with_a_lock(|lock| {
            let token = lock.raw.lock_upgradable();
            let writer = spawn(lock, |lock| {
                lock.lock();
                let seen = lock.get();
                lock.increment();
                lock.unlock();
                seen
            });
            settle();
            let waits = witness(lock.is_writer_behind());
            lock.upgrade(token);
            lock.increment();
            lock.unlock();
            let seen = lock.read();
            assert!(seen == 2 || !waits, "a reader entered before the writer");
            assert_eq!(writer.join().unwrap(), 1, "the writer was first");
            2
        }));
}

#[test]
fn a_waiting_reader_waits_for_one_upgrade_and_one_write() {
    Model::new()
        .preemptions(1)
        .check_speeds(with_a_lock(|lock| {
            let token = lock.raw.lock_upgradable();
            let writer = spawn(lock, Lock::write);
            settle();
            let reader = spawn(lock, Lock::read);
            settle();
            let wait = witness(lock.is_writer_behind() && lock.queued_readers() == 1);
            lock.upgrade(token);
            lock.increment();
            lock.unlock();
            lock.write();
            let seen = reader.join().unwrap();
            assert!(seen == 2 || !wait, "a reader waited for another write");
            writer.join().unwrap();
            3
        }));
}

#[test]
fn an_upgradable_reader_that_waits_is_admitted() {
    Model::new()
        .preemptions(1)
        .check_speeds(with_a_lock(|lock| {
            lock.lock();
            let reader = spawn(lock, Lock::read_upgradable);
            let writer = spawn(lock, Lock::write);
            settle();
            let wait = witness(lock.queued_upgradables() == 1 && lock.queued_writers() == 1);
            lock.unlock();
            let seen = reader.join().unwrap();
            assert!(seen == 0 || !wait, "it waited for two writes");
            writer.join().unwrap();
            1
        }));
}

#[test]
fn one_upgradable_reader_is_admitted_at_a_time() {
    Model::new().check(with_a_lock(|lock| {
        lock.lock();
        let readers = [
            spawn(lock, Lock::read_and_write),
            spawn(lock, Lock::read_and_write),
        ];
        settle();
        witness(lock.queued_upgradables() == 2);
        lock.unlock();
        let seen: usize = readers.map(|reader| reader.join().unwrap()).iter().sum();
        assert_eq!(seen, 1);
        2
    }));
}

#[test]
fn a_starving_upgradable_reader_is_next() {
    Model::new()
        .preemptions(3)
        .spin_budget(0)
        .check_speeds(with_a_lock(|lock| {
            let token = lock.raw.lock_upgradable();
            let other = spawn(lock, Lock::read_and_write);
            settle();
            let waits = witness(lock.queued_upgradables() == 1);
            lock.unlock_upgradable(token);
            let seen = lock.read_upgradable();
            assert!(
                seen == 1 || !waits,
                "a starving upgradable reader was overtaken"
            );
            other.join().unwrap();
            1
        }));
}

/// An upgradable reader leaves and wakes the next one. A writer overtakes that one: the read of the first
/// must happen before the write.
#[test]
fn an_upgradable_reader_wakes_another_one_and_a_writer_comes_first() {
    Model::new().check(with_a_lock(|lock| {
        let token = lock.raw.lock_upgradable();
        let other = spawn(lock, Lock::read_upgradable);
        let writer = spawn(lock, |lock| lock.write_if(lock.try_lock()));
        settle();
        let waits = lock.queued_upgradables() == 1;
        lock.get();
        lock.unlock_upgradable(token);
        let seen = other.join().unwrap();
        witness(waits && seen == 1);
        usize::from(writer.join().unwrap())
    }));
}

#[test]
fn a_fair_unlock_lets_an_upgradable_reader_go_first() {
    Model::new()
        .preemptions(3)
        .check_speeds(with_a_lock(|lock| {
            let token = lock.raw.lock_upgradable();
            let other = spawn(lock, Lock::read_and_write);
            settle();
            let waits = witness(lock.queued_upgradables() == 1);
            // SAFETY: the token is that of the upgradable read lock.
            unsafe { lock.raw.unlock_upgradable_fair(token) };
            let seen = lock.read_upgradable();
            assert!(seen == 1 || !waits, "a fair unlock was not");
            other.join().unwrap();
            1
        }));
}

// Downgrades.

#[test]
fn downgrade_to_upgradable_keeps_writers_out_and_admits_readers() {
    Model::new().check_speeds(with_a_lock(|lock| {
        lock.lock();
        let writer = spawn(lock, Lock::write);
        let reader = spawn(lock, Lock::read);
        lock.increment();
        let wait = witness(lock.queued_readers() == 1);
        let token = lock.downgrade_to_upgradable();
        if wait {
            // It has been admitted, so it needs nothing more from this thread, even if the writer waits.
            assert_eq!(reader.join().unwrap(), 1);
            assert_eq!(lock.get(), 1, "a writer entered at a downgrade");
            lock.unlock_upgradable(token);
        } else {
            assert_eq!(lock.get(), 1, "a writer entered at a downgrade");
            lock.unlock_upgradable(token);
            reader.join().unwrap();
        }
        writer.join().unwrap();
        2
    }));
}

#[test]
fn an_upgrade_that_has_passed_a_writer_is_downgraded() {
    Model::new().check_speeds(with_a_lock(|lock| {
        let token = lock.raw.lock_upgradable();
        let writer = spawn(lock, Lock::write);
        settle();
        witness(lock.is_writer_behind());
        lock.upgrade(token);
        lock.increment();
        let token = lock.downgrade_to_upgradable();
        assert_eq!(lock.get(), 1, "a writer entered at a downgrade");
        lock.upgrade(token);
        lock.increment();
        let token = lock.downgrade();
        assert_eq!(lock.get(), 2, "a writer entered at a downgrade");
        lock.runlock(token);
        writer.join().unwrap();
        3
    }));
}

#[test]
fn downgrade_to_a_plain_reader_lets_others_in() {
    Model::new().check_speeds(with_a_lock(|lock| {
        let token = lock.raw.lock_upgradable();
        let other = spawn(lock, Lock::read_upgradable);
        let writer = spawn(lock, Lock::write);
        let token = lock.downgrade_upgradable(token);
        let seen = lock.get();
        assert_eq!(seen, 0, "a writer entered at a downgrade");
        lock.runlock(token);
        other.join().unwrap();
        writer.join().unwrap();
        1
    }));
}

// Attempts that give up.

#[test]
fn a_writer_behind_an_upgradable_reader_gives_up() {
    Model::new().check_speeds_and_timeouts(with_a_lock(|lock| {
        let token = lock.raw.lock_upgradable();
        let writer = spawn(lock, Lock::write_timed);
        let reader = spawn(lock, Lock::read);
        // The writer cannot get in and gives up. The reader must get in, although this thread still reads.
        reader.join().unwrap();
        assert_eq!(lock.get(), 0);
        lock.unlock_upgradable(token);
        usize::from(writer.join().unwrap())
    }));
}

#[test]
fn a_writer_that_gives_up_admits_readers_that_see_the_data() {
    Model::new()
        .preemptions(1)
        .explore(Explored::Little)
        .timeouts(Timeouts::Late)
        .check_speeds(with_a_lock(|lock| {
            let token = lock.raw.lock_upgradable();
            let writer = spawn(lock, Lock::write_timed);
            let reader = spawn(lock, Lock::read);
            settle();
            let wait = lock.is_writer_behind() && lock.queued_readers() == 1;
            lock.upgrade(token);
            lock.increment();
            let token = lock.downgrade_to_upgradable();
            // The writer cannot get in and gives up. The reader must get in.
            let seen = reader.join().unwrap();
            witness(wait && seen == 1);
            lock.unlock_upgradable(token);
            1 + usize::from(writer.join().unwrap())
        }));
}

#[test]
fn a_writer_that_gives_up_lets_in_an_upgradable_reader_that_sees_the_data() {
    Model::new()
        .explore(Explored::Little)
        .timeouts(Timeouts::Late)
        .check(with_a_lock(|lock| {
            let token = lock.raw.lock_upgradable();
            let writer = spawn(lock, Lock::write_timed);
            let reader = spawn(lock, Lock::read_upgradable);
            settle();
            let wait = lock.is_writer_behind() && lock.queued_upgradables() == 1;
            lock.upgrade(token);
            lock.increment();
            lock.unlock();
            let seen = reader.join().unwrap();
            let has_written = writer.join().unwrap();
            witness(wait && seen == 1 && !has_written);
            1 + usize::from(has_written)
        }));
}

/// The announced writer may time out while the upgradable reader passes it. Then the upgrade owns `WRITER`.
#[test]
fn a_writer_gives_up_while_an_upgrade_passes_it() {
    Model::new()
        .preemptions(3)
        .check_speeds_and_timeouts(with_a_lock(|lock| {
            let token = lock.raw.lock_upgradable();
            let writer = spawn(lock, Lock::write_timed);
            lock.upgrade(token);
            lock.increment();
            lock.unlock();
            1 + usize::from(writer.join().unwrap())
        }));
}

/// The same, but the writer's thread then tries to read. The read must not overlap the write of the upgrade.
#[test]
fn a_writer_gives_up_and_reads_while_an_upgrade_passes_it() {
    Model::new()
        .preemptions(3)
        .timeouts(Timeouts::Late)
        .check(with_a_lock(|lock| {
            let token = lock.raw.lock_upgradable();
            let other = spawn(lock, |lock| {
                let has_written = lock.write_timed();
                lock.try_to_read();
                usize::from(has_written)
            });
            settle();
            witness(lock.is_writer_behind());
            lock.upgrade(token);
            lock.increment();
            lock.unlock();
            1 + other.join().unwrap()
        }));
}

/// The same while a reader sleeps. The reader must get in, whichever of the two admits it.
#[test]
fn a_writer_gives_up_before_a_reader_while_an_upgrade_passes_it() {
    Model::new()
        .explore(Explored::Little)
        .check_speeds_and_timeouts(with_a_lock(|lock| {
            let token = lock.raw.lock_upgradable();
            let writer = spawn(lock, Lock::write_timed);
            let reader = spawn(lock, Lock::read);
            lock.upgrade(token);
            lock.increment();
            lock.unlock();
            assert!(reader.join().unwrap() <= 2);
            1 + usize::from(writer.join().unwrap())
        }));
}

#[test]
fn an_upgrade_gives_up() {
    Model::new()
        .preemptions(3)
        .check_speeds_and_timeouts(with_a_lock(|lock| {
            let upgradable = lock.raw.lock_upgradable();
            let reader = lock.raw.rlock();
            let releaser = spawn(lock, |lock| lock.runlock(reader));
            let writes = match lock.upgrade_timed(upgradable) {
                Ok(()) => {
                    lock.increment();
                    lock.unlock();
                    1
                }
                Err(token) => {
                    witness(true);
                    // The upgradable reader still keeps writers out, but no longer plain readers.
                    assert!(!lock.try_lock());
                    lock.read();
                    lock.unlock_upgradable(token);
                    0
                }
            };
            releaser.join().unwrap();
            writes
        }));
}

#[test]
fn an_upgrade_that_has_passed_a_writer_gives_up() {
    Model::new().check_speeds_and_timeouts(with_a_lock(|lock| {
        let upgradable = lock.raw.lock_upgradable();
        let reader = lock.raw.rlock();
        let writer = spawn(lock, Lock::write);
        settle();
        let is_behind = lock.is_writer_behind();
        let releaser = spawn(lock, |lock| lock.runlock(reader));
        let writes = match lock.upgrade_timed(upgradable) {
            Ok(()) => {
                lock.increment();
                lock.unlock();
                1
            }
            Err(token) => {
                witness(is_behind);
                assert_eq!(lock.get(), 0, "a writer entered");
                lock.unlock_upgradable(token);
                0
            }
        };
        releaser.join().unwrap();
        writer.join().unwrap();
        1 + writes
    }));
}

#[test]
fn an_upgrade_and_the_writer_behind_it_give_up() {
    Model::new().check_speeds_and_timeouts(with_a_lock(|lock| {
        let upgradable = lock.raw.lock_upgradable();
        let reader = lock.raw.rlock();
        let writer = spawn(lock, Lock::write_timed);
        let token = lock.upgrade_timed(upgradable);
        let token = token.expect_err("there is a reader");
        assert!(!writer.join().unwrap(), "there are readers");
        // Both have given up, so readers get in again.
        lock.read();
        lock.unlock_upgradable(token);
        lock.runlock(reader);
        0
    }));
}

#[test]
fn an_attempt_to_upgrade_fails_because_of_readers() {
    Model::new()
        .preemptions(3)
        .check_speeds(with_a_lock(|lock| {
            let token = lock.raw.lock_upgradable();
            let reader = spawn(lock, Lock::read);
            let writes = match lock.try_upgrade(token) {
                Ok(()) => {
                    lock.increment();
                    lock.unlock();
                    1
                }
                Err(token) => {
                    witness(true);
                    lock.unlock_upgradable(token);
                    0
                }
            };
            assert!(reader.join().unwrap() <= writes);
            writes
        }));
}

/// The first read makes the fast path fail. The second begins after the upgrade has looked for readers.
#[test]
fn an_attempt_to_upgrade_meets_one_reader_after_the_other() {
    Model::new().preemptions(4).check(with_a_lock(|lock| {
        let token = lock.raw.lock_upgradable();
        let reader = spawn(lock, |lock| {
            lock.try_to_read();
            lock.try_to_read();
        });
        let writes = match lock.try_upgrade(token) {
            Ok(()) => {
                lock.increment();
                lock.unlock();
                1
            }
            Err(token) => {
                lock.unlock_upgradable(token);
                0
            }
        };
        reader.join().unwrap();
        writes
    }));
}

#[test]
fn an_attempt_to_upgrade_passes_a_writer() {
    Model::new()
        .preemptions(3)
        .check_speeds(with_a_lock(|lock| {
            let token = lock.raw.lock_upgradable();
            let writer = spawn(lock, Lock::write);
            settle();
            witness(lock.is_writer_behind());
            assert!(lock.try_upgrade(token).is_ok(), "no thread reads");
            lock.increment();
            lock.unlock();
            writer.join().unwrap();
            2
        }));
}

#[test]
fn a_waiting_upgradable_reader_gives_up() {
    for model in [Model::new(), Model::new().spin_budget(0)] {
        model.check_timeouts(with_a_lock(|lock| {
            let token = lock.raw.lock_upgradable();
            let timed = spawn(lock, Lock::read_upgradable_timed);
            let other = spawn(lock, Lock::read_and_write);
            settle();
            lock.unlock_upgradable(token);
            timed.join().unwrap();
            other.join().unwrap();
            1
        }));
    }
}

#[test]
fn an_upgradable_reader_gives_up_behind_a_writer() {
    Model::new()
        .preemptions(3)
        .check_speeds_and_timeouts(with_a_lock(|lock| {
            let reader = spawn(lock, Lock::read_upgradable_timed);
            lock.write();
            reader.join().unwrap();
            1
        }));
}

#[test]
fn a_successor_gives_up_before_an_upgradable_reader() {
    for model in [Model::new(), Model::new().spin_budget(1)] {
        model
            .explore(Explored::Little)
            .check_timeouts(with_a_lock(|lock| {
                lock.lock();
                let writer = spawn(lock, Lock::write_timed);
                let reader = spawn(lock, Lock::read_upgradable);
                lock.unlock();
                // Overtake the successor, so that it must sleep.
                lock.write();
                reader.join().unwrap();
                let written = writer.join().unwrap();
                witness(!written);
                1 + usize::from(written)
            }));
    }
}

#[test]
fn a_successor_that_gives_up_lets_in_an_upgradable_reader_that_sees_the_data() {
    Model::new().check_speeds(with_a_lock(|lock| {
        lock.lock();
        let timed = spawn(lock, Lock::write_timed);
        settle();
        lock.unlock();
        lock.lock();
        lock.increment();
        let reader = spawn(lock, Lock::read_upgradable);
        settle();
        lock.unlock();
        let seen = reader.join().unwrap();
        let writes = 1 + usize::from(timed.join().unwrap());
        assert!(seen <= writes);
        witness(seen == 1 && writes == 1);
        writes
    }));
}

// Fair unlocks of a writer.

#[test]
fn a_fair_unlock_lets_a_queued_writer_go_first() {
    Model::new()
        .preemptions(3)
        .check_speeds(with_a_lock(|lock| {
            lock.lock();
            let writer = spawn(lock, Lock::write);
            settle();
            let waits = witness(lock.queued_writers() == 1);
            lock.unlock_fair();
            lock.lock();
            assert!(lock.get() == 1 || !waits, "a fair unlock was not");
            lock.unlock();
            writer.join().unwrap();
            1
        }));
}

#[test]
fn a_fair_unlock_lets_a_successor_go_first() {
    Model::new()
        .preemptions(3)
        .check_speeds(with_a_lock(|lock| {
            lock.lock();
            let writer = spawn(lock, Lock::write);
            settle();
            lock.unlock();
            // Overtake the successor.
            lock.lock();
            settle();
            let waits = witness(lock.is_successor_asleep());
            lock.unlock_fair();
            lock.lock();
            assert!(lock.get() == 1 || !waits, "a fair unlock was not");
            lock.unlock();
            writer.join().unwrap();
            1
        }));
}

#[test]
fn a_fair_unlock_admits_readers_before_the_next_writer() {
    Model::new()
        .preemptions(1)
        .check_speeds(with_a_lock(|lock| {
            lock.lock();
            let reader = spawn(lock, Lock::read);
            let writer = spawn(lock, Lock::write);
            settle();
            let wait = witness(lock.queued_readers() == 1 && lock.queued_writers() == 1);
            lock.unlock_fair();
            let seen = reader.join().unwrap();
            assert!(seen == 0 || !wait, "a queued reader waited for two writes");
            writer.join().unwrap();
            1
        }));
}

#[test]
fn a_writer_gives_up_before_a_fair_unlock() {
    Model::new().check_speeds_and_timeouts(with_a_lock(|lock| {
        lock.lock();
        let writer = spawn(lock, Lock::write_timed);
        let reader = spawn(lock, Lock::read);
        settle();
        lock.increment();
        lock.unlock_fair();
        reader.join().unwrap();
        let written = writer.join().unwrap();
        witness(!written);
        1 + usize::from(written)
    }));
}

#[test]
fn a_fair_unlock_meets_a_successor_that_is_about_to_be_woken() {
    Model::new().check_timeouts(with_a_lock(|lock| {
        let fair = spawn(lock, |lock| {
            lock.lock();
            lock.increment();
            lock.unlock_fair();
        });
        let timed = spawn(lock, Lock::write_timed);
        lock.write();
        fair.join().unwrap();
        2 + usize::from(timed.join().unwrap())
    }));
}
