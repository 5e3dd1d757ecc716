//! Prints the progress of the soak, in plain lines that are readable in a log, too.

use super::op::Op;
use super::post::{Post, progress, sum, worst};
use std::time::{Duration, Instant};

const INTERVAL: Duration = Duration::from_secs(5);

pub struct Reporter {
    posts: &'static [Post],
    start: Instant,
    due: Instant,
}

impl Reporter {
    pub fn new(posts: &'static [Post]) -> Self {
        let start = Instant::now();
        Self {
            posts,
            start,
            due: start + INTERVAL,
        }
    }

    /// Prints a line of progress if it is time.
    pub fn look(&mut self) {
        if Instant::now() >= self.due {
            self.due += INTERVAL;
            println!("{}", self.summary());
        }
    }

    /// Prints the number of operations of each kind, and the last line.
    pub fn conclude(&self, seed: u64) {
        println!("{:<21} {:>14} {:>14}", "operation", "done", "refused");
        for op in Op::ALL {
            let done = sum(self.posts, |post| post.done.of(*op));
            let refused = sum(self.posts, |post| post.refused.of(*op));
            println!("{:<21} {done:>14} {refused:>14}", format!("{op:?}"));
        }
        println!("soak: ok. {}, --seed {seed}", self.summary().trim());
    }

    fn summary(&self) -> String {
        let elapsed = self.start.elapsed().as_secs_f64();
        let operations = progress(self.posts);
        let burst_reads = sum(self.posts, |post| &post.burst_reads);
        let locks = burst_reads + sum(self.posts, |post| &post.locks);
        format!(
            "{elapsed:>7.1} s, {operations} operations, {burst_reads} of them reads in bursts, {:.0} locks/s, worst wait: reader {:.1?}, writer {:.1?}",
            locks as f64 / elapsed,
            worst(self.posts, |post| &post.worst_read),
            worst(self.posts, |post| &post.worst_write),
        )
    }
}
