//! All processors, and the *listed* ones: those that a search for goroutines looks at.
//!
//! Ten thousand threads may hold a processor each, while most of their goroutines block. A search through all
//! processors would take longer with every thread. So only two kinds are listed: the processors of running
//! workers, and those that may have goroutines to steal. All others have been seen empty. The holder of such
//! a processor lists it again when it queues a goroutine there.
//!
//! # Invariant
//!
//! A processor that is not listed is empty, or its holder is about to list it. A thread that queues a
//! goroutine passes a fence and then checks that its processor is listed. A thread that takes a processor
//! from the list passes a fence and then checks that it is empty. So one of the two sees the other.

use super::processor::{Holder, Processor};
use crate::primitive::{AtomicU32, Ordering, Published, fence};
use crate::segmented_vec::SegmentedVec;

use Ordering::{Relaxed, SeqCst};

pub(super) struct Processors {
    all: SegmentedVec<Processor>,
    /// Indices in `all`: the first `listed` ones are those of the listed processors. Changes under the
    /// scheduler's lock.
    list: SegmentedVec<Published>,
    listed: AtomicU32,
}

/// The processors that no thread holds. The one that was released last is taken first.
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

    /// Returns all processors: for statistics, not for a search.
    #[cfg(not(gosync_model))]
    pub(super) fn all(&self) -> impl Iterator<Item = &'static Processor> {
        self.all.iter()
    }

    /// Returns the listed processors. Under the scheduler's lock these are all of them. Without it, one may
    /// be missed while others are taken from the list.
    pub(super) fn listed(&self) -> impl Iterator<Item = &'static Processor> + Clone {
        let entries = self.list.iter().take(self.count());
        entries.filter_map(|entry| self.all.iter().nth(entry.get()))
    }

    /// Returns the listed processors, the last one first. The caller must hold the lock. It may unlist those
    /// that the iterator has returned.
    pub(super) fn listed_from_the_end(&self) -> impl Iterator<Item = &'static Processor> {
        (0..self.count()).rev().map(|position| self.at(position))
    }

    /// The caller must hold the lock.
    fn at(&self, position: usize) -> &'static Processor {
        self.all.get(self.list.get(position).get())
    }

    /// Returns how many processors are listed.
    pub(super) fn count(&self) -> usize {
        // Relaxed: the fences that order accesses to the queues order this load, too.
        self.listed.load(Relaxed) as usize
    }

    // The callers of all functions below must hold the scheduler's lock.

    /// Takes a free processor, or creates one, and lists it.
    pub(super) fn acquire(&self, free: &mut FreeList) -> &'static Processor {
        let new = || self.all.push(Processor::new);
        let p = free.0.pop().unwrap_or_else(new);
        self.list(p);
        p
    }

    /// Takes `p`, which must be empty, from its holder.
    pub(super) fn release(&self, p: &'static Processor, free: &mut FreeList) {
        p.set_holder(Holder::Nobody);
        self.unlist(p);
        free.0.push(p);
    }

    /// Lists `p`, unless it is listed already.
    pub(super) fn list(&self, p: &'static Processor) {
        if !p.is_listed() {
            let count = self.count();
            self.put(p, count);
            self.set_count(count + 1);
        }
    }

    /// Takes `p` from the list if it is empty.
    pub(super) fn try_unlist(&self, p: &'static Processor) {
        if p.len() > 0 {
            return;
        }
        self.unlist(p);
        // Pairs with the fence in `Scheduler::notify_for`.
        fence(SeqCst);
        if p.len() > 0 {
            self.list(p);
        }
    }

    /// Removes `p` from the list. The last listed processor takes its position.
    fn unlist(&self, p: &'static Processor) {
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
