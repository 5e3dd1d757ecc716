//! Many of the cheapest reads, one after the other.
//!
//! Only bursts make a lock quiet in the way a user does, and only they are frequent enough for the narrow
//! windows of its algorithm. Such reads would spend all their time on the counters of a `Cell`, so they do
//! without them.

use super::cell::Cell;
use super::post::Post;
use super::random::Random;
use std::hint;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The number of reads between two reports of progress.
const STRETCH: usize = 64;

/// After this many reads of one thread, a lock is quiet in most cases.
const QUIET_AFTER: usize = 65_536;

/// The parameters of a burst. A reader that lingers is easier to catch where it should not be; one that does
/// not linger comes more often.
struct Manner {
    stretches: usize,
    /// The reads before this one do not linger.
    lingers_from: usize,
    /// One in this many later reads lingers; a power of 2.
    linger_once_in: usize,
    spins: usize,
    /// This many stores of that reader are pending before it enters.
    stores: usize,
}

/// Cache lines that all threads write. On most CPUs, stores take effect in their order, so a store to a line
/// that another CPU owns delays the stores after it. That includes the store by which a reader publishes its
/// entry, and the delay is long enough for a writer to miss the entry if a barrier is missing.
static CONTESTED: [Contested; 64] = [const { Contested(AtomicU64::new(0)) }; 64];

#[repr(align(128))]
struct Contested(AtomicU64);

impl Manner {
    fn random(random: &mut Random) -> Self {
        let spins = 1 << random.below(6);
        let stores = random.below(CONTESTED.len() + 1);
        if random.once_in(8) {
            return Self {
                stretches: QUIET_AFTER / STRETCH + 16,
                lingers_from: QUIET_AFTER,
                linger_once_in: 1,
                spins,
                stores,
            };
        }
        Self {
            stretches: 1 << random.below(7),
            lingers_from: 0,
            linger_once_in: 1 << random.below(12),
            spins,
            stores,
        }
    }

    fn lingers(&self, read: usize) -> bool {
        read >= self.lingers_from && read.is_multiple_of(self.linger_once_in)
    }

    fn read(&self, cell: &Cell, lingers: bool) {
        if lingers {
            hold_up_stores(self.stores);
        }
        let value = cell.lock.rlock();
        value.glance(|| {
            if lingers {
                spin(self.spins);
            }
        });
    }
}

/// Delays the following stores of this thread by `by` other stores, 64 at most.
pub fn hold_up_stores(by: usize) {
    let lines = &CONTESTED[..by];
    lines.iter().for_each(|line| line.0.store(1, Relaxed));
}

pub fn spin(times: usize) {
    (0..times).for_each(|_| hint::spin_loop());
}

/// Reads the cell 64 to 4096 times, or until it becomes quiet and a little longer.
pub fn run(cell: &Cell, post: &Post, random: &mut Random) {
    let manner = Manner::random(random);
    for stretch in 0..manner.stretches {
        for read in 0..STRETCH {
            manner.read(cell, manner.lingers(stretch * STRETCH + read));
        }
        post.read_in_burst(STRETCH as u64);
    }
}
