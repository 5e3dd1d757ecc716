//! Who runs, who searches, who sleeps: the state of all workers, and the changes to it.

use super::backlog::Backlog;
use super::decisions::{
    Call, Caller, GOROUTINE_CALLS, STARTING, STRANGER_CALLS, SURPLUS, State, Watch,
};
use super::place::{self, Holder, Place, Places};
use super::sleeper::Sleeper;
use super::{Job, here, system};
use crate::deque::Injector;
use crate::park;
use crate::primitive::{AtomicUsize, Mutex, MutexGuard, Ordering, Tally, fence};
use std::sync::Arc;
use std::time::Duration;
use std::{io, mem};

use Ordering::{Relaxed, SeqCst};

/// How long a thread that has nothing to do waits for something before it ends.
const IDLE: Duration = Duration::from_secs(5);

pub(super) struct Scheduler {
    state: Mutex<State>,
    /// What follows from `state` for those who do not lock it. Changes under the lock.
    signals: AtomicUsize,
    /// For threads that cannot have a place any more.
    injector: Injector<Arc<dyn Job>>,
    places: Places,
    /// What those threads have queued, and run.
    strays: Strays,
    starters: Starters,
}

/// What starts a thread of either kind.
pub(super) struct Starters {
    pub(super) worker: fn() -> io::Result<()>,
    pub(super) monitor: fn() -> io::Result<()>,
}

#[derive(Default)]
struct Strays {
    queued: Tally,
    ended: Tally,
}

/// What the monitor has seen.
pub(super) struct Look {
    /// The system has refused a thread since the last look.
    pub(super) is_refused: bool,
}

impl Scheduler {
    pub(super) fn new(max_procs: usize, starters: Starters) -> Self {
        let state = State::new(max_procs);
        Self {
            signals: AtomicUsize::new(state.signals()),
            state: Mutex::new(state),
            injector: Injector::new(),
            places: Places::new(),
            strays: Strays::default(),
            starters,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics with it")
    }

    /// Changes the state and the signals. Returns what `change` does, and whether it has raised a signal
    /// that calls.
    fn update<T>(&self, change: impl FnOnce(&mut State) -> T) -> (T, bool) {
        let mut state = self.lock();
        let result = change(&mut state);
        (result, self.set_signals(&state))
    }

    /// Lets the signals follow from the state. Returns whether that raises one that calls.
    fn set_signals(&self, state: &State) -> bool {
        let before = self.signals.load(Relaxed);
        let after = state.signals();
        if before != after {
            self.signals.store(after, Relaxed);
        }
        after & !before & (GOROUTINE_CALLS | STRANGER_CALLS) != 0
    }

    /// Changes the state, and looks after those who have not seen a signal that this raises
    /// (invariant 1).
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let (result, has_raised) = self.update(change);
        if has_raised && self.is_waiting_now() {
            self.call(0);
        }
        result
    }

    // Calls.

    /// A goroutine has been queued.
    #[inline]
    pub(super) fn announce(&self, caller: Caller) {
        // Pairs with the fence in `is_waiting_now`.
        fence(SeqCst);
        if self.signals.load(Relaxed) & caller.signal() != 0 {
            self.call(caller.others());
        }
    }

    #[cold]
    fn call(&self, others: usize) {
        let call = self.change(|state| state.call(others));
        self.carry_out(call);
    }

    fn carry_out(&self, call: Option<Call>) {
        match call {
            None => {}
            Some(Call::Sleeper(sleeper)) => sleeper.call(),
            Some(Call::NewWorker) => self.start_worker(),
            Some(Call::NewMonitor(start)) => self.start_monitor(start),
        }
    }

    fn start_worker(&self) {
        if (self.starters.worker)().is_err() {
            self.change(|state| {
                state.running -= 1;
                state.is_searching = false;
                state.workers -= 1;
                state.is_refused = true;
            });
        }
    }

    fn start_monitor(&self, start: usize) {
        match (self.starters.monitor)() {
            Ok(()) => self.change(|state| state.begin_watch(start)),
            // There is no thread at all. Who queues the next goroutine, or waits, tries again.
            Err(_) => {
                self.update(|state| state.watch = Watch::Absent);
            }
        }
    }

