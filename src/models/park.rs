//! What `crate::park` is made of under loom: a queue a key, with a loom mutex as the queue's lock.
//!
//! Two keys never share a lock, so the model promises no more order than parking_lot_core does.

use crate::park::{Key, Parked};
use loom::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::collections::{HashMap, VecDeque};
use std::time::Instant;

/// The threads that sleep at one key, longest first. Who is no longer in it has been woken.
type Queue = Mutex<VecDeque<Arc<Condvar>>>;
type Sleepers<'a> = MutexGuard<'a, VecDeque<Arc<Condvar>>>;

loom::lazy_static! {
    // A std mutex: never held while loom switches threads, and invisible to it.
    static ref QUEUES: std::sync::Mutex<HashMap<Key, Arc<Queue>>> = Default::default();
}

/// To be called first in every schedule: whoever creates the table would otherwise synchronize with
/// all who use it later.
#[cfg(test)]
pub(crate) fn touch() {
    drop(QUEUES.lock());
}

fn queue(key: Key) -> Arc<Queue> {
    let mut queues = QUEUES
        .lock()
        .expect("no schedule panics while it holds this");
    Arc::clone(
        queues
            .entry(key)
            .or_insert_with(|| Arc::new(Mutex::new(VecDeque::new()))),
    )
}

/// How many threads sleep at `key`.
#[cfg(test)]
pub(crate) fn sleepers(key: Key) -> usize {
    queue(key).lock().unwrap().len()
}

pub(crate) fn park(
    key: Key,
    validate: impl FnOnce() -> bool,
    timed_out: impl FnOnce(bool),
    deadline: Option<Instant>,
) -> Parked {
    let queue = queue(key);
    let mut sleepers = queue.lock().unwrap();
    if !validate() {
        return Parked::Invalid;
    }
    let me = Arc::new(Condvar::new());
    sleepers.push_back(Arc::clone(&me));
    if deadline.is_none() {
        while position(&sleepers, &me).is_some() {
            sleepers = me.wait(sleepers).unwrap();
        }
        return Parked::Unparked;
    }
    drop(sleepers);
    // The thread may time out at any moment after this, or be woken first.
    if let super::Timeouts::Late = super::TIMEOUTS.get() {
        loom::thread::yield_now();
    }
    let mut sleepers = queue.lock().unwrap();
    match position(&sleepers, &me) {
        None => Parked::Unparked,
        Some(index) => {
            sleepers.remove(index);
            timed_out(sleepers.is_empty());
            Parked::TimedOut
        }
    }
}

fn position(sleepers: &Sleepers<'_>, me: &Arc<Condvar>) -> Option<usize> {
    sleepers.iter().position(|sleeper| Arc::ptr_eq(sleeper, me))
}

pub(crate) fn unpark_one(key: Key, callback: impl FnOnce(bool, bool)) -> bool {
    wake(take_one(key, callback))
}

pub(crate) fn unpark_all(key: Key, callback: impl FnOnce(usize)) {
    wake(take_all(key, callback));
}

pub(crate) fn unpark_all_if(key: Key, decide: impl FnOnce() -> bool) -> bool {
    let (decision, sleepers) = take_all_if(key, decide);
    wake(sleepers);
    decision
}

/// Takes the front of the queue.
fn take_one(key: Key, callback: impl FnOnce(bool, bool)) -> VecDeque<Arc<Condvar>> {
    let queue = queue(key);
    let mut sleepers = queue.lock().unwrap();
    let first = sleepers.pop_front();
    callback(first.is_some(), !sleepers.is_empty());
    first.into_iter().collect()
}

/// Takes the whole queue.
fn take_all(key: Key, callback: impl FnOnce(usize)) -> VecDeque<Arc<Condvar>> {
    let queue = queue(key);
    let mut sleepers = queue.lock().unwrap();
    callback(sleepers.len());
    std::mem::take(&mut *sleepers)
}

/// Takes the whole queue if `decide` says so.
fn take_all_if(key: Key, decide: impl FnOnce() -> bool) -> (bool, VecDeque<Arc<Condvar>>) {
    let queue = queue(key);
    let mut sleepers = queue.lock().unwrap();
    if decide() {
        (true, std::mem::take(&mut *sleepers))
    } else {
        (false, VecDeque::new())
    }
}

/// Wakes those who have been taken. Returns whether there were any.
fn wake(sleepers: VecDeque<Arc<Condvar>>) -> bool {
    for sleeper in &sleepers {
        sleeper.notify_one();
    }
    !sleepers.is_empty()
}

/// As `unpark_one`, but the thread sleeps on: what `cargo xtask mutants` puts in its place.
#[allow(dead_code)]
pub(crate) fn lose_one(key: Key, callback: impl FnOnce(bool, bool)) -> bool {
    !take_one(key, callback).is_empty()
}

/// As `unpark_all`, but the threads sleep on.
#[allow(dead_code)]
pub(crate) fn lose_all(key: Key, callback: impl FnOnce(usize)) {
    take_all(key, callback);
}

/// As `unpark_all_if`, but the threads sleep on.
#[allow(dead_code)]
pub(crate) fn lose_all_if(key: Key, decide: impl FnOnce() -> bool) -> bool {
    take_all_if(key, decide).0
}

/// Spinning is yielding to loom, and multiplies the schedules. The first look of each loop is the
/// successful spin; then a thread sleeps.
pub(crate) struct Spin;

impl Spin {
    pub(crate) fn new() -> Self {
        Self
    }

    pub(crate) fn spin(&mut self) -> bool {
        false
    }
}

pub(crate) mod deadlock {
    use super::Key;

    pub(crate) fn acquire(_key: Key) {}

    pub(crate) fn release(_key: Key) {}
}
