//! Runs the models over one mutant after the other.

use super::find::Mutant;
use crate::failure::Failure;
use crate::models::{self, Binary, Crate, Model, Outcome, seconds};
use crate::repo;
use std::fmt;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// The copy of the crate, and what is known of its models.
pub struct Bench {
    krate: Crate,
    jobs: usize,
    /// Each with the time it took over the crate as it is; the fastest first.
    models: Vec<(Duration, String)>,
}

pub enum Verdict {
    /// By this model.
    Killed(String),
    TimedOut,
    Survived,
    /// A fault of this tool, or of the models' facade.
    DoesNotCompile(String),
}

impl Bench {
    /// Runs every model over the crate as it is: all have to pass.
    pub fn prepare(krate: Crate, jobs: usize) -> Result<Self, Failure> {
        let start = Instant::now();
        let binary = models::build(&krate)?;
        let models: Vec<_> = binary.list()?.into_iter().map(Model::new).collect();
        let outcomes = binary.run_all(&models, jobs, |_, _| ControlFlow::Continue(()))?;
        let mut timed = Vec::new();
        for (model, outcome) in models.into_iter().zip(outcomes) {
            match outcome {
                Outcome::Passed { time, .. } => timed.push((time, model.name)),
                _ => {
                    return Err(Failure::check(format!(
                        "{} fails without a mutant",
                        model.name
                    )));
                }
            }
        }
        if timed.is_empty() {
            return Err(Failure::check("there are no models"));
        }
        timed.sort();
        println!(
            "{} models pass without a mutant, {}",
            timed.len(),
            seconds(start.elapsed())
        );
        Ok(Self {
            krate,
            jobs,
            models: timed,
        })
    }

    pub fn judge(&self, mutant: &Mutant) -> Result<Verdict, Failure> {
        let path = self.krate.dir.join(mutant.file);
        let text = repo::read(&path)?;
        repo::write(&path, &mutant.apply(&text))?;
        let binary = models::build_quietly(&self.krate);
        repo::write(&path, &text)?;
        match binary {
            Ok(binary) => self.run(&binary),
            Err(messages) => Ok(Verdict::DoesNotCompile(messages.to_string())),
        }
    }

    fn run(&self, binary: &Binary) -> Result<Verdict, Failure> {
        let models = self.models();
        let outcomes = binary.run_all(&models, self.jobs, |_, outcome| match outcome {
            Outcome::Failed { .. } => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        })?;
        let failed = outcomes
            .iter()
            .position(|outcome| matches!(outcome, Outcome::Failed { .. }));
        if let Some(index) = failed {
            return Ok(Verdict::Killed(models[index].name.clone()));
        }
        let timed_out = outcomes
            .iter()
            .any(|outcome| matches!(outcome, Outcome::TimedOut));
        Ok(if timed_out {
            Verdict::TimedOut
        } else {
            Verdict::Survived
        })
    }

    /// The models in the order that kills soonest: the fastest first.
    fn models(&self) -> Vec<Model> {
        let limited = |(time, name): &(Duration, String)| Model {
            name: name.clone(),
            limit: Some(*time * 4 + Duration::from_secs(60)),
        };
        self.models.iter().map(limited).collect()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Killed(model) => write!(f, "killed by {}", model.trim_start_matches("models::")),
            Self::TimedOut => f.write_str("TIMED OUT"),
            Self::Survived => f.write_str("SURVIVED"),
            Self::DoesNotCompile(_) => f.write_str("DOES NOT COMPILE"),
        }
    }
}
