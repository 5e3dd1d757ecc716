//! A weighted semaphore: golang.org/x/sync's `semaphore`.

// After `semaphore.go`. All state stands under one mutex.
//
// Invariants:
//
// 1. Whoever leaves the mutex has taken from the front of the queue all for whom there is enough. So the first in the
//    queue wants more than is free.
// 2. Nobody in the queue wants more than there are.
// 3. Whoever is taken from the queue by others has got what it wants, or wants more than there are by now, and is called,
//    once; each has a `Cond` of its own for that. One whose time is up takes itself from the queue, if it is still there.

use crate::{Cond, Mutex};
use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;
use std::{error, fmt, mem, ptr};

/// A semaphore whose permits have a weight: at most so many are in use at a time. Go's `semaphore.Weighted`
/// (golang.org/x/sync).
///
/// # Fairness
///
/// First come, first served. Who asks for many is not starved by those who ask for few: while one waits, none that
/// comes later gets in, even if there are enough for it. One that gives up leaves no trace: those behind it go on at
/// once.
///
/// # Differences from Go
///
/// * A [`Permit`] gives itself back when it is dropped; there is no `Release` to forget, or to call once too often.
/// * To ask for more than there are is an error. In Go it blocks until the context ends.
/// * In place of a context there is a timeout.
///
/// # Memory
///
/// What comes before a permit is given back happens before the return of each later call that gets one.
///
/// # Examples
///
/// Three at a time:
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
    /// How many there are, in use or not.
    size: usize,
    free: usize,
    /// Those who wait, the first first.
    queue: VecDeque<Waiter>,
    /// Names the next one.
    ticket: usize,
}

struct Waiter {
    ticket: usize,
    wanted: usize,
    granted: Arc<Cond>,
}

impl State {
    /// Takes from the queue, from its front on, those for whom there is enough.
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

    /// From now on there are `n` fewer, which are in use.
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
        // They may have held up others.
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

    /// Joins the queue.
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
        /// Returns a semaphore with `size` permits. Go's `NewWeighted`.
        ///
        /// # Examples
        ///
        /// ```
        /// use gosync::semaphore::Weighted;
        ///
        /// static DOWNLOADS: Weighted = Weighted::new(8);
        /// ```
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

    /// Waits until it has got `n`. Go's `Acquire`.
    ///
    /// # Errors
    ///
    /// If there are not so many: at once, or as soon as so many are [forgotten](Permit::forget).
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

    /// Gets `n` if that needs no wait: if there are enough, and nobody waits. Go's `TryAcquire`.
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
    pub fn try_acquire(&self, n: usize) -> Option<Permit<&Self>> {
        self.state.lock().take(n).then(|| self.permit(n))
    }

    /// Waits until it has got `n`, for `timeout` at most. None, too, and at once, if there are not so many: then another
    /// try is in vain.
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
    pub fn acquire_for(&self, n: usize, timeout: Duration) -> Option<Permit<&Self>> {
        let got = self.wait_for(n, Some(timeout));
        got.is_ok().then(|| self.permit(n))
    }

    /// As [`acquire`](Self::acquire); the permit owns an `Arc` of the semaphore, and may go into a goroutine.
    ///
    /// # Errors
    ///
    /// As [`acquire`](Self::acquire).
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

    /// As [`try_acquire`](Self::try_acquire); the permit owns an `Arc` of the semaphore.
    ///
    /// # Examples
    ///
    /// ```
    /// let semaphore = std::sync::Arc::new(gosync::semaphore::Weighted::new(1));
    /// assert_eq!(semaphore.try_acquire_owned(1).unwrap().count(), 1);
    /// ```
    pub fn try_acquire_owned(self: &Arc<Self>, n: usize) -> Option<OwnedPermit> {
        self.state.lock().take(n).then(|| self.owned(n))
    }

    /// As [`acquire_for`](Self::acquire_for); the permit owns an `Arc` of the semaphore.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let semaphore = std::sync::Arc::new(gosync::semaphore::Weighted::new(1));
    /// assert!(semaphore.acquire_owned_for(2, Duration::MAX).is_none());
    /// ```
    pub fn acquire_owned_for(self: &Arc<Self>, n: usize, timeout: Duration) -> Option<OwnedPermit> {
        let got = self.wait_for(n, Some(timeout));
        got.is_ok().then(|| self.owned(n))
    }

    /// How many are free, at the moment. Those may wait who want more.
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
            // Maybe after its time was up. What has been granted is no more than there are, whatever is forgotten.
            return state.check(n);
        };
        state.queue.remove(position);
        // It may have held up those behind it.
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

/// Why somebody has got none.
enum Refusal {
    TooMany(TooMany),
    TimedOut,
}

/// More permits were asked for than there are.
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

/// So many permits of a [`Weighted`], which are given back when this is dropped: Go's `Release`.
///
/// Give it a name, as `_permit`: `let _ = semaphore.acquire(1)?` drops it at once.
///
/// `S` is a reference to the semaphore, or an `Arc` of it.
#[must_use = "a permit gives itself back when it is dropped"]
pub struct Permit<S: Deref<Target = Weighted>> {
    semaphore: S,
    n: usize,
}

/// A permit that may go into a goroutine. See [`Weighted::acquire_owned`].
pub type OwnedPermit = Permit<Arc<Weighted>>;

impl<S: Deref<Target = Weighted>> Permit<S> {
    /// How many these are.
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

    /// Splits off `n` of these; none, and no change, if these are fewer.
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

    /// Adds `other` to these.
    ///
    /// # Panics
    ///
    /// If `other` belongs to another semaphore; it is given back then.
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

    /// Never gives these back: from now on there are fewer. Whoever waits for more than are left gets an error.
    ///
    /// # Examples
    ///
    /// ```
    /// let semaphore = gosync::semaphore::Weighted::new(3);
    /// semaphore.try_acquire(1).unwrap().forget();
    /// assert_eq!(semaphore.available(), 2);
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
