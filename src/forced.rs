//! Settings that tests and sweeps force upon the locks of a process: a speed, a barrier, a threshold.
//!
//! They exist only under `--cfg gosync_forced`. Other builds do not read these variables, so nothing in a
//! user's environment changes a lock:
//!
//! | in the environment | effect |
//! |---|---|
//! | `GOSYNC_SPEED=counted\|slots\|quiet` | every lock goes to that speed at once, and not beyond it |
//! | `GOSYNC_BARRIER=fence` | locks do without `membarrier`, as on a system that lacks it |
//! | `GOSYNC_WRITE_PRICE`, `GOSYNC_QUIET_AFTER`, `GOSYNC_ROUNDS` | a number replaces the threshold; see `cargo xtask sweep` |
//!
//! A process reads them once, so one build serves every run.
#![cfg_attr(
    gosync_model,
    allow(dead_code, reason = "models have their own barriers and do not spin")
)]

use crate::speed::Speed;
use std::env::{self, VarError};
use std::sync::OnceLock;

#[derive(Clone, Copy, Default)]
struct Forced {
    speed: Option<Speed>,
    fences: bool,
    write_price: Option<u32>,
    quiet_after: Option<u32>,
    rounds: Option<u32>,
}

#[inline]
fn forced() -> Forced {
    static FORCED: OnceLock<Forced> = OnceLock::new();
    if cfg!(gosync_forced) {
        *FORCED.get_or_init(Forced::read)
    } else {
        Forced::default()
    }
}

impl Forced {
    #[cold]
    fn read() -> Self {
        Self {
            speed: match &*variable("GOSYNC_SPEED") {
                "counted" => Some(Speed::Counted),
                "slots" => Some(Speed::Slots),
                "quiet" => Some(Speed::Quiet),
                "" => None,
                _ => panic!("GOSYNC_SPEED must be counted, slots or quiet"),
            },
            fences: match &*variable("GOSYNC_BARRIER") {
                "fence" => true,
                "" => false,
                _ => panic!("GOSYNC_BARRIER must be fence"),
            },
            write_price: number("GOSYNC_WRITE_PRICE"),
            quiet_after: number("GOSYNC_QUIET_AFTER"),
            rounds: number("GOSYNC_ROUNDS"),
        }
    }
}

fn number(name: &str) -> Option<u32> {
    let text = variable(name);
    let number = || text.parse().expect("a threshold must be a number");
    (!text.is_empty()).then(number)
}

fn variable(name: &str) -> String {
    match env::var(name) {
        Ok(value) => value,
        Err(VarError::NotPresent) => String::new(),
        Err(VarError::NotUnicode(_)) => panic!("{name} is not valid Unicode"),
    }
}

/// Returns the speed that every lock takes up, if one is forced.
#[inline]
pub(crate) fn speed() -> Option<Speed> {
    forced().speed
}

/// Whether the process must do without `membarrier`.
pub(crate) fn fences() -> bool {
    forced().fences
}

/// Returns the price of a write, in units of the credit, that replaces the one from `raw_rwmutex::prices`.
#[inline]
pub(crate) fn write_price() -> Option<u32> {
    forced().write_price
}

/// Returns the number of reads that replaces the one from `raw_rwmutex::prices`.
#[inline]
pub(crate) fn quiet_after() -> Option<u32> {
    forced().quiet_after
}

/// Returns the number of rounds that replaces `spin::SpinBudget::ROUNDS`.
#[inline]
pub(crate) fn rounds() -> Option<u32> {
    forced().rounds
}

#[cfg(all(test, not(gosync_model)))]
mod tests {
    use super::{speed, variable};

    /// Without this test, a run that sets the variables but was built without the cfg would pass and prove
    /// nothing.
    #[test]
    fn a_build_is_forced_if_it_is_meant_to_be() {
        let forced = speed().map(|speed| format!("{speed:?}").to_lowercase());
        assert_eq!(
            forced.unwrap_or_default(),
            variable("GOSYNC_SPEED"),
            "GOSYNC_SPEED takes effect only under `--cfg gosync_forced`"
        );
    }
}
