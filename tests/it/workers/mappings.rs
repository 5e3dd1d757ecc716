//! The system's limit on memory mappings. Each thread takes some of them.
#![cfg(target_os = "linux")]

use super::child::alone;
use crate::support::LIMIT;
use gosync::{RWMutex, WaitGroup, go, num_goroutines, num_workers};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;
use std::{env, fs, ptr, thread};

/// The number of goroutines that block, and the number of mappings that are left when they start: far
/// fewer than their threads need.
const N: usize = 2000;
const LEFT: usize = 4500;
/// Where the limit is higher than this the tests are skipped: using it up would take too long.
const MOST: usize = 300_000;

fn limit() -> usize {
    let limit = fs::read_to_string("/proc/sys/vm/max_map_count").unwrap();
    limit.trim().parse().unwrap()
}

fn mappings() -> usize {
    fs::read_to_string("/proc/self/maps")
        .unwrap()
        .lines()
        .count()
}

/// Mappings that leave the process only a given number. A drop gives them back.
struct Taken(*mut libc::c_void, usize);

impl Taken {
    fn but(left: usize) -> Self {
        const PAGE: usize = 4096;

        let pages = limit() - mappings() - left;
        let size = pages * PAGE;
        // SAFETY: the memory is new. Every second page is made readable, so each page is a separate
        // mapping.
        unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
            let at = libc::mmap(ptr::null_mut(), size, libc::PROT_NONE, flags, -1, 0);
            assert_ne!(at, libc::MAP_FAILED);
            for page in (0..pages).step_by(2) {
                let page = at.byte_add(page * PAGE);
                assert_eq!(libc::mprotect(page, PAGE, libc::PROT_READ), 0);
            }
            Self(at, size)
        }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        // SAFETY: the memory is not used.
        assert_eq!(unsafe { libc::munmap(self.0, self.1) }, 0);
    }
}

#[test]
#[cfg_attr(target_pointer_width = "32", ignore = "their stacks take gigabytes")]
fn goroutines_wait_while_there_are_too_few() {
    if limit() <= MOST {
        alone(&[], || assert_goroutines_wait_for_mappings(|| ()));
    }
}

/// Without files the process cannot count its mappings.
#[test]
#[cfg_attr(target_pointer_width = "32", ignore = "their stacks take gigabytes")]
fn goroutines_wait_while_there_are_too_few_and_no_files() {
    if limit() <= MOST {
        alone(&[], || assert_goroutines_wait_for_mappings(open_no_more));
    }
}

fn open_no_more() {
    let none = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `none` is valid for reads.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &none) }, 0);
}

fn assert_goroutines_wait_for_mappings(prepare: fn()) {
    let taken = Taken::but(LEFT);
    prepare();
    let (gate, begun, ended) = (WaitGroup::new(), WaitGroup::new(), WaitGroup::new());
    gate.add(1);
    begun.add(N as isize);
    let running = Arc::new(AtomicUsize::new(0));
    for _ in 0..N {
        let (gate, begun, ended) = (gate.clone(), begun.clone(), ended.clone());
        let running = Arc::clone(&running);
        ended.add(1);
        drop(go(move || {
            running.fetch_add(1, SeqCst);
            begun.done();
            gate.wait();
            ended.done();
        }));
    }
    assert!(!begun.wait_timeout(Duration::from_secs(3)));
    println!(
        "{} of {N} run, on {} workers",
        running.load(SeqCst),
        num_workers()
    );
    assert_eq!(num_goroutines(), N);
    // Other code can still map memory and start a thread.
    thread::spawn(|| ()).join().unwrap();
    drop(taken);
    // No thread queues a goroutine any more, so the monitor must try again.
    assert!(begun.wait_timeout(LIMIT));
    gate.done();
    assert!(ended.wait_timeout(LIMIT));
}

/// The first lock that is read often starts a short-lived thread.
#[test]
fn a_lock_that_is_read_often_goes_on_while_there_are_too_few() {
    const LEFT: &str = "GOSYNC_TEST_LEFT";
    const READS: usize = 10_000;

    if limit() > MOST {
        return;
    }
    // Otherwise this thread's memory comes from new mappings, too, and the test ends because it cannot
    // get any.
    let one_arena = ("GLIBC_TUNABLES", "glibc.malloc.arena_max=1");
    for left in [1, 3, 120, 140] {
        alone(&[one_arena, (LEFT, &left.to_string())], || {
            let left = env::var(LEFT).unwrap().parse().unwrap();
            let taken = Taken::but(left);
            let lock = RWMutex::new(0);
            for _ in 0..READS {
                assert_eq!(*lock.rlock(), 0);
            }
            // Gives that thread time to go wrong.
            thread::sleep(Duration::from_millis(10));
            drop(taken);
            *lock.lock() += 1;
            assert_eq!(*lock.rlock(), 1);
        });
    }
}
