//! When goroutines that a thread has queued which is no worker have waited for long enough.

use super::processor::{Holder, Processor};
use std::time::{Duration, Instant};
use std::{mem, ptr};

/// What a worker has seen queued by a thread that is no worker.
///
/// If the thread is about to wait for its goroutines, it runs them itself, and if they are short at
/// less cost than a worker, who has to fetch them from another CPU. So a worker that is awake in
/// time leaves them to the thread for a moment, and as long as it goes on quickly takes little.
#[derive(Default)]
pub(super) struct StealDelay(Option<Observed>);

struct Observed {
    p: &'static Processor,
    /// How often the processor had been emptied.
    emptied: usize,
    /// How far the thread had come at the last look.
    activity: usize,
    /// When this was seen first, or when some of it was last taken.
    since: Instant,
}

/// As long as the thread takes for some hundred goroutines that do nothing, and less than it takes to
/// wake a worker. So much lies between two thefts, too.
const MOMENT: Duration = Duration::from_micros(30);

impl StealDelay {
    /// Whether what is queued at `p`, if anything, is to be left to its holder. Otherwise the caller
    /// takes some of it.
    pub(super) fn hold_off(&mut self, p: &'static Processor) -> bool {
        if cfg!(gosync_model) || p.holder() != Holder::External || p.len() == 0 {
            return false;
        }
        match &mut self.0 {
            // One thread's at a time.
            Some(seen) if seen.still_waits() => !ptr::eq(seen.p, p) || seen.hold_off(),
            seen => {
                *seen = Some(Observed::now(p));
                true
            }
        }
    }
}

impl Observed {
    fn now(p: &'static Processor) -> Self {
        Self {
            p,
            emptied: p.emptied.get(),
            activity: p.activity(),
            since: Instant::now(),
        }
    }

    /// Whether something of it may still wait.
    fn still_waits(&self) -> bool {
        self.p.emptied.get() == self.emptied && self.p.len() > 0
    }

    fn hold_off(&mut self) -> bool {
        let before = mem::replace(&mut self.activity, self.p.activity());
        let hold_off = self.activity != before && self.since.elapsed() < MOMENT;
        if !hold_off {
            *self = Self::now(self.p);
        }
        hold_off
    }
}
