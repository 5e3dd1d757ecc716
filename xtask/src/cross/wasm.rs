//! A program for WebAssembly without a system, run by Node.js: what works without threads and without a clock,
//! and what says clearly that it does not.

use super::build::{self, Std};
use super::command::output;
use super::report::{Cell, Row};
use super::tests;
use crate::failure::Failure;
use crate::repo;
use crate::tools::{self, Tool, debian};
use std::process::Command;

pub const TRIPLE: &str = "wasm32-unknown-unknown";

const NODE: Tool = debian!("node", ["node", "--version"], "nodejs");

/// The program, and what calls it.
const PROGRAM: &str = include_str!("wasm/program.rs");
const CALLER: &str = include_str!("wasm/caller.mjs");

pub fn test(install: bool) -> Result<Row, Failure> {
    if let Err(missing) = tools::provide(&[&NODE], install) {
        return Ok(Row::skipped(TRIPLE, &missing.to_string()));
    }
    let std = match Std::of(TRIPLE, install) {
        Ok(std) => std,
        Err(missing) => return Ok(Row::skipped(TRIPLE, &missing.to_string())),
    };
    let dir = repo::target().join("cross/wasm");
    repo::write(&dir.join("Cargo.toml"), &manifest())?;
    repo::write(&dir.join("src/lib.rs"), PROGRAM)?;
    repo::write(&dir.join("caller.mjs"), CALLER)?;
    let lock = repo::read(&repo::root().join("Cargo.lock"))?;
    repo::write(&dir.join("Cargo.lock"), &lock)?;
    let mut cargo = build::cargo("build", &dir.join("Cargo.toml"), TRIPLE, &std, &[]);
    output(&mut cargo)?;
    let mut row = Row::new(TRIPLE);
    row.runner = "node";
    row.set(Cell::Builds, "yes, a program");
    let program = repo::target()
        .join("cross")
        .join(TRIPLE)
        .join("debug/program.wasm");
    let results = output(
        Command::new("node")
            .arg(dir.join("caller.mjs"))
            .arg(program),
    );
    let results = results.unwrap_or_else(|failure| failure.to_string());
    print!("{results}");
    let outcome = tests::read(&results);
    match outcome.is_good() {
        true => row.set(Cell::Integration, outcome.to_string()),
        false => row.fail(Cell::Integration, outcome.to_string()),
    }
    Ok(row)
}

fn manifest() -> String {
    let root = repo::root().display().to_string();
    format!(
        "[package]\nname = \"program\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\
         [lib]\ncrate-type = [\"cdylib\"]\n\
         [dependencies]\ngosync = {{ path = {root:?} }}\n\
         [profile.dev]\ndebug = \"line-tables-only\"\n\
         [workspace]\n"
    )
}
