//! `cargo xtask ports`: runs the examples that exist in Go and in Rust, and compares what they print.
//!
//! The programs of a case get the same arguments. Their standard outputs must be the same, to the byte, and
//! both must end with the exit code of the case: two programs that fail may well print the same nothing. What
//! they write to standard error may differ. All outputs stay in the target directory.

use crate::args::Args;
use crate::failure::Failure;
use crate::go::{output, toolchain};
use crate::repo;
use std::collections::BTreeSet;
use std::env::consts::EXE_SUFFIX;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

struct Case {
    name: &'static str,
    args: &'static [&'static str],
    /// The exit code of both programs.
    code: i32,
}

#[rustfmt::skip]
const CASES: &[Case] = &[
    Case { name: "worker_pool", args: &[], code: 0 },
    Case { name: "worker_pool", args: &["docs", "1"], code: 0 },
    Case { name: "fan_out", args: &[], code: 0 },
    Case { name: "fan_out", args: &["README.md", "CHANGELOG.md"], code: 0 },
    Case { name: "fan_out", args: &["README.md", "no-such-file"], code: 1 },
    Case { name: "cache", args: &[], code: 0 },
    Case { name: "cache", args: &["CHANGELOG.md"], code: 0 },
    Case { name: "sieve", args: &[], code: 0 },
    Case { name: "sieve", args: &["1000"], code: 0 },
    Case { name: "shutdown", args: &[], code: 0 },
    Case { name: "shutdown", args: &["10", "2", "500"], code: 1 },
    Case { name: "crawler", args: &[], code: 0 },
    Case { name: "crawler", args: &["xtask", "1"], code: 0 },
    Case { name: "crawler", args: &["no-such-directory"], code: 1 },
    Case { name: "pubsub", args: &[], code: 0 },
    Case { name: "pubsub", args: &["CHANGELOG.md"], code: 0 },
    Case { name: "rate_limiter", args: &[], code: 0 },
    Case { name: "rate_limiter", args: &["3", "1000", "10"], code: 0 },
    Case { name: "philosophers", args: &[], code: 0 },
    Case { name: "philosophers", args: &["2", "100"], code: 0 },
    Case { name: "philosophers", args: &["1"], code: 2 },
];

/// How long a program may run.
const LIMIT: Duration = Duration::from_secs(60);

pub fn run(mut args: Args) -> Result<(), Failure> {
    let install = args.flag("--install");
    let filter = args.word().unwrap_or_default();
    args.finish()?;
    let cases = CASES.iter().filter(|case| case.name.contains(&*filter));
    let cases: Vec<_> = cases.collect();
    if cases.is_empty() {
        return Err(Failure::usage(format!("no example is called `{filter}`")));
    }
    let go = toolchain::find(install)?;
    let dir = repo::target().join("ports");
    fs::create_dir_all(&dir).map_err(|error| cannot("create", &dir, &error))?;
    build(&go, &dir, cases.iter().map(|case| case.name).collect())?;
    let mut different = 0;
    for case in &cases {
        let difference = case.compare(&dir)?;
        println!("{case}: {}", difference.as_deref().unwrap_or("the same"));
        different += usize::from(difference.is_some());
    }
    match different {
        0 => Ok(()),
        _ => Err(Failure::check(format!(
            "{different} of {} cases differ; the outputs are in {}",
            cases.len(),
            dir.display()
        ))),
    }
}

/// Returns the names of the examples.
#[cfg(test)]
pub fn names() -> BTreeSet<&'static str> {
    CASES.iter().map(|case| case.name).collect()
}

/// Builds the examples `names` in both languages, those in Go in `dir`.
fn build(go: &Path, dir: &Path, names: BTreeSet<&str>) -> Result<(), Failure> {
    let mut cargo = repo::cargo();
    cargo.args(["build", "--release"]);
    cargo.args(names.iter().map(|name| format!("--example={name}")));
    output(&mut cargo)?;
    for name in names {
        let mut build = toolchain::build(go, &go_program(dir, name));
        // One file, which needs no module.
        let file = format!("examples/{name}/main.go");
        output(build.arg(file).current_dir(repo::root()))?;
    }
    Ok(())
}

fn go_program(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("{name}{EXE_SUFFIX}"))
}

fn rust_program(name: &str) -> PathBuf {
    let dir = repo::target().join("release").join("examples");
    dir.join(format!("{name}{EXE_SUFFIX}"))
}

