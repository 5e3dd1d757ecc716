//! A weighted semaphore: golang.org/x/sync's `semaphore`.
//!
//! ```
//! use gosync::semaphore::Weighted;
//!
//! let semaphore = Weighted::new(10); // Go: s := semaphore.NewWeighted(10)
//! let permit = semaphore.acquire(3)?; // Go: s.Acquire(ctx, 3)
//! assert_eq!(semaphore.available(), 7);
//! drop(permit); // Go: s.Release(3)
//! assert_eq!(semaphore.available(), 10);
//! # Ok::<_, gosync::semaphore::TooMany>(())
//! ```

// After `semaphore.go`. One mutex protects all state.
//
// Invariants:
//
// 1. A thread that leaves the mutex has taken from the front of the queue all waiters for which enough
//    permits are free. So the first waiter in the queue wants more than are free.
// 2. No waiter in the queue wants more permits than there are.
// 3. A waiter that another thread takes from the queue either has got what it wants, or wants more than there
//    are by now. It is woken, once; each waiter has its own `Cond` for that. A waiter that times out takes
//    itself from the queue if it is still there.

use crate::{Cond, Mutex};
use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;
use std::{error, fmt, mem, ptr};

/// A weighted semaphore, Go's `semaphore.Weighted` (golang.org/x/sync): it has a number of permits, and each
/// caller acquires as many as it needs.
///
/// # Fairness
///
/// First come, first served. A caller that asks for many permits is not starved by callers that ask for few:
/// while one waits, no later caller gets any, even if enough are free for it. A waiter that gives up leaves
/// no trace: the waiters behind it continue at once.
///
/// # Differences from Go
///
/// * A [`Permit`] gives itself back when it is dropped. There is no `Release` to forget, or to call once too
///   often.
/// * Asking for more permits than there are is an error. In Go it blocks until the context ends.
/// * There is a timeout in place of a context.
///
/// # Memory
///
/// Everything before the release of a permit happens before the return of each later call that acquires one.
///
/// # Examples
///
/// At most three at a time:
///
/// ```
/// use gosync::WaitGroup;
/// use gosync::semaphore::Weighted;
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
///
/// let semaphore = Arc::new(Weighted::new(3));
/// let running = Arc::new(AtomicUsize::new(0));
/// let wg = WaitGroup::new();
/// for _ in 0..20 {
///     // Here and not in the goroutine, so that no more are started than may run.
///     let permit = semaphore.acquire_owned(1).unwrap();
///     let running = Arc::clone(&running);
///     wg.go(move || {
///         let _permit = permit;
///         assert!(running.fetch_add(1, SeqCst) < 3);
///         // work
///         running.fetch_sub(1, SeqCst);
///     });
/// }
/// wg.wait();
/// ```
pub struct Weighted {
    state: Mutex<State>,
}

struct State {
    /// The number of permits, in use or not.
    size: usize,
    free: usize,
    /// The waiters, in the order in which they came.
    queue: VecDeque<Waiter>,
    /// The ticket of the next waiter.
    ticket: usize,
}

struct Waiter {
    ticket: usize,
    wanted: usize,
    granted: Arc<Cond>,
}

impl State {
    /// Takes waiters from the front of the queue as long as enough permits are free for the first one.
    fn grant(&mut self) {
        while let Some(first) = self.queue.front()
            && first.wanted <= self.free
        {
            self.free -= first.wanted;
            first.granted.signal();
            self.queue.pop_front();
        }
    }

    fn take(&mut self, n: usize) -> bool {
        let is_enough = self.queue.is_empty() && n <= self.free;
        if is_enough {
            self.free -= n;
        }
        is_enough
    }

    /// Removes `n` permits, which are in use, for good.
    fn shrink(&mut self, n: usize) {
        self.size -= n;
        let size = self.size;
        self.queue.retain(|waiter| {
            let may_wait = waiter.wanted <= size;
            if !may_wait {
                waiter.granted.signal();
            }
            may_wait
        });
        // The waiters that have left may have held up others.
        self.grant();
    }

    fn check(&self, wanted: usize) -> Result<(), Refusal> {
        if wanted > self.size {
            return Err(Refusal::TooMany(TooMany {
                wanted,
                size: self.size,
            }));
        }
        Ok(())
    }

    /// Joins the queue. Returns the ticket of the new waiter, and the `Cond` on which it waits.
    fn join(&mut self, wanted: usize) -> (usize, Arc<Cond>) {
        let ticket = self.ticket;
        self.ticket += 1;
        let granted = Arc::new(Cond::new());
        self.queue.push_back(Waiter {
            ticket,
            wanted,
            granted: Arc::clone(&granted),
        });
        (ticket, granted)
    }

