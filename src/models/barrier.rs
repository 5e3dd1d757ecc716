//! What `crate::barrier` is under loom: fences on both sides, and as dear as the model says.
//!
//! Loom cannot pass a fence in the middle of another thread. So the light barrier is a fence as well,
//! which promises more than the real one: two light barriers order each other. A model that shall not
//! rely on that lets some readers skip theirs.

use super::Model;
use crate::forced::Speed;
use crate::primitive::{Ordering::SeqCst, fence};
use std::cell::Cell;

loom::thread_local! {
    static SKIPS: Cell<bool> = Cell::new(false);
}

pub(crate) fn light() {
    if !SKIPS.with(|skips| skips.replace(false)) {
        fence(SeqCst);
    }
}

/// The next light barrier of the current thread is none.
#[cfg(test)]
pub(crate) fn skip_next_light() {
    SKIPS.with(|skips| skips.set(true));
}

pub(crate) fn heavy() {
    fence(SeqCst);
}

pub(crate) fn is_decided() -> bool {
    Model::current().limit >= Speed::Slots
}

pub(crate) fn is_affordable() -> bool {
    Model::current().limit >= Speed::Quiet
}

pub(crate) fn quiet_after() -> u32 {
    1
}

pub(crate) fn price() -> u64 {
    0
}
