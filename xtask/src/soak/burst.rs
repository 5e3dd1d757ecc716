//! Many of the cheapest reads, one after the other.
//!
//! Only so does a lock become quiet as it does for a user, and only so are there as many reads as the
//! windows of its algorithm are narrow. The counters of a `Cell` would be all that such reads wait
//! for, so they do without.

use super::cell::Cell;
use super::post::Post;
use super::random::Random;
use std::hint;

/// The reads between two signs of life.
const STRETCH: usize = 64;

/// How a burst goes. A reader that lingers is easier to catch where it should not be; one that does not
/// comes more often.
struct Manner {
    stretches: usize,
    /// One read in so many lingers; a power of 2.
    linger_once_in: usize,
    spins: usize,
}

impl Manner {
    fn random(random: &mut Random) -> Self {
        Self {
            stretches: 1 << random.below(7),
            linger_once_in: 1 << random.below(16),
            spins: 1 << random.below(6),
        }
    }

    fn spin(&self, read: usize) {
        if read.is_multiple_of(self.linger_once_in) {
            (0..self.spins).for_each(|_| hint::spin_loop());
        }
    }
}

/// Reads the cell 64 to 4096 times.
pub fn run(cell: &Cell, post: &Post, random: &mut Random) {
    let manner = Manner::random(random);
    for stretch in 0..manner.stretches {
        for read in 0..STRETCH {
            let value = cell.lock.rlock();
            value.glance(|| manner.spin(stretch * STRETCH + read));
        }
        post.read_in_burst(STRETCH as u64);
    }
}
