//! Go's sync primitives for Rust.
//!
//! | Go | here |
//! |---|---|
//! | `sync.RWMutex` | [`RWMutex`], or [`RwLock`] with `parking_lot`'s names |
//! | `sync.WaitGroup` | [`WaitGroup`] |
//! | `go f(x)` | [`go!`], [`go`](fn@go), [`scope`] |

#[cfg(doctest)]
mod compile_fail;
#[cfg(not(gosync_loom))]
mod go;
#[cfg(not(gosync_loom))]
mod go_macro;
#[cfg(gosync_loom)]
mod models;
mod park;
mod primitive;
mod raw_rwmutex;
mod raw_wait_group;
#[cfg(not(gosync_loom))]
mod rwmutex;
mod task;
mod wait_group;
#[cfg(not(gosync_loom))]
mod workers;

#[cfg(not(gosync_loom))]
pub use go::{JoinHandle, Scope, ScopedJoinHandle, go, scope};
pub use raw_rwmutex::RawRWMutex;
#[cfg(not(gosync_loom))]
pub use rwmutex::{
    MappedRWMutexReadGuard, MappedRWMutexWriteGuard, RWMutex, RWMutexReadGuard, RWMutexWriteGuard,
    RwLock,
};
#[cfg(all(feature = "arc_lock", not(gosync_loom)))]
pub use rwmutex::{ArcRWMutexReadGuard, ArcRWMutexWriteGuard};
pub use wait_group::WaitGroup;

/// Finds deadlocked threads, with the feature `deadlock_detection`; `parking_lot_core`'s module.
#[cfg(feature = "deadlock_detection")]
pub use parking_lot_core::deadlock;
