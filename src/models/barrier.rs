//! What `crate::barrier` is in the models: fences on both sides, and as dear as the model says.

use super::{PRICE, SPEED, Speed};
use crate::primitive::{Ordering::SeqCst, fence};

/// Which barriers are fences.
pub(crate) fn light() {
    fence(SeqCst);
}

pub(crate) fn heavy() {
    fence(SeqCst);
}

pub(crate) fn is_decided() -> bool {
    SPEED.get() >= Speed::Slots
}

pub(crate) fn is_affordable() -> bool {
    SPEED.get() >= Speed::Quiet
}

pub(crate) fn quiet_after() -> u32 {
    1
}

pub(crate) fn price() -> u64 {
    PRICE.get()
}
