//! Reader slots: who reads what, noted where only the reader writes.
//!
//! A thread has a [`Block`] of slots. To take a read lock it stores the lock's identity into an empty
//! slot of its own, and clears the slot to end the read; no line is written that another thread
//! writes. A writer looks for the identity of its lock through the blocks that are *marked*: those of
//! the threads that live, and those that a thread has left with a guard in them. So what a look costs
//! hardly depends on how many threads there have been: 64 blocks without a mark take one load.
//!
//! # The speeds
//!
//! | speed | a reader | a writer |
//! |---|---|---|
//! | *counted* | counts itself in the lock's word | waits until the count is 0 |
//! | *slots* | stores to a slot, passes a **fence**, looks at the word again | also waits for the slots |
//! | *quiet* | stores to a slot, passes a **light** barrier, looks at the word again | passes a **heavy** barrier before that |
//!
//! How a lock changes its speed stands in `raw_rwmutex`. It is based on Dice and Kogan's BRAVO
//! (2019), on the asymmetric barriers of liburcu, and on the trackers of FreeBSD's rmlock.
//!
//! # Invariants
//!
//! 1. A reader holds a lock by a slot from the look at the word that follows its store, if there is
//!    neither `WRITER` nor `HEIR` in that word, and `SLOTS` if it has passed a fence, or `QUIET` if it
//!    has passed a light barrier. Otherwise it clears the slot again: its entry was *passing*.
//! 2. Only the owner of a block stores an identity, and only into a slot that it has seen empty. Any
//!    thread may empty a slot, once, if it has been given the read lock.
//! 3. While a lock has no `SLOTS` in its word, and no writer either, no slot holds it.
//! 4. An identity belongs to one lock until that is dropped, and goes with it when it moves. So a slot
//!    that is never emptied holds up that lock and no other. The drop empties it.
//! 5. A block is marked from before it gets an owner until it has none and every slot of it has been
//!    seen empty. Marks and owners change under the registry's lock only. So a filled slot lies in a
//!    marked block, and while a block has no mark nobody fills its slots.
//! 6. A new owner gets a block with an empty slot.
//!
//! # Proof of exclusion
//!
//! Let a reader store to its slot and look at the word, and let a writer set `WRITER` and then look at
//! the slot. Between the two steps the reader passes a fence and so does the writer (*slots*), or the
//! reader a light barrier and the writer a heavy one (*quiet*). So one of them sees the other: the
//! reader `WRITER`, and clears its slot; or the writer the entry, and waits. Which barrier the
//! writer has to pass it sees in the word as it announces itself, because only a look at a word with
//! neither `WRITER` nor `HEIR` makes a reader a holder, and none makes the lock *quiet* after it.
//!
//! A writer that gives up takes the quiet away: it has passed a heavy barrier, so those who read quietly
//! are seen by the next one without another. Only one that has seen every slot empty may take `SLOTS`
//! away (invariant 3).
//!
//! A writer that is *handed* the lock has set no flag itself, and its look at the word need not be a
//! read-modify-write. It relies on its predecessor: `WRITER` or `HEIR` has been set without a gap since
//! that one announced itself, so a reader that holds by a slot looked at the word before then; the
//! predecessor has passed its barrier after it, of the speed at which that reader may have entered, or
//! saw no `SLOTS`; and the heir acquires from the step in which the predecessor steps down. So its
//! looks at the slots come after that barrier, as if it had passed it itself. A thread that holds
//! `HEIR` only to wake a successor has passed none, but nobody is handed the lock by it: it
//! drops `HEIR` in the step in which the successor gets it.
//!
//! The writer's look at the empty slot acquires from every read that ended there: clearing is a
//! Release, and so is each store of another identity on top, whose owner has acquired in turn when it
//! saw the slot empty.
//!
//! # Proof that no mark is missed
//!
//! The writer looks at a slot only if it finds its block marked. It looks at the mark after its
//! barrier. A reader sets the mark, or is given a block that has it, before it fills the slot, and so
//! before its own barrier. So what the barriers do for the slot they do for the mark: if the reader
//! does not see `WRITER`, the writer sees the mark, or a later change of it. The same holds for the
//! length of the list of marks, which grows before a mark is set at its end.
//!
//! A later change can only have taken the mark away. Then somebody had seen the slot empty when the
//! block had no owner any more. That look acquired from the read, and the change is a Release from
//! which the writer's look acquires; changes after it go on with that, since all are
//! read-modify-writes. So the read is over, and the writer knows of it.
//!
//! A writer that waits has found a slot filled, and looks at that very slot from then on. It needs no
//! mark.
//!
//! # Proof that no wake-up is lost
//!
//! A writer that wants to sleep sets `DRAIN`, passes a heavy barrier at any speed, and looks at the
//! slot once more under the lock of its queue. A reader clears its slot, passes a light barrier, and
//! looks at the word. So one of them sees the other: the writer the empty slot, or the reader `DRAIN`,
//! and it wakes the writer. That holds for passing entries, too. After this one barrier the writer may
//! sleep again and again as long as `DRAIN` stays set.
//!
//! While the process cannot afford that barrier the writer sets `DRAIN` and naps without it. A reader
//! that leaves may miss `DRAIN`; then the nap ends by itself, and the writer looks at the slot again.
//! The barrier comes after the last nap, and so still after `DRAIN`, and before every sleep that is no
//! nap.

