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
//! 1. A reader holds a lock by a slot from the look at the word that follows its store, if there is none of
//!    `WRITER`, `SUCCESSOR` and `COUNTED` in that word, nor `FENCED` if it has passed a light barrier only. Otherwise it clears the slot again: its entry was *passing*.
//! 2. Only the owner of a block stores an identity, and only into a slot that it has seen empty. Any
//!    thread may empty a slot, once, if it has been given the read lock.
//! 3. While a lock has `COUNTED` in its word, and no writer, no slot holds it.
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
//! neither `WRITER` nor `SUCCESSOR` makes a reader a holder, and none makes the lock *quiet* after it.
//!
//! A writer that gives up takes the quiet away: it has passed a heavy barrier, so those who read quietly
//! are seen by the next one without another. Only one that has seen every slot empty may set `COUNTED`
//! (invariant 3).
//!
//! A writer that is *handed* the lock has set no flag itself, and its look at the word need not be a
//! read-modify-write. It relies on its predecessor: `WRITER` or `SUCCESSOR` has been set without a gap since
//! that one announced itself, so a reader that holds by a slot looked at the word before then; the
//! predecessor has passed its barrier after it, of the speed at which that reader may have entered, or
//! saw `COUNTED`; and the successor acquires from the step in which the predecessor steps down. So its
//! looks at the slots come after that barrier, as if it had passed it itself. A thread that holds
//! `SUCCESSOR` only to wake a successor has passed none, but nobody is handed the lock by it: it
//! drops `SUCCESSOR` in the step in which the successor gets it.
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

pub(crate) use registry::{new_id, release_id, release_unused_id};

use crate::primitive::{AtomicU32, Ordering, Published, fence, local, sized};
use crate::{barrier, forced};
use registry::{MANY_ORPHANED, REGISTRY};
use std::cell::Cell;
use std::hint;
use std::ops::Deref;
use std::ptr::{self, NonNull};

use Ordering::{Acquire, Release, SeqCst};

/// The slots of a thread: how many read locks it can have by slots at a time. In loom's models few, since
/// a writer looks at each; in shuttle's enough to choose among.
const BLOCK_LEN: usize = sized(8, 1, 2);

/// The greatest identity: it goes into the word of its lock.
pub(crate) const MAX_ID: u32 = (1 << 17) - 1;

/// Where a reader notes the identity of its lock; 0: empty.
pub(crate) struct Slot(AtomicU32);

/// The slots of a thread, on lines of their own.
///
/// Two lines: CPUs fetch the neighbour of a line with it.
#[repr(align(128))]
struct Block {
    slots: [Slot; BLOCK_LEN],
    /// Beside the slots, since writers look at both.
    runs: [ReadRun; RUNS],
    index: usize,
}

/// Which lock the owner of a block has read by slots most recently, and how often since the last write. The
/// owner notes its samples, writers take what they find. If both do at once, notes may be lost, or found
/// twice: they are about speed only. So no checker sees them, either.
struct ReadRun {
    id: Published,
    reads: Published,
}

/// Of the reads of a thread one in so many is a sample and stands for all. A prime, so that a thread
/// that reads its locks in turn samples each. In models each read is one.
pub(crate) const SAMPLE: u32 = sized(61, 1, 1) as u32;

/// So many locks that a thread reads in turn have runs of their own.
const RUNS: usize = 4;

local! {
    /// What the fast path needs; without a destructor, so that nothing has to be registered and it
    /// can be used for as long as the thread lives.
    static OWN: Own = Own {
        next: Cell::new(None),
        owes: Cell::new(Entry::OWES_FENCE),
        until_sample: Cell::new(SAMPLE - 1),
        last_written: Cell::new(0),
        block: Cell::new(None),
        is_busy: Cell::new(false),
        expects_new: Cell::new(true),
    };
}

local! {
    /// Gives the block back when the thread ends.
    static AT_THREAD_EXIT: AtThreadExit = AtThreadExit { block: Cell::new(None) };
}

/// What the current thread needs in order to read.
pub(crate) struct Own {
    /// A slot that is probably empty.
    next: Cell<Option<&'static Slot>>,
    /// What the entries of this thread owe: see [`Entry`].
    owes: Cell<usize>,
    /// So many reads that are no samples come before the next one that is.
    until_sample: Cell<u32>,
    /// The address of the lock that the thread has written last, until a sample asks for it.
    last_written: Cell<usize>,
    block: Cell<Option<&'static Block>>,
    /// See [`without_reentry`].
    is_busy: Cell<bool>,
    /// Whether the last lock that this thread has written had no past.
    pub(crate) expects_new: Cell<bool>,
}

