use super::registry::{LOOKS, Registry};
use super::*;
use std::sync::{Mutex, PoisonError};
use std::{ptr, thread};

/// More blocks and identities than the tests that run at the same time as these ever use at once.
const OTHERS: usize = 64;

/// Enough repetitions to show a leak.
const MANY: usize = if cfg!(miri) { 200 } else { 10_000 };

/// Makes the tests that hold it run one at a time. One of them leaves slots filled, and the others would find
/// these in their blocks.
fn alone() -> impl Drop {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `f` in another thread. That thread has ended, with its thread-local destructors, before this returns.
fn elsewhere<T: Send>(f: impl FnOnce() -> T + Send) -> T {
    thread::scope(|s| s.spawn(f).join().unwrap())
}

fn blocks_ever() -> usize {
    REGISTRY.blocks.len()
}

fn ids_ever() -> usize {
    REGISTRY.lock_lists().last_id as usize
}

/// The bit of an entry beside the address of its slot.
fn owes(entry: &Entry) -> usize {
    entry.0.addr().get() & Entry::OWES_FENCE
}

fn slot_of(entry: &Entry) -> &'static Slot {
    let slot = entry.0.as_ptr().map_addr(|address| address - owes(entry));
    // SAFETY: an entry is made from a `&'static Slot`.
    unsafe { &*slot }
}

/// Fills a slot of this thread.
fn enter_anywhere(id: u32) -> Option<&'static Slot> {
    own().enter_anywhere(id).as_ref().map(slot_of)
}

/// Fills a slot of this thread, and clears it again.
fn pass(id: u32) {
    let slot = enter_anywhere(id).expect("a slot is empty");
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
    release_unused_id(id);
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
        ids.into_iter().for_each(release_unused_id);
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
        elsewhere(|| _ = enter_anywhere(forgotten).expect("a slot for a new thread"));
    }
    let used = blocks_ever() - before;
    let full = MANY / 10 / BLOCK_LEN;
    assert!(
        used <= full + 1 + OTHERS,
        "{used} blocks for one thread at a time, and {full} full of guards"
    );
    assert!(any_holds(forgotten));
    release_id(forgotten);
    assert!(!any_holds(forgotten));
}

#[test]
fn a_thread_has_a_fixed_number_of_slots() {
    let _alone = alone();
    let id = new_id().unwrap();
    elsewhere(|| {
        let slots: Vec<_> = (0..BLOCK_LEN)
            .map(|_| enter_anywhere(id).expect("a slot"))
            .collect();
        assert!(enter_anywhere(id).is_none());
        // Each of them is found once it is empty.
        for slot in slots {
            slot.clear();
            let again = enter_anywhere(id).expect("the only empty slot");
            assert!(ptr::eq(slot, again));
        }
        assert!(enter_anywhere(id).is_none());
    });
    release_id(id);
}

#[test]
fn another_thread_empties_a_slot() {
    let _alone = alone();
    let id = new_id().unwrap();
    let slot = elsewhere(|| enter_anywhere(id)).expect("a slot");
    assert!(slot.holds(id) && any_holds(id));
    slot.clear();
    assert!(!any_holds(id));
    release_unused_id(id);
}

#[test]
fn drain_waits_for_each_slot_of_its_lock_until_it_is_told_to_stop() {
    let _alone = alone();
    let [id, other] = [(); 2].map(|()| new_id().unwrap());
    elsewhere(|| {
        let slots = [
            enter_anywhere(id),
            enter_anywhere(other),
            enter_anywhere(id),
        ]
        .map(|slot| slot.expect("a slot"));
        let mut waited = 0;
        let reads = drain(id, |slot| {
            assert!(slot.holds(id));
            waited += 1;
            true
        });
        assert_eq!((reads, waited), ((true, 0), 2));
        assert_eq!(drain(id, |_| false), (false, 0));
        slots.into_iter().for_each(Slot::clear);
        assert_eq!(drain(id, |_| unreachable!()), (true, 0));
    });
    [id, other].into_iter().for_each(release_unused_id);
}

