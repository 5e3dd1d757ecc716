//! Freezes the monitor: it stands still, as if a debugger had stopped it, for as long as a test needs.
//! What happens meanwhile happens without the monitor, however slow the machine is.
//!
//! A tracer stops it. A signal could not, because a thread may block signals.
#![cfg(target_os = "linux")]

use crate::support::on_a_worker;
use std::io::{self, PipeReader, PipeWriter, Read};
use std::os::fd::{AsRawFd, RawFd};
use std::path::PathBuf;
use std::time::Duration;
use std::{fs, ptr, thread};

/// The monitor, frozen until this is dropped.
pub struct FrozenMonitor {
    /// The monitor's entry in /proc/self/task.
    thread: libc::pid_t,
    tracer: libc::pid_t,
    /// The tracer ends when this is closed, and lets the monitor continue.
    hold: Option<PipeWriter>,
}

/// What 32-bit programs call instead of `futex`, to sleep past the year 2038.
const FUTEX_TIME64: libc::c_long = 422;

impl FrozenMonitor {
    /// Freezes the monitor while it sleeps and holds no lock. Returns `None` where no process may trace
    /// this one.
    pub fn new() -> Option<Self> {
        loop {
            // The monitor has ended if the last worker has. A goroutine starts both again.
            let Some(monitor) = find_monitor() else {
                on_a_worker(|| ());
                continue;
            };
            let frozen = Self::freeze(monitor)?;
            if frozen.is_asleep() {
                return Some(frozen);
            }
            drop(frozen);
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn freeze(thread: libc::pid_t) -> Option<Self> {
        let (mut answer, answering) = io::pipe().unwrap();
        let (held, hold) = io::pipe().unwrap();
        // SAFETY: system calls that touch no memory of ours. The child calls only `trace`. `prctl` fails
        // where any process may trace another, which does no harm.
        let tracer = unsafe {
            libc::prctl(libc::PR_SET_PTRACER, libc::PR_SET_PTRACER_ANY);
            match libc::fork() {
                0 => trace(thread, answering.as_raw_fd(), &held, &hold),
                child => child,
            }
        };
        assert!(tracer > 0, "no process for the tracer");
        drop(answering);
        let frozen = Self {
            thread,
            tracer,
            hold: Some(hold),
        };
        let mut bytes = Vec::new();
        let is_frozen = answer.read_to_end(&mut bytes).unwrap() > 0;
        if !is_frozen {
            println!("skipped: this process may not be traced");
        }
        is_frozen.then_some(frozen)
    }

    /// Whether the monitor sleeps until it is woken. This is exact, since the monitor does not run.
    fn is_asleep(&self) -> bool {
        let call = fs::read_to_string(task(self.thread).join("syscall")).unwrap_or_default();
        let number = call.split(' ').next().and_then(|word| word.parse().ok());
        [libc::SYS_futex, FUTEX_TIME64].map(Some).contains(&number)
    }
}

impl Drop for FrozenMonitor {
    fn drop(&mut self) {
        self.hold = None;
        // SAFETY: a system call that touches no memory.
        unsafe { libc::waitpid(self.tracer, ptr::null_mut(), 0) };
    }
}

/// The body of the tracer. It stops `thread` and reports that by a byte, or closes the pipe if it may
/// not. Then it holds the thread until `hold` is closed in the other process.
///
/// # Safety
///
/// Must be called in a child of fork. Since the parent has several threads, it makes system calls and
/// nothing else.
unsafe fn trace(thread: libc::pid_t, answer: RawFd, held: &PipeReader, hold: &PipeWriter) -> ! {
    let (null, mut status, mut byte) = (ptr::null_mut::<libc::c_void>(), 0, 1_u8);
    // SAFETY: these system calls write only to `status` and `byte`, or touch no memory.
    unsafe {
        libc::close(hold.as_raw_fd());
        let is_stopped = libc::ptrace(libc::PTRACE_SEIZE, thread, null, null) == 0
            && libc::ptrace(libc::PTRACE_INTERRUPT, thread, null, null) == 0
            && libc::waitpid(thread, &mut status, libc::__WALL) == thread
            && libc::WIFSTOPPED(status);
        if is_stopped {
            libc::write(answer, (&raw const byte).cast(), 1);
        }
        libc::close(answer);
        if is_stopped {
            libc::read(held.as_raw_fd(), (&raw mut byte).cast(), 1);
        }
        // The kernel lets the traced thread continue when its tracer ends.
        libc::_exit(0)
    }
}

fn task(thread: libc::pid_t) -> PathBuf {
    format!("/proc/self/task/{thread}").into()
}

fn find_monitor() -> Option<libc::pid_t> {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let mut threads =
        tasks.map(|task| task.unwrap().file_name().to_str().unwrap().parse().unwrap());
    threads.find(|&thread| {
        let name = fs::read_to_string(task(thread).join("comm"));
        name.is_ok_and(|name| name.trim_end() == "gosync-monitor")
    })
}
