//! What the tests share: a watchdog, threads that are known to be asleep, and checkers.

use gosync::{JoinHandle, RWMutex, WaitGroup, go};
use parking_lot_core::{DEFAULT_UNPARK_TOKEN, FilterOp, unpark_filter};
use proptest::test_runner::{Config, TestRunner};
use std::any::Any;
use std::cell::Cell;
#[cfg(target_os = "linux")]
use std::env;
use std::ops::Range;
use std::panic::{self, AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, Once};
use std::thread::{self, Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

/// The limit for [`within`]: longer than any of these tests takes on a busy machine.
pub const LIMIT: Duration = Duration::from_secs(120);

/// A timeout that never passes during a test.
pub const AGES: Duration = Duration::from_secs(3600);

/// Returns `n` rounds, or as many as fit into two seconds: on a machine whose CPUs are busy each round
/// may cost a time slice of other threads. Returns fewer under Miri, which interprets each step.
pub fn rounds(n: usize) -> impl Iterator<Item = usize> {
    let n = if cfg!(miri) { n.div_ceil(100) } else { n };
    let end = time_is_up(Duration::from_secs(2));
    (0..n).take_while(move |_| !end())
}

/// Returns a function that tells whether `time` has passed since this call.
pub fn time_is_up(time: Duration) -> impl Fn() -> bool {
    let begin = Instant::now();
    move || begin.elapsed() >= time
}

/// Runs `body` in a thread, and panics if it takes longer than `limit`. So a lost wake-up fails its test
/// and does not block the whole run.
#[track_caller]
pub fn within<T: Send + 'static>(limit: Duration, body: impl FnOnce() -> T + Send + 'static) -> T {
    let (send, result) = mpsc::channel();
    run_within(limit, Box::new(move || _ = send.send(body())));
    result.recv().unwrap()
}

/// The part of [`within`] that does not depend on the type of the result, so that it and what starts a
/// thread are compiled once.
#[track_caller]
fn run_within(limit: Duration, body: Box<dyn FnOnce() + Send>) {
    let (ended, end) = mpsc::channel::<()>();
    let name = thread::current().name().unwrap_or_default().to_string();
    let run = move || {
        let _ended = ended;
        body();
    };
    let thread = thread::Builder::new().name(name).spawn(run).unwrap();
    match end.recv_timeout(limit) {
        Err(RecvTimeoutError::Timeout) => panic!("not over after {limit:?}: a wake-up was lost"),
        Err(RecvTimeoutError::Disconnected) | Ok(()) => thread
            .join()
            .unwrap_or_else(|payload| resume_unwind(payload)),
    }
}

/// Whether all locks are forced to one speed or one barrier. See `src/forced.rs`.
#[cfg(target_os = "linux")]
pub fn is_forced() -> bool {
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    ["GOSYNC_SPEED", "GOSYNC_BARRIER"].into_iter().any(is_set)
}

/// Gives other threads time to block, or to go wrong. If the time is too short, the test is weaker than
/// it should be, but not wrong.
pub fn linger() {
    thread::sleep(Duration::from_millis(20));
}

/// Runs `f` in a thread of `s`, and gives it time to block.
pub fn asleep<'scope, T: Send + 'scope>(
    s: &'scope Scope<'scope, '_>,
    f: impl FnOnce() -> T + Send + 'scope,
) -> ScopedJoinHandle<'scope, T> {
    let thread = s.spawn(f);
    linger();
    thread
}

/// Runs `f` in a thread of `s`. Returns once one more thread sleeps in the queues of `lock`, or the new
/// thread has ended.
pub fn queued<'scope, T: Send + 'scope>(
    s: &'scope Scope<'scope, '_>,
    lock: &(impl Lock + ?Sized),
    f: impl FnOnce() -> T + Send + 'scope,
) -> ScopedJoinHandle<'scope, T> {
    let before = queue_length(lock);
    let thread = s.spawn(f);
    holds_within(PATIENCE, || {
        thread.is_finished() || queue_length(lock) > before
    });
    thread
}

