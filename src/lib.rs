//! Go's sync primitives for Rust.
//!
//! | Go | here |
//! |---|---|
//! | `sync.RWMutex` | [`RWMutex`], with upgradable reads; [`RwLock`] is the same with `parking_lot`'s names |
//! | `sync.Mutex` | [`Mutex`], with `parking_lot`'s methods |
//! | `sync.Cond` | [`Cond`] |
//! | `sync.WaitGroup` | [`WaitGroup`] |
//! | `go f(x)`, `go func() { … }()` | [`go!`], and [`go`](fn@go), the function behind it |
//! | a function that starts goroutines over its own variables and waits for them | [`scope`] |
//! | `errgroup`, `semaphore` and `singleflight` of golang.org/x/sync | [`errgroup`], [`semaphore`], [`singleflight`] |
//! | `runtime.GOMAXPROCS`, `runtime.NumGoroutine` | [`set_max_procs`], [`num_goroutines`] |
//!
//! # Examples
//!
//! ```
//! use gosync::{RWMutex, WaitGroup};
//! use std::sync::Arc;
//!
//! let wg = WaitGroup::new();
//! let squares = Arc::new(RWMutex::new(vec![]));
//! for i in 0..4 {
//!     let squares = Arc::clone(&squares);
//!     wg.go(move || squares.lock().push(i * i));
//! }
//! wg.wait();
//! assert_eq!(squares.rlock().iter().sum::<i32>(), 14);
//! ```
//!
//! # Goroutines
//!
//! A goroutine is a closure that some thread runs to its end. About as many run at a time as there are
//! CPUs. One that blocks in a lock, a condition variable, a semaphore, a group or a join of this crate makes room
//! for another at once; one that blocks in foreign code is noticed, and more threads are added until all
//! have been started. Where such code is known to block, [`block_in_place()`] and [`sleep`] say so. One that computes for
//! long is joined by another after ten milliseconds, as in Go. So a goroutine may do whatever a thread may.
//!
//! A goroutine that blocks keeps a thread, so as many may block at a time as the system has threads for.
//! There is no lower limit at which they would wait for each other. At the system's limit the others wait
//! until one of them goes on or the limit is raised; nothing is lost. On Linux it is the least of
//! `RLIMIT_NPROC`, `kernel.threads-max` and `kernel.pid_max`, the control group's `pids.max`, the memory, and `vm.max_map_count`:
//! a thread takes four mappings, and a sixteenth of the limit is left to the rest of the program, so the
//! usual 65,530 are enough for 15,000 goroutines that block.
//!
//! Wherever it runs, a goroutine has at least `GOSYNC_STACK_SIZE` of stack before it, for what it captures
//! and for its frames.
//!
//! A thread that waits for goroutines with [`WaitGroup::wait`], [`scope`] or [`JoinHandle::join`] runs
//! those of them that nobody has started. So thread-local variables are not a goroutine's own, and one
//! should not wait while it holds what they need.
//!
//! | environment variable | |
//! |---|---|
//! | `GOSYNC_MAXPROCS` | how many may run at a time; see [`set_max_procs`] |
//! | `GOSYNC_STACK_SIZE` | the stack that each goroutine has before it, in bytes; 1.5 MiB if it is not set. A worker has twice as much and half a MiB, so that a goroutine that waits can run others |
//! | `GOSYNC_MEMBARRIER` | `off`: locks never make the system call `membarrier`, nor start a thread for it; see [`disable_membarrier`] |
//!
//! # Where it differs from threads
//!
//! | what differs | what to do |
//! |---|---|
//! | A thread-local variable belongs to the thread, and a goroutine may run on the thread that waits for it, also while that thread runs its thread-local destructors. | Hand values to the goroutine, or start a thread. |
//! | A worker that finds nothing to run for 5 seconds ends, and its thread-local variables with it. | Keep in a static what has to stay. |
//! | A worker inherits the nice value, the scheduling policy and the seccomp filters of the thread that happens to start it. | Call [`init_workers`] early in `main`. |
//! | Linux sends a child process its `PR_SET_PDEATHSIG` when the *thread* that started it ends, and an idle worker ends. | Start such children on a thread that stays, as `main`. |
//! | A child of `fork` has one thread, and none of the workers. If there were workers before, starting a goroutine panics there, as does joining one that ran; and a group whose goroutines ran never comes to 0. A lock or a group is good there if no other thread used it at the fork. | Fork before the first goroutine, or start the child with [`Command`](std::process::Command). |
//! | Locks and goroutines allocate, and sleep. In a global allocator or in a signal handler they may deadlock or abort; their behaviour is never undefined. | Use none there. |
//! | `cargo test` does not capture what a goroutine prints. | Return it through [`JoinHandle::join`], and print it in the test. |
//! | A guard is not `UnwindSafe`, as parking_lot's are not. | Wrap the closure in [`AssertUnwindSafe`](std::panic::AssertUnwindSafe). |
//! | Two copies of this crate in one process, as in a plugin or in two versions, have two sets of reader slots and two sets of wait queues. | Never use a lock of one copy through the other: hand over functions instead. |
//! | A lock in shared memory does not exclude other processes, nor wake them. | Use a lock of the system, as a file lock. |
//! | The detector of `deadlock_detection` does not see a cycle through a [`WaitGroup`], nor through a lock of parking_lot's unless parking_lot's own feature is on; and it reports deadlocks that are none after a guard has moved to another thread. A writer that naps is in no cycle. | Read its report as a hint. |
//! | Under AddressSanitizer with fake stacks nobody knows how much of a stack is left, so a thread that waits does not help. | Nothing: workers run the goroutines. |
//!
//! # Features
//!
//! * `arc_lock`: guards that own an `Arc` of their lock instead of borrowing it.
//! * `serde`: `Serialize` and `Deserialize` for `Mutex`, `RWMutex` and `RwLock`, by value.
//! * `deadlock_detection`: `gosync::deadlock::check_deadlock`, for debugging: every call keeps books.

