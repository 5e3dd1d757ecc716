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

// With barriers that promise no more than the real ones.

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

/// The first writer ends the quiet speed. The second passes only a fence, which does not pair with light barriers.
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

/// The writer finds another identity in the slot, and must still acquire from the read that ended there.
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

/// The second read lock of a thread with one slot.
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

/// A thread gets its block while a writer looks through all blocks.
#[test]
fn a_new_block_is_seen() {
    Model::new().check_with_slots(with_a_lock(|lock| {
        let reader = spawn_without_block(lock, Lock::read);
        lock.write();
        assert!(reader.join().unwrap() <= 1);
        1
    }));
}

/// A thread ends, and its block loses its mark. The writer skips the block, and must still acquire from the read.
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

/// A guard outlives the thread that locked. It is released, and then another thread finds the block empty.
#[test]
fn a_block_is_found_empty_by_another_thread() {
    let model = Model::new().preemptions(3).explore(Explored::Little);
    model.check_with_slots(with_a_lock(|lock| {
        let token = spawn_without_block(lock, |lock| lock.raw.rlock())
            .join()
            .unwrap();
        // The thread releases its block.
        settle();
        // The thread acquires a block.
        let finder = spawn_without_block(lock, |_| _ = lend());
        let writer = spawn(lock, Lock::write);
        assert_eq!(lock.get(), 0);
        lock.runlock(token);
        finder.join().unwrap();
        writer.join().unwrap();
        1
    }));
}

/// A thread ends and leaves a guard in a slot of its block. The next thread gets that block.
#[test]
fn a_block_is_recycled_with_a_guard_in_it() {
    Model::new()
        .preemptions(1)
        .explore(Explored::Little)
        .check_with_slots(with_a_lock(|lock| {
            let token = spawn_without_block(lock, |lock| lock.raw.rlock())
                .join()
                .unwrap();
            // The thread releases its block.
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

/// The identity and the forgotten guard belong to the lock that was dropped.
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

/// Only the first writer finds the lock quiet. The entry that the second writer sees may be passing.
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

/// The barrier of a writer that gives up does not serve the next writer.
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

// Barriers that cannot be afforded, and attempts without time.

/// The writer passes its barrier after the naps, or none if the reader leaves meanwhile.
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
            // Admitted by the writer that kept it out.
            reader.join().unwrap();
            usize::from(timed.join().unwrap())
        }));
}

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

/// The first read fills the credit. The second takes up slots, and uses one.
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
                let is_quiet = lock.raw.speed() == Speed::Quiet;
                assert!(lock.read() <= 1);
                is_quiet
            });
            lock.write();
            witness(reader.join().unwrap());
            1
        }));
}

/// The first write uses up the credit. The second no longer looks at slots.
#[test]
fn slots_are_given_up_before_a_reader() {
    Model::new()
        .speed(Speed::Slots)
        .credit(1)
        .explore(Explored::Little)
        .check(with_a_lock(|lock| {
            let reader = spawn(lock, Lock::read);
            lock.write();
            let has_slots = lock.raw.speed() == Speed::Slots;
            lock.write();
            assert!(reader.join().unwrap() <= 2);
            witness(!has_slots);
            2
        }));
}

/// Slots are given up, and taken up again, while an entry from before passes.
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

/// A writer that gives up has not seen all readers leave, so it must not set `COUNTED`.
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

/// The reader that remains after a downgrade is counted, at any speed of the lock.
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
