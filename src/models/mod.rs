//! Loom models of the real algorithms: every schedule within a bound on preemptions, and every value
//! that the C11 memory model lets a load return.
//!
//! `cargo xtask models` runs them. They drive `RawRWMutex`, `RawWaitGroup` and `Task` as they are;
//! `primitive` and `park` stand in for the atomics and for parking_lot_core.
//!
//! What a model can see: a data race on the protected data, a deadlock (and so a lost wake-up), a
//! broken assertion, a word that is not 0 when everybody has left.

pub(crate) mod barrier;
pub(crate) mod park;
pub(crate) mod primitive;

#[cfg(test)]
mod lock;
#[cfg(test)]
mod readers;
#[cfg(test)]
mod rwmutex;
#[cfg(test)]
mod task;
#[cfg(test)]
mod wait_group;

use crate::forced::Speed;
use std::cell::Cell;

/// When a timed wait times out.
#[derive(Clone, Copy)]
pub(crate) enum Timeouts {
    /// Whenever the schedule lets it run on.
    Early,
    /// When everybody else has got as far as they can.
    Late,
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

thread_local! {
    // Loom runs all threads of a model on one OS thread, so these belong to the model.
    static CURRENT: Cell<Model> = const { Cell::new(Model::new()) };
    static WITNESSED: Cell<Option<bool>> = const { Cell::new(None) };
}

/// Passes on whether the situation that a model is about has come up in this schedule. A model in
/// which it never does fails: it would prove nothing.
#[cfg(test)]
fn witness(came_up: bool) -> bool {
    WITNESSED.set(Some(came_up || WITNESSED.get() == Some(true)));
    came_up
}

/// How to explore a model.
#[derive(Clone, Copy)]
pub(crate) struct Model {
    preemptions: usize,
    patience: usize,
    timeouts: Timeouts,
    explored: Explored,
    /// The speed of the locks when the model begins, and how far they may get.
    speed: Speed,
    limit: Speed,
    credit: u64,
}

impl Model {
    /// Two preemptions: the smallest bound at which a lost wake-up of a first draft was found.
    const fn new() -> Self {
        Self {
            preemptions: 2,
            patience: usize::MAX,
            timeouts: Timeouts::Early,
            explored: Explored::Word,
            speed: Speed::Counted,
            limit: Speed::Counted,
            // More than any model uses up.
            credit: 500,
        }
    }

    fn current() -> Self {
        CURRENT.get()
    }
}

#[cfg(test)]
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

    /// The locks have credit for so many reads' worth of writes.
    fn credit(self, credit: u64) -> Self {
        Self { credit, ..self }
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

    /// An heir asks for a hand-off when it has lost `losses` times before.
    fn patience(self, losses: usize) -> Self {
        Self {
            patience: losses,
            ..self
        }
    }

    /// Runs `body` in every schedule, and says how many there were.
    fn check(self, body: impl Fn() + Send + Sync + 'static) {
        use std::sync::Arc;
        use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

        CURRENT.set(self);
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(self.preemptions);
        builder.max_branches = 5_000;
        let schedules = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&schedules);
        let start = std::time::Instant::now();
        let body = Arc::new(body);
        builder.check(move || {
            counter.fetch_add(1, Relaxed);
            park::touch();
            let body = Arc::clone(&body);
            // Loom drops its statics before the main thread's thread-local variables, which need them,
            // and maybe before those of others.
            loom::thread::spawn(move || body()).join().unwrap();
            while !crate::readers::models::all_leases_have_ended() {
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

    /// As `check`, at every speed: with all its preemptions at *counted*, and with two at the others,
    /// at which everything takes more steps.
    fn check_speeds(self, body: impl Fn() + Send + Sync + Clone + 'static) {
        for model in self.at_every_speed() {
            model.check(body.clone());
        }
    }

    /// As `check_timeouts`, at every speed.
    fn check_speeds_and_timeouts(self, body: impl Fn() + Send + Sync + Clone + 'static) {
        for model in self.at_every_speed() {
            model.check_timeouts(body.clone());
        }
    }

    fn at_every_speed(self) -> [Self; 3] {
        let bounded = self.preemptions(self.preemptions.min(2));
        [
            self,
            bounded.speed(Speed::Slots),
            bounded.speed(Speed::Quiet),
        ]
    }
}
