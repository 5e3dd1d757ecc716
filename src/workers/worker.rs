//! What a worker does: it runs goroutines, searches for them, and sleeps.

use super::backlog::Backlog;
use super::decisions::Caller;
use super::place::Place;
use super::{HERE, Job, has_lost_workers, here, leave, run, scheduler, system};
use std::io;
use std::mem;
use std::sync::Arc;

/// One goroutine in so many comes from the queue whose turn it is, as in Go (`proc.go`, `schedtick`).
/// So a place that always has goroutines of its own starves nobody, whatever workers come and go there.
const FAIR_TICK: usize = 61;

/// A goroutine, and who has queued it.
type Found = (Arc<dyn Job>, Caller);

/// Starts a worker, which has been called already.
pub(super) fn start() -> io::Result<()> {
    system::start_worker(|| Worker::called().work())
}

struct Worker {
    /// Whether it is the one that searches.
    is_searching: bool,
    /// Whether nothing has been looked for since the call.
    is_called: bool,
    backlog: Backlog,
}

impl Worker {
    /// A worker after a call: it counts, and is to search.
    fn called() -> Self {
        let place = scheduler().admit_worker();
        HERE.with(|here| here.set(Some(place)));
        Self {
            is_searching: true,
            is_called: true,
            backlog: Backlog::default(),
        }
    }

    fn work(mut self) {
        loop {
            if let Some(job) = self.next() {
                let place = self.place();
                place.rounds.add_one();
                place.at_work.set(1);
                run(|| job.run());
                if has_lost_workers() {
                    // The goroutine has forked, and this is the child's only thread.
                    return;
                }
                self.place().at_work.set(0);
            } else if self.sleep() {
                self = Self::called();
            } else {
                return;
            }
        }
    }

    /// Returns false if the thread is to end.
    fn sleep(&self) -> bool {
        let place = leave().expect("a worker that is awake has a place");
        scheduler().sleep(place, self.is_searching)
    }

    /// Changes while a goroutine blocks.
    fn place(&self) -> &'static Place {
        here().expect("a worker that is awake has a place")
    }

    /// The next goroutine to run; none if there is nothing to do, or others do it.
    fn next(&mut self) -> Option<Arc<dyn Job>> {
        if !self.is_searching && !scheduler().may_go_on(self.place()) {
            return None;
        }
        let mut found = self.find_fairly();
        if found.is_none() && !self.is_searching {
            self.is_searching = scheduler().begin_search();
        }
        if found.is_none() && self.is_searching {
            found = self.search();
        }
        let (job, caller) = found?;
        if mem::take(&mut self.is_searching) {
            scheduler().end_search(caller);
        }
        Some(job)
    }

    /// From the queue whose turn it is, if it is time for that; otherwise from where it is nearest. What
    /// is there at the first look after a call has waited for long enough.
    fn find_fairly(&mut self) -> Option<Found> {
        let is_called = mem::take(&mut self.is_called);
        let place = self.place();
        let ticks = place.ticks.get();
        place.ticks.add_one();
        let oldest = if ticks % FAIR_TICK == FAIR_TICK - 1 {
            scheduler().find_oldest(ticks / FAIR_TICK)
        } else {
            None
        };
        let oldest = oldest.map(|job| (job, Caller::Goroutine));
        oldest.or_else(|| self.find(!is_called))
    }

    fn find(&mut self, is_patient: bool) -> Option<Found> {
        scheduler().find(is_patient.then_some(&mut self.backlog))
    }

    /// Looks again and again, for a while, and at last takes what there is.
    fn search(&mut self) -> Option<Found> {
        let mut round = 0;
        while system::pause(round) {
            let found = self.find(true);
            if found.is_some() {
                return found;
            }
            round += 1;
        }
        self.find(false)
    }
}
