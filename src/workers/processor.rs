//! Processors: Go's P. A thread must hold one to queue goroutines, and a worker must hold one to run them.

use super::{CURRENT, Job};
use crate::deque::{Injector, Steal, Stealer, Worker as LocalQueue};
use crate::primitive::{AtomicU32, Ordering::Relaxed, Published, UnsafeCell};
use std::cell::Cell;
use std::iter;
use std::sync::Arc;
use std::time::Duration;

/// A local run queue of goroutines not started yet, and counters. Only the holder may push and pop.
///
/// Processors are never freed. A thread that needs one takes a free one first, so there are no more
/// processors than were needed at the same time (`processors`).
///
/// Aligned to two cache lines, since CPUs fetch the neighbour of a line along with it.
#[repr(align(128))]
pub(super) struct Processor {
    /// The holder's end of the local run queue.
    deque: UnsafeCell<LocalQueue<Arc<dyn Job>>>,
    /// The other end, from which any thread may steal.
    stealer: Stealer<Arc<dyn Job>>,
    /// A `Holder`. Changes under the scheduler's lock.
    holder: Published,
    /// The system's id of the holder's thread. Used for workers only.
    pub(super) thread: Published,
    /// The position in the list plus one; 0 if not listed. Changes under the scheduler's lock.
    position: AtomicU32,
    /// 1 while a worker runs a goroutine here, 0 while it looks for one.
    pub(super) in_goroutine: Published,
    /// The number of goroutines started here, including those on top of others, plus the number of
    /// times that a thread has acquired the processor.
    pub(super) runs: Published,
    /// As `runs`, but of the goroutines counts only those that a worker runs from its main loop, not on top of
    /// another one.
    pub(super) outer_runs: Published,
    /// The number of times that a worker here has decided what to run next. Go's `schedtick`.
    pub(super) sched_ticks: Published,
    /// The number of goroutines that the holders have queued.
    pub(super) queued: Published,
    /// The number of times that the holder has found its local run queue empty.
    pub(super) emptied: Published,
    /// The number of goroutines that have ended here.
    pub(super) ended: Published,
    monitor_tick: MonitorTick,
    /// The index among all processors.
    pub(super) index: usize,
}

/// What the monitor last saw of a processor. Only the monitor uses it. Go's `sysmontick`.
#[derive(Default)]
struct MonitorTick {
    /// [`Processor::activity`] at the last `observe_activity`.
    activity: Published,
    /// `runs` at the last `observe_same_run`.
    runs: Published,
    /// The CPU time of the holder's thread at the last `observe_cpu_time`, in ns. Wraps around after 4.3 s
    /// where a `usize` has 32 bits.
    time: Published,
    /// `outer_runs` at the last `observe_outer_run`.
    outer_runs: Published,
    /// When `outer_runs` was last seen to have changed, in milliseconds since the monitor started. Wraps
    /// around after 49.7 days where a `usize` has 32 bits.
    since: Published,
}

/// How long a worker may run one goroutine, including those on top of it, while others wait. The same time
/// slice as in Go (`proc.go`, `forcePreemptNS`).
pub(super) const SLICE: Duration = Duration::from_millis(10);

// SAFETY: only the holder uses `deque`, and processors change hands under the scheduler's lock. All other
// fields are made to be shared, and any thread may run a job.
unsafe impl Sync for Processor {}

/// The kind of thread that holds a processor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Holder {
    /// No thread: the processor is free.
    Nobody,
    /// An external thread.
    External,
    /// A worker that counts as running.
    Running,
    /// A stuck worker, which no longer counts: its goroutine blocks in foreign code, or has run for too long.
    Stuck,
}

impl Holder {
    const ALL: [Self; 4] = [Self::Nobody, Self::External, Self::Running, Self::Stuck];
}

impl Processor {
    pub(super) fn new(index: usize) -> Self {
        let deque = LocalQueue::new_lifo();
        Self {
            stealer: deque.stealer(),
            deque: UnsafeCell::new(deque),
            holder: Published::default(),
            thread: Published::default(),
            position: AtomicU32::new(0),
            in_goroutine: Published::default(),
            runs: Published::default(),
            outer_runs: Published::default(),
            sched_ticks: Published::default(),
            queued: Published::default(),
            emptied: Published::default(),
            ended: Published::default(),
            monitor_tick: MonitorTick::default(),
            index,
        }
    }

    pub(super) fn holder(&self) -> Holder {
        Holder::ALL[self.holder.get()]
    }

    /// The caller must hold the scheduler's lock.
    pub(super) fn set_holder(&self, holder: Holder) {
        self.holder.set(holder as usize);
    }

    /// Returns a number that changes whenever the holder queues or starts a goroutine.
    pub(super) fn activity(&self) -> usize {
        self.runs.get().wrapping_add(self.queued.get())
    }

    #[inline]
    pub(super) fn is_listed(&self) -> bool {
        // Relaxed: the fence that orders accesses to the queue orders this load, too.
        self.position.load(Relaxed) != 0
    }

