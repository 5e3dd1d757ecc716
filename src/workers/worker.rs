//! What a worker does: it runs goroutines, searches for them, and sleeps.

use super::decisions::QueuedBy;
use super::processor::Processor;
use super::scheduler::Found;
use super::steal_delay::StealDelay;
use super::{CURRENT, Job, current, has_lost_workers, run, scheduler, system, take_current};
use std::io;
use std::mem;
use std::sync::Arc;

/// One goroutine in so many comes from the queue whose turn it is, as in Go (`proc.go`, `schedtick`).
/// So a processor that always has goroutines of its own starves nobody, whatever workers come and go there.
const FAIR_TICK: usize = 61;

/// Starts a worker, which has been called already.
pub(super) fn start() -> io::Result<()> {
    system::start_worker(|| Worker::woken().work())
}

struct Worker {
    /// Whether it is the one that searches.
    is_searching: bool,
    /// Whether nothing has been looked for since the call.
    is_just_woken: bool,
    steal_delay: StealDelay,
}

impl Worker {
    /// A worker after a call: it counts, and is to search.
    fn woken() -> Self {
        let p = scheduler().acquire_worker();
        CURRENT.with(|current| current.set(Some(p)));
        Self {
            is_searching: true,
            is_just_woken: true,
            steal_delay: StealDelay::default(),
        }
    }

    fn work(mut self) {
        loop {
            if let Some(job) = self.next() {
                let p = self.processor();
                p.outer_runs.add_one();
                p.in_goroutine.set(1);
                run(|| job.run());
                if has_lost_workers() {
                    // The goroutine has forked, and this is the child's only thread.
                    return;
                }
                self.processor().in_goroutine.set(0);
            } else if self.sleep() {
                self = Self::woken();
            } else {
                return;
            }
        }
    }

    /// Returns false if the thread is to end.
    fn sleep(&self) -> bool {
        let p = take_current().expect("an awake worker has a processor");
        scheduler().sleep(p, self.is_searching)
    }

    /// Changes while a goroutine blocks.
    fn processor(&self) -> &'static Processor {
        current().expect("an awake worker has a processor")
    }

    /// The next goroutine to run; none if there is nothing to do, or others do it.
    fn next(&mut self) -> Option<Arc<dyn Job>> {
        if !self.is_searching && !scheduler().try_continue(self.processor()) {
            return None;
        }
        let mut found = self.find_fairly();
        if found.is_none() && !self.is_searching {
            self.is_searching = scheduler().begin_search();
        }
        if found.is_none() && self.is_searching {
            found = self.search();
        }
        let (job, queued_by) = found?;
        if mem::take(&mut self.is_searching) {
            scheduler().end_search(queued_by);
        }
        Some(job)
    }

    /// From the queue whose turn it is, if it is time for that; otherwise from where it is nearest. What
    /// is there at the first look after a call has waited for long enough.
    fn find_fairly(&mut self) -> Option<Found> {
        let is_just_woken = mem::take(&mut self.is_just_woken);
        let p = self.processor();
        let sched_ticks = p.sched_ticks.get();
        p.sched_ticks.add_one();
        let oldest = if sched_ticks % FAIR_TICK == FAIR_TICK - 1 {
            scheduler().find_oldest(sched_ticks / FAIR_TICK)
        } else {
            None
        };
        let oldest = oldest.map(|job| (job, QueuedBy::Worker));
        oldest.or_else(|| self.find(!is_just_woken))
    }

    fn find(&mut self, is_patient: bool) -> Option<Found> {
        scheduler().find(is_patient.then_some(&mut self.steal_delay))
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
