use super::*;
use crate::raw_rwmutex::RawRWMutex;
use std::sync::PoisonError;
use std::{ptr, thread};

/// More blocks and identities than the tests that run beside these ever have at a time.
const OTHERS: usize = 64;

/// Enough to show what adds up.
const MANY: usize = if cfg!(miri) { 200 } else { 10_000 };

/// To be held by tests of which one leaves slots filled for others to find in their blocks.
fn alone() -> impl Drop {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `f` in a thread that has ended, thread-local variables and all, before this returns.
fn elsewhere<T: Send>(f: impl FnOnce() -> T + Send) -> T {
    thread::scope(|s| s.spawn(f).join().unwrap())
}

fn blocks_ever() -> usize {
    REGISTRY.blocks.len()
}

fn ids_ever() -> usize {
    REGISTRY.free().last_id as usize
}

/// Uses a slot of this thread.
fn pass(id: u32) {
    let slot = enter(id).expect("nobody has left all of them filled");
    assert!(any_holds(id));
    slot.clear();
    assert!(!any_holds(id));
}

#[test]
fn threads_that_come_and_go_share_their_blocks() {
    let _alone = alone();
    let id = new_id().unwrap();
    let before = blocks_ever();
    for _ in 0..MANY {
        elsewhere(|| pass(id));
    }
    let used = blocks_ever() - before;
    assert!(used <= 1 + OTHERS, "{used} blocks for one thread at a time");
    give_back(id);
}

#[test]
fn threads_beside_each_other_need_a_block_each_and_no_more() {
    const AT_ONCE: usize = 8;

    let _alone = alone();
    let before = blocks_ever();
    for _ in 0..20 {
        let ids = [(); AT_ONCE].map(|()| new_id().unwrap());
        thread::scope(|s| {
            let threads = ids.map(|id| s.spawn(move || pass(id)));
            for thread in threads {
                thread.join().unwrap();
            }
        });
        ids.into_iter().for_each(give_back);
    }
    let used = blocks_ever() - before;
    assert!(
        used <= AT_ONCE + OTHERS,
        "{used} blocks for {AT_ONCE} threads"
    );
}

#[test]
fn blocks_with_forgotten_guards_are_used_again() {
    let _alone = alone();
    let forgotten = new_id().unwrap();
    let before = blocks_ever();
    for _ in 0..MANY / 10 {
        // None once every slot of a block that went round is taken.
        elsewhere(|| _ = enter(forgotten));
    }
    let used = blocks_ever() - before;
    assert!(used <= 1 + OTHERS, "{used} blocks for one thread at a time");
    assert!(any_holds(forgotten));
    retire(forgotten);
    assert!(!any_holds(forgotten));
}

#[test]
fn a_thread_has_so_many_slots() {
    let _alone = alone();
    let id = new_id().unwrap();
    elsewhere(|| {
        let slots: Vec<_> = (0..SLOTS).map(|_| enter(id).expect("a slot")).collect();
        assert!(enter(id).is_none());
        // Any of them, once it is empty.
        for slot in slots {
            slot.clear();
            let again = enter(id).expect("the only empty slot");
            assert!(ptr::eq(slot, again));
        }
        assert!(enter(id).is_none());
    });
    retire(id);
}

#[test]
fn another_thread_empties_a_slot() {
    let _alone = alone();
    let id = new_id().unwrap();
    let slot = elsewhere(|| enter(id)).expect("a slot");
    assert!(slot.holds(id) && any_holds(id));
    slot.clear();
    assert!(!any_holds(id));
    give_back(id);
}

#[test]
fn drain_waits_for_each_slot_of_its_lock_until_it_is_told_to_stop() {
    const NO_STAMP: u32 = u32::MAX;

    let _alone = alone();
    let [id, other] = [(); 2].map(|()| new_id().unwrap());
    elsewhere(|| {
        let slots = [enter(id), enter(other), enter(id)].map(|slot| slot.expect("a slot"));
        let mut waited = 0;
        let reads = drain(id, NO_STAMP, |slot| {
            assert!(slot.holds(id));
            waited += 1;
            true
        });
        assert_eq!((reads, waited), (Some(0), 2));
        assert_eq!(drain(id, NO_STAMP, |_| false), None);
        slots.into_iter().for_each(Slot::clear);
        assert_eq!(drain(id, NO_STAMP, |_| unreachable!()), Some(0));
    });
    [id, other].into_iter().for_each(give_back);
}

#[test]
fn reads_in_a_row_have_the_same_stamp() {
    let _alone = alone();
    let id = new_id().unwrap();
    // Which no lock has, nor had: a block keeps the stamp of its owner before.
    let stamps = [u32::MAX - 2, u32::MAX - 1];
    elsewhere(|| {
        assert_eq!(note_read(stamps[0]), 0, "no block to note it in");
        pass(id);
        assert_eq!([(); 3].map(|()| note_read(stamps[0])), [1, 2, 3]);
        assert_eq!(drain(id, stamps[0], |_| true), Some(3));
        assert_eq!(drain(id, stamps[1], |_| true), Some(0));
        assert_eq!(note_read(stamps[1]), 1);
        assert_eq!(note_read(stamps[0]), 1);
        start_over(stamps[0]);
        assert_eq!(note_read(stamps[0]), 1);
    });
    give_back(id);
}

#[test]
fn one_read_in_so_many_is_a_sample() {
    elsewhere(|| {
        let samples = (0..10 * SAMPLE).filter(|_| is_sample()).count();
        assert_eq!(samples, 10);
    });
}

#[test]
fn a_registry_finds_each_block_that_it_has_handed_out() {
    // Static, since it never frees its chunks.
    static REGISTRY: Registry = Registry::new();

    assert_eq!(REGISTRY.blocks.iter().count(), 0);
    let mut taken = Vec::new();
    for _ in 0..100 {
        taken.push(REGISTRY.take());
        let mut known = REGISTRY.blocks.iter();
        assert!(
            taken
                .iter()
                .all(|&block| ptr::eq(block, known.next().unwrap()))
        );
        assert!(known.next().is_none());
    }
    REGISTRY.put_back(taken[7]);
    assert!(ptr::eq(REGISTRY.take(), taken[7]));
    assert_eq!(REGISTRY.blocks.iter().count(), 100);
}

#[test]
fn no_two_locks_have_the_same_identity_at_a_time() {
    let mut ids: Vec<_> = (0..OTHERS).map(|_| new_id().unwrap()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), OTHERS);
    assert!(ids.iter().all(|id| (1..=MAX_ID).contains(id)));
    ids.into_iter().for_each(retire);
}

#[test]
fn identities_come_back_when_their_locks_are_dropped() {
    let _alone = alone();
    let before = ids_ever();
    for _ in 0..MANY / 10 {
        let lock = RawRWMutex::new();
        // Enough for slots, unless the process does not know its barrier yet.
        for _ in 0..600 {
            let token = lock.rlock();
            // SAFETY: it is the token of the read lock just taken.
            unsafe { lock.runlock(token) };
        }
        // What is left of a guard that is forgotten.
        _ = lock.rlock();
    }
    for _ in 0..MANY {
        retire(new_id().unwrap());
    }
    let used = ids_ever() - before;
    assert!(
        used <= 1 + 2 * OTHERS,
        "{used} identities for one lock at a time"
    );
}
