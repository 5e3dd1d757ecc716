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
//! A goroutine is a closure that a thread runs to its end. About as many goroutines run at a time as there
//! are CPUs. When a goroutine blocks in a lock, a condition variable, a semaphore, a group or a join of this
//! crate, it makes room for another at once. When one blocks in foreign code, a monitor notices, and threads
//! are added until all goroutines have been started. Where foreign code is known to block, say so with
//! [`block_in_place()`] or [`sleep`]. When a goroutine has computed for ten milliseconds, another one gets to
//! run too, as in Go. So a goroutine may do whatever a thread may.
//!
//! A goroutine that blocks keeps its thread, so as many goroutines may block at a time as the system has
//! threads for. Below that limit there is no number at which they would wait for each other. At the limit,
//! further goroutines wait until a blocked one continues or the limit is raised; nothing is lost. On Linux
//! the limit is the least of `RLIMIT_NPROC`, `kernel.threads-max` and `kernel.pid_max`, the control group's
//! `pids.max`, the memory, and `vm.max_map_count`. A thread takes four mappings, and a sixteenth of the limit
//! on mappings is left to the rest of the program, so the usual 65,530 are enough for 15,000 blocked
//! goroutines.
//!
//! Wherever it runs, a goroutine has at least `GOSYNC_STACK_SIZE` of stack available, for the values it
//! captures and for its frames.
//!
//! A thread that waits for goroutines with [`WaitGroup::wait`], [`scope`] or [`JoinHandle::join`] runs those
//! of them that no thread has started. So a goroutine does not own the thread-local variables it sees, and a
//! thread should not wait while it holds something that these goroutines need.
//!
//! | environment variable | |
//! |---|---|
//! | `GOSYNC_MAXPROCS` | how many goroutines may run at a time; see [`set_max_procs`] |
//! | `GOSYNC_STACK_SIZE` | the stack that each goroutine has available, in bytes; 1.5 MiB if it is not set. A worker's stack is twice that plus half a MiB, so that a goroutine that waits can run others |
//! | `GOSYNC_MEMBARRIER` | `off`: locks never make the system call `membarrier`, nor start a thread for it; see [`disable_membarrier`] |
//!
//! # Where it differs from threads
//!
//! | what differs | what to do |
//! |---|---|
//! | A thread-local variable belongs to the thread. A goroutine may run on the thread that waits for it, even while that thread runs its thread-local destructors. | Hand values to the goroutine, or start a thread. |
//! | A worker that finds nothing to run for 5 seconds ends, and its thread-local variables end with it. | Keep values that must stay in a static. |
//! | A worker inherits the nice value, the scheduling policy and the seccomp filters of the thread that happens to start it. | Call [`init_workers`] early in `main`. |
//! | Linux sends a child process its `PR_SET_PDEATHSIG` when the *thread* that started it ends, and an idle worker ends. | Start such children on a thread that stays, such as the main thread. |
//! | A child of `fork` has one thread, and none of the workers. If the parent had workers, the child panics when it starts a goroutine or joins one that was running, and a group whose goroutines were running never reaches 0. A lock or a group is usable in the child if no other thread used it at the fork. | Fork before the first goroutine, or start the child with [`Command`](std::process::Command). |
//! | Locks and goroutines allocate, and sleep. In a global allocator or in a signal handler they may deadlock or abort; their behaviour is never undefined. | Do not use them there. |
//! | `cargo test` does not capture the output of a goroutine. | Return it through [`JoinHandle::join`], and print it in the test. |
//! | A guard is not `UnwindSafe`, like parking_lot's guards. | Wrap the closure in [`AssertUnwindSafe`](std::panic::AssertUnwindSafe). |
//! | Two copies of this crate in one process, as with a plugin or with two versions, have separate reader slots and separate wait queues. | Never use a lock of one copy through the other: pass functions instead. |
//! | A lock in shared memory neither excludes other processes nor wakes them. | Use a lock of the operating system, such as a file lock. |
//! | The detector of `deadlock_detection` does not see a cycle through a [`WaitGroup`], nor through a lock of parking_lot's unless parking_lot's own feature is on. It does not see a writer that naps, either. After a guard has moved to another thread, it reports deadlocks that do not exist. | Treat its report as a hint. |
//! | Under AddressSanitizer with fake stacks, no thread can tell how much of its stack is left, so a thread that waits runs no goroutines. | Nothing: workers run the goroutines. |
//!
//! # Features
//!
//! * `arc_lock`: guards that own an `Arc` of their lock instead of borrowing it.
//! * `serde`: `Serialize` and `Deserialize` for `Mutex`, `RWMutex` and `RwLock`, by value.
//! * `deadlock_detection`: `gosync::deadlock::check_deadlock`, for debugging: every lock operation does extra
//!   bookkeeping.

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
mod panics;
mod park;
#[cfg(not(gosync_model))]
pub mod porting;
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

/// The crate that defines the guards, and the traits that [`RawMutex`] and [`RawRWMutex`] implement.
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
#[cfg(not(gosync_model))]
pub use panics::abort_on_panic;
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

/// Finds deadlocked threads. This is `parking_lot_core`'s module, which sees gosync's locks too.
///
/// It finds a thread that asks for a second read lock while a writer waits, and cycles over several locks. It
/// is for debugging only: the threads of a reported deadlock never run again.
///
/// The records are kept per thread. A guard that is forgotten, or dropped on another thread than the one that
/// locked, leaves a false record behind. Then a deadlock may be reported that does not exist.
#[cfg(feature = "deadlock_detection")]
pub use parking_lot_core::deadlock;

/// The examples of the README, run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
