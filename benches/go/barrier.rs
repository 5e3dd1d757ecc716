use crate::{Plan, millis, report};
use std::sync::{Arc, Barrier};
use std::time::Instant;

/// Lets 400 goroutines and main wait for each other, in a process that has done nothing before. Reports
/// milliseconds.
pub fn run(_: Plan) {
    const SIZE: usize = 400;
    let start = Instant::now();
    let barrier = Arc::new(Barrier::new(SIZE + 1));
    for _ in 0..SIZE {
        let barrier = Arc::clone(&barrier);
        gosync::go(move || barrier.wait());
    }
    barrier.wait();
    report("barrier", millis(start.elapsed()));
}
