//! An array that grows and never moves its elements, so that threads may look through it at any time.

use crate::primitive::{AtomicPtr, AtomicU32, Ordering, const_fn, null_pointers, sized};
use std::{ptr, slice};

use Ordering::{Acquire, Relaxed, Release};

/// The length of the first segment.
const FIRST_SEGMENT: usize = sized(8, 1, 1);

/// Enough for more elements than there can be threads.
const SEGMENTS: usize = 28;

/// Elements that are never freed, in segments. Each segment is twice as long as the one before.
pub(crate) struct SegmentedVec<T: 'static> {
    segments: [AtomicPtr<T>; SEGMENTS],
    /// The number of elements that have been handed out, from the front.
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

    /// Returns the number of elements. It may be out of date if another thread pushes.
    pub(crate) fn len(&self) -> usize {
        self.len.load(Relaxed) as usize
    }

    /// Hands out one more element. `new` makes an element from its index, for a whole segment at a time. Only
    /// one thread may push at a time.
    pub(crate) fn push(&self, new: impl Fn(usize) -> T) -> &'static T {
        let index = self.len();
        let (segment, offset) = position(index);
        if offset == 0 {
            let elements: Box<[_]> = (index..index + len_of(segment)).map(new).collect();
            let first = ptr::from_mut(Box::leak(elements)).cast();
            self.segments[segment].store(first, Relaxed);
        }
        // Release: pairs with the Acquire in `slices`, which therefore finds the segment.
        self.len.store(index as u32 + 1, Release);
        self.get(index)
    }

    /// Returns an element that has been handed out. The `push` that handed it out must happen before this
    /// call.
    pub(crate) fn get(&self, index: usize) -> &'static T {
        // In the models, to load the length would multiply the schedules.
        debug_assert!(cfg!(gosync_model) || index < self.len(), "no such element");
        let (segment, offset) = position(index);
        let first = self.segments[segment].load(Relaxed);
        // SAFETY: the segment exists, is never freed, is used only by shared reference, and is longer than
        // `offset`.
        unsafe { &*first.add(offset) }
    }

    /// Returns the elements, from the front.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &'static T> + Clone {
        self.slices().flatten()
    }

    /// Returns the elements, one segment at a time.
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
                // SAFETY: `len` is beyond the start of the segment. So the segment exists, is never freed, is
                // used only by shared reference, and has at least `used` elements.
                unsafe { slice::from_raw_parts(first.load(Relaxed), used) }
            })
    }
}

/// Returns the segment of an element, and its offset in that segment.
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

/// Only in the models: what they leak would add up over their schedules.
#[cfg(gosync_model)]
impl<T> Drop for SegmentedVec<T> {
    fn drop(&mut self) {
        for (segment, first) in self.segments.iter().enumerate() {
            // Not a load, which might return an older value that the dropping thread knows.
            let first = first.swap(ptr::null_mut(), Relaxed);
            if !first.is_null() {
                let elements = ptr::slice_from_raw_parts_mut(first, len_of(segment));
                // SAFETY: `push` leaked this segment, and the threads of the schedule have ended.
                drop(unsafe { Box::from_raw(elements) });
            }
        }
    }
}

#[cfg(all(test, not(gosync_model)))]
mod tests;
