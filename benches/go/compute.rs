use crate::piece::{calibrate, compute, cpus};
use crate::{Plan, elapsed, report};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

const LENGTH: Duration = Duration::from_millis(20);

/// Hands out 40 pieces of work of 20 ms to goroutines. Reports the time as a multiple of what one thread
/// would need for all of them, divided by the number of CPUs, and the largest number of workers meanwhile.
pub fn run(plan: Plan) {
    let rounds = calibrate(plan, LENGTH);
    let count = plan.count(40);
    let ideal = elapsed(|| (0..count).for_each(|_| compute(rounds))) / cpus() as u32;
    let start = Instant::now();
    let workers = most_workers(count, rounds);
    let shared = start.elapsed();
    report("compute", shared.as_secs_f64() / ideal.as_secs_f64());
    report("compute_workers", workers as f64);
}

/// Returns the largest number of workers. This thread looks once a millisecond, and does none of the work.
fn most_workers(count: usize, rounds: u64) -> usize {
    let (end, ended) = mpsc::channel::<()>();
    for _ in 0..count {
        let end = end.clone();
        gosync::go(move || {
            compute(rounds);
            drop(end);
        });
    }
    drop(end);
    let mut most = 0;
    while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(Duration::from_millis(1)) {
        most = most.max(gosync::num_workers());
    }
    most
}
