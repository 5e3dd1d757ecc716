//! Locks that live for a moment and die with readers inside, or a writer: forgotten guards.
//!
//! The next lock gets the identity of the one before, and probably its address. It has to be as new.

use super::cell::{Value, expect};
use super::dropper::Parcel;
use super::worker::Worker;
use gosync::RWMutex;
use std::mem;
use std::time::Duration;

type Lock = Box<RWMutex<Value>>;

/// One life of a lock, which ends here or with the thread that drops for others.
pub fn live_and_die(worker: &mut Worker) -> bool {
    let lock: Lock = Box::new(RWMutex::new(Value::new()));
    expect_no_reader(&lock);
    // Some of them get as far as to the slots.
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
        // Some of them more than a thread has slots.
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

/// The same lock elsewhere.
fn moved(lock: Lock) -> Lock {
    let old = *lock;
    Box::new(old)
}

fn expect_no_reader(lock: &Lock) {
    expect(!lock.is_locked(), "a lock is held by nobody");
    expect(lock.try_lock().is_some(), "a free lock refuses a writer");
}

fn expect_readers(lock: &Lock) {
    expect(lock.is_locked(), "a forgotten reader is not seen");
    expect(lock.try_lock().is_none(), "a writer met a forgotten reader");
    let in_time = lock.try_lock_for(Duration::from_micros(20)).is_some();
    expect(!in_time, "a writer met a forgotten reader");
    expect(lock.try_rlock().is_some(), "readers bar a reader");
}

fn expect_writer(lock: &Lock) {
    expect(lock.is_locked(), "a forgotten writer is not seen");
    expect(lock.try_lock().is_none(), "two writers met");
    expect(lock.try_rlock().is_none(), "a reader met a writer");
}
