use super::registry::{LOOKS, Registry};
use super::*;
use std::sync::{Mutex, PoisonError};
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
        elsewhere(|| _ = enter(forgotten).expect("a slot for a new thread"));
    }
    let used = blocks_ever() - before;
    let full = MANY / 10 / SLOTS;
    assert!(
        used <= full + 1 + OTHERS,
        "{used} blocks for one thread at a time, and {full} full of guards"
    );
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

/// Static, since it never frees its chunks.
macro_rules! registry {
    () => {{
        static REGISTRY: Registry = Registry::new();
        &REGISTRY
    }};
}

fn take_many(registry: &Registry) -> Vec<&'static Block> {
    (0..3000).map(|_| registry.take()).collect()
}

/// Where a writer looks.
#[track_caller]
fn assert_marked(registry: &Registry, blocks: &[&'static Block]) {
    let mut indices: Vec<_> = blocks.iter().map(|block| block.index).collect();
    indices.sort();
    let mut marked = Vec::new();
    registry.all_marked(|block| {
        marked.push(block.index);
        true
    });
    assert_eq!(marked, indices);
    assert_eq!(registry.marked.get(), blocks.len());
}

fn fill(block: &Block, slots: usize) {
    assert!(block.slots[..slots].iter().all(|slot| slot.fill(1)));
}

#[test]
fn a_registry_finds_each_block_that_it_has_handed_out() {
    let registry = registry!();
    assert_marked(registry, &[]);
    let mut taken = Vec::new();
    for _ in 0..100 {
        taken.push(registry.take());
        assert_marked(registry, &taken);
    }
    let block = taken.remove(7);
    registry.put_back(block);
    assert_marked(registry, &taken);
    assert!(ptr::eq(registry.take(), block));
    taken.push(block);
    assert_marked(registry, &taken);
    assert_eq!(registry.blocks.len(), 100);
}

#[test]
fn a_writer_looks_at_the_blocks_of_threads_that_live() {
    let registry = registry!();
    for kept in [0, 1500, 2999] {
        let blocks = take_many(registry);
        for block in &blocks {
            fill(block, 2);
            block.slots.iter().for_each(Slot::clear);
        }
        let lives_on = blocks[kept];
        for block in &blocks {
            if !ptr::eq(*block, lives_on) {
                registry.put_back(block);
            }
        }
        assert_marked(registry, &[lives_on]);
        registry.put_back(lives_on);
        assert_marked(registry, &[]);
    }
    assert_eq!(registry.blocks.len(), 3000);
}

#[test]
fn a_writer_looks_at_guards_that_threads_have_left() {
    let registry = registry!();
    let blocks = take_many(registry);
    let left = [blocks[5], blocks[2999]];
    fill(left[0], 1);
    fill(left[1], SLOTS);
    blocks.iter().for_each(|block| registry.put_back(block));
    assert_marked(registry, &left);
    // Whoever looks next finds that they are gone.
    left[0].slots[0].clear();
    registry.tidy(&mut registry.free());
    assert_marked(registry, &left[1..]);
    left[1].slots.iter().for_each(Slot::clear);
    registry.try_to_tidy();
    assert_marked(registry, &[]);
}

#[test]
fn guards_that_many_threads_have_left_are_found_gone_in_the_end() {
    let registry = registry!();
    let blocks = take_many(registry);
    for (index, block) in blocks.iter().enumerate() {
        fill(block, if index % 2 == 0 { 1 } else { SLOTS });
    }
    blocks.iter().for_each(|block| registry.put_back(block));
    assert_marked(registry, &blocks);
    assert_eq!(registry.left.get(), blocks.len());
    let slots = blocks.iter().flat_map(|block| &block.slots);
    slots.for_each(Slot::clear);
    for _ in 0..blocks.len().div_ceil(LOOKS) {
        registry.try_to_tidy();
    }
    assert_marked(registry, &[]);
    assert_eq!(registry.left.get(), 0);
}

#[test]
fn a_new_thread_gets_a_block_with_an_empty_slot() {
    let registry = registry!();
    let blocks = [(); 3 * LOOKS].map(|()| registry.take());
    for (index, block) in blocks.iter().enumerate() {
        fill(block, if index == LOOKS { SLOTS - 1 } else { SLOTS });
    }
    blocks.iter().for_each(|block| registry.put_back(block));
    let roomy = registry.take();
    assert!(ptr::eq(roomy, blocks[LOOKS]), "the only one with room");
    let new = registry.take();
    assert_eq!(new.empty_slots(), SLOTS);
    assert_eq!(registry.blocks.len(), blocks.len() + 1);
    // An empty one first.
    registry.put_back(roomy);
    registry.put_back(new);
    assert!(ptr::eq(registry.take(), new));
    assert!(ptr::eq(registry.take(), roomy));
}

#[test]
fn threads_read_by_slots_beside_those_that_forget_their_guards() {
    let _alone = alone();
    let forgotten = new_id().unwrap();
    for _ in 0..20 {
        elsewhere(|| {
            let slots = [(); SLOTS].map(|()| enter(forgotten));
            assert!(
                slots.iter().any(Option::is_some),
                "no slot for a new thread"
            );
        });
    }
    retire(forgotten);
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
fn identities_come_back() {
    let _alone = alone();
    let before = ids_ever();
    for _ in 0..MANY {
        retire(new_id().unwrap());
    }
    let used = ids_ever() - before;
    assert!(
        used <= 1 + 2 * OTHERS,
        "{used} identities for one at a time"
    );
}