    fn position(&self, ticket: usize) -> Option<usize> {
        let position = |waiter: &Waiter| waiter.ticket;
        self.queue.binary_search_by_key(&ticket, position).ok()
    }
}

impl Weighted {
    crate::primitive::const_fn! {
        /// Returns a semaphore with `size` permits: Go's `semaphore.NewWeighted`.
        ///
        /// # Examples
        ///
        /// ```
        /// use gosync::semaphore::Weighted;
        ///
        /// static DOWNLOADS: Weighted = Weighted::new(8);
        ///
        /// assert_eq!(DOWNLOADS.available(), 8);
        /// ```
        #[doc(alias = "NewWeighted")]
        pub const fn new(size: usize) -> Self {
            Self {
                state: Mutex::new(State {
                    size,
                    free: size,
                    queue: VecDeque::new(),
                    ticket: 0,
                }),
            }
        }
    }

    /// Waits until it has acquired `n` permits: Go's `s.Acquire`.
    ///
    /// # Errors
    ///
    /// If the semaphore has fewer than `n` permits. Returns the error at once, or as soon as permits are
    /// [forgotten](Permit::forget) and too few are left.
    ///
    /// # Examples
    ///
    /// ```
    /// let semaphore = gosync::semaphore::Weighted::new(2);
    /// let permit = semaphore.acquire(2)?;
    /// assert!(semaphore.try_acquire(1).is_none());
    /// drop(permit);
    /// assert_eq!(semaphore.acquire(3).unwrap_err().to_string(), "3 permits of 2 were asked for");
    /// # Ok::<_, gosync::semaphore::TooMany>(())
    /// ```
    #[doc(alias = "Acquire")]
    pub fn acquire(&self, n: usize) -> Result<Permit<&Self>, TooMany> {
        self.wait(n)?;
        Ok(self.permit(n))
    }

    /// Acquires `n` permits if enough are free and no other caller waits: Go's `s.TryAcquire`. Otherwise
    /// returns `None`.
    ///
    /// # Examples
    ///
    /// ```
    /// let semaphore = gosync::semaphore::Weighted::new(1);
    /// let permit = semaphore.try_acquire(1).unwrap();
    /// assert!(semaphore.try_acquire(1).is_none());
    /// # drop(permit);
    /// ```
    #[doc(alias = "TryAcquire")]
    #[must_use = "it may have failed"]
    pub fn try_acquire(&self, n: usize) -> Option<Permit<&Self>> {
        self.state.lock().take(n).then(|| self.permit(n))
    }

    /// Waits until it has acquired `n` permits, but for `timeout` at most: Go's `s.Acquire` with a context
    /// that has a timeout. Returns `None` if the timeout passes first.
    ///
    /// If the semaphore has fewer than `n` permits, returns `None` at once, or as soon as permits are
    /// [forgotten](Permit::forget) and too few are left. Another attempt would fail, too.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let semaphore = gosync::semaphore::Weighted::new(1);
    /// let permit = semaphore.acquire_for(1, Duration::MAX);
    /// assert!(semaphore.acquire_for(1, Duration::from_millis(1)).is_none());
    /// # drop(permit);
    /// ```
    #[doc(alias = "context")]
    #[must_use = "it may have failed"]
    pub fn acquire_for(&self, n: usize, timeout: Duration) -> Option<Permit<&Self>> {
        let got = self.wait_for(n, Some(timeout));
        got.is_ok().then(|| self.permit(n))
    }

    /// Waits until it has acquired `n` permits, like [`acquire`](Self::acquire): Go's `s.Acquire`. The permit
    /// owns an `Arc` of the semaphore, so it may move into a goroutine.
    ///
    /// # Errors
    ///
    /// If the semaphore has fewer than `n` permits. Returns the error at once, or as soon as permits are
    /// [forgotten](Permit::forget) and too few are left.
    ///
    /// # Examples
    ///
    /// ```
    /// use gosync::{go, semaphore::Weighted};
    /// use std::sync::Arc;
    ///
    /// let semaphore = Arc::new(Weighted::new(2));
    /// let permit = semaphore.acquire_owned(2)?;
    /// go(move || drop(permit));
    /// let _both = semaphore.acquire(2)?;
    /// # Ok::<_, gosync::semaphore::TooMany>(())
    /// ```
    pub fn acquire_owned(self: &Arc<Self>, n: usize) -> Result<OwnedPermit, TooMany> {
        self.wait(n)?;
        Ok(self.owned(n))
    }

