//! Goroutines that wait for goroutines, nested very deep.

use super::child::alone;
#[cfg(target_os = "linux")]
use super::frozen::FrozenMonitor;
use crate::support::{Dice, Ended, LIMIT, within};
use gosync::{JoinHandle, WaitGroup, go, num_workers, scope, set_max_procs};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;

const DEPTH: usize = 1000;

#[test]
fn groups_nest_a_thousand_deep() {
    fn nest(depth: usize, ended: &Arc<AtomicUsize>) {
        let wg = WaitGroup::new();
        for _ in 0..2 {
            let ended = Arc::clone(ended);
            wg.go(move || {
                ended.fetch_add(1, SeqCst);
            });
        }
        if depth > 1 {
            let ended = Arc::clone(ended);
            wg.go(move || nest(depth - 1, &ended));
        }
        wg.wait();
        ended.fetch_add(1, SeqCst);
    }

    within(LIMIT, || {
        let ended = Arc::new(AtomicUsize::new(0));
        nest(DEPTH, &ended);
        assert_eq!(ended.load(SeqCst), 3 * DEPTH);
    });
}

#[test]
fn scopes_nest_a_thousand_deep() {
    fn nest(depth: usize) -> usize {
        let below = AtomicUsize::new(0);
        scope(|s| {
            s.go(|| below.fetch_add(1, SeqCst));
            if depth > 1 {
                s.go(|| below.fetch_add(nest(depth - 1), SeqCst));
            }
        });
        below.into_inner()
    }

    within(LIMIT, || assert_eq!(nest(DEPTH), DEPTH));
}

/// Chains of goroutines, each of which joins the one before. If a joiner always ran what it joins on its
/// own stack, the calls would nest as deep as the chain is long.
mod chains {
    use super::*;

    const LENGTH: usize = 100_000;

    fn chain() -> JoinHandle<usize> {
        let mut last = go(|| 1);
        for _ in 1..LENGTH {
            last = go(move || last.join().unwrap() + 1);
        }
        last
    }

    /// Like `chain`, but each goroutine starts the next one.
    fn descend(rest: usize) -> usize {
        match rest {
            1 => 1,
            _ => go(move || descend(rest - 1)).join().unwrap() + 1,
        }
    }

    #[test]
    fn a_thread_joins_a_chain() {
        within(LIMIT, || assert_eq!(chain().join().unwrap(), LENGTH));
    }

    #[test]
    #[cfg_attr(not(any(target_os = "linux", target_os = "macos", windows)), ignore)]
    fn a_thread_with_a_small_stack_joins_a_chain() {
        within(LIMIT, || {
            let small = thread::Builder::new().stack_size(128 << 10);
            let thread = small.spawn(|| chain().join().unwrap()).unwrap();
            assert_eq!(thread.join().unwrap(), LENGTH);
        });
    }

    #[test]
    #[cfg_attr(not(any(target_os = "linux", target_os = "macos", windows)), ignore)]
    fn a_worker_joins_a_chain() {
        within(LIMIT, || {
            let worker = go(|| chain().join().unwrap()).ended();
            assert_eq!(worker.join().unwrap(), LENGTH);
        });
    }

    #[test]
    #[cfg_attr(not(any(target_os = "linux", target_os = "macos", windows)), ignore)]
    fn each_goroutine_starts_the_next_and_joins_it() {
        within(LIMIT, || assert_eq!(descend(LENGTH), LENGTH));
    }
}

/// Joiners run what they join, so waiting goroutines do not take a thread each.
mod fork_join {
    use super::*;

    /// Far more threads than are needed, and far fewer than there are goroutines.
    const MANY: usize = 40;

    /// Asserts that `body` takes few threads. Must be called in a separate process.
    ///
    /// The monitor is frozen if possible, since it would add threads for goroutines that get no CPU for
    /// a while.
    #[track_caller]
    fn assert_takes_few_threads(body: impl FnOnce()) {
        #[cfg(target_os = "linux")]
        let _frozen = FrozenMonitor::new();
        body();
        println!("{} workers", num_workers());
        assert!(num_workers() <= MANY + set_max_procs(0));
    }

    fn fib(n: u64) -> u64 {
        if n < 2 {
            return n;
        }
        let other = go(move || fib(n - 2));
        fib(n - 1) + other.join().unwrap()
    }

    #[test]
    #[cfg_attr(not(any(target_os = "linux", target_os = "macos", windows)), ignore)]
    fn fib_takes_few_threads() {
        alone(&[], || {
            assert_takes_few_threads(|| assert_eq!(fib(20), 6765));
        });
    }

    #[test]
    #[cfg_attr(not(any(target_os = "linux", target_os = "macos", windows)), ignore)]
    fn fib_within_a_goroutine_takes_few_threads() {
        alone(&[], || {
            assert_takes_few_threads(|| {
                assert_eq!(go(|| fib(20)).ended().join().unwrap(), 6765);
            });
        });
    }

    fn quicksort(items: &mut [u32]) {
        /// Slices up to this length are not worth a goroutine.
        const SMALL: usize = 500;

        if items.len() <= SMALL {
            items.sort_unstable();
            return;
        }
        let pivot = items[items.len() / 2];
        let (left, middle) = partition(items, pivot);
        let (left, rest) = items.split_at_mut(left);
        let right = &mut rest[middle..];
        scope(|s| {
            s.go(|| quicksort(left));
            quicksort(right);
        });
    }

    /// Returns how many items are less than the pivot, and how many equal it.
    fn partition(items: &mut [u32], pivot: u32) -> (usize, usize) {
        let (mut less, mut next, mut greater) = (0, 0, items.len());
        while next < greater {
            if items[next] < pivot {
                items.swap(less, next);
                less += 1;
                next += 1;
            } else if items[next] > pivot {
                greater -= 1;
                items.swap(next, greater);
            } else {
                next += 1;
            }
        }
        (less, next - less)
    }

    #[test]
    #[cfg_attr(not(any(target_os = "linux", target_os = "macos", windows)), ignore)]
    fn quicksort_of_a_million_takes_few_threads() {
        alone(&[], || {
            let mut dice = Dice::new(7);
            let items: Vec<_> = (0..1_000_000).map(|_| dice.roll(1 << 32) as u32).collect();
            let mut sorted = items.clone();
            assert_takes_few_threads(|| quicksort(&mut sorted));
            assert!(sorted.is_sorted());
            let sum = |items: &[u32]| items.iter().map(|n| u64::from(*n)).sum::<u64>();
            assert_eq!(sum(&sorted), sum(&items));
        });
    }
}
