use crate::start::{Start, gate, hold};
use crate::{Plan, blocked, report};
use std::fs;
use std::thread;
use std::time::Duration;

/// Lets 10,000 goroutines, or threads, block in a wait group. Reports by how many MiB the memory of the
/// process grows.
pub fn run<S: Start>(plan: Plan) {
    let (gate, wait) = gate();
    let before = resident();
    let look = || {
        // The last ones have started, and are about to block.
        thread::sleep(Duration::from_millis(100));
        resident() - before
    };
    let more = hold::<S, _>(vec![wait; blocked::count(plan)], look, || gate.done());
    report(&format!("memory{}", S::SUFFIX), more);
}

/// Returns the resident memory in MiB, or NaN where the system does not tell.
fn resident() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
    kib.unwrap_or(f64::NAN) / 1024.0
}
