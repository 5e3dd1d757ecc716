//! The threads that run goroutines: as many as there are processors, and one more for each goroutine
//! that blocks.
mod backlog;
mod monitor;
mod place;
mod scheduler;
mod sleeper;
mod system;
mod worker;

use crate::primitive::local;
use place::{Holder, Place};
use scheduler::{Caller, Scheduler};
use std::cell::Cell;
use std::ptr;
use std::sync::{Arc, LazyLock};

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
static SCHEDULER: LazyLock<Result<Scheduler, String>> =
    LazyLock::new(|| system::max_procs().map(Scheduler::new));

#[cfg(gosync_model)]
crate::models::checker::lazy_static! {
    static ref SCHEDULER: Result<Scheduler, String> = system::max_procs().map(Scheduler::new);
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
    /// The place that the current thread has. Without a destructor, so that it can be looked at for as
    /// long as the thread lives.
    static HERE: Cell<Option<&'static Place>> = Cell::new(None);
}

local! {
    /// Gives the place back when a thread ends that is no worker.
    static LEASE: Lease = Lease(Cell::new(None));
}

struct Lease(Cell<Option<&'static Place>>);

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(place) = self.0.take() {
            let _ = HERE.try_with(|here| here.set(None));
            scheduler().dismiss(place);
        }
    }
}

fn here() -> Option<&'static Place> {
    HERE.with(Cell::get)
}

/// A place for the current thread; none if the thread is about to end and has given it back.
#[inline]
fn place() -> Option<&'static Place> {
    here().or_else(lease)
}

#[cold]
fn lease() -> Option<&'static Place> {
    LEASE
        .try_with(|lease| {
            let place = scheduler().admit_stranger();
            lease.0.set(Some(place));
            HERE.with(|here| here.set(Some(place)));
            place
        })
        .ok()
}

/// Panics if `start` would: for those who count a goroutine before they start it.
#[inline]
pub(crate) fn check() {
    scheduler();
}

/// Queues a goroutine.
#[inline]
pub(crate) fn start(job: Arc<dyn Job>) {
    let scheduler = scheduler();
    match place() {
        Some(place) => {
            place.queued.add_one();
            // SAFETY: the current thread is the holder.
            unsafe { place.push(job) };
            scheduler.announce(Caller::of(place.holder()));
        }
        None => scheduler.inject(job),
    }
}

/// Runs the goroutines of `group` that the current thread has queued and nobody has started.
pub(crate) fn help(group: *const ()) {
    while let Some(job) = may_help().then(|| take_member(group)).flatten() {
        run(|| job.run());
    }
}

/// How many goroutines of others may lie on top of those of a group.
const REACH: usize = 8;

/// Takes a goroutine of `group` from the top of the current thread's deque, or from near it.
fn take_member(group: *const ()) -> Option<Arc<dyn Job>> {
    let place = here()?;
    let mut others = Vec::new();
    let mut found = None;
    // SAFETY: the current thread is the holder.
    while let Some(job) = unsafe { place.pop() } {
        if job.is_claimed() {
            continue;
        }
        if ptr::eq(job.group(), group) {
            found = Some(job);
            break;
        }
        others.push(job);
        if others.len() == REACH {
            break;
        }
    }
    put_back(place, others);
    found
}

/// Takes what has been claimed from the top of the current thread's deque.
pub(crate) fn clear_claimed() {
    let Some(place) = here() else { return };
    // SAFETY: the current thread is the holder.
    while let Some(job) = unsafe { place.pop() } {
        if !job.is_claimed() {
            put_back(place, [job]);
            return;
        }
    }
}

/// To the top, in the order in which they were.
fn put_back(
    place: &'static Place,
    jobs: impl IntoIterator<Item = Arc<dyn Job>, IntoIter: DoubleEndedIterator + ExactSizeIterator>,
) {
    let jobs = jobs.into_iter();
    if jobs.len() > 0 {
        for job in jobs.rev() {
            // SAFETY: as in `take_member`.
            unsafe { place.push(job) };
        }
        // For a worker that did not see them meanwhile.
        scheduler().announce(Caller::of(place.holder()));
    }
}

/// Runs a goroutine on the current thread.
#[inline]
pub(crate) fn run(job: impl FnOnce()) {
    if let Some(place) = here() {
        place.turns.add_one();
    }
    job();
}

/// A goroutine has ended on the current thread.
#[inline]
pub(crate) fn ended() {
    match here() {
        Some(place) => place.ended.add_one(),
        None => scheduler().stray_ended(),
    }
}

/// Whether the current thread has room for a goroutine on top of what it is doing.
pub(crate) fn may_help() -> bool {
    system::has_room_on_stack()
}

/// The current thread is about to sleep; if it is a worker, another one takes its place.
pub(crate) fn block() -> Option<Blocked> {
    let place = HERE.try_with(Cell::get).ok()??;
    matches!(place.holder(), Holder::Running | Holder::Stuck).then(|| {
        HERE.with(|here| here.set(None));
        scheduler().dismiss(place);
        Blocked(())
    })
}

/// A worker without a place. Gets one again when this is dropped.
pub(crate) struct Blocked(());

impl Drop for Blocked {
    fn drop(&mut self) {
        let place = scheduler().admit_again();
        HERE.with(|here| here.set(Some(place)));
    }
}

/// How many goroutines there are.
pub(crate) fn num_goroutines() -> usize {
    scheduler().goroutines()
}

/// How many workers there are.
pub(crate) fn num_workers() -> usize {
    scheduler().workers()
}

/// Sets how many workers may run, if `n` is not 0. Returns how many could before.
pub(crate) fn set_max_procs(n: usize) -> usize {
    scheduler().set_max_procs(n)
}
