//! Paths and files of the repository, and how cargo is called.

use crate::failure::Failure;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Returns the root of the repository.
pub fn root() -> PathBuf {
    // Looked up at run time: a target directory may outlive the checkout that filled it.
    let xtask = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let root = xtask.as_deref().and_then(Path::parent);
    root.expect("must be run as `cargo xtask`").into()
}

/// Returns the target directory.
pub fn target() -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    root().join(target)
}

/// Returns a command for the cargo that runs this program, at the root.
pub fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root());
    cargo
}

/// Returns the path of this program.
pub fn xtask() -> Result<PathBuf, Failure> {
    env::current_exe().map_err(|error| Failure::check(format!("cannot find xtask: {error}")))
}

/// Separates the flags in `CARGO_ENCODED_RUSTFLAGS`.
pub const FLAG_SEPARATOR: &str = "\x1f";

/// Like [`cargo`], with more flags for the compiler.
///
/// They are appended to the flags in the environment: `RUSTFLAGS` there would silently override the flags in
/// a configuration file.
pub fn cargo_with_flags(flags: &[&str]) -> Command {
    let encoded = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let plain = env::var("RUSTFLAGS").unwrap_or_default();
    let given: Vec<_> = match encoded.is_empty() {
        true => plain.split_whitespace().collect(),
        false => encoded.split(FLAG_SEPARATOR).collect(),
    };
    let flags = [&given, flags].concat().join(FLAG_SEPARATOR);
    let mut cargo = cargo();
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags);
    cargo
}

pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

pub fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| cannot("read", path, &error))
}

/// Writes a file, and creates the directories that lead to it.
pub fn write(path: &Path, text: &str) -> Result<(), Failure> {
    path.parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(path, text))
        .map_err(|error| cannot("write", path, &error))
}

/// Returns the Rust files in `dir` and below, in the order of their names.
pub fn rust_files(dir: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    let entries = fs::read_dir(dir).map_err(|error| cannot("read", dir, &error))?;
    for entry in entries {
        let path = entry.map_err(|error| cannot("read", dir, &error))?.path();
        if path.is_dir() {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn cannot(what: &str, path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::check(format!("cannot {what} {}: {error}", path.display()))
}