    /// Acquires `n` permits if enough are free and no other caller waits, like
    /// [`try_acquire`](Self::try_acquire): Go's `s.TryAcquire`. Otherwise returns `None`. The permit owns an
    /// `Arc` of the semaphore, so it may move into a goroutine.
    ///
    /// # Examples
    ///
    /// ```
    /// let semaphore = std::sync::Arc::new(gosync::semaphore::Weighted::new(1));
    /// assert_eq!(semaphore.try_acquire_owned(1).unwrap().count(), 1);
    /// ```
    #[must_use = "it may have failed"]
    pub fn try_acquire_owned(self: &Arc<Self>, n: usize) -> Option<OwnedPermit> {
        self.state.lock().take(n).then(|| self.owned(n))
    }

    /// Waits until it has acquired `n` permits, but for `timeout` at most, like
    /// [`acquire_for`](Self::acquire_for): Go's `s.Acquire` with a context that has a timeout. Returns `None`
    /// if the timeout passes first. The permit owns an `Arc` of the semaphore, so it may move into a
    /// goroutine.
    ///
    /// If the semaphore has fewer than `n` permits, returns `None` at once, or as soon as permits are
    /// [forgotten](Permit::forget) and too few are left. Another attempt would fail, too.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let semaphore = std::sync::Arc::new(gosync::semaphore::Weighted::new(1));
    /// let permit = semaphore.acquire_owned_for(1, Duration::MAX).unwrap();
    /// assert!(semaphore.acquire_owned_for(1, Duration::from_millis(1)).is_none());
    /// drop(permit);
    /// assert!(semaphore.acquire_owned_for(2, Duration::MAX).is_none()); // There is only one.
    /// ```
    #[doc(alias = "context")]
    #[must_use = "it may have failed"]
    pub fn acquire_owned_for(self: &Arc<Self>, n: usize, timeout: Duration) -> Option<OwnedPermit> {
        let got = self.wait_for(n, Some(timeout));
        got.is_ok().then(|| self.owned(n))
    }

    /// Returns the number of permits that are free at the moment. Callers that want more may be waiting. Go
    /// has no counterpart.
    ///
    /// # Examples
    ///
    /// ```
    /// let semaphore = gosync::semaphore::Weighted::new(3);
    /// let permit = semaphore.acquire(2);
    /// assert_eq!(semaphore.available(), 1);
    /// # drop(permit);
    /// ```
    pub fn available(&self) -> usize {
        self.state.lock().free
    }

    fn permit(&self, n: usize) -> Permit<&Self> {
        Permit { semaphore: self, n }
    }

    fn owned(self: &Arc<Self>, n: usize) -> OwnedPermit {
        Permit {
            semaphore: Arc::clone(self),
            n,
        }
    }

    fn wait(&self, n: usize) -> Result<(), TooMany> {
        match self.wait_for(n, None) {
            Ok(()) => Ok(()),
            Err(Refusal::TooMany(error)) => Err(error),
            Err(Refusal::TimedOut) => unreachable!("there is no timeout"),
        }
    }

    fn wait_for(&self, n: usize, timeout: Option<Duration>) -> Result<(), Refusal> {
        let mut state = self.state.lock();
        state.check(n)?;
        if state.take(n) {
            return Ok(());
        }
        let (ticket, granted) = state.join(n);
        match timeout {
            None => granted.wait_while(&mut state, |state| state.position(ticket).is_some()),
            Some(timeout) => _ = granted.wait_for(&mut state, timeout),
        }
        let Some(position) = state.position(ticket) else {
            // Another thread took this waiter from the queue, maybe after its time was up. If it was granted
            // the permits, the check passes: granted permits are never more than there are, whatever is
            // forgotten.
            return state.check(n);
        };
        state.queue.remove(position);
        // This waiter may have held up those behind it.
        state.grant();
        Err(Refusal::TimedOut)
    }

    fn release(&self, n: usize) {
        let mut state = self.state.lock();
        state.free += n;
        state.grant();
    }
}

impl fmt::Debug for Weighted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.lock();
        f.debug_struct("Weighted")
            .field("size", &state.size)
            .field("available", &state.free)
            .finish_non_exhaustive()
    }
}

/// The reason why a caller got no permit.
enum Refusal {
    TooMany(TooMany),
    TimedOut,
}

/// The error of [`Weighted::acquire`]: more permits were asked for than the semaphore has. Go has no
/// counterpart: there the call waits until its context ends.
///
/// # Examples
///
/// ```
/// use gosync::semaphore::{TooMany, Weighted};
///
/// let semaphore = Weighted::new(2);
/// let error: TooMany = semaphore.acquire(3).unwrap_err();
/// assert_eq!(error.to_string(), "3 permits of 2 were asked for");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooMany {
    wanted: usize,
    size: usize,
}

impl fmt::Display for TooMany {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} permits of {} were asked for", self.wanted, self.size)
    }
}

impl error::Error for TooMany {}

