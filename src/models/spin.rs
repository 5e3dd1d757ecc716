//! What `crate::spin` is in the models: nobody spins, and no time passes.

use super::Model;
use std::time::Instant;

/// Whether the model wants attempts with a deadline to have no time left when they begin.
pub(crate) fn is_late(deadline: Option<Instant>) -> bool {
    deadline.is_some() && Model::current().is_late
}

/// Spinning is yielding to the checker, and multiplies the schedules: the first look of each loop is the
/// spin that succeeds; then a thread sleeps. Time does not pass, so the model says how often a
/// thread looks before its budget is over.
pub(crate) struct SpinBudget {
    looks: usize,
}

impl SpinBudget {
    pub(crate) fn new() -> Self {
        Self { looks: 0 }
    }

    pub(crate) fn spin(&mut self, _: bool, _: Option<Instant>) -> bool {
        false
    }

    pub(crate) fn pause(&mut self) -> bool {
        false
    }

    pub(crate) fn start_clock(&mut self) {}

    pub(crate) fn is_starving(&mut self) -> bool {
        self.looks += 1;
        self.looks > Model::current().spin_budget
    }

    pub(crate) fn reset(&mut self) {}
}

/// No time passes.
pub(crate) struct Backoff;

impl Backoff {
    pub(crate) fn new() -> Self {
        Self
    }

    pub(crate) fn wait(&mut self) {}
}
