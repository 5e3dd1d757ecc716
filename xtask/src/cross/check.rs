//! Targets whose programs cannot run here: their code is type-checked only.
//!
//! That shows that all of it compiles, with the declarations of that system. It does not show that it links,
//! nor that it works.

use super::build::{self, Std};
use super::command::run_within;
use super::log::Log;
use crate::failure::Failure;
use std::path::Path;
use std::time::Duration;

/// A target that is only checked.
pub struct Checked {
    pub triple: &'static str,
    /// What to check: the library, and the tests where there are threads.
    pub parts: &'static [&'static str],
}

const ALL: &[&str] = &["--lib", "--test=it"];

pub const CHECKED: &[Checked] = &[
    Checked {
        triple: "aarch64-apple-darwin",
        parts: ALL,
    },
    Checked {
        triple: "x86_64-apple-darwin",
        parts: ALL,
    },
    Checked {
        triple: "x86_64-unknown-freebsd",
        parts: ALL,
    },
    Checked {
        triple: "aarch64-linux-android",
        parts: ALL,
    },
    Checked {
        triple: "wasm32-wasip1",
        parts: &["--lib"],
    },
    Checked {
        triple: "wasm32-unknown-unknown",
        parts: &["--lib"],
    },
];

/// Building std takes most of it.
const LIMIT: Duration = Duration::from_secs(1200);

/// Checks a target. Returns what was found, for people to read.
pub fn check(manifest: &Path, target: &Checked, std: &Std) -> Result<String, Failure> {
    let log = Log::create(target.triple, "check")?;
    let mut cargo = build::cargo("check", manifest, target.triple, std, &[]);
    if target.parts == ALL {
        // With the unit tests, which the library alone does not contain.
        cargo.args(["--profile", "test"]);
    }
    let status = run_within(LIMIT, cargo.args(target.parts), log.open()?)?;
    if !status.is_some_and(|status| status.success()) {
        return Err(build::failure(&log));
    }
    match build::warnings(&log.text()) {
        0 if target.parts == ALL => Ok("library and tests compile".into()),
        0 => Ok("the library compiles".into()),
        n => Err(Failure::check(format!("{n} warnings, see {log}"))),
    }
}
