//! Models of `RawRWMutex`. In names such as `exclusion_2w_1r` the numbers count writers and readers.

use super::lock::Lock;
use super::threads::*;
use super::{Explored, Model, witness};
use crate::raw_rwmutex::ReadToken;

// Exclusion, and the order of accesses to the data through every path.

#[test]
fn exclusion_1w_1r() {
    Model::new()
        .preemptions(4)
        .check_speeds(with_a_lock(|lock| {
            let reader = spawn(lock, Lock::read);
            lock.write();
            assert!(reader.join().unwrap() <= 1);
            1
        }));
}

#[test]
fn exclusion_2w() {
    Model::new()
        .preemptions(4)
        .check_speeds(with_a_lock(|lock| {
            let writer = spawn(lock, Lock::write);
            lock.write();
            writer.join().unwrap();
            2
        }));
}

#[test]
fn exclusion_3w() {
    Model::new().check_speeds(with_a_lock(|lock| {
        let writers = [spawn(lock, Lock::write), spawn(lock, Lock::write)];
        lock.write();
        for writer in writers {
            writer.join().unwrap();
        }
        3
    }));
}

#[test]
fn exclusion_2w_1r() {
    Model::new().check(with_a_lock(|lock| {
        let writer = spawn(lock, Lock::write);
        let reader = spawn(lock, Lock::read);
        lock.write();
        writer.join().unwrap();
        assert!(reader.join().unwrap() <= 2);
        2
    }));
}

#[test]
fn exclusion_1w_2r() {
    Model::new().check(with_a_lock(|lock| {
        let readers = [spawn(lock, Lock::read), spawn(lock, Lock::read)];
        lock.write();
        for reader in readers {
            assert!(reader.join().unwrap() <= 1);
        }
        1
    }));
}

#[test]
fn readers_share() {
    Model::new()
        .preemptions(3)
        .check_speeds(with_a_lock(|lock| {
            let token = lock.raw.rlock();
            let reader = spawn(lock, |lock| lock.raw.try_rlock());
            // The other reader must get in, although this one still reads.
            let other = reader.join().unwrap().unwrap();
            lock.runlock(token);
            lock.runlock(other);
            0
        }));
}

#[test]
fn a_guard_is_released_on_another_thread() {
    Model::new()
        .preemptions(3)
        .check_speeds(with_a_lock(|lock| {
            let token = lock.raw.rlock();
            let releaser = spawn(lock, |lock| lock.runlock(token));
            lock.write();
            releaser.join().unwrap();
            lock.lock();
            lock.increment();
            let releaser = spawn(lock, Lock::unlock);
            lock.write();
            releaser.join().unwrap();
            3
        }));
}

// Order among readers and writers.

#[test]
fn a_waiting_writer_bars_readers() {
    Model::new()
        .preemptions(3)
        .check_speeds(with_a_lock(|lock| {
            let token = lock.raw.rlock();
            let writer = spawn(lock, Lock::write);
            let second = lock.raw.try_rlock();
            let waits = witness(second.is_none());
            match second {
                None => assert!(
                    lock.raw.try_rlock().is_none(),
                    "a reader entered before a waiting writer"
                ),
                Some(second) => lock.runlock(second),
            }
            lock.runlock(token);
            let seen = lock.read();
            assert!(
                seen == 1 || !waits,
                "a reader entered before a waiting writer"
            );
            writer.join().unwrap();
            1
        }));
}

#[test]
fn a_queued_writer_bars_readers() {
    Model::new()
        .preemptions(3)
        .check_speeds(with_a_lock(|lock| {
            lock.lock();
            let writer = spawn(lock, Lock::write);
            let waits = witness(lock.queued_writers() == 1);
            lock.unlock();
            let seen = lock.read();
            assert!(
                seen == 1 || !waits,
                "a reader entered before a queued writer"
            );
            writer.join().unwrap();
            1
        }));
}

#[test]
fn an_attempt_to_read_fails_between_two_writers() {
    Model::new()
        .preemptions(3)
        .check_speeds(with_a_lock(|lock| {
            lock.lock();
            let writer = spawn(lock, Lock::write);
            let waits = witness(lock.queued_writers() == 1);
            lock.unlock();
            if let Some(token) = lock.raw.try_rlock() {
                assert!(
                    lock.get() == 1 || !waits,
                    "a reader entered before a queued writer"
                );
                lock.runlock(token);
            }
            writer.join().unwrap();
            1
        }));
}