#[test]
fn a_writer_takes_the_notes_of_its_lock() {
    let _alone = alone();
    let [id, other] = [(); 2].map(|()| new_id().unwrap());
    let one = u64::from(SAMPLE);
    elsewhere(|| {
        let own = own();
        assert_eq!(own.note_sample(id), 0, "no block to note it in");
        pass(id);
        let notes = [(); 3].map(|()| own.note_sample(id) / SAMPLE);
        assert_eq!(notes, [1, 2, 3]);
        assert_eq!(drain(id, |_| true), (true, 3 * one));
        assert_eq!(drain(id, |_| true), (true, 0), "they have been taken");
        assert_eq!(own.note_sample(id), SAMPLE);
        assert_eq!(drain(other, |_| true), (true, 0));
        assert_eq!(drain(id, |_| true), (true, one), "no other lock's");
        assert_eq!(own.note_sample(id), SAMPLE);
        own.start_over(id);
        assert_eq!(own.note_sample(id), SAMPLE);
    });
    [id, other].into_iter().for_each(release_unused_id);
}

#[test]
fn locks_that_share_a_run_do_not_share_their_notes() {
    let run = ReadRun::new();
    assert_eq!(run.note(1), SAMPLE);
    assert_eq!(run.note(1 + RUNS as u32), SAMPLE);
    assert_eq!(run.take(1), 0);
    assert_eq!(run.take(1 + RUNS as u32), SAMPLE.into());
}

#[test]
fn one_read_in_61_is_a_sample() {
    if forced::speed().is_some() {
        return;
    }
    elsewhere(|| {
        let own = own();
        let reads = (0..10 * SAMPLE).map(|_| own.tick_sample());
        let samples = reads.filter(|is_sample| {
            if *is_sample {
                own.note_sample(1);
            }
            *is_sample
        });
        assert_eq!(samples.count(), 10);
    });
}

#[test]
fn the_first_sample_of_a_lock_after_a_write_does_not_count() {
    if forced::speed().is_some() {
        return;
    }
    elsewhere(|| {
        let own = own();
        let [written, other] = [16, 32];
        let reads_to_a_sample = |address| {
            let reads = (1..).find(|_| own.tick_sample_of(address));
            own.restart_samples();
            reads
        };
        own.note_write(written);
        assert_eq!(reads_to_a_sample(written), Some(2 * SAMPLE));
        assert_eq!(reads_to_a_sample(written), Some(SAMPLE));
        own.note_write(written);
        assert_eq!(reads_to_a_sample(other), Some(SAMPLE));
    });
}

/// No model can check this, since a light barrier is a fence there.
#[test]
fn entries_owe_a_fence_unless_there_is_a_heavier_barrier() {
    let _alone = alone();
    let id = new_id().unwrap();
    elsewhere(|| {
        let entry = own().enter_anywhere(id).unwrap();
        assert!(owes(&entry) != 0 || barrier::is_asymmetric());
        entry.end();
    });
    release_unused_id(id);
}

#[test]
fn an_entry_remembers_whether_it_owes_a_fence() {
    let _alone = alone();
    let id = new_id().unwrap();
    elsewhere(|| {
        let own = own();
        let mut slots = Vec::new();
        for owed in [0, Entry::OWES_FENCE] {
            // `enter_anywhere` finds a slot, and `enter` uses it again.
            own.enter_anywhere(id).unwrap().end();
            own.owes.set(owed);
            let entry = own.enter(id).unwrap();
            assert_eq!(owes(&entry), owed);
            slots.push(ptr::from_ref(slot_of(&entry)).addr());
            assert!(any_holds(id));
            entry.end();
            assert!(!any_holds(id));
        }
        let entry = own.enter_quietly(id).unwrap();
        assert_eq!(entry.0.addr().get(), slots[0], "it owes none");
        entry.end();
        assert_eq!(slots[0], slots[1]);
    });
    release_unused_id(id);
}

/// A registry never frees its segments, so it is static.
macro_rules! registry {
    () => {{
        static REGISTRY: Registry = Registry::new();
        &REGISTRY
    }};
}

fn take_many(registry: &Registry) -> Vec<&'static Block> {
    (0..3000).map(|_| registry.acquire()).collect()
}

/// Asserts that a writer looks at these blocks and no others.
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
        taken.push(registry.acquire());
        assert_marked(registry, &taken);
    }
    let block = taken.remove(7);
    registry.release(block);
    assert_marked(registry, &taken);
    assert!(ptr::eq(registry.acquire(), block));
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
                registry.release(block);
            }
        }
        assert_marked(registry, &[lives_on]);
        registry.release(lives_on);
        assert_marked(registry, &[]);
    }
    assert_eq!(registry.blocks.len(), 3000);
}

