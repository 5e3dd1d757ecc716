//! The state of all workers (which of them run, search or sleep), and every change to it.

use super::decisions::{
    Look, MONITOR_STARTING, Observations, QueuedBy, SURPLUS, State, Ticket, WAKE_FOR_EXTERNAL,
    WAKE_FOR_WORKER, Wakeup, Watch,
};
use super::processor::{self, Holder, Processor};
use super::processors::Processors;
use super::steal_delay::StealDelay;
use super::{Job, current, has_lost_workers, system};
use crate::deque::Injector;
use crate::park;
use crate::primitive::{AtomicUsize, Mutex, MutexGuard, Ordering, Published, fence};
use crate::sleeper::Sleeper;
use std::sync::Arc;
use std::time::Duration;
use std::{io, mem};

use Ordering::{Relaxed, SeqCst};

/// How long a worker that has nothing to do sleeps before it ends.
const IDLE_TIMEOUT: Duration = Duration::from_secs(5);

/// A goroutine taken from a queue, and the kind of thread that had queued it.
pub(super) type Found = (Arc<dyn Job>, QueuedBy);

pub(super) struct Scheduler {
    state: Mutex<State>,
    /// The signals that follow from `state`, for threads that do not lock it. Change under the lock.
    signals: AtomicUsize,
    /// What threads without a processor queue, what threads leave behind when they release their processor,
    /// and what the monitor puts there for the workers that it wakes.
    global_queue: Injector<Arc<dyn Job>>,
    processors: Processors,
    /// The numbers of goroutines that were queued, and that ended, on threads without a processor.
    without_processor: WithoutProcessor,
    starters: Starters,
}

/// The functions that start a worker and the monitor.
pub(super) struct Starters {
    pub(super) worker: fn() -> io::Result<()>,
    pub(super) monitor: fn() -> io::Result<()>,
}

#[derive(Default)]
struct WithoutProcessor {
    queued: Published,
    ended: Published,
}

impl Scheduler {
    pub(super) fn new(max_procs: usize, starters: Starters) -> Self {
        let state = State::new(max_procs);
        Self {
            signals: AtomicUsize::new(state.signals()),
            state: Mutex::new(state),
            global_queue: Injector::new(),
            processors: Processors::new(),
            without_processor: WithoutProcessor::default(),
            starters,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no code panics under this lock")
    }

    /// Changes the state and the signals, and wakes no worker. Returns the result of `change`.
    fn change_quietly<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let result = change(&mut state);
        self.set_signals(&state);
        result
    }

    /// Derives the signals from the state. Returns whether this raises a wake signal.
    fn set_signals(&self, state: &State) -> bool {
        let before = self.signals.load(Relaxed);
        let after = state.signals();
        if before != after {
            self.signals.store(after, Relaxed);
        }
        after & !before & (WAKE_FOR_WORKER | WAKE_FOR_EXTERNAL) != 0
    }

