//! What a goroutine, those who start it and those who join it share: the closure, then its result, and
//! the word that says how far it is. One allocation.
//!
//! # The word of a `Task`
//!
//! | bit | means |
//! |---|---|
//! | 0 | `CLAIMED`: somebody runs it, or has |
//! | 1 | `ENDED`: it has run |
//! | 2 | `DETACHED`: the handle is gone |
//! | 3 | `PARKED`: the joiner sleeps, or is about to |
//!
//! # Invariants
//!
//! 1. Who sets `CLAIMED` is the runner, and the only one to touch the closure.
//! 2. Until `ENDED` is set only the runner touches the result; from then on only the joiner. If there
//!    is none, whoever is later in setting `ENDED` or `DETACHED` drops it.
//! 3. Who sets `ENDED` and finds `PARKED` wakes the joiner, who looks at `ENDED` again under the queue's
//!    lock.
//! 4. A task may be in a queue after it has run; nothing of the closure or the result is left in it
//!    then.

use crate::park::{self, Key};
use crate::primitive::{AtomicUsize, Ordering, Published, UnsafeCell, thread_number};
use crate::spin::SpinBudget;
use crate::workers::{self, Job};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::{mem, ptr, thread};

use Ordering::{Acquire, Relaxed, Release};

const CLAIMED: usize = 1;
const ENDED: usize = 2;
const DETACHED: usize = 4;
const PARKED: usize = 8;

/// A goroutine with a handle.
pub(crate) struct Task<F, T, O> {
    progress: Progress,
    body: UnsafeCell<Option<F>>,
    result: UnsafeCell<Option<thread::Result<T>>>,
    owner: O,
}

/// How far a task is. Apart, since its code is the same for all closures: so it is compiled once.
struct Progress {
    /// See the table in the module's header.
    word: AtomicUsize,
    /// The `thread_number` of the thread that runs it, or has.
    runner: Published,
}

impl Progress {
    fn new() -> Self {
        Self {
            word: AtomicUsize::new(0),
            runner: Published::new(),
        }
    }

    /// Whether the caller is the one to run the task.
    #[inline]
    fn claim(&self) -> bool {
        // Relaxed: whoever can see the task sees the closure.
        self.word.fetch_or(CLAIMED, Relaxed) & CLAIMED == 0
    }

    #[inline]
    fn is_claimed(&self) -> bool {
        self.word.load(Relaxed) & CLAIMED != 0
    }

    /// The current thread runs the task.
    #[inline]
    fn begin(&self) {
        self.runner.set(thread_number());
    }

    /// The task has run. Returns whether it is for the caller to drop the result (invariant 2).
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

    /// Nobody will join. Returns whether it is for the caller to drop the result (invariant 2).
    #[inline]
    fn detach(&self) -> bool {
        // Acquire: pairs with the Release in `end`.
        self.word.fetch_or(DETACHED, Acquire) & ENDED != 0
    }

