//! `WaitGroup`: a handle to a counter, with Go's names and panic messages.

use crate::park;
use crate::primitive::Arc;
use crate::raw_wait_group::{Misuse, RawWaitGroup};
use crate::task::{Group, Member};
use crate::workers;
use std::fmt;
use std::time::Duration;

/// Waits for a set of goroutines to finish: Go's `sync.WaitGroup`.
///
/// A `WaitGroup` is a counter, and [`wait`](Self::wait) waits until it is 0. Start goroutines with
/// [`go`](Self::go), which counts them for you. Or count by hand: call [`add`](Self::add) *before* the
/// goroutine starts, and [`done`](Self::done) in it.
///
/// A clone is another handle to the same group. Pass clones where a Go program passes `&wg`.
///
/// # Differences from Go
///
/// * A group can be used again at once. A sleeping `wait` is released by the 0 that it waited for, even if
///   the counter has gone up again before the waiter runs. Go panics if it notices that.
/// * A call of `add` that would take the counter below 0 panics and changes nothing. In Go it panics,
///   too, but leaves the counter negative, and waiters never return.
/// * The counter's limit is `isize::MAX / 4`. Go cuts the counter to 32 bits.
/// * There is [`wait_timeout`](Self::wait_timeout).
/// * If a goroutine of [`go`](Self::go) panics, it is counted out, and `wait` returns as if nothing had
///   happened. Only the panic hook reports the panic. Use [`scope`](crate::scope) or an
///   [`errgroup`](crate::errgroup::Group), which raise it again, or call
///   [`abort_on_panic`](crate::abort_on_panic), which makes it end the process, as in Go. If a goroutine that
///   counts by hand panics before `done`, the waiters keep waiting.
///
/// # Memory
///
/// A call of `done` synchronizes before the return of every `wait` that it unblocks.
///
/// # Examples
///
/// ```
/// use gosync::{RWMutex, WaitGroup};
/// use std::sync::Arc;
///
/// let wg = WaitGroup::new();
/// let sum = Arc::new(RWMutex::new(0));
/// for i in 1..=10 {
///     let sum = Arc::clone(&sum);
///     wg.go(move || *sum.lock() += i);
/// }
/// wg.wait();
/// assert_eq!(*sum.rlock(), 55);
/// ```
///
/// Counting by hand, as Go programs did before Go 1.25:
///
/// ```
/// use gosync::{WaitGroup, go};
///
/// let wg = WaitGroup::new();
/// for _ in 0..3 {
///     wg.add(1); // Not inside of the goroutine: `wait` might come first.
///     let wg = wg.clone();
///     go!({
///         // work
///         wg.done();
///     });
/// }
/// wg.wait();
/// ```
#[derive(Clone)]
pub struct WaitGroup {
    raw: Arc<RawWaitGroup>,
}