mod registry;

pub(crate) use registry::{give_back, new_id, retire};

use crate::forced;
use crate::primitive::{AtomicU32, Ordering, local, sized};
use registry::{MANY_LEFT, REGISTRY};
use std::cell::Cell;

use Ordering::{Acquire, Relaxed, Release};

/// The slots of a thread: how many read locks it can have by slots at a time. In loom's models few, since
/// a writer looks at each; in shuttle's enough to choose among.
const SLOTS: usize = sized(8, 1, 2);

/// The greatest identity: it goes into the word of its lock.
pub(crate) const MAX_ID: u32 = (1 << 19) - 1;

/// What a thread notes reads under: the identity of a lock, and two bits that change with each write.
pub(crate) fn stamp(id: u32, epoch: u32) -> u32 {
    id << 2 | epoch
}

/// The identity in a stamp.
fn lock_of(stamp: u32) -> u32 {
    stamp >> 2
}

/// Where a reader notes the identity of its lock; 0: empty.
pub(crate) struct Slot(AtomicU32);

/// The slots of a thread, on lines of their own.
///
/// Two lines: processors fetch the neighbour of a line with it.
#[repr(align(128))]
struct Block {
    slots: [Slot; SLOTS],
    /// Beside the slots, since writers look at both.
    runs: [Run; RUNS],
    index: usize,
}

/// Under which stamp the owner of a block has read by slots most recently, and how often in a row. Only
/// the owner writes.
struct Run {
    stamp: AtomicU32,
    reads: AtomicU32,
}

/// Of the reads that are counted in, one in so many stands for all: credit in the word makes a write
/// slower. A prime, so that a thread that reads its locks in turn samples each.
pub(crate) const SAMPLE: u32 = 7;

/// What a writer loses with few threads: the lines of their blocks. As much as a sample of credit, so
/// that a single one does not outlive the next write.
const WRITE_PRICE: u32 = SAMPLE;

/// With so many marked blocks are threads few.
const FEW_BLOCKS: u64 = 16;

/// So many blocks beyond take as long to look through as a read saves.
const BLOCKS_PER_READ: u64 = 2;

/// So many locks that a thread reads in turn have runs of their own.
const RUNS: usize = 4;

local! {
    /// What the fast path needs; without a destructor, so that nothing has to be registered and it
    /// can be used for as long as the thread lives.
    static OWN: Own = Own { next: Cell::new(None), block: Cell::new(None), until_sample: Cell::new(1), is_busy: Cell::new(false) };
}

local! {
    /// Gives the block back when the thread ends.
    static LEASE: Lease = Lease { block: Cell::new(None) };
}