#[test]
fn readers_go_between_two_writers() {
    Model::new()
        .preemptions(1)
        .check_speeds(with_a_lock(|lock| {
            lock.lock();
            let reader = spawn(lock, Lock::read);
            let writer = spawn(lock, Lock::write);
            settle();
            let wait = witness(lock.queued_readers() == 1 && lock.queued_writers() == 1);
            lock.unlock();
            let seen = reader.join().unwrap();
            assert!(seen == 0 || !wait, "a queued reader waited for two writes");
            writer.join().unwrap();
            1
        }));
}

#[test]
fn waiting_readers_enter_together() {
    Model::new().check_speeds(with_a_lock(|lock| {
        lock.lock();
        let keep = |lock: &Lock| lock.raw.rlock();
        let readers = [spawn(lock, keep), spawn(lock, keep)];
        settle();
        let wait = witness(lock.queued_readers() == 2);
        lock.unlock();
        if wait {
            // Both have been counted in, even if they have not run since. So this thread can end their reads.
            assert!(!lock.try_lock());
            lock.runlock(ReadToken::counted());
            assert!(!lock.try_lock());
            lock.runlock(ReadToken::counted());
            assert!(lock.try_lock());
            lock.unlock();
        }
        for reader in readers {
            let token = reader.join().unwrap();
            if !wait {
                lock.runlock(token);
            }
        }
        0
    }));
}

#[test]
fn readers_are_admitted_by_identity() {
    Model::new().check(with_a_lock(|lock| {
        lock.lock();
        let reader = spawn(lock, Lock::read);
        let writer = spawn(lock, Lock::write);
        let wait = witness(lock.queued_readers() == 1 && lock.queued_writers() == 1);
        lock.unlock();
        // A later reader must not use up the admission of the one that waited.
        let late = lock.read();
        let seen = reader.join().unwrap();
        assert!(
            (seen == 0 && late == 1) || !wait,
            "a reader took another's place"
        );
        writer.join().unwrap();
        1
    }));
}

/// The successor asks for a hand-off when it first loses (spin budget 0), so it is overtaken only once.
#[test]
fn a_starving_successor_is_next() {
    Model::new()
        .preemptions(3)
        .spin_budget(0)
        .check_speeds(with_a_lock(|lock| {
            lock.lock();
            let writer = spawn(lock, Lock::write);
            lock.unlock();
            // Overtake the writer, if it has queued.
            lock.lock();
            let wait = witness(lock.is_successor_asleep());
            lock.unlock();
            lock.lock();
            assert!(lock.get() == 1 || !wait, "the successor was overtaken");
            lock.unlock();
            writer.join().unwrap();
            1
        }));
}

#[test]
fn a_successor_that_does_not_starve_is_woken() {
    Model::new()
        .preemptions(3)
        .check_speeds(with_a_lock(|lock| {
            lock.lock();
            let writer = spawn(lock, Lock::write);
            lock.unlock();
            lock.write();
            lock.write();
            writer.join().unwrap();
            3
        }));
}

#[test]
fn a_handoff_lets_waiting_readers_go_first() {
    Model::new()
        .preemptions(1)
        .spin_budget(0)
        .check(with_a_lock(|lock| {
            lock.lock();
            let writer = spawn(lock, Lock::write);
            settle();
            lock.unlock();
            lock.lock();
            let reader = spawn(lock, Lock::read);
            settle();
            let wait = witness(lock.is_successor_asleep() && lock.queued_readers() == 1);
            lock.unlock();
            let seen = reader.join().unwrap();
            assert!(seen == 0 || !wait, "a queued reader waited for two writes");
            writer.join().unwrap();
            1
        }));
}

#[test]
fn writers_queue_behind_a_successor() {
    Model::new()
        .spin_budget(0)
        .check_speeds(with_a_lock(|lock| {
            lock.lock();
            let writers = [spawn(lock, Lock::write), spawn(lock, Lock::write)];
            lock.unlock();
            lock.write();
            for writer in writers {
                writer.join().unwrap();
            }
            3
        }));
}

