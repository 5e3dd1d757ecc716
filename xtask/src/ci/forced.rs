//! Tests and soaks with every lock forced to one speed, and, without arguments, the same build with locks
//! that choose their speed; see `src/forced.rs`.

use super::step;
use crate::failure::Failure;
use crate::forced;
use crate::repo;
use std::process::Command;

/// Runs the tests with all features, at the speed and with the barrier in `name`. At a forced speed it skips
/// the tests of goroutines, which do not depend on the speed of locks.
pub fn tests(name: &[&str]) -> Result<usize, Failure> {
    let mut tests = cargo(name)?;
    tests.args([
        "test",
        "--package=gosync",
        "--package=gosync-dev",
        "--all-features",
        "--lib",
        "--test=*",
    ]);
    if !name.is_empty() {
        tests.args(["--", "--skip=workers::"]);
    }
    step::tests_of(&mut tests)
}

/// Runs a short soak at the speed and with the barrier in `name`.
pub fn soak(name: &[&str]) -> Result<usize, Failure> {
    // Separate from the program that runs this.
    let target = repo::target().join("forced");
    step::run(cargo(name)?.env("CARGO_TARGET_DIR", target).args([
        "run",
        "--release",
        "--package=xtask",
        "--",
        "soak",
        "--seconds",
        "3",
    ]))
}

/// Returns a command for cargo. The first word of `name`, if there is one, forces the speed of locks, and the
/// second the barrier.
fn cargo(name: &[&str]) -> Result<Command, Failure> {
    let mut cargo = forced::cargo()?;
    let mut words = name.iter();
    for variable in ["GOSYNC_SPEED", "GOSYNC_BARRIER"] {
        cargo.env(variable, words.next().unwrap_or(&""));
    }
    Ok(cargo)
}
