//! What `crate::barrier` is in the models.
//!
//! A checker cannot pass a fence in the middle of another thread. So by default both barriers are
//! fences. That promises more than the real ones do: a light barrier then orders itself with other
//! light ones and with every fence. With [`Barriers::Asymmetric`] each thread has a place of its own
//! where its light barriers meet all heavy ones, and nothing else.

use super::{Barriers, Model};
use crate::primitive::{AtomicUsize, Ordering::AcqRel, Ordering::SeqCst, fence, global, local};
use crate::speed::Speed;
use std::cell::Cell;

/// Loom takes no more threads.
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

/// To be called first in every schedule: whoever creates the places would otherwise synchronize with
/// all who use them later.
#[cfg(all(test, gosync_loom))]
pub(crate) fn touch() {
    TAKEN.set(0);
    let _: &[_] = &*PLACES;
}

pub(crate) fn light() {
    match Model::current().barriers {
        Barriers::Asymmetric => meet(&PLACES[place()]),
        Barriers::Fences if Model::current().limit > Speed::Slots => fence(SeqCst),
        // At *slots* nobody relies on it, and where there are only fences the real one is nothing.
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

/// Whoever comes second has seen all that the first had seen.
fn meet(place: &AtomicUsize) {
    place.fetch_add(0, AcqRel);
}

/// The place of the current thread.
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

/// Uses up one of the model's debts. No thread knows of another by it.
pub(crate) fn is_sleep_affordable() -> bool {
    let mut model = Model::current();
    let is_in_debt = model.debts > 0;
    if is_in_debt {
        model.debts -= 1;
        super::CURRENT.set(model);
    }
    !is_in_debt
}
