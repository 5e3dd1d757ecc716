//! Loom models of the real algorithms: every schedule within a bound on preemptions, and every value
//! that the C11 memory model lets a load return. What is too big for that stands in `shuttle`.
//!
//! `cargo xtask models` runs them. They drive `RawRWMutex`, `RawWaitGroup`, `Task` and the workers as they are;
//! `primitive`, `park`, `deque`, `barrier` and `system` stand in for the atomics, for parking_lot_core,
//! for crossbeam_deque, for membarrier and for the system's threads.
//!
//! What a model can see: a data race on the protected data, a deadlock (and so a lost wake-up), a
//! broken assertion, a flag that is left in the word when everybody has left.

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

/// When a timed wait times out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timeouts {
    /// Whenever the schedule lets it run on.
    Early,
    /// When everybody else has got as far as they can.
    Late,
    /// When the body of the model has come to its end.
    AtTheEnd,
}

/// Of which atomics loom tries all orders of stores and loads, which multiplies the schedules. Of the
/// others it tries most, and every value that a load may see in any case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Explored {
    /// The wait group's word.
    Little,
    /// The lock's word, too.
    Word,
    /// And the slots.
    Slots,
}

/// What `barrier::light` and `barrier::heavy` are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Barriers {
    /// Fences: a light one promises more than the real one does.
    Fences,
    /// A light one orders itself with heavy ones only. That takes more steps.
    Asymmetric,
}

/// Who watches the workers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Watch {
    /// The monitor's thread can be had, but it is the model that looks around.
    ByTheModel,
    ByMonitor,
    /// The system refuses the thread.
    Refused,
}

/// How many preemptions every model has besides its own: `GOSYNC_MORE_PREEMPTIONS`. One more makes it take
/// some ten times as long.
#[cfg(all(test, gosync_loom))]
fn more_preemptions() -> usize {
    let more = std::env::var("GOSYNC_MORE_PREEMPTIONS");
    more.map_or(0, |more| more.parse().expect("a number"))
}

/// So much credit that no model uses it up.
const ENOUGH: u64 = 500;

thread_local! {
    // A checker runs all threads of a model on one OS thread, so these belong to the model.
    static CURRENT: Cell<Model> = const { Cell::new(Model::new()) };
    static WITNESSED: Cell<Option<bool>> = const { Cell::new(None) };
}

checker::thread_local! {
    static NUMBER: usize = NEXT_NUMBER.fetch_add(1, Relaxed);
}

static NEXT_NUMBER: AtomicUsize = AtomicUsize::new(1);

/// A number that no other thread has or has had. An address would not do: no checker knows that a
/// thread which gets it again begins after the one that had it.
pub(crate) fn thread_number() -> usize {
    NUMBER.with(|number| *number)
}

/// Gives others the time to wake a thread before it times out, if the model wants that.
#[cfg(gosync_loom)]
fn let_time_pass() {
    if let Timeouts::Late = Model::current().timeouts {
        loom::thread::yield_now();
    }
}

/// Passes on whether the situation that a model is about has come up in this schedule. A model in
/// which it never does fails: it would prove nothing.
#[cfg(test)]
fn witness(came_up: bool) -> bool {
    WITNESSED.set(Some(came_up || WITNESSED.get() == Some(true)));
    came_up
}

