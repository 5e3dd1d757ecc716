//! What the models of the lock share: their locks, and threads that read.

use super::Model;
use super::lock::Lock;
use super::park::sleepers;
use crate::readers::models::lend;
use crate::speed::Speed;
use loom::sync::Arc;
use loom::thread::{self, JoinHandle};

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
        Self::at(Model::current().speed)
    }

    pub(super) fn queued_readers(&self) -> usize {
        sleepers(self.raw.readers())
    }

    pub(super) fn queued_writers(&self) -> usize {
        sleepers(self.raw.writers())
    }

    pub(super) fn is_successor_asleep(&self) -> bool {
        sleepers(self.raw.successor()) == 1
    }

    pub(super) fn is_draining(&self) -> bool {
        sleepers(self.raw.drained()) == 1
    }

    pub(super) fn queued_upgraders(&self) -> usize {
        sleepers(self.raw.upgraders())
    }

    /// Whether a writer waits for the upgradable reader.
    pub(super) fn is_writer_behind(&self) -> bool {
        sleepers(self.raw.upgradable()) == 1
    }
}

/// A scenario with a new lock, which everybody has left in the end. It returns how many writes the lock has
/// seen.
pub(super) fn with_a_lock(
    scenario: impl Fn(&Arc<Lock>) -> usize + Send + Sync + Clone + 'static,
) -> impl Fn() + Send + Sync + Clone + 'static {
    move || {
        let lock = Lock::new();
        let writes = scenario(&lock);
        lock.assert_idle(writes);
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
