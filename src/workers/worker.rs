//! What a worker does: it runs goroutines, searches for them, and sleeps.

use super::backlog::Backlog;
use super::place::Place;
use super::scheduler::Caller;
use super::{HERE, Job, here, run, scheduler, system};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use std::{hint, thread};

/// One goroutine in so many comes from the queue whose turn it is, as in Go (`proc.go`, `schedtick`).
/// So a worker that always has goroutines of its own starves nobody.
const FAIR_ROUND: usize = 61;

/// How often a searching worker looks before it sleeps: with pauses that double, then with naps. A
/// look takes lines from those who queue goroutines, a nap takes about as long as a thread needs to
/// wake up, and nobody has to wake it.
const SPINS: u32 = if cfg!(gosync_model) { 0 } else { 5 };
const NAPS: u32 = if cfg!(gosync_model) { 0 } else { 20 };
const FIRST_PAUSE: u32 = 20;
/// The system makes more of it.
const NAP: Duration = Duration::from_micros(10);

/// Starts a worker, which has been called already.
pub(super) fn start() -> io::Result<()> {
    system::start_worker(|| Worker::called().work())
}

struct Worker {
    /// Whether it is the one that searches.
    is_searching: bool,
    /// Whether nothing has been looked for since the call.
    is_called: bool,
    /// How many goroutines it has run since the call.
    rounds: usize,
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
            rounds: 0,
            backlog: Backlog::default(),
        }
    }

    fn work(mut self) {
        loop {
            if let Some(job) = self.next() {
                self.rounds += 1;
                self.place().rounds.add_one();
                run(|| job.run());
            } else if self.sleep() {
                self = Self::called();
            } else {
                return;
            }
        }
    }

    /// Returns false if the thread is to end.
    fn sleep(&self) -> bool {
        let place = self.place();
        HERE.with(|here| here.set(None));
        scheduler().sleep(place, self.is_searching)
    }

    /// Changes while a goroutine blocks.
    fn place(&self) -> &'static Place {
        here().expect("a worker that is awake has a place")
    }

    /// The next goroutine to run; none if there is nothing to do, or others do it.
    fn next(&mut self) -> Option<Arc<dyn Job>> {
        if !self.is_searching {
            if !scheduler().may_go_on(self.place()) {
                return None;
            }
            let job = self.find_fairly();
            if job.is_some() {
                return job;
            }
            self.is_searching = scheduler().begin_search();
        }
        if !self.is_searching {
            return None;
        }
        let (job, caller) = self.search()?;
        self.is_searching = false;
        scheduler().end_search(caller);
        Some(job)
    }

    fn find_fairly(&mut self) -> Option<Arc<dyn Job>> {
        let oldest = if self.rounds.is_multiple_of(FAIR_ROUND) {
            scheduler().find_oldest(self.rounds / FAIR_ROUND)
        } else {
            None
        };
        oldest.or_else(|| self.find(true).map(|(job, _)| job))
    }

    fn find(&mut self, is_patient: bool) -> Option<(Arc<dyn Job>, Caller)> {
        let backlog = is_patient.then_some(&mut self.backlog);
        let place = here().expect("as in `place`");
        // SAFETY: the current thread is the holder.
        unsafe { scheduler().find(place, backlog) }
    }

    /// Looks again and again, for a while. What is there at the first look after the call has waited
    /// long enough, as has what is there at the last.
    fn search(&mut self) -> Option<(Arc<dyn Job>, Caller)> {
        for round in 0..SPINS + NAPS {
            let is_called = std::mem::take(&mut self.is_called);
            let found = self.find(!is_called);
            if found.is_some() {
                return found;
            }
            if round < SPINS {
                (0..FIRST_PAUSE << round).for_each(|_| hint::spin_loop());
            } else {
                thread::sleep(NAP);
            }
        }
        self.find(false)
    }
}
