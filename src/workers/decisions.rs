//! The decisions that follow from the state of all workers: when to wake or to start workers, and which
//! workers no longer count as running.

use super::processor::{Holder, Processor};
use super::processors::FreeList;
use crate::sleeper::Sleeper;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::{array, mem};

// The signals.

/// Wake signal: a thread that queues a goroutine as `QueuedBy::Other` must call `Scheduler::wake`.
pub(super) const WAKE_FOR_WORKER: usize = 1;
/// Wake signal: a thread that queues a goroutine as `QueuedBy::External` must call `Scheduler::wake`.
pub(super) const WAKE_FOR_EXTERNAL: usize = 2;
/// More workers run than `max_procs` allows.
pub(super) const SURPLUS: usize = 4;
/// A thread is starting the monitor, and the system may still refuse it.
pub(super) const MONITOR_STARTING: usize = 8;

pub(super) struct State {
    /// How many workers may run.
    pub(super) max_procs: usize,
    /// How many workers run: they have been woken or started, and are neither blocked, stuck nor asleep.
    pub(super) running: usize,
    /// Whether a search has begun and no worker has ended it. Workers that were woken together may still search
    /// afterwards.
    pub(super) is_searching: bool,
    /// The number of searches so far.
    pub(super) searches: usize,
    pub(super) idle: Idle,
    /// How many workers the last wake-up woke or started.
    pub(super) batch: usize,
    /// How many goroutines have blocked since then and have not continued.
    pub(super) blocked: usize,
    pub(super) free: FreeList,
    /// How many workers there are.
    pub(super) workers: usize,
    pub(super) watch: Watch,
    /// The number of times that a thread has begun to start the monitor.
    pub(super) monitor_starts: usize,
    /// Whether the system has refused a worker since the monitor last looked.
    pub(super) is_refused: bool,
}

/// The sleeping workers, in the order in which they fell asleep.
#[derive(Default)]
pub(super) struct Idle {
    sleepers: BTreeMap<usize, Arc<Sleeper>>,
    /// How many workers have ever fallen asleep.
    count: usize,
}

/// Identifies a sleeping worker.
#[derive(Clone, Copy)]
pub(super) struct Ticket(usize);

impl Idle {
    pub(super) fn push(&mut self, sleeper: &Arc<Sleeper>) -> Ticket {
        let ticket = self.count;
        self.count += 1;
        self.sleepers.insert(ticket, Arc::clone(sleeper));
        Ticket(ticket)
    }

    /// Takes the worker that fell asleep last, so that the others can time out and end.
    fn pop(&mut self) -> Option<Arc<Sleeper>> {
        self.sleepers.pop_last().map(|(_, sleeper)| sleeper)
    }

    /// Removes a worker. Returns whether it was still there.
    pub(super) fn remove(&mut self, ticket: Ticket) -> bool {
        self.sleepers.remove(&ticket.0).is_some()
    }

    fn is_empty(&self) -> bool {
        self.sleepers.is_empty()
    }
}

/// What the monitor has seen, without the lock, of the running goroutines.
#[derive(Default)]
pub(super) struct Observations {
    /// The goroutines that block.
    pub(super) blocked: Vec<Run>,
    /// Whether some of them may in fact compute, which the system does not tell.
    pub(super) is_guess: bool,
    /// The goroutines that have run for so long that others may run beside them.
    pub(super) overdue: Vec<Run>,
    /// The number of the last search, if it began long ago. It may have ended.
    pub(super) stale_search: Option<usize>,
}

/// A goroutine that a worker ran when the monitor looked.
pub(super) struct Run {
    pub(super) p: &'static Processor,
    /// `Processor::runs` at that time, which identifies the goroutine.
    pub(super) runs: usize,
}

impl Run {
    pub(super) fn now(p: &'static Processor) -> Self {
        Self {
            p,
            runs: p.runs.get(),
        }
    }
}

/// The outcome of a look of the monitor.
pub(super) struct Look {
    /// The number of searches so far.
    pub(super) searches: usize,
    pub(super) has_waiting: bool,
    /// Whether the system has refused a worker since the last look.
    pub(super) is_refused: bool,
    /// Whether goroutines wait, and workers were made stuck because their goroutines block.
    pub(super) has_replaced: bool,
    /// Whether workers were made stuck because their goroutines have run for too long.
    pub(super) has_preempted: bool,
}

/// The largest number of workers to wake at a time. The thread that wakes them starts new ones one by one.
const LARGEST_BATCH: usize = 32;