    /// Returns the position in the list, or `None` if the processor is not listed.
    pub(super) fn position(&self) -> Option<usize> {
        self.position
            .load(Relaxed)
            .checked_sub(1)
            .map(|position| position as usize)
    }

    /// The caller must hold the scheduler's lock.
    pub(super) fn set_position(&self, position: Option<usize>) {
        let position = position.map_or(0, |position| position as u32 + 1);
        self.position.store(position, Relaxed);
    }

    // For the monitor.

    /// Returns whether the holder has started or queued a goroutine since the last call.
    pub(super) fn observe_activity(&self) -> bool {
        self.monitor_tick.activity.update(self.activity())
    }

    /// Whether a worker runs a goroutine here.
    pub(super) fn is_in_goroutine(&self) -> bool {
        self.in_goroutine.get() == 1
    }

    /// Returns whether the holder is still at the same goroutine as at the last call. `runs` is the current number
    /// of runs.
    pub(super) fn observe_same_run(&self, runs: usize) -> bool {
        !self.monitor_tick.runs.update(runs)
    }

    /// Returns how much CPU time the holder's thread has used since the last call. `time` is the total.
    pub(super) fn observe_cpu_time(&self, time: Duration) -> Duration {
        let time = time.as_nanos() as usize;
        let before = self.monitor_tick.time.get();
        self.monitor_tick.time.set(time);
        Duration::from_nanos(time.wrapping_sub(before) as u64)
    }

    /// Returns how long the worker has run the same goroutine, including those on top of it. The time counts
    /// from the first call that sees the goroutine, so the monitor calls this at every look.
    pub(super) fn observe_outer_run(&self, now: Duration) -> Duration {
        let now = now.as_millis() as usize;
        if self.monitor_tick.outer_runs.update(self.outer_runs.get()) {
            self.monitor_tick.since.set(now);
        }
        Duration::from_millis(now.wrapping_sub(self.monitor_tick.since.get()) as u64)
    }

    /// Returns how many goroutines wait here.
    pub(super) fn len(&self) -> usize {
        self.stealer.len()
    }

    /// Steals the goroutine that has waited here for longest.
    pub(super) fn steal(&self) -> Option<Arc<dyn Job>> {
        retry(|| self.stealer.steal())
    }
}

/// Calls `f` with the processor of the current thread and its deque. Returns `None` if the thread has no
/// processor.
///
/// `f` may allocate or free memory, and an allocator that uses a lock of this crate may sleep then. During
/// `f` the thread therefore seems to have no processor, so a sleep does not release the one that it holds.
#[inline]
fn with_own<R>(f: impl FnOnce(&'static Processor, &LocalQueue<Arc<dyn Job>>) -> R) -> Option<R> {
    let p = CURRENT.with(Cell::take)?;
    // SAFETY: the current thread is the holder. A nested call, from within `f`, does not get here, since it
    // finds no processor in `CURRENT`.
    let result = p.deque.with_mut(|deque| f(p, unsafe { &*deque }));
    CURRENT.with(|current| current.set(Some(p)));
    Some(result)
}

/// Pushes `job` to the local run queue of the current thread, which must have a processor.
#[inline]
pub(super) fn push(job: Arc<dyn Job>) {
    let pushed = with_own(|_, deque| deque.push(job));
    pushed.expect("a thread that queues here has a processor");
}

/// Pops the goroutine that the current thread queued last.
pub(super) fn pop() -> Option<Arc<dyn Job>> {
    with_own(|p, deque| {
        let job = deque.pop();
        if job.is_none() {
            p.emptied.add_one();
        }
        job
    })?
}

/// Takes all goroutines from the local run queue of the current thread, oldest first.
pub(super) fn take_all() -> Vec<Arc<dyn Job>> {
    let mut jobs: Vec<_> = iter::from_fn(pop).collect();
    jobs.reverse();
    jobs
}

/// Steals the goroutine that has waited at `other` for longest, and moves some more from there to the local
/// run queue of the current thread.
pub(super) fn steal_some(other: &Processor) -> Option<Arc<dyn Job>> {
    with_own(|_, deque| retry(|| other.stealer.steal_batch_and_pop(deque)))?
}

/// Takes the oldest goroutine from the global run queue, and moves some more from there to the local run
/// queue of the current thread.
pub(super) fn take_global(global_queue: &Injector<Arc<dyn Job>>) -> Option<Arc<dyn Job>> {
    with_own(|_, deque| retry(|| global_queue.steal_batch_and_pop(deque)))?
}

/// Repeats `steal` until no other thread interferes.
pub(super) fn retry<T>(mut steal: impl FnMut() -> Steal<T>) -> Option<T> {
    loop {
        match steal() {
            Steal::Success(job) => return Some(job),
            Steal::Empty => return None,
            Steal::Retry => {}
        }
    }
}

#[cfg(all(test, not(gosync_model)))]
mod tests;
