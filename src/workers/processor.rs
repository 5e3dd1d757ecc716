//! Processors: a thread needs one to queue goroutines, and a worker one to run them. Go's P.

use super::{CURRENT, Job};
use crate::deque::{Injector, Steal, Stealer, Worker};
use crate::primitive::{AtomicU32, Ordering::Relaxed, Published, UnsafeCell};
use std::cell::Cell;
use std::iter;
use std::sync::Arc;
use std::time::Duration;

/// A deque of goroutines that nobody has started yet, and who may push and pop there.
///
/// Processors live for ever. Whoever needs one takes a free one first, so there are no more than were
/// needed at a time (`processors`).
///
/// On lines of its own, two since CPUs fetch the neighbour of a line with it.
#[repr(align(128))]
pub(super) struct Processor {
    /// The holder's.
    deque: UnsafeCell<Worker<Arc<dyn Job>>>,
    /// Everybody's: the same deque's other end.
    stealer: Stealer<Arc<dyn Job>>,
    /// A `Holder`. Changes under the scheduler's lock.
    holder: Published,
    /// What the system calls the holder's thread, if that is a worker.
    pub(super) thread: Published,
    /// Where this stands in the list, and one more; 0 if it is not listed. Changes under the scheduler's lock.
    position: AtomicU32,
    /// 1 while a worker is at a goroutine here, 0 while it looks for one.
    pub(super) in_goroutine: Published,
    /// Goroutines that were started here, on top of others or not, and holders that there were.
    pub(super) runs: Published,
    /// Those that a worker did not start on top of another one, and holders.
    pub(super) outer_runs: Published,
    /// Decisions of workers here what to run next.
    pub(super) sched_ticks: Published,
    /// Goroutines that the holder has queued.
    pub(super) queued: Published,
    /// How often the holder has found nothing more here.
    pub(super) emptied: Published,
    /// Goroutines that have ended here.
    pub(super) ended: Published,
    monitor_tick: MonitorTick,
    /// Among all processors.
    pub(super) index: usize,
}

/// What the monitor has seen of a processor. Its own notes.
#[derive(Default)]
struct MonitorTick {
    /// How far the holder had come when the monitor last looked whether it does anything.
    activity: Published,
    /// The last goroutine that was started here, when the monitor last looked at it.
    runs: Published,
    /// The CPU time of the holder's thread by then, in ns; begins again at 0 after 4.3 s where a `usize` has
    /// 32 bits.
    time: Published,
    outer_runs: Published,
    /// When `outer_runs` was not what it had been, in milliseconds. Begins again at 0 after 49.7 days where a
    /// `usize` has 32 bits.
    since: Published,
}

/// So long may a worker be at one goroutine, with others on top of it or not, if others wait. As long as Go lets
/// a goroutine run (`proc.go`, `forcePreemptNS`).
pub(super) const SLICE: Duration = Duration::from_millis(10);

// SAFETY: `deque` is used by the holder only, and processors change hands under the scheduler's lock. The
// rest is made to be shared, and a job may be run by any thread.
unsafe impl Sync for Processor {}

/// Who has a processor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Holder {
    /// Nobody.
    Nobody,
    /// A thread that is no worker.
    External,
    /// A worker, which counts as running.
    Running,
    /// A worker whose goroutine has run for so long that it no longer counts.
    Stuck,
}

impl Holder {
    const ALL: [Self; 4] = [Self::Nobody, Self::External, Self::Running, Self::Stuck];
}

