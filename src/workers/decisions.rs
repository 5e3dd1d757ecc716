//! Whether a worker is called, woken or added when a goroutine waits, and who loses its processor: what follows from
//! the state of all workers.

use super::processor::{Holder, Processor};
use super::processors::FreeList;
use crate::sleeper::Sleeper;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::{array, mem};

/// A goroutine that another one has queued needs a call.
pub(super) const WAKE_FOR_WORKER: usize = 1;
/// One that a thread has queued which is no worker needs a call.
pub(super) const WAKE_FOR_EXTERNAL: usize = 2;
/// More workers run than may.
pub(super) const SURPLUS: usize = 4;
/// Nobody knows yet whether there will be a monitor.
pub(super) const MONITOR_STARTING: usize = 8;

pub(super) struct State {
    /// How many workers may run.
    pub(super) max_procs: usize,
    /// How many do: they have been called, and are neither blocked nor stuck.
    pub(super) running: usize,
    /// Whether one of them looks for goroutines.
    pub(super) is_searching: bool,
    /// How many searches there have been.
    pub(super) searches: usize,
    /// The workers that sleep.
    pub(super) idle: Idle,
    /// How many workers were last called at a time, and how many goroutines have blocked since and not gone on.
    pub(super) batch: usize,
    pub(super) blocked: usize,
    /// The processors that nobody has.
    pub(super) free: FreeList,
    /// How many workers there are.
    pub(super) workers: usize,
    pub(super) watch: Watch,
    /// How often somebody has begun to start the monitor.
    pub(super) starts: usize,
    /// Whether the system has refused a thread.
    pub(super) is_refused: bool,
}

/// The workers that sleep, by the order in which they have begun to.
#[derive(Default)]
pub(super) struct Idle {
    sleepers: BTreeMap<usize, Arc<Sleeper>>,
    /// How many have ever begun.
    count: usize,
}

/// Names a sleeping worker.
#[derive(Clone, Copy)]
pub(super) struct Ticket(usize);

impl Idle {
    pub(super) fn push(&mut self, sleeper: &Arc<Sleeper>) -> Ticket {
        let ticket = self.count;
        self.count += 1;
        self.sleepers.insert(ticket, Arc::clone(sleeper));
        Ticket(ticket)
    }

    /// Takes the one that has begun last, so that the others may end.
    fn pop(&mut self) -> Option<Arc<Sleeper>> {
        self.sleepers.pop_last().map(|(_, sleeper)| sleeper)
    }

    /// Returns whether it was there.
    pub(super) fn remove(&mut self, ticket: Ticket) -> bool {
        self.sleepers.remove(&ticket.0).is_some()
    }

    fn is_empty(&self) -> bool {
        self.sleepers.is_empty()
    }
}

/// What the monitor has seen, without the lock, of the goroutines that run.
#[derive(Default)]
pub(super) struct Observations {
    /// Those that block.
    pub(super) blocked: Vec<Run>,
    /// Some of them may as well compute: nobody can tell.
    pub(super) is_guess: bool,
    /// Those that have run for so long that another one may run beside them.
    pub(super) overdue: Vec<Run>,
    /// The number of the last search, if it has gone on for long.
    pub(super) stale_search: Option<usize>,
}

/// A goroutine that a worker was at.
pub(super) struct Run {
    pub(super) p: &'static Processor,
    /// Which one it was.
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

/// What has come of a look.
pub(super) struct Look {
    /// How many searches there have been.
    pub(super) searches: usize,
    pub(super) is_waiting: bool,
    /// The system has refused a thread since the last look.
    pub(super) is_refused: bool,
    /// Whether some block, and no longer count.
    pub(super) has_replaced: bool,
    /// Whether some of those have run for too long no longer count.
    pub(super) has_preempted: bool,
}

/// The most workers that are called at a time. Whoever calls starts them one by one.
const LARGEST_BATCH: usize = 32;

/// What the monitor does. While there are workers it is there.
pub(super) enum Watch {
    /// It has ended, or could not be started.
    Absent,
    /// Somebody starts it: the start of this number.
    Starting(usize),
    /// It sleeps until it is called.
    Dozing(Arc<Sleeper>),
    Watching,
}

/// Not in memory that has to be got under the lock: an allocator may sleep.
pub(super) type Sleepers = [Option<Arc<Sleeper>>; LARGEST_BATCH];

/// Whom to wake or to start when the lock is free again.
#[allow(
    clippy::large_enum_variant,
    reason = "a box would be memory got under the lock"
)]
pub(super) enum Wakeup {
    /// Those that sleep, and so many new ones.
    Workers(Sleepers, usize),
    Monitor(Arc<Sleeper>),
    /// With the number of the start.
    NewMonitor(usize),
}

/// Who has queued a goroutine.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum QueuedBy {
    /// A goroutine, whose worker counts among those that run; or a thread that has ended.
    Worker,
    /// A thread that is no worker, and keeps a CPU busy.
    External,
}

