//! When goroutines that a thread has queued which is no worker have waited for long enough.

use super::place::{Holder, Place};
use std::time::{Duration, Instant};
use std::{mem, ptr};

/// What a worker has seen queued by a thread that is no worker.
///
/// If the thread is about to wait for its goroutines, it runs them itself, and if they are short at
/// less cost than a worker, who has to fetch them from another processor. So a worker that is awake in
/// time leaves them to the thread for a moment, and as long as it goes on quickly takes little.
#[derive(Default)]
pub(super) struct Backlog(Option<Seen>);

struct Seen {
    place: &'static Place,
    /// How often the place had been drained.
    drained: usize,
    /// How far the thread had come at the last look.
    moves: usize,
    /// When this was seen first, or when some of it was last taken.
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
        match &mut self.0 {
            // One thread's at a time.
            Some(seen) if seen.is_there() => !ptr::eq(seen.place, place) || seen.is_fresh(),
            seen => {
                *seen = Some(Seen::now(place));
                true
            }
        }
    }
}

impl Seen {
    fn now(place: &'static Place) -> Self {
        Self {
            place,
            drained: place.drained.get(),
            moves: place.moves(),
            since: Instant::now(),
        }
    }

    /// Whether something of it may still wait.
    fn is_there(&self) -> bool {
        self.place.drained.get() == self.drained && self.place.len() > 0
    }

    fn is_fresh(&mut self) -> bool {
        let before = mem::replace(&mut self.moves, self.place.moves());
        let is_fresh = self.moves != before && self.since.elapsed() < MOMENT;
        if !is_fresh {
            *self = Self::now(self.place);
        }
        is_fresh
    }
}
