//! Gives the threads of this crate the same attributes, whichever thread starts them.
//!
//! A new thread inherits the affinity, the signal mask, the priority, the scheduling policy and the system
//! call filters of the thread that starts it. A worker outlives the goroutine for which it was started, so it
//! takes its affinity and its signal mask from the main thread. A change of the other attributes cannot be
//! undone. So the thread that starts a worker must not have changed them: [`init`] starts such a thread, the
//! *spawner*, which from then on starts all others.

use super::cpus;
use crate::limits::{self, SMALL_STACK};
use std::sync::OnceLock;
use std::sync::mpsc::{self, Sender};
use std::{io, process};

/// The thread that starts the others, if [`init`] was called.
static SPAWNER: OnceLock<Spawner> = OnceLock::new();

struct Spawner {
    requests: Sender<Request>,
    /// The process that has this spawner. A child of `fork` has none.
    process: u32,
}

struct Request {
    name: &'static str,
    stack_size: usize,
    body: fn(),
    reply: Sender<io::Result<()>>,
}

/// Starts the spawner, unless there is one.
pub(crate) fn init() -> io::Result<()> {
    if SPAWNER.get().is_none() {
        let (requests, received) = mpsc::channel::<Request>();
        let serve = move || {
            for request in received {
                let result = start(request.name, request.stack_size, request.body);
                // Does not fail: the thread that sent the request waits for the reply.
                let _ = request.reply.send(result);
            }
        };
        main_thread::remember();
        start("gosync-spawner", SMALL_STACK, serve)?;
        // If another thread was faster, this spawner ends when its channel is dropped here.
        let _ = SPAWNER.set(Spawner {
            requests,
            process: process::id(),
        });
    }
    Ok(())
}

/// Starts a thread with a stack of `stack_size` bytes.
pub(super) fn spawn(name: &'static str, stack_size: usize, body: fn()) -> io::Result<()> {
    main_thread::remember();
    match SPAWNER.get() {
        Some(spawner) if spawner.process == process::id() => spawner.spawn(name, stack_size, body),
        _ => start(name, stack_size, body),
    }
}

impl Spawner {
    fn spawn(&self, name: &'static str, stack_size: usize, body: fn()) -> io::Result<()> {
        let (reply, result) = mpsc::channel();
        let request = Request {
            name,
            stack_size,
            body,
            reply,
        };
        let sent = self.requests.send(request);
        sent.expect("the spawner lives as long as the process");
        result.recv().expect("the spawner replies")
    }
}

fn start(name: &str, stack_size: usize, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
    limits::spawn(name, stack_size, || {
        main_thread::adopt();
        body();
    })
}

/// Returns how many CPUs there are for the main thread.
pub(super) fn cpus() -> usize {
    if main_thread::has_same_affinity() {
        return cpus::count();
    }
    let (send, there) = mpsc::channel();
    let look = move || _ = send.send(cpus::count());
    // If the system refuses the thread, the channel is closed at once.
    let _ = start("gosync-origin", SMALL_STACK, look);
    there.recv().unwrap_or_else(|_| cpus::count())
}

#[cfg(target_os = "linux")]
pub(super) use main_thread::{is_main_thread, own_affinity};

#[cfg(target_os = "linux")]
mod main_thread {
    use std::mem::MaybeUninit;
    use std::sync::OnceLock;
    use std::time::Duration;
    use std::{fs, process, ptr, thread};

    /// The signals that the main thread blocked when the first thread was started: one bit each, beginning
    /// with signal 1. `None` if the system does not tell.
    static BLOCKED_SIGNALS: OnceLock<Option<u64>> = OnceLock::new();

    /// Remembers the main thread's signal mask, which may change later. Must be called before a thread is
    /// started.
    pub(super) fn remember() {
        BLOCKED_SIGNALS.get_or_init(find_blocked_signals);
    }

    /// Finds the signals that the main thread blocks.
    ///
    /// While the main thread starts a thread or a process, the C library blocks all signals for a moment,
    /// which gets longer if the thread loses its CPU. So if all signals seem to be blocked, this function
    /// looks again until it has seen the main thread sleep at two looks in a row: the thread does not sleep
    /// in that moment.
    fn find_blocked_signals() -> Option<u64> {
        const TRIES: u32 = 100;

        let mut latest = None;
        let mut has_slept = false;
        for _ in 0..TRIES {
            let status = fs::read_to_string("/proc/self/status").ok()?;
            latest = Some(blocked_signals(&status)?);
            let sleeps = field(&status, "State:")?.starts_with('S');
            if !latest.is_some_and(blocks_all) || (sleeps && has_slept) || is_main_thread() {
                break;
            }
            has_slept = sleeps;
            thread::sleep(Duration::from_millis(1));
        }
        latest
    }

