//! Goroutines that may fail: golang.org/x/sync's `errgroup`.

// After `errgroup.go`.

use crate::{Cond, Mutex, WaitGroup};
use std::any::Any;
use std::fmt;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

/// Goroutines that work on parts of one task, and may fail. Go's `errgroup.Group` (golang.org/x/sync).
///
/// A clone is another handle to the same group.
///
/// # Differences from Go
///
/// * There is no context. A goroutine that is to stop when another one has failed looks at
///   [`is_cancelled`](Self::is_cancelled).
/// * A panic of a goroutine is raised again by [`wait`](Self::wait), once all have ended, as `join` and
///   [`scope`](crate::scope) do here. (x/sync did that in 0.15, too; in 0.20 it ends the process, as any panic does in
///   Go.)
/// * After a `wait` the group can be used again.
/// * [`scope`] is for goroutines that borrow.
///
/// # Memory
///
/// What a goroutine of the group does happens before the return of the `wait` that waits for it.
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
    /// A goroutine has ended.
    ended: Cond,
}

struct State<E> {
    running: usize,
    limit: usize,
    failure: Failure<E>,
}

/// What has gone wrong.
struct Failure<E> {
    has_failed: bool,
    /// The first one.
    error: Option<E>,
    /// What the first panic carries.
    panic: Option<Payload>,
}

type Payload = Box<dyn Any + Send>;

impl<E: Send + 'static> Group<E> {
    /// Returns a group without a limit. Go's zero value.
    ///
    /// # Examples
    ///
    /// ```
    /// let group = gosync::errgroup::Group::<std::io::Error>::new();
    /// assert!(group.wait().is_ok());
    /// ```
    pub fn new() -> Self {
        Self {
            group: WaitGroup::new(),
            data: Data::new(),
        }
    }

    /// From now on at most `limit` goroutines of the group run at a time. Go's `SetLimit`; its -1, for no limit, is
    /// `usize::MAX` here.
    ///
    /// # Panics
    ///
    /// If `limit` is 0 (Go's next `Go` would wait for ever), or while goroutines of the group run (Go's text).
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

    /// Runs `f` in a goroutine of this group; waits before that while the limit is reached. Go's `Go`.
    ///
    /// A goroutine that starts others in its own group takes part in the limit: if all that may run wait for a turn,
    /// none gets one, as in Go. Use [`try_go`](Self::try_go) there, and do the work on the spot if it fails.
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

    /// As [`go`](Self::go), if the limit is not reached. Returns whether `f` runs. Go's `TryGo`.
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
    pub fn try_go<F>(&self, f: F) -> bool
    where
        F: FnOnce() -> Result<(), E> + Send + 'static,
    {
        let turn = Data::try_turn(&self.data);
        turn.map(|turn| self.group.go(|| turn.run(f))).is_some()
    }

    /// Waits until all goroutines of the group have ended. Go's `Wait`.
    ///
    /// As [`WaitGroup::wait`](crate::WaitGroup::wait) it runs those that nobody has begun.
    ///
    /// # Errors
    ///
    /// The first error that one of them has returned since the last wait. If several threads wait, one gets it.
    ///
    /// # Panics
    ///
    /// If one of the goroutines has panicked, with what the first panic carries.
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

    /// Whether a goroutine of the group has returned an error, or has panicked. In Go the context of `WithContext` is done
    /// then. Becomes false again when a [`wait`](Self::wait) returns.
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
        // Dropped without the lock: that is foreign code.
        let _late = (
            keep_first(&mut failure.error, error),
            keep_first(&mut failure.panic, panic),
        );
        drop(state);
    }

    /// What has become of all of them.
    fn conclude(&self) -> Result<(), E> {
        let failure = mem::replace(&mut self.state.lock().failure, Failure::none());
        if let Some(payload) = failure.panic {
            resume_unwind(payload);
        }
        failure.error.map_or(Ok(()), Err)
    }
}

/// One of those that may run at a time, until it is dropped.
struct Turn<E>(Arc<Data<E>>);

impl<E> Turn<E> {
    fn run(self, f: impl FnOnce() -> Result<(), E>) {
        match catch_unwind(AssertUnwindSafe(f)) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.0.fail(Some(error), None),
            Err(payload) => self.0.fail(None, Some(payload)),
        }
    }
}

/// Returns what has come too late.
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

    /// Calls `f` with a group whose goroutines may borrow, and waits until all of them have ended.
    ///
    /// # Errors
    ///
    /// The first one that `f` or a goroutine has returned.
    ///
    /// # Panics
    ///
    /// If `f` or one of the goroutines has panicked, with what that panic carries, as [`scope`](crate::scope).
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
    /// A goroutine that looks whether another one has failed, or starts others, takes a clone of the group:
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

    /// The group of a call of [`scope`]. A clone is another handle to it.
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
        /// As [`Group::set_limit`](super::Group::set_limit).
        ///
        /// # Panics
        ///
        /// As [`Group::set_limit`](super::Group::set_limit).
        #[track_caller]
        pub fn set_limit(&self, limit: usize) {
            self.data.set_limit(limit);
        }

        /// As [`Group::go`](super::Group::go); `f` may borrow whatever outlives the scope.
        #[track_caller]
        pub fn go<F>(&self, f: F)
        where
            F: FnOnce() -> Result<(), E> + Send + 'scope,
        {
            let turn = Data::wait_for_turn(&self.data);
            drop(self.scope.go(|| turn.run(f)));
        }

        /// As [`Group::try_go`](super::Group::try_go).
        #[track_caller]
        pub fn try_go<F>(&self, f: F) -> bool
        where
            F: FnOnce() -> Result<(), E> + Send + 'scope,
        {
            let turn = Data::try_turn(&self.data);
            turn.map(|turn| drop(self.scope.go(|| turn.run(f))))
                .is_some()
        }

        /// As [`Group::is_cancelled`](super::Group::is_cancelled).
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