struct Own {
    /// A slot that is probably empty.
    next: Cell<Option<&'static Slot>>,
    block: Cell<Option<&'static Block>>,
    /// Reads that are counted in until the next sample.
    until_sample: Cell<u32>,
    /// See `once_at_a_time`.
    is_busy: Cell<bool>,
}

struct Lease {
    block: Cell<Option<&'static Block>>,
}

impl Slot {
    /// To be called by the owner of the block. Returns whether the slot was empty.
    #[inline]
    fn fill(&self, id: u32) -> bool {
        // Acquire and Release: a writer that finds `id` here instead of its own acquires from the
        // reads before, wherever they ended; pairs with the Acquire in `holds` and the Release in
        // `clear`.
        let is_empty = self.0.load(Acquire) == 0;
        if is_empty {
            self.0.store(id, Release);
        }
        is_empty
    }

    /// Ends a read, or takes back an entry.
    #[inline]
    pub(crate) fn clear(&self) {
        // Release: pairs with the Acquire in `holds`, so that reads end before writes begin.
        self.0.store(0, Release);
    }

    /// Whether a reader of the lock has an entry here.
    pub(crate) fn holds(&self, id: u32) -> bool {
        // Acquire: pairs with the Releases in `clear` and `fill`.
        self.0.load(Acquire) == id
    }
}

/// Stores `id` in an empty slot of the current thread, if there is one. A barrier and a look at the
/// word have to follow.
#[inline]
pub(crate) fn enter(id: u32) -> Option<&'static Slot> {
    match OWN.with(|own| own.next.get()) {
        Some(slot) if slot.fill(id) => Some(slot),
        _ => enter_elsewhere(id),
    }
}

/// Whether `enter` finds an empty slot.
pub(crate) fn has_slot() -> bool {
    OWN.with(|own| {
        let block = own.block.get().or_else(lease);
        block.is_some_and(|block| block.slots.iter().any(|slot| slot.holds(0)))
    })
}

/// `enter` without a hint. None if the thread has as many read locks as slots, or is about to end.
#[cold]
fn enter_elsewhere(id: u32) -> Option<&'static Slot> {
    OWN.with(|own| {
        let block = own.block.get().or_else(lease)?;
        let slot = block.slots.iter().find(|slot| slot.fill(id))?;
        own.next.set(Some(slot));
        Some(slot)
    })
}

/// Gets a block for the current thread; none if the thread is ending and has given it back.
#[cold]
fn lease() -> Option<&'static Block> {
    let block = once_at_a_time(|| {
        LEASE.try_with(|lease| {
            let block = REGISTRY.take();
            lease.block.set(Some(block));
            block
        })
    });
    let block = block?.ok()?;
    OWN.with(|own| own.block.set(Some(block)));
    Some(block)
}

/// Runs `f`, which may allocate. Not if this thread is at it already: then its allocator uses a lock of
/// ours.
fn once_at_a_time<T>(f: impl FnOnce() -> T) -> Option<T> {
    if OWN.with(|own| own.is_busy.replace(true)) {
        return None;
    }
    let result = f();
    OWN.with(|own| own.is_busy.set(false));
    Some(result)
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(block) = self.block.take() else {
            return;
        };
        // In the models a thread may lose both at once.
        let _ = OWN.try_with(|own| {
            own.next.set(None);
            own.block.set(None);
        });
        REGISTRY.put_back(block);
    }
}

/// Whether a read that is counted in stands for [`SAMPLE`] of them.
#[inline]
pub(crate) fn is_sample() -> bool {
    OWN.with(|own| {
        let left = own.until_sample.get() - 1;
        let is_sample = left == 0;
        own.until_sample.set(if is_sample { SAMPLE } else { left });
        is_sample
    })
}

/// Notes a read by a slot under `stamp`. Returns how many there were in a row.
#[inline]
pub(crate) fn note_read(stamp: u32) -> u32 {
    OWN.with(|own| {
        own.block
            .get()
            .map_or(0, |block| block.run(stamp).note(stamp))
    })
}

/// Begins a new row of reads.
pub(crate) fn start_over(stamp: u32) {
    OWN.with(|own| {
        own.block
            .get()
            .inspect(|block| block.run(stamp).reads.store(0, Relaxed))
    });
}

