//! Checks that every thread makes progress.

use super::post::Post;
use std::process;
use std::time::Duration;

/// The pause between two looks.
pub const PAUSE: Duration = Duration::from_millis(50);

/// A thread hangs if this many looks in a row find it in the same operation. That is 20 s, far longer than
/// any operation takes on a busy machine. Looks are counted instead of timed, since a machine that was
/// suspended has not hung.
const HANG: u32 = 400;

/// Knows the progress of each thread, and for how many looks it has not changed.
pub struct Watch {
    posts: &'static [Post],
    seen: Vec<(u64, u32)>,
}

impl Watch {
    pub fn new(posts: &'static [Post]) -> Self {
        let seen = vec![(0, 0); posts.len()];
        Self { posts, seen }
    }

    /// Ends the process if a thread hangs.
    pub fn look(&mut self) {
        for (post, (progress, looks)) in self.posts.iter().zip(&mut self.seen) {
            let now = post.progress();
            let is_stuck = now == *progress && post.current().is_some();
            (*progress, *looks) = (now, if is_stuck { *looks + 1 } else { 0 });
            if *looks >= HANG {
                report_hang(self.posts);
                process::exit(101);
            }
        }
    }
}

fn report_hang(posts: &[Post]) {
    eprintln!("soak: HANG: a thread makes no progress");
    for (index, post) in posts.iter().enumerate() {
        let progress = post.progress();
        match post.current() {
            Some(op) => eprintln!("  thread {index}: in {op:?}, after {progress} operations"),
            None => eprintln!("  thread {index}: idle, after {progress} operations"),
        }
    }
}
