//! Models of reader slots, and of how a lock changes its speed.

use super::lock::Lock;
use super::threads::*;
use super::{Explored, Model, witness};
use crate::raw_rwmutex::ReadToken;
use crate::readers::models::lend;
use crate::speed::Speed;

// Exclusion.

#[test]
fn exclusion_1w_1r_every_order() {
    Model::new()
        .explore(Explored::Slots)
        .preemptions(3)
        .check_with_slots(with_a_lock(|lock| {
            let reader = spawn(lock, Lock::read);
            lock.write();
            assert!(reader.join().unwrap() <= 1);
            1
        }));
}

#[test]
fn exclusion_1w_2r() {
    Model::new()
        .explore(Explored::Little)
        .check_with_slots(with_a_lock(|lock| {
            let reader = spawn(lock, Lock::read);
            let other = spawn(lock, Lock::try_to_read);
            lock.write();
            assert!(reader.join().unwrap() <= 1);
            other.join().unwrap();
            1
        }));
}

#[test]
fn exclusion_2w_1r() {
    Model::new()
        .explore(Explored::Little)
        .check_with_slots(with_a_lock(|lock| {
            let writer = spawn(lock, Lock::write);
            let reader = spawn(lock, Lock::try_to_read);
            lock.write();
            writer.join().unwrap();
            reader.join().unwrap();
            2
        }));
}

// Exclusion with barriers that promise no more than the real ones.

#[test]
fn asymmetric_exclusion_1w_1r() {
    Model::new()
        .asymmetric()
        .preemptions(3)
        .check_with_slots(with_a_lock(|lock| {
            let reader = spawn(lock, Lock::read);
            lock.write();
            assert!(reader.join().unwrap() <= 1);
            1
        }));
}

#[test]
fn asymmetric_exclusion_1w_2r() {
    Model::new()
        .asymmetric()
        .explore(Explored::Little)
        .check_with_slots(with_a_lock(|lock| {
            let reader = spawn(lock, Lock::try_to_read);
            let other = spawn(lock, Lock::try_to_read);
            lock.write();
            reader.join().unwrap();
            other.join().unwrap();
            1
        }));
}

/// The first writer passes a heavy barrier and ends the quiet speed. The second passes only a fence, which is
/// not ordered with light barriers, so it relies on the barrier of the first.
#[test]
fn asymmetric_a_writer_comes_right_after_another() {
    Model::new()
        .speed(Speed::Quiet)
        .asymmetric()
        .explore(Explored::Little)
        .check(with_a_lock(|lock| {
            let reader = spawn(lock, Lock::try_to_read);
            lock.write();
            lock.write();
            reader.join().unwrap();
            2
        }));
}

#[test]
fn asymmetric_a_writer_comes_right_after_one_that_gave_up() {
    Model::new()
        .asymmetric()
        .explore(Explored::Little)
        .check_timeouts_with_slots(with_a_lock(|lock| {
            let reader = spawn(lock, Lock::try_to_read);
            let writes = 1 + usize::from(lock.write_timed());
            lock.write();
            reader.join().unwrap();
            writes
        }));
}

// Slots.

/// The read ends on another thread, and the owner of the slot fills it with the identity of another lock. A
/// writer that finds this identity in the slot must acquire from the read all the same.
#[test]
fn a_slot_is_filled_again_after_a_read_ended_on_another_thread() {
    Model::new()
        .speed(Speed::Slots)
        .explore(Explored::Slots)
        .check(with_a_lock(|lock| {
            let other = Lock::beside();
            let token = lock.raw.rlock();
            let releaser = spawn(lock, |lock| {
                lock.get();
                lock.runlock(token);
            });
            let writer = spawn(lock, Lock::write);
            let token = other.raw.rlock();
            other.runlock(token);
            releaser.join().unwrap();
            writer.join().unwrap();
            1
        }));
}

/// In loom's models a thread has one slot. Here another lock's read fills it, so the second read is counted.
#[test]
fn a_reader_without_an_empty_slot_is_counted() {
    Model::new()
        .preemptions(3)
        .check_with_slots(with_a_lock(|lock| {
            let other = Lock::beside();
            let outer = other.raw.rlock();
            let writer = spawn(lock, Lock::write);
            assert!(lock.read() <= 1);
            other.runlock(outer);
            writer.join().unwrap();
            1
        }));
}