struct AtThreadExit {
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

/// An entry in a slot, and what the way out owes.
///
/// A read ends without a fence, because a writer that wants to sleep passes a heavy barrier. If that is no more
/// than a fence in this process, the read has to end with one, too. The entry says so, for the reader that
/// leaves need not look then which barrier there is.
pub(crate) struct Entry(NonNull<Slot>);

// SAFETY: it is a `&'static Slot`, which is `Send` and `Sync`.
unsafe impl Send for Entry {}
// SAFETY: as above.
unsafe impl Sync for Entry {}

impl Entry {
    /// Beside the address.
    const OWES_FENCE: usize = 1;

    #[inline(always)]
    fn of(slot: &'static Slot, owes: usize) -> Self {
        Self(NonNull::from(slot).map_addr(|address| address | owes))
    }

    /// Ends the read, or takes back the entry. A look at the word has to follow.
    #[inline(always)]
    pub(crate) fn end(self) {
        if self.0.addr().get() & Self::OWES_FENCE == 0 {
            // SAFETY: it was made of a `&'static Slot`, and nothing has been added to the address.
            unsafe { self.0.as_ref() }.clear();
            barrier::light();
        } else {
            self.end_with_fence();
        }
    }

    #[cold]
    fn end_with_fence(self) {
        let slot = self
            .0
            .as_ptr()
            .map_addr(|address| address & !Self::OWES_FENCE);
        // SAFETY: it was made of a `&'static Slot`, whose address is even.
        unsafe { &*slot }.clear();
        fence(SeqCst);
    }
}

/// The [`Own`] of the current thread, which it does not leave.
pub(crate) struct OwnRef(*const Own);

#[inline(always)]
pub(crate) fn own() -> OwnRef {
    OwnRef(OWN.with(ptr::from_ref))
}

impl Deref for OwnRef {
    type Target = Own;

    #[inline(always)]
    fn deref(&self) -> &Own {
        // SAFETY: `OWN` has no destructor, so it is there for as long as its thread; which is the current one,
        // since a pointer is not `Send`.
        unsafe { &*self.0 }
    }
}

impl Own {
    /// The current thread fills the slots of `block` from now on.
    fn adopt(&self, block: &'static Block) {
        self.block.set(Some(block));
        self.next.set(block.slots.first());
        if barrier::is_asymmetric() {
            self.owes.set(0);
        }
    }

    /// Stores `id` in a slot that is probably empty, if it is. A light barrier and a look at the word have to
    /// follow.
    #[inline(always)]
    pub(crate) fn enter_quietly(&self, id: u32) -> Option<Entry> {
        let slot = self.next.get()?;
        slot.fill(id).then(|| Entry::of(slot, 0))
    }

    /// As `enter_quietly`, but it is a fence that has to follow.
    #[inline(always)]
    pub(crate) fn enter(&self, id: u32) -> Option<Entry> {
        let slot = self.next.get()?;
        slot.fill(id).then(|| Entry::of(slot, self.owes.get()))
    }

    /// As `enter`, in any empty slot of the thread. None if it has as many read locks as slots, or is about
    /// to end.
    #[cold]
    pub(crate) fn enter_anywhere(&self, id: u32) -> Option<Entry> {
        let block = self.block.get().or_else(acquire_block)?;
        let slot = block.slots.iter().find(|slot| slot.fill(id))?;
        self.next.set(Some(slot));
        Some(Entry::of(slot, self.owes.get()))
    }

    /// Whether the current read is a sample. If so, the next one is, too, until samples are counted anew.
    #[inline(always)]
    pub(crate) fn tick_sample(&self) -> bool {
        let (left, is_sample) = self.until_sample.get().overflowing_sub(1);
        self.until_sample.set(left);
        if is_sample {
            hint::cold_path();
            self.until_sample.set(0);
        }
        is_sample
    }

    /// Begins to count the reads to the next sample anew.
    #[inline(always)]
    pub(crate) fn restart_samples(&self) {
        // Tests want to see what they force at once.
        let is_forced = forced::speed().is_some();
        self.until_sample
            .set(if is_forced { 0 } else { SAMPLE - 1 });
    }

    /// As `is_sample`, of the lock at `address`, at *counted*. The first one after a write is none: it would stand
    /// for reads before that, too, and where writes are frequent nothing is to be gained.
    #[inline(always)]
    pub(crate) fn tick_sample_of(&self, address: usize) -> bool {
        self.tick_sample() && !self.skip_after_write(address)
    }

    #[cold]
    fn skip_after_write(&self, address: usize) -> bool {
        let skip_after_write = self.last_written.replace(0) == address;
        if skip_after_write {
            self.restart_samples();
        }
        skip_after_write
    }

