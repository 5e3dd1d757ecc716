//! What tests and benches force upon the locks, when the crate is built.
//!
//! `GOSYNC_SPEED=counted|slots|quiet` in the environment of the compiler: no lock goes beyond that
//! speed, and all go there at once. `GOSYNC_BARRIER=fence`: as on a system without `membarrier`. The
//! thresholds that `cargo xtask sweep` tries are numbers: `GOSYNC_WRITE_PRICE`, `GOSYNC_QUIET_AFTER`,
//! `GOSYNC_ROUNDS`.

/// The speeds of a lock; see `readers`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Speed {
    Counted,
    Slots,
    Quiet,
}

/// The speed that every lock takes up, if it is forced.
pub(crate) const SPEED: Option<Speed> = match option_env!("GOSYNC_SPEED") {
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
pub(crate) const FENCES: bool = match option_env!("GOSYNC_BARRIER") {
    None => false,
    Some(name) => match name.as_bytes() {
        b"fence" => true,
        b"" => false,
        _ => panic!("GOSYNC_BARRIER can be fence"),
    },
};

/// In place of `readers::WRITE_PRICE`.
pub(crate) const WRITE_PRICE: Option<u32> = number(option_env!("GOSYNC_WRITE_PRICE"));

/// In place of what `barrier::quiet_after` has measured.
#[cfg(not(gosync_model))]
pub(crate) const QUIET_AFTER: Option<u32> = number(option_env!("GOSYNC_QUIET_AFTER"));

/// In place of `park::Patience::ROUNDS`.
#[cfg(not(gosync_model))]
pub(crate) const ROUNDS: Option<u32> = number(option_env!("GOSYNC_ROUNDS"));

const fn number(text: Option<&str>) -> Option<u32> {
    match text {
        None => None,
        Some(text) => match u32::from_str_radix(text, 10) {
            Ok(number) => Some(number),
            Err(_) => panic!("a threshold is a number"),
        },
    }
}