/// What the monitor does. As long as there are workers, there is a monitor.
pub(super) enum Watch {
    /// There is no monitor: it has not been started, has ended, or was refused.
    Absent,
    /// A thread is starting it. The number is that of the start.
    Starting(usize),
    /// It sleeps until it is woken.
    Dozing(Arc<Sleeper>),
    Watching,
}

/// An array, so that no memory is allocated for it under the lock: an allocator may sleep.
pub(super) type Sleepers = [Option<Arc<Sleeper>>; LARGEST_BATCH];

/// The threads to wake or to start once the lock is released.
#[allow(
    clippy::large_enum_variant,
    reason = "a box would be allocated under the lock"
)]
pub(super) enum Wakeup {
    /// These sleeping workers, and this number of new ones.
    Workers(Sleepers, usize),
    Monitor(Arc<Sleeper>),
    /// The monitor, with the number of the start.
    NewMonitor(usize),
}

/// The kind of thread that queued a goroutine.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum QueuedBy {
    /// Any other: a worker, which already counts as running, or a thread without a processor. Also stands for
    /// all goroutines in the global run queue.
    Other,
    /// An external thread, which keeps a CPU busy besides the running workers.
    External,
}

impl QueuedBy {
    pub(super) fn of(holder: Holder) -> Self {
        match holder {
            Holder::External => Self::External,
            Holder::Nobody | Holder::Running | Holder::Stuck => Self::Other,
        }
    }

    pub(super) fn signal(self) -> usize {
        match self {
            Self::Other => WAKE_FOR_WORKER,
            Self::External => WAKE_FOR_EXTERNAL,
        }
    }

    /// Returns how many external threads keep a CPU busy.
    pub(super) fn external(self) -> usize {
        match self {
            Self::Other => 0,
            Self::External => 1,
        }
    }
}

impl State {
    pub(super) fn new(max_procs: usize) -> Self {
        Self {
            max_procs,
            running: 0,
            is_searching: false,
            searches: 0,
            idle: Idle::default(),
            batch: 0,
            blocked: 0,
            free: FreeList::default(),
            workers: 0,
            watch: Watch::Absent,
            monitor_starts: 0,
            is_refused: false,
        }
    }

    pub(super) fn signals(&self) -> usize {
        let mut signals = 0;
        for queued_by in [QueuedBy::Other, QueuedBy::External] {
            if self.needs_wake(queued_by.external()) {
                signals |= queued_by.signal();
            }
        }
        if self.running > self.max_procs {
            signals |= SURPLUS;
        }
        if let Watch::Starting(_) = self.watch {
            signals |= MONITOR_STARTING;
        }
        signals
    }

    /// Whether `wake` would do anything for a goroutine that waits.
    pub(super) fn needs_wake(&self, external: usize) -> bool {
        let is_covered = match self.watch {
            Watch::Absent | Watch::Dozing(_) => self.is_searching,
            Watch::Starting(_) => true,
            Watch::Watching => self.is_searching || !self.has_room(external),
        };
        !is_covered
    }

    /// Whether one more worker should run, and can, while `external` external threads keep CPUs busy. If no
    /// worker runs, one should in any case.
    pub(super) fn has_room(&self, external: usize) -> bool {
        (self.running == 0 || self.running + external < self.max_procs) && !self.is_refused()
    }

    /// Whether no worker is available for now: the system refuses new ones, and none sleeps.
    fn is_refused(&self) -> bool {
        self.is_refused && self.idle.is_empty()
    }

    /// Decides which threads to wake or to start for `waiting` goroutines, while `external` external threads
    /// keep CPUs busy: workers if there is room for them, otherwise the monitor. The monitor is started
    /// before the first worker.
    pub(super) fn wake(&mut self, external: usize, waiting: usize) -> Option<Wakeup> {
        if waiting == 0 || !self.needs_wake(external) {
            return None;
        }
        if let Watch::Absent = self.watch {
            self.monitor_starts += 1;
            self.watch = Watch::Starting(self.monitor_starts);
            return Some(Wakeup::NewMonitor(self.monitor_starts));
        }
        if self.has_room(external) {
            return Some(self.wake_workers(waiting));
        }
        self.wake_monitor()
    }

    /// Chooses the workers to wake and to start, at least one and at most one for each of the `waiting`
    /// goroutines.
    fn wake_workers(&mut self, waiting: usize) -> Wakeup {
        let count = self.next_batch().clamp(1, waiting);
        self.batch = count;
        self.blocked = 0;
        self.running += count;
        self.begin_search();
        let sleepers: Sleepers =
            array::from_fn(|index| (index < count).then(|| self.idle.pop()).flatten());
        let new = count - sleepers.iter().flatten().count();
        self.workers += new;
        Wakeup::Workers(sleepers, new)
    }

