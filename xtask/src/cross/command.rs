//! Runs programs: for their output, or for a limited time.

use crate::failure::Failure;
use std::fs::File;
use std::io::Write;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use std::{io, thread};

/// Runs `command`. Returns its standard output. If it fails, its output is the failure.
pub fn output(command: &mut Command) -> Result<String, Failure> {
    let program = command.get_program().display().to_string();
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| cannot_run(&program, error))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(Failure::check(format!(
            "{program}: {}\n{}{}",
            output.status,
            text(&output.stdout),
            text(&output.stderr)
        ))),
    }
}

/// Runs `command`, and writes all its output to `log`. Returns `None` if it had to be killed, with all
/// processes that it has started, since it took longer than `limit`.
pub fn run_within(
    limit: Duration,
    command: &mut Command,
    mut log: File,
) -> Result<Option<ExitStatus>, Failure> {
    let program = command.get_program().display().to_string();
    let cannot = |error| cannot_run(&program, error);
    command.stdin(Stdio::null());
    command.stdout(log.try_clone().map_err(cannot)?);
    command.stderr(log.try_clone().map_err(cannot)?);
    begin_group(command);
    let mut child = command.spawn().map_err(cannot)?;
    let start = Instant::now();
    while start.elapsed() < limit {
        if let Some(status) = child.try_wait().map_err(cannot)? {
            return Ok(Some(status));
        }
        thread::sleep(Duration::from_millis(20));
    }
    kill_group(child.id());
    let _ = child.kill();
    child.wait().map_err(cannot)?;
    let _ = writeln!(log, "killed: not over after {} s", limit.as_secs());
    Ok(None)
}

#[cfg(unix)]
fn begin_group(command: &mut Command) {
    use std::os::unix::process::CommandExt;

    command.process_group(0);
}

#[cfg(not(unix))]
fn begin_group(_: &mut Command) {}

fn kill_group(leader: u32) {
    let mut kill = Command::new("kill");
    kill.args(["-KILL", "--", &format!("-{leader}")]);
    let _ = kill.stdout(Stdio::null()).stderr(Stdio::null()).status();
}

fn cannot_run(program: &str, error: io::Error) -> Failure {
    Failure::check(format!("cannot run {program}: {error}"))
}

#[cfg(all(test, unix))]
mod unit_tests {
    use super::{output, run_within};
    use std::env;
    use std::fs::{self, File};
    use std::process::{self, Command};
    use std::time::{Duration, Instant};

    #[test]
    fn a_failure_shows_what_was_printed() {
        let shell = |line| output(Command::new("sh").args(["-c", line]));
        assert_eq!(shell("echo out").unwrap(), "out\n");
        let text = shell("echo out; echo err >&2; exit 3")
            .unwrap_err()
            .to_string();
        assert!(text.contains("3\nout\nerr\n"), "{text}");
    }

    #[test]
    fn what_takes_too_long_is_killed_with_its_children() {
        let path = env::temp_dir().join(format!("gosync-xtask-{}", process::id()));
        let log = || File::create(&path).unwrap();
        let start = Instant::now();
        let mut sleeps = Command::new("sh");
        sleeps.args(["-c", "echo begun; sleep 60 & wait"]);
        let status = run_within(Duration::from_millis(300), &mut sleeps, log());
        assert_eq!(status.unwrap(), None);
        assert!(start.elapsed() < Duration::from_secs(30));
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            "begun\nkilled: not over after 0 s\n"
        );
        let status = run_within(Duration::from_secs(60), &mut Command::new("true"), log());
        assert!(status.unwrap().unwrap().success());
        fs::remove_file(path).unwrap();
    }
}
