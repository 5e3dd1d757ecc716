//! Tests and soak with every lock at one speed, whatever its readers do; see `src/forced.rs`.

use super::step;
use crate::failure::Failure;
use crate::forced;
use crate::repo;
use std::process::Command;

/// Runs the tests as `name` says, but for those that are about goroutines: the speed of locks has no
/// part in them.
pub fn tests(name: &[&str]) -> Result<usize, Failure> {
    step::tests_of(cargo(name)?.args([
        "test",
        "--package=gosync",
        "--lib",
        "--test=*",
        "--",
        "--skip=workers::",
    ]))
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
        "5",
    ]))
}

/// Cargo, with locks at a speed, and with a barrier if there is a second word.
fn cargo(name: &[&str]) -> Result<Command, Failure> {
    let mut cargo = forced::cargo()?;
    cargo.env("GOSYNC_SPEED", name[0]);
    match name.get(1) {
        Some(barrier) => cargo.env("GOSYNC_BARRIER", barrier),
        None => cargo.env_remove("GOSYNC_BARRIER"),
    };
    Ok(cargo)
}
