//! The queues of goroutines: a deque that its owner uses at one end and thieves at the other, and a queue for
//! all threads.
//!
//! This is the only file that names `crossbeam_deque`, or, under `--cfg gosync_model`, its model. The
//! contract:
//!
//! * Each item that is pushed is popped or stolen once.
//! * All that happens before a push happens before the pop or steal of the pushed item.
//! * A call of `steal`, `len` or `is_empty` after a `fence(SeqCst)` sees all that was pushed before an
//!   earlier `fence(SeqCst)`. Without the fences it may not.
//! * A thief that steals a batch gets one item, and the others move to its own deque. On their way they are
//!   in no queue for a moment.

#[cfg(not(gosync_model))]
pub(crate) use crossbeam_deque::{Injector, Steal, Stealer, Worker};

#[cfg(gosync_model)]
pub(crate) use crate::models::deque::*;
