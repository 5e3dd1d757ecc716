//! What tests and sweeps build into the locks: a speed, a barrier, a threshold.
//!
//! Only under `--cfg gosync_forced`. Other builds do not read these variables, so nothing in the
//! environment of a user's compiler changes a lock:
//!
//! | in the environment of the compiler | effect |
//! |---|---|
//! | `GOSYNC_SPEED=counted\|slots\|quiet` | every lock goes to that speed at once, and no lock beyond it |
//! | `GOSYNC_BARRIER=fence` | as on a system without `membarrier` |
//! | `GOSYNC_WRITE_PRICE`, `GOSYNC_QUIET_AFTER`, `GOSYNC_ROUNDS` | a number, in place of the threshold; see `cargo xtask sweep` |

#[cfg(gosync_forced)]
macro_rules! knob {
    ($variable:literal) => {
        option_env!($variable)
    };
}

#[cfg(not(gosync_forced))]
macro_rules! knob {
    ($variable:literal) => {
        None::<&str>
    };
}

/// The speeds of a lock; see `readers`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Speed {
    Counted,
    Slots,
    Quiet,
}

/// The speed that every lock takes up, if it is forced.
pub(crate) const SPEED: Option<Speed> = match knob!("GOSYNC_SPEED") {
    None => None,
    Some(name) => match name.as_bytes() {
        b"counted" => Some(Speed::Counted),
        b"slots" => Some(Speed::Slots),
        b"quiet" => Some(Speed::Quiet),
        b"" => None,
        _ => panic!("GOSYNC_SPEED is one of counted, slots and quiet"),
    },
};

/// Whether the process has to do without `membarrier`.
#[cfg(not(gosync_model))]
pub(crate) const FENCES: bool = match knob!("GOSYNC_BARRIER") {
    None => false,
    Some(name) => match name.as_bytes() {
        b"fence" => true,
        b"" => false,
        _ => panic!("GOSYNC_BARRIER can be fence"),
    },
};

/// In place of `readers::WRITE_PRICE`.
pub(crate) const WRITE_PRICE: Option<u32> = number(knob!("GOSYNC_WRITE_PRICE"));

/// In place of what `barrier::quiet_after` has measured.
#[cfg(not(gosync_model))]
pub(crate) const QUIET_AFTER: Option<u32> = number(knob!("GOSYNC_QUIET_AFTER"));

/// In place of `park::Patience::ROUNDS`.
#[cfg(not(gosync_model))]
pub(crate) const ROUNDS: Option<u32> = number(knob!("GOSYNC_ROUNDS"));

const fn number(text: Option<&str>) -> Option<u32> {
    match text {
        None => None,
        Some(text) => match u32::from_str_radix(text, 10) {
            Ok(number) => Some(number),
            Err(_) => panic!("a threshold is a number"),
        },
    }
}

#[cfg(all(test, not(gosync_model)))]
mod tests {
    use super::SPEED;
    use std::env;

    /// A run that is meant to be forced, but was built without the cfg, would look like success.
    #[test]
    fn a_build_is_forced_if_it_is_meant_to_be() {
        let wanted = env::var("GOSYNC_SPEED").unwrap_or_default();
        let forced = SPEED.map(|speed| format!("{speed:?}").to_lowercase());
        assert_eq!(
            forced.unwrap_or_default(),
            wanted,
            "GOSYNC_SPEED counts under `--cfg gosync_forced` only"
        );
    }
}
