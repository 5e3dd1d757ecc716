//! Goroutines that may fail: golang.org/x/sync's `errgroup`.
//!
//! A [`Group`] starts goroutines, waits for them, and returns the first error. With [`scope()`] they may
//! borrow.
//!
//! ```
//! use gosync::errgroup::Group;
//!
//! let group = Group::new(); // Go: var g errgroup.Group
//! for file in ["Cargo.toml", "no such file"] {
//!     group.go(move || std::fs::read(file).map(drop)); // Go: g.Go(func() error { … })
//! }
//! assert!(group.wait().is_err()); // Go: err := g.Wait()
//! ```

// After `errgroup.go`.

use crate::panics::{self, Payload};
use crate::{Cond, Mutex, WaitGroup};
use std::fmt;
use std::mem;
use std::panic::resume_unwind;
use std::sync::Arc;

/// Goroutines that work on parts of one task and may fail: Go's `errgroup.Group` (golang.org/x/sync).
///
/// A clone is another handle to the same group.
///
/// # Differences from Go
///
/// * There is no context. A goroutine that should stop when another one has failed calls
///   [`is_cancelled`](Self::is_cancelled).
/// * If a goroutine panics, [`wait`](Self::wait) raises the panic again once all have ended, as
///   [`scope`](crate::scope) does. (x/sync 0.15 did that, too. Since 0.16 the panic ends the process, as
///   any panic does in Go.)
/// * The group can be used again after a `wait`.
/// * For goroutines that borrow there is [`scope`].
///
/// After [`abort_on_panic`](crate::abort_on_panic), a panic of a goroutine ends the process, as in Go.
///
/// # Memory
///
/// Everything that a goroutine of the group does happens before the return of the `wait` that waits for it.
///
/// # Examples
///
/// ```
/// use gosync::errgroup::Group;
///
/// let group = Group::new();
/// for number in ["1", "2", "three"] {
///     group.go(move || number.parse::<u32>().map(drop));
/// }
/// assert!(group.wait().is_err());
/// ```
pub struct Group<E> {
    group: WaitGroup,
    data: Arc<Data<E>>,
}

struct Data<E> {
    state: Mutex<State<E>>,
    /// Signalled when a goroutine has ended.
    ended: Cond,
}

struct State<E> {
    running: usize,
    limit: usize,
    failure: Failure<E>,
}

/// The failures of the goroutines since the last wait.
struct Failure<E> {
    has_failed: bool,
    /// The first error.
    error: Option<E>,
    /// The payload of the first panic.
    panic: Option<Payload>,
}

