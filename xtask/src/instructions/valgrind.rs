//! Counts instructions with valgrind, and gets it where that is easy.

use crate::failure::Failure;
use std::env;
use std::process::{Command, Stdio};

/// Runs a loop of this program. Returns how many instructions that took, from the first to the last.
pub fn count(name: &str, rounds: u64) -> Result<u64, Failure> {
    let this = env::current_exe().map_err(cannot)?;
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    valgrind.arg(this).args(["instructions", "--loop", name]);
    valgrind.args(["--rounds", &rounds.to_string()]);
    let output = valgrind.output().map_err(cannot)?;
    let report = String::from_utf8_lossy(&output.stderr);
    match collected(&report) {
        Some(count) if output.status.success() => Ok(count),
        _ => Err(Failure::check(format!("valgrind failed: {report}"))),
    }
}

/// The number in callgrind's `==1234== Collected : 5678`.
fn collected(report: &str) -> Option<u64> {
    let number = |line: &str| line.split_once("Collected :")?.1.trim().parse().ok();
    report.lines().find_map(number)
}

/// Makes sure that there is a valgrind: installs it, if that needs no more than a command.
pub fn provide() -> Result<(), Failure> {
    if succeeds("valgrind", &["--version"]) {
        return Ok(());
    }
    if is_root() && succeeds("apt-get", &["--version"]) {
        println!("installing valgrind");
        let is_installed = install() || (succeeds("apt-get", &["update"]) && install());
        if is_installed && succeeds("valgrind", &["--version"]) {
            return Ok(());
        }
    }
    Err(Failure::check(
        "there is no valgrind; install it, by `apt-get install valgrind` or whatever your system has",
    ))
}

fn install() -> bool {
    succeeds(
        "apt-get",
        &["install", "--yes", "--no-install-recommends", "valgrind"],
    )
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn succeeds(program: &str, args: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(args).env("DEBIAN_FRONTEND", "noninteractive");
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

fn cannot(error: std::io::Error) -> Failure {
    Failure::check(format!("cannot run valgrind: {error}"))
}

#[cfg(test)]
mod tests {
    use super::collected;

    #[test]
    fn the_count_is_read_from_the_report() {
        let report = "==7== Events    : Ir\n==7== Collected : 2345678\n==7==\n";
        assert_eq!(collected(report), Some(2_345_678));
        assert_eq!(collected("==7== Command: true"), None);
    }
}
