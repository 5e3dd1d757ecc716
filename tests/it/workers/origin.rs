//! Workers take their affinity and their signal mask from the main thread, whichever thread starts them.
//! After `init_workers` they inherit nothing else from that thread either.
#![cfg(target_os = "linux")]

use super::child::alone;
use crate::support::on_a_worker;
use gosync::{init_workers, set_max_procs};
use std::mem::MaybeUninit;
use std::{process, ptr, thread};

/// Returns the number of CPUs that the thread may run on.
fn cpus(thread: libc::pid_t) -> i32 {
    let mut set = MaybeUninit::<libc::cpu_set_t>::zeroed();
    // SAFETY: the call writes the set, for which all zeros is a valid value.
    unsafe {
        let result = libc::sched_getaffinity(thread, size_of_val(&set), set.as_mut_ptr());
        assert_eq!(result, 0);
        libc::CPU_COUNT(&set.assume_init())
    }
}

/// Restricts the current thread to one CPU.
fn pin() {
    let mut set = MaybeUninit::<libc::cpu_set_t>::zeroed();
    // SAFETY: all zeros is a valid set, and each call is given the size of the set.
    unsafe {
        libc::sched_getaffinity(0, size_of_val(&set), set.as_mut_ptr());
        let mut set = set.assume_init();
        let first = (0..libc::CPU_SETSIZE as usize).find(|&cpu| libc::CPU_ISSET(cpu, &set));
        libc::CPU_ZERO(&mut set);
        libc::CPU_SET(first.unwrap(), &mut set);
        assert_eq!(libc::sched_setaffinity(0, size_of_val(&set), &set), 0);
    }
}

#[test]
fn a_worker_runs_wherever_the_main_thread_may() {
    alone(&[], || {
        let of_main = cpus(process::id().cast_signed());
        thread::spawn(move || {
            pin();
            assert_eq!(cpus(0), 1);
            assert_eq!(set_max_procs(0), of_main as usize);
            assert_eq!(on_a_worker(|| cpus(0)), of_main);
        })
        .join()
        .unwrap();
    });
}

/// Returns whether the current thread blocks SIGUSR1, after making `change` if there is one.
fn blocks_a_signal(change: Option<libc::c_int>) -> bool {
    // SAFETY: `sigemptyset` writes each set before it is used.
    unsafe {
        let (mut set, mut now) = (MaybeUninit::uninit(), MaybeUninit::uninit());
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigemptyset(now.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), libc::SIGUSR1);
        if let Some(change) = change {
            assert_eq!(
                libc::pthread_sigmask(change, set.as_ptr(), ptr::null_mut()),
                0
            );
        }
        libc::pthread_sigmask(libc::SIG_BLOCK, ptr::null(), now.as_mut_ptr());
        libc::sigismember(now.as_ptr(), libc::SIGUSR1) == 1
    }
}

#[test]
fn a_worker_blocks_the_signals_that_the_main_thread_does() {
    alone(&[], || {
        thread::spawn(|| {
            assert!(blocks_a_signal(Some(libc::SIG_BLOCK)));
            assert!(!on_a_worker(|| blocks_a_signal(None)));
        })
        .join()
        .unwrap();
    });
}

fn nice_value() -> i32 {
    const CURRENT: libc::id_t = 0;
    // SAFETY: a system call that touches no memory.
    unsafe { libc::getpriority(libc::PRIO_PROCESS, CURRENT) }
}

/// Raises the current thread's nice value. Returns the nice value of a worker that it starts.
fn nice_value_of_a_worker() -> i32 {
    // SAFETY: a system call that touches no memory.
    let result = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, nice_value() + 1) };
    assert_eq!(result, 0);
    on_a_worker(nice_value)
}

#[test]
fn a_worker_inherits_nothing_from_a_thread_after_init_workers() {
    alone(&[], || {
        let before = nice_value();
        init_workers().unwrap();
        init_workers().unwrap();
        assert_eq!(nice_value_of_a_worker(), before);
    });
}

/// The docs state this. If it changes, `init_workers` has no purpose any more.
#[test]
fn a_worker_inherits_the_nice_value_without_it() {
    alone(&[], || {
        let before = nice_value();
        assert_eq!(nice_value_of_a_worker(), before + 1);
    });
}
