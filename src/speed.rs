//! The speeds of a lock.

/// How readers hold a lock, and what a writer must do about it; see the table in `readers`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Speed {
    Counted,
    Slots,
    Quiet,
}
