//! The state that a thread shows to the others.

use super::op::Op;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// The progress of a thread. Unless stated otherwise, only that thread writes to it.
#[derive(Default)]
pub struct Post {
    /// The operation that the thread is in, as its number plus 1; 0 between two operations.
    current: AtomicU64,
    /// How many operations have ended, without the reads in bursts.
    ended: AtomicU64,
    /// How many reads in bursts have ended. Other threads for which this one waits add theirs, too.
    pub burst_reads: AtomicU64,
    /// How many locks were acquired, without bursts.
    pub locks: AtomicU64,
    /// How many operations of each kind got what they wanted, and how many did not.
    pub done: Counts,
    pub refused: Counts,
    /// The longest waits of readers and of writers, in nanoseconds.
    pub worst_read: AtomicU64,
    pub worst_write: AtomicU64,
}

/// A count for each operation.
pub struct Counts([AtomicU64; Op::COUNT]);

impl Default for Counts {
    fn default() -> Self {
        Self([const { AtomicU64::new(0) }; Op::COUNT])
    }
}

impl Counts {
    pub fn of(&self, op: Op) -> &AtomicU64 {
        &self.0[op as usize]
    }
}

impl Post {
    pub fn begin(&self, op: Op) {
        self.current.store(op as u64 + 1, Relaxed);
    }

    pub fn end(&self, op: Op, done: bool) {
        let counts = if done { &self.done } else { &self.refused };
        count(counts.of(op));
        count(&self.ended);
        self.current.store(0, Relaxed);
    }

    /// Returns the operation that the thread is in.
    pub fn current(&self) -> Option<Op> {
        let current = self.current.load(Relaxed) as usize;
        Op::ALL.get(current.checked_sub(1)?).copied()
    }

    pub fn read_in_burst(&self, reads: u64) {
        self.burst_reads.fetch_add(reads, Relaxed);
    }

    /// Returns how many operations have ended.
    pub fn progress(&self) -> u64 {
        self.ended.load(Relaxed) + self.burst_reads.load(Relaxed)
    }

    pub fn acquired(&self) {
        count(&self.locks);
    }

    /// Acquires with `acquire`, and records the wait in `worst` if it is the longest so far.
    pub fn timed<T>(worst: &AtomicU64, acquire: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let guard = acquire();
        let nanos = start.elapsed().as_nanos() as u64;
        if nanos > worst.load(Relaxed) {
            worst.store(nanos, Relaxed);
        }
        guard
    }
}

fn count(counter: &AtomicU64) {
    counter.store(counter.load(Relaxed) + 1, Relaxed);
}

/// Returns the longest of the waits that `which` picks.
pub fn worst(posts: &[Post], which: fn(&Post) -> &AtomicU64) -> Duration {
    let nanos = posts.iter().map(|post| which(post).load(Relaxed)).max();
    Duration::from_nanos(nanos.unwrap_or(0))
}

/// Returns how many operations all threads have ended.
pub fn progress(posts: &[Post]) -> u64 {
    posts.iter().map(Post::progress).sum()
}

/// Returns the sum of the counters that `which` picks.
pub fn sum(posts: &[Post], which: impl Fn(&Post) -> &AtomicU64) -> u64 {
    posts.iter().map(|post| which(post).load(Relaxed)).sum()
}