#[test]
fn a_writer_looks_at_orphaned_guards() {
    let registry = registry!();
    let blocks = take_many(registry);
    let left = [blocks[5], blocks[2999]];
    fill(left[0], 1);
    fill(left[1], BLOCK_LEN);
    blocks.iter().for_each(|block| registry.release(block));
    assert_marked(registry, &left);
    // The next look finds that the guards are gone.
    left[0].slots[0].clear();
    registry.tidy(&mut registry.lock_lists());
    assert_marked(registry, &left[1..]);
    left[1].slots.iter().for_each(Slot::clear);
    registry.try_to_tidy();
    assert_marked(registry, &[]);
}

#[test]
fn orphaned_blocks_are_tidied_in_the_end() {
    let registry = registry!();
    let blocks = take_many(registry);
    for (index, block) in blocks.iter().enumerate() {
        fill(block, if index % 2 == 0 { 1 } else { BLOCK_LEN });
    }
    blocks.iter().for_each(|block| registry.release(block));
    assert_marked(registry, &blocks);
    assert_eq!(registry.orphaned.get(), blocks.len());
    let slots = blocks.iter().flat_map(|block| &block.slots);
    slots.for_each(Slot::clear);
    for _ in 0..blocks.len().div_ceil(LOOKS) {
        registry.try_to_tidy();
    }
    assert_marked(registry, &[]);
    assert_eq!(registry.orphaned.get(), 0);
}

#[test]
fn a_new_thread_gets_a_block_with_an_empty_slot() {
    let registry = registry!();
    let blocks = [(); 3 * LOOKS].map(|()| registry.acquire());
    for (index, block) in blocks.iter().enumerate() {
        let filled = BLOCK_LEN - usize::from(index == LOOKS);
        fill(block, filled);
    }
    blocks.iter().for_each(|block| registry.release(block));
    let roomy = registry.acquire();
    assert!(ptr::eq(roomy, blocks[LOOKS]), "the only one with room");
    let new = registry.acquire();
    assert_eq!(new.empty_slots(), BLOCK_LEN);
    assert_eq!(registry.blocks.len(), blocks.len() + 1);
    // An empty block is handed out first.
    registry.release(roomy);
    registry.release(new);
    assert!(ptr::eq(registry.acquire(), new));
    assert!(ptr::eq(registry.acquire(), roomy));
}

#[test]
fn threads_read_by_slots_beside_those_that_forget_their_guards() {
    let _alone = alone();
    let forgotten = new_id().unwrap();
    for _ in 0..20 {
        elsewhere(|| {
            let slots = [(); BLOCK_LEN].map(|()| enter_anywhere(forgotten));
            assert!(
                slots.iter().any(Option::is_some),
                "no slot for a new thread"
            );
        });
    }
    release_id(forgotten);
}

#[test]
fn no_two_locks_have_the_same_identity_at_a_time() {
    let mut ids: Vec<_> = (0..OTHERS).map(|_| new_id().unwrap()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), OTHERS);
    assert!(ids.iter().all(|id| (1..=MAX_ID).contains(id)));
    ids.into_iter().for_each(release_id);
}

#[test]
fn identities_come_back() {
    let _alone = alone();
    let before = ids_ever();
    for _ in 0..MANY {
        release_id(new_id().unwrap());
    }
    let used = ids_ever() - before;
    assert!(
        used <= 1 + 2 * OTHERS,
        "{used} identities for one at a time"
    );
}

/// The destructors of the thread that ends the process must not wait for threads that are gone.
#[test]
#[cfg(windows)]
fn a_process_ends_while_another_thread_has_the_lists() {
    use std::sync::mpsc;

    let test = "readers::tests::a_process_ends_while_another_thread_has_the_lists";
    crate::platform::tests::assert_ends(test, || {
        pass(new_id().unwrap());
        let (begin, begun) = mpsc::channel();
        thread::spawn(move || {
            let _lists = REGISTRY.lock_lists();
            begin.send(()).unwrap();
            loop {
                thread::park();
            }
        });
        begun.recv().unwrap();
    });
}
