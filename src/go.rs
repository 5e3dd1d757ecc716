//! `go`, `JoinHandle` and `scope`: closures that run as goroutines.

use crate::panics::{self, Payload};
use crate::raw_wait_group::RawWaitGroup;
use crate::task::{Group, Handle, Task};
use crate::workers::{self, Job};
use std::fmt;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Runs `f` in a goroutine: Go's `go` statement for a function literal, `go func() { … }()`. This is the
/// function behind [`go!`](crate::go!).
///
/// A goroutine runs on a thread that gosync keeps for goroutines, or on the thread that joins it. It always
/// runs sooner or later. It may block in any code and compute forever, and holds up only the threads that
/// wait for it. See [Goroutines](crate#goroutines).
///
/// If `f` panics, [`JoinHandle::join`] returns the value that it panicked with. The panic hook is called,
/// too. In Go the process ends; call [`abort_on_panic`](crate::abort_on_panic) for that.
///
/// As in Go, the process ends when `main` returns, even if goroutines still run.
///
/// From beginning to end a goroutine stays on one thread. That thread runs other goroutines before and after
/// it, and while it waits for them. Go's `runtime.LockOSThread`, which keeps them out, has no counterpart:
/// for a thread of its own, start one with [`std::thread::spawn`].
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
/// let answer = gosync::go(|| 6 * 7);
/// assert_eq!(answer.join().unwrap(), 42);
/// ```
#[doc(alias = "goroutine")]
#[doc(alias = "func")]
#[doc(alias = "spawn")]
#[doc(alias = "thread")]
#[doc(alias = "LockOSThread")]
#[track_caller]
pub fn go<F, T>(f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    workers::prepare();
    let (task, handle) = Task::new(f, ());
    workers::start(task);
    JoinHandle(handle)
}

/// A handle to a goroutine, to wait for its result: what a Go program makes a channel for. Returned by
/// [`go`](fn@crate::go) and [`go!`](crate::go!).
///
/// If the handle is dropped, the goroutine runs on, and its result is dropped when it ends.
///
/// # Examples
///
/// ```
/// use gosync::go;
///
/// let length = go!("gopher".len());
/// assert_eq!(length.join().unwrap(), 6);
/// ```
pub struct JoinHandle<T>(Handle<'static, T>);

impl<T> JoinHandle<T> {
    /// Waits for the goroutine to end, and returns its result: Go's `<-result`, if the goroutine sends its
    /// result on a channel. If no thread has started the goroutine, it runs on the calling thread.
    ///
    /// # Errors
    ///
    /// If the goroutine panicked, returns the value that it panicked with. (After
    /// [`abort_on_panic`](crate::abort_on_panic), the process ends instead.)
    ///
    /// # Panics
    ///
    /// * If the goroutine joins itself, or joins a goroutine that lies beneath it on the same stack. The
    ///   goroutine beneath waits for this one and runs it meanwhile, so neither would ever continue. The
    ///   message is `gosync: a goroutine joins itself, or one that waits for it on the same stack`.
    /// * In a child of `fork`, if a worker of the parent was running the goroutine.
    ///
    /// # Examples
    ///
    /// ```
    /// let handle = gosync::go(|| panic!("no luck"));
    /// let payload: Box<dyn std::any::Any + Send> = handle.join().map(|()| ()).unwrap_err();
    /// assert_eq!(payload.downcast_ref(), Some(&"no luck"));
    /// ```
    #[doc(alias = "chan")]
    #[doc(alias = "recover")]
    pub fn join(self) -> thread::Result<T> {
        self.0.join()
    }

    /// Returns whether the goroutine has ended, so that `join` would not wait. Go has no counterpart.
    ///
    /// # Examples
    ///
    /// ```
    /// let handle = gosync::go(|| ());
    /// while !handle.is_finished() {
    ///     std::thread::yield_now();
    /// }
    /// ```
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.0.is_finished()
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle")
            .field("is_finished", &self.is_finished())
            .finish()
    }
}