impl Processor {
    pub(super) fn new(index: usize) -> Self {
        let deque = Worker::new_lifo();
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

    /// To be called under the scheduler's lock.
    pub(super) fn set_holder(&self, holder: Holder) {
        self.holder.set(holder as usize);
    }

    /// Goes up as long as the holder queues or starts goroutines.
    pub(super) fn activity(&self) -> usize {
        self.runs.get().wrapping_add(self.queued.get())
    }

    #[inline]
    pub(super) fn is_listed(&self) -> bool {
        // Relaxed: a fence orders this as it orders the queue.
        self.position.load(Relaxed) != 0
    }

    /// Where this stands in the list.
    pub(super) fn position(&self) -> Option<usize> {
        self.position
            .load(Relaxed)
            .checked_sub(1)
            .map(|position| position as usize)
    }

    /// To be called under the scheduler's lock.
    pub(super) fn set_position(&self, position: Option<usize>) {
        let position = position.map_or(0, |position| position as u32 + 1);
        self.position.store(position, Relaxed);
    }

    // For the monitor.

    /// Whether the holder has started or queued a goroutine since this was last called.
    pub(super) fn observe_activity(&self) -> bool {
        self.monitor_tick.activity.update(self.activity())
    }

    /// Whether a worker is at a goroutine here.
    pub(super) fn is_in_goroutine(&self) -> bool {
        self.in_goroutine.get() == 1
    }

    /// Whether no other goroutine has been started here since this was last called. There have been so many `runs`
    /// by now.
    pub(super) fn observe_run(&self, runs: usize) -> bool {
        !self.monitor_tick.runs.update(runs)
    }

    /// How much CPU time the holder's thread has used since this was last called, if it is at `time` now.
    pub(super) fn observe_cpu_time(&self, time: Duration) -> Duration {
        let time = time.as_nanos() as usize;
        let before = self.monitor_tick.time.get();
        self.monitor_tick.time.set(time);
        Duration::from_nanos(time.wrapping_sub(before) as u64)
    }

    /// How long the worker has been at the same goroutine, with others on top of it or not. It is looked at
    /// again and again.
    pub(super) fn observe_outer_run(&self, now: Duration) -> Duration {
        let now = now.as_millis() as usize;
        if self.monitor_tick.outer_runs.update(self.outer_runs.get()) {
            self.monitor_tick.since.set(now);
        }
        Duration::from_millis(now.wrapping_sub(self.monitor_tick.since.get()) as u64)
    }

    /// How many wait here.
    pub(super) fn len(&self) -> usize {
        self.stealer.len()
    }

    /// Takes what has waited here for longest.
    pub(super) fn steal(&self) -> Option<Arc<dyn Job>> {
        retry(|| self.stealer.steal())
    }
}

/// Calls `f` with the processor that the current thread has, and its deque. None if it has none.
///
/// Memory may be needed in `f`, or given back, and an allocator with a lock of ours may sleep then.
/// Meanwhile the thread seems to have no processor, so that it keeps the one that it has.
#[inline]
fn with_own<R>(f: impl FnOnce(&'static Processor, &Worker<Arc<dyn Job>>) -> R) -> Option<R> {
    let p = CURRENT.with(Cell::take)?;
    // SAFETY: the current thread is the holder, and gets here once at a time: whoever comes back from
    // `f` finds no processor.
    let result = p.deque.with_mut(|deque| f(p, unsafe { &*deque }));
    CURRENT.with(|current| current.set(Some(p)));
    Some(result)
}

/// Queues `job` at the current thread, which has a processor.
#[inline]
pub(super) fn push(job: Arc<dyn Job>) {
    let pushed = with_own(|_, deque| deque.push(job));
    pushed.expect("a thread that queues here has a processor");
}

/// Takes what the current thread has queued last.
pub(super) fn pop() -> Option<Arc<dyn Job>> {
    with_own(|p, deque| {
        let job = deque.pop();
        if job.is_none() {
            p.emptied.add_one();
        }
        job
    })?
}

/// Takes all that the current thread has queued, the first first.
pub(super) fn take_all() -> Vec<Arc<dyn Job>> {
    let mut jobs: Vec<_> = iter::from_fn(pop).collect();
    jobs.reverse();
    jobs
}

/// Takes what has waited for longest at `other`, and some more of it to the current thread's processor.
pub(super) fn steal_some(other: &Processor) -> Option<Arc<dyn Job>> {
    with_own(|_, deque| retry(|| other.stealer.steal_batch_and_pop(deque)))?
}

/// As `steal_some`.
pub(super) fn take_global(global_queue: &Injector<Arc<dyn Job>>) -> Option<Arc<dyn Job>> {
    with_own(|_, deque| retry(|| global_queue.steal_batch_and_pop(deque)))?
}

/// Tries again until nobody comes between.
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
