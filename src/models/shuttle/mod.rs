//! Shuttle models of the real algorithms: random schedules of more threads than loom supports.
//!
//! `cargo xtask shuttle` runs them. They detect what loom's models do (see `models`), except for errors that
//! need a weak memory ordering: here every access is sequentially consistent. A lost wake-up is a deadlock,
//! which shuttle reports. Shuttle prints the seed of a schedule that fails; `SHUTTLE_RANDOM_SEED` repeats it.

pub(crate) mod primitive;

#[cfg(test)]
mod mutex;
#[cfg(test)]
mod rwmutex;
#[cfg(test)]
mod task;
#[cfg(test)]
mod wait_group;
#[cfg(test)]
mod workers;

use shuttle::rand::{Rng, thread_rng};
use shuttle::thread;
use std::time::Duration;

/// Gives shuttle the chance to switch to another thread.
fn pause() {
    // No time passes.
    thread::sleep(Duration::ZERO);
}

/// Gives other threads some time, of random length, to wake the current one before it times out.
pub(crate) fn let_time_pass() {
    for _ in 1..1 << thread_rng().gen_range(0..8) {
        pause();
    }
    // In a schedule with few switches, no other thread runs until this one yields.
    if thread_rng().gen_range(0..4) == 0 {
        thread::yield_now();
    }
}

/// How many schedules of each kind a model runs in, from `GOSYNC_SCHEDULES`. A broken lock usually fails in
/// one of a few hundred.
#[cfg(test)]
fn schedules() -> usize {
    let schedules = std::env::var("GOSYNC_SCHEDULES");
    schedules.map_or(10_000, |number| number.parse().expect("a number"))
}

/// Runs `body` in random schedules, and in as many schedules with few switches between threads. Each kind
/// finds errors that the other hardly ever does.
#[cfg(test)]
fn check(body: impl Fn() + Send + Sync + 'static) {
    use shuttle::scheduler::{PctScheduler, RandomScheduler};

    let body = std::sync::Arc::new(body);
    let again = std::sync::Arc::clone(&body);
    explore(RandomScheduler::new(schedules()), move || body());
    explore(PctScheduler::new(3, schedules()), move || again());
    println!("iterations: {}", 2 * schedules());
}

#[cfg(test)]
fn explore(
    scheduler: impl shuttle::scheduler::Scheduler + 'static,
    body: impl Fn() + Send + Sync + 'static,
) {
    let mut config = shuttle::Config::new();
    // They are about weak orderings, and about statics that are dropped, which `readers` tolerates.
    config.silence_warnings = true;
    shuttle::Runner::new(scheduler, config).run(move || {
        draw_circumstances();
        super::system::reset();
        body();
        super::park::let_deadlines_pass();
    });
    assert_ne!(
        super::WITNESSED.take(),
        Some(false),
        "the situation never came up"
    );
}

/// Draws at random what a loom model would set.
#[cfg(test)]
fn draw_circumstances() {
    use super::{CURRENT, ENOUGH, Model};
    use crate::speed::Speed;

    let speed = one_of([Speed::Counted, Speed::Slots, Speed::Quiet]);
    CURRENT.set(Model {
        speed,
        limit: speed,
        credit: one_of([1, ENOUGH]),
        spin_budget: one_of([0, 1, usize::MAX]),
        debts: one_of([0, 0, 1, 3]),
        is_late: one_of([false, false, true]),
        // At the higher price, each writer that has slept uses up the credit and so takes the slots away.
        price: one_of([0, 2 * ENOUGH]),
        ..Model::new()
    });
}

/// Changes what has been drawn, from here on.
#[cfg(test)]
fn adjust(change: impl FnOnce(&mut super::Model)) {
    let mut model = super::Model::current();
    change(&mut model);
    super::CURRENT.set(model);
}

#[cfg(test)]
fn one_of<T: Copy, const N: usize>(choices: [T; N]) -> T {
    choices[thread_rng().gen_range(0..N)]
}

/// Runs `body` on `count` threads, and passes each its number.
#[cfg(test)]
fn spawn<T: Send + 'static>(
    count: usize,
    body: impl Fn(usize) -> T + Clone + Send + 'static,
) -> Vec<thread::JoinHandle<T>> {
    let one = |index| {
        let body = body.clone();
        thread::spawn(move || body(index))
    };
    (0..count).map(one).collect()
}

/// Waits for the threads. Returns their results.
#[cfg(test)]
fn join<T>(threads: impl IntoIterator<Item = thread::JoinHandle<T>>) -> Vec<T> {
    let threads = threads.into_iter();
    threads.map(|thread| thread.join().unwrap()).collect()
}
