//! Whether a worker is called, woken or added when a goroutine waits, and who loses its place: what follows from
//! the state of all workers.

use super::place::{Free, Holder, Place};
use super::sleeper::Sleeper;
use std::mem;
use std::sync::Arc;

/// A goroutine that another one has queued needs a call.
pub(super) const GOROUTINE_CALLS: usize = 1;
/// One that a thread has queued which is no worker needs a call.
pub(super) const STRANGER_CALLS: usize = 2;
/// More workers run than may.
pub(super) const SURPLUS: usize = 4;
/// Nobody knows yet whether there will be a monitor.
pub(super) const STARTING: usize = 8;

pub(super) struct State {
    /// How many workers may run.
    pub(super) max_procs: usize,
    /// How many do: they have been called, and are neither blocked nor stuck.
    pub(super) running: usize,
    /// Whether one of them looks for goroutines.
    pub(super) is_searching: bool,
    /// How many searches there have been, and at the monitor's last look.
    pub(super) searches: usize,
    pub(super) seen_searches: usize,
    /// The workers that sleep, the longest first.
    pub(super) idle: Vec<Arc<Sleeper>>,
    /// The places that nobody has.
    pub(super) free: Free,
    /// How many workers there are.
    pub(super) workers: usize,
    pub(super) watch: Watch,
    /// How often somebody has begun to start the monitor.
    pub(super) starts: usize,
    /// Whether the system has refused a thread.
    pub(super) is_refused: bool,
}

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

/// Whom to wake or to start when the lock is free again.
pub(super) enum Call {
    Sleeper(Arc<Sleeper>),
    NewWorker,
    /// With the number of the start.
    NewMonitor(usize),
}

/// Who has queued a goroutine.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Caller {
    /// A goroutine, whose worker counts among those that run; or a thread that has ended.
    Goroutine,
    /// A thread that is no worker, and keeps a processor busy.
    Stranger,
}

impl Caller {
    pub(super) fn of(holder: Holder) -> Self {
        match holder {
            Holder::Stranger => Self::Stranger,
            Holder::Free | Holder::Running | Holder::Stuck => Self::Goroutine,
        }
    }

    pub(super) fn signal(self) -> usize {
        match self {
            Self::Goroutine => GOROUTINE_CALLS,
            Self::Stranger => STRANGER_CALLS,
        }
    }

    /// How many threads keep a processor busy without being workers.
    pub(super) fn others(self) -> usize {
        match self {
            Self::Goroutine => 0,
            Self::Stranger => 1,
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
            seen_searches: 0,
            idle: Vec::new(),
            free: Free::default(),
            workers: 0,
            watch: Watch::Absent,
            starts: 0,
            is_refused: false,
        }
    }

    pub(super) fn signals(&self) -> usize {
        let mut signals = 0;
        for caller in [Caller::Goroutine, Caller::Stranger] {
            if self.wants_call(caller.others()) {
                signals |= caller.signal();
            }
        }
        if self.running > self.max_procs {
            signals |= SURPLUS;
        }
        if let Watch::Starting(_) = self.watch {
            signals |= STARTING;
        }
        signals
    }

    /// Whether `call` does anything.
    pub(super) fn wants_call(&self, others: usize) -> bool {
        let is_seen_to = match self.watch {
            Watch::Absent | Watch::Dozing(_) => self.is_searching,
            Watch::Starting(_) => true,
            Watch::Watching => self.is_searching || !self.has_room(others),
        };
        !is_seen_to
    }

    /// Whether one more worker should run beside so many `others`, and can. One may in any case.
    pub(super) fn has_room(&self, others: usize) -> bool {
        let is_free = self.running == 0 || self.running + others < self.max_procs;
        is_free && !(self.is_refused && self.idle.is_empty())
    }

    /// A goroutine waits, and `others` keep processors busy: a worker is to come, or else the monitor
    /// to watch. A worker does not come before the monitor.
    pub(super) fn call(&mut self, others: usize) -> Option<Call> {
        if !self.wants_call(others) {
            return None;
        }
        if let Watch::Absent = self.watch {
            self.starts += 1;
            self.watch = Watch::Starting(self.starts);
            return Some(Call::NewMonitor(self.starts));
        }
        if self.has_room(others) {
            self.running += 1;
            self.begin_search();
            return Some(match self.idle.pop() {
                Some(sleeper) => Call::Sleeper(sleeper),
                None => {
                    self.workers += 1;
                    Call::NewWorker
                }
            });
        }
        self.call_monitor()
    }

    /// The monitor is to watch, if it dozes.
    pub(super) fn call_monitor(&mut self) -> Option<Call> {
        match mem::replace(&mut self.watch, Watch::Watching) {
            Watch::Dozing(sleeper) => Some(Call::Sleeper(sleeper)),
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

    /// Takes the place from a goroutine that has not come to an end since the last look.
    pub(super) fn retake(&mut self, place: &Place) {
        if place.holder() == Holder::Running {
            place.set_holder(Holder::Stuck);
            self.running -= 1;
        }
    }
}
