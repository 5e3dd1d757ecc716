use crate::{Plan, report};
use gosync::WaitGroup;

/// Starts goroutines that do nothing, and waits for them. Reports nanoseconds per goroutine.
pub fn run(plan: Plan) {
    const TOTAL: usize = 100_000;
    for size in [1, 10, 100, 1000, 10_000] {
        let nanos = plan.nanos_each(TOTAL, || (0..TOTAL / size).for_each(|_| group(size)));
        report(&format!("fan_out_in_{size}"), nanos);
    }
}

fn group(size: usize) {
    let wg = WaitGroup::new();
    for _ in 0..size {
        wg.go(|| {});
    }
    wg.wait();
}