impl<E: Send + 'static> Group<E> {
    /// Returns a group without a limit: Go's zero value.
    ///
    /// # Examples
    ///
    /// ```
    /// let group = gosync::errgroup::Group::<std::io::Error>::new();
    /// assert!(group.wait().is_ok());
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self {
            group: WaitGroup::new(),
            data: Data::new(),
        }
    }

    /// Limits the number of goroutines of the group that run at a time to `limit`, from now on: Go's
    /// `g.SetLimit`. The default is no limit, `usize::MAX`; in Go it is -1.
    ///
    /// # Panics
    ///
    /// * If `limit` is 0. (In Go, the next `g.Go` would wait forever.)
    /// * While goroutines of the group run, with Go's message, such as
    ///   `errgroup: modify limit while 2 goroutines in the group are still active`.
    ///
    /// # Examples
    ///
    /// ```
    /// let group = gosync::errgroup::Group::<()>::new();
    /// group.set_limit(2);
    /// for _ in 0..10 {
    ///     group.go(|| Ok(())); // Waits while two run.
    /// }
    /// # group.wait().unwrap();
    /// ```
    #[doc(alias = "SetLimit")]
    #[track_caller]
    pub fn set_limit(&self, limit: usize) {
        self.data.set_limit(limit);
    }

    /// Runs `f` in a goroutine of this group: Go's `g.Go`. If the limit is reached, waits first until a
    /// goroutine of the group has ended.
    ///
    /// A goroutine that starts others in its own group counts towards the limit. If all goroutines that may
    /// run wait for a turn, none of them gets one, as in Go. In such a goroutine, use
    /// [`try_go`](Self::try_go), and do the work on the spot if it returns false.
    ///
    /// # Panics
    ///
    /// * If `GOSYNC_MAXPROCS` is set and is not a positive number.
    /// * If `GOSYNC_STACK_SIZE` is set and is not a number of bytes between 64 KiB and 1 GiB (256 MiB where a
    ///   pointer has 32 bits).
    /// * In a child of `fork`, if its parent had workers at the fork.
    ///
    /// # Examples
    ///
    /// ```
    /// let group = gosync::errgroup::Group::new();
    /// group.go(|| std::fs::read("Cargo.toml").map(drop));
    /// group.wait()?;
    /// # Ok::<_, std::io::Error>(())
    /// ```
    #[doc(alias = "Go")]
    #[track_caller]
    pub fn go<F>(&self, f: F)
    where
        F: FnOnce() -> Result<(), E> + Send + 'static,
    {
        let turn = Data::wait_for_turn(&self.data);
        self.group.go(|| turn.run(f));
    }

    /// Runs `f` in a goroutine of this group if the limit is not reached: Go's `g.TryGo`. Returns whether it
    /// has started the goroutine.
    ///
    /// # Panics
    ///
    /// * If `GOSYNC_MAXPROCS` is set and is not a positive number.
    /// * If `GOSYNC_STACK_SIZE` is set and is not a number of bytes between 64 KiB and 1 GiB (256 MiB where a
    ///   pointer has 32 bits).
    /// * In a child of `fork`, if its parent had workers at the fork.
    ///
    /// # Examples
    ///
    /// ```
    /// use gosync::errgroup::Group;
    ///
    /// let group = Group::new();
    /// group.set_limit(1);
    /// let inner = group.clone();
    /// group.go(move || {
    ///     assert!(!inner.try_go(|| Ok(())));
    ///     Ok::<_, ()>(())
    /// });
    /// assert!(group.wait().is_ok());
    /// ```
    #[doc(alias = "TryGo")]
    #[track_caller]
    #[must_use = "if it returns false, `f` does not run"]
    pub fn try_go<F>(&self, f: F) -> bool
    where
        F: FnOnce() -> Result<(), E> + Send + 'static,
    {
        let turn = Data::try_turn(&self.data);
        turn.map(|turn| self.group.go(|| turn.run(f))).is_some()
    }

    /// Waits until all goroutines of the group have ended, and returns the first error: Go's `g.Wait`.
    ///
    /// Meanwhile the current thread runs those goroutines of this group that it has started itself, and that
    /// no thread has begun.
    ///
    /// # Errors
    ///
    /// Returns the first error that a goroutine has returned since the last wait. If several threads wait,
    /// one of them gets it.
    ///
    /// # Panics
    ///
    /// If a goroutine has panicked, with the payload of the first panic.
    ///
    /// # Examples
    ///
    /// ```
    /// let group = gosync::errgroup::Group::new();
    /// group.go(|| Err("no"));
    /// assert_eq!(group.wait(), Err("no"));
    /// assert_eq!(group.wait(), Ok(()));
    /// ```
    #[doc(alias = "Wait")]
    pub fn wait(&self) -> Result<(), E> {
        self.group.wait();
        self.data.conclude()
    }

    /// Returns whether a goroutine of the group has returned an error or has panicked since the last
    /// [`wait`](Self::wait) returned: Go's `ctx.Err() != nil`, with the context of `errgroup.WithContext`.
    ///
    /// # Examples
    ///
    /// ```
    /// use gosync::errgroup::Group;
    ///
    /// let group = Group::new();
    /// group.go(|| Err("no"));
    /// let inner = group.clone();
    /// group.go(move || {
    ///     while !inner.is_cancelled() {
    ///         // A part of the work.
    ///         std::thread::yield_now();
    ///     }
    ///     Ok(())
    /// });
    /// assert_eq!(group.wait(), Err("no"));
    /// ```
    #[doc(alias = "WithContext")]
    #[doc(alias = "context")]
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.data.is_cancelled()
    }
}

