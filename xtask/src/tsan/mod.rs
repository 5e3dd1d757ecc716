//! `cargo xtask tsan`: runs the tests with real threads under ThreadSanitizer.
//!
//! ThreadSanitizer reports two accesses to data, one of them a write, that nothing orders. If an ordering in
//! the lock is too weak, it reports accesses to the data that the lock guards. The standard library is built
//! along with the tests and instrumented in the same way; otherwise its own locks and channels would be
//! reported.
//!
//! ThreadSanitizer cannot see:
//!
//! * Fences. They are executed, but for ThreadSanitizer they order nothing. That causes no false reports:
//!   every happens-before relation that data relies on goes through a Release and an Acquire of the word or
//!   of a slot, and the fences only ensure that no thread overlooks another. But a missing fence is not
//!   noticed, either. The overlap does not even happen, since the instrumentation of an atomic store acts as
//!   a fence by itself.
//! * `membarrier`. At the forced speeds, fences replace it.
//! * Schedules that do not happen.
//!
//! The models cover these, and so do the same tests without ThreadSanitizer.
//!
//! One race is known and suppressed: a thief reads the slot at the end of a deque while its owner may already
//! be writing there, and discards the value if the owner was faster (`Buffer` in crossbeam_deque's
//! `deque.rs`).
//!
//! A detector that does not work looks like success. So do tests that order by other means what the lock
//! should order. So in the end the tests run over copies of the crate with an ordering that is too weak, and
//! there must be a report.
//!
//! The detector comes with rustup's compilers.

mod tests;
mod tree;

use crate::args::Args;
use crate::failure::Failure;
use crate::std_source;
use std::time::Instant;
use tests::{Build, Report};
use tree::BREAKS;

/// The builds to test, each with filters for the tests. A lock seldom leaves *counted* during a test, and
/// only locks have speeds.
const RUNS: &[(Build, &[&str])] = &[
    (tests::UNFORCED, &[]),
    (tests::SLOTS, &["rwmutex", "fairness"]),
    (tests::QUIET, &["rwmutex", "fairness"]),
];

pub fn run(mut args: Args) -> Result<(), Failure> {
    let install = args.flag("--install");
    args.finish()?;
    let start = Instant::now();
    let std = std_source::find(install)?;
    let tree = tree::copy()?;
    let mut passed = 0;
    for (build, filters) in RUNS {
        println!("\n=== {build}");
        passed += expect_none(&tests::run(&tree, &std, build, filters)?)?;
    }
    for broken in BREAKS {
        println!("\n=== {broken}");
        let tree = broken.tree()?;
        let report = tests::run(&tree, &std, &broken.build, &[broken.tests])?;
        println!("{} reports", report.races);
        if report.races == 0 {
            return Err(Failure::check(format!("not noticed, or not run: {broken}")));
        }
    }
    println!(
        "\ntsan: ok. {passed} tests passed without a report, {} broken copies were reported; {:.1} s\n\
         It sees no fences and no membarrier; the models do.",
        BREAKS.len(),
        start.elapsed().as_secs_f64()
    );
    Ok(())
}

/// Returns how many tests passed. Fails if there was a race, if a test failed, or if no test ran.
fn expect_none(report: &Report) -> Result<usize, Failure> {
    match report {
        Report {
            races: 0,
            passed: 0,
            ..
        } => Err(Failure::check("no test ran")),
        Report {
            races: 0,
            passed,
            succeeded: true,
        } => Ok(*passed),
        Report { races, .. } => Err(Failure::check(format!("a test failed; {races} races"))),
    }
}
