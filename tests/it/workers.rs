//! The workers: goroutines run whatever other goroutines do. Also what the process is like meanwhile and
//! afterwards.

mod allocators;
mod blocking;
pub mod child;
mod crowds;
mod destructors;
mod ends;
mod fairness;
mod forks;
mod frozen;
mod handing_over;
mod helping;
mod idle;
mod joining;
mod mappings;
mod memory;
mod nesting;
mod origin;
mod panics;
mod refusal;
mod settings;
mod stack;
mod storms;
