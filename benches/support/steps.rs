//! The bare steps of a read lock on this CPU: a limit that no lock can beat.
//!
//! Each function takes the steps that a read must take at one of the speeds of `gosync::RWMutex`
//! (`docs/design.md`), for one lock and one thread that are known beforehand. None of them is a lock: a
//! writer would not be noticed.

use super::{Peer, time_loop};
use crossbeam_utils::CachePadded;
use std::hint::black_box;
use std::sync::atomic::{
    AtomicU32, AtomicU64, Ordering::Acquire, Ordering::Relaxed, Ordering::Release,
    Ordering::SeqCst, compiler_fence, fence,
};

#[derive(Default)]
struct Bare {
    word: CachePadded<AtomicU64>,
    slot: CachePadded<AtomicU32>,
    data: u64,
}

/// Store, barrier, look; then store, look.
#[inline(always)]
fn by_slot(bare: &Bare, barrier: impl Fn()) {
    const ID: u32 = 1;

    if bare.word.load(Relaxed) != 0 || bare.slot.load(Acquire) != 0 {
        surprise();
    }
    bare.slot.store(ID, Release);
    barrier();
    if bare.word.load(Acquire) != 0 {
        surprise();
    }
    black_box(bare.data);
    bare.slot.store(0, Release);
    compiler_fence(SeqCst);
    if bare.word.load(Relaxed) != 0 {
        surprise();
    }
}

#[inline(always)]
fn counted(bare: &Bare) {
    let word = bare.word.load(Relaxed);
    let counted = bare
        .word
        .compare_exchange_weak(word, word + 1, Acquire, Relaxed);
    if counted.is_err() {
        surprise();
    }
    black_box(bare.data);
    bare.word.fetch_sub(1, Release);
    if bare.word.load(Relaxed) != 0 {
        surprise();
    }
}

#[cold]
fn surprise() {
    unreachable!("nobody else is here");
}

/// Returns the steps of each speed, the fastest first.
pub fn peers() -> [Peer; 3] {
    fn peer(name: &'static str, read: impl Fn(&Bare) + 'static) -> Peer {
        let bare = Box::new(Bare::default());
        Peer::new(name, move |slice| {
            time_loop(slice, || read(black_box(&bare)))
        })
    }
    [
        peer("quiet steps", |bare| {
            by_slot(bare, || compiler_fence(SeqCst))
        }),
        peer("fenced steps", |bare| by_slot(bare, || fence(SeqCst))),
        peer("counted steps", counted),
    ]
}
