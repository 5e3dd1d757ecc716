//! Guards that are never dropped: their lock stays held, and nothing else is harmed.

use crate::support::{LIMIT, assert_free, assert_read_locked, elsewhere, rounds, within};
use gosync::RWMutex;
use std::mem::forget;
use std::sync::Arc;
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(1);

/// More read locks than a thread can keep records of, whatever these records are.
const MANY: usize = 200;

#[track_caller]
fn assert_write_locked<T: Send + Sync>(lock: &RWMutex<T>) {
    let check = || {
        assert!(lock.is_locked() && lock.is_locked_exclusive());
        assert!(lock.try_lock().is_none());
        assert!(lock.try_rlock().is_none());
        assert!(lock.try_lock_for(SHORT).is_none());
        assert!(lock.try_rlock_for(SHORT).is_none());
    };
    check();
    elsewhere(check);
}

#[test]
fn a_forgotten_guard_keeps_its_lock_held_and_no_other() {
    within(LIMIT, || {
        let locks = [0, 1, 2, 3].map(RWMutex::new);
        forget(locks[1].rlock());
        forget(locks[2].lock());
        assert_free(&locks[0]);
        assert_read_locked(&locks[1]);
        assert_write_locked(&locks[2]);
        assert_free(&locks[3]);
    });
}

#[test]
fn a_forgotten_guard_keeps_its_lock_held_after_its_thread_has_ended() {
    within(LIMIT, || {
        let [read, written] = [0, 1].map(RWMutex::new);
        elsewhere(|| forget(read.rlock()));
        elsewhere(|| forget(written.lock()));
        assert_read_locked(&read);
        assert_write_locked(&written);
    });
}

#[test]
fn a_forgotten_read_guard_counts_beside_others() {
    within(LIMIT, || {
        let lock = RWMutex::new(());
        let kept = lock.rlock();
        forget(lock.rlock());
        let later = lock.rlock();
        drop(kept);
        assert_read_locked(&lock);
        drop(later);
        assert_read_locked(&lock);
    });
}

#[test]
fn many_forgotten_guards_harm_no_other_lock() {
    within(LIMIT, || {
        let held = RWMutex::new(());
        let others: Vec<_> = (0..MANY).map(RWMutex::new).collect();
        for other in &others {
            forget(held.rlock());
            forget(other.rlock());
        }
        assert_read_locked(&held);
        let free = RWMutex::new(());
        assert_free(&free);
        let readers: Vec<_> = (0..MANY).map(|_| free.rlock()).collect();
        assert!(free.try_lock().is_none());
        drop(readers);
        assert_free(&free);
    });
}

#[test]
fn a_new_lock_at_the_address_of_a_forgotten_one_is_free() {
    within(LIMIT, || {
        let mut slot = Box::new(RWMutex::new(0));
        let address = slot.data_ptr();
        for round in rounds(500) {
            match round % 4 {
                0 => forget(slot.rlock()),
                1 => forget(slot.lock()),
                2 => (0..10).for_each(|_| forget(slot.rlock())),
                _ => elsewhere(|| forget(slot.rlock())),
            }
            // Drops the old lock and puts the new one at the same address.
            *slot = RWMutex::new(round);
            assert_eq!(slot.data_ptr(), address);
            *slot.lock() += 1;
            assert_eq!(*slot.rlock(), round + 1);
            if round % 16 < 4 {
                assert_free(&*slot);
            }
        }
    });
}

#[test]
fn locks_from_recycled_memory_are_free() {
    within(LIMIT, || {
        for round in rounds(2000) {
            let lock = Arc::new(RWMutex::new(round));
            *lock.lock() += 1;
            assert_eq!(*lock.rlock(), round + 1);
            assert!(!lock.is_locked());
            forget(lock.rlock());
        }
    });
}

#[test]
fn a_lock_that_is_moved_stays_held() {
    within(LIMIT, || {
        let mut pair = [RWMutex::new("read"), RWMutex::new("free")];
        forget(pair[0].rlock());
        pair.swap(0, 1);
        assert_free(&pair[0]);
        assert_read_locked(&pair[1]);

        let mut pair = [RWMutex::new("written"), RWMutex::new("free")];
        forget(pair[0].lock());
        pair.swap(0, 1);
        assert_free(&pair[0]);
        assert_write_locked(&pair[1]);
    });
}

#[test]
fn the_owner_of_a_forgotten_lock_still_has_its_data() {
    within(LIMIT, || {
        let forget_guard: [fn(&RWMutex<String>); 2] =
            [|lock| forget(lock.rlock()), |lock| forget(lock.lock())];
        for forget_guard in forget_guard {
            let mut lock = RWMutex::new(String::from("data"));
            forget_guard(&lock);
            lock.get_mut().push('!');
            assert!(lock.is_locked());
            assert_eq!(lock.into_inner(), "data!");
        }
    });
}

#[test]
fn a_lock_dropped_while_held_drops_its_data() {
    within(LIMIT, || {
        let data = Arc::new(());
        let lock = RWMutex::new(Arc::clone(&data));
        forget(lock.lock());
        assert_eq!(Arc::strong_count(&data), 2);
        drop(lock);
        assert_eq!(Arc::strong_count(&data), 1);
    });
}
