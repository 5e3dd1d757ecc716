//! The steal delay: how long workers leave goroutines to the external thread that queued them.

use super::processor::{Holder, Processor};
use std::time::{Duration, Instant};
use std::{mem, ptr};

/// What a worker has seen queued by an external thread.
///
/// If the external thread is about to wait for its goroutines, it runs them itself. If they are short, that
/// costs less than if a worker runs them, which must fetch them from another CPU. So a worker that is awake
/// when they are queued leaves them to the thread for a moment, and takes few of them as long as the thread
/// makes progress quickly.
#[derive(Default)]
pub(super) struct StealDelay(Option<Observed>);

struct Observed {
    p: &'static Processor,
    /// How often the holder had emptied the processor.
    emptied: usize,
    /// The holder's `activity` at the last look.
    activity: usize,
    /// When the worker first saw this, or last took some of it.
    since: Instant,
}

/// How long a worker holds off, both before the first theft and between two thefts. In this time the external
/// thread runs about a hundred goroutines that do nothing. It takes longer to wake a worker.
const STEAL_DELAY: Duration = Duration::from_micros(30);

impl StealDelay {
    /// Returns whether the caller must leave what is queued at `p` to its holder. If not, the caller takes
    /// some of it, if there is any.
    pub(super) fn hold_off(&mut self, p: &'static Processor) -> bool {
        if cfg!(gosync_model) || p.holder() != Holder::External || p.len() == 0 {
            return false;
        }
        match &mut self.0 {
            // Observes one processor at a time, and leaves the others alone meanwhile.
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

    /// Whether some of what was seen may still wait.
    fn still_waits(&self) -> bool {
        self.p.emptied.get() == self.emptied && self.p.len() > 0
    }

    fn hold_off(&mut self) -> bool {
        let before = mem::replace(&mut self.activity, self.p.activity());
        let hold_off = self.activity != before && self.since.elapsed() < STEAL_DELAY;
        if !hold_off {
            *self = Self::now(self.p);
        }
        hold_off
    }
}
