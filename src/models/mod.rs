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

thread_local! {
    // Loom runs all threads of a model on one OS thread, so these belong to the model.
    static PATIENCE: Cell<usize> = const { Cell::new(usize::MAX) };
    static SPEED: Cell<Speed> = const { Cell::new(Speed::Counted) };
    static THOROUGH: Cell<bool> = const { Cell::new(false) };
    static CREDIT: Cell<u64> = const { Cell::new(ENOUGH) };
    static TIMEOUTS: Cell<Timeouts> = const { Cell::new(Timeouts::Early) };
    static WITNESSED: Cell<Option<bool>> = const { Cell::new(None) };
}

/// So much credit that no model uses it up.
const ENOUGH: u64 = 500;

/// Passes on whether the situation that a model is about has come up in this schedule. A model in
/// which it never does fails: it would prove nothing.
#[cfg(test)]
fn witness(came_up: bool) -> bool {
    WITNESSED.set(Some(came_up || WITNESSED.get() == Some(true)));
    came_up
}

/// How to explore a model.
#[cfg(test)]
#[derive(Clone, Copy)]
struct Model {
    preemptions: usize,
    patience: usize,
    timeouts: Timeouts,
    speed: Speed,
    credit: u64,
    is_thorough: bool,
}

#[cfg(test)]
impl Model {
    /// Two preemptions: the smallest bound at which a lost wake-up of a first draft was found.
    fn new() -> Self {
        Self {
            preemptions: 2,
            patience: usize::MAX,
            timeouts: Timeouts::Early,
            speed: match std::env::var("MODEL_SPEED").as_deref() {
                Ok("slots") => Speed::Slots,
                Ok("quiet") => Speed::Quiet,
                _ => Speed::Counted,
            },
            credit: ENOUGH,
            is_thorough: false,
        }
    }

    /// The locks are at `speed` from the start, and go no further.
    fn speed(self, speed: Speed) -> Self {
        Self { speed, ..self }
    }

    /// Tries all orders of the stores to slots and the loads, too; see `primitive`.
    fn thorough(self) -> Self {
        Self {
            is_thorough: true,
            ..self
        }
    }

    /// The locks have so much credit.
    fn credit(self, credit: u64) -> Self {
        Self { credit, ..self }
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

        PATIENCE.set(self.patience);
        TIMEOUTS.set(self.timeouts);
        SPEED.set(self.speed);
        CREDIT.set(self.credit);
        THOROUGH.set(self.is_thorough);
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound =
            Some(std::env::var("MODEL_BOUND").map_or(self.preemptions, |b| b.parse().unwrap()));
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
}
