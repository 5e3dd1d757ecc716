//! `crate::workers::system` in the models, which set the number of CPUs and threads.

use super::{Model, Watch, checker};
use crate::workers::models as workers;
use std::cell::Cell;
use std::io;
use std::time::Duration;

thread_local! {
    // As in `models`, all threads of a model share these variables.
    /// How many more threads the system grants for workers.
    static LEFT: Cell<usize> = const { Cell::new(0) };
    /// How many threads have been started here and have not ended.
    static ALIVE: Cell<usize> = const { Cell::new(0) };
}

/// Must be called first in every schedule.
#[cfg(test)]
pub(crate) fn reset() {
    grant(Model::current().threads);
    ALIVE.set(0);
}

/// Sets how many more threads the system grants for workers.
#[cfg(test)]
pub(crate) fn grant(threads: usize) {
    LEFT.set(threads);
}

/// Changes how the workers are monitored, from the next start of a monitor on.
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

/// Returns 0: the models do not ask for the CPU time of threads.
pub(crate) fn thread() -> usize {
    0
}

pub(crate) fn cpu_time_of(_thread: usize) -> Option<Duration> {
    None
}

/// Whether a thread that runs an unfinished goroutine sleeps. The model decides.
pub(crate) fn sleeps(_thread: usize) -> Option<bool> {
    Some(!Model::current().computes)
}

/// Returns false, so that a searching worker looks only once: no time passes.
pub(crate) fn pause(_round: u32) -> bool {
    false
}

pub(crate) fn start_worker(body: fn()) -> io::Result<()> {
    let left = LEFT.get().checked_sub(1);
    LEFT.set(left.ok_or(io::ErrorKind::WouldBlock)?);
    start(body);
    Ok(())
}

/// Starts a monitor, if the model wants one. Not the real one, which looks at the clock.
pub(crate) fn start_monitor(_body: fn()) -> io::Result<()> {
    match Model::current().watch {
        Watch::Refused => return Err(io::ErrorKind::WouldBlock.into()),
        Watch::ByMonitor => start(watch),
        Watch::ByTheModel => {}
    }
    Ok(())
}

/// Watches as the real monitor does, but without a clock: dozes off at the first look that finds nothing.
fn watch() {
    let mut monitor = workers::Monitor::new();
    loop {
        // Let the other threads run, as they would while the real monitor sleeps between two looks.
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
