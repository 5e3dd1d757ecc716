//! `cargo xtask ci`: runs every check, one after the other, up to the first that fails.

mod features;
mod forced;
mod step;

pub use step::tests_passed;

use crate::args::Args;
use crate::failure::Failure;
use crate::instructions::HAS_BOUNDS;
use crate::tools::{self, CLIPPY, RUSTFMT, Tool, VALGRIND};
use std::thread;
use std::time::{Duration, Instant};
use step::{
    Step, build_models_ahead, cargo, clippy_of_models, docs, docs_rs, example, models, shuttle,
    tests, xtask,
};

/// Everything that a step needs must exist: a step that finds no target, or runs no test, fails.
#[rustfmt::skip]
const STEPS: &[Step] = &[
    Step("format", cargo, &["fmt", "--all", "--check"]),
    Step("clippy", cargo, &["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"]),
    Step("clippy of the models", clippy_of_models, &[]),
    Step("tests", tests, &["--workspace", "--lib", "--bins", "--examples", "--test=*"]),
    // These five share one build.
    Step("tests, all features", forced::tests, &[]),
    Step("tests, counted", forced::tests, &["counted"]),
    Step("tests, slots", forced::tests, &["slots"]),
    Step("tests, quiet", forced::tests, &["quiet"]),
    Step("tests, quiet by fences", forced::tests, &["quiet", "fence"]),
    Step("doctests", tests, &["--package=gosync", "--doc", "--all-features"]),
    Step("models", models, &[]),
    Step("models, at random", shuttle, &[]),
    Step("docs", docs, &["--all-features"]),
    Step("docs, private items", docs, &["--all-features", "--document-private-items"]),
    Step("docs, as docs.rs builds them", docs_rs, &[]),
    Step("feature combinations", features::check, &[]),
    Step("api", xtask, &["api"]),
    Step("package", xtask, &["package"]),
    Step("benches", cargo, &["test", "--bench=*"]),
    Step("example contention", example, &["contention", "--", "--threads=2", "--writes=0,10", "--rounds=1", "--slice-ms=5", "--out=target/contention.svg", "--overwrite"]),
    Step("example fairness", example, &["fairness", "--", "--rounds=1", "--slice-ms=50"]),
    Step("example wordcount", example, &["wordcount", "--", "--check", "src", "docs"]),
    Step("example tour", example, &["tour"]),
    // `cargo xtask ports` compares these with Go, which is not needed here.
    Step("example worker_pool", example, &["worker_pool"]),
    Step("example fan_out", example, &["fan_out"]),
    Step("example cache", example, &["cache"]),
    Step("example sieve", example, &["sieve"]),
    Step("example shutdown", example, &["shutdown"]),
    Step("example crawler", example, &["crawler"]),
    Step("example pubsub", example, &["pubsub"]),
    Step("example rate_limiter", example, &["rate_limiter"]),
    Step("example philosophers", example, &["philosophers"]),
    Step("instructions", instructions, &[]),
    Step("soak", xtask, &["soak", "--seconds", "3"]),
    Step("soak, counted", forced::soak, &["counted"]),
    Step("soak, slots", forced::soak, &["slots"]),
    Step("soak, quiet", forced::soak, &["quiet"]),
    Step("soak, quiet by fences", forced::soak, &["quiet", "fence"]),
    // Takes no time unless verdicts are stale. If all are stale, it judges as many as fit, and fails.
    Step("mutants", xtask, &["mutants", "--minutes", "35"]),
];

/// The models are built while this step and the next run, since the tests wait half of the time.
const BESIDE: &str = "tests, counted";

/// The result of a step.
struct Report {
    name: &'static str,
    time: Duration,
    /// How many tests passed.
    result: Result<usize, Failure>,
}

pub fn run(mut args: Args) -> Result<(), Failure> {
    let install = args.flag("--install");
    args.finish()?;
    tools::provide(&needed(), install)?;
    let start = Instant::now();
    let mut reports = Vec::new();
    thread::scope(|scope| {
        for (index, step) in STEPS.iter().enumerate() {
            println!("\n=== {} of {}: {}", index + 1, STEPS.len(), step.0);
            if step.0 == BESIDE {
                scope.spawn(build_models_ahead);
            }
            reports.push(take(step));
            if reports.last().is_some_and(|report| report.result.is_err()) {
                break;
            }
        }
    });
    println!();
    reports.iter().for_each(print);
    conclude(reports, start.elapsed())
}

/// Returns the tools that the steps need besides cargo. They are checked first, so that a missing tool does
/// not cause a failure halfway.
fn needed() -> Vec<&'static Tool> {
    let mut tools = vec![&RUSTFMT, &CLIPPY];
    if HAS_BOUNDS {
        tools.push(&VALGRIND);
    }
    tools
}

/// Counts instructions on platforms that have bounds for them.
fn instructions(_: &[&str]) -> Result<usize, Failure> {
    if HAS_BOUNDS {
        xtask(&["instructions"])
    } else {
        println!("left out: there are no bounds for this platform");
        Ok(0)
    }
}

fn take(Step(name, run, args): &Step) -> Report {
    let start = Instant::now();
    let result = run(args);
    let time = start.elapsed();
    println!("=== {name}: {:.1} s", time.as_secs_f64());
    Report { name, time, result }
}

fn print(Report { name, time, result }: &Report) {
    let verdict = match result {
        Ok(0) => "ok".into(),
        Ok(passed) => format!("ok, {passed} tests passed"),
        Err(_) => "FAILED".into(),
    };
    println!("{name:<22} {:>8.1} s  {verdict}", time.as_secs_f64());
}

fn conclude(reports: Vec<Report>, time: Duration) -> Result<(), Failure> {
    let steps = reports.len();
    let mut passed = 0;
    for Report { name, result, .. } in reports {
        let explain = |failure| Failure::check(format!("step `{name}` failed: {failure}"));
        passed += result.map_err(explain)?;
    }
    println!(
        "ci: ok. {steps} steps, {passed} tests passed; {:.1} s",
        time.as_secs_f64()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{BESIDE, STEPS};
    use crate::ports;

    #[test]
    fn the_models_are_built_beside_a_step() {
        assert!(STEPS.iter().any(|step| step.0 == BESIDE));
    }

    #[test]
    fn every_port_has_a_step() {
        for name in ports::names() {
            let step = format!("example {name}");
            assert!(STEPS.iter().any(|s| s.0 == step && s.2 == [name]), "{step}");
        }
    }
}
