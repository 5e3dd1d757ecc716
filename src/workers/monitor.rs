//! The monitor: notices goroutines that block in foreign code, and those that compute for long. Go's sysmon.
//!
//! At each *look* it surveys the goroutines that run, and the queues.

use super::decisions::{Look, Observations, Run};
use super::processor::{Processor, SLICE};
use super::{scheduler, system};
use std::time::{Duration, Instant};
use std::{io, mem, thread};

/// The first interval between two looks, and the interval while goroutines block.
const MIN_INTERVAL: Duration = Duration::from_micros(50);
/// The longest interval while goroutines end.
const MAX_ACTIVE: Duration = Duration::from_millis(1);
/// The longest interval while all goroutines compute, or the system cannot tell what they do.
const MAX_BUSY: Duration = Duration::from_millis(2);
/// The longest interval while the system refuses threads.
const MAX_REFUSED: Duration = Duration::from_millis(100);
/// A search that began this long ago no longer holds up wake-ups: a searching worker that has a CPU would have
/// found by now what is queued.
const STALE_SEARCH: Duration = Duration::from_millis(1);
/// The monitor dozes off after this many looks in a row, at growing intervals, have found nothing queued.
/// From then on, a thread that queues a goroutine for which there is no room wakes the monitor. That costs
/// the thread more, but the next look comes sooner.
const QUIET_LOOKS: u32 = 3;

/// If more threads than this seem to block, the monitor first asks the system about a sample, of this size at
/// most.
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
    /// When it last looked, as the time since `start`.
    last_look: Duration,
    /// When a worker was last declared stuck because its goroutine had run for too long.
    last_preemption: Duration,
    /// Whether goroutines blocked at the last look.
    has_blocked_lately: bool,
    /// The number of the latest search that the monitor has seen, and when it first saw that number, as the time
    /// since `start`.
    search: (usize, Duration),
}

/// What the monitor has found out about the goroutines that run.
#[derive(Default)]
struct Survey {
    observations: Observations,
    /// Whether goroutines blocked at the last look, so that those started since are likely to block, too.
    has_blocked_lately: bool,
    /// Whether some worker has come to another goroutine.
    has_progress: bool,
}

impl Monitor {
    pub(super) fn new() -> Self {
        Self {
            start: Instant::now(),
            last_look: Duration::ZERO,
            last_preemption: Duration::ZERO,
            has_blocked_lately: false,
            search: (0, Duration::ZERO),
        }
    }

    /// Looks repeatedly, until `QUIET_LOOKS` looks in a row have found nothing queued.
    fn watch(&mut self) {
        let mut interval = MIN_INTERVAL;
        let mut quiet_looks = 0;
        while quiet_looks < QUIET_LOOKS {
            let passed = self.start.elapsed() - self.last_look;
            thread::sleep(interval.saturating_sub(passed));
            let (survey, look) = self.look(self.start.elapsed());
            (interval, quiet_looks) = if look.has_waiting {
                (survey.next_interval(&look, interval), 0)
            } else {
                (MIN_INTERVAL * 2_u32.pow(quiet_looks), quiet_looks + 1)
            };
        }
    }

    /// Surveys the goroutines that run, and lets the scheduler see to those that wait in queues. `now` is the
    /// time since `start`.
    fn look(&mut self, now: Duration) -> (Survey, Look) {
        let survey = self.survey_running(now);
        let look = scheduler().look(&survey.observations);
        self.has_blocked_lately = look.has_replaced && !survey.observations.is_guess;
        if look.has_preempted {
            self.last_preemption = now;
        }
        if look.searches != self.search.0 {
            self.search = (look.searches, now);
        }
        (survey, look)
    }

    fn survey_running(&mut self, now: Duration) -> Survey {
        let passed = now - mem::replace(&mut self.last_look, now);
        let may_preempt = now - self.last_preemption >= SLICE;
        let (search, since) = self.search;
        let mut survey = Survey {
            has_blocked_lately: self.has_blocked_lately,
            ..Survey::default()
        };
        survey.observations.stale_search = (now - since >= STALE_SEARCH).then_some(search);
        for p in scheduler().running_processors() {
            survey.look_at(p, passed);
            let run_time = p.observe_outer_run(now);
            if may_preempt && run_time >= SLICE {
                survey.observations.overdue.push(Run::now(p));
            }
        }
        survey.drop_awake(|run| system::sleeps(run.p.thread.get()));
        survey
    }

    /// Looks as if this much time had `passed` since the last look: models have their own clock. Returns
    /// whether goroutines wait.
    #[cfg(gosync_model)]
    pub(super) fn look_after(&mut self, passed: Duration) -> bool {
        self.look(self.last_look + passed).1.has_waiting
    }
}

impl Survey {
    /// Notes whether the worker at `p` has come to another goroutine, and whether its goroutine seems to
    /// block: the thread has used hardly any of the time that has `passed` since the last look.
    fn look_at(&mut self, p: &'static Processor, passed: Duration) {
        let run = Run::now(p);
        let used = system::cpu_time_of(p.thread.get()).map(|time| p.observe_cpu_time(time));
        if !p.is_in_goroutine() {
            return;
        }
        if !p.observe_same_run(run.runs) {
            self.has_progress = true;
            if !self.has_blocked_lately {
                return;
            }
        }
        // A blocked thread may have used a little: it may wake up only to sleep again.
        if used.is_none_or(|used| used < passed / 8) {
            self.observations.blocked.push(run);
        }
    }

    /// Drops the goroutines whose threads do not sleep but wait for a CPU, as far as `sleeps` can tell. A
    /// question to the system costs a good part of what a new thread costs. So if many threads seem to block,
    /// only a sample is asked first: if all of the sample sleep, the others usually do, too.
    fn drop_awake(&mut self, sleeps: impl Fn(&Run) -> Option<bool>) {
        let blocked = &mut self.observations.blocked;
        let step = blocked.len().div_ceil(SAMPLE).max(1);
        let mut sample = blocked.iter().step_by(step);
        if step > 1 && sample.all(|run| sleeps(run) == Some(true)) {
            return;
        }
        blocked.retain(|run| {
            let sleeps = sleeps(run);
            self.observations.is_guess |= sleeps.is_none();
            sleeps != Some(false)
        });
    }

    /// Returns the interval until the next look, given that goroutines wait.
    fn next_interval(&self, look: &Look, last: Duration) -> Duration {
        let (least, most) = if look.is_refused {
            (MAX_ACTIVE, MAX_REFUSED)
        } else if self.observations.is_guess {
            (MAX_BUSY, MAX_BUSY)
        } else if look.has_replaced {
            (MIN_INTERVAL, MIN_INTERVAL)
        } else if self.has_progress {
            (MIN_INTERVAL, MAX_ACTIVE)
        } else {
            (MIN_INTERVAL, MAX_BUSY)
        };
        (2 * last).clamp(least, most)
    }
}

#[cfg(all(test, not(gosync_model)))]
mod tests;
