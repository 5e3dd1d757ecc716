//! `crate::raw_rwmutex::prices` in the models, which set the prices. A sample fills the credit, and each read
//! that a writer finds noted saves one unit.

use super::Model;
use crate::speed::Speed;

/// More than the credit can hold.
const HUGE: u64 = u64::MAX / 4;

/// Returns the usual price. A shuttle model may have random prices instead: see `Model::any_prices`.
#[cfg(gosync_loom)]
fn price(usual: u64) -> u64 {
    usual
}

#[cfg(gosync_shuttle)]
fn price(usual: u64) -> u64 {
    use shuttle::rand::{Rng, thread_rng};

    const PRICES: [u64; 5] = [0, 1, 7, 1000, HUGE];
    match Model::current().any_prices {
        true => PRICES[thread_rng().gen_range(0..PRICES.len())],
        false => usual,
    }
}

pub(crate) fn measure() {}

pub(crate) fn sample_credit() -> u64 {
    match Model::current().limit {
        Speed::Counted => 0,
        _ => price(HUGE),
    }
}

pub(crate) fn shared_sample_credit() -> u64 {
    sample_credit()
}

pub(crate) fn collision_credit() -> u64 {
    price(0)
}

pub(crate) fn saved_credit(reads: u64) -> u64 {
    price(reads)
}

pub(crate) fn write_price(_: u64) -> u64 {
    price(7)
}

pub(crate) fn enough_for_slots() -> u64 {
    price(HUGE)
}

pub(crate) fn barrier_price() -> u64 {
    price(Model::current().price)
}

pub(crate) fn quiet_after() -> u32 {
    match Model::current().limit {
        Speed::Quiet => price(0).try_into().unwrap_or(u32::MAX),
        _ => u32::MAX,
    }
}
