//! `crate::spin` in the models: threads do not spin, and no time passes.

use super::Model;
use std::time::Instant;

/// Whether `deadline` has passed already: in models of late attempts every deadline has.
pub(crate) fn is_late(deadline: Option<Instant>) -> bool {
    deadline.is_some() && Model::current().is_late
}

/// A spin budget that is used up at once. To the checker, spinning is yielding, which multiplies the
/// schedules. If the first look of a loop succeeds, that stands for a spin that succeeds; otherwise the
/// thread sleeps. Since no time passes, the model sets after how many looks the thread starves.
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

/// Does not wait, since no time passes.
pub(crate) struct Backoff;

impl Backoff {
    pub(crate) fn new() -> Self {
        Self
    }

    pub(crate) fn wait(&mut self) {}
}
