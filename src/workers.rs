//! The workers: the threads that run goroutines. There are about as many as CPUs, and one more for each
//! goroutine that blocks.
//!
//! Modelled on Go's scheduler (`runtime/proc.go`). Go's P is a [`Processor`] here, its M is a worker, and its
//! sysmon is the monitor. Unlike Go, this scheduler cannot take a thread away from a goroutine: a goroutine
//! that blocks or computes for long keeps its thread, and another thread is added.
//!
//! # Which thread runs what
//!
//! * A thread that starts a goroutine pushes it to the local run queue of its processor. Workers steal from
//!   all local run queues.
//! * A thread that waits for a goroutine that no thread has begun runs it itself: [`help`] takes members of a
//!   group from the top of the thread's own queue, and `Task::join` claims the task wherever it is queued.
//!   No thread runs an unrelated goroutine on top of one that waits: the upper one might need something that
//!   the lower one holds, or has yet to do.
//! * A goroutine that is about to sleep in [`park`], or says that it may block ([`block`]), gives up its
//!   processor, and its worker no longer counts as running (`blocking`). What it has queued moves to the
//!   global run queue. When it continues, its worker takes a processor again, even if that makes one worker
//!   too many. The next worker whose goroutine ends notices this and stops.
//! * The monitor watches while goroutines wait and no worker searches. A worker whose goroutine blocks in
//!   foreign code becomes *stuck*: it keeps its processor and no longer counts as running. So does a worker
//!   whose goroutine has run for 10 ms while others wait, but only some of these at a time (`monitor`).
//! * A thread that finds that a worker is needed may wake several at once. Threads start faster in a batch
//!   than in a chain, and where goroutines have blocked, more are likely to block (`decisions`).
//!
//! # What a worker does
//!
//! | it | has a processor | counts as running | until |
//! |---|---|---|---|
//! | *searches* (one, or all that were woken together) | yes | yes | it finds a goroutine, or has searched for long enough |
//! | *runs* | yes | yes | the goroutine ends, blocks, or gets stuck |
//! | is *stuck* | yes | no | the goroutine ends |
//! | is *blocked* | no | no | it is woken |
//! | *sleeps* | no | no | it is woken, or has slept for long enough and ends |
//!
//! # Invariants
//!
//! 1. While a goroutine waits in a queue, some thread will look for it. Either a worker searches; or the
//!    monitor watches; or a *wake signal* (`WAKE_FOR_WORKER`, `WAKE_FOR_EXTERNAL`) is raised, and then the
//!    thread that raised it, or the one that pushed last, is about to wake a worker or the monitor. A thread
//!    that raises a wake signal passes a fence and then looks through the queues. A thread that pushes a
//!    goroutine passes a fence and then looks at the signals. So one of the two sees the other. A wake signal
//!    is lowered only by a wake-up, by the start of a search, or while the monitor watches, and the monitor
//!    does not doze off without raising one. If the system refuses even the monitor, only the external
//!    threads that have queued goroutines are left to look: they try again to start it when they queue
//!    another goroutine, before they sleep, and repeatedly while they wait for goroutines.
//! 2. The state and the signals change together, under the scheduler's lock. No thread that holds this lock
//!    sleeps, wakes or starts another thread, or runs foreign code.
//! 3. Only the holder of a processor pushes to its local run queue and pops from it. Processors change hands
//!    under the lock, and only when they are empty. A thread may lose its processor wherever it sleeps, even
//!    in an allocator. So it looks its processor up anew for each push and pop, and does not sleep in
//!    between.
//! 4. `running` is the number of workers that have been woken or started and are neither blocked, stuck nor
//!    asleep. While it is 0, or leaves a CPU of `max_procs` without work, a worker is woken for a goroutine
//!    that waits. So no number of blocked goroutines keeps another one from running.
//! 5. A goroutine is in one queue, once, until a thread takes it from there. A `Task` may have been claimed
//!    by then; when it is dropped, nothing of its closure or its result is left in it.
//!
//! # Costs
//!
//! Queueing a goroutine costs an allocation, a push, a fence, a load of the signals, and a check that the
//! processor is listed. No wake signal is raised while a worker searches or enough workers run, so no thread
//! is woken then. A searching worker disturbs the threads that queue goroutines little: it looks a few times,
//! at growing intervals, and then naps. It also leaves what an external thread has just queued to that
//! thread, which may be about to wait for it (`steal_delay`).
//!
//! Adding a thread, blocking and continuing cost the same with ten threads as with ten thousand, since no
//! thread looks through all processors (`processors`).

