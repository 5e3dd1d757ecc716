//! The system call `membarrier`: a process can be kept from making it, and a process with one thread
//! does not get another one for it.
//!
//! Filters of system calls (seccomp) show whether a call is made: the first call on the filter's list
//! kills the process. So each test sets up its filter in a separate process.

use crate::support::is_forced;
use crate::workers::child::{alone, killed_by};
use gosync::{RWMutex, disable_membarrier};
use std::time::Duration;
use std::{ptr, thread};

/// Brings a lock to the fastest speed that it can have: many times the number of reads that this needs.
const READS: usize = 100_000;

const MEMBARRIER: libc::c_long = libc::SYS_membarrier;

/// The calls that start a thread.
const CLONES: [libc::c_long; 2] = [libc::SYS_clone, libc::SYS_clone3];

/// Makes the system kill the process if this thread, or one that it starts later, makes one of these
/// calls.
fn kill_on(calls: &[libc::c_long]) {
    let step = |code: u32, jf, k| libc::sock_filter {
        code: code as u16,
        jt: 0,
        jf,
        k,
    };
    let finish = |action| step(libc::BPF_RET | libc::BPF_K, 0, action);
    // The number of the system call is the first field that a filter sees.
    let mut filter = vec![step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0)];
    for &call in calls {
        let skip_unless = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
        filter.push(step(skip_unless, 1, call as u32));
        filter.push(finish(libc::SECCOMP_RET_KILL_PROCESS));
    }
    filter.push(finish(libc::SECCOMP_RET_ALLOW));
    let program = libc::sock_fprog {
        len: filter.len() as u16,
        filter: filter.as_mut_ptr(),
    };
    let no_core = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `no_core` and `program` are valid for reads, and `program` has the length of `filter`.
    unsafe {
        assert_eq!(libc::setrlimit(libc::RLIMIT_CORE, &no_core), 0);
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        let mode = libc::SECCOMP_MODE_FILTER;
        let program = ptr::from_ref(&program);
        assert_eq!(libc::prctl(libc::PR_SET_SECCOMP, mode, program), 0);
    }
}

/// Whether locks make the call here, and a filter can detect it.
fn locks_ask() -> bool {
    has_filters_and_membarrier() && !is_forced()
}

/// Whether this system has such filters and `membarrier`. Prints a line if not.
fn has_filters_and_membarrier() -> bool {
    const QUERY: libc::c_int = 0;
    const PRIVATE_EXPEDITED: libc::c_long = 1 << 3;

    let action = libc::SECCOMP_RET_KILL_PROCESS;
    // SAFETY: the first call reads `action`, and the second touches no memory.
    let (filters, commands) = unsafe {
        (
            libc::syscall(
                libc::SYS_seccomp,
                libc::SECCOMP_GET_ACTION_AVAIL,
                0,
                &raw const action,
            ),
            libc::syscall(MEMBARRIER, QUERY, 0, 0),
        )
    };
    let has_barrier = commands > 0 && commands & PRIVATE_EXPEDITED != 0;
    if filters != 0 || !has_barrier {
        println!("left out: no filters ({filters}), or no membarrier ({commands})");
    }
    filters == 0 && has_barrier
}

fn read_often(lock: &RWMutex<()>) {
    (0..READS).for_each(|_| drop(lock.rlock()));
}

/// Gives another thread time to make a call.
const A_WHILE: Duration = Duration::from_millis(100);

/// Reads and writes a lock behind a filter, and then sleeps for `time`.
fn use_a_lock(filtered: &[libc::c_long], time: Duration) {
    kill_on(filtered);
    let lock = RWMutex::new(());
    for _ in 0..3 {
        read_often(&lock);
        drop(lock.lock());
    }
    thread::sleep(time);
}

/// The contrast to the other tests: nothing keeps the process from the call. Forced speeds may, so these
/// tests are left out with them.
mod unless_it_is_switched_off {
    use super::*;
    use crate::support::{LIMIT, time_is_up};

    #[test]
    fn reads_make_the_call() {
        if locks_ask() {
            killed_by(libc::SIGSYS, &[], || use_a_lock(&[MEMBARRIER], LIMIT));
        }
    }

    #[test]
    fn reads_make_the_call_if_it_is_on() {
        if locks_ask() {
            killed_by(libc::SIGSYS, &[("GOSYNC_MEMBARRIER", "on")], || {
                use_a_lock(&[MEMBARRIER], LIMIT)
            });
        }
    }

    #[test]
    fn reads_make_the_call_if_the_variable_is_empty() {
        if locks_ask() {
            killed_by(libc::SIGSYS, &[("GOSYNC_MEMBARRIER", "")], || {
                use_a_lock(&[MEMBARRIER], LIMIT)
            });
        }
    }

