//! What `crate::workers::system` is in the models: as many CPUs and threads as the model says.

use super::{Model, Watch, checker};
use crate::workers::models as workers;
use std::cell::Cell;
use std::io;
use std::time::Duration;

thread_local! {
    // As in `models`, these belong to the model.
    /// How many threads the system has left.
    static LEFT: Cell<usize> = const { Cell::new(0) };
    /// How many have been started and have not ended.
    static ALIVE: Cell<usize> = const { Cell::new(0) };
}

/// To be called first in every schedule.
#[cfg(test)]
pub(crate) fn reset() {
    grant(Model::current().threads);
    ALIVE.set(0);
}

/// So many threads can be had.
#[cfg(test)]
pub(crate) fn grant(threads: usize) {
    LEFT.set(threads);
}

/// From now on another monitor can be had, or none.
#[cfg(all(test, gosync_loom))]
pub(crate) fn set_watch(watch: Watch) {
    super::CURRENT.set(Model::current().watch(watch));
}

/// Whether all threads that were started here have ended.
#[cfg(test)]
pub(crate) fn all_threads_have_ended() -> bool {
    ALIVE.get() == 0
}

pub(crate) fn max_procs() -> Result<usize, String> {
    Ok(Model::current().procs)
}

/// Nobody is asked for its time.
pub(crate) fn thread() -> usize {
    0
}

pub(crate) fn cpu_time_of(_thread: usize) -> Option<Duration> {
    None
}

/// The model says what its goroutines do that have not ended.
pub(crate) fn sleeps(_thread: usize) -> Option<bool> {
    Some(!Model::current().computes)
}

/// No time passes: the first look is the last.
pub(crate) fn pause(_round: u32) -> bool {
    false
}

pub(crate) fn start_worker(body: fn()) -> io::Result<()> {
    let left = LEFT.get().checked_sub(1);
    LEFT.set(left.ok_or(io::ErrorKind::WouldBlock)?);
    start(body);
    Ok(())
}

/// The real one looks at the clock.
pub(crate) fn start_monitor(_body: fn()) -> io::Result<()> {
    match Model::current().watch {
        Watch::Refused => return Err(io::ErrorKind::WouldBlock.into()),
        Watch::ByMonitor => start(watch),
        Watch::ByTheModel => {}
    }
    Ok(())
}

/// As the real one, but for the time: it dozes off at the first look that finds nothing.
fn watch() {
    let mut monitor = workers::Monitor::new();
    loop {
        // Time passes for the others.
        checker::thread::yield_now();
        if !monitor.look() && !workers::doze() {
            return;
        }
    }
}

fn start(body: fn()) {
    ALIVE.set(ALIVE.get() + 1);
    checker::thread::spawn(move || {
        body();
        ALIVE.set(ALIVE.get() - 1);
    });
}

pub(crate) fn has_lost_workers() -> bool {
    false
}

pub(crate) fn has_room_on_stack() -> bool {
    Model::current().helps
}