/// Waits until `n` threads sleep in the queues of `lock`.
pub fn until_queued(lock: &(impl Lock + ?Sized), n: usize) {
    holds_within(PATIENCE, || queue_length(lock) >= n);
}

/// Waits until `condition` holds, for at most `patience`. Returns whether it holds.
pub fn holds_within(patience: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let out_of_patience = time_is_up(patience);
    while !condition() {
        if out_of_patience() {
            return false;
        }
        thread::sleep(Duration::from_micros(200));
    }
    true
}

/// How long [`queued`] and [`until_queued`] wait for threads to fall asleep. They use up all of it if a
/// waiter times out and leaves the queue meanwhile. It is generous because hundreds of threads of other
/// tests may compete for the CPUs.
const PATIENCE: Duration = Duration::from_secs(5);

/// A lock whose wait queues have addresses inside of the lock as their keys. Pointers to a lock must not
/// implement it.
pub trait Lock {}

impl<T: ?Sized> Lock for RWMutex<T> {}

impl<T: ?Sized> Lock for gosync::Mutex<T> {}

/// Returns the number of threads that sleep in the queues of `lock`.
pub fn queue_length(lock: &(impl Lock + ?Sized)) -> usize {
    let first = ptr::from_ref(lock).cast::<u8>().addr();
    sleepers(first..first + size_of_val(lock))
}

/// Returns the number of threads that wait for `group`. The group is a pointer, and its key is an
/// address in the memory that it points to.
pub fn waiters(group: &WaitGroup) -> usize {
    const { assert!(size_of::<WaitGroup>() == size_of::<usize>()) };
    // SAFETY: the group is a single pointer, and as long as a `usize`.
    let first = unsafe { ptr::from_ref(group).cast::<*const u8>().read() }.addr();
    // The counts of the `Arc`, followed by the data that it owns.
    sleepers(first..first + 4 * size_of::<usize>())
}

/// Returns the number of threads that sleep in the queues with these keys.
fn sleepers(keys: Range<usize>) -> usize {
    let length = Cell::new(0);
    for key in keys {
        let count = |_| {
            length.set(length.get() + 1);
            FilterOp::Skip
        };
        // SAFETY: the key belongs to a primitive that uses parking_lot_core. No thread is unparked, and
        // the callbacks neither panic nor call into parking_lot_core.
        unsafe { unpark_filter(key, count, |_| DEFAULT_UNPARK_TOKEN) };
    }
    length.get()
}

/// Runs `f` in another thread, which ends before this returns.
pub fn elsewhere<T: Send>(f: impl FnOnce() -> T + Send) -> T {
    thread::scope(|s| s.spawn(f).join()).unwrap_or_else(|payload| resume_unwind(payload))
}

/// Asserts that the lock is free, both for this thread and for another one.
#[track_caller]
pub fn assert_free<T: Send + Sync>(lock: &RWMutex<T>) {
    let check = || {
        assert!(!lock.is_locked() && !lock.is_locked_exclusive());
        assert!(lock.try_lock().is_some());
        assert!(lock.try_rlock().is_some());
        drop(lock.lock());
        drop(lock.rlock());
    };
    check();
    elsewhere(check);
}

/// Asserts that only readers hold the lock, both for this thread and for another one.
#[track_caller]
pub fn assert_read_locked<T: Send + Sync>(lock: &RWMutex<T>) {
    let check = || {
        assert!(lock.is_locked() && !lock.is_locked_exclusive());
        assert!(lock.try_lock().is_none());
        assert!(lock.try_lock_for(Duration::ZERO).is_none());
        assert!(lock.try_lock_for(Duration::from_millis(1)).is_none());
        assert!(lock.try_rlock().is_some());
        drop(lock.rlock());
    };
    check();
    elsewhere(check);
}

/// Runs `look` on a worker, and returns its result.
pub fn on_a_worker<T: Send + 'static>(look: fn() -> T) -> T {
    let (send, seen) = mpsc::channel();
    // No thread joins the goroutine, so no thread helps, and a worker must run it.
    drop(go(move || send.send(look()).unwrap()));
    seen.recv_timeout(LIMIT).unwrap()
}

