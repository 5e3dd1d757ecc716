//! How a lock is biased towards its readers: it takes up slots and gives them up, and becomes quiet.
//!
//! The credit decides between *counted* and *slots*: a walk between 0 and full, up with each read and down
//! by a price with each write. At full the lock takes up slots; at 0 it gives them up.

use super::word::*;
use super::{RawRWMutex, prices};
use crate::primitive::Ordering;
use crate::readers::{self, SAMPLE};
use crate::speed::Speed;
use crate::{barrier, forced};

use Ordering::Relaxed;

/// What a read that is counted in adds to the credit, if it is a sample.
pub(super) const READ_CREDIT: u64 = if cfg!(gosync_model) {
    CREDIT_FULL
} else {
    SAMPLE as u64 * ONE_CREDIT
};

/// What a read that is counted in adds to the credit, if it is a sample. To a forced speed it goes at
/// once, or never.
#[inline]
pub(super) fn read_credit() -> u64 {
    match forced::speed() {
        None => READ_CREDIT,
        Some(Speed::Counted) => 0,
        Some(Speed::Slots | Speed::Quiet) => CREDIT_FULL,
    }
}

/// The word after a read of a lock that keeps to *counted* although its credit is full: it starts
/// to save anew.
pub(super) fn without_credit(word: u64) -> u64 {
    word & !CREDIT
}

pub(super) fn is_credit_full(word: u64) -> bool {
    word & CREDIT_FULL != 0
}

/// The word after `reads` reads by slots, and a write that costs as much as `price` reads save.
pub(super) fn balance(word: u64, reads: u64, price: u64) -> u64 {
    let credit = (word & CREDIT) / ONE_CREDIT;
    let full = CREDIT_FULL / ONE_CREDIT;
    let credit = (credit + reads).saturating_sub(price).min(full);
    (word & !CREDIT) | (credit * ONE_CREDIT)
}

/// The speed after a write, by an owner of `WRITER` who has seen all readers leave. Nobody else may
/// take `SLOTS` away, or a reader that still holds a slot would not be seen.
pub(super) fn settle(word: u64) -> u64 {
    if word & SLOTS == 0 {
        return word;
    }
    let epoch = word.wrapping_add(ONE_EPOCH) & EPOCH;
    let word = (word & !(EPOCH | QUIET)) | epoch;
    if word & CREDIT == 0 {
        word & !SLOTS
    } else {
        word
    }
}

/// The word of a lock that nobody has, at a speed with slots.
#[cfg(gosync_model)]
pub(super) fn at_speed(speed: Speed, id: u32, credit: u64) -> u64 {
    let quiet = if speed == Speed::Quiet { QUIET } else { 0 };
    with_id(SLOTS | quiet | (credit * ONE_CREDIT), id)
}

impl RawRWMutex {
    /// The credit in `word` is full: the lock takes up slots, or else it has to save anew.
    #[cold]
    pub(super) fn take_up_slots(&self, word: u64) {
        let new_id = match id(word) {
            0 if barrier::is_decided() => {
                prices::learn();
                readers::new_id()
            }
            _ => None,
        };
        let next = match (id(word), new_id) {
            (0, None) => without_credit(word),
            (0, Some(id)) => with_id(word, id) | SLOTS,
            _ => word | SLOTS,
        };
        let is_done = self
            .word
            .compare_exchange(word, next, Relaxed, Relaxed)
            .is_ok();
        if let (false, Some(id)) = (is_done, new_id) {
            readers::give_back(id);
        }
    }

    /// The current thread has read often enough without a write: the lock becomes quiet, if it may.
    #[cold]
    pub(super) fn become_quiet(&self, word: u64) {
        readers::start_over(stamp(word));
        let word = self.word.load(Relaxed);
        if has_slots(word) && barrier::is_affordable() {
            // If it fails, somebody else has come; there will be another time.
            let _ = self
                .word
                .compare_exchange(word, word | QUIET, Relaxed, Relaxed);
        }
    }

    /// Pays for the write with credit, or for the attempt. `word` is from before the drain, which has
    /// found `reads` reads by slots since the last write.
    pub(super) fn settle_account(&self, word: u64, reads: u64) {
        let now = self.word.load(Relaxed);
        let has_slept = now & DRAIN != 0;
        let reads = if word & QUIET == 0 {
            reads
        } else {
            u64::MAX / 2
        };
        let price = readers::price() + if has_slept { prices::of_a_barrier() } else { 0 };
        let change = balance(now, reads, price).wrapping_sub(now);
        if change != 0 {
            self.word.fetch_add(change, Relaxed);
        }
    }
}