#[test]
fn a_writer_waits_for_slots_and_for_the_count() {
    Model::new().check_with_slots(with_a_lock(|lock| {
        let [slot, counted] = [lock.raw.rlock(), lock.raw.rlock()];
        let writer = spawn(lock, Lock::write);
        let releaser = spawn(lock, |lock| {
            lock.get();
            lock.runlock(counted);
        });
        lock.get();
        lock.runlock(slot);
        releaser.join().unwrap();
        writer.join().unwrap();
        1
    }));
}

/// The reader gets its block while the writer looks through all blocks.
#[test]
fn a_new_block_is_seen() {
    Model::new().check_with_slots(with_a_lock(|lock| {
        let reader = spawn_without_block(lock, Lock::read);
        lock.write();
        assert!(reader.join().unwrap() <= 1);
        1
    }));
}

/// A reader's thread ends, so its block may lose its mark before the writer looks. The writer then passes
/// over the block, but must acquire from the read all the same.
#[test]
fn a_block_without_a_thread_is_passed_over() {
    let model = Model::new().preemptions(1).explore(Explored::Little);
    model.check_with_slots(with_a_lock(|lock| {
        let reader = spawn_without_block(lock, Lock::read);
        let other = spawn_without_block(lock, Lock::try_to_read);
        lock.write();
        assert!(reader.join().unwrap() <= 1);
        other.join().unwrap();
        1
    }));
}

/// A read outlives the thread that locked. It ends on this thread, and then another thread finds the block
/// empty and may take its mark away, while the writer looks.
#[test]
fn a_block_is_found_empty_by_another_thread() {
    let model = Model::new().preemptions(3).explore(Explored::Little);
    model.check_with_slots(with_a_lock(|lock| {
        let token = spawn_without_block(lock, |lock| lock.raw.rlock())
            .join()
            .unwrap();
        // Let the thread give its block back.
        settle();
        // To get a block, this thread looks at those that have lost their owners.
        let finder = spawn_without_block(lock, |_| _ = lend());
        let writer = spawn(lock, Lock::write);
        assert_eq!(lock.get(), 0);
        lock.runlock(token);
        finder.join().unwrap();
        writer.join().unwrap();
        1
    }));
}

/// A thread ends and leaves a read in a slot of its block. Another thread ends the read.
#[test]
fn a_read_outlives_its_thread() {
    Model::new()
        .preemptions(1)
        .explore(Explored::Little)
        .check_with_slots(with_a_lock(|lock| {
            let token = spawn_without_block(lock, |lock| lock.raw.rlock())
                .join()
                .unwrap();
            // Let the thread give its block back.
            settle();
            let writer = spawn(lock, Lock::write);
            let next = spawn_without_block(lock, Lock::try_to_read);
            assert_eq!(lock.get(), 0);
            lock.runlock(token);
            next.join().unwrap();
            writer.join().unwrap();
            1
        }));
}

/// The entry of a forgotten guard stays in its slot. The drop of its lock must empty the slot: otherwise the
/// next lock with the same identity would wait for it forever.
#[test]
fn a_forgotten_guard_holds_up_no_later_lock() {
    Model::new().preemptions(3).check_with_slots(|| {
        let gone = Lock::new();
        let _forgotten: ReadToken = gone.raw.rlock();
        assert!(!gone.try_lock());
        drop(gone);
        let lock = Lock::beside();
        let writer = spawn(&lock, Lock::write);
        lock.read();
        writer.join().unwrap();
        lock.assert_idle(1);
    });
}

// Passing entries.

#[test]
fn a_passing_entry_wakes_the_writer_that_it_held_up() {
    Model::new()
        .preemptions(3)
        .check_with_slots(with_a_lock(|lock| {
            let reader = spawn(lock, Lock::try_to_read);
            lock.write();
            reader.join().unwrap();
            1
        }));
}

/// Only the first writer finds the lock quiet. An entry that the second one finds may be passing.
#[test]
fn a_writer_comes_right_after_another() {
    Model::new().speed(Speed::Quiet).check(with_a_lock(|lock| {
        let reader = spawn(lock, Lock::read);
        lock.write();
        lock.write();
        assert!(reader.join().unwrap() <= 2);
        2
    }));
}