    /// Why the caller would wait for ever; none if it would not.
    fn never_ends(&self) -> Option<&'static str> {
        // Relaxed: if this thread is the runner, it has set the bit itself. If it only has the number of
        // a runner that is gone, it began after that one had set it.
        if self.is_ended() {
            None
        } else if self.runner.get() == thread_number() {
            // It lies beneath the caller on this stack, or is the caller.
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

/// Who has to know of the end of a goroutine.
pub(crate) trait Owner: Send + Sync {
    /// What the goroutine counts for; see `Job::group`.
    fn group(&self) -> *const ();

    /// Drops what nobody wants.
    fn discard(&self, value: impl Sized) {
        drop_contained(value);
    }

    /// Nothing is left of the closure, nor of the result if nobody can join.
    fn ended(&self);
}

/// Nobody.
impl Owner for () {
    fn group(&self) -> *const () {
        ptr::null()
    }

    fn ended(&self) {}
}

// SAFETY: closure and result are handed from one thread to another, never shared (invariants 1 and 2);
// the word orders them.
unsafe impl<F: Send, T: Send, O: Send> Send for Task<F, T, O> {}
// SAFETY: as above. A shared `Task` gives nobody a reference to either.
unsafe impl<F: Send, T: Send, O: Sync> Sync for Task<F, T, O> {}

/// What joins a task. There is one.
///
/// Dropping it gives up the result.
pub(crate) struct Handle<'a, T> {
    /// None if it has been joined.
    task: Option<Arc<dyn Outcome<T> + 'a>>,
}

impl<T> Handle<'_, T> {
    /// Waits for the result; runs the task itself if nobody has started it.
    pub(crate) fn join(mut self) -> thread::Result<T> {
        let task = self.task.take().expect("a handle is joined once");
        // SAFETY: no other handle has this task, and this one has it no more.
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
trait Outcome<T>: Job {
    fn is_ended(&self) -> bool;

    /// Waits for the result and takes it; runs the task itself if nobody has started it.
    ///
    /// # Safety
    ///
    /// To be called once in the life of the task, and not after `detach`.
    ///
    /// # Panics
    ///
    /// If the task waits for the caller, so that neither would ever go on.
    unsafe fn join(self: Arc<Self>) -> thread::Result<T>;

    /// Gives up the result.
    ///
    /// # Safety
    ///
    /// As for `join`.
    unsafe fn detach(&self);
}

impl<F, T, O> Task<F, T, O>
where
    F: FnOnce() -> T + Send,
    T: Send,
    O: Owner,
{
    pub(crate) fn new<'a>(body: F, owner: O) -> (Arc<Self>, Handle<'a, T>)
    where
        Self: 'a,
    {
        let task = Arc::new(Self {
            progress: Progress::new(),
            body: UnsafeCell::new(Some(body)),
            result: UnsafeCell::new(None),
            owner,
        });
        let handle = Handle {
            task: Some(task.clone()),
        };
        (task, handle)
    }

    /// To be called by who has claimed it.
    fn run_claimed(&self) {
        // SAFETY: this is the runner (invariant 1).
        let body = self.body.with_mut(|body| unsafe { (*body).take() });
        let body = body.expect("a task runs once");
        self.progress.begin();
        // Unwind safe: after a panic nobody sees what `body` captured, and whatever it shares with
        // others has to bear panics as it has to in any thread.
        let result = catch_unwind(AssertUnwindSafe(body));
        // SAFETY: this is the runner, and `ENDED` is not set (invariant 2).
        self.result.with_mut(|slot| unsafe { *slot = Some(result) });
        workers::ended();
        if self.progress.end() {
            // SAFETY: nobody else does (invariant 2).
            unsafe { self.discard_result() };
        }
        self.owner.ended();
    }

    /// # Safety
    ///
    /// Nobody else touches the result.
    unsafe fn take_result(&self) -> thread::Result<T> {
        // SAFETY: passed on.
        let result = self.result.with_mut(|slot| unsafe { (*slot).take() });
        result.expect("a task that has ended has a result")
    }

    /// # Safety
    ///
    /// Nobody else touches the result.
    unsafe fn discard_result(&self) {
        // SAFETY: passed on.
        self.owner.discard(unsafe { self.take_result() });
    }
}

impl<F, T, O> Job for Task<F, T, O>
where
    F: FnOnce() -> T + Send,
    T: Send,
    O: Owner,
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
        self.owner.group()
    }
}

impl<F, T, O> Outcome<T> for Task<F, T, O>
where
    F: FnOnce() -> T + Send,
    T: Send,
    O: Owner,
{
    fn is_ended(&self) -> bool {
        self.progress.is_ended()
    }

    unsafe fn join(self: Arc<Self>) -> thread::Result<T> {
        if workers::may_help() && self.progress.claim() {
            workers::clear_claimed();
            workers::run(|| self.run_claimed());
        } else if let Some(why) = self.progress.never_ends() {
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
            // SAFETY: nobody else does (invariant 2).
            unsafe { self.discard_result() };
        }
    }
}

/// A goroutine without a handle.
pub(crate) struct Member<F, O> {
    body: UnsafeCell<Option<F>>,
    owner: O,
}

// SAFETY: the closure is touched by the runner alone.
unsafe impl<F: Send, O: Sync> Sync for Member<F, O> {}

impl<F, O> Member<F, O>
where
    F: FnOnce() + Send,
    O: Owner,
{
    pub(crate) fn new(body: F, owner: O) -> Arc<Self> {
        Arc::new(Self {
            body: UnsafeCell::new(Some(body)),
            owner,
        })
    }
}

impl<F, O> Job for Member<F, O>
where
    F: FnOnce() + Send,
    O: Owner,
{
    fn run(self: Arc<Self>) {
        // SAFETY: a job without a handle is in one queue and is taken from there once.
        let body = self.body.with_mut(|body| unsafe { (*body).take() });
        let body = body.expect("a member runs once");
        // Unwind safe: as in `Task`.
        if let Err(payload) = catch_unwind(AssertUnwindSafe(body)) {
            self.owner.discard(payload);
        }
        workers::ended();
        // It panics if somebody has taken the goroutine's part in the group: misuse that ends here.
        contain(|| self.owner.ended());
    }

    fn is_claimed(&self) -> bool {
        false
    }

    fn group(&self) -> *const () {
        self.owner.group()
    }
}

/// Drops `value`. If that panics, the panic ends here.
pub(crate) fn drop_contained(value: impl Sized) {
    contain(|| drop(value));
}

/// Calls `f`. If that panics, the panic ends here, and so do those of what it panics with, up to some.
fn contain(f: impl FnOnce()) {
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(drop_payload);
}

#[cold]
fn drop_payload(mut payload: Box<dyn Any + Send>) {
    for _ in 0..8 {
        match catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            Ok(()) => return,
            Err(next) => payload = next,
        }
    }
    // It would go on for ever.
    mem::forget(payload);
}
