//! Runs the models over one mutant after the other.

use super::find::Mutant;
use crate::failure::Failure;
use crate::models::{self, Binary, Crate, Model, Outcome};
use crate::repo;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::str::FromStr;
use std::time::Duration;
use std::{fmt, fs};

/// The copy of the crate, and what is known about its models.
pub struct Bench {
    krate: Crate,
    jobs: usize,
    /// The binary of the unchanged crate.
    binary: Binary,
    names: Vec<String>,
    /// How long each model took that has passed over the unchanged crate.
    times: BTreeMap<String, Duration>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Killed by this model.
    Killed(String),
    TimedOut,
    Survived,
    /// An error in this tool, or in the models' facade.
    DoesNotCompile(String),
}

impl Bench {
    pub fn new(krate: Crate, jobs: usize) -> Result<Self, Failure> {
        let mut binary = models::build(&krate)?;
        // The binaries of the mutants will replace the original.
        let copy = krate.dir.join("models");
        fs::copy(&binary.path, &copy)
            .map_err(|error| Failure::check(format!("cannot copy the models: {error}")))?;
        binary.path = copy;
        let names = binary.list()?;
        if names.is_empty() {
            return Err(Failure::check("there are no models"));
        }
        Ok(Self {
            krate,
            jobs,
            binary,
            names,
            times: BTreeMap::new(),
        })
    }

    /// Runs the models over `mutant`: first `killer`, and if that does not kill it, all of them.
    pub fn judge(&mut self, mutant: &Mutant, killer: Option<&str>) -> Result<Verdict, Failure> {
        let path = self.krate.dir.join(mutant.file);
        let text = repo::read(&path)?;
        repo::write(&path, &mutant.apply(&text))?;
        let binary = models::build_quietly(&self.krate);
        repo::write(&path, &text)?;
        let binary = match binary {
            Ok(binary) => binary,
            Err(messages) => return Ok(Verdict::DoesNotCompile(messages.to_string())),
        };
        if let Some(killer) = self.names.iter().find(|name| killer == Some(name)) {
            let verdict = self.run(&binary, vec![killer.clone()])?;
            if let Verdict::Killed(_) = verdict {
                return Ok(verdict);
            }
        }
        self.run(&binary, self.names.clone())
    }

    fn run(&mut self, binary: &Binary, names: Vec<String>) -> Result<Verdict, Failure> {
        let models = self.limited(names)?;
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

    /// Returns the models in the order that kills soonest: the fastest first. All must pass over the
    /// unchanged crate, or a failure would mean nothing.
    fn limited(&mut self, names: Vec<String>) -> Result<Vec<Model>, Failure> {
        let is_new = |name: &&String| !self.times.contains_key(*name);
        let new: Vec<_> = names
            .iter()
            .filter(is_new)
            .cloned()
            .map(Model::new)
            .collect();
        let outcomes = self
            .binary
            .run_all(&new, self.jobs, |_, _| ControlFlow::Continue(()))?;
        for (Model { name, .. }, outcome) in new.into_iter().zip(outcomes) {
            match outcome {
                Outcome::Passed { time, .. } => self.times.insert(name, time),
                _ => return Err(Failure::check(format!("{name} fails without a mutant"))),
            };
        }
        let mut models: Vec<_> = names
            .into_iter()
            .map(|name| (self.times[&name], name))
            .collect();
        models.sort();
        let limited = |(time, name)| Model {
            name,
            limit: Some(time * 4 + Duration::from_secs(60)),
        };
        Ok(models.into_iter().map(limited).collect())
    }
}

impl Verdict {
    /// Returns whether the verdict is as expected, given whether the mutant is listed as equivalent.
    pub fn is_expected(&self, is_excused: bool) -> bool {
        match self {
            Self::Killed(_) | Self::TimedOut => !is_excused,
            Self::Survived => is_excused,
            Self::DoesNotCompile(_) => false,
        }
    }
}

/// Parses what `Display` prints.
impl FromStr for Verdict {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text.strip_prefix(KILLED_BY) {
            Some(model) => Ok(Self::Killed(format!("{MODELS}{model}"))),
            None if text == TIMED_OUT => Ok(Self::TimedOut),
            None if text == SURVIVED => Ok(Self::Survived),
            None => Err(()),
        }
    }
}

const MODELS: &str = "models::";
const KILLED_BY: &str = "killed by ";
const TIMED_OUT: &str = "TIMED OUT";
const SURVIVED: &str = "SURVIVED";

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Killed(model) => {
                let model = model.trim_start_matches(MODELS);
                write!(f, "{KILLED_BY}{model}")
            }
            Self::TimedOut => f.write_str(TIMED_OUT),
            Self::Survived => f.write_str(SURVIVED),
            Self::DoesNotCompile(_) => f.write_str("DOES NOT COMPILE"),
        }
    }
}
