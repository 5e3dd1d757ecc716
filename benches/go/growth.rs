use crate::{Plan, blocked, report};
use std::env;
use std::process::Command;

/// What each of 10,000 that block takes until it has started, as a multiple of what each of 1,000 takes.
/// In processes that have done nothing before.
pub fn run(plan: Plan) {
    let growth = |case| each(case, plan) / each(case, plan.smaller(10));
    report("blocked_growth", growth("blocked_channel"));
    report("blocked_growth_wg", growth("blocked_wg"));
}

/// The milliseconds of a case for each that blocks.
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
