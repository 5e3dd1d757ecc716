//! The state that all threads share.

use super::cell::Cell;
use super::random::Random;
use super::store::Store;
use std::hint;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread;

/// A period in which the locks are used in one way.
pub struct Phase {
    /// How many of 4096 operations are bursts of reads.
    pub bursts: usize,
    /// How many of 4096 other operations are writes.
    pub writes: usize,
    /// How many of 4096 holders of a lock take a nap.
    pub naps: usize,
}

/// The phases, in turn. A lock that adapts to its use should see only reads, nearly only reads, and writes;
/// holders that sleep, and holders that do not.
#[rustfmt::skip]
const PHASES: &[Phase] = &[
    Phase { bursts: 3072, writes: 3800, naps: 0 },
    Phase { bursts: 0,    writes: 32,   naps: 1 },
    Phase { bursts: 3072, writes: 2048, naps: 60 },
    Phase { bursts: 64,   writes: 512,  naps: 60 },
    Phase { bursts: 3968, writes: 3800, naps: 1 },
    Phase { bursts: 256,  writes: 2048, naps: 1 },
    Phase { bursts: 16,   writes: 3800, naps: 400 },
    Phase { bursts: 3584, writes: 1024, naps: 0 },
    Phase { bursts: 0,    writes: 0,    naps: 0 },
    Phase { bursts: 2048, writes: 3800, naps: 0 },
];

pub struct Arena {
    pub cells: Vec<Cell>,
    pub store: Store,
    phase: AtomicUsize,
    is_over: AtomicBool,
}

impl Arena {
    /// Lives as long as the process, so that guards can move from thread to thread.
    pub fn leak() -> &'static Self {
        Box::leak(Box::new(Self {
            cells: (0..4).map(|_| Cell::new()).collect(),
            store: Store::new(),
            phase: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
        }))
    }

    /// Returns a random lock. At least every other call returns the first one, so that there is always a
    /// contended lock.
    pub fn cell(&self, random: &mut Random) -> &Cell {
        let index = if random.once_in(2) {
            0
        } else {
            random.below(self.cells.len())
        };
        &self.cells[index]
    }

    pub fn phase(&self) -> &'static Phase {
        &PHASES[self.phase.load(Relaxed) % PHASES.len()]
    }

    pub fn set_phase(&self, phase: usize) {
        self.phase.store(phase, Relaxed);
    }

    /// Waits while a lock is held: mostly not at all, sometimes so long that others fall asleep or time out.
    pub fn dawdle(&self, random: &mut Random) {
        let naps = self.phase().naps;
        let place = random.below(4096);
        if place < naps {
            thread::sleep(random.micros_below(3000));
        } else if place < 2 * naps {
            thread::sleep(random.micros_below(50));
        } else if place < 128 {
            thread::yield_now();
        } else if place < 640 {
            (0..random.below(500)).for_each(|_| hint::spin_loop());
        }
    }

    pub fn is_over(&self) -> bool {
        self.is_over.load(Relaxed)
    }

    pub fn end(&self) {
        self.is_over.store(true, Relaxed);
    }
}
