//! The threads that run goroutines.

use std::thread;

/// Runs `job` on a thread of its own.
///
/// # Panics
///
/// If the system has no thread left. `job` is dropped then.
#[track_caller]
pub(crate) fn start(job: Box<dyn FnOnce() + Send>) {
    if let Err(error) = thread::Builder::new().name("goroutine".into()).spawn(job) {
        panic!("gosync: cannot start a goroutine: {error}");
    }
}
