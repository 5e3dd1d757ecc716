//! Runs the test programs of a target, and counts how their tests end.

use super::build::Programs;
use super::command::run_within;
use super::left_out::{self, LeftOut};
use super::log::Log;
use super::runner::Runner;
use crate::failure::Failure;
use crate::repo;
use std::fmt;
use std::path::Path;
use std::time::Duration;

/// The limit for each test program. A test that hangs fails by its own limits long before.
const LIMIT: Duration = Duration::from_secs(600);

/// How the tests of a program ended.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Outcome {
    pub passed: usize,
    pub failed: Vec<String>,
    pub ignored: usize,
    /// What the harness counts as filtered out: the tests that were left out, and those that no filter asked
    /// for.
    pub filtered: usize,
    /// Why the program did not come to its end, if it did not.
    pub broke_off: Option<String>,
}

/// What a lock can do on a target, according to a test.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Barrier {
    pub is_heavy: bool,
    pub becomes_quiet: bool,
}

/// The tests of a target.
pub struct Tests<'a> {
    pub programs: &'a Programs,
    pub runner: Runner,
    pub triple: &'static str,
}

/// Tells whether a lock becomes quiet.
const PROBE: &str = "barrier::tests::a_lock_becomes_quiet_if_the_process_has_heavy_barriers";

impl Tests<'_> {
    pub fn unit(&self) -> Result<Outcome, Failure> {
        self.run("unit", &self.programs.unit, "", &[])
    }

    pub fn integration(&self) -> Result<Outcome, Failure> {
        self.run("integration", &self.programs.integration, "", &[])
    }

    /// Runs the tests of the reader-writer lock at a forced speed.
    pub fn at_speed(&self, speed: &str) -> Result<Outcome, Failure> {
        self.run(speed, &self.programs.integration, speed, &["rwmutex"])
    }

    /// Returns `None` if the test does not tell.
    pub fn barrier(&self) -> Result<Option<Barrier>, Failure> {
        let args = [PROBE, "--exact", "--nocapture"].map(String::from);
        let (_, output) = self.start("barrier", &self.programs.unit, "", &args)?;
        Ok(barrier(&output))
    }

    /// Fails if a test that is to be left out does not exist: it may have another name by now.
    pub fn all_left_out_exist(&self) -> Result<(), Failure> {
        let mut list = String::new();
        for program in [&self.programs.unit, &self.programs.integration] {
            list += &self.start("list", program, "", &["--list".into()])?.1;
        }
        match &without_a_test(left_out::of(self.runner), &list)[..] {
            [] => Ok(()),
            names => Err(Failure::check(format!(
                "no such tests to leave out: {names:?}"
            ))),
        }
    }

    fn run(
        &self,
        name: &str,
        program: &Path,
        speed: &str,
        filters: &[&str],
    ) -> Result<Outcome, Failure> {
        let skips = left_out::of(self.runner)
            .iter()
            .flat_map(|out| ["--skip".to_string(), out.name.to_string()]);
        let threads = format!("--test-threads={}", self.runner.test_threads());
        let args: Vec<_> = filters
            .iter()
            .map(|filter| filter.to_string())
            .chain(skips)
            .chain([threads])
            .collect();
        let (broke_off, output) = self.start(name, program, speed, &args)?;
        let mut outcome = read(&output);
        // A failed test makes an exit code, too, so `broke_off` alone says nothing.
        outcome.broke_off = outcome.broke_off.map(|why| broke_off.unwrap_or(why));
        Ok(outcome)
    }

    /// Runs `program`. Returns why it did not succeed, if it did not, and its output.
    fn start(
        &self,
        name: &str,
        program: &Path,
        speed: &str,
        args: &[String],
    ) -> Result<(Option<String>, String), Failure> {
        let log = Log::create(self.triple, name)?;
        let mut command = self.runner.command(program);
        command
            .args(args)
            // The tests find their files from here.
            .current_dir(repo::root())
            .env("GOSYNC_SPEED", speed)
            .env("GOSYNC_BARRIER", "");
        let why = match run_within(LIMIT, &mut command, log.open()?)? {
            None => Some(format!("killed after {} s", LIMIT.as_secs())),
            Some(status) if !status.success() => Some(status.to_string()),
            Some(_) => None,
        };
        Ok((why, log.text()))
    }
}