// Downgrade.

#[test]
fn downgrade_keeps_writers_out() {
    Model::new()
        .preemptions(3)
        .check_speeds(with_a_lock(|lock| {
            lock.lock();
            let writer = spawn(lock, Lock::write);
            lock.increment();
            let token = lock.downgrade();
            assert_eq!(lock.get(), 1, "a writer entered at a downgrade");
            lock.runlock(token);
            writer.join().unwrap();
            2
        }));
}

#[test]
fn downgrade_admits_readers() {
    Model::new().check_speeds(with_a_lock(|lock| {
        lock.lock();
        lock.increment();
        let reader = spawn(lock, Lock::read);
        let writer = spawn(lock, Lock::write);
        let wait = witness(lock.queued_readers() == 1);
        let token = lock.downgrade();
        if wait {
            // It has been admitted, so it needs nothing more from this thread, even if the writer waits.
            assert_eq!(reader.join().unwrap(), 1);
            assert_eq!(lock.get(), 1);
            lock.runlock(token);
        } else {
            lock.runlock(token);
            assert!(reader.join().unwrap() >= 1);
        }
        writer.join().unwrap();
        2
    }));
}

#[test]
fn downgrade_hands_over_to_a_successor() {
    Model::new()
        .preemptions(3)
        .spin_budget(0)
        .check_speeds(with_a_lock(|lock| {
            lock.lock();
            let writer = spawn(lock, Lock::write);
            settle();
            lock.unlock();
            lock.lock();
            settle();
            let wait = witness(lock.is_successor_asleep());
            let token = lock.downgrade();
            let seen = lock.get();
            assert!(seen == 0 || !wait, "a writer entered at a downgrade");
            if let Some(later) = lock.raw.try_rlock() {
                assert!(!wait, "a later reader entered");
                lock.runlock(later);
            }
            lock.runlock(token);
            writer.join().unwrap();
            1
        }));
}

// Attempts that give up.

#[test]
fn a_failed_try_leaves_no_trace() {
    Model::new().check(with_a_lock(|lock| {
        let tries = spawn(lock, |lock| {
            if let Some(token) = lock.raw.try_rlock() {
                lock.get();
                lock.runlock(token);
            }
            if lock.try_lock() {
                lock.increment();
                lock.unlock();
                return 1;
            }
            0
        });
        let reader = spawn(lock, Lock::read);
        lock.write();
        reader.join().unwrap();
        1 + tries.join().unwrap()
    }));
}

#[test]
fn a_reader_gives_up() {
    Model::new()
        .preemptions(3)
        .check_speeds_and_timeouts(with_a_lock(|lock| {
            let reader = spawn(lock, Lock::read_timed);
            lock.write();
            reader.join().unwrap();
            1
        }));
}

#[test]
fn a_reader_gives_up_beside_another() {
    Model::new().check_timeouts(with_a_lock(|lock| {
        let timed = spawn(lock, Lock::read_timed);
        let reader = spawn(lock, Lock::read);
        lock.write();
        timed.join().unwrap();
        reader.join().unwrap();
        1
    }));
}

#[test]
fn a_draining_writer_gives_up() {
    Model::new()
        .preemptions(3)
        .check_speeds_and_timeouts(with_a_lock(|lock| {
            let token = lock.raw.rlock();
            let writer = spawn(lock, Lock::write_timed);
            lock.runlock(token);
            let writes = lock.read();
            writes.max(usize::from(writer.join().unwrap()))
        }));
}

#[test]
fn a_draining_writer_that_gives_up_lets_readers_go_on() {
    Model::new().check_speeds_and_timeouts(with_a_lock(|lock| {
        let token = lock.raw.rlock();
        let writer = spawn(lock, Lock::write_timed);
        let reader = spawn(lock, Lock::read);
        // This thread's read lock keeps the writer out, so the writer gives up in the end. Then the reader
        // must get in, although this thread still reads.
        reader.join().unwrap();
        assert_eq!(lock.get(), 0);
        lock.runlock(token);
        usize::from(writer.join().unwrap())
    }));
}