impl<E> Clone for Group<E> {
    fn clone(&self) -> Self {
        Self {
            group: self.group.clone(),
            data: Arc::clone(&self.data),
        }
    }
}

impl<E: Send + 'static> Default for Group<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> fmt::Debug for Group<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").finish_non_exhaustive()
    }
}

impl<E> Failure<E> {
    fn none() -> Self {
        Self {
            has_failed: false,
            error: None,
            panic: None,
        }
    }
}

impl<E> Data<E> {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                running: 0,
                limit: usize::MAX,
                failure: Failure::none(),
            }),
            ended: Cond::new(),
        })
    }

    #[track_caller]
    fn set_limit(&self, limit: usize) {
        assert!(
            limit > 0,
            "errgroup: with a limit of 0 no goroutine would ever run"
        );
        let mut state = self.state.lock();
        let running = state.running;
        assert!(
            running == 0,
            "errgroup: modify limit while {running} goroutines in the group are still active"
        );
        state.limit = limit;
    }

    fn wait_for_turn(this: &Arc<Self>) -> Turn<E> {
        let mut state = this.state.lock();
        this.ended
            .wait_while(&mut state, |state| state.running >= state.limit);
        state.running += 1;
        Turn(Arc::clone(this))
    }

    fn try_turn(this: &Arc<Self>) -> Option<Turn<E>> {
        let mut state = this.state.lock();
        if state.running >= state.limit {
            return None;
        }
        state.running += 1;
        Some(Turn(Arc::clone(this)))
    }

    fn is_cancelled(&self) -> bool {
        self.state.lock().failure.has_failed
    }

    /// Keeps the first error, and the first panic.
    fn fail(&self, error: Option<E>, panic: Option<Payload>) {
        let mut state = self.state.lock();
        let failure = &mut state.failure;
        failure.has_failed = true;
        // Dropped after unlocking: a destructor is foreign code.
        let _late = (
            keep_first(&mut failure.error, error),
            keep_first(&mut failure.panic, panic),
        );
        drop(state);
    }

    /// Returns the first error, or raises the first panic again, and forgets both.
    fn conclude(&self) -> Result<(), E> {
        let failure = mem::replace(&mut self.state.lock().failure, Failure::none());
        if let Some(payload) = failure.panic {
            resume_unwind(payload);
        }
        failure.error.map_or(Ok(()), Err)
    }
}

/// A place among the goroutines that may run at a time. Dropping it frees the place.
struct Turn<E>(Arc<Data<E>>);

impl<E> Turn<E> {
    fn run(self, f: impl FnOnce() -> Result<(), E>) {
        match panics::catch(f) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.0.fail(Some(error), None),
            Err(payload) => self.0.fail(None, Some(payload)),
        }
    }
}

/// Stores `new` if `first` is empty. Otherwise returns `new`.
fn keep_first<T>(first: &mut Option<T>, new: Option<T>) -> Option<T> {
    if first.is_some() {
        return new;
    }
    *first = new;
    None
}

impl<E> Drop for Turn<E> {
    fn drop(&mut self) {
        self.0.state.lock().running -= 1;
        self.0.ended.signal();
    }
}

#[cfg(not(gosync_model))]
pub use scoped::{Scope, scope};

#[cfg(not(gosync_model))]
mod scoped {
    use super::Data;
    use std::fmt;
    use std::sync::Arc;

