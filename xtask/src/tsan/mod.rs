//! `cargo xtask tsan`: the tests with real threads, under ThreadSanitizer.
//!
//! It reports two accesses to data, one of them a write, that nothing orders: as what the lock guards,
//! if an ordering in the lock is too weak. The standard library is built along with the tests, with
//! the same instructions woven in; otherwise its own locks and channels would be reported.
//!
//! What it cannot see:
//!
//! * Fences. They are executed, but they order nothing for it. There are no false reports for that
//!   reason: what happens before what goes through a Release and an Acquire of the word or of a slot,
//!   and the fences only see to it that nobody overlooks anybody. But a fence that is missing is not
//!   noticed, either. The overlap does not even happen: what is woven into an atomic store has the
//!   effect of a fence by itself.
//! * `membarrier`. At the forced speeds fences stand in for it.
//! * Schedules that do not come up.
//!
//! Those are for the models to see, and for the same tests without it.
//!
//! One race is known and not reported: a thief reads what lies at the end of a deque, and throws it away
//! if its owner has been faster, who may be writing there by then (`Buffer` in crossbeam_deque's
//! `deque.rs`).
//!
//! A detector that is asleep, or tests that order by other means what the lock has to order, look
//! like success. So in the end the tests run over copies of the crate with an ordering too weak, and
//! there has to be a report.

mod std_source;
mod tests;
mod tree;

use crate::args::Args;
use crate::failure::Failure;
use std::time::Instant;
use tests::{Build, Report};
use tree::BREAKS;

/// What the tests are run at, and which: a lock seldom leaves *counted* during a test, and the other
/// parts have no speeds.
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

/// Returns how many tests passed, if that is all that there is to say.
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
