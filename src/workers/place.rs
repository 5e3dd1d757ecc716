//! Places: a thread needs one to queue goroutines, and a worker one to run them. Go's P.

use super::{HERE, Job};
use crate::chunks::Chunks;
use crate::deque::{Injector, Steal, Stealer, Worker};
use crate::primitive::{AtomicU32, Ordering::Relaxed, Tally, UnsafeCell};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// A deque of goroutines that nobody has started yet, and who may push and pop there.
///
/// Places live for ever. Whoever needs one takes a free one first, so there are no more than were
/// needed at a time.
///
/// On lines of its own, two since processors fetch the neighbour of a line with it.
#[repr(align(128))]
pub(super) struct Place {
    /// The holder's.
    deque: UnsafeCell<Worker<Arc<dyn Job>>>,
    /// Everybody's: the same deque's other end.
    stealer: Stealer<Arc<dyn Job>>,
    /// A `Holder`. Changes under the scheduler's lock.
    holder: Tally,
    /// Goroutines that were started here, on top of others or not, and holders that there were.
    pub(super) turns: Tally,
    /// Those that a worker did not start on top of another one, and holders.
    pub(super) rounds: Tally,
    /// Decisions of workers here what to run next.
    pub(super) ticks: Tally,
    /// Goroutines that the holder has queued.
    pub(super) queued: Tally,
    /// How often the holder has found nothing more here.
    pub(super) drained: Tally,
    /// Goroutines that have ended here.
    pub(super) ended: Tally,
    seen: Seen,
    pub(super) index: usize,
}

/// What the monitor has seen of a place.
#[derive(Default)]
struct Seen {
    moves: Tally,
    turns: Tally,
    rounds: Tally,
    /// When `rounds` was not what it had been, in milliseconds. Begins again at 0 after 49.7 days where a
    /// `usize` has 32 bits.
    since: Tally,
}

/// For so long may a worker start goroutines on top of one another, if others wait. As long as Go lets
/// a goroutine run (`proc.go`, `forcePreemptNS`).
const LONGEST_ROUND: Duration = Duration::from_millis(10);

// SAFETY: `deque` is used by the holder only, and places change hands under the scheduler's lock. The
// rest is made to be shared, and a job may be run by any thread.
unsafe impl Sync for Place {}

/// Who has a place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Holder {
    /// Nobody.
    Free,
    /// A thread that is no worker.
    Stranger,
    /// A worker, which counts as running.
    Running,
    /// A worker whose goroutine has run for so long that it no longer counts.
    Stuck,
}

impl Holder {
    const ALL: [Self; 4] = [Self::Free, Self::Stranger, Self::Running, Self::Stuck];
}

