//! Separate processes, for tests that others would disturb: those that count threads and goroutines, set
//! environment variables or limits, or end the process.

use crate::support::{LIMIT, time_is_up};
use std::any::type_name;
use std::env;
use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// The environment variable that names the scenario for a child to run.
const SCENARIO: &str = "GOSYNC_TEST_SCENARIO";

/// The environment variable with the words before the path of a program, where the system cannot start programs
/// of this target: an emulator and its options. `cargo xtask cross` sets it.
const RUNNER: &str = "GOSYNC_TEST_RUNNER";

/// A child prints this at the end, so that a child that has run no test is noticed.
const PLAYED: &str = "[the scenario was played]";

/// Runs `scenario` in a separate process with these environment variables. The closure must be written
/// in a test function.
///
/// Starts this same program again, for this test only. There the call runs the scenario, and then the
/// process ends like any process whose `main` returns.
#[track_caller]
pub fn alone<F: FnOnce()>(variables: &[(&str, &str)], scenario: F) {
    if let Some(End { status, output }) = play(variables, scenario) {
        assert!(status.success(), "{status}:\n{output}");
        assert!(output.contains(PLAYED), "nothing was played:\n{output}");
    }
}

/// Like [`alone`], but the scenario must end the process with this exit code. Returns what it has printed, or
/// `None` in the child itself.
#[track_caller]
pub fn exits_with<F: FnOnce()>(code: i32, scenario: F) -> Option<String> {
    let End { status, output } = play(&[], scenario)?;
    assert_eq!(status.code(), Some(code), "{status}:\n{output}");
    assert!(!output.contains(PLAYED), "the process went on:\n{output}");
    Some(output)
}

/// Like [`alone`], but the scenario must end the process by this signal.
#[cfg(target_os = "linux")]
#[track_caller]
pub fn killed_by<F: FnOnce()>(signal: i32, variables: &[(&str, &str)], scenario: F) {
    use std::os::unix::process::ExitStatusExt;

    if let Some(End { status, output }) = play(variables, scenario) {
        assert_eq!(status.signal(), Some(signal), "{status}:\n{output}");
    }
}

/// How a child has ended.
struct End {
    status: ExitStatus,
    output: String,
}

/// Returns `None` in the child itself, after the scenario.
#[track_caller]
fn play<F: FnOnce()>(variables: &[(&str, &str)], scenario: F) -> Option<End> {
    let test = test_of::<F>();
    if is_playing(&test) {
        die_with_the_test();
        scenario();
        played();
        return None;
    }
    let mut command = this_program();
    command.args([test.as_str(), "--exact", "--nocapture"]);
    for variable in ["GOSYNC_MAXPROCS", "GOSYNC_STACK_SIZE", "GOSYNC_MEMBARRIER"] {
        command.env_remove(variable);
    }
    command.env(SCENARIO, test).envs(variables.iter().copied());
    Some(run(command))
}

/// Returns a command that starts this program.
fn this_program() -> Command {
    let runner = env::var(RUNNER).unwrap_or_default();
    let program = env::current_exe().unwrap();
    let mut words = runner.split_whitespace();
    match words.next() {
        None => Command::new(program),
        Some(emulator) => {
            let mut command = Command::new(emulator);
            command.args(words).arg(program);
            command
        }
    }
}

/// Notes that the scenario is over. A scenario that ends the process itself must call this.
pub fn played() {
    println!("{PLAYED}");
}

/// Whether this process runs the scenario of the test with this name.
pub fn is_playing(test: &str) -> bool {
    env::var_os(SCENARIO).is_some_and(|played| *played == *test)
}

/// Makes sure that a child ends, whatever hangs in it and whatever becomes of the parent.
fn die_with_the_test() {
    #[cfg(target_os = "linux")]
    // SAFETY: a system call that touches no memory. The signal ends the process.
    unsafe {
        libc::alarm(3 * LIMIT.as_secs() as u32);
    }
}

/// Returns the name of the test in which the closure is written.
fn test_of<F>() -> String {
    let path = type_name::<F>().trim_end_matches("::{{closure}}");
    let (_, test) = path.split_once("::").expect("a path within this crate");
    test.to_string()
}

#[track_caller]
fn run(mut command: Command) -> End {
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = Guarded(child.unwrap());
    let stdout = read(child.0.stdout.take().unwrap());
    let stderr = read(child.0.stderr.take().unwrap());
    let status = child.wait();
    let stdout = stdout.join().unwrap();
    let stderr = stderr.join().unwrap();
    let output = format!("{stdout}\n{stderr}");
    match status {
        None => panic!("not over after twice {LIMIT:?}:\n{output}"),
        Some(status) => End { status, output },
    }
}

fn read(mut pipe: impl Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

struct Guarded(Child);

impl Guarded {
    /// Returns `None` if the child had to be killed.
    fn wait(&mut self) -> Option<ExitStatus> {
        // The child's own limits expire first, and report more.
        let is_late = time_is_up(2 * LIMIT);
        while !is_late() {
            if let Some(status) = self.0.try_wait().unwrap() {
                return Some(status);
            }
            thread::sleep(Duration::from_millis(5));
        }
        self.0.kill().unwrap();
        self.0.wait().unwrap();
        None
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // Fails if the child has ended, as it should have.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Returns the names of the threads that gosync has started in this process.
#[cfg(target_os = "linux")]
pub fn threads_of_gosync() -> Vec<String> {
    use std::fs;

    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.filter_map(|task| fs::read_to_string(task.unwrap().path().join("comm")).ok());
    names.filter(|name| name.starts_with("gosync")).collect()
}

/// Returns the CPU time that the process has used.
#[cfg(target_os = "linux")]
pub fn processor_time() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is valid for writes.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    assert_eq!(result, 0);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
