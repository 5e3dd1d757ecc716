//! Who runs, who searches, who sleeps: the state of all workers, and the changes to it.

use super::backlog::Backlog;
use super::decisions::{
    Call, Caller, GOROUTINE_CALLS, Look, STARTING, STRANGER_CALLS, SURPLUS, Seen, State, Ticket,
    Watch,
};
use super::place::{self, Holder, Place};
use super::places::Places;
use super::{Job, has_lost_workers, here, system};
use crate::deque::Injector;
use crate::park;
use crate::primitive::{AtomicUsize, Mutex, MutexGuard, Ordering, Tally, fence};
use crate::sleeper::Sleeper;
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
        after & !before & (GOROUTINE_CALLS | STRANGER_CALLS) != 0
    }

    /// Changes the state, and looks after those who have not seen a signal that this raises
    /// (invariant 1).
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        self.change_beside(0, change)
    }

    /// As `change`, while so many `others` keep processors busy.
    fn change_beside<T>(&self, others: usize, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let result = change(&mut state);
        let calls = self.set_signals(&state) && self.is_waiting_now(&state);
        drop(state);
        if calls {
            self.call(others);
        }
        result
    }

    // Calls.

    /// The holder of `place`, which is the current thread, has queued a goroutine there.
    #[inline]
    pub(super) fn announce(&self, place: &'static Place) {
        self.announce_for(place, Caller::of(place.holder()));
    }

    /// As `announce`, what `caller` had queued elsewhere.
    #[inline]
    fn announce_for(&self, place: &'static Place, caller: Caller) {
        // Pairs with the fences in `is_waiting_now` and `Places::unlist`.
        fence(SeqCst);
        if !place.is_listed() {
            self.list(place);
        }
        self.call_for(caller);
    }

    #[cold]
    fn list(&self, place: &'static Place) {
        // In a child of fork the lock may stay locked, and nobody steals.
        if !has_lost_workers() {
            let _state = self.lock();
            self.places.list(place);
        }
    }

    /// Calls for a goroutine that `caller` has queued, if that is necessary. To be called after a fence.
    #[inline]
    fn call_for(&self, caller: Caller) {
        if self.signals.load(Relaxed) & caller.signal() != 0 {
            self.call(caller.others());
        }
    }

    #[cold]
    fn call(&self, others: usize) {
        let call = self.change(|state| {
            let waiting = self.waiting(state);
            state.call(others, waiting)
        });
        self.carry_out(call);
    }

    fn carry_out(&self, call: Option<Call>) {
        match call {
            None => {}
            Some(Call::Workers(sleepers, new)) => {
                sleepers.iter().flatten().for_each(|sleeper| sleeper.call());
                self.start_workers(new);
            }
            Some(Call::Monitor(sleeper)) => sleeper.call(),
            Some(Call::NewMonitor(start)) => self.start_monitor(start),
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

    /// The holder of `place`, which is no worker, is about to block, and no longer keeps a processor busy. Returns
    /// whether goroutines may wait that have nobody to run them: the system refuses threads.
    pub(super) fn call_before_sleep(&self, place: &Place) -> bool {
        if place.len() > 0 {
            // No fence: where this sees too little the monitor watches.
            self.call_for(Caller::Goroutine);
        }
        let may_be_alone = || {
            // Once: it may be starting again already, or no longer.
            let signals = self.signals.load(Relaxed);
            signals & STARTING != 0
                || signals & STRANGER_CALLS != 0 && self.is_waiting_now(&self.lock())
        };
        if !may_be_alone() {
            return false;
        }
        self.call(0);
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
        !self.injector.is_empty() || self.places.listed().any(|place| place.len() > 0)
    }

    /// How many goroutines wait; under the lock.
    fn waiting(&self, _state: &State) -> usize {
        let places = self.places.listed().map(Place::len);
        places.sum::<usize>() + self.injector.len()
    }

    // Places.

    fn take_place(&self, state: &mut State, holder: Holder) -> &'static Place {
        let place = self.places.take(&mut state.free);
        place.set_holder(holder);
        place.thread.set(system::thread());
        place.at_work.set(0);
        // For the monitor: this is not what was here at its last look.
        place.turns.add_one();
        place.rounds.add_one();
        place
    }

    /// The holder of a place is about to give it back: what it has queued is left to others. An empty place
    /// costs nobody a look.
    pub(super) fn leave(&self) {
        let jobs = place::clear();
        if jobs.is_empty() {
            return;
        }
        for job in jobs {
            self.injector.push(job);
        }
        // Pairs with the fence in `is_waiting_now`: on its way it was in no queue.
        fence(SeqCst);
        self.call_for(Caller::Goroutine);
    }

    /// The holder no longer has `place`, and no longer counts.
    fn vacate(&self, state: &mut State, place: &'static Place) {
        if place.holder() == Holder::Running {
            state.running -= 1;
        }
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
            state.goes_on();
            let place = self.take_place(state, Holder::Running);
            place.at_work.set(1);
            place
        })
    }

    /// Takes the place from a thread that ends, or is no worker.
    pub(super) fn dismiss(&self, place: &'static Place) {
        self.change(|state| self.vacate(state, place));
    }

    /// Takes the place from a worker whose goroutine blocks.
    pub(super) fn block(&self, place: &'static Place) {
        self.change(|state| {
            if place.holder() == Holder::Running {
                state.blocked += 1;
            }
            self.vacate(state, place);
        });
    }

    // Workers.

    /// Whether the worker at `place` may start another goroutine.
    pub(super) fn may_go_on(&self, place: &'static Place) -> bool {
        if place.holder() == Holder::Running && self.signals.load(Relaxed) & SURPLUS == 0 {
            return true;
        }
        self.change(|state| {
            if place.holder() == Holder::Stuck {
                state.goes_on();
                place.set_holder(Holder::Running);
                // It may have been taken from the list, and the monitor is to see it.
                self.places.list(place);
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
        self.change_beside(caller.others(), |state| state.is_searching = false);
    }

    /// The worker at `place` sleeps until it is called; it was the searching one if `is_searching`.
    /// Returns false if nobody has called it, and it ends.
    pub(super) fn sleep(&self, place: &'static Place, is_searching: bool) -> bool {
        let me = Arc::new(Sleeper::new());
        let ticket = self.change(|state| {
            state.is_searching &= !is_searching;
            (state.batch, state.blocked) = (0, 0);
            self.vacate(state, place);
            state.idle.push(&me)
        });
        me.sleep(park::deadline(IDLE)) || !self.resign(ticket)
    }

    /// A worker that has slept for long wants to end. It may not if it has just been called. The last one
    /// sends the monitor home.
    fn resign(&self, ticket: Ticket) -> bool {
        let (resigns, call) = self.change(|state| {
            if !state.idle.remove(ticket) {
                return (false, None);
            }
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
        let injected = if backlog.is_none() {
            place::insist(|| self.injector.steal())
        } else {
            place::take_some(&self.injector)
        };
        if let Some(job) = injected {
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
        if let Some(place) = here()
            && place.len() > 0
        {
            self.announce_for(place, caller);
        }
    }

    /// The listed places but `place`: those first that come after it, so that thieves spread.
    fn others(&self, place: &'static Place) -> impl Iterator<Item = &'static Place> {
        let all = self.places.listed();
        let (start, end) = match place.position() {
            Some(position) => (position + 1, position),
            None => (0, 0),
        };
        all.clone().skip(start).chain(all.take(end))
    }

    /// Takes what has waited for longest in some queue: in each of them, if `turn` goes on.
    pub(super) fn find_oldest(&self, turn: usize) -> Option<Arc<dyn Job>> {
        let injected = || place::insist(|| self.injector.steal());
        let placed = || {
            let count = self.places.count();
            let in_turn = self.places.listed().cycle().skip(turn / 2 % count.max(1));
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
        // Pairs with the fence in `is_waiting_now`.
        fence(SeqCst);
        self.call_for(Caller::Goroutine);
    }

    pub(super) fn stray_ended(&self) {
        self.strays.ended.add(1);
    }

    // The monitor.

    /// The places of the workers that run.
    pub(super) fn running(&self) -> impl Iterator<Item = &'static Place> {
        let listed = self.places.listed();
        listed.filter(|place| place.holder() == Holder::Running)
    }

    /// Looks after the goroutines that nobody has started. The monitor has `seen` what those do that run.
    pub(super) fn look(&self, seen: &Seen) -> Look {
        // Without another look at the queues: the monitor looks again, or dozes (invariant 1).
        let (look, call) = self.update(|state| {
            let strangers = self.look_through_places();
            let waiting = self.waiting(state);
            state.look(seen, strangers, waiting)
        });
        if let Some(Call::Workers(sleepers, new)) = &call {
            self.feed(sleepers.iter().flatten().count() + new);
        }
        self.carry_out(call);
        look
    }

    /// Sees to it that so many goroutines wait in the injector, where workers find them who take one each.
    fn feed(&self, count: usize) {
        let mut missing = count.saturating_sub(self.injector.len());
        for place in self.places.listed() {
            while missing > 0
                && let Some(job) = place.steal()
            {
                self.injector.push(job);
                missing -= 1;
            }
        }
    }

    /// Takes those from the list that are empty and whose holder does nothing. Returns how many threads that are
    /// no workers keep a processor busy. To be called under the lock.
    fn look_through_places(&self) -> usize {
        let mut strangers = 0;
        // From the end, since it is the last one that comes to where another was.
        for place in self.places.listed_from_the_end() {
            let has_moved = place.has_moved();
            match place.holder() {
                Holder::Running => {}
                Holder::Stranger if has_moved => strangers += 1,
                Holder::Stuck if has_moved => {}
                Holder::Free | Holder::Stranger | Holder::Stuck => self.places.unlist(place),
            }
        }
        strangers
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
        let sum = |strays: &Tally, of: fn(&Place) -> &Tally| {
            let places = self.places.all().map(|place| of(place).get());
            places.fold(strays.get(), usize::wrapping_add)
        };
        // Those that have ended first: each of them was queued before.
        let ended = sum(&self.strays.ended, |place| &place.ended);
        sum(&self.strays.queued, |place| &place.queued).wrapping_sub(ended)
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