/// Runs `f` with a [`Scope`] whose goroutines may borrow from the caller's stack, and waits for all of them.
/// Meanwhile the current thread runs those goroutines that it has started itself and that no thread has
/// begun.
///
/// Go has no counterpart, since its closures borrow nothing. Use `scope` where a Go function starts
/// goroutines that use its local variables, and ends with `wg.Wait()`.
///
/// # Panics
///
/// * If `f` panics, with the same value, once all goroutines of the scope have ended.
/// * Otherwise, if a goroutine of the scope panicked and was not joined, with the value of that panic, once
///   all have ended. If there are several such panics, with the first.
/// * If `f` forks: in the child, if a worker of the parent was running a goroutine of the scope.
///
/// After [`abort_on_panic`](crate::abort_on_panic), a panic of a goroutine ends the process instead.
///
/// # Examples
///
/// ```
/// let mut words = vec!["go".to_string(), "rust".to_string()];
/// gosync::scope(|s| {
///     for word in &mut words {
///         s.go(|| *word = word.to_uppercase());
///     }
/// });
/// assert_eq!(words, ["GO", "RUST"]);
/// ```
#[doc(alias = "errgroup")]
pub fn scope<'env, F, T>(f: F) -> T
where
    F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> T,
{
    let scope = Scope {
        data: Arc::new(ScopeData {
            running: RawWaitGroup::new(0),
            panics: Mutex::new(Vec::new()),
        }),
        scope: PhantomData,
        env: PhantomData,
    };
    // Unwind safe: the panic is raised again, after the wait.
    let result = catch_unwind(AssertUnwindSafe(|| f(&scope)));
    workers::help(scope.data.id());
    if workers::has_lost_workers() && scope.data.running.count() > 0 {
        // The goroutines that are still counted ran in the parent. They do not exist in this process, so none
        // borrows.
        match result {
            Err(payload) => resume_unwind(payload),
            Ok(_) => panic!("{}", workers::LOST_WORKERS),
        }
    }
    scope.data.running.wait(None);
    let unclaimed = scope.data.take_panics();
    match result {
        Err(payload) => {
            panics::drop_contained(unclaimed);
            resume_unwind(payload)
        }
        Ok(value) => match unclaimed {
            Some(payload) => resume_unwind(payload),
            None => value,
        },
    }
}

/// Starts goroutines that end before the call of [`scope`] that created this `Scope` returns. Go has no
/// counterpart.
///
/// # Examples
///
/// ```
/// let mut numbers = [1, 2, 3, 4];
/// let (left, right) = numbers.split_at_mut(2);
/// gosync::scope(|s| {
///     s.go(|| left.reverse());
///     s.go(move || {
///         right[0] = 30;
///         s.go(move || right[1] = 40); // A goroutine may start others.
///     });
/// });
/// assert_eq!(numbers, [2, 1, 30, 40]);
/// ```
pub struct Scope<'scope, 'env: 'scope> {
    data: Arc<ScopeData>,
    /// Invariant over `'scope`: otherwise the lifetime could shrink, and a goroutine could borrow from inside
    /// `f`.
    scope: PhantomData<&'scope mut &'scope ()>,
    env: PhantomData<&'env mut &'env ()>,
}

struct ScopeData {
    /// Counts the goroutines that have not ended.
    running: RawWaitGroup,
    /// The panics of goroutines, in order. `join` takes the panic of its goroutine; `scope` takes the first
    /// that is left.
    panics: Mutex<Vec<Panic>>,
}

/// A panic of a scoped goroutine. It belongs to the first of `join` and `scope` that takes it.
type Panic = Arc<Mutex<Option<Payload>>>;

impl<'scope> Scope<'scope, '_> {
    /// Runs `f` in a goroutine that may borrow anything that outlives the scope: Go's `wg.Go`, with the scope
    /// as the group.
    ///
    /// If `f` panics, [`ScopedJoinHandle::join`] returns the value that it panicked with. If the handle is
    /// dropped, [`scope`] raises the panic again.
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
    /// let numbers = [1, 2, 3];
    /// let (sum, product) = gosync::scope(|s| {
    ///     let sum = s.go(|| numbers.iter().sum::<i32>());
    ///     let product = s.go(|| numbers.iter().product::<i32>());
    ///     (sum.join().unwrap(), product.join().unwrap())
    /// });
    /// assert_eq!((sum, product), (6, 6));
    /// ```
    #[doc(alias = "Go")]
    #[doc(alias = "goroutine")]
    #[doc(alias = "spawn")]
    #[track_caller]
    pub fn go<F, T>(&'scope self, f: F) -> ScopedJoinHandle<'scope, T>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        workers::prepare();
        let data = Arc::clone(&self.data);
        data.running
            .add(1)
            .expect("fewer goroutines than addresses");
        let (task, handle) = Task::new(move || data.contain(f), Arc::clone(&self.data));
        let job: Arc<dyn Job + 'scope> = task;
        // SAFETY: `scope` does not return before the task has counted itself out. By then nothing of `f` is
        // left in the task. Nor is anything of the result, unless the handle still has it, and the handle
        // cannot outlive `'scope`.
        let job = unsafe { std::mem::transmute::<Arc<dyn Job + 'scope>, Arc<dyn Job>>(job) };
        workers::start(job);
        ScopedJoinHandle(handle)
    }
}

