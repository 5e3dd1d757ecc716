use crate::{Plan, elapsed, millis, report};
use gosync::WaitGroup;
use std::thread;
use std::time::Duration;

/// Lets 5,000 goroutines sleep for a second each. Reports the milliseconds until all have ended.
pub fn foreign(plan: Plan) {
    run("sleep", plan, thread::sleep);
}

/// The same with gosync's sleep, which lets other goroutines run at once.
pub fn hinted(plan: Plan) {
    run("sleep_hinted", plan, gosync::sleep);
}

fn run(name: &str, plan: Plan, sleep: fn(Duration)) {
    let count = plan.count(5000);
    let second = Duration::from_secs(1) / plan.shrink as u32;
    let took = elapsed(|| {
        let wg = WaitGroup::new();
        for _ in 0..count {
            // With `WaitGroup::go`, main would help, and sleep for some of them.
            wg.add(1);
            let wg = wg.clone();
            gosync::go(move || {
                sleep(second);
                wg.done();
            });
        }
        wg.wait();
    });
    report(name, millis(took));
}