impl Case {
    /// Runs both programs. Returns how they differ from each other, or from what was expected.
    fn compare(&self, dir: &Path) -> Result<Option<String>, Failure> {
        let file = |end| dir.join(self.to_string().replace(['/', ' '], "-") + end);
        let go = self.run(&go_program(dir, self.name), &file(".go.out"))?;
        let rust = self.run(&rust_program(self.name), &file(".rust.out"))?;
        Ok(difference(self.code, &go, &rust))
    }

    /// Runs a program at the root of the repository, with its output in a file.
    fn run(&self, program: &Path, out: &Path) -> Result<Ended, Failure> {
        let run = || {
            // Into files, not pipes, which would have to be read while it runs.
            let child = Command::new(program)
                .args(self.args)
                .current_dir(repo::root())
                .stdin(Stdio::null())
                .stdout(File::create(out)?)
                .stderr(File::create(out.with_extension("err"))?)
                .spawn()?;
            let status = wait(child)?;
            Ok(Ended {
                code: status.and_then(|status| status.code()),
                output: fs::read(out)?,
            })
        };
        run().map_err(|error| cannot("run", program, &error))
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&[&[self.name], self.args].concat().join(" "))
    }
}

/// What a program has left behind.
struct Ended {
    /// `None` if it was killed.
    code: Option<i32>,
    output: Vec<u8>,
}

/// Waits for the end of `child`. Kills it at the limit, and returns `None`.
fn wait(mut child: Child) -> io::Result<Option<ExitStatus>> {
    let deadline = Instant::now() + LIMIT;
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        thread::sleep(Duration::from_millis(2));
    }
    child.kill()?;
    child.wait()?;
    Ok(None)
}

fn difference(code: i32, go: &Ended, rust: &Ended) -> Option<String> {
    for (language, ended) in [("Go", go), ("Rust", rust)] {
        match ended.code {
            None => return Some(format!("{language} was killed, or ran for {LIMIT:?}")),
            Some(other) if other != code => {
                return Some(format!("{language} ended with {other} instead of {code}"));
            }
            Some(_) => {}
        }
    }
    let mut go = go.output.split_inclusive(|&byte| byte == b'\n');
    let mut rust = rust.output.split_inclusive(|&byte| byte == b'\n');
    for number in 1.. {
        match (go.next(), rust.next()) {
            (None, None) => break,
            (go, rust) if go == rust => {}
            (go, rust) => {
                let (go, rust) = (show(go), show(rust));
                return Some(format!("line {number} is\n  {go} in Go\n  {rust} in Rust"));
            }
        }
    }
    None
}

fn show(line: Option<&[u8]>) -> String {
    let line = line.map(|line| format!("{:?}", String::from_utf8_lossy(line)));
    line.unwrap_or("missing".into())
}

fn cannot(what: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::check(format!("cannot {what} {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::{Ended, difference, names};
    use crate::repo;

    fn ended(code: i32, output: &str) -> Ended {
        Ended {
            code: Some(code),
            output: output.into(),
        }
    }

    #[test]
    fn the_first_line_that_differs_is_shown() {
        let go = ended(0, "a\nb\nc\n");
        assert_eq!(difference(0, &go, &ended(0, "a\nb\nc\n")), None);
        let text = difference(0, &go, &ended(0, "a\nx\ny\n")).unwrap();
        assert_eq!(text, "line 2 is\n  \"b\\n\" in Go\n  \"x\\n\" in Rust");
        let text = difference(0, &go, &ended(0, "a\nb\n")).unwrap();
        assert_eq!(text, "line 3 is\n  \"c\\n\" in Go\n  missing in Rust");
        assert!(difference(0, &go, &ended(0, "a\nb\nc")).is_some());
    }

    #[test]
    fn programs_that_fail_alike_are_not_the_same() {
        let text = difference(0, &ended(2, ""), &ended(2, "")).unwrap();
        assert_eq!(text, "Go ended with 2 instead of 0");
        assert_eq!(difference(1, &ended(1, ""), &ended(1, "")), None);
        let killed = Ended {
            code: None,
            output: Vec::new(),
        };
        assert!(difference(0, &ended(0, ""), &killed).is_some());
    }

    #[test]
    fn every_port_is_compared() {
        let examples = repo::root().join("examples");
        let mut ports = 0;
        for entry in examples.read_dir().unwrap() {
            let path = entry.unwrap().path();
            if path.join("main.go").exists() {
                let name = path.file_name().unwrap().to_str().unwrap();
                assert!(names().contains(name), "{name}");
                ports += 1;
            }
        }
        assert_eq!(ports, names().len());
    }
}