    #[test]
    fn it_is_too_late_when_one_has_made_it() {
        if locks_ask() {
            killed_by(libc::SIGSYS, &[], || {
                let lock = RWMutex::new(());
                read_often(&lock);
                assert!(!disable_membarrier());
                kill_on(&[MEMBARRIER]);
                // The thread that registers the process may have started before the filter and may not
                // be done yet. Until it is, no lock makes the call.
                let is_late = time_is_up(LIMIT);
                while !is_late() {
                    read_often(&lock);
                    drop(lock.lock());
                }
            });
        }
    }
}

mod if_it_is_switched_off {
    use super::*;

    const FILTERED: [libc::c_long; 3] = [MEMBARRIER, CLONES[0], CLONES[1]];

    #[test]
    fn by_the_variable_no_thread_makes_the_call() {
        if has_filters_and_membarrier() {
            alone(&[("GOSYNC_MEMBARRIER", "off")], || {
                use_a_lock(&FILTERED, A_WHILE)
            });
        }
    }

    #[test]
    fn by_an_unknown_value_no_thread_makes_the_call() {
        if has_filters_and_membarrier() {
            alone(&[("GOSYNC_MEMBARRIER", "Off?")], || {
                use_a_lock(&FILTERED, A_WHILE)
            });
        }
    }

    #[test]
    fn by_the_function_no_thread_makes_the_call() {
        if has_filters_and_membarrier() {
            alone(&[], || {
                assert!(disable_membarrier());
                use_a_lock(&FILTERED, A_WHILE);
                assert!(disable_membarrier());
            });
        }
    }
}

/// Processes with one thread. The tests run before `main`, since the test harness starts other threads.
#[cfg(target_env = "gnu")]
mod with_one_thread {
    use super::*;
    use crate::workers::child::{is_playing, played};
    use std::{fs, process};

    const STAYS_ONE: &str = "membarrier::with_one_thread::a_program_stays_one";
    const IS_QUIET: &str = "membarrier::with_one_thread::a_lock_gets_as_far_as_with_several";

    /// The C library calls the functions in this section before `main`.
    #[used]
    // SAFETY: the section holds pointers to functions of this type.
    #[unsafe(link_section = ".init_array")]
    static BEFORE_MAIN: extern "C" fn() = before_main;

    extern "C" fn before_main() {
        if is_playing(STAYS_ONE) {
            stay_one();
        } else if is_playing(IS_QUIET) {
            be_quiet();
        } else {
            return;
        }
        // The process must end here: the harness would start a thread.
        played();
        process::exit(0);
    }

    /// Whether glibc tells how many threads there are. It does not before 2.32.
    fn is_known() -> bool {
        let name = c"__libc_single_threaded".as_ptr();
        // SAFETY: the name ends with a zero byte.
        let is_known = !unsafe { libc::dlsym(libc::RTLD_DEFAULT, name) }.is_null();
        if !is_known {
            println!("left out: glibc does not know");
        }
        is_known
    }

    /// Whether a process with one thread may call `unshare` here. With several threads the call fails,
    /// so it shows whether there is one.
    fn may_unshare() -> bool {
        // SAFETY: the child only makes system calls.
        unsafe {
            let child = libc::fork();
            if child == 0 {
                libc::_exit(libc::unshare(libc::CLONE_NEWUSER));
            }
            let mut status = -1;
            assert_eq!(libc::waitpid(child, &mut status, 0), child);
            status == 0
        }
    }

    fn stay_one() {
        let may_unshare = may_unshare();
        use_a_lock(&CLONES, A_WHILE);
        assert_eq!(fs::read_dir("/proc/self/task").unwrap().count(), 1);
        if may_unshare {
            // SAFETY: a system call that touches no memory.
            assert_eq!(unsafe { libc::unshare(libc::CLONE_NEWUSER) }, 0);
        } else {
            println!("skipped: `unshare` is not allowed here");
        }
    }

    #[test]
    fn a_program_stays_one() {
        if has_filters_and_membarrier() && is_known() {
            alone(&[], || unreachable!("played before main"));
        }
    }

    /// The reads make the lock quiet, so the write makes the call.
    fn be_quiet() {
        let lock = RWMutex::new(());
        read_often(&lock);
        kill_on(&[MEMBARRIER]);
        drop(lock.lock());
    }

    #[test]
    fn a_lock_gets_as_far_as_with_several() {
        if locks_ask() && is_known() {
            killed_by(libc::SIGSYS, &[], || unreachable!("played before main"));
        }
    }
}
