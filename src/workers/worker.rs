//! The main loop of a worker: it runs goroutines, searches for more, and sleeps when there are none.

use super::decisions::QueuedBy;
use super::processor::Processor;
use super::scheduler::Found;
use super::steal_delay::StealDelay;
use super::{CURRENT, Job, current, detach_processor, has_lost_workers, run, scheduler, system};
use std::io;
use std::mem;
use std::sync::Arc;

/// One in this many goroutines comes from the queue whose turn it is, as in Go (`proc.go`, `schedtick`). So a
/// processor whose local run queue never empties starves no other queue, even if its workers change.
const FAIR_TICK: usize = 61;

/// Starts a worker. The scheduler already counts it as running.
pub(super) fn start() -> io::Result<()> {
    system::start_worker(|| Worker::woken().work())
}

struct Worker {
    /// Whether this worker searches. Several do after they were woken together.
    is_searching: bool,
    /// Whether it has not looked for a goroutine since it was woken.
    is_just_woken: bool,
    steal_delay: StealDelay,
}

impl Worker {
    /// Returns a worker that has just been woken or started: it counts as running and must search.
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

    /// Sleeps until the worker is woken. Returns false if the thread must end.
    fn sleep(&self) -> bool {
        let p = detach_processor().expect("an awake worker has a processor");
        scheduler().sleep(p, self.is_searching)
    }

    /// Returns the worker's processor, which may be another one after a goroutine has blocked.
    fn processor(&self) -> &'static Processor {
        current().expect("an awake worker has a processor")
    }

    /// Returns the next goroutine to run. Returns `None` if there is nothing to do or other workers do it.
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

    /// Takes a goroutine from the queue whose turn it is, once every `FAIR_TICK` times, and otherwise from
    /// the nearest queue. The first look after a wake-up ignores the steal delay: what it finds has waited
    /// for long enough.
    fn find_fairly(&mut self) -> Option<Found> {
        let is_just_woken = mem::take(&mut self.is_just_woken);
        let p = self.processor();
        let sched_ticks = p.sched_ticks.get();
        p.sched_ticks.add_one();
        let oldest = if sched_ticks % FAIR_TICK == FAIR_TICK - 1 {
            scheduler().find_in_turn(sched_ticks / FAIR_TICK)
        } else {
            None
        };
        let oldest = oldest.map(|job| (job, QueuedBy::Other));
        oldest.or_else(|| self.find(!is_just_woken))
    }

    fn find(&mut self, is_patient: bool) -> Option<Found> {
        scheduler().find(is_patient.then_some(&mut self.steal_delay))
    }

    /// Looks repeatedly for a while, and leaves alone what the steal delay protects. The last look ignores
    /// the steal delay.
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