#![cfg_attr(
    gosync_shuttle,
    allow(dead_code, reason = "loom's models use what shuttle's do not")
)]

mod barrier;
#[cfg(not(gosync_model))]
mod block_in_place;
#[cfg(doctest)]
mod compile_fail;
#[cfg(not(gosync_model))]
mod cond;
mod deque;
pub mod errgroup;
mod forced;
#[cfg(not(gosync_model))]
mod go;
#[cfg(not(gosync_model))]
mod go_macro;
#[cfg(not(gosync_model))]
mod limits;
#[cfg(gosync_model)]
mod models;
#[cfg(not(gosync_model))]
mod mutex;
mod park;
mod primitive;
mod raw_cond;
mod raw_mutex;
mod raw_rwmutex;
mod raw_wait_group;
mod readers;
#[cfg(not(gosync_model))]
mod runtime;
#[cfg(not(gosync_model))]
mod rwmutex;
mod segmented_vec;
pub mod semaphore;
pub mod singleflight;
mod sleeper;
mod speed;
mod spin;
mod task;
mod wait_group;
mod workers;

/// The crate of the guards, and of the traits that [`RawMutex`] and [`RawRWMutex`] implement.
pub use lock_api;

#[cfg(not(gosync_model))]
pub use block_in_place::{block_in_place, sleep};
#[cfg(not(gosync_model))]
pub use cond::{Cond, CondGuard};
#[cfg(not(gosync_model))]
pub use go::{JoinHandle, Scope, ScopedJoinHandle, go, scope};
#[cfg(gosync_model)]
use models::faces::{Cond, Mutex};
#[cfg(all(feature = "arc_lock", not(gosync_model)))]
pub use mutex::ArcMutexGuard;
#[cfg(not(gosync_model))]
pub use mutex::{MappedMutexGuard, Mutex, MutexGuard};
pub use raw_mutex::RawMutex;
pub use raw_rwmutex::RawRWMutex;
#[cfg(not(gosync_model))]
pub use runtime::{disable_membarrier, init_workers, num_goroutines, num_workers, set_max_procs};
#[cfg(all(feature = "arc_lock", not(gosync_model)))]
pub use rwmutex::{ArcRWMutexReadGuard, ArcRWMutexUpgradableReadGuard, ArcRWMutexWriteGuard};
#[cfg(not(gosync_model))]
pub use rwmutex::{
    MappedRWMutexReadGuard, MappedRWMutexWriteGuard, RWMutex, RWMutexReadGuard,
    RWMutexUpgradableReadGuard, RWMutexWriteGuard,
};
#[cfg(not(gosync_model))]
pub use rwmutex::{
    MappedRwLockReadGuard, MappedRwLockWriteGuard, RwLock, RwLockReadGuard,
    RwLockUpgradableReadGuard, RwLockWriteGuard,
};
pub use wait_group::WaitGroup;

/// Finds deadlocked threads: `parking_lot_core`'s module, which sees gosync's locks too.
///
/// A thread that asks for a second read lock while a writer waits is found, and so are cycles over
/// several locks. For debugging only: the threads of a deadlock that is reported never run again.
///
/// The books are kept by thread. A guard that is forgotten, or is dropped on another thread than the
/// one that locked, leaves a false record behind, from which a deadlock may be reported that is none.
#[cfg(feature = "deadlock_detection")]
pub use parking_lot_core::deadlock;

/// The examples of the README, run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
