//! The kinds of steps.

use crate::failure::Failure;
use crate::models::{Checker, Crate, build_quietly, check, clippy};
use crate::repo;
use std::env;
use std::io::{BufRead, BufReader, IsTerminal};
use std::process::{Command, Stdio};

/// The name of a step, the function that runs it, and its arguments. The function returns how many tests
/// passed.
pub struct Step(
    pub &'static str,
    pub fn(&[&str]) -> Result<usize, Failure>,
    pub &'static [&'static str],
);

/// Runs cargo.
pub fn cargo(args: &[&str]) -> Result<usize, Failure> {
    run(repo::cargo().args(args))
}

/// Runs `cargo test`. Fails if no test ran: a filter or a cfg is wrong, or the file is missing.
pub fn tests(args: &[&str]) -> Result<usize, Failure> {
    tests_of(repo::cargo().arg("test").args(args))
}

/// Like `tests`, for a command that is complete.
pub fn tests_of(command: &mut Command) -> Result<usize, Failure> {
    // At any time, half of the tests wait.
    let threads = (2 * repo::cores()).min(MOST_TESTS);
    unless_set(command, "RUST_TEST_THREADS", threads);
    match run(command)? {
        0 => Err(Failure::check("there are no tests")),
        passed => Ok(passed),
    }
}

/// The most tests that run at a time. More would disturb tests that count what the whole process has.
const MOST_TESTS: usize = 16;

/// Sets a variable for `command` unless the user has set it.
fn unless_set(command: &mut Command, variable: &str, value: usize) {
    if env::var_os(variable).is_none() {
        command.env(variable, value.to_string());
    }
}

/// Builds the models in advance. A failure shows when they should run.
pub fn build_models_ahead() {
    for checker in [Checker::Loom, Checker::Shuttle] {
        let _ = Crate::of_the_repo(checker).and_then(|krate| build_quietly(&krate));
    }
}

pub fn models(_: &[&str]) -> Result<usize, Failure> {
    check(Checker::Loom, "", repo::cores())
}

/// Runs fewer schedules than by default.
pub fn shuttle(_: &[&str]) -> Result<usize, Failure> {
    let mut shuttle = Command::new(repo::xtask()?);
    unless_set(&mut shuttle, "GOSYNC_SCHEDULES", 3_000);
    run(shuttle.arg("shuttle"))
}

pub fn clippy_of_models(_: &[&str]) -> Result<usize, Failure> {
    run(&mut clippy(Checker::Loom)?)?;
    run(&mut clippy(Checker::Shuttle)?)
}

/// Builds the documentation. Warnings are errors.
pub fn docs(args: &[&str]) -> Result<usize, Failure> {
    let flags = env::var("RUSTDOCFLAGS").unwrap_or_default();
    let mut doc = repo::cargo();
    doc.env("RUSTDOCFLAGS", format!("{flags} -D warnings"));
    run(doc.args(["doc", "--workspace", "--no-deps"]).args(args))
}

/// Builds the documentation with its badges, like docs.rs, whose compiler is a nightly one. No badge may name a
/// cfg of the models, which are nothing to users.
pub fn docs_rs(_: &[&str]) -> Result<usize, Failure> {
    let target = repo::target().join("docs.rs");
    let mut doc = repo::cargo();
    doc.args(["doc", "--package=gosync", "--no-deps", "--all-features"])
        .env("CARGO_TARGET_DIR", &target)
        .env("RUSTDOCFLAGS", "--cfg docsrs -D warnings")
        // Allows `feature` on a stable compiler.
        .env("RUSTC_BOOTSTRAP", "1");
    run(&mut doc)?;
    let page = |path: &str| repo::read(&target.join("doc/gosync").join(path));
    if page("index.html")?.contains("gosync_model") {
        return Err(Failure::check("a badge names `gosync_model`"));
    }
    match page("struct.RWMutex.html")?.contains("arc_lock</code></strong> only") {
        true => Ok(0),
        false => Err(Failure::check("there is no badge for `arc_lock`")),
    }
}

/// Runs an example.
pub fn example(args: &[&str]) -> Result<usize, Failure> {
    cargo(&[&["run", "--example"], args].concat())
}

/// Runs another command of this program in a separate process, since the soak ends its process when it finds
/// something.
pub fn xtask(args: &[&str]) -> Result<usize, Failure> {
    run(Command::new(repo::xtask()?).args(args))
}

/// Runs `command`, prints its output, and returns the number of passed tests in it.
pub fn run(command: &mut Command) -> Result<usize, Failure> {
    // A log should contain no escape codes. The child would look at the pipe instead of the terminal.
    if env::var_os("CARGO_TERM_COLOR").is_none() {
        let is_terminal = std::io::stderr().is_terminal();
        command.env(
            "CARGO_TERM_COLOR",
            if is_terminal { "always" } else { "never" },
        );
    }
    let cannot = |error| Failure::check(format!("cannot run it: {error}"));
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(cannot)?;
    let output = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut passed = 0;
    for line in output.lines() {
        let line = line.map_err(cannot)?;
        println!("{line}");
        passed += tests_passed(&line);
    }
    let status = child.wait().map_err(cannot)?;
    match status.success() {
        true => Ok(passed),
        false => Err(Failure::check(status.to_string())),
    }
}

/// Returns the `N` of libtest's `test result: ok. N passed; …`, where the `ok` may be coloured, or of
/// `N models passed`.
pub fn tests_passed(line: &str) -> usize {
    let tests = || line.strip_prefix("test result: ")?.split(" passed;").next();
    let models = || Some(line.split_once(" models passed")?.0);
    let count = tests().or_else(models);
    let number = count.and_then(|count| count.split(' ').next_back());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::tests_passed;

    #[test]
    fn the_tests_that_passed_are_counted() {
        assert_eq!(
            tests_passed("test result: ok. 23 passed; 0 failed; 1 ignored"),
            23
        );
        assert_eq!(
            tests_passed("test result: \x1b[32mok\x1b[m. 4 passed; 0 failed"),
            4
        );
        assert_eq!(tests_passed("17 models passed, 4.20 s"), 17);
        assert_eq!(tests_passed("test models::rwmutex ... ok"), 0);
    }
}
