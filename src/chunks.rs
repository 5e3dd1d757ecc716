//! An array that grows and never moves, so that threads may look through it at any time.

use crate::primitive::{AtomicPtr, AtomicU32, Ordering, const_fn, null_pointers, sized};
use std::{ptr, slice};

use Ordering::{Acquire, Relaxed, Release};

/// How long the first chunk is.
const FIRST_CHUNK: usize = sized(8, 1, 1);

/// Enough for more threads than there can be.
const CHUNKS: usize = 28;

/// Elements that live for ever, in chunks each of which is twice as long as the one before.
pub(crate) struct Chunks<T: 'static> {
    chunks: [AtomicPtr<T>; CHUNKS],
    /// How many elements have been handed out, from the front.
    len: AtomicU32,
}

impl<T> Chunks<T> {
    const_fn! {
        pub(crate) const fn new() -> Self {
            Self {
                chunks: null_pointers(),
                len: AtomicU32::new(0),
            }
        }
    }

    /// How many elements there are; an older number if another thread is about to push.
    pub(crate) fn len(&self) -> usize {
        self.len.load(Relaxed) as usize
    }

    /// Hands out one more element. Elements are made by `new`, of their index, a chunk at a time. Not
    /// for several threads at a time.
    pub(crate) fn push(&self, new: impl Fn(usize) -> T) -> &'static T {
        let index = self.len();
        let (chunk, offset) = position(index);
        if offset == 0 {
            let elements: Box<[_]> = (index..index + chunk_len(chunk)).map(new).collect();
            let first = ptr::from_mut(Box::leak(elements)).cast();
            self.chunks[chunk].store(first, Relaxed);
        }
        // Release: pairs with the Acquire in `slices`, which thus finds the chunk.
        self.len.store(index as u32 + 1, Release);
        self.get(index)
    }

    /// An element that has been handed out, and by now is known to the current thread.
    pub(crate) fn get(&self, index: usize) -> &'static T {
        // A look at the length would multiply the schedules of the models.
        debug_assert!(cfg!(gosync_model) || index < self.len(), "no such element");
        let (chunk, offset) = position(index);
        let first = self.chunks[chunk].load(Relaxed);
        // SAFETY: the chunk is there, for ever, is used by shared reference only, and is longer than
        // `offset`.
        unsafe { &*first.add(offset) }
    }

    /// The elements, from the front.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &'static T> + Clone {
        self.slices().flatten()
    }

    /// The elements, a chunk at a time.
    pub(crate) fn slices(&self) -> impl Iterator<Item = &'static [T]> + Clone {
        // Acquire: pairs with the Release in `push`.
        let len = self.len.load(Acquire) as usize;
        let chunks = self.chunks.iter().enumerate();
        chunks
            .map(move |(chunk, first)| {
                let used = len.saturating_sub(chunk_start(chunk)).min(chunk_len(chunk));
                (first, used)
            })
            .take_while(|(_, used)| *used > 0)
            .map(|(first, used)| {
                // SAFETY: `len` is beyond the start of the chunk, so it is there, for ever, and is
                // used by shared reference only; it has at least `used` elements.
                unsafe { slice::from_raw_parts(first.load(Relaxed), used) }
            })
    }
}

/// In which chunk an element is, and where in it.
fn position(index: usize) -> (usize, usize) {
    let chunk = (index / FIRST_CHUNK + 1).ilog2() as usize;
    (chunk, index - chunk_start(chunk))
}

fn chunk_start(chunk: usize) -> usize {
    chunk_len(chunk) - FIRST_CHUNK
}

fn chunk_len(chunk: usize) -> usize {
    FIRST_CHUNK << chunk
}

/// What a model leaks would add up over its schedules.
#[cfg(gosync_model)]
impl<T> Drop for Chunks<T> {
    fn drop(&mut self) {
        for (chunk, first) in self.chunks.iter().enumerate() {
            // Not a load, which might be of what the dropping thread knows of.
            let first = first.swap(ptr::null_mut(), Relaxed);
            if !first.is_null() {
                let elements = ptr::slice_from_raw_parts_mut(first, chunk_len(chunk));
                // SAFETY: `push` leaked it, and the threads of the schedule have ended.
                drop(unsafe { Box::from_raw(elements) });
            }
        }
    }
}

#[cfg(all(test, not(gosync_model)))]
mod tests;
