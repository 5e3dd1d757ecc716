//! Reader slots: a reader publishes which lock it reads in a place that only it writes.
//!
//! A thread owns a [`Block`] of slots. To take a read lock, it stores the identity of the lock in an empty
//! slot of its block. To end the read, it clears the slot. It writes no cache line that other threads write.
//!
//! A writer searches the blocks for the identity of its lock. It looks only at blocks that are *marked*:
//! those of live threads, and those whose thread has ended but in which a slot is still filled. One load skips
//! 64 unmarked blocks. So the cost of a search hardly depends on how many threads there have been.
//!
//! # The speeds
//!
//! | speed | a reader | a writer |
//! |---|---|---|
//! | *counted* | counts itself in the lock's word | waits until the count is 0 |
//! | *slots* | stores to a slot, passes a **fence**, looks at the word again | also waits for the slots |
//! | *quiet* | stores to a slot, passes a **light** barrier, looks at the word again | passes a **heavy** barrier first |
//!
//! `raw_rwmutex` describes how a lock changes its speed. The design is based on Dice and Kogan's BRAVO
//! (2019), on the asymmetric barriers of liburcu, and on the trackers of FreeBSD's rmlock.
//!
//! # Invariants
//!
//! 1. A reader that has filled a slot looks at the word. It holds the lock by that slot from this look on if
//!    the word has none of `WRITER`, `SUCCESSOR` and `COUNTED`, nor, if it has passed only a light barrier,
//!    `FENCED`. Otherwise it clears the slot again: its entry was *passing*.
//! 2. Only the owner of a block stores identities, and only in a slot that it has seen empty. Any thread that
//!    has been given the read lock may empty the slot, once.
//! 3. While `COUNTED` is set in the word of a lock, no reader holds the lock by a slot.
//! 4. An identity belongs to one lock until that lock is dropped, and moves with it. So a slot whose
//!    guard was forgotten holds up that lock and no other. When the lock is dropped, the slot is emptied.
//! 5. A block is marked from before it gets an owner until it has no owner and each of its slots has been
//!    seen empty. Marks and owners change only under the lock of the registry. So each filled slot lies in a
//!    marked block, and no thread fills the slots of an unmarked block.
//! 6. A new owner gets a block with an empty slot.
//!
//! # Proof of exclusion
//!
//! Let a reader store to its slot and then look at the word. Let a writer set `WRITER` and then look at that
//! slot. Between its two steps each passes a barrier: at *slots*, both pass a fence; at *quiet*, the reader
//! passes a light barrier and the writer a heavy one. So at least one of them sees the other's store:
//!
//! * The reader sees `WRITER`. Then it clears its slot, and does not hold the lock.
//! * Or the writer sees the entry. Then it waits until the slot is cleared.
//!
//! The writer learns which barrier it must pass from the word at its announcement. That suffices: only a look
//! at a word with neither `WRITER` nor `SUCCESSOR` makes a reader a holder, and no thread makes the lock
//! *quiet* while one of them is set.
//!
//! A writer that gives up ends the *quiet* speed. It has passed a heavy barrier, so the next writer sees the
//! quiet readers without another one. Only a writer that has seen every slot empty may set `COUNTED`
//! (invariant 3).
//!
//! A writer that is *handed* the lock has not set `WRITER` itself, and its look at the word need not be a
//! read-modify-write. It relies on its predecessor:
//!
//! * Since the predecessor announced itself, `WRITER` or `SUCCESSOR` has been set without a gap. So a reader
//!   that holds the lock by a slot looked at the word before that announcement.
//! * After the announcement, the predecessor has passed the barrier for the speed at which that reader may
//!   have entered, or has seen `COUNTED`.
//! * The successor acquires from the step in which the predecessor steps down. So its looks at the slots come
//!   after that barrier, as if it had passed the barrier itself.
//!
//! A thread that owns `SUCCESSOR` only in order to wake a successor has passed no barrier. But it never hands
//! over the lock: it owns `SUCCESSOR` only until the writer that it wakes is taken from the queue, and only that
//! writer can ask for a hand-off.
//!
//! The look that finds a slot empty acquires from every read that ended there. Clearing the slot is a
//! Release. So is a later store of another identity in that slot, whose thread acquired in turn when it saw
//! the slot empty.
//!
//! # Proof that no mark is missed
//!
//! A writer looks at a slot only if it finds the block marked, and it looks at the mark after its barrier. A
//! reader sets the mark, or is given a block that has it, before it fills the slot, and so before its own
//! barrier. So what the barriers do for the slot they do for the mark: if the reader does not see `WRITER`,
//! the writer sees the mark, or a later change of it. The same holds for the length of the list of marks,
//! which grows before a mark at its end is set.
//!
//! A later change can only have removed the mark. Then:
//!
//! * Before the removal, a thread saw the slot empty when the block had no owner any more. That look acquired
//!   from the read.
//! * The removal is a Release. All changes of marks are read-modify-writes, so those that follow continue its
//!   release sequence. The writer's look at the mark acquires from it.
//!
//! So the read is over, and it happens before what the writer does next.
//!
//! A writer that waits has found a filled slot, and looks at that very slot from then on. It needs no mark.
//!
//! # Proof that no wake-up is lost
//!
//! A writer that wants to sleep sets `DRAINER_PARKED`, passes a heavy barrier (whatever the speed of the
//! lock), and looks at the slot once more under the lock of its queue. A reader that leaves clears its slot,
//! passes a light barrier, and looks at the word. So at least one of them sees the other's store:
//!
//! * The writer sees the empty slot, and does not sleep.
//! * Or the reader sees `DRAINER_PARKED`, and wakes the writer.
//!
//! The same holds for passing entries. After this one barrier the writer may sleep again and again, as long
//! as `DRAINER_PARKED` stays set.
//!
//! While the process cannot afford that barrier, the writer sets `DRAINER_PARKED` and naps without it. Then a
//! reader that leaves may miss `DRAINER_PARKED`. In that case the nap ends by itself, and the writer looks at
//! the slot again. The barrier comes after the last nap. So it still comes after `DRAINER_PARKED` is set, and
//! before every sleep that is not a nap.

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

