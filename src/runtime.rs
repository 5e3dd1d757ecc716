//! The knobs and gauges of the process: what Go has in its package `runtime`, and one more.

use crate::{barrier, workers};
use std::io;

/// Starts a thread from which all later threads of this crate descend. To be called early in `main`, by a
/// program that changes what new threads take_over. Go has no such function.
///
/// Workers take their affinity and their signal mask from the main thread, whichever thread starts them;
/// the mask as it is when the first one starts, or at this call. But the system also hands on the nice
/// value, the scheduling policy and the filters of system calls (seccomp) of the thread that starts
/// another one, and none of them can be taken back. Without this call they come from whichever thread
/// needs a new worker.
///
/// Later calls do nothing. In a child of `fork` it counts no more.
///
/// # Errors
///
/// If the system refuses the thread.
///
/// # Examples
///
/// ```standalone_crate
/// fn main() -> std::io::Result<()> {
///     gosync::init_workers()?;
///     // From here on this thread may lower its priority, and workers keep theirs.
///     gosync::go(|| ()).join().unwrap();
///     Ok(())
/// }
/// ```
pub fn init_workers() -> io::Result<()> {
    workers::init()
}

/// Sets how many goroutines may run at a time, and returns how many could before. Go's
/// `runtime.GOMAXPROCS`.
///
/// If `n` is 0 it changes nothing. At first it is the environment variable `GOSYNC_MAXPROCS`, or else what Go takes: the
/// CPUs that the main thread may use, or fewer if the process has a quota of CPU time, as in a container.
/// Then it is the quota rounded up, or 2 if that is more; looked at once, when the first goroutine starts. (Go 1.25
/// and later follow a quota that changes.) An empty variable counts as none.
///
/// A goroutine that is blocked does not count, and goes on at once when it no longer is, nor does one
/// that a thread runs while it waits for it. Every 10 ms that all of them compute while others wait, one in two, or
/// the only one, no longer counts, and others start beside them. Go takes the CPU from it instead.
///
/// # Panics
///
/// If `GOSYNC_MAXPROCS` is set and is no positive number, or `GOSYNC_STACK_SIZE` and is no number of bytes
/// between 64 KiB and 1 GiB (256 MiB where a pointer has 32 bits). And in a child of `fork`, if its parent had workers then.
///
/// # Examples
///
/// ```standalone_crate
/// let before = gosync::set_max_procs(1);
/// assert_eq!(gosync::set_max_procs(0), 1);
/// gosync::set_max_procs(before);
/// ```
#[doc(alias = "GOMAXPROCS")]
#[track_caller]
pub fn set_max_procs(n: usize) -> usize {
    workers::set_max_procs(n)
}

/// Returns how many goroutines there are: have been started, and have not ended. Go's
/// `runtime.NumGoroutine`, but for `main` and other threads, which count there.
///
/// A goroutine that has been joined or waited for is not among them. While others start and end
/// goroutines, it is a number that was true for each of them at some moment of the call.
///
/// # Panics
///
/// As [`set_max_procs`].
///
/// # Examples
///
/// ```standalone_crate
/// use std::sync::mpsc;
///
/// let (release, released) = mpsc::channel::<()>();
/// let handle = gosync::go(move || released.recv().is_err());
/// assert_eq!(gosync::num_goroutines(), 1);
/// drop(release);
/// assert!(handle.join().unwrap());
/// assert_eq!(gosync::num_goroutines(), 0);
/// ```
#[doc(alias = "NumGoroutine")]
#[track_caller]
pub fn num_goroutines() -> usize {
    workers::num_goroutines()
}

/// Returns how many threads there are for goroutines, whether they run, block or sleep. Go has no such
/// function.
///
/// A thread that finds nothing to run for 5 seconds ends.
///
/// # Panics
///
/// As [`set_max_procs`].
///
/// # Examples
///
/// ```
/// gosync::go(|| ()).join().unwrap();
/// println!("{} threads for goroutines", gosync::num_workers());
/// ```
#[track_caller]
pub fn num_workers() -> usize {
    workers::num_workers()
}

/// Keeps the locks of this process from the system call `membarrier`, and returns true; false if it is too
/// late for that. The same as `GOSYNC_MEMBARRIER=off` in the environment. Go has no such function.
///
/// It is for programs with a filter of system calls (seccomp) that kills. One that refuses `membarrier` does
/// no harm, if it is set up before a lock first asks for it: then locks use fences. But one that kills the
/// process does so when a lock asks, at a read, or at a later write. Call this function first of all, or
/// set the variable: then locks never make the call, nor start a thread for it. A read of a lock that is
/// seldom written takes some nanoseconds longer.
///
/// Without it, on Linux, the first lock that has been read some 500 times registers the process for
/// `membarrier`. If there is one thread, it does so on the spot, in microseconds, and there is still one.
/// Otherwise a thread named `gosync-registrar` does it, and ends. Whether there is one, glibc says since
/// version 2.32 (`__libc_single_threaded`). With other C libraries it is always the thread that does it.
///
/// It is too late when a lock has begun to register. Then nothing changes. As long as locks use fences, for
/// whatever reason, the function returns true.
///
/// The variable is read when a lock is about to register. `on` and an empty value are the same as none;
/// every value that means nothing counts as `off`.
///
/// # Examples
///
/// ```standalone_crate
/// // The first line of `main`.
/// assert!(gosync::disable_membarrier());
/// ```
#[must_use = "it may be too late"]
pub fn disable_membarrier() -> bool {
    barrier::disable()
}
