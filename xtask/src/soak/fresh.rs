//! Short-lived locks that are dropped while readers or a writer are inside: their guards were forgotten.
//!
//! The next lock gets the identity of the previous one, and probably its address. It must behave like a new
//! lock.

use super::cell::{Value, expect};
use super::dropper::Parcel;
use super::worker::Worker;
use gosync::RWMutex;
use std::mem;
use std::time::Duration;

type Lock = Box<RWMutex<Value>>;

/// Runs one life of a lock. It is dropped here or by the thread that drops guards for others.
pub fn live_and_die(worker: &mut Worker) -> bool {
    let lock: Lock = Box::new(RWMutex::new(Value::new()));
    expect_no_reader(&lock);
    // Some locks get as far as using slots.
    for _ in 0..worker.random.below(2048) {
        lock.rlock().glance(|| ());
    }
    expect_no_reader(&lock);
    let lock = if worker.random.once_in(4) {
        mem::forget(lock.lock());
        let lock = moved(lock);
        expect_writer(&lock);
        lock
    } else {
        // Some locks get more readers than a thread has slots.
        for _ in 0..=worker.random.below(12) {
            mem::forget(lock.rlock());
        }
        expect_readers(&lock);
        let lock = moved(lock);
        expect_readers(&lock);
        lock
    };
    if worker.random.once_in(2) {
        worker.send(Parcel::Lock(lock));
    }
    true
}

/// Moves the lock to another address.
fn moved(lock: Lock) -> Lock {
    let old = *lock;
    Box::new(old)
}

fn expect_no_reader(lock: &Lock) {
    expect(!lock.is_locked(), "a free lock appears locked");
    expect(lock.try_lock().is_some(), "a free lock refuses a writer");
}

fn expect_readers(lock: &Lock) {
    expect(lock.is_locked(), "a forgotten reader is not seen");
    expect(lock.try_lock().is_none(), "a writer met a forgotten reader");
    let in_time = lock.try_lock_for(Duration::from_micros(20)).is_some();
    expect(!in_time, "a writer met a forgotten reader");
    expect(
        lock.try_rlock().is_some(),
        "a reader keeps out another reader",
    );
}

fn expect_writer(lock: &Lock) {
    expect(lock.is_locked(), "a forgotten writer is not seen");
    expect(lock.try_lock().is_none(), "two writers met");
    expect(lock.try_rlock().is_none(), "a reader met a writer");
}
