//! All places, and the *listed* ones: those through which somebody looks who searches for goroutines.
//!
//! Ten thousand threads may have a place each, most of them at a goroutine that blocks. A search through all
//! places would take ever longer. So only these are listed: the places of workers that run, and those that may
//! have something to steal. The others have been seen empty; whoever holds one lists it again when it queues a
//! goroutine there.
//!
//! # Invariant
//!
//! A place that is not listed is empty, or its holder is about to list it. Whoever queues passes a fence and
//! looks whether its place is listed; whoever takes one from the list passes a fence and looks whether it is
//! empty. So one of the two sees the other.

use super::place::{Holder, Place};
use crate::chunks::Chunks;
use crate::primitive::{AtomicU32, Ordering, Tally, fence};

use Ordering::{Relaxed, SeqCst};

pub(super) struct Places {
    all: Chunks<Place>,
    /// Indices. Those of places that are listed come first. Changes under the scheduler's lock.
    list: Chunks<Tally>,
    listed: AtomicU32,
}

/// The places that nobody has; the last one given back comes first.
#[derive(Default)]
pub(super) struct Free(Vec<&'static Place>);

impl Places {
    pub(super) fn new() -> Self {
        Self {
            all: Chunks::new(),
            list: Chunks::new(),
            listed: AtomicU32::new(0),
        }
    }

    /// All that there are: for numbers, not for a search.
    #[cfg(not(gosync_model))]
    pub(super) fn all(&self) -> impl Iterator<Item = &'static Place> {
        self.all.iter()
    }

    /// Those that are listed. Under the scheduler's lock it is all of them; without it one may be missed,
    /// while others are taken from the list.
    pub(super) fn listed(&self) -> impl Iterator<Item = &'static Place> + Clone {
        let entries = self.list.iter().take(self.count());
        entries.filter_map(|entry| self.all.iter().nth(entry.get()))
    }

    /// As `listed`, the last one first, under the lock. Those that have been looked at may be taken from the list
    /// meanwhile.
    pub(super) fn listed_from_the_end(&self) -> impl Iterator<Item = &'static Place> {
        (0..self.count()).rev().map(|position| self.at(position))
    }

    /// To be called under the lock.
    fn at(&self, position: usize) -> &'static Place {
        self.all.get(self.list.get(position).get())
    }

    /// How many are listed.
    pub(super) fn count(&self) -> usize {
        // Relaxed: the fences order this as they order the queues.
        self.listed.load(Relaxed) as usize
    }

    // What follows is to be called under the scheduler's lock.

    /// Takes a free place, or a new one, and lists it.
    pub(super) fn take(&self, free: &mut Free) -> &'static Place {
        let place = free.0.pop().unwrap_or_else(|| self.all.push(Place::new));
        self.list(place);
        place
    }

    /// The holder gives its place back, which is empty.
    pub(super) fn put_back(&self, place: &'static Place, free: &mut Free) {
        place.set_holder(Holder::Free);
        self.remove(place);
        free.0.push(place);
    }

    /// Lists `place`, unless it is.
    pub(super) fn list(&self, place: &'static Place) {
        if !place.is_listed() {
            let count = self.count();
            self.put(place, count);
            self.set_count(count + 1);
        }
    }

    /// Takes `place` from the list, if it is empty.
    pub(super) fn unlist(&self, place: &'static Place) {
        if place.len() > 0 {
            return;
        }
        self.remove(place);
        // Pairs with the fence in `Scheduler::announce`.
        fence(SeqCst);
        if place.len() > 0 {
            self.list(place);
        }
    }

    /// The last one comes to where `place` was.
    fn remove(&self, place: &'static Place) {
        let Some(position) = place.position() else {
            return;
        };
        let last = self.count() - 1;
        let moved = self.at(last);
        place.set_position(None);
        if position != last {
            self.put(moved, position);
        }
        self.set_count(last);
    }

    fn put(&self, place: &'static Place, position: usize) {
        if position == self.list.len() {
            self.list.push(|_| Tally::new());
        }
        self.list.get(position).set(place.index);
        place.set_position(Some(position));
    }

    fn set_count(&self, count: usize) {
        self.listed.store(count as u32, Relaxed);
    }
}
