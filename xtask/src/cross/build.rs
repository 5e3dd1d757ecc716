//! Builds for other targets, with the compiler's std for the target, or else with one that is built from its
//! source.

use super::command::output;
use super::log::Log;
use super::targets::Target;
use crate::failure::Failure;
use crate::{forced, repo, std_source};
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How std comes to a target.
pub enum Std {
    /// It came with the compiler.
    Ready,
    /// It is built from the source in this directory.
    Source(PathBuf),
}

impl Std {
    pub fn of(triple: &str, install: bool) -> Result<Self, Failure> {
        match is_ready(triple)? {
            true => Ok(Self::Ready),
            false => std_source::find(install).map(Self::Source),
        }
    }
}

fn is_ready(triple: &str) -> Result<bool, Failure> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut rustc = Command::new(rustc);
    rustc.current_dir(repo::root());
    rustc.args(["--print", "target-libdir", "--target", triple]);
    let dir = output(offline(&mut rustc))?;
    Ok(Path::new(dir.trim()).is_dir())
}

/// Keeps rustup from fetching anything.
fn offline(command: &mut Command) -> &mut Command {
    command
        .env("RUSTUP_AUTO_INSTALL", "0")
        .env("RUSTUP_DIST_SERVER", "http://127.0.0.1:9")
        .env("RUSTUP_UPDATE_ROOT", "http://127.0.0.1:9")
}

/// Returns a command for cargo, for the package at `manifest` and another target.
pub fn cargo(
    subcommand: &str,
    manifest: &Path,
    triple: &str,
    std: &Std,
    flags: &[String],
) -> Command {
    let mut cargo = repo::cargo();
    offline(&mut cargo);
    cargo
        // Overrides all other flags, which are not meant for this target. Build scripts and macros do not get
        // them, thanks to `--target`.
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join(repo::FLAG_SEPARATOR))
        .env("CARGO_TARGET_DIR", repo::target().join("cross"))
        // Emulated programs run too slowly without any optimization.
        .env("CARGO_PROFILE_DEV_OPT_LEVEL", "1")
        .args([subcommand, "--target", triple, "--manifest-path"])
        .arg(manifest);
    if let Std::Source(library) = std {
        // Allows options that begin with `-Z` on a stable compiler.
        cargo.env("RUSTC_BOOTSTRAP", "1");
        // Where cargo looks for the source of std, instead of in the compiler's own directory.
        cargo.env("__CARGO_TESTS_ONLY_SRC_ROOT", library);
        cargo.arg(match triple.starts_with("wasm32") {
            // Panics do not unwind there.
            true => "-Zbuild-std=std,panic_abort",
            false => "-Zbuild-std",
        });
    }
    cargo
}

/// The test programs.
#[derive(PartialEq, Eq, Debug)]
pub struct Programs {
    pub unit: PathBuf,
    pub integration: PathBuf,
}

/// Builds the tests of the package at `manifest`. The compiler's messages go to `log`.
pub fn tests(manifest: &Path, target: &Target, std: &Std, log: &Log) -> Result<Programs, Failure> {
    // One build serves the runs at every speed.
    let mut flags = (target.flags)()?;
    flags.extend(forced::FLAGS.map(String::from));
    let mut cargo = cargo("test", manifest, target.triple, std, &flags);
    let linker = format!(
        "CARGO_TARGET_{}_LINKER",
        target.triple.to_uppercase().replace('-', "_")
    );
    let output = cargo
        .env(linker, target.linker)
        .args(["--no-run", "--lib", "--test=it"])
        .arg("--message-format=json-render-diagnostics")
        .stdin(Stdio::null())
        .stderr(log.open()?)
        .output()
        .map_err(|error| Failure::check(format!("cannot run cargo: {error}")))?;
    if !output.status.success() {
        return Err(failure(log));
    }
    find_programs(&String::from_utf8_lossy(&output.stdout))
        .ok_or_else(|| Failure::check("cargo names no test programs"))
}

/// Returns what to say about a build that failed.
pub fn failure(log: &Log) -> Failure {
    let text = log.text();
    let errors = text.lines().filter(|line| line.starts_with("error"));
    let errors: Vec<_> = errors.take(2).collect();
    Failure::check(format!("does not build, see {log}: {}", errors.join("; ")))
}

/// Finds the programs in cargo's messages, which are one to a line. A JSON parser would be a dependency for
/// two strings.
fn find_programs(messages: &str) -> Option<Programs> {
    let find = |kind: &str| {
        let kind = format!(r#""kind":["{kind}"]"#);
        let lines = messages.lines().filter(|line| line.contains(&kind));
        lines.filter_map(executable).next_back()
    };
    Some(Programs {
        unit: find("lib")?,
        integration: find("test")?,
    })
}

fn executable(message: &str) -> Option<PathBuf> {
    let (_, rest) = message.split_once(r#""executable":""#)?;
    let (path, _) = rest.split_once('"')?;
    Some(path.replace(r"\\", r"\").into())
}

/// Returns how many warnings there are about gosync itself, according to what cargo has printed.
pub fn warnings(log: &str) -> usize {
    let count = |line: &str| {
        let (_, rest) = line.split_once("warning: `gosync` (")?;
        let (_, rest) = rest.split_once(") generated ")?;
        rest.split(' ').next()?.parse::<usize>().ok()
    };
    log.lines().filter_map(count).sum()
}

#[cfg(test)]
mod unit_tests {
    use super::{Programs, find_programs, warnings};

    #[test]
    fn the_programs_are_found_among_artifacts_that_are_none() {
        let messages = r#"{"target":{"kind":["lib"],"name":"libc"},"executable":null}
            {"target":{"kind":["test"],"name":"it"},"executable":"/t/it-1"}
            {"target":{"kind":["lib"],"name":"gosync"},"executable":"/t/gosync-2"}"#;
        let expected = Programs {
            unit: "/t/gosync-2".into(),
            integration: "/t/it-1".into(),
        };
        assert_eq!(find_programs(messages), Some(expected));
        assert_eq!(find_programs(""), None);
    }

    #[test]
    fn only_warnings_about_gosync_count() {
        let log = "warning: unused\nwarning: `libc` (lib) generated 7 warnings\n\
            warning: `gosync` (lib) generated 1 warning\n\
            warning: `gosync` (test \"it\") generated 2 warnings (1 duplicate)\n";
        assert_eq!(warnings(log), 3);
    }
}
