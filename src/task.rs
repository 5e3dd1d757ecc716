//! Tasks: the state that a goroutine shares with the thread that starts it and the thread that joins it. It
//! holds the closure, then its result, and a word with the progress, all in one allocation.
//!
//! # The word of a `Task`
//!
//! | bit | means |
//! |---|---|
//! | 0 | `CLAIMED`: a thread runs it, or has run it |
//! | 1 | `ENDED`: it has run |
//! | 2 | `DETACHED`: the handle is gone |
//! | 3 | `PARKED`: the joiner sleeps, or is about to |
//!
//! # Invariants
//!
//! 1. The thread that sets `CLAIMED` is the runner. Only the runner touches the closure.
//! 2. Until `ENDED` is set, only the runner touches the result. From then on, only the joiner does. If there
//!    is no joiner, both `ENDED` and `DETACHED` are set, and the thread that sets the second of the two drops
//!    the result.
//! 3. A runner that sets `ENDED` and finds `PARKED` wakes the joiner. Before the joiner sleeps, it looks at
//!    `ENDED` again under the queue's lock.
//! 4. A task may stay in a queue after it has run. Its closure is gone then. If the queue holds the last reference
//!    to the task, the result is gone, too: the joiner has taken it, or it has been dropped (invariant 2).

use crate::panics;
use crate::park::{self, Key};
use crate::primitive::{AtomicUsize, Ordering, Published, UnsafeCell, thread_number};
use crate::spin::SpinBudget;
use crate::workers::{self, Job};
use std::sync::Arc;
use std::{ptr, thread};

use Ordering::{Acquire, Relaxed, Release};

const CLAIMED: usize = 1;
const ENDED: usize = 2;
const DETACHED: usize = 4;
const PARKED: usize = 8;

/// A goroutine with a handle.
pub(crate) struct Task<F, T, G> {
    progress: Progress,
    body: UnsafeCell<Option<F>>,
    result: UnsafeCell<Option<thread::Result<T>>>,
    group: G,
}

/// The progress of a task. It is a separate type because its code is the same for all closures: so it is
/// compiled only once.
struct Progress {
    /// See the table in the module's header.
    word: AtomicUsize,
    /// The `thread_number` of the thread that runs the task or has run it.
    runner: Published,
}

impl Progress {
    fn new() -> Self {
        Self {
            word: AtomicUsize::new(0),
            runner: Published::new(),
        }
    }

    /// Claims the task. Returns whether the caller must run it.
    #[inline]
    fn claim(&self) -> bool {
        // Relaxed: a thread that can see the task sees the closure.
        self.word.fetch_or(CLAIMED, Relaxed) & CLAIMED == 0
    }

    #[inline]
    fn is_claimed(&self) -> bool {
        self.word.load(Relaxed) & CLAIMED != 0
    }

    /// Records that the current thread runs the task.
    #[inline]
    fn begin(&self) {
        self.runner.set(thread_number());
    }

    /// Records that the task has run. Returns whether the caller must drop the result (invariant 2).
    #[inline]
    fn end(&self) -> bool {
        // Release: pairs with the Acquires in `wait` and `detach`.
        let word = self.word.fetch_or(ENDED, Release);
        if word & (DETACHED | PARKED) == PARKED {
            self.wake_joiner();
        }
        word & DETACHED != 0
    }

    #[inline]
    fn is_ended(&self) -> bool {
        self.word.load(Relaxed) & ENDED != 0
    }

    /// Records that no thread will join. Returns whether the caller must drop the result (invariant 2).
    #[inline]
    fn detach(&self) -> bool {
        // Acquire: pairs with the Release in `end`.
        self.word.fetch_or(DETACHED, Acquire) & ENDED != 0
    }

