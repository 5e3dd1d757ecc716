//! The settings and counters of the process: those of Go's package `runtime`, and some that Go does not have.

use crate::platform::HAS_THREADS;
use crate::{barrier, workers};
use std::io;

/// Starts a thread from which all later threads of this crate descend. Call it early in `main` if the program
/// changes what new threads inherit. Go has no such function.
///
/// Workers take their affinity and their signal mask from the main thread, whichever thread starts them. The
/// mask is the one at the start of the first worker, or at this call. But the system also passes on the nice
/// value, the scheduling policy and the filters of system calls (seccomp) of the thread that starts another
/// one, and none of them can be undone. Without this call they come from whichever thread happens to need a
/// new worker.
///
/// Later calls do nothing. In a child of `fork`, an earlier call no longer has any effect.
///
/// # Errors
///
/// If the system refuses to start the thread, or has none.
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
    if !HAS_THREADS {
        return Err(io::ErrorKind::Unsupported.into());
    }
    workers::init()
}

/// Sets how many goroutines may run at a time, and returns the previous value: Go's `runtime.GOMAXPROCS`.
///
/// If `n` is 0, nothing changes. The initial value is the environment variable `GOSYNC_MAXPROCS`, or else the
/// value that Go takes: the number of CPUs that the main thread may use, or fewer if the process has a quota
/// of CPU time, as in a container. Then it is the quota rounded up, or 2 if that is more. The quota is read
/// once, when the first goroutine starts. (Go 1.25 and later follow a quota that changes.) An empty variable
/// counts as unset.
///
/// A blocked goroutine does not count, and continues at once when it is no longer blocked. A goroutine that a
/// thread runs while it waits for it does not count, either. As long as all counted goroutines compute and
/// others wait, every 10 ms half of them (or the only one) stop counting, and others start beside them. Go
/// takes the CPU from a goroutine instead.
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
/// ```standalone_crate
/// let before = gosync::set_max_procs(1);
/// assert_eq!(gosync::set_max_procs(0), 1);
/// gosync::set_max_procs(before);
/// ```
#[doc(alias = "GOMAXPROCS")]
#[track_caller]
#[expect(clippy::must_use_candidate, reason = "most callers only set it")]
pub fn set_max_procs(n: usize) -> usize {
    workers::set_max_procs(n)
}

/// Returns the number of goroutines that have been started and have not ended: Go's `runtime.NumGoroutine`.
/// Here `main` and other threads do not count.
///
/// A goroutine that has been joined or waited for is not counted. While other threads start and end
/// goroutines, each goroutine is counted by its state at some moment of the call.
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
#[must_use]
pub fn num_goroutines() -> usize {
    workers::num_goroutines()
}

/// Returns the number of threads for goroutines, whether they run, block or sleep. Go has no such function.
///
/// A thread that finds nothing to run for 5 seconds ends.
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
/// gosync::go(|| ()).join().unwrap();
/// println!("{} threads for goroutines", gosync::num_workers());
/// ```
#[track_caller]
#[must_use]
pub fn num_workers() -> usize {
    workers::num_workers()
}

/// Keeps the locks of this process from making the system call `membarrier`. Returns true, or false if it is
/// too late for that. Setting `GOSYNC_MEMBARRIER=off` in the environment has the same effect. Go has no such
/// function.
///
/// Call it in programs with a filter of system calls (seccomp) that kills the process. A filter that only
/// refuses `membarrier` does no harm if it is set up before a lock first makes the call: then locks use
/// fences. But a filter that kills does so when a lock makes the call, at a read or at a later write. Call
/// this function before anything else, or set the variable. Then locks never make the call, nor start a
/// thread for it. A read of a lock that is seldom written takes a few nanoseconds longer.
///
/// Without this call, on Linux, the first lock that has been read about 500 times registers the process for
/// `membarrier`. If the process has one thread, the lock does so on the spot, in microseconds, and starts no
/// thread. Otherwise a thread named `gosync-registrar` does it, and ends. glibc tells since version 2.32
/// whether there is one thread (`__libc_single_threaded`). With other C libraries it is always the separate
/// thread that registers.
///
/// On Windows the function keeps locks from calling `FlushProcessWriteBuffers`, in the same way.
///
/// It is too late once a lock has begun to register. Then nothing changes. As long as locks use fences, for
/// whatever reason, the function returns true.
///
/// The variable is read when a lock is about to register. `on` and an empty value count as unset. Every other
/// value counts as `off`.
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
