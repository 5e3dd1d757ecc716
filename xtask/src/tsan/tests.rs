//! Builds and runs the tests.

use crate::failure::Failure;
use crate::{forced, repo, std_source};
use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

/// The settings that are forced upon the locks; see `src/forced.rs`.
pub struct Build {
    speed: &'static str,
    barrier: &'static str,
}

pub const UNFORCED: Build = Build {
    speed: "",
    barrier: "",
};
pub const SLOTS: Build = Build {
    speed: "slots",
    barrier: "fence",
};
pub const QUIET: Build = Build {
    speed: "quiet",
    barrier: "fence",
};

/// The result of a run.
#[derive(Default, PartialEq, Eq, Debug)]
pub struct Report {
    pub passed: usize,
    pub races: usize,
    pub succeeded: bool,
}

/// Runs the tests of the package in `tree` whose names contain one of `filters`.
pub fn run(tree: &Path, std: &Path, build: &Build, filters: &[&str]) -> Result<Report, Failure> {
    let mut child = cargo_test(tree, std, build)?
        .args(filters)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(cannot)?;
    let stderr = child.stderr.take().expect("a pipe");
    // Both pipes are read at once, since a pipe that is not read would block the tests.
    let errors = thread::spawn(move || forward_lines(stderr, |line| eprintln!("{line}")));
    let output = forward_lines(child.stdout.take().expect("a pipe"), |line| {
        println!("{line}")
    });
    let errors = errors.join().expect("no panic");
    let succeeded = child.wait().map_err(cannot)?.success();
    Ok(Report {
        passed: output.passed + errors.passed,
        races: output.races + errors.races,
        succeeded,
    })
}

/// The suppressed race; see `super`.
const KNOWN: &str = "race:crossbeam_deque::deque::Buffer\n";

/// Tests that do not work under ThreadSanitizer. The first waits for an overlap and takes long if there is
/// none, see `super`. The others leave no memory and no files for the detector.
const LEFT_OUT: [&str; 6] = [
    "--skip",
    "without_barriers_both_sides_miss",
    "--skip",
    "a_lock_that_is_read_often_goes_on_while_there_are_too_few",
    "--skip",
    "goroutines_wait_while_there_are_too_few_and_no_files",
];

fn cargo_test(tree: &Path, std: &Path, build: &Build) -> Result<Command, Failure> {
    let suppressions = repo::target().join("tsan/suppressions");
    repo::write(&suppressions, KNOWN)?;
    let flags = [&["-Zsanitizer=thread"][..], &forced::FLAGS].concat();
    let mut cargo = repo::cargo();
    cargo
        .current_dir(tree)
        // Allows options that begin with `-Z` on a stable compiler.
        .env("RUSTC_BOOTSTRAP", "1")
        // Overrides all other flags. Build scripts and macros do not get them, thanks to `--target`.
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join(repo::FLAG_SEPARATOR))
        // Where cargo looks for the source of std, instead of in the compiler's own directory.
        .env("__CARGO_TESTS_ONLY_SRC_ROOT", std)
        .env("CARGO_TARGET_DIR", repo::target().join("tsan/build"))
        .env("GOSYNC_SPEED", build.speed)
        .env("GOSYNC_BARRIER", build.barrier)
        // Replaces the user's options, which could silence it. Some tests start threads in a child of `fork`.
        .env(
            "TSAN_OPTIONS",
            format!("die_after_fork=0 suppressions={}", suppressions.display()),
        )
        .args([
            "test",
            "-Zbuild-std",
            "--package=gosync",
            "--package=gosync-dev",
            "--lib",
            "--test=*",
        ])
        .arg(format!("--target={}", std_source::compiler()?.host))
        .arg("--")
        .args(LEFT_OUT);
    Ok(cargo)
}

/// Prints the lines of `stream`, and counts passed tests and races in them.
fn forward_lines(stream: impl Read, print: fn(&str)) -> Report {
    let mut report = Report::default();
    for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        print(&line);
        report.read(&line);
    }
    report
}

impl Report {
    fn read(&mut self, line: &str) {
        self.races += usize::from(line.contains("WARNING: ThreadSanitizer: "));
        self.passed += crate::ci::tests_passed(line);
    }
}

impl fmt::Display for Build {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.speed {
            "" => f.write_str("as it is"),
            speed => write!(f, "speed {speed}, barrier {}", self.barrier),
        }
    }
}

fn cannot(error: std::io::Error) -> Failure {
    Failure::check(format!("cannot run cargo: {error}"))
}

#[cfg(test)]
mod unit_tests {
    use super::{Report, forward_lines};

    #[test]
    fn passed_tests_and_races_are_counted() {
        let output = "test result: ok. 2 passed; 0 failed\n\
            WARNING: ThreadSanitizer: data race (pid=7)\n  Write of size 8\n\
            SUMMARY: ThreadSanitizer: data race lib.rs:1\n\
            WARNING: ThreadSanitizer: data race (pid=7)\n\
            test result: ok. 3 passed; 0 failed\n";
        let expected = Report {
            passed: 5,
            races: 2,
            succeeded: false,
        };
        assert_eq!(forward_lines(output.as_bytes(), |_| ()), expected);
    }
}