    /// Returns why the caller would wait forever, or `None` if it would not.
    fn why_it_never_ends(&self) -> Option<&'static str> {
        // Relaxed: if this thread is the runner, it has set the bit itself. If it only has the same number as
        // a runner that has exited, it began after that runner had set the bit.
        if self.is_ended() {
            None
        } else if self.runner.get() == thread_number() {
            // The task lies beneath the caller on this stack, or is the caller.
            Some("gosync: a goroutine joins itself, or one that waits for it on the same stack")
        } else {
            workers::has_lost_workers().then_some(workers::LOST_WORKERS)
        }
    }

    fn wait(&self) {
        let mut budget = SpinBudget::new();
        loop {
            // Acquire: pairs with the Release in `end`.
            let word = self.word.load(Acquire);
            if word & ENDED != 0 {
                return;
            }
            if budget.spin(false, None) {
                continue;
            }
            self.word.fetch_or(PARKED, Relaxed);
            let sleep = || self.word.load(Relaxed) & ENDED == 0;
            workers::park_for_goroutines(self.joiner(), sleep, None);
            budget.reset();
        }
    }

    #[cold]
    fn wake_joiner(&self) {
        park::unpark_one(self.joiner(), |_, _| {});
    }

    fn joiner(&self) -> Key {
        Key::new(&self.word, 0)
    }
}

/// The group that a goroutine belongs to, which learns of its end.
pub(crate) trait Group: Send + Sync {
    /// Returns what `Job::group` returns.
    fn id(&self) -> *const ();

    /// Drops a result or the payload of a panic that no thread will take.
    fn discard(&self, value: impl Sized) {
        panics::drop_contained(value);
    }

    /// Tells the group that the goroutine has ended. Nothing is left of the closure, nor of the result if no
    /// thread can join.
    fn end_member(&self);
}

/// Stands for no group.
impl Group for () {
    fn id(&self) -> *const () {
        ptr::null()
    }

    fn end_member(&self) {}
}

// SAFETY: the closure and the result are handed from one thread to another, never shared (invariants 1 and
// 2). The word orders the accesses.
unsafe impl<F: Send, T: Send, G: Send> Send for Task<F, T, G> {}
// SAFETY: as above. A shared `Task` does not give out a reference to either.
unsafe impl<F: Send, T: Send, G: Sync> Sync for Task<F, T, G> {}

/// Joins a task, which has only this handle. Dropping the handle gives up the result.
pub(crate) struct Handle<'a, T> {
    /// `None` if the task has been joined.
    task: Option<Arc<dyn Joinable<T> + 'a>>,
}

impl<T> Handle<'_, T> {
    /// Waits for the result. Runs the task itself if no thread has started it.
    pub(crate) fn join(mut self) -> thread::Result<T> {
        let task = self.task.take().expect("a handle is joined once");
        // SAFETY: no other handle has this task, and this one no longer has it.
        unsafe { task.join() }
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.task.as_ref().is_none_or(|task| task.is_ended())
    }
}

impl<T> Drop for Handle<'_, T> {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            // SAFETY: no other handle has this task, and this one is about to end.
            unsafe { task.detach() };
        }
    }
}

/// A task as its handle sees it.
trait Joinable<T>: Job {
    fn is_ended(&self) -> bool;

    /// Waits for the result and takes it. Runs the task itself if no thread has started it.
    ///
    /// # Safety
    ///
    /// Must be called only once in the life of the task, and not after `detach`.
    ///
    /// # Panics
    ///
    /// If the task waits for the caller, so that neither would ever continue; or if this process is a child of
    /// `fork` and the task ran in the parent.
    unsafe fn join(self: Arc<Self>) -> thread::Result<T>;

    /// Gives up the result.
    ///
    /// # Safety
    ///
    /// Must be called only once in the life of the task, and not after `join`.
    unsafe fn detach(&self);
}

