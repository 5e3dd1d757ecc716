//! What the tests share: a watchdog, threads that are known to sleep, and checkers.

use std::any::Any;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, Once};
use std::thread::{self, Scope, ScopedJoinHandle};
use std::time::Duration;

/// For [`within`]: longer than any of these tests takes on a machine that is busy with others.
pub const LIMIT: Duration = Duration::from_secs(30);

/// A timeout that does not pass while a test runs.
pub const AGES: Duration = Duration::from_secs(3600);

/// `n` rounds, or a few where each step is interpreted.
pub const fn rounds(n: usize) -> usize {
    if cfg!(miri) { n.div_ceil(100) } else { n }
}

/// Runs `body` in a thread, and panics if it is not over within `limit`: a wake-up that was lost
/// fails its test instead of holding up the run.
#[track_caller]
pub fn within<T: Send + 'static>(limit: Duration, body: impl FnOnce() -> T + Send + 'static) -> T {
    let (ended, end) = mpsc::channel::<()>();
    let name = thread::current().name().unwrap_or_default().to_string();
    let run = move || {
        let _ended = ended;
        body()
    };
    let thread = thread::Builder::new().name(name).spawn(run).unwrap();
    match end.recv_timeout(limit) {
        Err(RecvTimeoutError::Timeout) => panic!("not over after {limit:?}: a wake-up was lost"),
        Err(RecvTimeoutError::Disconnected) | Ok(()) => thread
            .join()
            .unwrap_or_else(|payload| resume_unwind(payload)),
    }
}

/// Runs `f` in a thread of `s`, and returns once that thread sleeps in a blocking call, or has
/// ended.
pub fn asleep<'scope, T: Send + 'scope>(
    s: &'scope Scope<'scope, '_>,
    f: impl FnOnce() -> T + Send + 'scope,
) -> ScopedJoinHandle<'scope, T> {
    let (here, arrived) = mpsc::channel();
    let thread = s.spawn(move || {
        here.send(sleep::Watch::me()).unwrap();
        f()
    });
    arrived.recv().unwrap().until_asleep();
    thread
}

/// Runs `f` in a thread that ends before this returns.
pub fn elsewhere<T: Send>(f: impl FnOnce() -> T + Send) -> T {
    thread::scope(|s| s.spawn(f).join()).unwrap_or_else(|payload| resume_unwind(payload))
}

/// The text of the panic of `f`, which has to panic. Nothing of it appears on standard error.
#[track_caller]
pub fn panic_text<T>(f: impl FnOnce() -> T) -> String {
    text(expected_panic(f).0)
}

/// The file and line that the panic of `f` names, which has to panic.
#[track_caller]
pub fn panic_place<T>(f: impl FnOnce() -> T) -> (String, u32) {
    expected_panic(f).1.expect("a panic of the panic machinery")
}

thread_local! {
    /// Whether the next panic of this thread is expected.
    static EXPECTING: Cell<bool> = const { Cell::new(false) };
    /// Where it was.
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

/// What a panic carries.
type Payload = Box<dyn Any + Send>;

/// The text that a panic carries.
pub fn text(payload: Payload) -> String {
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => payload.downcast_ref::<&str>().expect("a text").to_string(),
    }
}

/// Panics without a report on standard error.
pub fn panic_quietly(text: &'static str) -> ! {
    resume_unwind(Box::new(text))
}

/// Raises its flag when it is dropped, so that those who work until then also end if a test fails.
pub struct Stop<'a>(pub &'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

/// What happened, in order.
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

/// Counts who is inside of a lock, apart from the lock, and panics if that is not allowed.
#[derive(Default)]
pub struct Activity(AtomicU64);

impl Activity {
    const WRITER: u64 = 1 << 32;

    /// Runs `f` as one of the readers inside.
    pub fn read<T>(&self, f: impl FnOnce() -> T) -> T {
        let inside = self.0.fetch_add(1, SeqCst);
        assert!(inside < Self::WRITER, "a reader beside a writer");
        let result = f();
        self.0.fetch_sub(1, SeqCst);
        result
    }

    /// Runs `f` as the writer inside.
    pub fn write<T>(&self, f: impl FnOnce() -> T) -> T {
        let inside = self.0.fetch_add(Self::WRITER, SeqCst);
        assert_eq!(inside, 0, "a writer beside {inside:#x}");
        let result = f();
        self.0.fetch_sub(Self::WRITER, SeqCst);
        result
    }
}

/// Numbers that look random: xorshift, the same in each run.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: usize) -> Self {
        Self((seed as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// A number below `sides`.
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

#[cfg(all(target_os = "linux", not(miri)))]
mod sleep {
    use std::path::{Path, PathBuf};
    use std::time::Duration;
    use std::{fs, thread};

    /// The kernel's view of a thread.
    pub struct Watch(PathBuf);

    impl Watch {
        /// Of the current thread.
        pub fn me() -> Self {
            let thread = fs::read_link("/proc/thread-self").expect("/proc is mounted");
            Self(Path::new("/proc").join(thread).join("status"))
        }

        /// Returns once the thread has slept for a while without a break, or is gone.
        pub fn until_asleep(&self) {
            const LOOKS: usize = 5;
            let mut same = 0;
            let mut before = None;
            while same < LOOKS {
                let Ok(status) = fs::read_to_string(&self.0) else {
                    return;
                };
                let now = sleep_number(&status);
                same = if now.is_some() && now == before {
                    same + 1
                } else {
                    0
                };
                before = now;
                thread::sleep(Duration::from_millis(1));
            }
        }
    }

    /// Which of its sleeps the thread is in; none if it is not asleep.
    fn sleep_number(status: &str) -> Option<u64> {
        let field = |name| {
            status
                .lines()
                .find_map(|line| line.strip_prefix(name))
                .expect("a field of every thread")
                .trim()
        };
        field("State:")
            .starts_with('S')
            .then(|| field("voluntary_ctxt_switches:").parse().unwrap())
    }
}

#[cfg(not(all(target_os = "linux", not(miri))))]
mod sleep {
    use std::thread;
    use std::time::Duration;

    /// Where nobody tells whether a thread sleeps, time has to.
    pub struct Watch;

    impl Watch {
        pub fn me() -> Self {
            Self
        }

        pub fn until_asleep(&self) {
            thread::sleep(Duration::from_millis(200));
        }
    }
}