impl Block {
    fn new(index: usize) -> Self {
        Self {
            slots: std::array::from_fn(|_| Slot(AtomicU32::new(0))),
            runs: std::array::from_fn(|_| Run::new()),
            index,
        }
    }

    /// Where reads under `stamp` are noted; those of some other locks, too.
    fn run(&self, stamp: u32) -> &Run {
        &self.runs[lock_of(stamp) as usize % RUNS]
    }

    /// How many more read locks can be noted in it. Never less later, while the block has no owner.
    fn empty_slots(&self) -> usize {
        self.slots.iter().filter(|slot| slot.holds(0)).count()
    }
}

impl Run {
    fn new() -> Self {
        Self {
            stamp: AtomicU32::new(0),
            reads: AtomicU32::new(0),
        }
    }

    fn note(&self, stamp: u32) -> u32 {
        let reads = if self.stamp.load(Relaxed) == stamp {
            self.reads.load(Relaxed).saturating_add(1)
        } else {
            self.stamp.store(stamp, Relaxed);
            1
        };
        self.reads.store(reads, Relaxed);
        reads
    }

    /// How many reads were noted under `stamp`. A guess: the owner goes on meanwhile.
    fn reads(&self, stamp: u32) -> u64 {
        if self.stamp.load(Relaxed) == stamp {
            self.reads.load(Relaxed).into()
        } else {
            0
        }
    }
}

/// Calls `wait` for each slot that holds `id`, until it returns false. Returns how many reads were
/// noted under `stamp`; none if it was broken off.
///
/// To be called by the announced writer, after a barrier: then no slot but for those that it finds
/// here is filled by a reader that gets in.
pub(crate) fn drain(id: u32, stamp: u32, mut wait: impl FnMut(&Slot) -> bool) -> Option<u64> {
    let mut reads = 0;
    let is_drained = REGISTRY.all_marked(|block| {
        reads += block.run(stamp).reads(stamp);
        block.slots.iter().all(|slot| !slot.holds(id) || wait(slot))
    });
    if REGISTRY.left.get() > MANY_LEFT {
        REGISTRY.try_to_tidy();
    }
    is_drained.then_some(reads)
}

/// Whether any slot holds `id`, at the moment.
pub(crate) fn any_holds(id: u32) -> bool {
    !REGISTRY.all_marked(|block| !block.slots.iter().any(|slot| slot.holds(id)))
}

/// Whether a slot of the current thread holds `id`.
#[cfg(not(gosync_model))]
pub(crate) fn own_holds(id: u32) -> bool {
    let holds = |block: &Block| block.slots.iter().any(|slot| slot.holds(id));
    id != 0 && OWN.with(|own| own.block.get().is_some_and(holds))
}

/// What a write costs a lock with slots more than one without, in reads that save as much.
pub(crate) fn price() -> u64 {
    if forced::speed().is_some() {
        return 0;
    }
    let blocks = REGISTRY.marked.get() as u64;
    let price = forced::write_price().unwrap_or(WRITE_PRICE);
    u64::from(price) + blocks.saturating_sub(FEW_BLOCKS) / BLOCKS_PER_READ
}

/// What only models do.
#[cfg(all(test, gosync_model))]
pub(crate) mod models {
    use super::*;

    /// A block for a thread that does not lease one itself, which would multiply the schedules.
    pub(crate) struct Loan(&'static Block);

    pub(crate) fn lend() -> Loan {
        REGISTRY.free().lent += 1;
        Loan(REGISTRY.take())
    }

    impl Loan {
        /// To be called by the thread that gets the block.
        pub(crate) fn accept(self) {
            OWN.with(|own| own.block.set(Some(self.0)));
        }
    }

    /// Whether the threads that had leased blocks have ended, thread-local variables and all.
    pub(crate) fn all_leases_have_ended() -> bool {
        let free = REGISTRY.free();
        REGISTRY.marked.get() == free.left() + free.lent
    }
}

#[cfg(all(test, not(gosync_model)))]
mod tests;