    /// To be called after each write of the lock at `address`, at *counted*.
    #[inline(always)]
    pub(crate) fn note_write(&self, address: usize) {
        self.last_written.set(address);
    }

    /// Notes a sample. Returns how many reads of the lock there were in a row.
    pub(crate) fn note_sample(&self, id: u32) -> u32 {
        self.restart_samples();
        self.block.get().map_or(0, |block| block.run(id).note(id))
    }

    /// Begins a new row of reads.
    pub(crate) fn start_over(&self, id: u32) {
        self.block.get().inspect(|block| block.run(id).reads.set(0));
    }
}

/// Gets a block for the current thread; none if the thread is ending and has given it back.
#[cold]
fn acquire_block() -> Option<&'static Block> {
    let block = without_reentry(|| {
        AT_THREAD_EXIT.try_with(|exit| {
            let block = REGISTRY.acquire();
            exit.block.set(Some(block));
            block
        })
    });
    let block = block?.ok()?;
    own().adopt(block);
    Some(block)
}

/// Runs `f`, which may allocate. Not if this thread is at it already: then its allocator uses a lock of
/// ours.
fn without_reentry<T>(f: impl FnOnce() -> T) -> Option<T> {
    if OWN.with(|own| own.is_busy.replace(true)) {
        return None;
    }
    let result = f();
    OWN.with(|own| own.is_busy.set(false));
    Some(result)
}

impl Drop for AtThreadExit {
    fn drop(&mut self) {
        let Some(block) = self.block.take() else {
            return;
        };
        // In the models a thread may lose both at once.
        let _ = OWN.try_with(|own| {
            own.next.set(None);
            own.block.set(None);
        });
        REGISTRY.release(block);
    }
}

impl Block {
    fn new(index: usize) -> Self {
        Self {
            slots: std::array::from_fn(|_| Slot(AtomicU32::new(0))),
            runs: std::array::from_fn(|_| ReadRun::new()),
            index,
        }
    }

    /// Where reads of a lock are noted; those of some other locks, too.
    fn run(&self, id: u32) -> &ReadRun {
        &self.runs[id as usize % RUNS]
    }

    /// How many more read locks can be noted in it. Never less later, while the block has no owner.
    fn empty_slots(&self) -> usize {
        self.slots.iter().filter(|slot| slot.holds(0)).count()
    }
}

impl ReadRun {
    fn new() -> Self {
        Self {
            id: Published::new(),
            reads: Published::new(),
        }
    }

    fn note(&self, id: u32) -> u32 {
        let reads = if self.id.update(id as usize) {
            SAMPLE
        } else {
            (self.reads.get() as u32).saturating_add(SAMPLE)
        };
        self.reads.set(reads as usize);
        reads
    }

    /// How many reads were noted since somebody has asked.
    fn take(&self, id: u32) -> u64 {
        let reads = self.reads.get();
        if reads == 0 || self.id.get() != id as usize {
            return 0;
        }
        self.reads.set(0);
        reads as u64
    }
}

/// Calls `wait` for each slot that holds `id`, until it returns false. Returns whether it never did, and how
/// many reads were noted since the last time, in the blocks that it has come to.
///
/// To be called by the announced writer, after a barrier: then no slot but for those that it finds
/// here is filled by a reader that gets in.
pub(crate) fn drain(id: u32, mut wait: impl FnMut(&Slot) -> bool) -> (bool, u64) {
    let mut reads = 0;
    let is_drained = REGISTRY.all_marked(|block| {
        reads += block.run(id).take(id);
        block.slots.iter().all(|slot| !slot.holds(id) || wait(slot))
    });
    if REGISTRY.orphaned.get() > MANY_ORPHANED {
        REGISTRY.try_to_tidy();
    }
    (is_drained, reads)
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

/// How many blocks a writer looks at.
pub(crate) fn blocks() -> u64 {
    REGISTRY.marked.get() as u64
}

/// What only models do.
#[cfg(all(test, gosync_model))]
pub(crate) mod models {
    use super::*;

    /// A block for a thread that does not lease one itself, which would multiply the schedules.
    pub(crate) struct Loan(&'static Block);

    pub(crate) fn lend() -> Loan {
        REGISTRY.free().lent += 1;
        Loan(REGISTRY.acquire())
    }

    impl Loan {
        /// To be called by the thread that gets the block.
        pub(crate) fn accept(self) {
            own().adopt(self.0);
        }
    }

    /// Whether the threads that had leased blocks have ended, thread-local variables and all.
    pub(crate) fn all_threads_have_exited() -> bool {
        let free = REGISTRY.free();
        REGISTRY.marked.get() == free.orphaned() + free.lent
    }
}

#[cfg(all(test, not(gosync_model)))]
mod tests;
