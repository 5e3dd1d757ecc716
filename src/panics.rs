//! Where the panics of goroutines end.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::{mem, process, thread};

use Ordering::Relaxed;

/// What a panic was raised with.
pub(crate) type Payload = Box<dyn Any + Send>;

static ABORTS: AtomicBool = AtomicBool::new(false);

/// The exit code of a Go program that a panic ends.
const EXIT_CODE: i32 = 2;

/// Makes every later panic that ends a goroutine end the process with exit code 2, as in Go.
///
/// Without this call, the panic goes to the thread that waits for the result: to
/// [`JoinHandle::join`](crate::JoinHandle::join), [`scope`](crate::scope()) or
/// [`errgroup::Group::wait`](crate::errgroup::Group::wait). If no thread does, only the panic hook reports
/// it.
///
/// After this call, no such panic gets lost. The hook is called first, and prints the message. Then the stack
/// of the goroutine is unwound, so its destructors run (Go's `defer`). Then the process exits with code 2.
/// The same applies to a panic of a destructor that runs as a goroutine ends, or as a result is dropped that
/// no thread has taken.
///
/// A goroutine that catches a panic itself with [`catch_unwind`] (Go's `recover`) continues, and so does the
/// process. Panics of the main thread and of other threads that are no goroutines stay as they are. There is
/// no way back. Call it early in `main`.
///
/// # Examples
///
/// ```standalone_crate
/// # if std::env::var_os("CHILD").is_none() {
/// #     let me = std::env::current_exe().unwrap();
/// #     let child = std::process::Command::new(me).env("CHILD", "1").output().unwrap();
/// #     assert_eq!(child.status.code(), Some(2));
/// #     assert!(String::from_utf8_lossy(&child.stderr).contains("index out of bounds"));
/// #     return;
/// # }
/// gosync::abort_on_panic();
/// let list = vec![1, 2, 3];
/// let third = gosync::go(move || list[3]);
/// third.join().ok(); // Does not return: the process exits with code 2.
/// # panic!("the process goes on");
/// ```
#[doc(alias = "panic")]
#[doc(alias = "recover")]
#[doc(alias = "exit")]
#[cfg(not(gosync_model))]
pub fn abort_on_panic() {
    ABORTS.store(true, Relaxed);
}

/// Calls `f`, which is all of a goroutine or its end. Returns the payload if it panics.
pub(crate) fn catch<T>(f: impl FnOnce() -> T) -> thread::Result<T> {
    // Unwind safe: after a panic no code sees what `f` captured. Whatever `f` shares with other threads must
    // bear panics, as it must in any thread.
    let result = catch_unwind(AssertUnwindSafe(f));
    if result.is_err() && ABORTS.load(Relaxed) {
        process::exit(EXIT_CODE);
    }
    result
}

/// Drops `value`. If that panics, the panic ends here.
pub(crate) fn drop_contained(value: impl Sized) {
    contain(|| drop(value));
}

/// Calls `f`. If that panics, the panic ends here. If the drop of its payload panics in turn, that panic ends
/// here, too, up to a limit.
pub(crate) fn contain(f: impl FnOnce()) {
    catch(f).unwrap_or_else(drop_payload);
}

#[cold]
fn drop_payload(mut payload: Payload) {
    for _ in 0..8 {
        match catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            Ok(()) => return,
            Err(next) => payload = next,
        }
    }
    // The payloads might panic forever: leak this one.
    mem::forget(payload);
}
