//! Memory is given back: that of goroutines, and that of threads that come and go.
//!
//! The global allocator of the tests is defined here.

use super::child::alone;
use crate::support::{LIMIT, holds_within};
use gosync::{WaitGroup, go, scope};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicIsize, Ordering::Relaxed};
use std::time::Duration;
use std::{iter, thread};

/// Counts the bytes in use while a test asks for it.
struct Counting;

static COUNTS: AtomicBool = AtomicBool::new(false);
static BYTES: AtomicIsize = AtomicIsize::new(0);

fn count(bytes: isize) {
    if COUNTS.load(Relaxed) {
        BYTES.fetch_add(bytes, Relaxed);
    }
}

thread_local! {
    static AT_NEXT_FREE: Cell<Option<fn()>> = const { Cell::new(None) };
}

/// Makes the current thread call `f` the next time that it frees memory.
#[cfg(target_os = "linux")]
pub fn call_at_next_free(f: Option<fn()>) {
    AT_NEXT_FREE.set(f);
}

// SAFETY: the system's allocator does all the work. Counting needs no memory, and the functions that
// tests have called do not unwind.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller upholds the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        if let Some(f) = AT_NEXT_FREE.take() {
            f();
        }
        // SAFETY: the caller upholds the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Returns how many more bytes are in use than when the counting began.
fn bytes() -> isize {
    BYTES.load(Relaxed)
}

/// Asserts that `round` leaves nothing behind, however often it is repeated. `dust` is the number of
/// bytes per round that do not matter.
///
/// Memory that is taken once is not a leak: for example a table that grows with the number of threads,
/// or what crossbeam_epoch keeps of threads that have ended and of queues that have grown, until a
/// thread steals again. So only growth in every attempt counts as a leak.
#[track_caller]
fn assert_leaves_nothing(rounds: isize, dust: isize, round: impl Fn()) {
    const ATTEMPTS: usize = 4;

    let growth = || {
        let before = bytes();
        (0..rounds).for_each(|_| round());
        let growth = || bytes() - before;
        // Some goroutines may not have ended yet. Others have been joined, but stay queued until a
        // worker sees them.
        holds_within(Duration::from_secs(2), || growth() < rounds * dust);
        println!("{} bytes more after {rounds} rounds", growth());
        growth()
    };
    COUNTS.store(true, Relaxed);
    (0..3).for_each(|_| round());
    let growths = iter::repeat_with(growth).take(ATTEMPTS);
    let growths: Vec<_> = growths.take_while(|n| *n >= rounds * dust).collect();
    assert!(
        growths.len() < ATTEMPTS,
        "{growths:?} bytes more after {rounds} rounds each time"
    );
}

const GOROUTINES: usize = 20_000;
/// What each goroutine captures.
type Ballast = [u8; 200];

fn ballast() -> Ballast {
    black_box([1; _])
}

#[test]
fn of_goroutines_returns_when_they_have_ended() {
    alone(&[], || {
        let all = (GOROUTINES * size_of::<Ballast>()) as isize;
        assert_leaves_nothing(10, all / 20, || {
            let (detached, members) = (WaitGroup::new(), WaitGroup::new());
            detached.add(GOROUTINES as isize);
            for _ in 0..GOROUTINES {
                let (group, ballast) = (detached.clone(), ballast());
                drop(go(move || {
                    black_box(ballast);
                    group.done();
                }));
                let ballast = self::ballast();
                members.go(move || {
                    black_box(ballast);
                });
            }
            detached.wait();
            members.wait();
            scope(|s| {
                for _ in 0..GOROUTINES {
                    let ballast = ballast();
                    s.go(move || black_box(ballast));
                }
            });
        });
    });
}

#[test]
fn of_goroutines_that_are_joined_returns() {
    alone(&[], || {
        let all = (GOROUTINES * size_of::<Ballast>()) as isize;
        assert_leaves_nothing(10, all / 20, || {
            let handles: Vec<_> = (0..GOROUTINES)
                .map(|_| {
                    let ballast = ballast();
                    go(move || black_box(ballast))
                })
                .collect();
            assert!(bytes() > all);
            for (i, handle) in handles.into_iter().enumerate() {
                // Half of the handles are dropped without a join.
                if i % 2 == 0 {
                    handle.join().unwrap();
                }
            }
        });
    });
}

/// When a thread ends, another thread uses its queue again.
#[test]
fn of_threads_that_come_and_go_returns() {
    const THREADS: usize = 200;

    alone(&[], || {
        // For comparison: a queue alone takes a kilobyte.
        assert_leaves_nothing(10, THREADS as isize * 200, || {
            for _ in 0..THREADS {
                let use_goroutines = || {
                    drop(go(|| ()));
                    go(|| ()).join().unwrap();
                };
                thread::spawn(use_goroutines).join().unwrap();
            }
        });
    });
}

/// When a worker blocks, another worker uses its queue again.
#[test]
fn of_workers_that_block_and_go_on_returns() {
    const WORKERS: usize = 100;

    alone(&[], || {
        assert_leaves_nothing(30, WORKERS as isize * 200, || {
            let (gate, arrived, wg) = (WaitGroup::new(), WaitGroup::new(), WaitGroup::new());
            gate.add(1);
            arrived.add(WORKERS as isize);
            for _ in 0..WORKERS {
                let (gate, arrived) = (gate.clone(), arrived.clone());
                wg.go(move || {
                    arrived.done();
                    gate.wait();
                });
            }
            assert!(arrived.wait_timeout(LIMIT));
            gate.done();
            wg.wait();
        });
    });
}
