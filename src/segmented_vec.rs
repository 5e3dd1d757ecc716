//! An array that grows and never moves, so that threads may look through it at any time.

use crate::primitive::{AtomicPtr, AtomicU32, Ordering, const_fn, null_pointers, sized};
use std::{ptr, slice};

use Ordering::{Acquire, Relaxed, Release};

/// How long the first segment is.
const FIRST_SEGMENT: usize = sized(8, 1, 1);

/// Enough for more threads than there can be.
const SEGMENTS: usize = 28;

/// Elements that live for ever, in segments each of which is twice as long as the one before.
pub(crate) struct SegmentedVec<T: 'static> {
    segments: [AtomicPtr<T>; SEGMENTS],
    /// How many elements have been handed out, from the front.
    len: AtomicU32,
}

impl<T> SegmentedVec<T> {
    const_fn! {
        pub(crate) const fn new() -> Self {
            Self {
                segments: null_pointers(),
                len: AtomicU32::new(0),
            }
        }
    }

    /// How many elements there are; an older number if another thread is about to push.
    pub(crate) fn len(&self) -> usize {
        self.len.load(Relaxed) as usize
    }

    /// Hands out one more element. Elements are made by `new`, of their index, a segment at a time. Not
    /// for several threads at a time.
    pub(crate) fn push(&self, new: impl Fn(usize) -> T) -> &'static T {
        let index = self.len();
        let (segment, offset) = position(index);
        if offset == 0 {
            let elements: Box<[_]> = (index..index + len_of(segment)).map(new).collect();
            let first = ptr::from_mut(Box::leak(elements)).cast();
            self.segments[segment].store(first, Relaxed);
        }
        // Release: pairs with the Acquire in `slices`, which thus finds the segment.
        self.len.store(index as u32 + 1, Release);
        self.get(index)
    }

    /// An element that has been handed out, and by now is known to the current thread.
    pub(crate) fn get(&self, index: usize) -> &'static T {
        // A look at the length would multiply the schedules of the models.
        debug_assert!(cfg!(gosync_model) || index < self.len(), "no such element");
        let (segment, offset) = position(index);
        let first = self.segments[segment].load(Relaxed);
        // SAFETY: the segment is there, for ever, is used by shared reference only, and is longer than
        // `offset`.
        unsafe { &*first.add(offset) }
    }

    /// The elements, from the front.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &'static T> + Clone {
        self.slices().flatten()
    }

    /// The elements, a segment at a time.
    pub(crate) fn slices(&self) -> impl Iterator<Item = &'static [T]> + Clone {
        // Acquire: pairs with the Release in `push`.
        let len = self.len.load(Acquire) as usize;
        let segments = self.segments.iter().enumerate();
        segments
            .map(move |(segment, first)| {
                let used = len.saturating_sub(start_of(segment)).min(len_of(segment));
                (first, used)
            })
            .take_while(|(_, used)| *used > 0)
            .map(|(first, used)| {
                // SAFETY: `len` is beyond the start of the segment, so it is there, for ever, and is
                // used by shared reference only; it has at least `used` elements.
                unsafe { slice::from_raw_parts(first.load(Relaxed), used) }
            })
    }
}

/// In which segment an element is, and where in it.
fn position(index: usize) -> (usize, usize) {
    let segment = (index / FIRST_SEGMENT + 1).ilog2() as usize;
    (segment, index - start_of(segment))
}

fn start_of(segment: usize) -> usize {
    len_of(segment) - FIRST_SEGMENT
}

fn len_of(segment: usize) -> usize {
    FIRST_SEGMENT << segment
}

/// What a model leaks would add up over its schedules.
#[cfg(gosync_model)]
impl<T> Drop for SegmentedVec<T> {
    fn drop(&mut self) {
        for (segment, first) in self.segments.iter().enumerate() {
            // Not a load, which might be of what the dropping thread knows of.
            let first = first.swap(ptr::null_mut(), Relaxed);
            if !first.is_null() {
                let elements = ptr::slice_from_raw_parts_mut(first, len_of(segment));
                // SAFETY: `push` leaked it, and the threads of the schedule have ended.
                drop(unsafe { Box::from_raw(elements) });
            }
        }
    }
}

#[cfg(all(test, not(gosync_model)))]
mod tests;