/// Returns the text of the panic of `f`, which must panic. Prints nothing to standard error.
#[track_caller]
pub fn panic_text<T>(f: impl FnOnce() -> T) -> String {
    text(expected_panic(f).0)
}

/// Returns the file and line that the panic of `f` names. `f` must panic.
#[track_caller]
pub fn panic_location<T>(f: impl FnOnce() -> T) -> (String, u32) {
    expected_panic(f).1.expect("a panic of the panic machinery")
}

thread_local! {
    /// Whether the next panic of this thread is expected.
    static EXPECTING: Cell<bool> = const { Cell::new(false) };
    /// Where the last expected panic was.
    static PLACE: Cell<Option<(String, u32)>> = const { Cell::new(None) };
}

#[track_caller]
fn expected_panic<T>(f: impl FnOnce() -> T) -> (Payload, Option<(String, u32)>) {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let report = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if EXPECTING.get() {
                PLACE.set(
                    info.location()
                        .map(|place| (place.file().to_string(), place.line())),
                );
            } else {
                report(info);
            }
        }));
    });
    EXPECTING.set(true);
    let result = catch_unwind(AssertUnwindSafe(f));
    EXPECTING.set(false);
    match result {
        Ok(_) => panic!("no panic"),
        Err(payload) => (payload, PLACE.take()),
    }
}

/// The payload of a panic.
type Payload = Box<dyn Any + Send>;

/// Returns the text of a panic's payload.
pub fn text(payload: Payload) -> String {
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => payload.downcast_ref::<&str>().expect("a text").to_string(),
    }
}

pub fn panic_quietly(text: &'static str) -> ! {
    resume_unwind(Box::new(text))
}

/// Raises its flag when it is dropped, so that threads that run until then also end if a test fails.
pub struct Stop<'a>(pub &'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

/// A record of what happened, in order.
pub struct Log<T>(Mutex<Vec<T>>);

impl<T> Log<T> {
    pub fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    pub fn push(&self, entry: T) {
        self.0.lock().unwrap().push(entry);
    }

    pub fn take(&self) -> Vec<T> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// Counts the readers and writers inside of a lock, independently of the lock, and panics if they may
/// not be inside together.
///
/// Relaxed: stronger orderings would order one critical section before the next even if the lock failed
/// to, and hide that from a race detector.
#[derive(Default)]
pub struct Activity(AtomicU64);

impl Activity {
    const WRITER: u64 = 1 << 32;

    /// Runs `f` as one of the readers inside.
    pub fn read<T>(&self, f: impl FnOnce() -> T) -> T {
        let inside = self.0.fetch_add(1, Relaxed);
        assert!(inside < Self::WRITER, "a reader beside a writer");
        let result = f();
        self.0.fetch_sub(1, Relaxed);
        result
    }

    /// Runs `f` as the only writer inside.
    pub fn write<T>(&self, f: impl FnOnce() -> T) -> T {
        let inside = self.0.fetch_add(Self::WRITER, Relaxed);
        assert_eq!(inside, 0, "a writer beside {inside:#x}");
        let result = f();
        self.0.fetch_sub(Self::WRITER, Relaxed);
        result
    }
}

/// Pseudo-random numbers (xorshift), the same in each run.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: usize) -> Self {
        Self((seed as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// Returns a number below `sides`.
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// Returns a runner for the random cases of a state machine.
pub fn state_machine() -> TestRunner {
    TestRunner::new(Config {
        cases: if cfg!(miri) { 8 } else { 256 },
        failure_persistence: None,
        ..Config::default()
    })
}

/// Waits until a goroutine has ended without help. A `join` right after `go` might run it on the
/// joiner's stack instead.
pub trait Ended: Sized {
    fn is_over(&self) -> bool;

    fn ended(self) -> Self {
        while !self.is_over() {
            thread::yield_now();
        }
        self
    }
}

impl<T> Ended for JoinHandle<T> {
    fn is_over(&self) -> bool {
        self.is_finished()
    }
}

impl<T> Ended for gosync::ScopedJoinHandle<'_, T> {
    fn is_over(&self) -> bool {
        self.is_finished()
    }
}