mod blocking;
#[cfg(not(gosync_model))]
mod cpus;
mod decisions;
#[cfg(not(gosync_model))]
mod fork;
mod helping;
mod monitor;
mod processor;
mod processors;
mod scheduler;
#[cfg(not(gosync_model))]
mod spawner;
#[cfg(not(gosync_model))]
mod stack;
mod steal_delay;
mod system;
mod worker;

#[cfg(gosync_model)]
pub(crate) use crate::models::system::has_lost_workers;
pub(crate) use blocking::{block, park, park_for_goroutines, sleep_until_woken};
#[cfg(not(gosync_model))]
pub(crate) use fork::has_lost_workers;
pub(crate) use helping::{clear_claimed, help, may_help};
#[cfg(not(gosync_model))]
pub(crate) use spawner::init;

use crate::platform::is_process_ending;
use crate::primitive::local;
use processor::Processor;
use scheduler::{Scheduler, Starters};
use std::cell::Cell;
use std::sync::Arc;
#[cfg(not(gosync_model))]
use std::sync::LazyLock;

/// A goroutine in a queue.
pub(crate) trait Job: Send + Sync {
    /// Runs the goroutine, unless a thread has claimed it already. Does not panic.
    fn run(self: Arc<Self>);

    /// Whether `run` would do nothing.
    fn is_claimed(&self) -> bool;

    /// Returns an address that identifies the group to which this goroutine belongs, whose waiters may run it.
    /// Returns null if it belongs to none.
    fn group(&self) -> *const ();
}

#[cfg(not(gosync_model))]
static SCHEDULER: LazyLock<Result<Scheduler, String>> = LazyLock::new(|| {
    fork::install_handler();
    system::max_procs().map(new_scheduler)
});

#[cfg(gosync_model)]
crate::models::checker::lazy_static! {
    static ref SCHEDULER: Result<Scheduler, String> = system::max_procs().map(new_scheduler);
}

fn new_scheduler(max_procs: usize) -> Scheduler {
    Scheduler::new(
        max_procs,
        Starters {
            worker: worker::start,
            monitor: monitor::start,
        },
    )
}

/// Returns the scheduler of the process.
///
/// # Panics
///
/// If `GOSYNC_MAXPROCS` or `GOSYNC_STACK_SIZE` has an invalid value.
fn scheduler() -> &'static Scheduler {
    match &*SCHEDULER {
        Ok(scheduler) => scheduler,
        Err(text) => panic!("{text}"),
    }
}

local! {
    /// The processor that the current thread holds. It has no destructor, so it can be read for as long as
    /// the thread lives.
    static CURRENT: Cell<Option<&'static Processor>> = Cell::new(None);
}

local! {
    /// Releases the processor of an external thread when the thread ends.
    static AT_THREAD_EXIT: AtThreadExit = AtThreadExit(Cell::new(None));
}

struct AtThreadExit(Cell<Option<&'static Processor>>);

impl Drop for AtThreadExit {
    fn drop(&mut self) {
        if !is_process_ending() {
            self.end();
        }
    }
}

impl AtThreadExit {
    fn end(&self) {
        if self.0.take().is_some()
            && !has_lost_workers()
            && let Some(p) = detach_processor()
        {
            scheduler().release_external(p);
        }
    }
}

/// Releases the processor that the current thread holds as an external thread, if there is one.
fn release_external() {
    let _ = AT_THREAD_EXIT.try_with(AtThreadExit::end);
}

fn current() -> Option<&'static Processor> {
    CURRENT.with(Cell::get)
}

/// Moves the goroutines that the current thread has queued to the global run queue, and takes its processor
/// away from it. The caller must release the processor.
fn detach_processor() -> Option<&'static Processor> {
    scheduler().flush_queue();
    CURRENT.with(Cell::take)
}

/// Returns the processor of the current thread, after acquiring one if necessary. Returns `None` if the
/// thread is about to end and has released its processor, or if it is inside an operation on its local run
/// queue.
#[inline]
fn processor() -> Option<&'static Processor> {
    current().or_else(acquire)
}

