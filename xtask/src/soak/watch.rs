//! The thread that watches the others.

use super::post::Post;
use std::process;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// Far beyond what any operation takes, even where the machine has other things to do.
const HANG: Duration = Duration::from_secs(20);

/// Knows when each thread was last seen to make progress.
pub struct Watch {
    posts: &'static [Post],
    seen: Vec<(u64, Instant)>,
}

impl Watch {
    pub fn new(posts: &'static [Post]) -> Self {
        let seen = vec![(0, Instant::now()); posts.len()];
        Self { posts, seen }
    }

    /// Ends the process if a thread has been in one operation for too long. To be called often.
    pub fn look(&mut self) {
        for (post, seen) in self.posts.iter().zip(&mut self.seen) {
            let progress = post.progress.load(Relaxed);
            if progress != seen.0 || post.current().is_none() {
                *seen = (progress, Instant::now());
            } else if seen.1.elapsed() > HANG {
                report_hang(self.posts);
                process::exit(101);
            }
        }
    }
}

fn report_hang(posts: &[Post]) {
    eprintln!("soak: HANG: no progress for {} s", HANG.as_secs());
    for (index, post) in posts.iter().enumerate() {
        let progress = post.progress.load(Relaxed);
        match post.current() {
            Some(op) => eprintln!("  thread {index}: in {op:?}, after {progress} operations"),
            None => eprintln!("  thread {index}: in none, after {progress} operations"),
        }
    }
}