impl Group for Arc<ScopeData> {
    fn id(&self) -> *const () {
        Arc::as_ptr(self).cast()
    }

    fn discard(&self, value: impl Sized) {
        // If the drop panics, so does the scope.
        let _ = self.contain(|| drop(value));
    }

    fn end_member(&self) {
        self.running.add(-1).expect("a goroutine counts once");
    }
}

impl ScopeData {
    /// Runs `f`. Keeps its panic for the joiner and for the scope.
    fn contain<T>(&self, f: impl FnOnce() -> T) -> Result<T, Panic> {
        panics::catch(f).map_err(|payload| {
            let panic = Arc::new(Mutex::new(Some(payload)));
            self.lock_panics().push(Arc::clone(&panic));
            panic
        })
    }

    /// Returns the first panic that no joiner has claimed, and drops the others. None is left here
    /// afterwards: a claimed task of the scope may outlive it in some queue, keeps this `ScopeData` alive,
    /// and must not hold anything that has a destructor.
    fn take_panics(&self) -> Option<Payload> {
        let panics = std::mem::take(&mut *self.lock_panics());
        let mut unclaimed = panics.iter().filter_map(claim);
        let first = unclaimed.next();
        unclaimed.for_each(panics::drop_contained);
        first
    }

    fn lock_panics(&self) -> std::sync::MutexGuard<'_, Vec<Panic>> {
        // Nothing that can panic runs under this lock.
        self.panics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn claim(panic: &Panic) -> Option<Payload> {
    panic.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// A handle to a scoped goroutine, to wait for its result: what a Go program makes a channel for. Returned by
/// [`Scope::go`].
///
/// If the handle is dropped, the goroutine is left to its scope, which waits for it.
///
/// # Examples
///
/// ```
/// let words = ["go", "gopher"];
/// let longest = gosync::scope(|s| {
///     let lengths: Vec<_> = words.iter().map(|word| s.go(|| word.len())).collect();
///     lengths.into_iter().map(|length| length.join().unwrap()).max()
/// });
/// assert_eq!(longest, Some(6));
/// ```
pub struct ScopedJoinHandle<'scope, T>(Handle<'scope, Result<T, Panic>>);

impl<T> ScopedJoinHandle<'_, T> {
    /// Waits for the goroutine to end, and returns its result: Go's `<-result`, if the goroutine sends its
    /// result on a channel. If no thread has started the goroutine, it runs on the calling thread.
    ///
    /// # Errors
    ///
    /// If the goroutine panicked, returns the value that it panicked with. The scope does not raise that
    /// panic again. (After [`abort_on_panic`](crate::abort_on_panic), the process ends instead.)
    ///
    /// # Panics
    ///
    /// * If the goroutine joins itself, or joins a goroutine that lies beneath it on the same stack. The
    ///   goroutine beneath waits for this one and runs it meanwhile, so neither would ever continue. The
    ///   message is `gosync: a goroutine joins itself, or one that waits for it on the same stack`.
    /// * In a child of `fork`, if a worker of the parent was running the goroutine.
    ///
    /// # Examples
    ///
    /// ```
    /// gosync::scope(|s| {
    ///     let handle = s.go(|| panic!("no luck"));
    ///     let payload: Box<dyn std::any::Any + Send> = handle.join().map(|()| ()).unwrap_err();
    ///     assert_eq!(payload.downcast_ref(), Some(&"no luck"));
    /// }); // The scope does not panic: the panic has gone to `join`.
    /// ```
    #[doc(alias = "chan")]
    #[doc(alias = "recover")]
    pub fn join(self) -> thread::Result<T> {
        match self.0.join() {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(panic)) => {
                Err(claim(&panic).expect("only the joiner claims before the scope ends"))
            }
            Err(payload) => Err(payload),
        }
    }

    /// Returns whether the goroutine has ended, so that `join` would not wait. Go has no counterpart.
    ///
    /// # Examples
    ///
    /// ```
    /// gosync::scope(|s| {
    ///     let handle = s.go(|| ());
    ///     while !handle.is_finished() {
    ///         std::thread::yield_now();
    ///     }
    /// });
    /// ```
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.0.is_finished()
    }
}

impl fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope")
            .field("running", &self.data.running.count())
            .finish()
    }
}

impl<T> fmt::Debug for ScopedJoinHandle<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedJoinHandle")
            .field("is_finished", &self.is_finished())
            .finish()
    }
}
