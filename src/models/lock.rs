//! What the models of the lock share.

use super::Model;
use super::park::sleepers;
use crate::forced::Speed;
use crate::raw_rwmutex::{RawRWMutex, ReadToken};
use crate::readers::models::lend;
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread::{self, JoinHandle};
use std::time::Instant;

/// A lock and the data that it protects. Loom reports every access that races with a write.
pub(super) struct Lock {
    pub(super) raw: RawRWMutex,
    data: UnsafeCell<usize>,
}

impl Lock {
    /// The thread that calls this gets a block, if the model wants any.
    pub(super) fn new() -> Arc<Self> {
        if Model::current().limit > Speed::Counted {
            lend().accept();
        }
        Self::beside()
    }

    /// A second lock, for threads that have got their blocks.
    pub(super) fn beside() -> Arc<Self> {
        let model = Model::current();
        Arc::new(Self {
            raw: RawRWMutex::at(model.speed, model.credit),
            data: UnsafeCell::new(0),
        })
    }

    /// The data. The caller holds the lock.
    pub(super) fn get(&self) -> usize {
        // SAFETY: the caller holds the lock; if that is not enough, loom reports it.
        self.data.with(|data| unsafe { *data })
    }

    /// Adds 1 to the data. The caller holds the write lock.
    pub(super) fn increment(&self) {
        // SAFETY: as above.
        self.data.with_mut(|data| unsafe { *data += 1 });
    }

    pub(super) fn runlock(&self, token: ReadToken) {
        // SAFETY: each model ends the read locks that it has.
        unsafe { self.raw.runlock(token) }
    }

    pub(super) fn unlock(&self) {
        // SAFETY: each model ends the write lock that it has.
        unsafe { self.raw.unlock() }
    }

    pub(super) fn read(&self) -> usize {
        let token = self.raw.rlock();
        let value = self.get();
        self.runlock(token);
        value
    }

    /// A read, if no writer is in the way.
    pub(super) fn try_to_read(&self) {
        if let Some(token) = self.raw.try_rlock() {
            self.get();
            self.runlock(token);
        }
    }

    pub(super) fn write(&self) {
        self.raw.lock();
        self.increment();
        self.unlock();
    }

    /// A read that may give up.
    pub(super) fn read_timed(&self) -> bool {
        let token = self.raw.try_rlock_until(Some(Instant::now()));
        let locked = token.is_some();
        if let Some(token) = token {
            self.get();
            self.runlock(token);
        }
        locked
    }

    /// A write that may give up.
    pub(super) fn write_timed(&self) -> bool {
        let locked = self.raw.try_lock_until(Some(Instant::now()));
        if locked {
            self.increment();
            self.unlock();
        }
        locked
    }

    /// Everybody has left: the lock holds `writes`, and no flag is left behind.
    pub(super) fn assert_idle(&self, writes: usize) {
        assert_eq!(self.raw.traces(), 0, "a trace is left in the word");
        assert!(self.raw.try_lock());
        assert_eq!(self.get(), writes);
        self.unlock();
    }

    pub(super) fn queued_readers(&self) -> usize {
        sleepers(self.raw.readers())
    }

    pub(super) fn queued_writers(&self) -> usize {
        sleepers(self.raw.writers())
    }

    pub(super) fn is_heir_asleep(&self) -> bool {
        sleepers(self.raw.heir()) == 1
    }

    pub(super) fn is_draining(&self) -> bool {
        sleepers(self.raw.drained()) == 1
    }
}

/// Lets the others run until they sleep or are done, before any other schedule is tried.
pub(super) fn settle() {
    thread::yield_now();
}

pub(super) fn spawn<T: 'static>(
    lock: &Arc<Lock>,
    f: impl FnOnce(&Lock) -> T + 'static,
) -> JoinHandle<T> {
    let block = (Model::current().limit > Speed::Counted).then(lend);
    spawn_without_block(lock, |lock| {
        if let Some(block) = block {
            block.accept();
        }
        f(lock)
    })
}

/// As `spawn`; the thread gets itself a block, and gives it back when it ends.
pub(super) fn spawn_without_block<T: 'static>(
    lock: &Arc<Lock>,
    f: impl FnOnce(&Lock) -> T + 'static,
) -> JoinHandle<T> {
    let lock = Arc::clone(lock);
    thread::spawn(move || f(&lock))
}