    /// Calls `f` with a group whose goroutines may borrow, and waits until all of them have ended: Go's
    /// `errgroup.Group`, with `g.Wait` at the end of the scope.
    ///
    /// # Errors
    ///
    /// Returns the first error that `f` or a goroutine has returned.
    ///
    /// # Panics
    ///
    /// * If `f` has panicked, with the payload of that panic.
    /// * Otherwise, if a goroutine has panicked, with the payload of the first panic.
    /// * If `f` forks: in the child, if a worker of the parent was running a goroutine of the scope.
    ///
    /// # Examples
    ///
    /// ```
    /// use gosync::errgroup;
    ///
    /// let numbers = ["1", "2", "three"];
    /// let result = errgroup::scope(|group| {
    ///     for number in &numbers {
    ///         group.go(|| number.parse::<u32>().map(drop));
    ///     }
    ///     Ok(())
    /// });
    /// assert!(result.is_err());
    /// ```
    ///
    /// If a `?` follows the call, or if the goroutines use `?`, the compiler may not find out the type of the
    /// error (E0282, E0283). Name it: `errgroup::scope::<io::Error, _>(…)`.
    ///
    /// A goroutine that checks whether another one has failed, or that starts others, takes a clone of the
    /// group:
    ///
    /// ```
    /// use gosync::errgroup;
    ///
    /// let result = errgroup::scope(|group| {
    ///     let inner = group.clone();
    ///     group.go(move || {
    ///         while !inner.is_cancelled() {
    ///             std::thread::yield_now();
    ///         }
    ///         Ok(())
    ///     });
    ///     Err("no")
    /// });
    /// assert_eq!(result, Err("no"));
    /// ```
    pub fn scope<'env, E, F>(f: F) -> Result<(), E>
    where
        E: Send + 'env,
        F: for<'scope> FnOnce(&Scope<'scope, 'env, E>) -> Result<(), E>,
    {
        let data = Data::new();
        crate::scope(|scope| {
            let group = Scope {
                scope,
                data: Arc::clone(&data),
            };
            if let Err(error) = f(&group) {
                data.fail(Some(error), None);
            }
        });
        data.conclude()
    }

