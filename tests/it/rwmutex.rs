//! The contract of `RWMutex`, clause by clause.

mod attempts;
mod features;
mod forgotten;
mod hammer;
mod order;
mod release;
mod slots;
mod types;
mod upgrade;
