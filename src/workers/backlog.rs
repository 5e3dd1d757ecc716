//! When goroutines that a thread has queued which is no worker have waited for long enough.

use super::place::{Holder, Place};
use std::ptr;
use std::time::{Duration, Instant};

/// What a worker has seen queued by a thread that is no worker.
///
/// If the thread is about to wait for its goroutines, it runs them itself, and at less cost than a
/// worker, who has to fetch them from another processor. So a worker that is awake in time leaves
/// them to it for a moment.
#[derive(Default)]
pub(super) struct Backlog(Option<Seen>);

struct Seen {
    place: &'static Place,
    /// How often the place had been drained.
    drained: usize,
    /// When it was seen first, or when some of it was last taken.
    since: Instant,
}

/// As long as the thread takes for some hundred goroutines that do nothing, and less than it takes to
/// wake a worker. So much lies between two thefts, too.
const MOMENT: Duration = Duration::from_micros(30);

impl Backlog {
    /// Whether what is queued at `place`, if anything, is to be left to its holder. Otherwise the caller
    /// takes some of it.
    pub(super) fn is_fresh(&mut self, place: &'static Place) -> bool {
        if cfg!(gosync_model) || place.holder() != Holder::Stranger || place.len() == 0 {
            return false;
        }
        let is_there = self.0.as_ref().filter(|seen| seen.is_there());
        let is_fresh = is_there
            .is_none_or(|seen| !ptr::eq(seen.place, place) || seen.since.elapsed() < MOMENT);
        if is_there.is_none() || !is_fresh {
            self.0 = Some(Seen::now(place));
        }
        is_fresh
    }
}

impl Seen {
    fn now(place: &'static Place) -> Self {
        Self {
            place,
            drained: place.drained.get(),
            since: Instant::now(),
        }
    }

    /// Whether something of it may still wait.
    fn is_there(&self) -> bool {
        self.place.drained.get() == self.drained && self.place.len() > 0
    }
}
