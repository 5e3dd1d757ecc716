//! A goroutine that blocks in one of gosync's own primitives hands its place on at once: the monitor is
//! not needed. So here it is held up, and the next goroutine has to run nevertheless.
#![cfg(target_os = "linux")]

use super::child::alone;
use crate::support::{LIMIT, holds_within, linger};
use gosync::{RWMutex, WaitGroup, go, num_workers, scope, set_max_procs};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicI32, Ordering::SeqCst};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;
use std::{fs, mem, process, ptr, thread};

/// Has `round` run in a goroutine, again and again, while the monitor is held up. It has to start another
/// goroutine, and to block until that one has run.
#[track_caller]
fn assert_hands_over(round: fn()) {
    const ROUNDS: usize = 20;

    let _held = HeldUp::monitor();
    for _ in 0..ROUNDS {
        let (send, ended) = mpsc::channel();
        drop(go(move || {
            round();
            send.send(()).unwrap();
        }));
        let ended = ended.recv_timeout(LIMIT);
        ended.expect("the next goroutine does not run without the monitor");
    }
}

/// Otherwise the tests here would prove nothing.
#[test]
fn without_a_primitive_of_ours_nobody_hands_over_but_the_monitor() {
    alone(ONE_PROCESSOR, || {
        let held = HeldUp::monitor();
        let (send, ran) = mpsc::channel();
        drop(go(move || {
            let (release, released) = mpsc::channel();
            drop(go(move || release.send(()).unwrap()));
            released.recv().unwrap();
            send.send(()).unwrap();
        }));
        let early = ran.recv_timeout(Duration::from_millis(300));
        assert_eq!(early, Err(RecvTimeoutError::Timeout));
        drop(held);
        ran.recv_timeout(LIMIT).unwrap();
    });
}

/// A thread that stands still in the handler of a signal, until this is dropped.
struct HeldUp {
    release: io::PipeWriter,
}

/// The ends of pipes that the handler uses: it says that it has begun, and waits for the other end of
/// the second one to close.
static BEGUN: AtomicI32 = AtomicI32::new(-1);
static RELEASED: AtomicI32 = AtomicI32::new(-1);

extern "C" fn stand_still(_: libc::c_int) {
    let mut byte = 0_u8;
    // SAFETY: both calls may be made in a handler; the byte is there to be read and written.
    unsafe {
        libc::write(BEGUN.load(SeqCst), ptr::from_ref(&byte).cast(), 1);
        libc::read(RELEASED.load(SeqCst), ptr::from_mut(&mut byte).cast(), 1);
    }
}

impl HeldUp {
    /// The monitor, while it has no lock that others need.
    #[track_caller]
    fn monitor() -> Self {
        let (send, ran) = mpsc::channel();
        // As long as there is a worker it is there.
        drop(go(move || send.send(()).unwrap()));
        ran.recv_timeout(LIMIT).unwrap();
        for _ in 0..100 {
            linger();
            let held = Self::thread(monitor().expect("there is a worker"));
            let look = thread::spawn(num_workers);
            if holds_within(Duration::from_secs(1), || look.is_finished()) {
                return held;
            }
            drop(held);
            look.join().unwrap();
        }
        panic!("the monitor always has the lock");
    }

    fn thread(thread: libc::pid_t) -> Self {
        let (mut begun, begin) = io::pipe().unwrap();
        let (released, release) = io::pipe().unwrap();
        BEGUN.store(begin.as_raw_fd(), SeqCst);
        RELEASED.store(released.as_raw_fd(), SeqCst);
        // SAFETY: the action is valid all zeros but for the handler, which calls only what it may.
        unsafe {
            let mut action: libc::sigaction = mem::zeroed();
            action.sa_sigaction = stand_still as *const () as usize;
            action.sa_flags = libc::SA_RESTART;
            assert_eq!(libc::sigaction(libc::SIGUSR1, &action, ptr::null_mut()), 0);
            let process = process::id().cast_signed();
            assert_eq!(
                libc::syscall(libc::SYS_tgkill, process, thread, libc::SIGUSR1),
                0
            );
        }
        begun.read_exact(&mut [0]).unwrap();
        // The handler may still be about to use it.
        mem::forget(released);
        Self { release }
    }
}

impl Drop for HeldUp {
    fn drop(&mut self) {
        self.release.write_all(&[0]).unwrap();
    }
}

/// The number of the monitor's thread.
fn monitor() -> Option<libc::pid_t> {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let mut paths = tasks.map(|task| task.unwrap().path());
    let is_monitor = |name: io::Result<String>| name.is_ok_and(|name| name == "gosync-monitor\n");
    let path = paths.find(|path| is_monitor(fs::read_to_string(path.join("comm"))))?;
    path.file_name()?.to_str()?.parse().ok()
}

const ONE_PROCESSOR: &[(&str, &str)] = &[("GOSYNC_MAXPROCS", "1")];

#[test]
fn in_a_wait_group() {
    alone(ONE_PROCESSOR, || {
        assert_hands_over(|| {
            let gate = WaitGroup::new();
            gate.add(1);
            drop(go({
                let gate = gate.clone();
                move || gate.done()
            }));
            gate.wait();
        });
    });
}

#[test]
fn in_a_wait_with_a_timeout() {
    alone(ONE_PROCESSOR, || {
        assert_hands_over(|| {
            let gate = WaitGroup::new();
            gate.add(1);
            gate.go({
                let gate = gate.clone();
                move || gate.done()
            });
            assert!(gate.wait_timeout(LIMIT));
        });
    });
}

#[test]
fn in_a_write_lock() {
    static LOCK: RWMutex<()> = RWMutex::new(());

    alone(ONE_PROCESSOR, || {
        assert_hands_over(|| {
            let held = LOCK.rlock();
            drop(go(move || drop(held)));
            drop(LOCK.lock());
        });
    });
}

#[test]
fn in_a_read_lock() {
    static LOCK: RWMutex<()> = RWMutex::new(());

    alone(ONE_PROCESSOR, || {
        assert_hands_over(|| {
            let held = LOCK.lock();
            drop(go(move || drop(held)));
            drop(LOCK.rlock());
        });
    });
}

/// Has `start` start a goroutine that waits for the gate, and returns once it runs. Meanwhile two may
/// run, since there is no monitor that would see to it.
fn until_one_waits_for(gate: &WaitGroup, start: impl FnOnce(WaitGroup, WaitGroup)) {
    let begun = WaitGroup::new();
    begun.add(1);
    gate.add(1);
    set_max_procs(2);
    start(begun.clone(), gate.clone());
    // Otherwise the one that waits for it next would run it.
    begun.wait();
    set_max_procs(1);
}

#[test]
fn in_a_join() {
    alone(ONE_PROCESSOR, || {
        assert_hands_over(|| {
            let gate = WaitGroup::new();
            let mut joined = None;
            until_one_waits_for(&gate, |begun, gate| {
                joined = Some(go(move || {
                    begun.done();
                    gate.wait();
                }));
            });
            drop(go(move || gate.done()));
            joined.unwrap().join().unwrap();
        });
    });
}

#[test]
fn at_the_end_of_a_scope() {
    alone(ONE_PROCESSOR, || {
        assert_hands_over(|| {
            let gate = WaitGroup::new();
            scope(|s| {
                until_one_waits_for(&gate, |begun, gate| {
                    s.go(move || {
                        begun.done();
                        gate.wait();
                    });
                });
                let gate = gate.clone();
                drop(go(move || gate.done()));
            });
        });
    });
}
