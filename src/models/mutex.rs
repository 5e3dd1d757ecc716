//! Models of `RawMutex`.

use super::park::sleepers;
use super::threads::settle;
use super::{Explored, Model, witness};
use crate::primitive::UnsafeCell;
use crate::raw_mutex::RawMutex;
use loom::sync::Arc;
use loom::thread::{self, JoinHandle};
use std::time::Instant;

/// A mutex and the data that it protects. Loom reports accesses to the data that race.
pub(super) struct Mutex {
    pub(super) raw: RawMutex,
    data: UnsafeCell<usize>,
}

// SAFETY: a thread uses the data only while it owns the mutex. If that is not enough, loom reports it.
unsafe impl Send for Mutex {}
// SAFETY: as above.
unsafe impl Sync for Mutex {}

impl Mutex {
    /// Adds 1 to the data. Returns what it was before. The caller must own the mutex.
    pub(super) fn increment(&self) -> usize {
        self.data.with_mut(|data| {
            // SAFETY: the caller owns the mutex. If that is not enough, loom reports it.
            let data = unsafe { &mut *data };
            *data += 1;
            *data - 1
        })
    }

    /// Returns the number of turns so far. The caller must own the mutex.
    pub(super) fn turns(&self) -> usize {
        // SAFETY: the caller owns the mutex. If that is not enough, loom reports it.
        self.data.with(|data| unsafe { *data })
    }

    pub(super) fn unlock(&self) {
        // SAFETY: models unlock only what they have locked.
        unsafe { self.raw.unlock() }
    }

    fn unlock_fair(&self) {
        // SAFETY: models unlock only what they have locked.
        unsafe { self.raw.unlock_fair() }
    }

    /// Locks, adds 1 and unlocks. Returns the number of turns before this one.
    pub(super) fn take_turn(&self) -> usize {
        self.raw.lock();
        let turn = self.increment();
        self.unlock();
        turn
    }

    fn take_fair_turn(&self) -> usize {
        self.raw.lock();
        let turn = self.increment();
        self.unlock_fair();
        turn
    }

    /// Adds 1 and unlocks, if the caller `is_in`, that is, owns the mutex. Returns `is_in`.
    fn turn_if(&self, is_in: bool) -> bool {
        if is_in {
            self.increment();
            self.unlock();
        }
        is_in
    }

    fn try_turn(&self) -> bool {
        self.turn_if(self.raw.try_lock())
    }

    /// Takes a turn, or times out. Returns whether it has taken one.
    fn timed_turn(&self) -> bool {
        self.turn_if(self.raw.try_lock_until(Some(Instant::now())))
    }

    fn queued(&self) -> usize {
        sleepers(self.raw.queue())
    }

    fn is_successor_asleep(&self) -> bool {
        sleepers(self.raw.successor_queue()) == 1
    }
}

fn model() -> Model {
    Model::new().preemptions(3).explore(Explored::Slots)
}

pub(super) fn spawn<T: 'static>(
    mutex: &Arc<Mutex>,
    f: impl FnOnce(&Mutex) -> T + 'static,
) -> JoinHandle<T> {
    let mutex = Arc::clone(mutex);
    thread::spawn(move || f(&mutex))
}

pub(super) fn join<T, const N: usize>(threads: [JoinHandle<T>; N]) -> [T; N] {
    threads.map(|thread| thread.join().unwrap())
}

/// Runs `scenario` with a new mutex, and checks that the mutex is idle afterwards. `scenario` returns how
/// many turns there were.
pub(super) fn with_a_mutex(
    scenario: impl Fn(&Arc<Mutex>) -> usize + Send + Sync + Clone + 'static,
) -> impl Fn() + Send + Sync + Clone + 'static {
    move || {
        let mutex = Arc::new(Mutex {
            raw: RawMutex::new(),
            data: UnsafeCell::new(0),
        });
        let turns = scenario(&mutex);
        assert_eq!(mutex.raw.traces(), 0, "a trace is left in the word");
        assert!(mutex.raw.try_lock());
        assert_eq!(mutex.increment(), turns);
        mutex.unlock();
    }
}

// Exclusion, and the order of accesses to the data through every path.

#[test]
fn exclusion_of_two() {
    model().preemptions(4).check(with_a_mutex(|mutex| {
        let other = spawn(mutex, Mutex::take_turn);
        mutex.take_turn();
        other.join().unwrap();
        2
    }));
}

#[test]
fn exclusion_of_three() {
    model().check(with_a_mutex(|mutex| {
        let others = [
            spawn(mutex, Mutex::take_turn),
            spawn(mutex, Mutex::take_turn),
        ];
        mutex.take_turn();
        join(others);
        3
    }));
}

#[test]
fn exclusion_of_attempts() {
    model().check(with_a_mutex(|mutex| {
        let other = spawn(mutex, Mutex::try_turn);
        mutex.take_turn();
        1 + usize::from(other.join().unwrap()) + usize::from(mutex.try_turn())
    }));
}