impl<F, T, G> Task<F, T, G>
where
    F: FnOnce() -> T + Send,
    T: Send,
    G: Group,
{
    pub(crate) fn new<'a>(body: F, group: G) -> (Arc<Self>, Handle<'a, T>)
    where
        Self: 'a,
    {
        let task = Arc::new(Self {
            progress: Progress::new(),
            body: UnsafeCell::new(Some(body)),
            result: UnsafeCell::new(None),
            group,
        });
        let handle = Handle {
            task: Some(task.clone()),
        };
        (task, handle)
    }

    /// Runs the task, which the caller has claimed.
    fn run_claimed(&self) {
        // SAFETY: this is the runner (invariant 1).
        let body = self.body.with_mut(|body| unsafe { (*body).take() });
        let body = body.expect("a task runs once");
        self.progress.begin();
        let result = panics::catch(body);
        // SAFETY: this is the runner, and `ENDED` is not set (invariant 2).
        self.result.with_mut(|slot| unsafe { *slot = Some(result) });
        workers::count_end();
        if self.progress.end() {
            // SAFETY: no other thread touches the result (invariant 2).
            unsafe { self.discard_result() };
        }
        self.group.end_member();
    }

    /// # Safety
    ///
    /// No other thread may touch the result meanwhile.
    unsafe fn take_result(&self) -> thread::Result<T> {
        // SAFETY: the caller guarantees that no other thread touches the result.
        let result = self.result.with_mut(|slot| unsafe { (*slot).take() });
        result.expect("a task that has ended has a result")
    }

    /// # Safety
    ///
    /// No other thread may touch the result meanwhile.
    unsafe fn discard_result(&self) {
        // SAFETY: the caller guarantees that no other thread touches the result.
        self.group.discard(unsafe { self.take_result() });
    }
}

impl<F, T, G> Job for Task<F, T, G>
where
    F: FnOnce() -> T + Send,
    T: Send,
    G: Group,
{
    fn run(self: Arc<Self>) {
        if self.progress.claim() {
            self.run_claimed();
        }
    }

    fn is_claimed(&self) -> bool {
        self.progress.is_claimed()
    }

    fn group(&self) -> *const () {
        self.group.id()
    }
}

impl<F, T, G> Joinable<T> for Task<F, T, G>
where
    F: FnOnce() -> T + Send,
    T: Send,
    G: Group,
{
    fn is_ended(&self) -> bool {
        self.progress.is_ended()
    }

    unsafe fn join(self: Arc<Self>) -> thread::Result<T> {
        if workers::may_help() && self.progress.claim() {
            workers::clear_claimed();
            workers::run(|| self.run_claimed());
        } else if let Some(why) = self.progress.why_it_never_ends() {
            // SAFETY: the caller gives up the task with this call.
            unsafe { self.detach() };
            panic!("{why}");
        } else {
            self.progress.wait();
        }
        // SAFETY: `ENDED` is set, and this is the joiner (invariant 2).
        unsafe { self.take_result() }
    }

    unsafe fn detach(&self) {
        if self.progress.detach() {
            // SAFETY: no other thread touches the result (invariant 2).
            unsafe { self.discard_result() };
        }
    }
}

/// A goroutine without a handle.
pub(crate) struct Member<F, G> {
    body: UnsafeCell<Option<F>>,
    group: G,
}

// SAFETY: only the runner touches the closure.
unsafe impl<F: Send, G: Sync> Sync for Member<F, G> {}

impl<F, G> Member<F, G>
where
    F: FnOnce() + Send,
    G: Group,
{
    pub(crate) fn new(body: F, group: G) -> Arc<Self> {
        Arc::new(Self {
            body: UnsafeCell::new(Some(body)),
            group,
        })
    }
}

impl<F, G> Job for Member<F, G>
where
    F: FnOnce() + Send,
    G: Group,
{
    fn run(self: Arc<Self>) {
        // SAFETY: a job without a handle is in one queue and is taken from there once.
        let body = self.body.with_mut(|body| unsafe { (*body).take() });
        let body = body.expect("a member runs once");
        if let Err(payload) = panics::catch(body) {
            self.group.discard(payload);
        }
        workers::count_end();
        // `ended` panics if the program has already ended the goroutine's part in the group. The panic of
        // this misuse ends here.
        panics::contain(|| self.group.end_member());
    }

    fn is_claimed(&self) -> bool {
        false
    }

    fn group(&self) -> *const () {
        self.group.id()
    }
}