#[test]
fn a_draining_writer_that_gives_up_lets_a_writer_go_on() {
    Model::new().check_speeds_and_timeouts(with_a_lock(|lock| {
        let token = lock.raw.rlock();
        let timed = spawn(lock, Lock::write_timed);
        let writer = spawn(lock, Lock::write);
        lock.runlock(token);
        writer.join().unwrap();
        1 + usize::from(timed.join().unwrap())
    }));
}

#[test]
fn a_queued_writer_gives_up() {
    Model::new()
        .preemptions(1)
        .check_speeds_and_timeouts(with_a_lock(|lock| {
            lock.lock();
            let writer = spawn(lock, Lock::write_timed);
            let reader = spawn(lock, Lock::read);
            settle();
            lock.increment();
            lock.unlock();
            reader.join().unwrap();
            let written = writer.join().unwrap();
            witness(!written);
            1 + usize::from(written)
        }));
}

/// The successor times out while a reader sleeps. The reader must get in.
#[test]
fn a_successor_gives_up_before_a_reader() {
    for model in [Model::new(), Model::new().spin_budget(1)] {
        model
            .explore(Explored::Little)
            .check_timeouts(with_a_lock(|lock| {
                lock.lock();
                let writer = spawn(lock, Lock::write_timed);
                let reader = spawn(lock, Lock::read);
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

/// The successor times out while another writer sleeps behind it. That writer must get the lock.
#[test]
fn a_successor_gives_up_before_a_writer() {
    for model in [Model::new(), Model::new().spin_budget(1)] {
        model
            .preemptions(1)
            .explore(Explored::Little)
            .check_speeds_and_timeouts(with_a_lock(|lock| {
                lock.lock();
                let timed = spawn(lock, Lock::write_timed);
                let writer = spawn(lock, Lock::write);
                settle();
                lock.unlock();
                lock.write();
                writer.join().unwrap();
                let written = timed.join().unwrap();
                witness(!written);
                2 + usize::from(written)
            }));
    }
}

#[test]
fn a_successor_that_gives_up_admits_readers_that_see_the_data() {
    Model::new().check_speeds(with_a_lock(|lock| {
        lock.lock();
        let timed = spawn(lock, Lock::write_timed);
        settle();
        lock.unlock();
        lock.lock();
        lock.increment();
        let reader = spawn(lock, Lock::read);
        settle();
        lock.unlock();
        let seen = reader.join().unwrap();
        let writes = 1 + usize::from(timed.join().unwrap());
        assert!(seen <= writes);
        witness(seen == 1 && writes == 1);
        writes
    }));
}

/// A downgrade hands the lock to the successor, which may then time out while it drains the remaining reader.
#[test]
fn a_writer_that_was_handed_the_lock_gives_up_its_drain() {
    Model::new()
        .spin_budget(0)
        .preemptions(3)
        .check_speeds_and_timeouts(with_a_lock(|lock| {
            lock.lock();
            let writer = spawn(lock, Lock::write_timed);
            settle();
            lock.unlock();
            lock.lock();
            settle();
            let token = lock.downgrade();
            let seen = lock.get();
            assert!(seen <= 1);
            lock.runlock(token);
            let writes = usize::from(writer.join().unwrap());
            witness(writes == 0);
            writes
        }));
}

#[test]
fn two_writers_give_up_before_a_reader() {
    Model::new()
        .preemptions(1)
        .check_speeds(with_a_lock(|lock| {
            lock.lock();
            let writers = [
                spawn(lock, Lock::write_timed),
                spawn(lock, Lock::write_timed),
            ];
            settle();
            lock.unlock();
            // This thread would sleep forever if both writers gave up without waking it.
            lock.read();
            let mut writes = 0;
            for writer in writers {
                writes += usize::from(writer.join().unwrap());
            }
            witness(writes < 2);
            writes
        }));
}

#[test]
fn the_last_reader_wakes_a_draining_writer() {
    Model::new().check_speeds(with_a_lock(|lock| {
        let [mine, yours] = [lock.raw.rlock(), lock.raw.rlock()];
        let reader = spawn(lock, |lock| lock.runlock(yours));
        let writer = spawn(lock, Lock::write);
        let drains = witness(lock.is_draining());
        lock.runlock(mine);
        if drains {
            assert!(
                lock.read() == 1,
                "a reader entered before a draining writer"
            );
        }
        reader.join().unwrap();
        writer.join().unwrap();
        1
    }));
}
