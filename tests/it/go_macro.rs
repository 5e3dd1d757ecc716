//! The `go!` macro: what it accepts, and which parts run where.

mod forms;
mod fragments;
mod hygiene;
mod lints;
mod order;
mod panics;
mod types;
