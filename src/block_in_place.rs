//! `block_in_place` and `sleep`: a goroutine that is about to block lets another one run.

use crate::workers;
use std::thread;
use std::time::Duration;

/// Runs `f`, which may block for any length of time. If the caller is a goroutine, another goroutine takes
/// its place at once. tokio has a function of the same name; Go needs none.
///
/// Everything in this crate that waits already does this by itself: locks, groups, joins and [`sleep`]. When
/// a goroutine blocks in anything else (a channel, a socket, a file, a lock of std), the workers' monitor
/// notices: after less than a millisecond if the CPUs are idle, after some milliseconds if they are busy. With
/// `block_in_place` there is no such delay.
///
/// While `f` runs, the calling goroutine does not count among those that may run at a time
/// ([`set_max_procs`](crate::set_max_procs)), so `f` should block, not compute. When `f` returns or panics,
/// the goroutine continues at once. Outside of a goroutine, the call wakes a worker if the thread has queued
/// goroutines and no worker runs. Inside another `block_in_place`, it only calls `f`. `f` may do whatever a
/// goroutine may.
///
/// Go's `runtime.Gosched` is seldom needed: when a goroutine has computed for 10 ms, others get to run beside
/// it. To let them run sooner, call `block_in_place(std::thread::yield_now)`.
///
/// # Examples
///
/// ```
/// use std::sync::mpsc;
///
/// let (send, receive) = mpsc::channel();
/// let sum = gosync::go(move || {
///     let received = || gosync::block_in_place(|| receive.recv());
///     std::iter::from_fn(|| received().ok()).sum::<u32>()
/// });
/// for n in 1..=3 {
///     send.send(n).unwrap();
/// }
/// drop(send);
/// assert_eq!(sum.join().unwrap(), 6);
/// ```
#[doc(alias = "Gosched")]
pub fn block_in_place<T>(f: impl FnOnce() -> T) -> T {
    let _blocked = workers::block();
    f()
}

/// Sleeps for at least `duration`: Go's `time.Sleep`. Meanwhile another goroutine may run.
///
/// This is [`block_in_place`] around [`thread::sleep`].
///
/// # Examples
///
/// ```
/// use std::time::{Duration, Instant};
///
/// let start = Instant::now();
/// gosync::scope(|s| {
///     for _ in 0..100 {
///         s.go(|| gosync::sleep(Duration::from_millis(50)));
///     }
/// });
/// // All at once.
/// assert!(start.elapsed() < Duration::from_secs(5));
/// ```
#[doc(alias = "Sleep")]
pub fn sleep(duration: Duration) {
    block_in_place(|| thread::sleep(duration));
}
