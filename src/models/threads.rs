//! Locks and threads for the models of `RawRWMutex`.

use super::Model;
use super::lock::Lock;
use super::park::sleepers;
use crate::readers::models::lend;
use crate::speed::Speed;
use loom::sync::Arc;
use loom::thread::{self, JoinHandle};

impl Lock {
    /// Returns a new lock. Also gives the calling thread a block, if the model's locks may use slots.
    pub(super) fn new() -> Arc<Self> {
        if Model::current().limit > Speed::Counted {
            lend().accept();
        }
        Self::beside()
    }

    /// Returns another lock, for threads that have their blocks already.
    pub(super) fn beside() -> Arc<Self> {
        Self::at(Model::current().speed)
    }

    pub(super) fn queued_readers(&self) -> usize {
        sleepers(self.raw.readers_queue())
    }

    pub(super) fn queued_writers(&self) -> usize {
        sleepers(self.raw.writers_queue())
    }

    pub(super) fn is_successor_asleep(&self) -> bool {
        sleepers(self.raw.successor_queue()) == 1
    }

    pub(super) fn is_draining(&self) -> bool {
        sleepers(self.raw.drainer_queue()) == 1
    }

    pub(super) fn queued_upgradables(&self) -> usize {
        sleepers(self.raw.upgradables_queue())
    }

    /// Whether an announced writer sleeps until the upgradable reader leaves.
    pub(super) fn is_writer_behind(&self) -> bool {
        sleepers(self.raw.behind_upgradable_queue()) == 1
    }
}

/// Runs `scenario` with a new lock, and checks that the lock is idle afterwards. `scenario` returns how many
/// writes there were.
pub(super) fn with_a_lock(
    scenario: impl Fn(&Arc<Lock>) -> usize + Send + Sync + Clone + 'static,
) -> impl Fn() + Send + Sync + Clone + 'static {
    move || {
        let lock = Lock::new();
        let writes = scenario(&lock);
        lock.assert_idle(writes);
    }
}

/// Lets the other threads run until they sleep or have ended. Loom tries this schedule before all others.
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

/// Starts a thread that gets its own block when it first needs one, and gives the block back when it ends.
pub(super) fn spawn_without_block<T: 'static>(
    lock: &Arc<Lock>,
    f: impl FnOnce(&Lock) -> T + 'static,
) -> JoinHandle<T> {
    let lock = Arc::clone(lock);
    thread::spawn(move || f(&lock))
}