    /// The group of a call of [`scope`]: Go's `errgroup.Group`, for goroutines that borrow. A clone is
    /// another handle to the same group.
    ///
    /// # Examples
    ///
    /// ```
    /// use gosync::errgroup;
    ///
    /// let mut files = [("Cargo.toml", 0), ("README.md", 0)];
    /// errgroup::scope(|group| {
    ///     group.set_limit(2);
    ///     for (path, len) in &mut files {
    ///         group.go(|| std::fs::metadata(&*path).map(|file| *len = file.len()));
    ///     }
    ///     Ok(())
    /// })?;
    /// assert!(files.iter().all(|(_, len)| *len > 0));
    /// # Ok::<_, std::io::Error>(())
    /// ```
    pub struct Scope<'scope, 'env: 'scope, E> {
        scope: &'scope crate::Scope<'scope, 'env>,
        data: Arc<Data<E>>,
    }

    impl<E> Clone for Scope<'_, '_, E> {
        fn clone(&self) -> Self {
            Self {
                scope: self.scope,
                data: Arc::clone(&self.data),
            }
        }
    }

    impl<'scope, E: Send + 'scope> Scope<'scope, '_, E> {
        /// Limits the number of goroutines of the group that run at a time to `limit`, from now on: Go's
        /// `g.SetLimit`. The default is no limit, `usize::MAX`; in Go it is -1.
        ///
        /// # Panics
        ///
        /// * If `limit` is 0. (In Go, the next `g.Go` would wait forever.)
        /// * While goroutines of the group run, with Go's message, such as
        ///   `errgroup: modify limit while 2 goroutines in the group are still active`.
        ///
        /// # Examples
        ///
        /// ```
        /// use gosync::errgroup;
        /// use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
        ///
        /// let running = AtomicUsize::new(0);
        /// errgroup::scope(|group| {
        ///     group.set_limit(2);
        ///     for _ in 0..10 {
        ///         group.go(|| {
        ///             assert!(running.fetch_add(1, SeqCst) < 2);
        ///             running.fetch_sub(1, SeqCst);
        ///             Ok::<_, ()>(())
        ///         });
        ///     }
        ///     Ok(())
        /// })
        /// .unwrap();
        /// ```
        #[doc(alias = "SetLimit")]
        #[track_caller]
        pub fn set_limit(&self, limit: usize) {
            self.data.set_limit(limit);
        }

        /// Runs `f` in a goroutine of this group: Go's `g.Go`. If the limit is reached, waits first until a
        /// goroutine of the group has ended. `f` may borrow anything that outlives the scope.
        ///
        /// A goroutine that starts others in its own group counts towards the limit. If all goroutines that
        /// may run wait for a turn, none of them gets one, as in Go. In such a goroutine, use
        /// [`try_go`](Self::try_go), and do the work on the spot if it returns false.
        ///
        /// # Panics
        ///
        /// * If `GOSYNC_MAXPROCS` is set and is not a positive number.
        /// * If `GOSYNC_STACK_SIZE` is set and is not a number of bytes between 64 KiB and 1 GiB (256 MiB
        ///   where a pointer has 32 bits).
        /// * In a child of `fork`, if its parent had workers at the fork.
        ///
        /// # Examples
        ///
        /// ```
        /// use gosync::errgroup;
        ///
        /// let mut words = ["go".to_string(), "".to_string()];
        /// let result = errgroup::scope(|group| {
        ///     for word in &mut words {
        ///         group.go(|| {
        ///             *word = word.to_uppercase();
        ///             if word.is_empty() { Err("an empty word") } else { Ok(()) }
        ///         });
        ///     }
        ///     Ok(())
        /// });
        /// assert_eq!(result, Err("an empty word"));
        /// assert_eq!(words[0], "GO");
        /// ```
        #[doc(alias = "Go")]
        #[track_caller]
        pub fn go<F>(&self, f: F)
        where
            F: FnOnce() -> Result<(), E> + Send + 'scope,
        {
            let turn = Data::wait_for_turn(&self.data);
            drop(self.scope.go(|| turn.run(f)));
        }

        /// Runs `f` in a goroutine of this group if the limit is not reached: Go's `g.TryGo`. Returns whether
        /// it has started the goroutine. `f` may borrow anything that outlives the scope.
        ///
        /// # Panics
        ///
        /// * If `GOSYNC_MAXPROCS` is set and is not a positive number.
        /// * If `GOSYNC_STACK_SIZE` is set and is not a number of bytes between 64 KiB and 1 GiB (256 MiB
        ///   where a pointer has 32 bits).
        /// * In a child of `fork`, if its parent had workers at the fork.
        ///
        /// # Examples
        ///
        /// ```
        /// use gosync::errgroup;
        ///
        /// let result = errgroup::scope(|group| {
        ///     group.set_limit(1);
        ///     let inner = group.clone();
        ///     group.go(move || {
        ///         assert!(!inner.try_go(|| Ok(()))); // One runs already: this one.
        ///         Ok::<_, ()>(())
        ///     });
        ///     Ok(())
        /// });
        /// assert!(result.is_ok());
        /// ```
        #[doc(alias = "TryGo")]
        #[track_caller]
        #[must_use = "if it returns false, `f` does not run"]
        pub fn try_go<F>(&self, f: F) -> bool
        where
            F: FnOnce() -> Result<(), E> + Send + 'scope,
        {
            let turn = Data::try_turn(&self.data);
            turn.map(|turn| drop(self.scope.go(|| turn.run(f))))
                .is_some()
        }

        /// Returns whether a goroutine of the group has returned an error or has panicked, or the closure of
        /// [`scope`] has returned an error: Go's `ctx.Err() != nil`, with the context of
        /// `errgroup.WithContext`.
        ///
        /// # Examples
        ///
        /// ```
        /// use gosync::errgroup;
        ///
        /// let result = errgroup::scope(|group| {
        ///     group.go(|| Err("no"));
        ///     while !group.is_cancelled() {
        ///         // A part of the work.
        ///         std::thread::yield_now();
        ///     }
        ///     Ok(())
        /// });
        /// assert_eq!(result, Err("no"));
        /// ```
        #[doc(alias = "WithContext")]
        #[doc(alias = "context")]
        #[must_use]
        pub fn is_cancelled(&self) -> bool {
            self.data.is_cancelled()
        }
    }

    impl<E> fmt::Debug for Scope<'_, '_, E> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("Scope").finish_non_exhaustive()
        }
    }
}
