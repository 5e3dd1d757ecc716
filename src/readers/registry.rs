//! The blocks of all threads: which are marked, and how blocks and identities are recycled.

use super::{BLOCK_LEN, Block, MAX_ID, Slot, without_reentry};
#[cfg(gosync_model)]
use crate::primitive::AtomicU32 as AtomicMarks;
#[cfg(not(gosync_model))]
use crate::primitive::AtomicU64 as AtomicMarks;
use crate::primitive::{Mutex, MutexGuard, Ordering, Published, const_fn, global, sized};
use crate::segmented_vec::SegmentedVec;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use Ordering::{Acquire, Release};

/// The blocks of all threads, and the identities.
pub(super) struct Registry {
    pub(super) blocks: SegmentedVec<Block>,
    /// A bit for each block, [`MARKS`] in a word: see invariant 5.
    pub(super) marks: SegmentedVec<AtomicMarks>,
    /// How many blocks are marked, and how many of those have no owner.
    pub(super) marked: Published,
    pub(super) orphaned: Published,
    pub(super) free: Mutex<FreeLists>,
}

/// So many marks in a word. In loom's models one word is enough: each that a writer loads multiplies the
/// schedules. Shuttle's have several.
pub(super) const MARKS: usize = sized(64, 8, 2);

/// The marks of a word.
#[cfg(not(gosync_model))]
type Marks = u64;
#[cfg(gosync_model)]
type Marks = u32;

/// What may be handed out again.
pub(super) struct FreeLists {
    /// Blocks without a mark. The first goes first, so that those in use stay close together.
    pub(super) empty: BinaryHeap<Reverse<usize>>,
    /// Blocks that have lost their owners with guards in them: those with an empty slot, and those
    /// that had none when somebody looked.
    pub(super) roomy: VecDeque<&'static Block>,
    pub(super) full: VecDeque<&'static Block>,
    pub(super) ids: Vec<u32>,
    /// The identities up to this one have been handed out.
    pub(super) last_id: u32,
    /// See `models::Loan`.
    #[cfg(all(test, gosync_model))]
    pub(super) lent: usize,
}

/// More blocks without an owner make a look through all expensive, and worth a look at some of them.
pub(super) const MANY_ORPHANED: usize = 16;

/// So many blocks of either kind are looked at again at a time, whether their guards are gone. If guards
/// are forgotten, most are as they were.
pub(super) const LOOKS: usize = 8;

global! {
    pub(super) static REGISTRY: Registry = Registry::new();
}

/// An identity that no lock has; none if there are as many as fit into a word.
#[cold]
pub(crate) fn new_id() -> Option<u32> {
    let id = without_reentry(|| {
        let mut free = REGISTRY.free();
        free.ids.pop().or_else(|| {
            let id = free.last_id + 1;
            (id <= MAX_ID).then(|| {
                free.last_id = id;
                id
            })
        })
    });
    id.flatten()
}

/// Gives back an identity that was not used.
#[cold]
pub(crate) fn release_unused_id(id: u32) {
    without_reentry(|| REGISTRY.free().ids.push(id));
}

/// Gives back the identity of a lock that is dropped. Guards of it that were forgotten will never be
/// dropped: their slots are emptied.
#[cold]
pub(crate) fn release_id(id: u32) {
    REGISTRY.all_marked(|block| {
        let filled = block.slots.iter().filter(|slot| slot.holds(id));
        filled.for_each(Slot::clear);
        true
    });
    without_reentry(|| {
        let mut free = REGISTRY.free();
        free.ids.push(id);
        REGISTRY.tidy(&mut free);
    });
}

impl Registry {
    const_fn! {
        pub(super) const fn new() -> Self {
            Self {
                blocks: SegmentedVec::new(),
                marks: SegmentedVec::new(),
                marked: Published::new(),
                orphaned: Published::new(),
                free: Mutex::new(FreeLists {
                    empty: BinaryHeap::new(),
                    roomy: VecDeque::new(),
                    full: VecDeque::new(),
                    ids: Vec::new(),
                    last_id: 0,
                    #[cfg(all(test, gosync_model))]
                    lent: 0,
                }),
            }
        }
    }

