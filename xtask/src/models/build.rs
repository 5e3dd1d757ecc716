//! Builds the models, under their cfg.

use super::{Binary, Checker, Crate};
use crate::failure::Failure;
use crate::repo;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Builds the test binary. The compiler's messages go to our stderr.
pub fn build(krate: &Crate) -> Result<Binary, Failure> {
    binary(krate, Stdio::inherit())
}

/// Like [`build`], but the messages become part of the failure.
pub fn build_quietly(krate: &Crate) -> Result<Binary, Failure> {
    binary(krate, Stdio::piped())
}

/// Returns a command that lints the models, and the rest of the crate under their cfg.
pub fn clippy(checker: Checker) -> Result<Command, Failure> {
    let mut clippy = cargo(&Crate::of_the_repo(checker)?, "clippy");
    // This is cargo's name for a check in test mode.
    clippy.args(["--profile", "test", "--", "-D", "warnings"]);
    Ok(clippy)
}

/// Returns a command for cargo, for the library alone, under the checker's cfgs.
fn cargo(krate: &Crate, subcommand: &str) -> Command {
    let mut cargo = repo::cargo_with_flags(&krate.checker.flags());
    cargo
        .arg(subcommand)
        .arg("--manifest-path")
        .arg(krate.dir.join("Cargo.toml"))
        .arg("--lib")
        .env("CARGO_TARGET_DIR", krate.checker.target())
        // Overrides the environment: mutants are many builds of nearly the same code.
        .env("CARGO_INCREMENTAL", "1");
    cargo
}

fn binary(krate: &Crate, messages: Stdio) -> Result<Binary, Failure> {
    let output = cargo(krate, "test")
        .args(["--no-run", "--profile", "models"])
        .arg("--message-format=json-render-diagnostics")
        .stdout(Stdio::piped())
        .stderr(messages)
        .spawn()
        .and_then(|child| child.wait_with_output())
        .map_err(|error| Failure::check(format!("cannot run cargo: {error}")))?;
    if !output.status.success() {
        let messages = String::from_utf8_lossy(&output.stderr);
        return Err(Failure::check(format!(
            "the models do not build\n{messages}"
        )));
    }
    let path = find_executable(&String::from_utf8_lossy(&output.stdout))
        .ok_or_else(|| Failure::check("cargo names no test binary"))?;
    let logs = krate.dir.join("logs");
    Ok(Binary { path, logs })
}

/// Returns the one executable in cargo's messages. A JSON parser would be a dependency for one string.
fn find_executable(messages: &str) -> Option<PathBuf> {
    let (_, rest) = messages.split_once(r#""executable":""#)?;
    let (path, _) = rest.split_once('"')?;
    Some(path.replace(r"\\", r"\").into())
}

#[cfg(test)]
mod tests {
    use super::find_executable;
    use std::path::Path;

    #[test]
    fn the_binary_is_found_among_artifacts_that_are_none() {
        let messages = r#"{"reason":"compiler-artifact","executable":null}
            {"reason":"compiler-artifact","executable":"C:\\target\\gosync"}"#;
        let found = find_executable(messages);
        assert_eq!(found.as_deref(), Some(Path::new(r"C:\target\gosync")));
    }
}
