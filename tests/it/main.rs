//! The crate on real threads: its contract clause by clause, Go's own scenarios, fairness, and
//! state machines against reference models.
//!
//! Nothing here asserts that something is fast, only that it happens, or that it does not happen
//! before its time. Where a bound is the point, it is generous, and the measured figure is printed.

// Under the models there is no lock over real threads.
#![cfg(not(gosync_model))]

mod cond;
mod errgroup;
mod fairness;
mod go_macro;
mod goroutines;
#[cfg(all(target_os = "linux", not(miri)))]
mod membarrier;
mod mutex;
mod mutex_model;
mod rwmutex;
mod rwmutex_go;
mod rwmutex_model;
mod semaphore;
mod semaphore_model;
mod singleflight;
mod support;
mod wait_group;
mod wait_group_model;
// Sizes are the point here.
#[cfg(not(miri))]
mod workers;
