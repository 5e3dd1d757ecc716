//! Pieces of work that compute, for a given time.

use crate::Plan;
use std::hint::black_box;
use std::thread;
use std::time::Duration;

pub fn cpus() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Returns how many rounds of `compute` make a piece of that length.
pub fn calibrate(plan: Plan, length: Duration) -> u64 {
    const MANY: u64 = 1_000_000;
    let each = plan.nanos_each(MANY as usize, || compute(MANY));
    (length.as_nanos() as f64 / each) as u64
}

/// Does not look at the clock, which also advances while the thread waits for a CPU.
#[inline(never)]
pub fn compute(rounds: u64) {
    let mut x = rounds | 1;
    for _ in 0..rounds {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    black_box(x);
}
