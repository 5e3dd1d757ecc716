//! `crate::park` in the models: one queue for each key, locked by the checker's mutex.
//!
//! Two keys never share a lock, so the model promises no more order than parking_lot_core does.

use super::{Model, Timeouts, checker};
use crate::park::{First, Key, Parked};
use checker::sync::{Arc, Condvar, Mutex};
use std::collections::VecDeque;
use std::time::Instant;

/// The threads that sleep at one key, longest sleeper first. The thread that takes a sleeper from the queue
/// wakes it immediately afterwards.
type Queue = Mutex<VecDeque<Arc<Sleeper>>>;

/// A thread in a queue. As in parking_lot_core, it wakes without taking the queue's lock. So it synchronizes
/// with the thread that woke it, and not with threads that have locked the queue since.
#[derive(Default)]
struct Sleeper {
    woken: Mutex<Option<Wake>>,
    wake: Condvar,
    /// Whether the sleep has a deadline.
    is_timed: bool,
    wants_handoff: bool,
}

/// The message to a woken thread: whether it has been handed what it waits for.
#[derive(Clone, Copy)]
struct Wake {
    handed_over: bool,
}

impl Sleeper {
    fn sleep(&self) -> (Parked, bool) {
        let mut woken = self.woken.lock().unwrap();
        loop {
            match *woken {
                Some(Wake { handed_over }) => return (Parked::Unparked, handed_over),
                None => woken = self.wake.wait(woken).unwrap(),
            }
        }
    }

    fn wake(&self, wake: Wake) {
        *self.woken.lock().unwrap() = Some(wake);
        self.wake.notify_one();
    }
}

checker::lazy_static! {
    // A std mutex: the checker does not see it, and never switches threads while it is held.
    // A `Vec`, so that the order is the same each time a schedule is repeated.
    static ref QUEUES: std::sync::Mutex<Vec<(Key, Arc<Queue>)>> = Default::default();
}

/// Creates the table of queues. Must be called first in every schedule: otherwise the first thread to use the
/// table would create it, and so synchronize with every thread that uses it later.
#[cfg(test)]
pub(crate) fn touch() {
    drop(QUEUES.lock());
}

fn queue(key: Key) -> Arc<Queue> {
    let mut queues = QUEUES
        .lock()
        .expect("no schedule panics while it holds this");
    let known = queues.iter().find(|(other, _)| *other == key);
    if let Some((_, queue)) = known {
        return Arc::clone(queue);
    }
    let queue = Arc::new(Mutex::new(VecDeque::new()));
    queues.push((key, Arc::clone(&queue)));
    queue
}

/// Returns the number of threads that sleep at `key`.
#[cfg(test)]
pub(crate) fn sleepers(key: Key) -> usize {
    queue(key).lock().unwrap().len()
}

pub(crate) fn sleep(
    key: Key,
    validate: impl FnOnce() -> bool,
    deadline: Option<Instant>,
) -> Parked {
    sleep_for_handoff(key, false, validate, deadline).0
}

pub(crate) fn sleep_for_handoff(
    key: Key,
    wants_handoff: bool,
    validate: impl FnOnce() -> bool,
    deadline: Option<Instant>,
) -> (Parked, bool) {
    let queue = queue(key);
    let mut sleepers = queue.lock().unwrap();
    if !validate() {
        return (Parked::Invalid, false);
    }
    let me = Arc::new(Sleeper {
        is_timed: deadline.is_some(),
        wants_handoff,
        ..Sleeper::default()
    });
    sleepers.push_back(Arc::clone(&me));
    drop(sleepers);
    if deadline.is_none() {
        return me.sleep();
    }
    // From here on the thread may time out at any moment, unless it is woken first.
    if Model::current().timeouts == Timeouts::AtTheEnd {
        me.sleep();
    } else {
        super::let_time_pass();
    }
    let mut sleepers = queue.lock().unwrap();
    match sleepers
        .iter()
        .position(|sleeper| Arc::ptr_eq(sleeper, &me))
    {
        None => {
            drop(sleepers);
            me.sleep()
        }
        Some(index) => {
            sleepers.remove(index);
            (Parked::TimedOut, false)
        }
    }
}

