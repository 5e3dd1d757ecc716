//! The blocks of all threads: which of them are marked, and how blocks and identities are recycled.

use super::{BLOCK_LEN, Block, MAX_ID, Slot, without_reentry};
use crate::platform::is_process_ending;
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
    /// One bit for each block, [`MARKS`] of them in a word; see invariant 5 of `readers`.
    pub(super) marks: SegmentedVec<AtomicMarks>,
    /// The number of marked blocks.
    pub(super) marked: Published,
    /// How many of them have no owner.
    pub(super) orphaned: Published,
    pub(super) lists: Mutex<FreeLists>,
}

/// The number of marks in a word. In loom's models one word is enough for all blocks: each word that a writer
/// loads multiplies the schedules. Shuttle's models have several words.
pub(super) const MARKS: usize = sized(64, 8, 2);

/// The marks of a word.
#[cfg(not(gosync_model))]
type Marks = u64;
#[cfg(gosync_model)]
type Marks = u32;

/// Blocks and identities that can be handed out again.
pub(super) struct FreeLists {
    /// Blocks without a mark. The lowest index is handed out first, so that the blocks in use stay close
    /// together.
    pub(super) empty: BinaryHeap<Reverse<usize>>,
    /// Orphaned blocks with an empty slot. An orphaned block has lost its owner while there were guards
    /// in it.
    pub(super) roomy: VecDeque<&'static Block>,
    /// Orphaned blocks that had no empty slot at the last look.
    pub(super) full: VecDeque<&'static Block>,
    pub(super) ids: Vec<u32>,
    /// All identities up to this one have been handed out at least once.
    pub(super) last_id: u32,
    /// See `models::Loan`.
    #[cfg(all(test, gosync_model))]
    pub(super) lent: usize,
}

/// With more orphaned blocks than this, a search through all marked blocks is expensive, and it is worth the
/// time to tidy some of them.
pub(super) const MANY_ORPHANED: usize = 16;

/// How many roomy and how many full blocks are checked at a time for guards that are gone. If guards are
/// forgotten, most blocks are unchanged.
pub(super) const LOOKS: usize = 8;

global! {
    pub(super) static REGISTRY: Registry = Registry::new();
}

/// Returns an identity that no lock has. Returns `None` if no more identities fit into a word, or if this
/// call is inside [`without_reentry`] already.
#[cold]
pub(crate) fn new_id() -> Option<u32> {
    let id = without_reentry(|| {
        let mut free = REGISTRY.lock_lists();
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

/// Releases an identity that was not used.
#[cold]
pub(crate) fn release_unused_id(id: u32) {
    without_reentry(|| REGISTRY.lock_lists().ids.push(id));
}

/// Releases the identity of a lock that is dropped. Guards of the lock that were forgotten will never be
/// dropped, so this empties their slots.
#[cold]
pub(crate) fn release_id(id: u32) {
    if is_process_ending() {
        return;
    }
    REGISTRY.all_marked(|block| {
        let filled = block.slots.iter().filter(|slot| slot.holds(id));
        filled.for_each(Slot::clear);
        true
    });
    without_reentry(|| {
        let mut free = REGISTRY.lock_lists();
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
                lists: Mutex::new(FreeLists {
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

    pub(super) fn lock_lists(&self) -> MutexGuard<'_, FreeLists> {
        self.lists.lock().expect("no code panics under this lock")
    }

    /// Returns whether `f` holds for all marked blocks. Stops at the first block for which it does not.
    pub(super) fn all_marked(&self, mut f: impl FnMut(&'static Block) -> bool) -> bool {
        let mut first = 0;
        for words in self.marks.slices() {
            for word in words {
                // Acquire: pairs with the Release in `unmark`, so that the earlier reads have ended, and with
                // the Release in `mark`, so that the block is there.
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

    /// Hands out a block without an owner: an empty one, or else one with an empty slot, or else a new one.
    pub(super) fn acquire(&self) -> &'static Block {
        let mut free = self.lock_lists();
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

    /// Hands out a new block. The caller holds the lock of `lists`.
    pub(super) fn add(&self, free: &mut FreeLists) -> &'static Block {
        let index = self.blocks.len();
        free.reserve(index + 1);
        if index.is_multiple_of(MARKS) {
            self.marks.push(|_| AtomicMarks::new(0));
        }
        self.blocks.push(Block::new)
    }

    pub(super) fn release(&self, block: &'static Block) {
        if is_process_ending() {
            return;
        }
        let mut free = self.lock_lists();
        self.tidy(&mut free);
        self.file(&mut free, block);
        self.orphaned.set(free.orphaned());
    }

    /// Unmarks blocks that have become empty since they lost their owners. If there are many, it checks only
    /// some.
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

    /// Tidies, unless another thread has locked `lists`.
    #[cold]
    pub(super) fn try_to_tidy(&self) {
        if let Ok(mut free) = self.lists.try_lock() {
            self.tidy(&mut free);
        }
    }

    /// Puts a block without an owner on the list that it belongs to, and unmarks it if it is empty.
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

    /// Marks the block. The caller holds the lock of `lists`, and the block has no owner yet.
    pub(super) fn mark(&self, block: &Block) {
        let (word, bit) = self.mark_of(block);
        // Release: pairs with the Acquire in `all_marked`.
        if word.fetch_or(bit, Release) & bit == 0 {
            self.marked.set(self.marked.get() + 1);
        }
    }

    /// Unmarks the block. The caller holds the lock of `lists`, and the block is empty and has no owner.
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
    /// Reserves space for all blocks, so that a thread that ends need not allocate to release its block.
    fn reserve(&mut self, blocks: usize) {
        self.empty.reserve(blocks - self.empty.len());
        for queue in [&mut self.roomy, &mut self.full] {
            queue.reserve(blocks - queue.len());
        }
    }

    /// The number of blocks that have guards in them and no owner.
    pub(super) fn orphaned(&self) -> usize {
        self.roomy.len() + self.full.len()
    }
}
