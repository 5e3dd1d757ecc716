//! The crate on real threads: the contract clause by clause, Go's own scenarios, fairness, and state
//! machines against reference models.
//!
//! No test asserts that something is fast, only that it happens, or that it does not happen too early.
//! Where a bound is the point, it is generous, and the test prints the measured figure.

// The models replace the primitives, so no lock runs on real threads there.
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
// These tests need large numbers of goroutines, which take too long under Miri.
#[cfg(not(miri))]
mod workers;
