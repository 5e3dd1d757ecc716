//! Runs models, each in a separate process.
//!
//! So each model can be timed and stopped alone, a model that aborts does not affect the others, and no model
//! sees what another has left in a static.

use crate::failure::Failure;
use std::fs::{self, File};
use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

pub struct Model {
    /// The path of the test, for example `models::rwmutex::two_writers`.
    pub name: String,
    /// How long it may take.
    pub limit: Option<Duration>,
}

/// The test binary.
pub struct Binary {
    pub path: PathBuf,
    /// The directory for the output of the models.
    pub logs: PathBuf,
}

pub enum Outcome {
    Passed {
        time: Duration,
        /// The text that the model prints after `iterations:`, if any.
        iterations: Option<String>,
    },
    Failed {
        output: String,
    },
    TimedOut,
    /// It was not needed: the other outcomes had settled the question.
    Stopped,
}

impl Model {
    pub fn new(name: String) -> Self {
        Self { name, limit: None }
    }
}

impl Binary {
    /// Returns the names of the models.
    pub fn list(&self) -> Result<Vec<String>, Failure> {
        let output = Command::new(&self.path)
            .args(["--list", "--format", "terse"])
            .output()
            .map_err(|error| self.cannot_run(&error))?;
        let names = String::from_utf8_lossy(&output.stdout);
        let names = names.lines().filter_map(|line| line.strip_suffix(": test"));
        let models = names.filter(|name| name.starts_with("models::"));
        Ok(models.map(String::from).collect())
    }

    /// Runs `models`, `jobs` at a time, until all have run or `report` breaks off. Returns the outcomes in
    /// the order of `models`.
    pub fn run_all(
        &self,
        models: &[Model],
        jobs: usize,
        report: impl Fn(&Model, &Outcome) -> ControlFlow<()> + Sync,
    ) -> Result<Vec<Outcome>, Failure> {
        let next = AtomicUsize::new(0);
        let stop = AtomicBool::new(false);
        // Locked during the whole report, too, so that no two reports mix their lines.
        let outcomes = Mutex::new(Vec::new());
        let work = || -> io::Result<()> {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(model) = models.get(index) else {
                    return Ok(());
                };
                let outcome = self.run_one(model, &stop)?;
                let mut outcomes = outcomes.lock().unwrap_or_else(PoisonError::into_inner);
                if report(model, &outcome).is_break() {
                    stop.store(true, Ordering::Relaxed);
                }
                outcomes.push((index, outcome));
            }
        };
        in_threads(jobs, work).map_err(|error| self.cannot_run(&error))?;
        let mut outcomes = outcomes
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        outcomes.sort_by_key(|(index, _)| *index);
        Ok(outcomes.into_iter().map(|(_, outcome)| outcome).collect())
    }

    fn run_one(&self, model: &Model, stop: &AtomicBool) -> io::Result<Outcome> {
        if stop.load(Ordering::Relaxed) {
            return Ok(Outcome::Stopped);
        }
        // Into a file, not a pipe, which would have to be read while the model runs.
        let log = self.log_of(model)?;
        let file = File::create(&log)?;
        let start = Instant::now();
        let child = Command::new(&self.path)
            .args([&model.name, "--exact", "--nocapture"])
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()?;
        let deadline = model.limit.map(|limit| start + limit);
        if let Some(cut) = watch(child, deadline, stop)? {
            return Ok(cut);
        }
        let output = String::from_utf8_lossy(&fs::read(log)?).into_owned();
        Ok(judge(output, start.elapsed()))
    }

    fn log_of(&self, model: &Model) -> io::Result<PathBuf> {
        fs::create_dir_all(&self.logs)?;
        let name = format!("{}.log", model.name.replace("::", "."));
        Ok(self.logs.join(name))
    }

    fn cannot_run(&self, error: &io::Error) -> Failure {
        Failure::check(format!("cannot run {}: {error}", self.path.display()))
    }
}

fn in_threads(jobs: usize, work: impl Fn() -> io::Result<()> + Sync) -> io::Result<()> {
    thread::scope(|scope| {
        let threads: Vec<_> = (0..jobs.max(1)).map(|_| scope.spawn(&work)).collect();
        let join = |thread: thread::ScopedJoinHandle<'_, _>| thread.join().expect("no panic");
        threads.into_iter().try_for_each(join)
    })
}

/// Waits for the end of `child`. Returns the outcome if it had to be stopped early.
fn watch(
    mut child: Child,
    deadline: Option<Instant>,
    stop: &AtomicBool,
) -> io::Result<Option<Outcome>> {
    // std cannot wait with a timeout. Many models end within milliseconds.
    let mut pause = Duration::from_millis(1);
    loop {
        if child.try_wait()?.is_some() {
            return Ok(None);
        }
        let late = deadline.is_some_and(|deadline| Instant::now() >= deadline);
        if late || stop.load(Ordering::Relaxed) {
            child.kill()?;
            child.wait()?;
            return Ok(Some(if late {
                Outcome::TimedOut
            } else {
                Outcome::Stopped
            }));
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

fn judge(output: String, time: Duration) -> Outcome {
    // With an ignored model, or none of that name, the binary exits with success as well.
    if !output.contains("test result: ok. 1 passed; 0 failed; 0 ignored") {
        return Outcome::Failed { output };
    }
    let said = |line: &str| Some(line.split_once("iterations: ")?.1.to_string());
    let iterations = output.lines().find_map(said);
    Outcome::Passed { time, iterations }
}

#[cfg(test)]
mod tests {
    use super::{Outcome, judge};
    use std::time::Duration;

    #[test]
    fn success_is_one_model_that_ran() {
        let passed = "iterations: 7\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured";
        let outcome = judge(passed.into(), Duration::ZERO);
        assert!(matches!(outcome, Outcome::Passed { iterations: Some(n), .. } if n == "7"));
        for output in [
            "test result: ok. 0 passed; 0 failed; 1 ignored; 0 measured",
            "test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured",
            "memory allocation of 8 bytes failed",
        ] {
            let outcome = judge(output.into(), Duration::ZERO);
            assert!(matches!(outcome, Outcome::Failed { .. }));
        }
    }
}