/// How many slots a thread has, and so how many read locks it can hold by slots at a time. Loom's models have
/// few, since a writer looks at each. Shuttle's have enough to choose among.
const BLOCK_LEN: usize = sized(8, 1, 2);

/// The greatest identity that fits into the word of a lock.
pub(crate) const MAX_ID: u32 = (1 << 17) - 1;

/// Where a reader publishes the identity of its lock. 0 means empty.
pub(crate) struct Slot(AtomicU32);

/// The slots of a thread, on their own pair of cache lines: a CPU fetches the neighbour of a line with it.
#[repr(align(128))]
struct Block {
    slots: [Slot; BLOCK_LEN],
    /// Next to the slots, since writers look at both.
    runs: [ReadRun; RUNS],
    index: usize,
}

/// A note of the owner of a block: of the locks that share this run, which one it has read by slots most recently,
/// and how often since the last write.
///
/// The owner notes its samples, and writers take what they find. If both do so at once, notes may be lost or
/// taken twice. They affect only speed, so they are hidden from the checkers.
struct ReadRun {
    id: Published,
    reads: Published,
}

/// One read in `SAMPLE` reads of a thread is a sample, and stands for all of them. A prime number, so that a
/// thread that reads its locks in turn samples each of them. In models every read is a sample.
pub(crate) const SAMPLE: u32 = sized(61, 1, 1) as u32;

/// The number of locks that a thread can read in turn with a separate run for each.
const RUNS: usize = 4;

local! {
    /// What the fast path needs. It has no destructor, so the thread registers nothing, and can use it for as
    /// long as it lives.
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
    /// Releases the block when the thread ends.
    static AT_THREAD_EXIT: AtThreadExit = AtThreadExit { block: Cell::new(None) };
}

/// The state that a thread needs to read by slots.
pub(crate) struct Own {
    /// A slot that is probably empty.
    next: Cell<Option<&'static Slot>>,
    /// What the entries of this thread owe; see [`Entry`].
    owes: Cell<usize>,
    /// The number of reads before the next sample.
    until_sample: Cell<u32>,
    /// The address of the lock that the thread has written last. The next sample at *counted* resets it to 0.
    last_written: Cell<usize>,
    block: Cell<Option<&'static Block>>,
    /// See [`without_reentry`].
    is_busy: Cell<bool>,
    /// Whether the last lock that this thread has written was like a new one: it had no past.
    pub(crate) expects_new: Cell<bool>,
}