#[test]
fn a_mutex_is_unlocked_by_another_thread() {
    model().check(with_a_mutex(|mutex| {
        mutex.raw.lock();
        mutex.increment();
        let other = spawn(mutex, Mutex::unlock);
        mutex.take_turn();
        other.join().unwrap();
        2
    }));
}

// Hand-off.

#[test]
fn a_successor_is_handed_the_lock_before_newcomers() {
    model()
        .preemptions(3)
        .spin_budget(0)
        .check(with_a_mutex(|mutex| {
            mutex.raw.lock();
            let successor = spawn(mutex, Mutex::take_turn);
            settle();
            mutex.unlock();
            mutex.raw.lock();
            settle();
            let waits = witness(mutex.is_successor_asleep());
            mutex.unlock();
            let turn = mutex.take_turn();
            assert!(turn == 1 || !waits, "it was overtaken once more");
            successor.join().unwrap();
            2
        }));
}

/// The successor asks for a hand-off when it first loses (spin budget 0), while another waiter sleeps.
#[test]
fn others_queue_behind_a_successor() {
    model().spin_budget(0).check(with_a_mutex(|mutex| {
        mutex.raw.lock();
        let others = [
            spawn(mutex, Mutex::take_turn),
            spawn(mutex, Mutex::take_turn),
        ];
        mutex.unlock();
        mutex.take_turn();
        join(others);
        3
    }));
}

#[test]
fn a_fair_unlock_lets_the_first_go_first() {
    model().check(with_a_mutex(|mutex| {
        mutex.raw.lock();
        let other = spawn(mutex, Mutex::take_turn);
        settle();
        let waits = witness(mutex.queued() == 1);
        mutex.unlock_fair();
        let turn = mutex.take_turn();
        assert!(turn == 1 || !waits, "the one that slept was overtaken");
        other.join().unwrap();
        2
    }));
}

#[test]
fn a_fair_unlock_lets_the_successor_go_first() {
    model().check(with_a_mutex(|mutex| {
        mutex.raw.lock();
        let successor = spawn(mutex, Mutex::take_turn);
        settle();
        mutex.unlock();
        mutex.raw.lock();
        settle();
        let waits = witness(mutex.is_successor_asleep());
        mutex.unlock_fair();
        let turn = mutex.take_turn();
        assert!(turn == 1 || !waits, "the successor was overtaken");
        successor.join().unwrap();
        2
    }));
}

#[test]
fn fair_and_other_unlocks_meet() {
    model().check(with_a_mutex(|mutex| {
        let others = [
            spawn(mutex, Mutex::take_fair_turn),
            spawn(mutex, Mutex::take_turn),
        ];
        mutex.take_fair_turn();
        join(others);
        3
    }));
}

// Attempts that give up.

/// One of two waiters times out, in the queue or as the successor. The other one must get the mutex.
#[test]
fn a_queued_waiter_times_out() {
    model().check_timeouts(with_a_mutex(|mutex| {
        mutex.raw.lock();
        let timed = spawn(mutex, Mutex::timed_turn);
        let other = spawn(mutex, Mutex::take_turn);
        mutex.increment();
        mutex.unlock();
        other.join().unwrap();
        let is_in = timed.join().unwrap();
        witness(!is_in);
        2 + usize::from(is_in)
    }));
}

/// The successor times out while another waiter sleeps behind it. That waiter must get the mutex.
#[test]
fn a_successor_gives_up_before_another() {
    for model in [model(), model().spin_budget(1)] {
        model.preemptions(1).check_timeouts(with_a_mutex(|mutex| {
            mutex.raw.lock();
            let timed = spawn(mutex, Mutex::timed_turn);
            let other = spawn(mutex, Mutex::take_turn);
            settle();
            mutex.unlock();
            // Overtake the successor, so that it must sleep.
            mutex.take_turn();
            other.join().unwrap();
            let is_in = timed.join().unwrap();
            witness(!is_in);
            2 + usize::from(is_in)
        }));
    }
}

/// A fair unlock hands the mutex to the owner of `SUCCESSOR`, which is about to promote the next waiter: a
/// successor that has timed out, or an unlocker whose waiter has. This thread must notice, and unlock.
#[test]
fn the_successor_has_given_up_before_a_fair_unlock() {
    for model in [model(), model().spin_budget(0)] {
        model.check_timeouts(with_a_mutex(|mutex| {
            mutex.raw.lock();
            let timed = spawn(mutex, Mutex::timed_turn);
            let fair = spawn(mutex, Mutex::take_fair_turn);
            mutex.unlock();
            fair.join().unwrap();
            1 + usize::from(timed.join().unwrap())
        }));
    }
}

/// Both waiters may time out, in the queue or as the successor, while a fair unlock looks for a waiter.
#[test]
fn two_waiters_time_out() {
    model().preemptions(1).check_timeouts(with_a_mutex(|mutex| {
        mutex.raw.lock();
        let timed = [
            spawn(mutex, Mutex::timed_turn),
            spawn(mutex, Mutex::timed_turn),
        ];
        mutex.unlock();
        mutex.take_fair_turn();
        1 + join(timed).map(usize::from).iter().sum::<usize>()
    }));
}
