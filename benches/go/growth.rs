use crate::{Plan, blocked, report};
use std::env;
use std::process::Command;

/// Reports how long each of 10,000 blocking goroutines takes until it has started, as a multiple of the same
/// time for 1,000. Each case runs in a process that has done nothing before.
pub fn run(plan: Plan) {
    let growth = |case| each(case, plan) / each(case, plan.smaller(10));
    report("blocked_growth", growth("blocked_channel"));
    report("blocked_growth_wg", growth("blocked_wg"));
}

/// Returns the milliseconds of a case, divided by the number of goroutines that block.
fn each(case: &str, plan: Plan) -> f64 {
    let program = env::current_exe().expect("it has a name");
    let mut program = Command::new(program);
    let shrink = plan.shrink.to_string();
    let output = program.args(["--case", case, "--shrink", &shrink]).output();
    let printed = String::from_utf8(output.expect("it can be run").stdout);
    let printed = printed.expect("it prints a figure");
    let figure = printed.trim().rsplit(' ').next();
    let millis: f64 = figure
        .and_then(|figure| figure.parse().ok())
        .expect("a number");
    millis / blocked::count(plan) as f64
}