/// A goroutine. To be joined: a wake-up that is lost on the way to it is a deadlock.
#[cfg(test)]
fn go(body: impl FnOnce() + Send + 'static) -> crate::task::Handle<'static, ()> {
    let (task, handle) = crate::task::Task::new(body, ());
    crate::workers::start(task);
    handle
}

/// Counts. Loom reports it if two threads do so, and neither knows of the other.
#[cfg(all(test, gosync_loom))]
struct Counter(primitive::UnsafeCell<usize>);

// SAFETY: loom reports it if accesses race.
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

    /// Returns how often this has been called.
    fn add_one(&self) -> usize {
        self.0.with_mut(|count| {
            // SAFETY: as above.
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
    /// Whether timed attempts have no time from the start.
    is_late: bool,
    explored: Explored,
    barriers: Barriers,
    /// How often the budget for barriers is found used up before there is enough of it.
    debts: usize,
    /// The speed of the locks when the model begins, and how far they may get.
    speed: Speed,
    limit: Speed,
    /// For so many reads' worth of writes.
    credit: u64,
    /// What a heavy barrier costs, in reads.
    price: u64,
    /// Whether each look at a price finds another one.
    #[cfg(gosync_shuttle)]
    any_prices: bool,
    /// How many workers may run, and how many threads the system has for them.
    procs: usize,
    threads: usize,
    watch: Watch,
    /// Whether goroutines that have not ended compute. Otherwise they block.
    computes: bool,
    /// Whether there is room on the stack for goroutines that somebody waits for.
    helps: bool,
}

impl Model {
    /// Two preemptions: the smallest bound at which a lost wake-up of a first draft was found.
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
    /// The locks are at `speed` from the start, and go no further.
    fn speed(self, speed: Speed) -> Self {
        Self {
            speed,
            limit: speed,
            ..self
        }
    }

    /// The locks may get as far as `limit`.
    fn limit(self, limit: Speed) -> Self {
        Self { limit, ..self }
    }

    /// Light barriers promise what the real ones do, and no more.
    fn asymmetric(self) -> Self {
        Self {
            barriers: Barriers::Asymmetric,
            ..self
        }
    }

    /// Timed attempts have no time from the start.
    fn late(self) -> Self {
        Self {
            is_late: true,
            ..self
        }
    }

    /// The budget for barriers is found used up so often.
    fn debts(self, debts: usize) -> Self {
        Self { debts, ..self }
    }

    /// The locks have credit for so many reads' worth of writes.
    fn credit(self, credit: u64) -> Self {
        Self { credit, ..self }
    }

    /// So many workers may run.
    fn procs(self, procs: usize) -> Self {
        Self { procs, ..self }
    }

    /// The system has so many threads for them.
    fn threads(self, threads: usize) -> Self {
        Self { threads, ..self }
    }

    fn watch(self, watch: Watch) -> Self {
        Self { watch, ..self }
    }

    /// Goroutines that have not ended compute.
    fn computing(self) -> Self {
        Self {
            computes: true,
            ..self
        }
    }

    fn timeouts(self, timeouts: Timeouts) -> Self {
        Self { timeouts, ..self }
    }

    /// Whoever waits for goroutines runs them.
    fn helping(self) -> Self {
        Self {
            helps: true,
            ..self
        }
    }

    /// Tries all orders of stores and loads of so much.
    fn explore(self, explored: Explored) -> Self {
        Self { explored, ..self }
    }

    /// Explores more schedules; for models of two threads.
    fn preemptions(self, preemptions: usize) -> Self {
        Self {
            preemptions,
            ..self
        }
    }

    /// A successor asks for a hand-off when it has lost `losses` times before.
    fn spin_budget(self, losses: usize) -> Self {
        Self {
            spin_budget: losses,
            ..self
        }
    }

    /// Runs `body` in every schedule, and says how many there were.
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
            // others, which need them. And before its own, so that thread must not lease anything: here it
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

    /// As `check`, with early and with late timeouts.
    fn check_timeouts(self, body: impl Fn() + Send + Sync + Clone + 'static) {
        for timeouts in [Timeouts::Early, Timeouts::Late] {
            let model = Self { timeouts, ..self };
            model.check(body.clone());
        }
    }

    /// As `check`, at every speed: with all its preemptions at *counted*, and with one or two at the others,
    /// at which everything takes more steps.
    fn check_speeds(self, body: impl Fn() + Send + Sync + Clone + 'static) {
        for model in self.at_every_speed() {
            model.check(body.clone());
        }
    }

    /// As `check`, at the speeds with slots.
    fn check_with_slots(self, body: impl Fn() + Send + Sync + Clone + 'static) {
        for speed in [Speed::Slots, Speed::Quiet] {
            self.speed(speed).check(body.clone());
        }
    }

    /// As `check_timeouts`, at the speeds with slots.
    fn check_timeouts_with_slots(self, body: impl Fn() + Send + Sync + Clone + 'static) {
        for speed in [Speed::Slots, Speed::Quiet] {
            self.speed(speed).check_timeouts(body.clone());
        }
    }

    /// As `check_timeouts`, at every speed.
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
