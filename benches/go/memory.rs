use crate::start::{Start, gate, hold};
use crate::{Plan, blocked, report};
use std::fs;
use std::thread;
use std::time::Duration;

/// Lets 10,000 goroutines, or threads, sit in a group: the MiB of memory that the process has more
/// than before.
pub fn run<S: Start>(plan: Plan) {
    let (gate, wait) = gate();
    let before = resident();
    let look = || {
        // The last ones have started, and are about to sit.
        thread::sleep(Duration::from_millis(100));
        resident() - before
    };
    let more = hold::<S, _>(vec![wait; blocked::count(plan)], look, || gate.done());
    report(&format!("memory{}", S::SUFFIX), more);
}

/// In MiB. Not a number where the system does not tell.
fn resident() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
    kib.unwrap_or(f64::NAN) / 1024.0
}
