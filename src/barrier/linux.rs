//! The heavy barrier of Linux: the system call `membarrier`.

use std::{process, thread};

// From linux/membarrier.h.
const QUERY: libc::c_int = 0;
const PRIVATE_EXPEDITED: libc::c_int = 1 << 3;
const REGISTER_PRIVATE_EXPEDITED: libc::c_int = 1 << 4;

fn call(command: libc::c_int) -> libc::c_long {
    const NO_FLAGS: libc::c_uint = 0;
    const NO_CPU: libc::c_int = 0;
    // SAFETY: `membarrier` reads and writes no memory of ours.
    unsafe { libc::syscall(libc::SYS_membarrier, command, NO_FLAGS, NO_CPU) }
}

/// Whether the system offers it: Linux since 4.14, unless a filter of system calls forbids it.
pub(super) fn exists() -> bool {
    let commands = call(QUERY);
    commands > 0 && commands & libc::c_long::from(PRIVATE_EXPEDITED) != 0
}

/// Whether registration takes only microseconds, since this process has one thread.
#[cfg(target_env = "gnu")]
pub(super) fn registers_at_once() -> bool {
    use std::ffi::CStr;
    use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

    // Looked up by name, since a glibc before 2.32 does not have it.
    const NAME: &CStr = c"__libc_single_threaded";
    // SAFETY: `NAME` ends with a zero.
    let flag = unsafe { libc::dlsym(libc::RTLD_DEFAULT, NAME.as_ptr()) };
    // SAFETY: in glibc's `sys/single_threaded.h` this is a `char` that lives as long as the process. Only the
    // library writes it.
    let flag = unsafe { flag.cast::<AtomicU8>().as_ref() };
    flag.is_some_and(|flag| flag.load(Relaxed) != 0)
}

/// Other C libraries do not tell.
#[cfg(not(target_env = "gnu"))]
pub(super) fn registers_at_once() -> bool {
    false
}

/// Registers the process. Returns whether it has the barrier then.
pub(super) fn register() -> bool {
    // Passes the first barrier here, in case a filter allows only one of the two commands.
    call(REGISTER_PRIVATE_EXPEDITED) == 0 && call(PRIVATE_EXPEDITED) == 0
}

pub(super) fn pass() {
    // The system may lack memory for a moment.
    const TRIES: u32 = 1000;

    for _ in 0..TRIES {
        if call(PRIVATE_EXPEDITED) == 0 {
            return;
        }
        thread::yield_now();
    }
    // Readers have relied on the barrier. Without it, no writer can tell which readers are inside.
    eprintln!("gosync: membarrier failed although it had been granted");
    process::abort();
}