/// Ends `Timeouts::AtTheEnd`, since the body of the model has returned: wakes the threads that sleep with a
/// deadline, and lets later deadlines pass early.
#[cfg(test)]
pub(crate) fn let_deadlines_pass() {
    let mut model = Model::current();
    if model.timeouts != Timeouts::AtTheEnd {
        return;
    }
    model.timeouts = Timeouts::Early;
    super::CURRENT.set(model);
    let queues: Vec<_> = {
        let queues = QUEUES.lock().expect("as in `queue`");
        queues.iter().map(|(_, queue)| Arc::clone(queue)).collect()
    };
    for queue in queues {
        let mut timed = queue.lock().unwrap().clone();
        timed.retain(|sleeper| sleeper.is_timed);
        wake(timed);
    }
}

pub(crate) fn unpark_one(key: Key, callback: impl FnOnce(bool, bool)) -> bool {
    wake(take_one(key, callback))
}

pub(crate) fn unpark_first(key: Key, hand_over: impl FnOnce(Option<First>) -> bool) {
    let (first, wake) = take_first(key, hand_over);
    if let Some(first) = first {
        first.wake(wake);
    }
}

pub(crate) fn unpark_all_if(key: Key, decide: impl FnOnce() -> bool, callback: impl FnOnce(usize)) {
    wake(take_all_if(key, decide, callback));
}

pub(crate) fn with_locked_queue(key: Key, f: impl FnOnce()) {
    let queue = queue(key);
    let _sleepers = queue.lock().unwrap();
    f();
}

/// Takes the front of the queue.
fn take_one(key: Key, callback: impl FnOnce(bool, bool)) -> VecDeque<Arc<Sleeper>> {
    let queue = queue(key);
    let mut sleepers = queue.lock().unwrap();
    let first = sleepers.pop_front();
    callback(first.is_some(), !sleepers.is_empty());
    first.into_iter().collect()
}

/// Takes the front of the queue, as `take_one` does. Also returns the message for it.
fn take_first(
    key: Key,
    hand_over: impl FnOnce(Option<First>) -> bool,
) -> (Option<Arc<Sleeper>>, Wake) {
    let queue = queue(key);
    let mut sleepers = queue.lock().unwrap();
    let first = sleepers.pop_front();
    let handed_over = hand_over(first.as_ref().map(|first| First {
        wants_handoff: first.wants_handoff,
        more: !sleepers.is_empty(),
    }));
    (first, Wake { handed_over })
}

/// Takes the whole queue if `decide` returns true.
fn take_all_if(
    key: Key,
    decide: impl FnOnce() -> bool,
    callback: impl FnOnce(usize),
) -> VecDeque<Arc<Sleeper>> {
    let queue = queue(key);
    let mut sleepers = queue.lock().unwrap();
    if !decide() {
        return VecDeque::new();
    }
    callback(sleepers.len());
    std::mem::take(&mut *sleepers)
}

/// Wakes `sleepers`, which have been taken from their queue. Returns whether there are any.
fn wake(sleepers: VecDeque<Arc<Sleeper>>) -> bool {
    for sleeper in &sleepers {
        sleeper.wake(Wake { handed_over: false });
    }
    !sleepers.is_empty()
}

/// Takes a thread as `unpark_one` does, but leaves it asleep. `cargo xtask mutants` calls this instead.
#[allow(dead_code)]
pub(crate) fn lose_one(key: Key, callback: impl FnOnce(bool, bool)) -> bool {
    !take_one(key, callback).is_empty()
}

/// The same for `unpark_first`: takes the thread, and leaves it asleep.
#[allow(dead_code)]
pub(crate) fn lose_first(key: Key, hand_over: impl FnOnce(Option<First>) -> bool) {
    take_first(key, hand_over);
}

/// The same for `unpark_all_if`: takes the threads, and leaves them asleep.
#[allow(dead_code)]
pub(crate) fn lose_all_if(key: Key, decide: impl FnOnce() -> bool, callback: impl FnOnce(usize)) {
    take_all_if(key, decide, callback);
}

pub(crate) mod deadlock {
    use super::Key;

    pub(crate) fn acquire(_key: Key) {}

    pub(crate) fn release(_key: Key) {}
}
