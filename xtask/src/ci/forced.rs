//! Tests and soaks with every lock at one speed, whatever its readers do, and without a word said the same
//! build with locks as they are; see `src/forced.rs`.

use super::step;
use crate::failure::Failure;
use crate::forced;
use crate::repo;
use std::process::Command;

/// Runs the tests with all features as `name` says. At a speed it leaves out those that are about
/// goroutines: the speed of locks has no part in them.
pub fn tests(name: &[&str]) -> Result<usize, Failure> {
    let mut tests = cargo(name)?;
    tests.args([
        "test",
        "--package=gosync",
        "--all-features",
        "--lib",
        "--test=*",
    ]);
    if !name.is_empty() {
        tests.args(["--", "--skip=workers::"]);
    }
    step::tests_of(&mut tests)
}

/// Runs a short soak as `name` says.
pub fn soak(name: &[&str]) -> Result<usize, Failure> {
    // Apart from the program that runs this.
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

/// Cargo, with locks at a speed if there is a word, and with a barrier if there is a second.
fn cargo(name: &[&str]) -> Result<Command, Failure> {
    let mut cargo = forced::cargo()?;
    let mut words = name.iter();
    for variable in ["GOSYNC_SPEED", "GOSYNC_BARRIER"] {
        cargo.env(variable, words.next().unwrap_or(&""));
    }
    Ok(cargo)
}
