//! The monitor: notices goroutines that block or spin in foreign code. Go's sysmon.

use super::scheduler::Look;
use super::{scheduler, system};
use std::time::{Duration, Instant};
use std::{io, mem, thread};

/// How often it looks while goroutines end.
const BASE: Duration = Duration::from_millis(1);
/// How often at most: as long as none ends and there are processors without work.
const SHORTEST: Duration = Duration::from_micros(50);
/// How often while there is no processor without work: then more threads mean fairness only.
const BUSY: Duration = Duration::from_millis(2);
/// How often at least, if the system refuses threads.
const LONGEST: Duration = Duration::from_millis(100);
/// It dozes off when so many looks in a row have found nothing queued.
const QUIET_LOOKS: u32 = 20;

pub(super) fn start() -> io::Result<()> {
    system::start_monitor(|| {
        let start = Instant::now();
        watch(start);
        while scheduler().doze() {
            watch(start);
        }
    })
}

/// Watches until there is nothing to watch.
fn watch(start: Instant) {
    let mut pace = Pace::new();
    let mut quiet_looks = 0;
    while quiet_looks < QUIET_LOOKS {
        thread::sleep(pace.interval);
        match scheduler().look(start.elapsed()) {
            Some(look) => {
                quiet_looks = 0;
                pace.adapt(&look);
            }
            None => {
                quiet_looks += 1;
                pace.interval = BASE;
            }
        }
    }
}

/// How often the monitor looks.
struct Pace {
    interval: Duration,
    /// How many goroutines had ended at the last look.
    ended: usize,
    load: Load,
}

impl Pace {
    fn new() -> Self {
        Self {
            interval: BASE,
            ended: scheduler().ended(),
            load: Load::new(),
        }
    }

    /// Goroutines wait.
    fn adapt(&mut self, look: &Look) {
        let before = mem::replace(&mut self.ended, scheduler().ended());
        let is_full = self.load.is_full(scheduler().processors());
        self.interval = if look.is_refused {
            LONGEST.min(2 * self.interval)
        } else if self.ended != before {
            BASE
        } else if is_full {
            BUSY
        } else {
            SHORTEST.max(self.interval / 2)
        };
    }
}

/// How much of the processors the process uses.
struct Load {
    time: Instant,
    used: Option<Duration>,
}

impl Load {
    fn new() -> Self {
        Self {
            time: Instant::now(),
            used: system::processor_time(),
        }
    }

    /// Whether it has used `processors` of them since the last call, but for a part of one.
    fn is_full(&mut self, processors: usize) -> bool {
        let now = Self::new();
        let before = mem::replace(self, now);
        let (Some(used), Some(used_before)) = (self.used, before.used) else {
            return true;
        };
        let full = (self.time - before.time).mul_f64(processors as f64 - 0.5);
        used.saturating_sub(used_before) >= full
    }
}
