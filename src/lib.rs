//! Go's sync primitives for Rust: [`RWMutex`], [`Mutex`], [`Cond`] and [`WaitGroup`]; goroutines with [`go!`];
//! and [`errgroup`], [`semaphore`] and [`singleflight`] of golang.org/x/sync.
//!
//! Where reads dominate, a read of an `RWMutex` needs no atomic read-modify-write. A goroutine costs less to
//! start than in Go, and may block in any code. If you come from Go, read [the porting guide](porting).
//!
//! ```
//! use gosync::{RWMutex, WaitGroup, go};
//! use std::collections::HashMap;
//! use std::sync::Arc;
//!
//! let wg = WaitGroup::new();
//! let lengths = Arc::new(RWMutex::new(HashMap::new()));
//! for word in ["go", "rust", "gopher"] {
//!     let lengths = Arc::clone(&lengths);
//!     wg.go(move || {
//!         lengths.lock().insert(word, word.len());
//!     });
//! }
//! wg.wait();
//! assert_eq!(lengths.rlock()["gopher"], 6);
//!
//! // As in Go, the arguments are evaluated here. The goroutine calls `usize::pow`.
//! let square = go!(usize::pow(lengths.rlock().len(), 2));
//! assert_eq!(square.join().unwrap(), 9);
//! ```
//!
//! | Go | here |
//! |---|---|
//! | `sync.RWMutex`, `sync.Mutex` | [`RWMutex`], with upgradable reads, and [`Mutex`]. They hold the data that they protect. [`RwLock`] is `RWMutex` with `parking_lot`'s names |
//! | `sync.Cond`, `sync.WaitGroup` | [`Cond`], [`WaitGroup`] |
//! | `go f(x)`, `go func() { … }()` | [`go!`], and [`go`](fn@go), the function behind it |
//! | a function that starts goroutines over its own variables and waits for them | [`scope`] |
//! | a panic in a goroutine ends the process | After [`abort_on_panic`], too. Otherwise the goroutine ends alone: `join`, `scope` and `errgroup` report its panic; `wg.go` and a dropped handle lose it |
//! | `time.Sleep` | [`sleep`] |
//! | `runtime.GOMAXPROCS`, `runtime.NumGoroutine` | [`set_max_procs`], [`num_goroutines`] |
//! | `errgroup`, `semaphore`, `singleflight` of x/sync | [`errgroup`], [`semaphore`], [`singleflight`] |
//! | channels, `select` | the crate `crossbeam-channel` |
//! | `sync.Once`, `sync.Map`, `sync/atomic` | std's `Once`, `OnceLock` and `LazyLock`; `RWMutex<HashMap<K, V>>`; std's atomics |
//! | contexts, timers, signals, … | [where to get the rest](porting#what-is-here-what-is-not-and-where-to-get-it) |
//!
//! A goroutine that blocks keeps a thread. The search box takes names without the package: `Map`, not
//! `sync.Map`.
//!
//! # Contract
//!
//! * A waiting writer bars later readers. Readers that sleep as a writer unlocks enter before the next writer.
//!   No thread starves.
//! * As in Go, a thread that holds a read lock must not ask for a second one of the same lock: a writer may
//!   have come in between, and then both wait forever.
//! * There is no poisoning. A panic in a critical section unlocks.
//! * Guards may be sent to other threads and dropped there.
//! * A thread that waits for goroutines may run some of them meanwhile. [Goroutines](#goroutines) has the
//!   details.
//!
//! # Limits
//!
//! | limit | figure |
//! |---|---|
//! | a blocked goroutine | keeps one thread, some 10 KiB of memory, and the address space of its stack |
//! | blocked goroutines at a time | as many as the system has threads for: 15,000 with Linux's usual limit on mappings; some hundred where a pointer has 32 bits, since each takes 3.5 MiB of the addresses |
//! | stack of a goroutine | 1.5 MiB; `GOSYNC_STACK_SIZE` changes it |
//! | goroutines that run at a time | the number of CPUs; [`set_max_procs`] changes it |
//! | goroutines that wait to run | memory |
//! | read locks of one `RWMutex` at a time | about 33 million; one more panics |
//!
//! # Platforms
//!
//! Everything works wherever std has threads and 64-bit atomics. Some parts are faster or stricter on some systems:
//!
//! | what | Linux | Windows | macOS | others |
//! |---|---|---|---|---|
//! | reads without a fence | since 4.14, by `membarrier` | by `FlushProcessWriteBuffers`, but not under Wine | no | no |
//! | a thread that waits for goroutines runs them, if it has enough stack for one | yes | yes, but not a main thread of 1 MiB | yes | no |
//! | knows whether a goroutine blocks outside of this crate or computes (elsewhere, others start beside it in both cases) | yes | no | no | no |
//! | the quota of a container limits [`set_max_procs`]'s initial value | yes | no | no | no |
//! | at the limit on memory mappings, goroutines wait instead of aborting the process | yes | no | no | no |
//!
//! The tests pass on Linux with x86-64 (glibc and musl) and x86, with aarch64, armv7, riscv64 and s390x under
//! emulation, and for Windows under Wine, where locks use fences. For macOS, FreeBSD and Android they are only
//! known to compile. `cargo xtask cross --install` in the repository shows all that, and lists the few tests that
//! an emulator or 32 bits have no room for. An emulator on x86-64 does not reorder memory as those CPUs do; the
//! models cover that.
//!
//! On WebAssembly without threads, locks and groups work as long as nothing has to wait. What would have to
//! wait, or to start a goroutine, panics.
//!
//! The minimum Rust version is 1.95.
//!
//! # Features
//!
//! None is on by default.
//!
//! | feature | what |
//! |---|---|
//! | `arc_lock` | guards that own an `Arc` of their lock instead of borrowing it |
//! | `serde` | `Serialize` and `Deserialize` for `Mutex`, `RWMutex` and `RwLock`, by value |
//! | `deadlock_detection` | `gosync::deadlock::check_deadlock`, for debugging: every lock operation does extra bookkeeping |
//!
//! # Goroutines
//!
//! A goroutine is a closure that a thread runs to its end. About as many goroutines run at a time as there
//! are CPUs. When a goroutine blocks in a lock, a condition variable, a semaphore, a group or a join of this
//! crate, it makes room for another at once. When one blocks in anything else (a channel, a socket, a file, a
//! lock of std), a monitor notices, and threads are added until all goroutines have been started. Where code
//! is known to block, say so with [`block_in_place()`] or [`sleep`]. When a goroutine has computed for ten milliseconds, another one gets to
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
//! | environment variable | what it sets |
//! |---|---|
//! | `GOSYNC_MAXPROCS` | how many goroutines may run at a time; see [`set_max_procs`] |
//! | `GOSYNC_STACK_SIZE` | the stack that each goroutine has available, in bytes; 1.5 MiB if it is not set. A worker's stack is twice that plus half a MiB, so that a goroutine that waits can run others |
//! | `GOSYNC_MEMBARRIER` | `off`: locks never make the system call `membarrier` (on Windows `FlushProcessWriteBuffers`), nor start a thread for it; see [`disable_membarrier`] |
//!
//! # Where it differs from threads
//!
//! | what differs | what to do |
//! |---|---|
//! | A thread-local variable belongs to the thread. A goroutine may run on the thread that waits for it, even while that thread runs its thread-local destructors. A `RefCell` in such a variable that is borrowed over the wait makes the goroutine panic. | Hand values to the goroutine, or start a thread. |
//! | A reentrant lock belongs to the thread, too. If it is held over a wait, goroutines that run on that thread get in. | Never hold one over `wait`, `join` or the end of a `scope`. |
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

// Badges for the items of a feature, and none for "not under a model checker".
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(docsrs, doc(auto_cfg(hide(gosync_model, gosync_loom, gosync_shuttle))))]
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
mod platform;
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

// rustdoc 1.95 drops the aliases of items that are re-exported from private modules. So the most
// wanted ones stand here, too.
#[cfg(not(gosync_model))]
#[doc(alias = "Gosched")]
pub use block_in_place::block_in_place;
#[cfg(not(gosync_model))]
pub use block_in_place::sleep;
#[cfg(not(gosync_model))]
pub use cond::{Cond, CondGuard};
#[cfg(not(gosync_model))]
pub use go::{JoinHandle, Scope, ScopedJoinHandle, go, scope};
#[doc(hidden)]
#[cfg(not(gosync_model))]
pub use go_macro::__macro;
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
#[doc(alias = "GOMAXPROCS")]
pub use runtime::set_max_procs;
#[cfg(not(gosync_model))]
pub use runtime::{disable_membarrier, init_workers, num_goroutines, num_workers};
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
