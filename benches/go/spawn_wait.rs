use crate::{Plan, report};
use std::hint::black_box;
use std::thread;

/// Repeatedly starts a goroutine and waits for its result. Reports nanoseconds per goroutine. Then does the
/// same in 8 threads at once.
pub fn run(plan: Plan) {
    const TOTAL: usize = 100_000;
    report("spawn_wait", plan.nanos_each(TOTAL, || results(TOTAL)));
    let nanos = plan.nanos_each(TOTAL, || {
        thread::scope(|s| {
            for _ in 0..8 {
                s.spawn(|| results(TOTAL / 8));
            }
        });
    });
    report("spawn_wait_8", nanos);
}

fn results(count: usize) {
    for i in 0..count {
        black_box(gosync::go(move || i).join().expect("no panic"));
    }
}