    /// Changes the state and the signals. If that raises a wake signal, wakes a worker for the goroutines
    /// whose threads have not seen the signal (invariant 1 of `workers`).
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        self.change_with_external(0, change)
    }

    /// Like `change`, while `external` external threads keep CPUs busy.
    fn change_with_external<T>(&self, external: usize, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let result = change(&mut state);
        let calls = self.set_signals(&state) && self.has_waiting_now(&state);
        drop(state);
        if calls {
            self.wake(external);
        }
        result
    }

    // Wake-ups.

    /// Lists `p` and wakes a worker, each if necessary. To be called by the holder of `p` after it has queued
    /// a goroutine there.
    #[inline]
    pub(super) fn notify(&self, p: &'static Processor) {
        self.notify_for(p, QueuedBy::of(p.holder()));
    }

    /// Like `notify`, for goroutines that `queued_by` had queued elsewhere.
    #[inline]
    fn notify_for(&self, p: &'static Processor, queued_by: QueuedBy) {
        // Pairs with the fences in `has_waiting_now` and `Processors::try_unlist`.
        fence(SeqCst);
        if !p.is_listed() {
            self.list(p);
        }
        self.wake_for(queued_by);
    }

    #[cold]
    fn list(&self, p: &'static Processor) {
        // In a child of fork the lock may stay locked forever, and no thread steals.
        if !has_lost_workers() {
            let _state = self.lock();
            self.processors.list(p);
        }
    }

    /// Wakes a worker for a goroutine that `queued_by` has queued, if its wake signal is raised. The caller
    /// must have passed a fence.
    #[inline]
    fn wake_for(&self, queued_by: QueuedBy) {
        if self.signals.load(Relaxed) & queued_by.signal() != 0 {
            self.wake(queued_by.external());
        }
    }

    /// Wakes workers, or else the monitor, if a goroutine waits and this is still necessary. `external`
    /// external threads keep CPUs busy. Go's `wakep`.
    #[cold]
    fn wake(&self, external: usize) {
        let wakeup = self.change(|state| {
            let waiting = self.count_waiting(state);
            state.wake(external, waiting)
        });
        self.carry_out(wakeup);
    }

    fn carry_out(&self, wakeup: Option<Wakeup>) {
        match wakeup {
            None => {}
            Some(Wakeup::Workers(sleepers, new)) => {
                sleepers.iter().flatten().for_each(|sleeper| sleeper.wake());
                self.start_workers(new);
            }
            Some(Wakeup::Monitor(sleeper)) => sleeper.wake(),
            Some(Wakeup::NewMonitor(start)) => self.start_monitor(start),
        }
    }

    fn start_workers(&self, count: usize) {
        for left in (1..=count).rev() {
            if (self.starters.worker)().is_err() {
                return self.change(|state| state.note_refusal(left));
            }
        }
    }

    fn start_monitor(&self, start: usize) {
        match (self.starters.monitor)() {
            Ok(()) => self.change(|state| state.begin_watch(start)),
            // There are no workers either. The next thread that queues or waits for a goroutine tries again.
            Err(_) => self.change_quietly(|state| state.watch = Watch::Absent),
        }
    }

    /// Must be called before an external thread, the holder of `p`, blocks. From then on it no longer keeps a CPU
    /// busy, so this wakes a worker if one is needed. Returns whether goroutines may wait with no thread to run
    /// them, because the system refuses threads.
    pub(super) fn wake_before_sleep(&self, p: &Processor) -> bool {
        if p.len() > 0 {
            // No fence: if this misses a signal, the monitor watches.
            self.wake_for(QueuedBy::Other);
        }
        let may_be_alone = || {
            // Load the signals once: between two loads the start of the monitor may end, or begin again.
            let signals = self.signals.load(Relaxed);
            signals & MONITOR_STARTING != 0
                || signals & WAKE_FOR_EXTERNAL != 0 && self.has_waiting_now(&self.lock())
        };
        if !may_be_alone() {
            return false;
        }
        self.wake(0);
        may_be_alone()
    }

    /// Returns whether a goroutine waits. Sees every goroutine that was queued by a thread that has not seen
    /// the current signals.
    fn has_waiting_now(&self, state: &State) -> bool {
        // Pairs with the fences in `notify_for`, `flush_queue` and `inject`.
        fence(SeqCst);
        self.has_waiting(state)
    }

    /// Returns whether a goroutine waits in a queue. The lock, of which `_state` is the proof, keeps the list
    /// as it is.
    fn has_waiting(&self, _state: &State) -> bool {
        !self.global_queue.is_empty() || self.processors.listed().any(|p| p.len() > 0)
    }

    /// Returns how many goroutines wait in queues. The lock keeps the list as it is, as in `is_waiting`.
    fn count_waiting(&self, _state: &State) -> usize {
        let processors = self.processors.listed().map(Processor::len);
        processors.sum::<usize>() + self.global_queue.len()
    }

    // Processors.

    fn acquire(&self, state: &mut State, holder: Holder) -> &'static Processor {
        let p = self.processors.acquire(&mut state.free);
        p.set_holder(holder);
        p.thread.set(system::thread());
        p.in_goroutine.set(0);
        // Shows the monitor that this is not the run that it saw at its last look.
        p.runs.add_one();
        p.outer_runs.add_one();
        p
    }

    /// Moves the goroutines that the current thread has queued to the global run queue, before the thread
    /// releases its processor. So free processors are empty, and no search needs to look at them.
    pub(super) fn flush_queue(&self) {
        let jobs = processor::take_all();
        if jobs.is_empty() {
            return;
        }
        for job in jobs {
            self.global_queue.push(job);
        }
        // Pairs with the fence in `has_waiting_now`: on their way the goroutines were in no queue.
        fence(SeqCst);
        self.wake_for(QueuedBy::Other);
    }

    /// Takes `p` from its holder, which no longer counts as running.
    fn release(&self, state: &mut State, p: &'static Processor) {
        if p.holder() == Holder::Running {
            state.running -= 1;
        }
        self.processors.release(p, &mut state.free);
    }

    /// Gives a processor to an external thread.
    pub(super) fn acquire_external(&self) -> &'static Processor {
        self.change(|state| self.acquire(state, Holder::External))
    }

    /// Gives a processor to a worker that has been woken or started, and so counts as running already.
    pub(super) fn acquire_worker(&self) -> &'static Processor {
        self.change(|state| self.acquire(state, Holder::Running))
    }

    /// Gives a processor to a worker whose goroutine was blocked and continues. The worker counts as running
    /// again.
    pub(super) fn reacquire(&self) -> &'static Processor {
        self.change(|state| {
            state.resume();
            let p = self.acquire(state, Holder::Running);
            p.in_goroutine.set(1);
            p
        })
    }

    /// Takes the processor from an external thread that ends, or from a blocked worker that had acquired one as if
    /// it were external.
    pub(super) fn release_external(&self, p: &'static Processor) {
        self.change(|state| self.release(state, p));
    }

    /// Takes the processor from a worker whose goroutine is about to block.
    pub(super) fn block(&self, p: &'static Processor) {
        self.change(|state| {
            if p.holder() == Holder::Running {
                state.blocked += 1;
            }
            self.release(state, p);
        });
    }

    // Workers.

    /// Returns whether the worker that holds `p` may start another goroutine. If it was stuck, it counts as
    /// running again.
    pub(super) fn try_continue(&self, p: &'static Processor) -> bool {
        if p.holder() == Holder::Running && self.signals.load(Relaxed) & SURPLUS == 0 {
            return true;
        }
        self.change(|state| {
            if p.holder() == Holder::Stuck {
                state.resume();
                p.set_holder(Holder::Running);
                // The processor may have been taken from the list, and the monitor must see it.
                self.processors.list(p);
            }
            state.running <= state.max_procs
        })
    }

    /// Makes the current worker, which has nothing to do, the searching one, unless another worker searches.
    /// Returns whether it searches now.
    pub(super) fn begin_search(&self) -> bool {
        self.change(|state| {
            let begins = !state.is_searching;
            if begins {
                state.begin_search();
            }
            begins
        })
    }

    /// Ends the search, after the searching worker has found a goroutine that `queued_by` has queued. If more
    /// goroutines wait, wakes another worker. Go's `resetspinning`.
    pub(super) fn end_search(&self, queued_by: QueuedBy) {
        self.change_with_external(queued_by.external(), |state| state.is_searching = false);
    }

    /// Releases `p`, and lets its holder, a worker, sleep until it is woken. `is_searching` says whether it
    /// was the searching one. Returns false if the worker was not woken in time and must end.
    pub(super) fn sleep(&self, p: &'static Processor, is_searching: bool) -> bool {
        let me = Arc::new(Sleeper::new());
        let ticket = self.change(|state| {
            state.is_searching &= !is_searching;
            (state.batch, state.blocked) = (0, 0);
            self.release(state, p);
            state.idle.push(&me)
        });
        me.sleep(park::deadline(IDLE_TIMEOUT)) || !self.try_exit(ticket)
    }

    /// Lets a worker end that has slept for long. Returns false if it has just been woken, and must not end.
    /// The last worker to end wakes the monitor, so that the monitor ends, too.
    fn try_exit(&self, ticket: Ticket) -> bool {
        let (exits, wakeup) = self.change(|state| {
            if !state.idle.remove(ticket) {
                return (false, None);
            }
            state.workers -= 1;
            let wakeup = if state.workers == 0 {
                state.wake_monitor()
            } else {
                None
            };
            (true, wakeup)
        });
        self.carry_out(wakeup);
        exits
    }

    /// Takes a goroutine from the local run queue of the current thread, which must have a processor, or else
    /// from the global run queue or another processor, together with some more. Go's `findRunnable`.
    ///
    /// Without a `steal_delay`, it takes only one from the global run queue, and leaves none to external
    /// threads.
    pub(super) fn find(&self, mut steal_delay: Option<&mut StealDelay>) -> Option<Found> {
        if let Some(job) = processor::pop() {
            return Some((job, QueuedBy::Other));
        }
        let global = if steal_delay.is_none() {
            processor::retry(|| self.global_queue.steal())
        } else {
            processor::take_global(&self.global_queue)
        };
        if let Some(job) = global {
            self.notify_stolen(QueuedBy::Other);
            return Some((job, QueuedBy::Other));
        }
        self.victims(current()?).find_map(|other| {
            let steal_delay = steal_delay.as_deref_mut();
            if steal_delay.is_some_and(|steal_delay| steal_delay.hold_off(other)) {
                return None;
            }
            let job = processor::steal_some(other)?;
            let queued_by = QueuedBy::of(other.holder());
            self.notify_stolen(queued_by);
            Some((job, queued_by))
        })
    }

    /// Notifies the workers of the goroutines that were stolen together with another one, as if they were
    /// queued anew. On the way to the thief's queue they were in no queue, so a thread that looked for them
    /// may have missed them.
    fn notify_stolen(&self, queued_by: QueuedBy) {
        if let Some(p) = current()
            && p.len() > 0
        {
            self.notify_for(p, queued_by);
        }
    }

    /// Returns the listed processors other than `p`. Those after `p` come first, so that thieves spread.
    fn victims(&self, p: &'static Processor) -> impl Iterator<Item = &'static Processor> {
        let all = self.processors.listed();
        let (start, end) = match p.position() {
            Some(position) => (position + 1, position),
            None => (0, 0),
        };
        all.clone().skip(start).chain(all.take(end))
    }

    /// Takes the oldest goroutine of the first queue that is not empty. `turn` says at which queue to begin.
    /// Every second turn begins with the global run queue, the others with one local run queue after the other.
    pub(super) fn find_in_turn(&self, turn: usize) -> Option<Arc<dyn Job>> {
        let global = || processor::retry(|| self.global_queue.steal());
        let local = || {
            let count = self.processors.count();
            let from = turn / 2 % count.max(1);
            let in_turn = self.processors.listed().cycle().skip(from);
            in_turn.take(count).find_map(Processor::steal)
        };
        if turn.is_multiple_of(2) {
            global().or_else(local)
        } else {
            local().or_else(global)
        }
    }

    // Threads that cannot get a processor.

    pub(super) fn inject(&self, job: Arc<dyn Job>) {
        self.without_processor.queued.add(1);
        self.global_queue.push(job);
        // Pairs with the fence in `has_waiting_now`.
        fence(SeqCst);
        self.wake_for(QueuedBy::Other);
    }

    pub(super) fn count_end_without_processor(&self) {
        self.without_processor.ended.add(1);
    }

    // The monitor.

    /// Returns the processors of the running workers.
    pub(super) fn running_processors(&self) -> impl Iterator<Item = &'static Processor> {
        let listed = self.processors.listed();
        listed.filter(|p| p.holder() == Holder::Running)
    }

    /// Finds workers for the goroutines that wait. `seen` is what the monitor, which calls this, has seen of
    /// the running ones.
    pub(super) fn look(&self, seen: &Observations) -> Look {
        // `update`, not `change`: the queues need no second look here, since the monitor either looks again or
        // calls `doze`, which looks (invariant 1 of `workers`).
        let (look, wakeup) = self.change_quietly(|state| {
            let external = self.prune_list();
            let waiting = self.count_waiting(state);
            state.look(seen, external, waiting)
        });
        if let Some(Wakeup::Workers(sleepers, new)) = &wakeup {
            self.fill_global_queue(sleepers.iter().flatten().count() + new);
        }
        self.carry_out(wakeup);
        look
    }

    /// Fills the global run queue with up to `count` goroutines from other queues, so that `count`
    /// workers find one each.
    fn fill_global_queue(&self, count: usize) {
        let mut missing = count.saturating_sub(self.global_queue.len());
        for p in self.processors.listed() {
            while missing > 0
                && let Some(job) = p.steal()
            {
                self.global_queue.push(job);
                missing -= 1;
            }
        }
    }

    /// Takes from the list the empty processors whose holder is not a running worker and has done nothing
    /// since the last look. Returns how many external threads keep a CPU busy. The caller must hold the lock.
    fn prune_list(&self) -> usize {
        let mut external = 0;
        // From the end: the last listed processor takes the position of one that leaves the list.
        for p in self.processors.listed_from_the_end() {
            let is_active = p.observe_activity();
            match p.holder() {
                Holder::Running => {}
                Holder::External if is_active => external += 1,
                Holder::Stuck if is_active => {}
                Holder::Nobody | Holder::External | Holder::Stuck => self.processors.try_unlist(p),
            }
        }
        external
    }

    /// Lets the monitor sleep until there is something to watch. Returns false if there are no workers left
    /// and the monitor must end.
    pub(super) fn doze(&self) -> bool {
        let me = Arc::new(Sleeper::new());
        let mut state = self.lock();
        let ends = state.workers == 0;
        state.watch = if ends {
            Watch::Absent
        } else {
            Watch::Dozing(Arc::clone(&me))
        };
        self.set_signals(&state);
        // Look even if this has raised no signal: the monitor's last look may have raised one (invariant 1 of
        // `workers`).
        if self.has_waiting_now(&state) {
            state.watch = Watch::Watching;
            self.set_signals(&state);
            return true;
        }
        drop(state);
        !ends && me.sleep(None)
    }

    // Statistics.

    /// Returns how many goroutines there are.
    #[cfg(not(gosync_model))]
    pub(super) fn goroutines(&self) -> usize {
        let sum = |without_processor: &Published, of: fn(&Processor) -> &Published| {
            let processors = self.processors.all().map(|p| of(p).get());
            processors.fold(without_processor.get(), usize::wrapping_add)
        };
        // Sum up `ended` first: each of those was queued before, so the result is not negative.
        let ended = sum(&self.without_processor.ended, |p| &p.ended);
        sum(&self.without_processor.queued, |p| &p.queued).wrapping_sub(ended)
    }

    /// Returns how many workers there are.
    #[cfg(not(gosync_model))]
    pub(super) fn workers(&self) -> usize {
        self.lock().workers
    }

    /// In a child of fork, returns whether the parent may have had workers or a monitor. If so, lowers all
    /// signals, so that no thread here wakes them.
    #[cfg(all(unix, not(gosync_model)))]
    pub(super) fn lose_threads(&self) -> bool {
        let has_lost_threads = match self.state.try_lock() {
            Ok(state) => state.workers > 0 || !matches!(state.watch, Watch::Absent),
            // Another thread of the parent held the lock, so it stays locked.
            Err(_) => true,
        };
        if has_lost_threads {
            self.signals.store(0, Relaxed);
        }
        has_lost_threads
    }

    /// Sets how many workers may run, unless `n` is 0. Returns the previous number.
    pub(super) fn set_max_procs(&self, n: usize) -> usize {
        self.change(|state| {
            let n = if n == 0 { state.max_procs } else { n };
            mem::replace(&mut state.max_procs, n)
        })
    }
}

#[cfg(all(test, target_os = "linux", not(gosync_model)))]
mod tests;

#[cfg(all(test, windows))]
mod exit_tests;
