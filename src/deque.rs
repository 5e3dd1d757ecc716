//! The queues of goroutines: a deque that its owner uses at one end and thieves at the other, and a
//! queue for everybody.
//!
//! The only file that names `crossbeam_deque`, or under `--cfg gosync_model` its model. The contract:
//!
//! * What is pushed is popped or stolen once.
//! * What happens before a push happens before the pop or steal of what was pushed.
//! * A look, be it `steal`, `len` or `is_empty`, that comes after a `fence(SeqCst)` sees what was pushed
//!   before a `fence(SeqCst)` that comes first. Without the fences it may not.
//! * What a thief takes besides what it is given is in no queue, for a moment, on its way to the thief's
//!   own.

#[cfg(not(gosync_model))]
pub(crate) use crossbeam_deque::{Injector, Steal, Stealer, Worker};

#[cfg(gosync_model)]
pub(crate) use crate::models::deque::*;
