//! Starts 10,000 goroutines, or threads, that all block. Reports the milliseconds until all have started.

use crate::start::{Goroutines, Start, channels, gate, hold, receive};
use crate::{Plan, millis, report};
use gosync::RWMutex;
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// They block in a wait group.
pub fn wait_group<S: Start>(plan: Plan) {
    let (gate, wait) = gate();
    run::<S>("blocked_wg", vec![wait; count(plan)], || gate.done());
}

/// They block in an `RWMutex`, as readers.
pub fn rwmutex<S: Start>(plan: Plan) {
    let lock = Arc::new(RWMutex::new(()));
    let guard = lock.lock();
    let read = {
        let lock = Arc::clone(&lock);
        move || drop(lock.rlock())
    };
    run::<S>("blocked_rwmutex", vec![read; count(plan)], || drop(guard));
}

/// They block in a mutex of std.
pub fn mutex<S: Start>(plan: Plan) {
    let mutex = Arc::new(Mutex::new(()));
    let guard = mutex.lock().expect("no panic");
    let lock = {
        let mutex = Arc::clone(&mutex);
        move || drop(mutex.lock().expect("no panic"))
    };
    run::<S>("blocked_mutex", vec![lock; count(plan)], || drop(guard));
}

/// They block in channels of std.
pub fn channel<S: Start>(plan: Plan) {
    let (gates, blocks) = channels(count(plan), receive);
    run::<S>("blocked_channel", blocks, || drop(gates));
}

/// As `channel`, but the goroutines announce that they block.
pub fn channel_hinted(plan: Plan) {
    let (gates, blocks) = channels(count(plan), |channel| {
        gosync::block_in_place(|| receive(channel));
    });
    run::<Goroutines>("blocked_channel_hinted", blocks, || drop(gates));
}

pub fn count(plan: Plan) -> usize {
    plan.count(10_000)
}

fn run<S: Start>(name: &str, blocks: Vec<impl FnOnce() + Send + 'static>, release: impl FnOnce()) {
    let start = Instant::now();
    let took = hold::<S, _>(blocks, || start.elapsed(), release);
    report(&format!("{name}{}", S::SUFFIX), millis(took));
}
