//! The `go!` macro: what it takes, and what runs where.

mod forms;
mod fragments;
mod hygiene;
mod lints;
mod order;
mod panics;
mod types;