    fn blocks_all(mask: u64) -> bool {
        // SIGKILL and SIGSTOP, which cannot be blocked, and two signals that the C library keeps for itself.
        const OTHERS: u64 = 1 << 8 | 1 << 18 | 1 << 31 | 1 << 32;
        mask | OTHERS == u64::MAX
    }

    pub(in super::super) fn is_main_thread() -> bool {
        // SAFETY: a system call that touches no memory.
        unsafe { libc::gettid() == libc::getpid() }
    }

    /// Returns the signal mask in `status`, the system's text about a process: the mask of its main thread.
    pub(super) fn blocked_signals(status: &str) -> Option<u64> {
        u64::from_str_radix(field(status, "SigBlk:")?, 16).ok()
    }

    fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
        let field = |line: &'a str| line.strip_prefix(name).map(str::trim);
        status.lines().find_map(field)
    }

    /// Gives the current thread the affinity and the signal mask of the main thread.
    pub(super) fn adopt() {
        if let Some(affinity) = other_affinity() {
            // SAFETY: the set is valid for reads. If the call fails, the thread keeps its affinity.
            unsafe { libc::sched_setaffinity(CURRENT, size_of_val(&affinity), &affinity) };
        }
        if let Some(Some(blocked)) = BLOCKED_SIGNALS.get() {
            block_signals(*blocked);
        }
    }

    fn block_signals(signals: u64) {
        let mut set = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: `sigemptyset` writes the set before it is used. `sigaddset` refuses only the numbers that
        // the C library keeps for itself.
        unsafe {
            libc::sigemptyset(set.as_mut_ptr());
            for bit in (0..u64::BITS).filter(|bit| signals >> bit & 1 == 1) {
                libc::sigaddset(set.as_mut_ptr(), bit.cast_signed() + 1);
            }
            libc::pthread_sigmask(libc::SIG_SETMASK, set.as_ptr(), ptr::null_mut());
        }
    }

    /// Whether the current thread may run on the same CPUs as the main thread, as far as the system tells.
    pub(super) fn has_same_affinity() -> bool {
        other_affinity().is_none()
    }

    /// Returns the CPUs on which the main thread may run, if they differ from those of the current thread.
    fn other_affinity() -> Option<libc::cpu_set_t> {
        let of_main = affinity_of(process::id().cast_signed())?;
        let own = own_affinity()?;
        // SAFETY: both are initialized sets.
        let is_same = unsafe { libc::CPU_EQUAL(&of_main, &own) };
        (!is_same).then_some(of_main)
    }

    /// Returns the CPUs on which the current thread may run, or `None` if the system
    /// does not say.
    pub(in super::super) fn own_affinity() -> Option<libc::cpu_set_t> {
        affinity_of(CURRENT)
    }

    /// Stands for the current thread in system calls that take the number of a thread.
    const CURRENT: libc::pid_t = 0;

    /// Returns the CPUs on which the thread with this number may run, or `None` if the system does not say:
    /// there may be more CPUs than fit into a set. The number of the main thread is that of the process.
    fn affinity_of(thread: libc::pid_t) -> Option<libc::cpu_set_t> {
        let mut set = MaybeUninit::<libc::cpu_set_t>::zeroed();
        // SAFETY: the call writes at most the set, which is valid if it is all zeros.
        unsafe {
            let result = libc::sched_getaffinity(thread, size_of_val(&set), set.as_mut_ptr());
            (result == 0).then(|| set.assume_init())
        }
    }
}

/// Does nothing on other systems: there has been no need.
#[cfg(not(target_os = "linux"))]
mod main_thread {
    pub(super) fn remember() {}

    pub(super) fn adopt() {}

    pub(super) fn has_same_affinity() -> bool {
        true
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::main_thread::blocked_signals;

    #[test]
    fn the_mask_is_read_from_the_status() {
        let status = "Name:\ta\nSigPnd:\t0000000000000001\nSigBlk:\t0000000000000200\n";
        assert_eq!(blocked_signals(status), Some(1 << 9));
        assert_eq!(blocked_signals("Name:\ta\n"), None);
    }
}
