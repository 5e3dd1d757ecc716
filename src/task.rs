//! What a goroutine and those who join it share: its result, and the word that says it is there.
//!
//! # Invariants
//!
//! 1. `running` is 1 until the runner has stored the result, then 0.
//! 2. While it is 1 only the runner touches `result`; from then on only the one joiner, or the drop.

use crate::primitive::{Arc, UnsafeCell};
use crate::raw_wait_group::RawWaitGroup;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

/// The shared part. The runner holds one `Arc` of it, the handle another.
pub(crate) struct Task<T> {
    running: RawWaitGroup,
    result: UnsafeCell<Option<thread::Result<T>>>,
}

// SAFETY: `result` is handed from one thread to another, never shared (invariant 2); `running`
// orders the two.
unsafe impl<T: Send> Send for Task<T> {}
// SAFETY: as above. A shared `Task` gives nobody a reference to the result.
unsafe impl<T: Send> Sync for Task<T> {}

impl<T> Task<T> {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            running: RawWaitGroup::new(1),
            result: UnsafeCell::new(None),
        })
    }

    /// Runs `f` and stores what it returns, or its panic.
    ///
    /// # Safety
    ///
    /// To be called once in the life of the task.
    pub(crate) unsafe fn run(&self, f: impl FnOnce() -> T) {
        // Unwind safe: after a panic nobody sees what `f` captured, and whatever it shares with
        // others has to bear panics as it has to in any thread.
        let result = catch_unwind(AssertUnwindSafe(f));
        // SAFETY: `running` is 1, and this is the runner (invariant 2).
        self.result.with_mut(|slot| unsafe { *slot = Some(result) });
        self.running.add(-1).expect("a task runs once");
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.running.count() == 0
    }

    /// Waits for the result and takes it.
    ///
    /// # Safety
    ///
    /// To be called once in the life of the task.
    pub(crate) unsafe fn join(&self) -> thread::Result<T> {
        self.running.wait(None);
        // SAFETY: `running` is 0, and this is the joiner (invariant 2).
        let result = self.result.with_mut(|slot| unsafe { (*slot).take() });
        result.expect("a finished task has a result")
    }
}
