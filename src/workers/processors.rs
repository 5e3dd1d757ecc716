//! All processors, and the *listed* ones: those through which somebody looks who searches for goroutines.
//!
//! Ten thousand threads may have a processor each, most of them at a goroutine that blocks. A search through all
//! processors would take ever longer. So only these are listed: the processors of workers that run, and those that may
//! have something to steal. The others have been seen empty; whoever holds one lists it again when it queues a
//! goroutine there.
//!
//! # Invariant
//!
//! A processor that is not listed is empty, or its holder is about to list it. Whoever queues passes a fence and
//! looks whether its processor is listed; whoever takes one from the list passes a fence and looks whether it is
//! empty. So one of the two sees the other.

use super::processor::{Holder, Processor};
use crate::primitive::{AtomicU32, Ordering, Published, fence};
use crate::segmented_vec::SegmentedVec;

use Ordering::{Relaxed, SeqCst};

pub(super) struct Processors {
    all: SegmentedVec<Processor>,
    /// Indices. Those of processors that are listed come first. Changes under the scheduler's lock.
    list: SegmentedVec<Published>,
    listed: AtomicU32,
}

/// The processors that nobody has; the last one given back comes first.
#[derive(Default)]
pub(super) struct FreeList(Vec<&'static Processor>);

impl Processors {
    pub(super) fn new() -> Self {
        Self {
            all: SegmentedVec::new(),
            list: SegmentedVec::new(),
            listed: AtomicU32::new(0),
        }
    }

    /// All that there are: for numbers, not for a search.
    #[cfg(not(gosync_model))]
    pub(super) fn all(&self) -> impl Iterator<Item = &'static Processor> {
        self.all.iter()
    }

    /// Those that are listed. Under the scheduler's lock it is all of them; without it one may be missed,
    /// while others are taken from the list.
    pub(super) fn listed(&self) -> impl Iterator<Item = &'static Processor> + Clone {
        let entries = self.list.iter().take(self.count());
        entries.filter_map(|entry| self.all.iter().nth(entry.get()))
    }

    /// As `listed`, the last one first, under the lock. Those that have been looked at may be taken from the list
    /// meanwhile.
    pub(super) fn listed_from_the_end(&self) -> impl Iterator<Item = &'static Processor> {
        (0..self.count()).rev().map(|position| self.at(position))
    }

    /// To be called under the lock.
    fn at(&self, position: usize) -> &'static Processor {
        self.all.get(self.list.get(position).get())
    }

    /// How many are listed.
    pub(super) fn count(&self) -> usize {
        // Relaxed: the fences order this as they order the queues.
        self.listed.load(Relaxed) as usize
    }

    // What follows is to be called under the scheduler's lock.

    /// Takes a free processor, or a new one, and lists it.
    pub(super) fn acquire(&self, free: &mut FreeList) -> &'static Processor {
        let new = || self.all.push(Processor::new);
        let p = free.0.pop().unwrap_or_else(new);
        self.list(p);
        p
    }

    /// The holder gives its processor back, which is empty.
    pub(super) fn release(&self, p: &'static Processor, free: &mut FreeList) {
        p.set_holder(Holder::Nobody);
        self.remove(p);
        free.0.push(p);
    }

    /// Lists `p`, unless it is.
    pub(super) fn list(&self, p: &'static Processor) {
        if !p.is_listed() {
            let count = self.count();
            self.put(p, count);
            self.set_count(count + 1);
        }
    }

    /// Takes `p` from the list, if it is empty.
    pub(super) fn unlist(&self, p: &'static Processor) {
        if p.len() > 0 {
            return;
        }
        self.remove(p);
        // Pairs with the fence in `Scheduler::notify`.
        fence(SeqCst);
        if p.len() > 0 {
            self.list(p);
        }
    }

    /// The last one comes to where `p` was.
    fn remove(&self, p: &'static Processor) {
        let Some(position) = p.position() else {
            return;
        };
        let last = self.count() - 1;
        let moved = self.at(last);
        p.set_position(None);
        if position != last {
            self.put(moved, position);
        }
        self.set_count(last);
    }

    fn put(&self, p: &'static Processor, position: usize) {
        if position == self.list.len() {
            self.list.push(|_| Published::new());
        }
        self.list.get(position).set(p.index);
        p.set_position(Some(position));
    }

    fn set_count(&self, count: usize) {
        self.listed.store(count as u32, Relaxed);
    }
}