impl QueuedBy {
    pub(super) fn of(holder: Holder) -> Self {
        match holder {
            Holder::External => Self::External,
            Holder::Nobody | Holder::Running | Holder::Stuck => Self::Worker,
        }
    }

    pub(super) fn signal(self) -> usize {
        match self {
            Self::Worker => WAKE_FOR_WORKER,
            Self::External => WAKE_FOR_EXTERNAL,
        }
    }

    /// How many threads keep a CPU busy without being workers.
    pub(super) fn external(self) -> usize {
        match self {
            Self::Worker => 0,
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
            starts: 0,
            is_refused: false,
        }
    }

    pub(super) fn signals(&self) -> usize {
        let mut signals = 0;
        for queued_by in [QueuedBy::Worker, QueuedBy::External] {
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

    /// Whether `call` does anything.
    pub(super) fn needs_wake(&self, external: usize) -> bool {
        let is_seen_to = match self.watch {
            Watch::Absent | Watch::Dozing(_) => self.is_searching,
            Watch::Starting(_) => true,
            Watch::Watching => self.is_searching || !self.has_room(external),
        };
        !is_seen_to
    }

    /// Whether one more worker should run beside so many `others`, and can. One may in any case.
    pub(super) fn has_room(&self, external: usize) -> bool {
        let is_free = self.running == 0 || self.running + external < self.max_procs;
        is_free && !self.is_refused()
    }

    /// Whether no worker can be had for now.
    fn is_refused(&self) -> bool {
        self.is_refused && self.idle.is_empty()
    }

    /// So many goroutines wait, and `others` keep CPUs busy: workers are to come, or else the monitor
    /// is to watch. A worker does not come before the monitor.
    pub(super) fn wake(&mut self, external: usize, waiting: usize) -> Option<Wakeup> {
        if waiting == 0 || !self.needs_wake(external) {
            return None;
        }
        if let Watch::Absent = self.watch {
            self.starts += 1;
            self.watch = Watch::Starting(self.starts);
            return Some(Wakeup::NewMonitor(self.starts));
        }
        if self.has_room(external) {
            return Some(self.wake_workers(waiting));
        }
        self.wake_monitor()
    }

    /// Some workers are to come.
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

    /// How many are to come at a time. If most of those that came last have blocked it is twice as many: those
    /// that wait are likely to block, too, and several threads start in hardly more time than one.
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

    /// A goroutine that was blocked goes on.
    pub(super) fn resume(&mut self) {
        self.running += 1;
        self.blocked = self.blocked.saturating_sub(1);
    }

    /// So many new workers are refused.
    pub(super) fn refuse(&mut self, new: usize) {
        self.running -= new;
        self.workers -= new;
        self.is_searching = false;
        self.is_refused = true;
        self.batch = 0;
    }

    /// The monitor is to watch, if it dozes.
    pub(super) fn wake_monitor(&mut self) -> Option<Wakeup> {
        match mem::replace(&mut self.watch, Watch::Watching) {
            Watch::Dozing(sleeper) => Some(Wakeup::Monitor(sleeper)),
            watch => {
                self.watch = watch;
                None
            }
        }
    }

    /// The monitor has been started. It may have come so far as to doze by now, or to end; then maybe
    /// somebody starts another one.
    pub(super) fn begin_watch(&mut self, start: usize) {
        if matches!(self.watch, Watch::Starting(latest) if latest == start) {
            self.watch = Watch::Watching;
        }
    }

    pub(super) fn begin_search(&mut self) {
        self.is_searching = true;
        self.searches += 1;
    }

    /// What follows from what the monitor has `seen`, while so many goroutines wait and `others` keep CPUs busy.
    pub(super) fn look(
        &mut self,
        seen: &Observations,
        external: usize,
        waiting: usize,
    ) -> (Look, Option<Wakeup>) {
        let mut look = Look {
            searches: self.searches,
            is_waiting: waiting > 0,
            is_refused: mem::take(&mut self.is_refused),
            has_replaced: false,
            has_preempted: false,
        };
        // Even if none waits: the next one shall find that there is room.
        let blocked = seen.blocked.iter().filter(|run| self.retake(run)).count();
        if !seen.is_guess {
            self.blocked += blocked;
        }
        if waiting == 0 {
            return (look, None);
        }
        if seen.stale_search == Some(self.searches) {
            // The searching worker does not get a CPU. It will find out what there is, later.
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

    /// If all that may run do, some that have run for too long no longer count. As often as that happens, half of
    /// the CPUs at most get another goroutine: those that have run for too long go on, unlike in Go.
    fn preempt(&mut self, runs: &[Run], external: usize) -> bool {
        if self.is_searching || self.running + external < self.max_procs {
            return false;
        }
        let most = (self.max_procs / 2).max(1);
        let runs = runs.iter().filter(|run| self.retake(run));
        runs.take(most).count() > 0
    }

    /// If it still runs, it keeps its processor and no longer counts.
    fn retake(&mut self, run: &Run) -> bool {
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