#[test]
fn a_writer_comes_right_after_one_that_gave_up() {
    Model::new()
        .explore(Explored::Little)
        .check_timeouts_with_slots(with_a_lock(|lock| {
            let reader = spawn(lock, Lock::read);
            let writes = 1 + usize::from(lock.write_timed());
            lock.write();
            assert!(reader.join().unwrap() <= writes);
            writes
        }));
}

#[test]
fn a_failed_try_to_write_leaves_no_trace() {
    Model::new()
        .preemptions(1)
        .explore(Explored::Little)
        .check_with_slots(with_a_lock(|lock| {
            let reader = spawn(lock, Lock::read);
            let other = spawn(lock, Lock::try_to_read);
            let locked = lock.try_lock();
            if locked {
                lock.increment();
                lock.unlock();
            }
            assert!(reader.join().unwrap() <= 1);
            other.join().unwrap();
            usize::from(locked)
        }));
}

/// The first attempt gives up. The second must not rely on the barrier that the first has passed.
#[test]
fn a_try_to_write_fails_beside_a_reader() {
    Model::new()
        .preemptions(3)
        .check_with_slots(with_a_lock(|lock| {
            let token = lock.raw.rlock();
            let writer = spawn(lock, |lock| {
                let tries = [lock.try_lock(), lock.try_lock()];
                if tries.contains(&true) {
                    lock.increment();
                    lock.unlock();
                }
                tries
            });
            assert_eq!(lock.get(), 0);
            lock.runlock(token);
            let tries = writer.join().unwrap();
            assert!(tries != [true, true], "two writers have the lock");
            usize::from(tries.contains(&true))
        }));
}

// Barriers that the process cannot afford, and attempts whose deadline has passed when they begin.

/// While the barrier budget is used up, the writer naps. The heavy barrier that a real sleep needs comes
/// after the naps, or not at all if the reader leaves meanwhile.
#[test]
fn asymmetric_a_writer_naps_before_it_passes_a_barrier() {
    for debts in [1, 2] {
        Model::new()
            .asymmetric()
            .debts(debts)
            .explore(Explored::Little)
            .check_with_slots(with_a_lock(|lock| {
                let reader = spawn(lock, Lock::try_to_read);
                lock.write();
                reader.join().unwrap();
                1
            }));
    }
}

#[test]
fn a_writer_naps_until_it_may_sleep() {
    Model::new()
        .debts(2)
        .preemptions(1)
        .explore(Explored::Little)
        .check_timeouts_with_slots(with_a_lock(|lock| {
            let token = lock.raw.rlock();
            let writer = spawn(lock, Lock::write);
            let reader = spawn(lock, Lock::read);
            witness(lock.is_draining());
            assert_eq!(lock.get(), 0);
            lock.runlock(token);
            assert!(reader.join().unwrap() <= 1);
            writer.join().unwrap();
            1
        }));
}

/// The writer times out during a nap. The reader that it stopped must get in, although this thread still
/// reads.
#[test]
fn a_writer_gives_up_its_nap() {
    Model::new()
        .debts(1)
        .explore(Explored::Little)
        .check_timeouts_with_slots(with_a_lock(|lock| {
            let token = lock.raw.rlock();
            let timed = spawn(lock, Lock::write_timed);
            let reader = spawn(lock, Lock::read);
            reader.join().unwrap();
            assert_eq!(lock.get(), 0);
            lock.runlock(token);
            usize::from(timed.join().unwrap())
        }));
}

/// The deadline of the writer has passed when it begins. If it gives up, it must leave no flag behind.
#[test]
fn an_attempt_without_time_leaves_no_trace() {
    Model::new()
        .late()
        .explore(Explored::Little)
        .check_with_slots(with_a_lock(|lock| {
            let token = lock.raw.rlock();
            let reader = spawn(lock, Lock::read);
            let timed = spawn(lock, Lock::write_timed);
            assert_eq!(lock.get(), 0);
            lock.runlock(token);
            // If the timed writer was in the way, it must let the reader in as it gives up.
            reader.join().unwrap();
            usize::from(timed.join().unwrap())
        }));
}