impl WaitGroup {
    /// Returns a group with a counter of 0: Go's zero value.
    ///
    /// # Examples
    ///
    /// ```
    /// let wg = gosync::WaitGroup::new();
    /// assert_eq!(wg.count(), 0);
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self {
            raw: Arc::new(RawWaitGroup::new(0)),
        }
    }

    /// Adds `delta`, which may be negative, to the counter: Go's `wg.Add`.
    ///
    /// # Panics
    ///
    /// * If the counter would go below 0, with Go's message `sync: negative WaitGroup counter`.
    /// * If the counter would exceed `isize::MAX / 4`, with the message `sync: WaitGroup counter overflow`.
    ///
    /// The counter stays as it was.
    ///
    /// # Examples
    ///
    /// ```
    /// let wg = gosync::WaitGroup::new();
    /// wg.add(2);
    /// wg.done();
    /// wg.add(-1);
    /// wg.wait();
    /// ```
    #[doc(alias = "Add")]
    #[inline]
    #[track_caller]
    pub fn add(&self, delta: isize) {
        match self.raw.add(delta) {
            Ok(()) => {}
            Err(Misuse::Negative) => panic!("sync: negative WaitGroup counter"),
            Err(Misuse::Overflow) => panic!("sync: WaitGroup counter overflow"),
        }
    }

    /// Subtracts 1 from the counter: Go's `wg.Done`.
    ///
    /// # Panics
    ///
    /// If the counter is 0, with Go's message `sync: negative WaitGroup counter`. The counter stays as it
    /// was.
    ///
    /// # Examples
    ///
    /// ```
    /// let wg = gosync::WaitGroup::new();
    /// wg.add(1);
    /// wg.done();
    /// wg.wait();
    /// ```
    #[doc(alias = "Done")]
    #[inline]
    #[track_caller]
    pub fn done(&self) {
        self.add(-1);
    }

    /// Waits until the counter is 0: Go's `wg.Wait`.
    ///
    /// Meanwhile the current thread runs those goroutines of this group that it has started itself with
    /// [`go`](Self::go), and that no thread has begun.
    ///
    /// # Examples
    ///
    /// ```
    /// use gosync::WaitGroup;
    /// use std::sync::atomic::{AtomicU32, Ordering};
    ///
    /// static SUM: AtomicU32 = AtomicU32::new(0);
    ///
    /// let wg = WaitGroup::new();
    /// for i in 1..=3 {
    ///     wg.go(move || _ = SUM.fetch_add(i, Ordering::Relaxed));
    /// }
    /// wg.wait();
    /// assert_eq!(SUM.load(Ordering::Relaxed), 6);
    /// wg.wait(); // The counter is 0 already.
    /// ```
    #[doc(alias = "Wait")]
    pub fn wait(&self) {
        if self.raw.count() > 0 {
            workers::help(self.id());
        }
        self.raw.wait(None);
    }

    /// Waits until the counter is 0, but for `timeout` at most. Returns true if the counter reached 0, and
    /// false if the timeout has passed first. Go has no counterpart.
    ///
    /// Unlike [`wait`](Self::wait), it runs no goroutine of the group on this thread: a goroutine could take
    /// longer than `timeout`, and it cannot be interrupted.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let wg = gosync::WaitGroup::new();
    /// wg.add(1);
    /// assert!(!wg.wait_timeout(Duration::from_millis(1)));
    /// wg.done();
    /// assert!(wg.wait_timeout(Duration::ZERO));
    /// ```
    #[doc(alias = "wait_for")]
    #[must_use = "the group may still be running"]
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        self.raw.wait(park::deadline(timeout))
    }

    /// Returns the counter: a snapshot, for tests and metrics. Go has no counterpart.
    ///
    /// # Examples
    ///
    /// ```
    /// let wg = gosync::WaitGroup::new();
    /// wg.add(2);
    /// assert_eq!(wg.count(), 2);
    /// # wg.add(-2);
    /// ```
    #[must_use]
    pub fn count(&self) -> usize {
        self.raw.count().unsigned_abs()
    }

    /// Runs `f` in a goroutine of this group: Go's `wg.Go`.
    ///
    /// The goroutine is counted from this call until `f` has returned or panicked and all values that it
    /// captured have been dropped. It may start others in the same group.
    ///
    /// A panic of `f` goes to the panic hook, and does not hold up the waiters. Use [`scope`](crate::scope)
    /// or [`go!`](crate::go!) if the caller must learn of it. In Go the panic ends the process; call
    /// [`abort_on_panic`](crate::abort_on_panic) for that.
    ///
    /// # Panics
    ///
    /// * If `GOSYNC_MAXPROCS` is set and is not a positive number.
    /// * If `GOSYNC_STACK_SIZE` is set and is not a number of bytes between 64 KiB and 1 GiB (256 MiB where a
    ///   pointer has 32 bits).
    /// * In a child of `fork`, if its parent had workers at the fork.
    /// * If the counter would exceed `isize::MAX / 4`, with the message `sync: WaitGroup counter overflow`.
    ///
    /// # Examples
    ///
    /// ```
    /// let wg = gosync::WaitGroup::new();
    /// for i in 0..3 {
    ///     wg.go(move || println!("goroutine {i}"));
    /// }
    /// wg.wait();
    /// ```
    #[doc(alias = "Go")]
    #[track_caller]
    pub fn go<F>(&self, f: F)
    where
        F: FnOnce() + Send + 'static,
    {
        workers::prepare();
        self.add(1);
        workers::start(Member::new(f, self.clone()));
    }
}

impl Group for WaitGroup {
    fn id(&self) -> *const () {
        Arc::as_ptr(&self.raw).cast()
    }

    fn end_member(&self) {
        self.done();
    }
}

impl Default for WaitGroup {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for WaitGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitGroup")
            .field("count", &self.raw.count())
            .finish()
    }
}
