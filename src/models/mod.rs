//! Loom models of the real algorithms. Loom runs each model in every schedule within a bound on preemptions,
//! and with every value that the C11 memory model lets a load return. `shuttle` has models too big for loom.
//!
//! `cargo xtask models` runs them. They drive the real `RawRWMutex`, `RawWaitGroup`, `Task` and workers.
//! `primitive`, `park`, `deque`, `barrier` and `system` replace the atomics, parking_lot_core,
//! crossbeam_deque, membarrier and the system's threads.
//!
//! A model detects a data race on the protected data, a deadlock (and so a lost wake-up), a failed assertion,
//! and a flag that stays in the word after every thread has left the lock.

#[cfg(gosync_loom)]
pub(crate) use ::loom as checker;
#[cfg(gosync_shuttle)]
pub(crate) use ::shuttle as checker;

pub(crate) mod barrier;
#[cfg(all(test, gosync_loom))]
mod cond;
pub(crate) mod deque;
#[cfg(all(test, gosync_loom))]
mod errgroup;
pub(crate) mod faces;
pub(crate) mod park;
pub(crate) mod prices;
#[cfg(gosync_loom)]
pub(crate) mod primitive;
#[cfg(all(test, gosync_loom))]
mod semaphore;
#[cfg(gosync_shuttle)]
mod shuttle;
#[cfg(all(test, gosync_loom))]
mod singleflight;
pub(crate) mod spin;
pub(crate) mod system;

#[cfg(gosync_shuttle)]
pub(crate) use shuttle::{let_time_pass, primitive};

#[cfg(test)]
mod lock;
#[cfg(all(test, gosync_loom))]
mod mutex;
#[cfg(all(test, gosync_loom))]
mod readers;
#[cfg(all(test, gosync_loom))]
mod rwmutex;
#[cfg(all(test, gosync_loom))]
mod task;
#[cfg(all(test, gosync_loom))]
mod threads;
#[cfg(all(test, gosync_loom))]
mod upgrade;
#[cfg(all(test, gosync_loom))]
mod wait_group;
#[cfg(all(test, gosync_loom))]
mod workers;

use crate::speed::Speed;
use std::cell::Cell;
#[cfg(all(test, gosync_loom))]
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// When a timed wait times out, if no other thread wakes it first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timeouts {
    /// At any moment: as soon as the schedule lets the waiting thread run.
    Early,
    /// After the other threads have run as far as they can.
    Late,
    /// After the body of the model has returned.
    AtTheEnd,
}

/// The atomics for which loom tries all orders of stores and loads, which multiplies the schedules. For the
/// other atomics it tries most orders. It tries every value that a load may return in any case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Explored {
    /// Each `AtomicUsize`, such as the wait group's word.
    Little,
    /// Also each `AtomicU64`: the word of the RWMutex.
    Word,
    /// Also each `AtomicU32`, such as the slots and the mutex's word.
    Slots,
}

/// How the models implement `barrier::light` and `barrier::heavy`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Barriers {
    /// As fences. Then a light barrier promises more than the real one does.
    Fences,
    /// As in reality: a light barrier is ordered only with heavy ones. This takes more steps.
    Asymmetric,
}

/// How the workers are monitored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Watch {
    /// The monitor appears to start, but no thread runs it. The model calls `Monitor::look` itself.
    ByTheModel,
    /// By a monitor thread.
    ByMonitor,
    /// Not at all: the system refuses to start the monitor's thread.
    Refused,
}

/// The number of preemptions added to the bound of every model, from `GOSYNC_MORE_PREEMPTIONS`. One more
/// makes a model take about ten times as long.
#[cfg(all(test, gosync_loom))]
fn more_preemptions() -> usize {
    let more = std::env::var("GOSYNC_MORE_PREEMPTIONS");
    more.map_or(0, |more| more.parse().expect("a number"))
}

/// More credit than any model uses up.
const ENOUGH: u64 = 500;

thread_local! {
    // A checker runs all threads of a model on one OS thread, so all of them share these variables.
    static CURRENT: Cell<Model> = const { Cell::new(Model::new()) };
    static WITNESSED: Cell<Option<bool>> = const { Cell::new(None) };
}

checker::thread_local! {
    static NUMBER: usize = NEXT_NUMBER.fetch_add(1, Relaxed);
}

static NEXT_NUMBER: AtomicUsize = AtomicUsize::new(1);

