//! What a heavy barrier is worth, in reads.

#[cfg(gosync_model)]
pub(super) use crate::models::prices::*;

#[cfg(not(gosync_model))]
pub(super) use real::*;

#[cfg(not(gosync_model))]
mod real {
    use crate::primitive::{AtomicU32, Ordering::Relaxed};
    use crate::speed::Speed;
    use crate::{barrier, forced};

    /// See [`quiet_after`]. It changes with each barrier.
    static QUIET_AFTER: AtomicU32 = AtomicU32::new(reads_worth(barrier::FIRST_COST));

    /// What a read by slots takes longer than a quiet one, in nanoseconds.
    const READ_SAVES: u32 = 5;

    /// Reads by slots take so many times as long as the barrier that ends the quiet after them: then
    /// no more than a fifth of the time goes into barriers, if writes come when they are worst.
    const PATIENCE: u32 = 4;

    const fn reads_worth(nanos: u32) -> u32 {
        PATIENCE * nanos / READ_SAVES
    }

    /// A lock may become quiet after so many reads of one thread without a write between them.
    #[inline]
    pub(in super::super) fn quiet_after() -> u32 {
        match (forced::speed(), forced::quiet_after()) {
            (None, None) => QUIET_AFTER.load(Relaxed),
            (None, Some(reads)) => reads,
            (Some(Speed::Quiet), _) => 1,
            (Some(_), _) => u32::MAX,
        }
    }

    /// How many reads by slots a heavy barrier is as expensive as.
    pub(in super::super) fn of_a_barrier() -> u64 {
        (barrier::cost() / READ_SAVES).into()
    }

    /// To be called when it is decided which barrier there is, and whenever one has been passed: reads look at
    /// nothing but the result.
    pub(in super::super) fn learn() {
        let after = match barrier::cost() {
            // There is no quiet without a barrier that is more than a fence.
            0 => u32::MAX,
            cost => reads_worth(cost),
        };
        QUIET_AFTER.store(after, Relaxed);
    }

    /// A heavy barrier, and what it teaches.
    #[cold]
    pub(in super::super) fn heavy() {
        barrier::heavy();
        learn();
    }
}