/// A number of permits of a [`Weighted`]. They are given back when this is dropped: Go's `s.Release`.
///
/// Bind it to a name such as `_permit`: `let _ = semaphore.acquire(1)?` drops it at once.
///
/// `S` is a reference to the semaphore, or an `Arc` of it.
///
/// # Examples
///
/// ```
/// use gosync::semaphore::{Permit, Weighted};
///
/// let semaphore = Weighted::new(3);
/// let permit: Permit<&Weighted> = semaphore.acquire(2)?;
/// assert_eq!((permit.count(), semaphore.available()), (2, 1));
/// drop(permit);
/// assert_eq!(semaphore.available(), 3);
/// # Ok::<_, gosync::semaphore::TooMany>(())
/// ```
#[doc(alias = "Release")]
#[doc(alias = "defer")]
#[must_use = "a permit gives itself back when it is dropped"]
pub struct Permit<S: Deref<Target = Weighted>> {
    semaphore: S,
    n: usize,
}

/// A [`Permit`] that owns an `Arc` of its semaphore, so it may move into a goroutine. Returned by
/// [`Weighted::acquire_owned`] and its siblings.
///
/// # Examples
///
/// ```
/// use gosync::go;
/// use gosync::semaphore::{OwnedPermit, Weighted};
/// use std::sync::Arc;
///
/// let semaphore = Arc::new(Weighted::new(1));
/// let permit: OwnedPermit = semaphore.acquire_owned(1)?;
/// let worker = go(move || {
///     // work
///     drop(permit);
/// });
/// worker.join().unwrap();
/// assert_eq!(semaphore.available(), 1);
/// # Ok::<_, gosync::semaphore::TooMany>(())
/// ```
pub type OwnedPermit = Permit<Arc<Weighted>>;

impl<S: Deref<Target = Weighted>> Permit<S> {
    /// Returns the number of permits in this one. Go has no counterpart.
    ///
    /// # Examples
    ///
    /// ```
    /// let semaphore = gosync::semaphore::Weighted::new(3);
    /// assert_eq!(semaphore.try_acquire(2).unwrap().count(), 2);
    /// ```
    pub fn count(&self) -> usize {
        self.n
    }

    /// Splits off `n` permits. Returns `None`, and changes nothing, if this has fewer. Go has no counterpart.
    ///
    /// # Examples
    ///
    /// ```
    /// let semaphore = gosync::semaphore::Weighted::new(3);
    /// let mut all = semaphore.try_acquire(3).unwrap();
    /// let two = all.split(2).unwrap();
    /// assert_eq!(all.count(), 1);
    /// drop(two);
    /// assert_eq!(semaphore.available(), 2);
    /// ```
    pub fn split(&mut self, n: usize) -> Option<Self>
    where
        S: Clone,
    {
        self.n = self.n.checked_sub(n)?;
        Some(Self {
            semaphore: self.semaphore.clone(),
            n,
        })
    }

    /// Adds the permits of `other` to this one. Go has no counterpart.
    ///
    /// # Panics
    ///
    /// If `other` belongs to another semaphore, with `permits of another semaphore`. `other` is given back in
    /// that case.
    ///
    /// # Examples
    ///
    /// ```
    /// let semaphore = gosync::semaphore::Weighted::new(3);
    /// let mut permit = semaphore.try_acquire(1).unwrap();
    /// permit.merge(semaphore.try_acquire(2).unwrap());
    /// assert_eq!(permit.count(), 3);
    /// ```
    #[track_caller]
    pub fn merge(&mut self, mut other: Self) {
        assert!(
            ptr::eq(&raw const *self.semaphore, &raw const *other.semaphore),
            "permits of another semaphore"
        );
        self.n += mem::take(&mut other.n);
    }

    /// Never gives these permits back: from now on the semaphore has fewer. Go has no counterpart.
    ///
    /// A waiter that wants more than are left is refused: `acquire` returns an error, a timed form `None`.
    ///
    /// # Examples
    ///
    /// ```
    /// let semaphore = gosync::semaphore::Weighted::new(3);
    /// semaphore.try_acquire(1).unwrap().forget();
    /// assert_eq!(semaphore.available(), 2);
    /// assert!(semaphore.acquire(3).is_err());
    /// ```
    pub fn forget(mut self) {
        let n = mem::take(&mut self.n);
        self.semaphore.state.lock().shrink(n);
    }
}

impl<S: Deref<Target = Weighted>> Drop for Permit<S> {
    fn drop(&mut self) {
        if self.n > 0 {
            self.semaphore.release(self.n);
        }
    }
}

impl<S: Deref<Target = Weighted>> fmt::Debug for Permit<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Permit").field(&self.n).finish()
    }
}
