//! `WaitGroup`: a handle to a counter, with Go's names and texts.

use crate::park;
use crate::primitive::Arc;
use crate::raw_wait_group::{Misuse, RawWaitGroup};
use crate::task::{Member, Owner};
use crate::workers;
use std::fmt;
use std::time::Duration;

/// Waits for a set of goroutines to finish: Go's `sync.WaitGroup`.
///
/// A `WaitGroup` is a counter, and [`wait`](Self::wait) waits until it is 0. Start goroutines with
/// [`go`](Self::go), which counts for you. Or count by hand: [`add`](Self::add) *before* the
/// goroutine starts, [`done`](Self::done) in it.
///
/// A clone is another handle to the same group, as a Go program passes `&wg`.
///
/// # Differences from Go
///
/// * A group can be used again at once: a `wait` that sleeps is released by the 0 that it waited for,
///   even if the counter has gone up again before the waiter runs. Go panics if it notices that.
/// * A call of `add` that would take the counter below 0 panics and changes nothing. In Go it breaks
///   the counter, and those who wait stay stuck.
/// * The counter goes up to `isize::MAX / 4`, and no further; Go cuts it to 32 bits.
/// * [`wait_timeout`](Self::wait_timeout).
/// * A goroutine of [`go`](Self::go) that panics is counted out, and `wait` returns as if nothing had happened; only the panic
///   hook reports it. Use [`scope`](crate::scope) or an [`errgroup`](crate::errgroup::Group), which raise it again. One that
///   counts by hand and panics before `done` keeps those who wait waiting.
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
    /// Returns a group with a counter of 0. Go's zero value.
    pub fn new() -> Self {
        Self {
            raw: Arc::new(RawWaitGroup::new(0)),
        }
    }

    /// Adds `delta`, which may be negative, to the counter. Go's `Add`.
    ///
    /// # Panics
    ///
    /// With Go's text `sync: negative WaitGroup counter` if the counter would go below 0, and with
    /// `sync: WaitGroup counter overflow` if it would exceed `isize::MAX / 4`. The counter stays as
    /// it was.
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

    /// Takes 1 from the counter. Go's `Done`.
    ///
    /// # Panics
    ///
    /// If the counter is 0, as [`add`](Self::add).
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

    /// Waits until the counter is 0. Go's `Wait`.
    ///
    /// Goroutines of this group that the current thread has started with [`go`](Self::go), and nobody has
    /// begun, run here meanwhile.
    ///
    /// # Examples
    ///
    /// ```
    /// let wg = gosync::WaitGroup::new();
    /// wg.wait(); // The counter is 0 already.
    /// ```
    #[doc(alias = "Wait")]
    pub fn wait(&self) {
        if self.raw.count() > 0 {
            workers::help(self.group());
        }
        self.raw.wait(None);
    }

    /// Waits until the counter is 0, for `timeout` at most. Returns whether it was 0. Go has no
    /// counterpart.
    ///
    /// Unlike [`wait`](Self::wait) it runs no goroutine of the group on this thread: that could take
    /// longer than `timeout`, and nothing can interrupt it.
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
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        self.raw.wait(park::deadline(timeout))
    }

    /// Returns the counter; a snapshot, for tests and metrics. Go has no counterpart.
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

    /// Runs `f` in a goroutine of this group. Go's `Go`.
    ///
    /// The goroutine is counted from this call until `f` has returned, or has panicked, and all that
    /// it captured is dropped. It may start others in the same group.
    ///
    /// A panic goes to the panic hook, and does not hold up those who wait. Who has to know of it
    /// uses [`scope`](crate::scope) or [`go!`](crate::go!).
    ///
    /// # Panics
    ///
    /// As [`set_max_procs`](crate::set_max_procs).
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

impl Owner for WaitGroup {
    fn group(&self) -> *const () {
        Arc::as_ptr(&self.raw).cast()
    }

    fn ended(&self) {
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
