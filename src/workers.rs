//! The threads that run goroutines: about as many as there are CPUs, and one more for each
//! goroutine that blocks.
//!
//! After Go's scheduler (`runtime/proc.go`), with its P (here a [`Processor`]), its M (a worker) and its
//! sysmon (the monitor). What Go can do and this cannot is to take a thread from a goroutine: one that
//! blocks or computes for long keeps its thread, and another thread is added.
//!
//! # Who runs what
//!
//! * Who starts a goroutine pushes it to a deque of its own, that of its processor. Workers steal from all
//!   of them.
//! * Who waits for a goroutine that nobody has started runs it: [`help`] takes members of a group from
//!   the top of the own deque, `Task::join` claims the task wherever it is. An unrelated goroutine is
//!   never run on top of one that waits: it might need what that one holds, or will do.
//! * A goroutine that is about to sleep in [`park`], or says that it may ([`block`]), gives its processor back
//!   and no longer counts (`blocking`). What it has queued goes to the global_queue. When it goes on it takes a
//!   processor again, maybe as one worker too many: whichever worker ends a goroutine next sees that and
//!   stops.
//! * The monitor watches while goroutines wait and no worker searches. A goroutine that blocks in foreign
//!   code is *stuck*: it keeps its processor and no longer counts. So is one that has run for ten milliseconds while
//!   others wait, but only some of them at a time (`monitor`).
//! * Whoever finds that a worker is to come may have to call several at once: threads start faster in a batch than
//!   one after the other, and where goroutines have blocked more are likely to (`decisions`).
//!
//! # What a worker does
//!
//! | it | has a processor | counts as running | leaves when |
//! |---|---|---|---|
//! | *searches* (one at a time) | yes | yes | it finds a goroutine, or has looked for long enough |
//! | *runs* | yes | yes | the goroutine ends, blocks, or gets stuck |
//! | is *stuck* | yes | no | the goroutine ends |
//! | is *blocked* | no | no | it is woken |
//! | *sleeps* | no | no | it is called, or has slept for long enough, and ends |
//!
//! # Invariants
//!
//! 1. While a goroutine waits in a queue somebody is to look for it: a worker searches; or the
//!    monitor watches; or there is a *signal* that calls, and then whoever raised it, or pushed last,
//!    is about to call a worker or the monitor. Whoever raises a signal passes a fence and looks
//!    through the queues; whoever pushes passes a fence and looks at the signals. So one of the two sees
//!    the other. No signal is lowered but by a call, by the start of a search, or while the monitor
//!    watches, and the monitor does not doze off without raising a signal. If the system refuses even
//!    the monitor, nobody is left to look but the threads that have queued goroutines and are no
//!    workers: they call when they queue another one, before they sleep, and again and again while
//!    they wait for goroutines.
//! 2. The state and the signals change together, under the scheduler's lock. Nobody sleeps, wakes or
//!    starts a thread, or runs foreign code under it.
//! 3. Only the holder of a processor pushes to its deque and pops from it. Processors change hands under the
//!    lock, and empty. A thread may lose its processor wherever it sleeps, also in an allocator, so it looks for it
//!    anew at each push and pop, and sleeps nowhere in between.
//! 4. `running` is the number of workers that have been called and are neither blocked, stuck nor
//!    asleep. While it is 0, or leaves a CPU of `max_procs` without work, a worker is called for
//!    a goroutine that waits; so no number of goroutines that block keeps another one from running.
//! 5. A goroutine is in one queue, once, until somebody takes it from there. A `Task` may have been
//!    claimed by then; nothing of its closure and its result is left in it when it is dropped.
//!
//! # What it costs
//!
//! To queue a goroutine: an allocation, a push, a fence, a look at the signals, and one at whether the processor is
//! listed. The signals are low while a worker searches or enough of them run, so no thread is woken then. A
//! worker that searches takes little from those who queue: it looks a few times, ever later, and then naps. And
//! it leaves what a thread has just queued to that thread, which may be about to wait for it (`steal_delay`).
//!
//! To add a thread, to block and to go on: the same with ten threads as with ten thousand. Nobody looks through
//! all processors (`processors`).

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

use crate::primitive::local;
use processor::Processor;
use scheduler::{Scheduler, Starters};
use std::cell::Cell;
use std::sync::Arc;
#[cfg(not(gosync_model))]
use std::sync::LazyLock;

/// A goroutine in a queue.
pub(crate) trait Job: Send + Sync {
    /// Runs it, unless somebody has claimed it. Does not panic.
    fn run(self: Arc<Self>);

    /// Whether `run` would do nothing.
    fn is_claimed(&self) -> bool;

    /// Names those who wait for it; null if nobody does, or only its joiner.
    fn group(&self) -> *const ();
}