/// The first writer's deadline has passed when it begins. If it gives up, the other one must get its turn.
#[test]
fn an_attempt_without_time_passes_its_turn_on() {
    Model::new()
        .late()
        .preemptions(1)
        .explore(Explored::Little)
        .check_with_slots(with_a_lock(|lock| {
            let timed = spawn(lock, Lock::write_timed);
            let writer = spawn(lock, Lock::write);
            lock.read();
            writer.join().unwrap();
            1 + usize::from(timed.join().unwrap())
        }));
}

// Changes of speed.

/// The reader takes up slots and then reads by a slot, between the two writes.
#[test]
fn slots_are_taken_up_between_two_writes() {
    Model::new().limit(Speed::Slots).check(with_a_lock(|lock| {
        let reader = spawn(lock, |lock| {
            let first = lock.read();
            assert!(lock.read() >= first);
            lock.raw.speed() == Speed::Slots
        });
        lock.write();
        lock.write();
        witness(reader.join().unwrap());
        2
    }));
}

#[test]
fn two_readers_take_up_slots() {
    Model::new()
        .limit(Speed::Slots)
        .explore(Explored::Little)
        .check(with_a_lock(|lock| {
            lock.read();
            let reader = spawn(lock, Lock::try_to_read);
            let writer = spawn(lock, Lock::write);
            assert!(lock.read() <= 1);
            reader.join().unwrap();
            writer.join().unwrap();
            1
        }));
}

#[test]
fn a_lock_becomes_quiet_before_a_writer() {
    Model::new()
        .speed(Speed::Slots)
        .limit(Speed::Quiet)
        .explore(Explored::Slots)
        .check(with_a_lock(|lock| {
            let reader = spawn(lock, |lock| {
                assert!(lock.read() <= 1);
                let admits_quiet_readers = lock.raw.speed() == Speed::Quiet;
                assert!(lock.read() <= 1);
                admits_quiet_readers
            });
            lock.write();
            witness(reader.join().unwrap());
            1
        }));
}

/// The first write uses up the credit, so the lock gives up its slots. The second does not look at slots.
#[test]
fn slots_are_given_up_before_a_reader() {
    Model::new()
        .speed(Speed::Slots)
        .credit(1)
        .explore(Explored::Little)
        .check(with_a_lock(|lock| {
            let reader = spawn(lock, Lock::read);
            lock.write();
            let admits_slot_readers = lock.raw.speed() == Speed::Slots;
            lock.write();
            assert!(reader.join().unwrap() <= 2);
            witness(!admits_slot_readers);
            2
        }));
}

/// The lock gives up its slots and takes them up again while an entry from before may still be passing.
#[test]
fn slots_are_taken_up_again() {
    Model::new()
        .speed(Speed::Slots)
        .credit(1)
        .explore(Explored::Little)
        .check(with_a_lock(|lock| {
            let reader = spawn(lock, Lock::read);
            lock.write();
            lock.read();
            lock.read();
            lock.write();
            assert!(reader.join().unwrap() <= 2);
            2
        }));
}

/// A write without credit gives up the slots, but only if it has seen all readers leave. A writer that times
/// out has not.
#[test]
fn a_writer_that_gives_up_does_not_give_up_the_slots() {
    Model::new()
        .credit(0)
        .check_timeouts_with_slots(with_a_lock(|lock| {
            let token = lock.raw.rlock();
            let timed = spawn(lock, Lock::write_timed);
            let writer = spawn(lock, |lock| {
                let locked = lock.try_lock();
                if locked {
                    lock.increment();
                    lock.unlock();
                }
                locked
            });
            assert_eq!(lock.get(), 0);
            lock.runlock(token);
            let writes = [timed, writer].map(|writer| writer.join().unwrap());
            writes.into_iter().filter(|wrote| *wrote).count()
        }));
}

/// A downgrade keeps a read lock that is counted, at whatever speed the lock continues.
#[test]
fn downgrade_gives_up_slots() {
    Model::new().credit(1).check_with_slots(with_a_lock(|lock| {
        let writer = spawn(lock, Lock::write);
        lock.lock();
        lock.increment();
        let token = lock.downgrade();
        assert!(lock.get() >= 1);
        lock.runlock(token);
        writer.join().unwrap();
        2
    }));
}