    pub(super) fn free(&self) -> MutexGuard<'_, FreeLists> {
        self.free.lock().expect("no code panics under this lock")
    }

    /// Whether `f` holds for all marked blocks. Asks no more once it does not.
    pub(super) fn all_marked(&self, mut f: impl FnMut(&'static Block) -> bool) -> bool {
        let mut first = 0;
        for words in self.marks.slices() {
            for word in words {
                // Acquire: pairs with the Release in `unmark`, so that the reads before have ended; and
                // with the one in `mark`, so that the block is there.
                let mut marks = word.load(Acquire);
                while marks != 0 {
                    let bit = marks.trailing_zeros() as usize;
                    if !f(self.blocks.get(first + bit)) {
                        return false;
                    }
                    marks &= marks - 1;
                }
                first += MARKS;
            }
        }
        true
    }

    /// Hands out a block that nobody has: an empty one, or else one with an empty slot.
    pub(super) fn acquire(&self) -> &'static Block {
        let mut free = self.free();
        let block = self.take_empty(&mut free).or_else(|| {
            self.tidy(&mut free);
            let empty = self.take_empty(&mut free);
            empty.or_else(|| free.roomy.pop_back())
        });
        let block = block.unwrap_or_else(|| self.add(&mut free));
        self.mark(block);
        self.orphaned.set(free.orphaned());
        block
    }

    fn take_empty(&self, free: &mut FreeLists) -> Option<&'static Block> {
        let index = free.empty.pop();
        index.map(|Reverse(index)| self.blocks.get(index))
    }

    /// Hands out a block that nobody has had. `free` is locked meanwhile.
    pub(super) fn add(&self, free: &mut FreeLists) -> &'static Block {
        let index = self.blocks.len();
        free.reserve(index + 1);
        if index.is_multiple_of(MARKS) {
            self.marks.push(|_| AtomicMarks::new(0));
        }
        self.blocks.push(Block::new)
    }

    pub(super) fn release(&self, block: &'static Block) {
        let mut free = self.free();
        self.tidy(&mut free);
        self.file(&mut free, block);
        self.orphaned.set(free.orphaned());
    }

    /// Takes the marks from blocks that have been emptied since they lost their owners; not from all, if
    /// they are many.
    pub(super) fn tidy(&self, free: &mut FreeLists) {
        for _ in 0..LOOKS.min(free.roomy.len()) {
            let block = free.roomy.pop_front();
            block.into_iter().for_each(|block| self.file(free, block));
        }
        for _ in 0..LOOKS.min(free.full.len()) {
            let block = free.full.pop_front();
            block.into_iter().for_each(|block| self.file(free, block));
        }
        self.orphaned.set(free.orphaned());
    }

    /// As `tidy`, unless somebody else is at it.
    #[cold]
    pub(super) fn try_to_tidy(&self) {
        if let Ok(mut free) = self.free.try_lock() {
            self.tidy(&mut free);
        }
    }

    /// Puts a block without an owner where it belongs.
    pub(super) fn file(&self, free: &mut FreeLists, block: &'static Block) {
        match block.empty_slots() {
            BLOCK_LEN => {
                self.unmark(block);
                free.empty.push(Reverse(block.index));
            }
            0 => free.full.push_back(block),
            _ => free.roomy.push_back(block),
        }
    }

    /// To be called with `free` locked, before the block gets its owner.
    pub(super) fn mark(&self, block: &Block) {
        let (word, bit) = self.mark_of(block);
        // Release: pairs with the Acquire in `all_marked`.
        if word.fetch_or(bit, Release) & bit == 0 {
            self.marked.set(self.marked.get() + 1);
        }
    }

    /// To be called with `free` locked, when the block is empty and has no owner.
    fn unmark(&self, block: &Block) {
        let (word, bit) = self.mark_of(block);
        // Release: pairs with the Acquire in `all_marked`.
        word.fetch_and(!bit, Release);
        self.marked.set(self.marked.get() - 1);
    }

    pub(super) fn mark_of(&self, block: &Block) -> (&'static AtomicMarks, Marks) {
        let word = self.marks.get(block.index / MARKS);
        (word, 1 << (block.index % MARKS))
    }
}

impl FreeLists {
    /// So that a thread that ends needs no memory to give its block back.
    fn reserve(&mut self, blocks: usize) {
        self.empty.reserve(blocks - self.empty.len());
        for queue in [&mut self.roomy, &mut self.full] {
            queue.reserve(blocks - queue.len());
        }
    }

    /// How many blocks with guards in them have no owner.
    pub(super) fn orphaned(&self) -> usize {
        self.roomy.len() + self.full.len()
    }
}