struct AtThreadExit {
    block: Cell<Option<&'static Block>>,
}

impl Slot {
    /// Stores `id` if the slot is empty. Returns whether it was. Only the owner of the block may call this.
    #[inline]
    fn fill(&self, id: u32) -> bool {
        // Acquire: pairs with the Release in `clear`. Release: pairs with the Acquire in `holds`. So a writer
        // that finds `id` here instead of its own identity acquires from the earlier reads by this slot, in
        // whichever thread they ended.
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

    /// Whether a reader of the lock `id` has an entry here.
    pub(crate) fn holds(&self, id: u32) -> bool {
        // Acquire: pairs with the Releases in `clear` and `fill`.
        self.0.load(Acquire) == id
    }
}

/// An entry in a slot, and whether its end owes a fence.
///
/// A read ends without a fence, because a writer that wants to sleep passes a heavy barrier. If that is only
/// a fence in this process, the read must end with a fence, too. The entry records this, so that the reader
/// that leaves need not find out which barrier the process has.
pub(crate) struct Entry(NonNull<Slot>);

// SAFETY: it stands for a `&'static Slot`, which is `Send` and `Sync`.
unsafe impl Send for Entry {}
// SAFETY: as above.
unsafe impl Sync for Entry {}

impl Entry {
    /// The bit that is set beside the address.
    const OWES_FENCE: usize = 1;

    #[inline(always)]
    fn of(slot: &'static Slot, owes: usize) -> Self {
        Self(NonNull::from(slot).map_addr(|address| address | owes))
    }

    /// Ends the read, or takes back the entry. The caller must look at the word after this.
    #[inline(always)]
    pub(crate) fn end(self) {
        if self.0.addr().get() & Self::OWES_FENCE == 0 {
            // SAFETY: the pointer was made from a `&'static Slot`, and no bit was added to its address.
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
        // SAFETY: the pointer was made from a `&'static Slot`, whose address is even, and the bit is removed
        // again.
        unsafe { &*slot }.clear();
        fence(SeqCst);
    }
}

/// A reference to the [`Own`] of the current thread. It stays in that thread.
pub(crate) struct OwnRef(*const Own);

#[inline(always)]
pub(crate) fn own() -> OwnRef {
    OwnRef(OWN.with(ptr::from_ref))
}

impl Deref for OwnRef {
    type Target = Own;

    #[inline(always)]
    fn deref(&self) -> &Own {
        // SAFETY: `OWN` has no destructor, so it lives as long as its thread. That is the current thread,
        // since a pointer is not `Send`.
        unsafe { &*self.0 }
    }
}

impl Own {
    /// Gives `block` to the current thread, which fills its slots from now on.
    fn adopt(&self, block: &'static Block) {
        self.block.set(Some(block));
        self.next.set(block.slots.first());
        if barrier::is_asymmetric() {
            self.owes.set(0);
        }
    }

    /// Stores `id` in a slot that is probably empty. Returns `None` if it is filled, or if the thread
    /// has no block yet. After `Some`, the caller must pass a light barrier and look at the word.
    #[inline(always)]
    pub(crate) fn enter_quietly(&self, id: u32) -> Option<Entry> {
        let slot = self.next.get()?;
        slot.fill(id).then(|| Entry::of(slot, 0))
    }

    /// Like `enter_quietly`, but the caller must pass a fence instead of a light barrier.
    #[inline(always)]
    pub(crate) fn enter(&self, id: u32) -> Option<Entry> {
        let slot = self.next.get()?;
        slot.fill(id).then(|| Entry::of(slot, self.owes.get()))
    }

    /// Like `enter`, in any empty slot of the thread. Returns `None` if all of them are filled, or if the
    /// thread has no block and cannot acquire one.
    #[cold]
    pub(crate) fn enter_anywhere(&self, id: u32) -> Option<Entry> {
        let block = self.block.get().or_else(acquire_block)?;
        let slot = block.slots.iter().find(|slot| slot.fill(id))?;
        self.next.set(Some(slot));
        Some(Entry::of(slot, self.owes.get()))
    }