#[cfg(not(gosync_model))]
static SCHEDULER: LazyLock<Result<Scheduler, String>> = LazyLock::new(|| {
    fork::watch();
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

/// # Panics
///
/// If the environment makes no sense.
fn scheduler() -> &'static Scheduler {
    match &*SCHEDULER {
        Ok(scheduler) => scheduler,
        Err(text) => panic!("{text}"),
    }
}

local! {
    /// The processor that the current thread has. Without a destructor, so that it can be looked at for as
    /// long as the thread lives.
    static CURRENT: Cell<Option<&'static Processor>> = Cell::new(None);
}

local! {
    /// Gives the processor back when a thread ends that is no worker.
    static AT_THREAD_EXIT: AtThreadExit = AtThreadExit(Cell::new(None));
}

struct AtThreadExit(Cell<Option<&'static Processor>>);

impl Drop for AtThreadExit {
    fn drop(&mut self) {
        self.end();
    }
}

impl AtThreadExit {
    fn end(&self) {
        if self.0.take().is_some()
            && !has_lost_workers()
            && let Some(p) = take_current()
        {
            scheduler().release_external(p);
        }
    }
}

/// The current thread gives back the processor that it has as no worker, if it has one.
fn release_external() {
    let _ = AT_THREAD_EXIT.try_with(AtThreadExit::end);
}

fn current() -> Option<&'static Processor> {
    CURRENT.with(Cell::get)
}

/// The current thread is about to give its processor back, which it no longer has.
fn take_current() -> Option<&'static Processor> {
    scheduler().flush_queue();
    CURRENT.with(Cell::take)
}

/// A processor for the current thread; none if it has given its own back, since it is about to end, or is at
/// its deque.
#[inline]
fn processor() -> Option<&'static Processor> {
    current().or_else(acquire)
}

#[cold]
fn acquire() -> Option<&'static Processor> {
    AT_THREAD_EXIT
        .try_with(|exit| {
            if exit.0.get().is_some() {
                // It has one, and is at its deque: see `processor::with_own`.
                return None;
            }
            let p = scheduler().acquire_external();
            exit.0.set(Some(p));
            CURRENT.with(|current| current.set(Some(p)));
            Some(p)
        })
        .ok()?
}

/// To be called before a goroutine is counted or the workers are asked or told anything.
///
/// # Panics
///
/// If the environment makes no sense, or if this process has lost its workers.
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

/// What goroutines are refused with, and joins of those that the parent's workers ran.
pub(crate) const LOST_WORKERS: &str =
    "gosync: a child of fork has no goroutines if its parent had workers";

/// Queues a goroutine. To be called after `prepare`.
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

/// Queues a goroutine of a thread without a processor.
pub(crate) fn inject(job: Arc<dyn Job>) {
    scheduler().inject(job);
}

/// Runs a goroutine on the current thread.
#[inline]
pub(crate) fn run(job: impl FnOnce()) {
    if let Some(p) = current() {
        p.runs.add_one();
    }
    job();
}

/// A goroutine has ended on the current thread.
#[inline]
pub(crate) fn ended() {
    match current() {
        Some(p) => p.ended.add_one(),
        None => scheduler().ended_without_processor(),
    }
}

/// How many goroutines there are.
#[cfg(not(gosync_model))]
#[track_caller]
pub(crate) fn num_goroutines() -> usize {
    prepare();
    scheduler().goroutines()
}

/// How many workers there are.
#[cfg(not(gosync_model))]
#[track_caller]
pub(crate) fn num_workers() -> usize {
    prepare();
    scheduler().workers()
}

/// Sets how many workers may run, if `n` is not 0. Returns how many could before.
#[track_caller]
pub(crate) fn set_max_procs(n: usize) -> usize {
    prepare();
    scheduler().set_max_procs(n)
}

/// What only models do.
#[cfg(gosync_model)]
pub(crate) mod models {
    use super::monitor;
    use super::scheduler;
    #[cfg(test)]
    use super::{CURRENT, take_current};
    use std::time::Duration;

    /// Gives the current thread a processor, for longer than the model runs: a lease multiplies the
    /// schedules.
    #[cfg(test)]
    pub(crate) fn acquire_processor() {
        CURRENT.with(|current| current.set(Some(scheduler().acquire_external())));
    }

    /// The end of a thread that has a processor.
    #[cfg(test)]
    pub(crate) fn release_processor() {
        scheduler().release_external(take_current().expect("the thread has a processor"));
    }

    /// What the monitor does when there is nothing to watch. Returns false if it is to end.
    pub(crate) fn doze() -> bool {
        scheduler().doze()
    }

    pub(crate) struct Monitor(monitor::Monitor);

    impl Monitor {
        pub(crate) fn new() -> Self {
            Self(monitor::Monitor::new())
        }

        /// What the monitor does now and then: a millisecond has passed. Returns whether goroutines wait.
        pub(crate) fn look(&mut self) -> bool {
            self.0.look_after(Duration::from_millis(1))
        }

        /// As `look`, when so much time has passed that no goroutine may run on.
        #[cfg(all(test, gosync_loom))]
        pub(crate) fn look_after_a_slice(&mut self) -> bool {
            self.0.look_after(Duration::from_millis(10))
        }
    }
}
