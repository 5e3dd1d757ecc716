//! `crate::barrier` in the models.
//!
//! A checker cannot make another thread pass a fence. So by default both barriers are fences, which promise
//! more than the real barriers do: a light barrier is then also ordered with other light ones and with every
//! fence. With [`Barriers::Asymmetric`] each thread has its own atomic, a *place*. A light barrier meets
//! heavy ones there, and nothing else.

use super::{Barriers, Model};
use crate::primitive::{AtomicUsize, Ordering::AcqRel, Ordering::SeqCst, fence, global, local};
use crate::speed::Speed;
use std::cell::Cell;

/// The most threads that loom supports.
const THREADS: usize = 5;

global! {
    static PLACES: [AtomicUsize; THREADS] = std::array::from_fn(|_| AtomicUsize::new(0));
}

local! {
    static PLACE: Cell<Option<usize>> = Cell::new(None);
}

thread_local! {
    static TAKEN: Cell<usize> = const { Cell::new(0) };
}

/// Creates the places. Must be called first in every schedule: otherwise the first thread to use them would
/// create them, and so synchronize with every thread that uses them later.
#[cfg(all(test, gosync_loom))]
pub(crate) fn touch() {
    TAKEN.set(0);
    let _: &[_] = &*PLACES;
}

pub(crate) fn light() {
    match Model::current().barriers {
        Barriers::Asymmetric => meet(&PLACES[place()]),
        Barriers::Fences if Model::current().limit > Speed::Slots => fence(SeqCst),
        // No fence: at *slots* nothing relies on it, and the real light barrier of a process without heavy
        // ones does nothing, either.
        Barriers::Fences => {}
    }
}

pub(crate) fn heavy() {
    fence(SeqCst);
    if Model::current().barriers == Barriers::Asymmetric {
        PLACES.iter().for_each(meet);
    }
}

pub(crate) fn after_update() {
    fence(SeqCst);
}

/// Orders this barrier with the others at `place`: of two, the second sees all that the first had seen.
fn meet(place: &AtomicUsize) {
    place.fetch_add(0, AcqRel);
}

/// Returns the index of the current thread's place.
fn place() -> usize {
    PLACE.with(|place| {
        place.get().unwrap_or_else(|| {
            let mine = TAKEN.replace(TAKEN.get() + 1);
            place.set(Some(mine));
            mine
        })
    })
}

pub(crate) fn is_asymmetric() -> bool {
    Model::current().barriers == Barriers::Asymmetric
}

pub(crate) fn ensure_decided(_: fn()) -> bool {
    Model::current().limit >= Speed::Slots
}

pub(crate) fn is_affordable() -> bool {
    true
}

/// Uses up one of the model's debts, if there are any. The checker does not see this, so it orders nothing.
pub(crate) fn is_sleep_affordable() -> bool {
    let mut model = Model::current();
    let is_in_debt = model.debts > 0;
    if is_in_debt {
        model.debts -= 1;
        super::CURRENT.set(model);
    }
    !is_in_debt
}