    /// Returns how many workers to wake at a time. If most of the last batch have blocked, the next batch is
    /// twice as large: the goroutines that wait are likely to block, too, and several threads start in hardly
    /// more time than one. Otherwise it is as large as the number that have blocked.
    fn next_batch(&self) -> usize {
        let blocked = self.blocked.min(self.batch);
        let wanted = if 2 * blocked > self.batch {
            2 * self.batch
        } else {
            blocked
        };
        let most = LARGEST_BATCH.max(self.max_procs);
        wanted
            .min(most.saturating_sub(self.running))
            .min(LARGEST_BATCH)
    }

    /// Counts a worker as running again, and its goroutine as no longer blocked.
    pub(super) fn resume(&mut self) {
        self.running += 1;
        self.blocked = self.blocked.saturating_sub(1);
    }

    /// Notes that the system has refused `new` new workers.
    pub(super) fn note_refusal(&mut self, new: usize) {
        self.running -= new;
        self.workers -= new;
        self.is_searching = false;
        self.is_refused = true;
        self.batch = 0;
    }

    /// Makes the monitor watch if it dozes.
    pub(super) fn wake_monitor(&mut self) -> Option<Wakeup> {
        match mem::replace(&mut self.watch, Watch::Watching) {
            Watch::Dozing(sleeper) => Some(Wakeup::Monitor(sleeper)),
            watch => {
                self.watch = watch;
                None
            }
        }
    }

    /// Notes that the start with the number `start` has started the monitor. The monitor may doze by now, or
    /// have ended, and another thread may be starting the next one. Then nothing changes.
    pub(super) fn begin_watch(&mut self, start: usize) {
        if matches!(self.watch, Watch::Starting(latest) if latest == start) {
            self.watch = Watch::Watching;
        }
    }

    pub(super) fn begin_search(&mut self) {
        self.is_searching = true;
        self.searches += 1;
    }

    /// Decides what follows from what the monitor has `seen`, while `waiting` goroutines wait and `external`
    /// external threads keep CPUs busy.
    pub(super) fn look(
        &mut self,
        seen: &Observations,
        external: usize,
        waiting: usize,
    ) -> (Look, Option<Wakeup>) {
        let mut look = Look {
            searches: self.searches,
            has_waiting: waiting > 0,
            is_refused: mem::take(&mut self.is_refused),
            has_replaced: false,
            has_preempted: false,
        };
        // Even if no goroutine waits now: the next one that is queued then finds room.
        let stuck = seen.blocked.iter().filter(|run| self.make_stuck(run));
        let blocked = stuck.count();
        if !seen.is_guess {
            self.blocked += blocked;
        }
        if waiting == 0 {
            return (look, None);
        }
        if seen.stale_search == Some(self.searches) {
            // The searching worker does not get a CPU. Do not wait for it; it continues its search once it
            // gets one.
            self.is_searching = false;
        }
        look.has_replaced = blocked > 0;
        look.has_preempted = self.preempt(&seen.overdue, external);
        let wakeup = if look.has_replaced && self.next_batch() > 0 && !self.is_refused() {
            Some(self.wake_workers(waiting))
        } else {
            self.wake(external, waiting)
        };
        (look, wakeup)
    }

    /// Makes workers stuck whose goroutines have run for too long, if all `max_procs` CPUs are busy and no worker
    /// searches. Returns whether it made any stuck. At most half of the CPUs (but at least one) become available
    /// at a time: unlike in Go, the goroutines that have run for too long continue.
    fn preempt(&mut self, runs: &[Run], external: usize) -> bool {
        if self.is_searching || self.running + external < self.max_procs {
            return false;
        }
        let most = (self.max_procs / 2).max(1);
        let runs = runs.iter().filter(|run| self.make_stuck(run));
        runs.take(most).count() > 0
    }

    /// Makes the worker stuck if it still runs the same goroutine: it keeps its processor and no longer
    /// counts as running. Returns whether it still ran it.
    fn make_stuck(&mut self, run: &Run) -> bool {
        let p = run.p;
        let is_there =
            p.holder() == Holder::Running && p.is_in_goroutine() && p.runs.get() == run.runs;
        if is_there {
            p.set_holder(Holder::Stuck);
            self.running -= 1;
        }
        is_there
    }
}

#[cfg(all(test, not(gosync_model)))]
mod tests;
