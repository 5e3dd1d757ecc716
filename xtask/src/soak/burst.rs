//! Many of the cheapest reads, one after the other.
//!
//! Only so does a lock become quiet as it does for a user, and only so are there as many reads as the
//! windows of its algorithm are narrow. The counters of a `Cell` would be all that such reads wait
//! for, so they do without.

use super::cell::Cell;
use super::post::Post;
use super::random::Random;
use std::hint;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The reads between two signs of life.
const STRETCH: usize = 64;

/// After so many reads of one thread a lock is quiet, mostly.
const QUIET_AFTER: usize = 65_536;

/// How a burst goes. A reader that lingers is easier to catch where it should not be; one that does not
/// comes more often.
struct Manner {
    stretches: usize,
    /// The reads before this one do not linger.
    lingers_from: usize,
    /// One later read in so many lingers; a power of 2.
    linger_once_in: usize,
    spins: usize,
    /// So many stores of that reader are on their way before it comes.
    stores: usize,
}

/// Lines that all threads write. Stores take effect in their order on most CPUs, so one to a line
/// that another CPU has holds up those after it: also the one by which a reader says that
/// it is there, long enough for a writer to miss it if a barrier is missing.
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

/// Holds up the stores of this thread that follow by as many others, 64 at most.
pub fn hold_up_stores(by: usize) {
    let lines = &CONTESTED[..by];
    lines.iter().for_each(|line| line.0.store(1, Relaxed));
}

pub fn spin(times: usize) {
    (0..times).for_each(|_| hint::spin_loop());
}

/// Reads the cell 64 to 4096 times; or so often that it becomes quiet, and a little more.
pub fn run(cell: &Cell, post: &Post, random: &mut Random) {
    let manner = Manner::random(random);
    for stretch in 0..manner.stretches {
        for read in 0..STRETCH {
            manner.read(cell, manner.lingers(stretch * STRETCH + read));
        }
        post.read_in_burst(STRETCH as u64);
    }
}