    /// A thread is about to wait, for goroutines maybe that have nobody to run them. Returns whether that
    /// may be so still: the system refuses threads.
    pub(super) fn call_if_alone(&self) -> bool {
        let may_be_alone = || {
            // Once: it may be starting again already, or no longer.
            let signals = self.signals.load(Relaxed);
            signals & STARTING != 0 || signals & STRANGER_CALLS != 0 && self.is_waiting_now()
        };
        if !may_be_alone() {
            return false;
        }
        self.call(0);
        may_be_alone()
    }

    /// Whether a goroutine waits, among them all that have been queued by those who have not seen the
    /// signals as they are.
    fn is_waiting_now(&self) -> bool {
        // Pairs with the fence in `announce`.
        fence(SeqCst);
        self.is_waiting()
    }

    fn is_waiting(&self) -> bool {
        !self.injector.is_empty() || self.places.iter().any(|place| place.len() > 0)
    }

    // Places.

    fn take_place(&self, state: &mut State, holder: Holder) -> &'static Place {
        let place = self.places.take(&mut state.free);
        place.set_holder(holder);
        // For the monitor: this is not what was here at its last look.
        place.turns.add_one();
        place.rounds.add_one();
        place
    }

    /// The holder no longer has `place`, and no longer counts.
    fn vacate(&self, state: &mut State, place: &'static Place) {
        if place.holder() == Holder::Running {
            state.running -= 1;
        }
        place.set_holder(Holder::Free);
        self.places.put_back(place, &mut state.free);
    }

    /// Gives a place to a thread that is no worker.
    pub(super) fn admit_stranger(&self) -> &'static Place {
        self.change(|state| self.take_place(state, Holder::Stranger))
    }

    /// Gives a place to a worker that has been called.
    pub(super) fn admit_worker(&self) -> &'static Place {
        self.change(|state| self.take_place(state, Holder::Running))
    }

    /// Gives a place to a worker whose goroutine was blocked, and goes on.
    pub(super) fn admit_again(&self) -> &'static Place {
        self.change(|state| {
            state.running += 1;
            self.take_place(state, Holder::Running)
        })
    }

    /// Takes the place from a thread that ends, or from a goroutine that blocks.
    pub(super) fn dismiss(&self, place: &'static Place) {
        self.change(|state| self.vacate(state, place));
    }

    // Workers.

    /// Whether the worker at `place` may start another goroutine.
    pub(super) fn may_go_on(&self, place: &'static Place) -> bool {
        if place.holder() == Holder::Running && self.signals.load(Relaxed) & SURPLUS == 0 {
            return true;
        }
        self.change(|state| {
            if place.holder() == Holder::Stuck {
                state.running += 1;
                place.set_holder(Holder::Running);
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

    /// The searching worker has found a goroutine that `caller` has queued. If there are more, another
    /// one is called.
    pub(super) fn end_search(&self, caller: Caller) {
        let ((), has_raised) = self.update(|state| state.is_searching = false);
        if has_raised && self.is_waiting_now() {
            self.call(caller.others());
        }
    }

    /// The worker at `place` sleeps until it is called; it was the searching one if `is_searching`.
    /// Returns false if nobody has called it, and it ends.
    pub(super) fn sleep(&self, place: &'static Place, is_searching: bool) -> bool {
        let me = Arc::new(Sleeper::new());
        self.change(|state| {
            state.is_searching &= !is_searching;
            self.vacate(state, place);
            state.idle.push(Arc::clone(&me));
        });
        me.sleep(park::deadline(IDLE)) || !self.resign(&me)
    }

    /// A worker that has slept for long wants to end. It may not if it has just been called. The last one
    /// sends the monitor home.
    fn resign(&self, me: &Arc<Sleeper>) -> bool {
        let (resigns, call) = self.change(|state| {
            let index = state.idle.iter().position(|idle| Arc::ptr_eq(idle, me));
            let Some(index) = index else {
                return (false, None);
            };
            state.idle.remove(index);
            state.workers -= 1;
            let call = if state.workers == 0 {
                state.call_monitor()
            } else {
                None
            };
            (true, call)
        });
        self.carry_out(call);
        resigns
    }

    /// Takes a goroutine from the deque of the current thread, which has a place, or else from elsewhere,
    /// and then some more with it. Says who had queued it.
    pub(super) fn find(&self, mut backlog: Option<&mut Backlog>) -> Option<(Arc<dyn Job>, Caller)> {
        if let Some(job) = place::pop() {
            return Some((job, Caller::Goroutine));
        }
        if let Some(job) = place::take_some(&self.injector) {
            self.announce_loot(Caller::Goroutine);
            return Some((job, Caller::Goroutine));
        }
        self.others(here()?).find_map(|other| {
            let backlog = backlog.as_deref_mut();
            if backlog.is_some_and(|backlog| backlog.is_fresh(other)) {
                return None;
            }
            let job = place::steal_some(other)?;
            let caller = Caller::of(other.holder());
            self.announce_loot(caller);
            Some((job, caller))
        })
    }

    /// What was stolen with another goroutine was in no queue on its way to that of the thief, so somebody
    /// may have looked for it in vain: it is queued anew.
    fn announce_loot(&self, caller: Caller) {
        if here().is_some_and(|place| place.len() > 0) {
            self.announce(caller);
        }
    }

    /// All places but `place`: those first that come after it, so that thieves spread.
    fn others(&self, place: &'static Place) -> impl Iterator<Item = &'static Place> {
        let all = self.places.iter();
        let after = all.clone().skip(place.index + 1);
        after.chain(all.take(place.index))
    }

    /// Takes what has waited for longest in some queue: in each of them, if `turn` goes on.
    pub(super) fn find_oldest(&self, turn: usize) -> Option<Arc<dyn Job>> {
        let injected = || place::insist(|| self.injector.steal());
        let placed = || {
            let count = self.places.iter().count();
            let in_turn = self.places.iter().cycle().skip(turn / 2 % count.max(1));
            in_turn.take(count).find_map(Place::steal)
        };
        if turn.is_multiple_of(2) {
            injected().or_else(placed)
        } else {
            placed().or_else(injected)
        }
    }

    // Threads that cannot have a place.

    pub(super) fn inject(&self, job: Arc<dyn Job>) {
        self.strays.queued.add(1);
        self.injector.push(job);
        self.announce(Caller::Goroutine);
    }

    pub(super) fn stray_ended(&self) {
        self.strays.ended.add(1);
    }

    // The monitor.

    /// Looks after the goroutines that nobody has started; none if there are none. `now` is the time
    /// since the monitor began.
    pub(super) fn look(&self, now: Duration) -> Option<Look> {
        let is_waiting = self.is_waiting();
        // Without another look at the queues: the monitor looks again, or dozes (invariant 1).
        let ((look, call), _) = self.update(|state| {
            let look = Look {
                is_refused: mem::take(&mut state.is_refused),
            };
            let call = self.look_around(state, is_waiting, now);
            (look, call)
        });
        self.carry_out(call);
        is_waiting.then_some(look)
    }

    fn look_around(&self, state: &mut State, is_waiting: bool, now: Duration) -> Option<Call> {
        let seen = mem::replace(&mut state.seen_searches, state.searches);
        if state.is_searching && seen == state.searches && is_waiting {
            // The searching worker does not get a processor. It will find out what there is, later.
            state.is_searching = false;
        }
        let strangers = self.places.iter().filter(|place| place.is_busy_stranger());
        let strangers = strangers.count();
        let is_full = state.running + strangers >= state.max_procs;
        let may_retake = is_waiting && is_full && !state.is_searching;
        for place in self.places.iter() {
            // First, and always: it takes note of what it sees.
            if place.has_run_on(now) && may_retake {
                state.retake(place);
            }
        }
        if is_waiting {
            state.call(strangers)
        } else {
            None
        }
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
        if self.is_waiting_now() {
            state.watch = Watch::Watching;
            self.set_signals(&state);
            return true;
        }
        drop(state);
        !ends && me.sleep(None)
    }

    // Numbers.

    /// How many goroutines have ended.
    pub(super) fn ended(&self) -> usize {
        let places = self.places.all().map(|place| place.ended.get());
        places.fold(self.strays.ended.get(), usize::wrapping_add)
    }

    /// How many goroutines there are.
    #[cfg(not(gosync_model))]
    pub(super) fn goroutines(&self) -> usize {
        // Those that have ended first: each of them was queued before.
        let ended = self.ended();
        let places = self.places.all().map(|place| place.queued.get());
        let queued = places.fold(self.strays.queued.get(), usize::wrapping_add);
        queued.wrapping_sub(ended)
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

    /// How many processors there can be work for.
    pub(super) fn processors(&self) -> usize {
        self.lock().max_procs.min(system::processors())
    }

    /// Sets how many workers may run, if `n` is not 0. Returns how many could before.
    pub(super) fn set_max_procs(&self, n: usize) -> usize {
        self.change(|state| {
            let n = if n == 0 { state.max_procs } else { n };
            mem::replace(&mut state.max_procs, n)
        })
    }
}