    /// Counts a read. Returns whether it is a sample. If so, the following reads are samples, too, until
    /// `restart_samples`.
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

    /// Starts to count the reads before the next sample anew.
    #[inline(always)]
    pub(crate) fn restart_samples(&self) {
        // At a forced speed every read is a sample: tests want to see its effect at once.
        let is_forced = forced::speed().is_some();
        self.until_sample
            .set(if is_forced { 0 } else { SAMPLE - 1 });
    }

    /// Like `tick_sample`, for a read of the lock at `address` at *counted*. The first sample after a write
    /// does not count: it would also stand for reads before the write, and where writes are frequent, slots
    /// gain nothing.
    #[inline(always)]
    pub(crate) fn tick_sample_of(&self, address: usize) -> bool {
        self.tick_sample() && !self.skip_after_write(address)
    }

    #[cold]
    fn skip_after_write(&self, address: usize) -> bool {
        let is_written = self.last_written.replace(0) == address;
        if is_written {
            self.restart_samples();
        }
        is_written
    }

    /// Notes a write of the lock at `address`, for `tick_sample_of`.
    #[inline(always)]
    pub(crate) fn note_write(&self, address: usize) {
        self.last_written.set(address);
    }

    /// Notes a sample. Returns how many reads of the lock there have been in a row.
    pub(crate) fn note_sample(&self, id: u32) -> u32 {
        self.restart_samples();
        self.block.get().map_or(0, |block| block.run(id).note(id))
    }

    /// Starts a new run of reads.
    pub(crate) fn start_over(&self, id: u32) {
        self.block.get().inspect(|block| block.run(id).reads.set(0));
    }
}

/// Acquires a block for the current thread. Returns `None` if the thread is ending and has released its
/// block, or if it is already inside [`without_reentry`].
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

/// Runs `f`, which may allocate. Returns `None`, without running it, if this thread is already inside such a
/// call: then its allocator uses one of our locks.
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
        // In the models a thread may lose both thread-local variables at once.
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

    /// The run in which reads of the lock are noted. It shares the run with some other locks.
    fn run(&self, id: u32) -> &ReadRun {
        &self.runs[id as usize % RUNS]
    }

    /// The number of empty slots. It never decreases while the block has no owner.
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

    /// Returns how many reads of the lock have been noted since the last call, and forgets them.
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
/// many reads have been noted since the last call, in the blocks that it has looked at.
///
/// The announced writer calls this after a barrier. Then each reader that gets in by a slot has an entry that
/// this call finds.
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

/// Whether any slot holds `id` at the moment.
pub(crate) fn any_holds(id: u32) -> bool {
    !REGISTRY.all_marked(|block| !block.slots.iter().any(|slot| slot.holds(id)))
}

/// Whether a slot of the current thread holds `id`.
#[cfg(not(gosync_model))]
pub(crate) fn own_holds(id: u32) -> bool {
    let holds = |block: &Block| block.slots.iter().any(|slot| slot.holds(id));
    id != 0 && OWN.with(|own| own.block.get().is_some_and(holds))
}

/// The number of blocks that a writer looks at.
pub(crate) fn blocks() -> u64 {
    REGISTRY.marked.get() as u64
}

/// For models only.
#[cfg(all(test, gosync_model))]
pub(crate) mod models {
    use super::*;

    /// A block for a thread that does not acquire one itself, which would multiply the schedules.
    pub(crate) struct Loan(&'static Block);

    pub(crate) fn lend() -> Loan {
        REGISTRY.lock_lists().lent += 1;
        Loan(REGISTRY.acquire())
    }

    impl Loan {
        /// Gives the block to the current thread.
        pub(crate) fn accept(self) {
            own().adopt(self.0);
        }
    }

    /// Whether all threads that acquired a block have ended, including their thread-local destructors.
    pub(crate) fn all_threads_have_exited() -> bool {
        let free = REGISTRY.lock_lists();
        REGISTRY.marked.get() == free.orphaned() + free.lent
    }
}

#[cfg(all(test, not(gosync_model)))]
mod tests;