/// Returns a number that no other thread has or ever had. An address could be reused, and no checker knows
/// that the thread that reuses it begins after the previous one has ended.
pub(crate) fn thread_number() -> usize {
    NUMBER.with(|number| *number)
}

/// Gives other threads time to wake the current one before it times out, if the model has late timeouts.
#[cfg(gosync_loom)]
fn let_time_pass() {
    if let Timeouts::Late = Model::current().timeouts {
        loom::thread::yield_now();
    }
}

/// Records whether the situation that the model is about came up in this schedule, and returns it. A model in
/// which it never comes up fails, because it would prove nothing.
#[cfg(test)]
fn witness(came_up: bool) -> bool {
    WITNESSED.set(Some(came_up || WITNESSED.get() == Some(true)));
    came_up
}

/// Starts a goroutine. In a model that joins it, a lost wake-up shows as a deadlock.
#[cfg(test)]
fn go(body: impl FnOnce() + Send + 'static) -> crate::task::Handle<'static, ()> {
    let (task, handle) = crate::task::Task::new(body, ());
    crate::workers::start(task);
    handle
}

/// A counter. Loom reports a race if two threads use it and neither use happens before the other.
#[cfg(all(test, gosync_loom))]
struct Counter(primitive::UnsafeCell<usize>);

// SAFETY: loom reports accesses that race.
#[cfg(all(test, gosync_loom))]
unsafe impl Send for Counter {}
// SAFETY: as above.
#[cfg(all(test, gosync_loom))]
unsafe impl Sync for Counter {}

#[cfg(all(test, gosync_loom))]
impl Counter {
    fn new() -> Arc<Self> {
        Arc::new(Self(primitive::UnsafeCell::new(0)))
    }

    /// Adds 1. Returns the new count.
    fn add_one(&self) -> usize {
        self.0.with_mut(|count| {
            // SAFETY: loom reports accesses that race.
            unsafe {
                *count += 1;
                *count
            }
        })
    }
}

/// How to explore a model.
#[derive(Clone, Copy)]
pub(crate) struct Model {
    preemptions: usize,
    spin_budget: usize,
    timeouts: Timeouts,
    /// Whether the deadline of a timed attempt has passed when it begins.
    is_late: bool,
    explored: Explored,
    barriers: Barriers,
    /// How often `barrier::is_sleep_affordable` returns false before it returns true.
    debts: usize,
    /// The speed of a new lock, and the highest speed that locks may reach.
    speed: Speed,
    limit: Speed,
    /// The credit of a lock that begins with slots, in reads.
    credit: u64,
    /// The price of a heavy barrier, in reads.
    price: u64,
    /// Whether each call for a price draws another one.
    #[cfg(gosync_shuttle)]
    any_prices: bool,
    /// How many workers may run, and how many threads the system grants for them.
    procs: usize,
    threads: usize,
    watch: Watch,
    /// Whether unfinished goroutines compute. Otherwise they block.
    computes: bool,
    /// Whether a waiting thread has enough stack to run goroutines on it.
    helps: bool,
}

impl Model {
    /// With two preemptions: the smallest bound that found a lost wake-up in an early draft.
    const fn new() -> Self {
        Self {
            preemptions: 2,
            spin_budget: usize::MAX,
            timeouts: Timeouts::Early,
            is_late: false,
            explored: Explored::Word,
            speed: Speed::Counted,
            limit: Speed::Counted,
            barriers: Barriers::Fences,
            debts: 0,
            credit: ENOUGH,
            price: 0,
            #[cfg(gosync_shuttle)]
            any_prices: false,
            procs: 1,
            threads: 2,
            watch: Watch::ByTheModel,
            computes: false,
            helps: false,
        }
    }

    fn current() -> Self {
        CURRENT.get()
    }
}

#[cfg(all(test, gosync_loom))]
impl Model {
    /// Starts locks at `speed`, and lets them go no higher.
    fn speed(self, speed: Speed) -> Self {
        Self {
            speed,
            limit: speed,
            ..self
        }
    }

    /// Lets locks go as high as `limit`.
    fn limit(self, limit: Speed) -> Self {
        Self { limit, ..self }
    }

    /// Makes light barriers promise no more than the real ones do.
    fn asymmetric(self) -> Self {
        Self {
            barriers: Barriers::Asymmetric,
            ..self
        }
    }

    /// Starts each timed attempt with its deadline already passed.
    fn late(self) -> Self {
        Self {
            is_late: true,
            ..self
        }
    }

    /// Makes the barrier budget appear used up `debts` times.
    fn debts(self, debts: usize) -> Self {
        Self { debts, ..self }
    }

    /// Gives locks that begin with slots this credit, in reads.
    fn credit(self, credit: u64) -> Self {
        Self { credit, ..self }
    }

    /// Sets how many workers may run.
    fn procs(self, procs: usize) -> Self {
        Self { procs, ..self }
    }

    /// Sets how many threads the system grants for workers.
    fn threads(self, threads: usize) -> Self {
        Self { threads, ..self }
    }

    fn watch(self, watch: Watch) -> Self {
        Self { watch, ..self }
    }

    /// Makes unfinished goroutines appear to compute.
    fn computing(self) -> Self {
        Self {
            computes: true,
            ..self
        }
    }

    fn timeouts(self, timeouts: Timeouts) -> Self {
        Self { timeouts, ..self }
    }

    /// Lets a thread that waits for goroutines run them on its own stack.
    fn helping(self) -> Self {
        Self {
            helps: true,
            ..self
        }
    }

    /// Sets the atomics for which all orders of stores and loads are tried.
    fn explore(self, explored: Explored) -> Self {
        Self { explored, ..self }
    }

    /// Sets the bound on preemptions. More than the default of 2 is for models of two threads.
    fn preemptions(self, preemptions: usize) -> Self {
        Self {
            preemptions,
            ..self
        }
    }

    /// Lets a successor ask for a hand-off once it has lost the lock `losses` times.
    fn spin_budget(self, losses: usize) -> Self {
        Self {
            spin_budget: losses,
            ..self
        }
    }

    /// Runs `body` in every schedule, and prints the number of schedules.
    fn check(self, body: impl Fn() + Send + Sync + 'static) {
        CURRENT.set(self);
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(self.preemptions + more_preemptions());
        builder.max_branches = 5_000;
        let schedules = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&schedules);
        let start = std::time::Instant::now();
        builder.check(move || {
            counter.fetch_add(1, Relaxed);
            CURRENT.set(self);
            park::touch();
            barrier::touch();
            primitive::reset();
            system::reset();
            body();
            park::let_deadlines_pass();
            // Loom drops its statics when the main thread ends, maybe before the thread-local variables of
            // other threads, which use them. So wait for those threads. Loom also drops the main thread's own
            // thread-local variables after the statics, so the main thread must not lease a block: here it
            // would wait for itself.
            while !(system::all_threads_have_ended()
                && crate::readers::models::all_threads_have_exited())
            {
                loom::thread::yield_now();
            }
        });
        assert_ne!(WITNESSED.take(), Some(false), "the situation never came up");
        let name = std::thread::current().name().unwrap_or("?").to_owned();
        let (schedules, time) = (schedules.load(Relaxed), start.elapsed());
        println!("{name}: {schedules} schedules, {:.1} s", time.as_secs_f32());
    }

    /// Runs `check` with early and with late timeouts.
    fn check_timeouts(self, body: impl Fn() + Send + Sync + Clone + 'static) {
        for timeouts in [Timeouts::Early, Timeouts::Late] {
            let model = Self { timeouts, ..self };
            model.check(body.clone());
        }
    }

    /// Runs `check` at every speed. *Counted* gets all the preemptions, the other speeds one or two, because
    /// each operation takes more steps there.
    fn check_speeds(self, body: impl Fn() + Send + Sync + Clone + 'static) {
        for model in self.at_every_speed() {
            model.check(body.clone());
        }
    }

    /// Runs `check` at the speeds with slots.
    fn check_with_slots(self, body: impl Fn() + Send + Sync + Clone + 'static) {
        for speed in [Speed::Slots, Speed::Quiet] {
            self.speed(speed).check(body.clone());
        }
    }

    /// Runs `check_timeouts` at the speeds with slots.
    fn check_timeouts_with_slots(self, body: impl Fn() + Send + Sync + Clone + 'static) {
        for speed in [Speed::Slots, Speed::Quiet] {
            self.speed(speed).check_timeouts(body.clone());
        }
    }

    /// Runs `check_timeouts` at every speed.
    fn check_speeds_and_timeouts(self, body: impl Fn() + Send + Sync + Clone + 'static) {
        for model in self.at_every_speed() {
            model.check_timeouts(body.clone());
        }
    }

    fn at_every_speed(self) -> [Self; 3] {
        let bounded = self.preemptions((self.preemptions.min(3) - 1).max(1));
        [
            self,
            bounded.speed(Speed::Slots),
            bounded.speed(Speed::Quiet),
        ]
    }
}