/// Returns the entries of `left_out` that match no test in `list`, as a program's `--list` prints it.
pub fn without_a_test<'a>(left_out: &'a [LeftOut], list: &str) -> Vec<&'a str> {
    let names = left_out.iter().map(|out| out.name);
    names.filter(|name| !list.contains(name)).collect()
}

/// Reads how the tests ended from the output of a test program.
pub fn read(output: &str) -> Outcome {
    let mut outcome = Outcome {
        broke_off: Some("no result".into()),
        ..Outcome::default()
    };
    for line in output.lines() {
        if let Some(test) = failed_test(line) {
            // A test prints the output of its child, where it has the same name.
            if !outcome.failed.iter().any(|failed| failed == test) {
                outcome.failed.push(test.into());
            }
        } else if let Some(counts) = line.strip_prefix("test result: ") {
            let count = |what| {
                let (before, _) = counts.split_once(what)?;
                before.split(' ').next_back()?.parse().ok()
            };
            outcome.passed = count(" passed").unwrap_or(0);
            outcome.ignored = count(" ignored").unwrap_or(0);
            outcome.filtered = count(" filtered out").unwrap_or(0);
            outcome.broke_off = None;
        }
    }
    outcome
}

fn failed_test(line: &str) -> Option<&str> {
    line.strip_prefix("test ")?.strip_suffix(" ... FAILED")
}

fn barrier(output: &str) -> Option<Barrier> {
    let (_, rest) = output.split_once("quiet: ")?;
    let line = rest.lines().next()?;
    let (quiet, heavy) = line.split_once(", heavy barriers: ")?;
    Some(Barrier {
        becomes_quiet: quiet.parse().ok()?,
        is_heavy: heavy.trim().parse().ok()?,
    })
}

impl Outcome {
    pub fn is_good(&self) -> bool {
        self.failed.is_empty() && self.broke_off.is_none() && self.passed > 0
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            passed,
            failed,
            ignored,
            broke_off,
            ..
        } = self;
        let failed = failed.len();
        match broke_off {
            None => write!(f, "{passed} passed, {failed} failed, {ignored} ignored"),
            Some(why) => write!(f, "{why}, {failed} failed before"),
        }
    }
}

#[cfg(test)]
mod unit_tests {
    use super::{Barrier, Outcome, barrier, read};

    #[test]
    fn the_outcome_is_read_from_what_the_harness_prints() {
        let output = "running 3 tests\ntest a::b ... ok\ntest a::c ... FAILED\n\
            test a::c ... FAILED\ntest result: FAILED. 0 passed; 1 failed; 0 ignored\n\
            test result: FAILED. 41 passed; 1 failed; 2 ignored; 0 measured; 3 filtered out; finished in 1s\n";
        let expected = Outcome {
            passed: 41,
            failed: vec!["a::c".into()],
            ignored: 2,
            filtered: 3,
            broke_off: None,
        };
        assert_eq!(read(output), expected);
        assert!(!expected.is_good());
        assert_eq!(expected.to_string(), "41 passed, 1 failed, 2 ignored");
    }

    #[test]
    fn a_program_without_a_result_has_broken_off() {
        let outcome = read("running 3 tests\ntest a::b ... ok\n");
        assert!(!outcome.is_good() && outcome.broke_off.is_some());
        // Nothing was tested.
        assert!(!read("test result: ok. 0 passed; 0 failed; 0 ignored").is_good());
    }

    #[test]
    fn the_barrier_is_read_from_what_the_test_prints() {
        let output = "running 1 test\nquiet: false, heavy barriers: true\ntest x ... ok\n";
        let expected = Barrier {
            becomes_quiet: false,
            is_heavy: true,
        };
        assert_eq!(barrier(output), Some(expected));
        assert_eq!(barrier("running 1 test\n"), None);
    }
}
