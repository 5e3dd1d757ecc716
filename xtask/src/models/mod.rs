//! `cargo xtask models` and `cargo xtask shuttle`: run the models of either checker.
//!
//! A model that is not built, or is ignored, proves nothing and looks like success. So the models in the
//! source are counted, and every one of them must run.

mod build;
mod checker;
mod count;
mod krate;
mod run;

pub use build::{build, build_quietly, clippy};
pub use checker::Checker;
pub use krate::Crate;
pub use run::{Binary, Model, Outcome};

use crate::args::Args;
use crate::failure::Failure;
use crate::repo;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

pub fn run_loom(args: Args) -> Result<(), Failure> {
    run(Checker::Loom, args)
}

pub fn run_shuttle(args: Args) -> Result<(), Failure> {
    run(Checker::Shuttle, args)
}

fn run(checker: Checker, mut args: Args) -> Result<(), Failure> {
    let jobs = args.option("--jobs")?.unwrap_or_else(repo::cores);
    let filter = args.word().unwrap_or_default();
    args.finish()?;
    check(checker, &filter, jobs).map(drop)
}

/// Runs the models whose names contain `filter`. Returns how many passed.
pub fn check(checker: Checker, filter: &str, jobs: usize) -> Result<usize, Failure> {
    let start = Instant::now();
    let binary = build(&Crate::of_the_repo(checker)?)?;
    let names = all_listed(checker, &binary)?;
    let models: Vec<_> = names
        .into_iter()
        .filter(|name| name.contains(filter))
        .map(Model::new)
        .collect();
    if models.is_empty() {
        return Err(Failure::usage(format!("no model is called `{filter}`")));
    }
    println!(
        "{} models, built in {}",
        models.len(),
        seconds(start.elapsed())
    );
    let outcomes = binary.run_all(&models, jobs, |model, outcome| {
        print_outcome(model, outcome);
        ControlFlow::Continue(())
    })?;
    summarize(&models, &outcomes, start.elapsed())
}

/// Returns the models in the binary, after checking that all models in the source are among them.
fn all_listed(checker: Checker, binary: &Binary) -> Result<Vec<String>, Failure> {
    let written = count::models_in_source(checker, &repo::root().join("src"))?;
    let names = binary.list()?;
    if written == 0 || names.len() < written {
        return Err(Failure::check(format!(
            "src/models has {written} models for {checker:?}, of which {} are built: is a module missing, or a cfg?",
            names.len()
        )));
    }
    Ok(names)
}

fn print_outcome(model: &Model, outcome: &Outcome) {
    let name = &model.name;
    match outcome {
        Outcome::Passed { time, iterations } => {
            let iterations = iterations.as_ref().map(|n| format!("{n} schedules"));
            let iterations = iterations.unwrap_or_default();
            println!("{name:<70} ok {:>10} {iterations:>20}", seconds(*time));
        }
        Outcome::Failed { output } => println!("{name:<70} FAILED\n{output}"),
        Outcome::TimedOut | Outcome::Stopped => println!("{name:<70} was stopped"),
    }
}

fn summarize(models: &[Model], outcomes: &[Outcome], time: Duration) -> Result<usize, Failure> {
    let has_passed = |outcome: &Outcome| matches!(outcome, Outcome::Passed { .. });
    let verdicts = models.iter().zip(outcomes);
    let failed: Vec<_> = verdicts
        .filter(|(_, outcome)| !has_passed(outcome))
        .map(|(model, _)| model.name.as_str())
        .collect();
    if !failed.is_empty() {
        return Err(Failure::check(format!("failed: {}", failed.join(", "))));
    }
    println!("{} models passed, {}", models.len(), seconds(time));
    Ok(models.len())
}

pub fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}
