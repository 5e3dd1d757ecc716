//! The stack that is left for a goroutine, wherever it runs.

use super::child::alone;
use crate::support::Ended;
use gosync::go;
use std::hint::black_box;
use std::{ptr, thread};

/// The stack that the documentation promises a goroutine, and the part that may be used before its first
/// frame, in bytes.
const PROMISE: usize = 1536 << 10;
const FRAMES: usize = 16 << 10;

/// With one processor a joiner almost always gets to a goroutine before a worker does.
const ONE_PROCESSOR: &[(&str, &str)] = &[("GOSYNC_MAXPROCS", "1")];

/// Calls `f` when the current thread has used `bytes` more of its stack.
pub fn below<T>(bytes: usize, f: impl FnOnce() -> T) -> T {
    fn descend<T>(top: usize, bytes: usize, f: impl FnOnce() -> T) -> T {
        let frame = black_box([1_u8; 4096]);
        let used = top - frame.as_ptr().addr();
        let result = if used < bytes {
            descend(top, bytes, f)
        } else {
            f()
        };
        black_box(&frame);
        result
    }

    let top = 0_u8;
    descend(ptr::from_ref(&top).addr(), bytes, f)
}

/// Starts goroutines that use all of the promised stack, and joins them at ever greater depth of the
/// current stack.
fn join_at_every_depth(size: usize) {
    for depth in (0..size).step_by(64 << 10) {
        below(depth, || {
            let greedy = go(|| below(PROMISE - FRAMES, || 1));
            assert_eq!(greedy.join().unwrap(), 1);
        });
    }
}

#[test]
fn a_goroutine_has_what_is_promised_on_top_of_another_one() {
    alone(ONE_PROCESSOR, || {
        go(|| join_at_every_depth(PROMISE - 2 * FRAMES))
            .ended()
            .join()
            .unwrap();
    });
}

#[test]
fn a_goroutine_has_what_is_promised_on_a_thread_that_joins_it() {
    alone(ONE_PROCESSOR, || {
        for size in [256 << 10, 2 << 20, 8 << 20] {
            let thread = thread::Builder::new().stack_size(size);
            let thread = thread.spawn(move || join_at_every_depth(size - (64 << 10)));
            thread.unwrap().join().unwrap();
        }
    });
}

/// A joiner that has room on its stack helps. A thread with std's usual stack has room near the base,
/// and a worker even on top of a goroutine that has used all that is promised.
#[test]
#[cfg_attr(not(any(target_os = "linux", target_os = "macos", windows)), ignore)]
fn a_joiner_helps_where_there_is_room() {
    fn helps() -> bool {
        let me = thread::current().id();
        let is_here = move || thread::current().id() == me;
        (0..1000).any(|_| go(is_here).join().unwrap())
    }

    alone(ONE_PROCESSOR, || {
        let std_thread = thread::Builder::new().stack_size(2 << 20);
        let helped = std_thread.spawn(|| (helps(), below(1 << 20, helps)));
        assert_eq!(helped.unwrap().join().unwrap(), (true, false));
        let helped = go(|| below(PROMISE, helps)).ended();
        assert!(helped.join().unwrap());
    });
}

// The crate libc does not declare `makecontext` for every CPU.
#[cfg(all(
    target_os = "linux",
    target_env = "gnu",
    not(any(target_arch = "arm", target_arch = "riscv64"))
))]
mod hand_made {
    use super::*;
    use gosync::{WaitGroup, scope};
    use std::cell::Cell;
    use std::mem::MaybeUninit;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

    thread_local! {
        static BODY: Cell<Option<fn()>> = const { Cell::new(None) };
    }

    /// Calls `body` on a stack made of `memory`. `body` must not panic.
    fn run_on(memory: &mut [u8], body: fn()) {
        extern "C" fn begin() {
            BODY.take().unwrap()();
        }

        BODY.set(Some(body));
        let mut here = MaybeUninit::<libc::ucontext_t>::zeroed();
        let mut there = MaybeUninit::<libc::ucontext_t>::zeroed();
        // SAFETY: as makecontext(3) requires, `there` has been written by `getcontext`, its stack and
        // the context that it returns to outlive it, and `begin` takes no arguments.
        unsafe {
            assert_eq!(libc::getcontext(there.as_mut_ptr()), 0);
            let context = &mut *there.as_mut_ptr();
            context.uc_stack.ss_sp = memory.as_mut_ptr().cast();
            context.uc_stack.ss_size = memory.len();
            context.uc_link = here.as_mut_ptr();
            libc::makecontext(context, begin, 0);
            assert_eq!(libc::swapcontext(here.as_mut_ptr(), context), 0);
        }
    }

    static HAS_HELPED: AtomicBool = AtomicBool::new(false);

    fn wait_for_goroutines() {
        let me = thread::current().id();
        let note = move || _ = HAS_HELPED.fetch_or(thread::current().id() == me, SeqCst);
        for _ in 0..200 {
            go(note).join().unwrap();
            let wg = WaitGroup::new();
            wg.go(note);
            wg.wait();
            scope(|s| drop(s.go(note)));
        }
    }

    /// Tries memory above the thread's own stack, and below it.
    #[test]
    fn no_thread_helps_on_a_foreign_stack() {
        alone(ONE_PROCESSOR, || {
            let memory = || vec![0; 256 << 10];
            let before = Arc::new(memory());
            let thread = thread::spawn(move || {
                let mut after = memory();
                let mut before = Arc::into_inner(before).unwrap();
                println!("stacks at {:p}, {:p}, {:p}", &before, &before[0], &after[0]);
                run_on(&mut before, wait_for_goroutines);
                run_on(&mut after, wait_for_goroutines);
                assert!(!HAS_HELPED.load(SeqCst));
                // Back on its own stack the thread helps.
                wait_for_goroutines();
                assert!(HAS_HELPED.load(SeqCst));
            });
            thread.join().unwrap();
        });
    }
}
