//! Who runs, who searches, who sleeps: the state of all workers, and the changes to it.

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

/// How long a thread that has nothing to do waits for something before it ends.
const IDLE: Duration = Duration::from_secs(5);

/// A goroutine that was in a queue, and the kind of thread that had queued it.
pub(super) type Found = (Arc<dyn Job>, QueuedBy);

pub(super) struct Scheduler {
    state: Mutex<State>,
    /// What follows from `state` for those who do not lock it. Changes under the lock.
    signals: AtomicUsize,
    /// For threads that cannot have a processor any more.
    global_queue: Injector<Arc<dyn Job>>,
    processors: Processors,
    /// What those threads have queued, and run.
    without_processor: WithoutProcessor,
    starters: Starters,
}

/// What starts a thread of either kind.
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

    /// Changes the state and the signals. Returns what `change` does.
    fn update<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let result = change(&mut state);
        self.set_signals(&state);
        result
    }

    /// Lets the signals follow from the state. Returns whether that raises one that calls.
    fn set_signals(&self, state: &State) -> bool {
        let before = self.signals.load(Relaxed);
        let after = state.signals();
        if before != after {
            self.signals.store(after, Relaxed);
        }
        after & !before & (WAKE_FOR_WORKER | WAKE_FOR_EXTERNAL) != 0
    }

    /// Changes the state, and looks after those who have not seen a signal that this raises
    /// (invariant 1).
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        self.change_beside(0, change)
    }

    /// As `change`, while so many `others` keep CPUs busy.
    fn change_beside<T>(&self, external: usize, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let result = change(&mut state);
        let calls = self.set_signals(&state) && self.is_waiting_now(&state);
        drop(state);
        if calls {
            self.wake(external);
        }
        result
    }

    // Calls.

    /// The holder of `p`, which is the current thread, has queued a goroutine there.
    #[inline]
    pub(super) fn notify(&self, p: &'static Processor) {
        self.notify_for(p, QueuedBy::of(p.holder()));
    }

    /// As `notify`, what `queued_by` had queued elsewhere.
    #[inline]
    fn notify_for(&self, p: &'static Processor, queued_by: QueuedBy) {
        // Pairs with the fences in `is_waiting_now` and `Processors::unlist`.
        fence(SeqCst);
        if !p.is_listed() {
            self.list(p);
        }
        self.wake_for(queued_by);
    }

    #[cold]
    fn list(&self, p: &'static Processor) {
        // In a child of fork the lock may stay locked, and nobody steals.
        if !has_lost_workers() {
            let _state = self.lock();
            self.processors.list(p);
        }
    }

    /// Calls for a goroutine that `queued_by` has queued, if that is necessary. To be called after a fence.
    #[inline]
    fn wake_for(&self, queued_by: QueuedBy) {
        if self.signals.load(Relaxed) & queued_by.signal() != 0 {
            self.wake(queued_by.external());
        }
    }

    #[cold]
    fn wake(&self, external: usize) {
        let wakeup = self.change(|state| {
            let waiting = self.waiting(state);
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
                return self.change(|state| state.refuse(left));
            }
        }
    }

    fn start_monitor(&self, start: usize) {
        match (self.starters.monitor)() {
            Ok(()) => self.change(|state| state.begin_watch(start)),
            // There is no thread at all. Who queues the next goroutine, or waits, tries again.
            Err(_) => self.update(|state| state.watch = Watch::Absent),
        }
    }

    /// The holder of `p`, which is no worker, is about to block, and no longer keeps a CPU busy. Returns
    /// whether goroutines may wait that have nobody to run them: the system refuses threads.
    pub(super) fn wake_before_sleep(&self, p: &Processor) -> bool {
        if p.len() > 0 {
            // No fence: where this sees too little the monitor watches.
            self.wake_for(QueuedBy::Worker);
        }
        let may_be_alone = || {
            // Once: it may be starting again already, or no longer.
            let signals = self.signals.load(Relaxed);
            signals & MONITOR_STARTING != 0
                || signals & WAKE_FOR_EXTERNAL != 0 && self.is_waiting_now(&self.lock())
        };
        if !may_be_alone() {
            return false;
        }
        self.wake(0);
        may_be_alone()
    }

    /// Whether a goroutine waits, among them all that have been queued by those who have not seen the
    /// signals as they are.
    fn is_waiting_now(&self, state: &State) -> bool {
        // Pairs with the fences of those who queue.
        fence(SeqCst);
        self.is_waiting(state)
    }

    /// Under the lock, so that the list stays as it is.
    fn is_waiting(&self, _state: &State) -> bool {
        !self.global_queue.is_empty() || self.processors.listed().any(|p| p.len() > 0)
    }

    /// How many goroutines wait; under the lock.
    fn waiting(&self, _state: &State) -> usize {
        let processors = self.processors.listed().map(Processor::len);
        processors.sum::<usize>() + self.global_queue.len()
    }

    // Processors.

    fn acquire(&self, state: &mut State, holder: Holder) -> &'static Processor {
        let p = self.processors.acquire(&mut state.free);
        p.set_holder(holder);
        p.thread.set(system::thread());
        p.in_goroutine.set(0);
        // For the monitor: this is not what was here at its last look.
        p.runs.add_one();
        p.outer_runs.add_one();
        p
    }

    /// The holder of a processor is about to give it back: what it has queued is left to others. An empty processor
    /// costs nobody a look.
    pub(super) fn flush_queue(&self) {
        let jobs = processor::take_all();
        if jobs.is_empty() {
            return;
        }
        for job in jobs {
            self.global_queue.push(job);
        }
        // Pairs with the fence in `is_waiting_now`: on its way it was in no queue.
        fence(SeqCst);
        self.wake_for(QueuedBy::Worker);
    }

    /// The holder no longer has `p`, and no longer counts.
    fn release(&self, state: &mut State, p: &'static Processor) {
        if p.holder() == Holder::Running {
            state.running -= 1;
        }
        self.processors.release(p, &mut state.free);
    }

    /// Gives a processor to a thread that is no worker.
    pub(super) fn acquire_external(&self) -> &'static Processor {
        self.change(|state| self.acquire(state, Holder::External))
    }

    /// Gives a processor to a worker that has been called.
    pub(super) fn acquire_worker(&self) -> &'static Processor {
        self.change(|state| self.acquire(state, Holder::Running))
    }

    /// Gives a processor to a worker whose goroutine was blocked, and goes on.
    pub(super) fn reacquire(&self) -> &'static Processor {
        self.change(|state| {
            state.resume();
            let p = self.acquire(state, Holder::Running);
            p.in_goroutine.set(1);
            p
        })
    }

    /// Takes the processor from a thread that ends, or is no worker.
    pub(super) fn release_external(&self, p: &'static Processor) {
        self.change(|state| self.release(state, p));
    }

    /// Takes the processor from a worker whose goroutine blocks.
    pub(super) fn block(&self, p: &'static Processor) {
        self.change(|state| {
            if p.holder() == Holder::Running {
                state.blocked += 1;
            }
            self.release(state, p);
        });
    }

    // Workers.

    /// Whether the worker at `p` may start another goroutine.
    pub(super) fn try_continue(&self, p: &'static Processor) -> bool {
        if p.holder() == Holder::Running && self.signals.load(Relaxed) & SURPLUS == 0 {
            return true;
        }
        self.change(|state| {
            if p.holder() == Holder::Stuck {
                state.resume();
                p.set_holder(Holder::Running);
                // It may have been taken from the list, and the monitor is to see it.
                self.processors.list(p);
            }
            state.running <= state.max_procs
        })
    }

    /// A worker has nothing to do. Returns whether it is to search, since no other one does.
    pub(super) fn begin_search(&self) -> bool {
        self.change(|state| {
            let begins = !state.is_searching;
            if begins {
                state.begin_search();
            }
            begins
        })
    }

    /// The searching worker has found a goroutine that `queued_by` has queued. If there are more, another
    /// one is called.
    pub(super) fn end_search(&self, queued_by: QueuedBy) {
        self.change_beside(queued_by.external(), |state| state.is_searching = false);
    }

    /// The worker at `p` sleeps until it is called; it was the searching one if `is_searching`.
    /// Returns false if nobody has called it, and it ends.
    pub(super) fn sleep(&self, p: &'static Processor, is_searching: bool) -> bool {
        let me = Arc::new(Sleeper::new());
        let ticket = self.change(|state| {
            state.is_searching &= !is_searching;
            (state.batch, state.blocked) = (0, 0);
            self.release(state, p);
            state.idle.push(&me)
        });
        me.sleep(park::deadline(IDLE)) || !self.try_exit(ticket)
    }

    /// A worker that has slept for long wants to end. It may not if it has just been called. The last one
    /// sends the monitor home.
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

    /// Takes a goroutine from the deque of the current thread, which has a processor, or else from elsewhere,
    /// and then some more with it. Says who had queued it.
    pub(super) fn find(&self, mut steal_delay: Option<&mut StealDelay>) -> Option<Found> {
        if let Some(job) = processor::pop() {
            return Some((job, QueuedBy::Worker));
        }
        let global = if steal_delay.is_none() {
            processor::retry(|| self.global_queue.steal())
        } else {
            processor::take_global(&self.global_queue)
        };
        if let Some(job) = global {
            self.notify_stolen(QueuedBy::Worker);
            return Some((job, QueuedBy::Worker));
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

    /// What was stolen with another goroutine was in no queue on its way to that of the thief, so somebody
    /// may have looked for it in vain: it is queued anew.
    fn notify_stolen(&self, queued_by: QueuedBy) {
        if let Some(p) = current()
            && p.len() > 0
        {
            self.notify_for(p, queued_by);
        }
    }

    /// The listed processors but `p`: those first that come after it, so that thieves spread.
    fn victims(&self, p: &'static Processor) -> impl Iterator<Item = &'static Processor> {
        let all = self.processors.listed();
        let (start, end) = match p.position() {
            Some(position) => (position + 1, position),
            None => (0, 0),
        };
        all.clone().skip(start).chain(all.take(end))
    }

    /// Takes what has waited for longest in some queue: in each of them, if `turn` goes on.
    pub(super) fn find_oldest(&self, turn: usize) -> Option<Arc<dyn Job>> {
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

    // Threads that cannot have a processor.

    pub(super) fn inject(&self, job: Arc<dyn Job>) {
        self.without_processor.queued.add(1);
        self.global_queue.push(job);
        // Pairs with the fence in `is_waiting_now`.
        fence(SeqCst);
        self.wake_for(QueuedBy::Worker);
    }

    pub(super) fn ended_without_processor(&self) {
        self.without_processor.ended.add(1);
    }

    // The monitor.

    /// The processors of the workers that run.
    pub(super) fn running(&self) -> impl Iterator<Item = &'static Processor> {
        let listed = self.processors.listed();
        listed.filter(|p| p.holder() == Holder::Running)
    }

    /// Looks after the goroutines that nobody has started. The monitor has `seen` what those do that run.
    pub(super) fn look(&self, seen: &Observations) -> Look {
        // Without another look at the queues: the monitor looks again, or dozes (invariant 1).
        let (look, wakeup) = self.update(|state| {
            let external = self.prune_list();
            let waiting = self.waiting(state);
            state.look(seen, external, waiting)
        });
        if let Some(Wakeup::Workers(sleepers, new)) = &wakeup {
            self.fill_global_queue(sleepers.iter().flatten().count() + new);
        }
        self.carry_out(wakeup);
        look
    }

    /// Sees to it that so many goroutines wait in the global_queue, where workers find them who take one each.
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

    /// Takes those from the list that are empty and whose holder does nothing. Returns how many threads that are
    /// no workers keep a CPU busy. To be called under the lock.
    fn prune_list(&self) -> usize {
        let mut external = 0;
        // From the end, since it is the last one that comes to where another was.
        for p in self.processors.listed_from_the_end() {
            let observe_activity = p.observe_activity();
            match p.holder() {
                Holder::Running => {}
                Holder::External if observe_activity => external += 1,
                Holder::Stuck if observe_activity => {}
                Holder::Nobody | Holder::External | Holder::Stuck => self.processors.unlist(p),
            }
        }
        external
    }

    /// Sleeps until there is something to watch. Returns false if there is no worker any more, and the
    /// monitor ends.
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
        // Whether that has raised a signal or not: the last look may have (invariant 1).
        if self.is_waiting_now(&state) {
            state.watch = Watch::Watching;
            self.set_signals(&state);
            return true;
        }
        drop(state);
        !ends && me.sleep(None)
    }

    // Numbers.

    /// How many goroutines there are.
    #[cfg(not(gosync_model))]
    pub(super) fn goroutines(&self) -> usize {
        let sum = |without_processor: &Published, of: fn(&Processor) -> &Published| {
            let processors = self.processors.all().map(|p| of(p).get());
            processors.fold(without_processor.get(), usize::wrapping_add)
        };
        // Those that have ended first: each of them was queued before.
        let ended = sum(&self.without_processor.ended, |p| &p.ended);
        sum(&self.without_processor.queued, |p| &p.queued).wrapping_sub(ended)
    }

    /// How many workers there are.
    #[cfg(not(gosync_model))]
    pub(super) fn workers(&self) -> usize {
        self.lock().workers
    }

    /// In a child of fork: whether the parent may have had workers, or a monitor. If so, nobody here calls
    /// them any more.
    #[cfg(all(unix, not(gosync_model)))]
    pub(super) fn lose_threads(&self) -> bool {
        let has_lost_threads = match self.state.try_lock() {
            Ok(state) => state.workers > 0 || !matches!(state.watch, Watch::Absent),
            // It stays locked.
            Err(_) => true,
        };
        if has_lost_threads {
            self.signals.store(0, Relaxed);
        }
        has_lost_threads
    }

    /// Sets how many workers may run, if `n` is not 0. Returns how many could before.
    pub(super) fn set_max_procs(&self, n: usize) -> usize {
        self.change(|state| {
            let n = if n == 0 { state.max_procs } else { n };
            mem::replace(&mut state.max_procs, n)
        })
    }
}

#[cfg(all(test, target_os = "linux", not(gosync_model)))]
mod tests;
