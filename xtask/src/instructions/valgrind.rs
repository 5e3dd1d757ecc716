//! Counts instructions with valgrind.

use crate::failure::Failure;
use crate::repo;
use std::process::Command;

/// Runs a loop of this program. Returns how many instructions the whole run took.
pub fn count(name: &str, rounds: u64) -> Result<u64, Failure> {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    valgrind
        .arg(repo::xtask()?)
        .args(["instructions", "--loop", name]);
    valgrind.args(["--rounds", &rounds.to_string()]);
    let output = valgrind.output().map_err(cannot)?;
    let report = String::from_utf8_lossy(&output.stderr);
    match collected(&report) {
        Some(count) if output.status.success() => Ok(count),
        _ => Err(Failure::check(format!("valgrind failed: {report}"))),
    }
}

/// Returns the number in callgrind's `==1234== Collected : 5678`.
fn collected(report: &str) -> Option<u64> {
    let number = |line: &str| line.split_once("Collected :")?.1.trim().parse().ok();
    report.lines().find_map(number)
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
