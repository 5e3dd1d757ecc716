//! `cargo xtask cross`: builds and runs the tests for other CPUs and systems.
//!
//! | what | shows | does not show |
//! |---|---|---|
//! | qemu-user | that the code is right on big endian and on 32 bits, with the types and system calls of that Linux | the memory order of that CPU: the threads run on this one, which reorders less. Nor how fast anything is |
//! | wine | that the code links and runs with the calls of Windows, as far as Wine has them | that Windows does the same |
//! | musl | that it runs with another C library, natively | |
//! | a check alone | that the code compiles | that it links, or works |
//!
//! The packages and paths are those of Debian 12 on x86-64.
//!
//! What does not work under an emulator is left out by name, with the reason (`left_out`).

mod build;
mod check;
mod command;
mod krate;
mod left_out;
mod log;
mod musl;
mod report;
mod runner;
mod targets;
mod tests;
mod wasm;
mod wine;

use crate::args::Args;
use crate::failure::Failure;
use crate::tools;
use build::Std;
use check::{CHECKED, Checked};
use log::Log;
use report::{Cell, Row};
use std::path::Path;
use std::time::Instant;
use targets::{TARGETS, Target};
use tests::{Outcome, Tests};

pub fn run(mut args: Args) -> Result<(), Failure> {
    let install = args.flag("--install");
    let check_only = args.flag("--check");
    let mut names = Vec::new();
    while let Some(name) = args.word() {
        if !all().any(|triple| triple == name) {
            let all: Vec<_> = all().collect();
            return Err(Failure::usage(format!("no `{name}` in {all:?}")));
        }
        names.push(name);
    }
    args.finish()?;
    let is_asked_for = |triple: &str| names.is_empty() || names.iter().any(|name| name == triple);
    let manifest = krate::create()?;
    let mut rows = Vec::new();
    if !check_only {
        let targets = TARGETS.iter().filter(|target| is_asked_for(target.triple));
        rows.extend(targets.map(|target| take(target.triple, || test(&manifest, target, install))));
    }
    let checked = CHECKED
        .iter()
        .filter(|target| is_asked_for(target.triple))
        // There a program runs, which contains the library.
        .filter(|target| check_only || target.triple != wasm::TRIPLE);
    rows.extend(checked.map(|target| take(target.triple, || check(&manifest, target, install))));
    if !check_only && is_asked_for(wasm::TRIPLE) {
        rows.push(take(wasm::TRIPLE, || wasm::test(install)));
    }
    println!();
    report::print(&rows);
    match rows.iter().filter(|row| row.has_failed).count() {
        0 if rows.iter().all(Row::is_skipped) => Err(Failure::check("nothing could be built")),
        0 => Ok(()),
        n => Err(Failure::check(format!("{n} of {} failed", rows.len()))),
    }
}

/// Returns the names of all targets.
fn all() -> impl Iterator<Item = &'static str> {
    let tested = TARGETS.iter().map(|target| target.triple);
    tested.chain(CHECKED.iter().map(|target| target.triple))
}

fn take(triple: &'static str, run: impl FnOnce() -> Result<Row, Failure>) -> Row {
    println!("\n=== {triple}");
    let start = Instant::now();
    let row = run().unwrap_or_else(|failure| Row::failed(triple, &failure));
    println!("=== {triple}: {:.0} s", start.elapsed().as_secs_f64());
    row
}

fn test(manifest: &Path, target: &Target, install: bool) -> Result<Row, Failure> {
    let tools: Vec<_> = target.tools.iter().collect();
    if let Err(missing) = tools::provide(&tools, install) {
        return Ok(Row::skipped(target.triple, &missing.to_string()));
    }
    let std = match Std::of(target.triple, install) {
        Ok(std) => std,
        Err(missing) => return Ok(Row::skipped(target.triple, &missing.to_string())),
    };
    let mut row = Row::new(target.triple);
    let log = Log::create(target.triple, "build")?;
    println!("builds; output goes to {log}");
    let programs = build::tests(manifest, target, &std, &log)?;
    match build::warnings(&log.text()) {
        0 => row.set(Cell::Builds, "yes"),
        n => row.fail(Cell::Builds, format!("yes, {n} warnings")),
    }
    let runner = target.runner.prepare(&programs.unit)?;
    row.runner = runner.name();
    println!("the tests run: {}", row.runner);
    let tests = Tests {
        programs: &programs,
        runner,
        triple: target.triple,
    };
    let result = run_tests(&tests, target, &mut row);
    runner.finish();
    result?;
    row.notes = left_out::of(runner)
        .iter()
        .map(|out| format!("`{}`: {}", out.name, out.reason))
        .collect();
    Ok(row)
}

fn run_tests(tests: &Tests, target: &Target, row: &mut Row) -> Result<(), Failure> {
    let mut note = |cell: Cell, what: &str, outcome: Outcome| {
        println!("{what}: {outcome}");
        for test in &outcome.failed {
            println!("    FAILED: {test}");
        }
        match outcome.is_good() {
            true => row.set(cell, outcome.to_string()),
            false => row.fail(cell, outcome.to_string()),
        }
    };
    tests.all_left_out_exist()?;
    note(Cell::Unit, "unit tests", tests.unit()?);
    note(Cell::Integration, "integration tests", tests.integration()?);
    for (cell, speed) in [(Cell::Slots, "slots"), (Cell::Quiet, "quiet")] {
        note(
            cell,
            &format!("rwmutex, all locks at {speed}"),
            tests.at_speed(speed)?,
        );
    }
    match tests.barrier()? {
        None => row.fail(Cell::Speeds, "not told"),
        Some(barrier) => {
            let quiet = match (barrier.becomes_quiet, barrier.is_heavy) {
                (true, _) => format!("counted, slots, quiet ({})", target.barrier),
                (false, true) => "counted, slots".into(),
                (false, false) => format!("counted, slots (no {})", target.barrier),
            };
            println!("speeds: {quiet}");
            row.set(Cell::Speeds, quiet);
        }
    }
    Ok(())
}

fn check(manifest: &Path, target: &Checked, install: bool) -> Result<Row, Failure> {
    let std = match Std::of(target.triple, install) {
        Ok(std) => std,
        Err(missing) => return Ok(Row::skipped(target.triple, &missing.to_string())),
    };
    let mut row = Row::new(target.triple);
    row.runner = "none, checked only";
    let found = check::check(manifest, target, &std)?;
    println!("{found}");
    row.set(Cell::Builds, found);
    Ok(row)
}

#[cfg(test)]
mod unit_tests {
    use super::all;

    #[test]
    fn no_target_is_listed_twice() {
        let mut names: Vec<_> = all().collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
