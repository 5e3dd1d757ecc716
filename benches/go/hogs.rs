use crate::{Plan, millis, report};
use gosync::WaitGroup;
use std::hint::spin_loop;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc;
use std::time::Instant;

/// Starts 8 goroutines that compute until they are told to end, and then a short one. Reports the
/// milliseconds until the short one begins.
pub fn run(plan: Plan) {
    report("hogs", plan.median(round));
}

fn round() -> f64 {
    let stop = Arc::new(AtomicBool::new(false));
    let wg = WaitGroup::new();
    for _ in 0..8 {
        let stop = Arc::clone(&stop);
        wg.go(move || {
            while !stop.load(Relaxed) {
                spin_loop();
            }
        });
    }
    let (begin, begun) = mpsc::channel();
    let start = Instant::now();
    gosync::go(move || begin.send(start.elapsed()));
    // As in the Go program, where it makes a difference.
    gosync::go(|| ());
    let took = begun.recv().expect("it begins");
    stop.store(true, Relaxed);
    wg.wait();
    millis(took)
}
