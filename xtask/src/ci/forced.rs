//! Tests and soak with every lock at one speed, whatever its readers do; see `src/forced.rs`.
//!
//! Cargo knows that gosync reads the variables: it builds gosync anew, with what depends on it, and
//! nothing else, whenever they have changed.

use super::step;
use crate::failure::Failure;
use crate::repo;
use std::process::Command;

/// Runs the tests as `name` says, but for those that are about goroutines. Among the other builds, since what the tests depend on is the same,
/// and is much.
pub fn tests(name: &[&str]) -> Result<usize, Failure> {
    let mut tests = repo::cargo();
    tests.args([
        "test",
        "--package=gosync",
        "--lib",
        "--test=*",
        "--",
        "--skip=workers::",
    ]);
    force(&mut tests, name);
    step::tests_of(&mut tests)
}

/// Runs a short soak as `name` says. It is built apart: this program is a soak as well, and the next
/// steps want it as it is.
pub fn soak(name: &[&str]) -> Result<usize, Failure> {
    let target = repo::target().join("forced").join(name.join("-"));
    let mut soak = repo::cargo();
    soak.args(["run", "--release", "--package=xtask", "--target-dir"]);
    soak.arg(target).args(["--", "soak", "--seconds", "5"]);
    force(&mut soak, name);
    step::run(&mut soak)
}

/// A speed, and a barrier if there is a second word.
fn force(command: &mut Command, name: &[&str]) {
    command.env("GOSYNC_SPEED", name[0]);
    match name.get(1) {
        Some(barrier) => command.env("GOSYNC_BARRIER", barrier),
        None => command.env_remove("GOSYNC_BARRIER"),
    };
}
