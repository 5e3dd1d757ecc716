//! The monitor: notices goroutines that block in foreign code, and those that compute for long. Go's sysmon.

use super::decisions::{Look, Observations, Run};
use super::processor::{Processor, SLICE};
use super::{scheduler, system};
use std::time::{Duration, Instant};
use std::{io, mem, thread};

/// How often it looks at first, and while goroutines block.
const SHORTEST: Duration = Duration::from_micros(50);
/// How often at least while goroutines end.
const BASE: Duration = Duration::from_millis(1);
/// How often at least while all compute, or nobody can tell.
const BUSY: Duration = Duration::from_millis(2);
/// How often at least if the system refuses threads.
const LONGEST: Duration = Duration::from_millis(100);
/// A worker that is called, or has begun to search, has found out by then what there is, if it gets a CPU.
const LONG_SEARCH: Duration = Duration::from_millis(1);
/// It dozes off when so many looks in a row, ever later, have found nothing queued. Whoever queues a goroutine for which
/// there is no room wakes it then: that takes longer, but the look comes sooner.
const QUIET_LOOKS: u32 = 3;

/// Of so many threads that stand still the system is asked whether they sleep.
const SAMPLE: usize = 4;

pub(super) fn start() -> io::Result<()> {
    system::start_monitor(|| {
        let mut monitor = Monitor::new();
        monitor.watch();
        while scheduler().doze() {
            monitor.watch();
        }
    })
}

pub(super) struct Monitor {
    start: Instant,
    /// When it last looked, since the start.
    looked: Duration,
    /// When a goroutine that had run for too long last made room.
    preempted: Duration,
    /// Whether goroutines blocked at the last look.
    is_storm: bool,
    /// The last search that it knows of, and since when.
    search: (usize, Duration),
}

/// What the goroutines do that have been looked at.
#[derive(Default)]
struct Survey {
    seen: Observations,
    /// Goroutines blocked at the last look, so those that have been started since are likely to block.
    is_storm: bool,
    /// Some worker has come to another goroutine.
    observe_activity: bool,
}

impl Monitor {
    pub(super) fn new() -> Self {
        Self {
            start: Instant::now(),
            looked: Duration::ZERO,
            preempted: Duration::ZERO,
            is_storm: false,
            search: (0, Duration::ZERO),
        }
    }

    /// Watches until there is nothing to watch.
    fn watch(&mut self) {
        let mut interval = SHORTEST;
        let mut quiet_looks = 0;
        while quiet_looks < QUIET_LOOKS {
            let passed = self.start.elapsed() - self.looked;
            thread::sleep(interval.saturating_sub(passed));
            let (survey, look) = self.look(self.start.elapsed());
            (interval, quiet_looks) = if look.is_waiting {
                (survey.next_interval(&look, interval), 0)
            } else {
                (SHORTEST * 2_u32.pow(quiet_looks), quiet_looks + 1)
            };
        }
    }

    /// Looks after the goroutines that nobody has started, and at those that run. `now` is the time since the start.
    fn look(&mut self, now: Duration) -> (Survey, Look) {
        let survey = self.survey_running(now);
        let look = scheduler().look(&survey.seen);
        self.is_storm = look.has_replaced && !survey.seen.is_guess;
        if look.has_preempted {
            self.preempted = now;
        }
        if look.searches != self.search.0 {
            self.search = (look.searches, now);
        }
        (survey, look)
    }

    fn survey_running(&mut self, now: Duration) -> Survey {
        let passed = now - mem::replace(&mut self.looked, now);
        let may_preempt = now - self.preempted >= SLICE;
        let (search, since) = self.search;
        let mut survey = Survey {
            is_storm: self.is_storm,
            ..Survey::default()
        };
        survey.seen.stale_search = (now - since >= LONG_SEARCH).then_some(search);
        for p in scheduler().running() {
            survey.look_at(p, passed);
            let round = p.observe_outer_run(now);
            if may_preempt && round >= SLICE {
                survey.seen.overdue.push(Run::now(p));
            }
        }
        survey.drop_awake(|run| system::sleeps(run.p.thread.get()));
        survey
    }

    /// In models it is they who say what time it is. Returns whether goroutines wait.
    #[cfg(gosync_model)]
    pub(super) fn look_after(&mut self, passed: Duration) -> bool {
        self.look(self.looked + passed).1.is_waiting
    }
}

impl Survey {
    /// Notes what `p` is at, and whether its thread has stood still for all of the time that has `passed` since the
    /// last look.
    fn look_at(&mut self, p: &'static Processor, passed: Duration) {
        let run = Run::now(p);
        let used = system::cpu_time_of(p.thread.get()).map(|time| p.observe_cpu_time(time));
        if !p.is_in_goroutine() {
            return;
        }
        if !p.observe_run(run.runs) {
            self.observe_activity = true;
            if !self.is_storm {
                return;
            }
        }
        // It may have used a little, as one does that wakes up to sleep again.
        if used.is_none_or(|used| used < passed / 8) {
            self.seen.blocked.push(run);
        }
    }

    /// Leaves those out whose threads do not sleep, but wait for a CPU, as `sleeps` says if it can. To ask the
    /// system costs a good part of what a new thread costs, so of many only some are asked: where those sleep the
    /// others do, too, as a rule.
    fn drop_awake(&mut self, sleeps: impl Fn(&Run) -> Option<bool>) {
        let blocked = &mut self.seen.blocked;
        let step = blocked.len().div_ceil(SAMPLE).max(1);
        let mut sample = blocked.iter().step_by(step);
        if step > 1 && sample.all(|run| sleeps(run) == Some(true)) {
            return;
        }
        blocked.retain(|run| {
            let sleeps = sleeps(run);
            self.seen.is_guess |= sleeps.is_none();
            sleeps != Some(false)
        });
    }

    /// Goroutines wait.
    fn next_interval(&self, look: &Look, last: Duration) -> Duration {
        let (least, most) = if look.is_refused {
            (BASE, LONGEST)
        } else if self.seen.is_guess {
            (BUSY, BUSY)
        } else if look.has_replaced {
            (SHORTEST, SHORTEST)
        } else if self.observe_activity {
            (SHORTEST, BASE)
        } else {
            (SHORTEST, BUSY)
        };
        (2 * last).clamp(least, most)
    }
}

#[cfg(all(test, not(gosync_model)))]
mod tests;