#[cold]
fn acquire() -> Option<&'static Processor> {
    AT_THREAD_EXIT
        .try_with(|exit| {
            if exit.0.get().is_some() {
                // The thread has a processor, but is inside `processor::with_own`.
                return None;
            }
            let p = scheduler().acquire_external();
            exit.0.set(Some(p));
            CURRENT.with(|current| current.set(Some(p)));
            Some(p)
        })
        .ok()?
}

/// Checks that this process can have goroutines. Must be called before a goroutine is counted, and before any
/// other use of the workers.
///
/// # Panics
///
/// If `GOSYNC_MAXPROCS` or `GOSYNC_STACK_SIZE` has an invalid value, or if this process has lost its workers.
#[inline]
#[track_caller]
pub(crate) fn prepare() {
    if has_lost_workers() {
        refuse();
    }
    scheduler();
}

#[cold]
#[track_caller]
fn refuse() -> ! {
    panic!("{LOST_WORKERS}");
}

/// The panic message when a child of `fork` starts a goroutine, or joins one that the parent's workers ran.
pub(crate) const LOST_WORKERS: &str =
    "gosync: a child of fork has no goroutines if its parent had workers";

/// Queues a goroutine. The caller must have called `prepare`.
#[inline]
pub(crate) fn start(job: Arc<dyn Job>) {
    let scheduler = scheduler();
    match processor() {
        Some(p) => {
            p.queued.add_one();
            processor::push(job);
            scheduler.notify(p);
        }
        None => inject(job),
    }
}

/// Queues a goroutine that a thread without a processor starts.
pub(crate) fn inject(job: Arc<dyn Job>) {
    scheduler().inject(job);
}

/// Runs a goroutine on the current thread, and counts the run.
#[inline]
pub(crate) fn run(job: impl FnOnce()) {
    if let Some(p) = current() {
        p.runs.add_one();
    }
    job();
}

/// Counts a goroutine that has ended on the current thread.
#[inline]
pub(crate) fn count_end() {
    match current() {
        Some(p) => p.ended.add_one(),
        None => scheduler().count_end_without_processor(),
    }
}

/// Returns how many goroutines there are.
#[cfg(not(gosync_model))]
#[track_caller]
pub(crate) fn num_goroutines() -> usize {
    prepare();
    scheduler().goroutines()
}

/// Returns how many workers there are.
#[cfg(not(gosync_model))]
#[track_caller]
pub(crate) fn num_workers() -> usize {
    prepare();
    scheduler().workers()
}

/// Sets how many workers may run, unless `n` is 0. Returns the previous number.
#[track_caller]
pub(crate) fn set_max_procs(n: usize) -> usize {
    prepare();
    scheduler().set_max_procs(n)
}

/// Functions for models only.
#[cfg(gosync_model)]
pub(crate) mod models {
    use super::monitor;
    use super::scheduler;
    #[cfg(test)]
    use super::{CURRENT, detach_processor};
    use std::time::Duration;

    /// Gives the current thread a processor that it keeps beyond the end of the model: releasing it at thread
    /// exit would multiply the schedules.
    #[cfg(test)]
    pub(crate) fn acquire_processor() {
        CURRENT.with(|current| current.set(Some(scheduler().acquire_external())));
    }

    /// Releases the processor of the current thread, as at the end of the thread.
    #[cfg(test)]
    pub(crate) fn release_processor() {
        scheduler().release_external(detach_processor().expect("the thread has a processor"));
    }

    /// Does what the monitor does when there is nothing to watch. Returns false if it must end.
    pub(crate) fn doze() -> bool {
        scheduler().doze()
    }

    pub(crate) struct Monitor(monitor::Monitor);

    impl Monitor {
        pub(crate) fn new() -> Self {
            Self(monitor::Monitor::new())
        }

        /// Does what the monitor does at each look, 1 ms after the last one. Returns whether goroutines wait.
        pub(crate) fn look(&mut self) -> bool {
            self.0.look_after(Duration::from_millis(1))
        }

        /// Like `look`, but 10 ms after the last one, when every running goroutine has used up its slice.
        #[cfg(all(test, gosync_loom))]
        pub(crate) fn look_after_a_slice(&mut self) -> bool {
            self.0.look_after(Duration::from_millis(10))
        }
    }
}