impl Place {
    fn new(index: usize) -> Self {
        let deque = Worker::new_lifo();
        Self {
            stealer: deque.stealer(),
            deque: UnsafeCell::new(deque),
            holder: Tally::default(),
            turns: Tally::default(),
            rounds: Tally::default(),
            ticks: Tally::default(),
            queued: Tally::default(),
            drained: Tally::default(),
            ended: Tally::default(),
            seen: Seen::default(),
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
    pub(super) fn moves(&self) -> usize {
        self.turns.get().wrapping_add(self.queued.get())
    }

    /// Whether a thread that is no worker has this place, and has started or queued a goroutine since
    /// the monitor's last look. To be called under the scheduler's lock.
    pub(super) fn is_busy_stranger(&self) -> bool {
        let has_moved = self.seen.moves.replace(self.moves());
        self.holder() == Holder::Stranger && has_moved
    }

    /// Whether the goroutine here has run since the monitor's last look without another one on top,
    /// or with others for too long. To be called under the scheduler's lock.
    pub(super) fn has_run_on(&self, now: Duration) -> bool {
        let now = now.as_millis() as usize;
        let has_started = self.seen.turns.replace(self.turns.get());
        if self.seen.rounds.replace(self.rounds.get()) {
            self.seen.since.set(now);
        }
        let round = now.wrapping_sub(self.seen.since.get());
        !has_started || Duration::from_millis(round as u64) >= LONGEST_ROUND
    }

    /// How many wait here.
    pub(super) fn len(&self) -> usize {
        self.stealer.len()
    }

    /// Takes what has waited here for longest.
    pub(super) fn steal(&self) -> Option<Arc<dyn Job>> {
        insist(|| self.stealer.steal())
    }
}

/// Calls `f` with the place that the current thread has, and its deque. None if it has none.
///
/// Memory may be needed in `f`, or given back, and an allocator with a lock of ours may sleep then.
/// Meanwhile the thread seems to have no place, so that it keeps the one that it has.
#[inline]
fn with_own<R>(f: impl FnOnce(&'static Place, &Worker<Arc<dyn Job>>) -> R) -> Option<R> {
    let place = HERE.with(Cell::take)?;
    // SAFETY: the current thread is the holder, and gets here once at a time: whoever comes back from
    // `f` finds no place.
    let result = place.deque.with_mut(|deque| f(place, unsafe { &*deque }));
    HERE.with(|here| here.set(Some(place)));
    Some(result)
}

/// Queues `job` at the current thread, which has a place.
#[inline]
pub(super) fn push(job: Arc<dyn Job>) {
    let pushed = with_own(|_, deque| deque.push(job));
    pushed.expect("who queues here has a place");
}

/// Takes what the current thread has queued last.
pub(super) fn pop() -> Option<Arc<dyn Job>> {
    with_own(|place, deque| {
        let job = deque.pop();
        if job.is_none() {
            place.drained.add_one();
        }
        job
    })?
}

/// Takes what has waited for longest at `other`, and some more of it to the current thread's place.
pub(super) fn steal_some(other: &Place) -> Option<Arc<dyn Job>> {
    with_own(|_, deque| insist(|| other.stealer.steal_batch_and_pop(deque)))?
}

/// As `steal_some`.
pub(super) fn take_some(injector: &Injector<Arc<dyn Job>>) -> Option<Arc<dyn Job>> {
    with_own(|_, deque| insist(|| injector.steal_batch_and_pop(deque)))?
}

/// Tries again until nobody comes between.
pub(super) fn insist<T>(mut steal: impl FnMut() -> Steal<T>) -> Option<T> {
    loop {
        match steal() {
            Steal::Success(job) => return Some(job),
            Steal::Empty => return None,
            Steal::Retry => {}
        }
    }
}

/// All places.
pub(super) struct Places {
    all: Chunks<Place>,
    /// From this one on all are free and empty.
    bound: AtomicU32,
}

impl Places {
    pub(super) fn new() -> Self {
        Self {
            all: Chunks::new(),
            bound: AtomicU32::new(0),
        }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &'static Place> {
        self.all.iter()
    }

    /// Those that may have a holder, or something to steal.
    pub(super) fn iter(&self) -> impl Iterator<Item = &'static Place> + Clone {
        self.all.iter().take(self.bound())
    }

    /// Takes the first free place. To be called under the scheduler's lock.
    pub(super) fn take(&self, free: &mut Free) -> &'static Place {
        let place = match free.0.pop_first() {
            Some(index) => self.all.get(index),
            None => self.all.push(Place::new),
        };
        if place.index >= self.bound() {
            self.set_bound(place.index + 1);
        }
        place
    }

    /// Gives a place back. To be called under the scheduler's lock.
    pub(super) fn put_back(&self, place: &'static Place, free: &mut Free) {
        free.0.insert(place.index);
        let mut bound = self.bound();
        while bound > 0 && free.0.contains(&(bound - 1)) && self.all.get(bound - 1).len() == 0 {
            bound -= 1;
        }
        self.set_bound(bound);
    }

    fn bound(&self) -> usize {
        // Relaxed: the fences order this as they order the queues.
        self.bound.load(Relaxed) as usize
    }

    fn set_bound(&self, bound: usize) {
        self.bound.store(bound as u32, Relaxed);
    }
}

/// The indices of the places that nobody has.
#[derive(Default)]
pub(super) struct Free(BTreeSet<usize>);

#[cfg(all(test, not(gosync_model)))]
mod tests;
