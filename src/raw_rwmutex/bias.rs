//! How a lock is biased towards its readers: it takes up slots and gives them up, and becomes quiet.
//!
//! The credit decides between *counted* and *slots*. At *counted* it is what reads since the last write would
//! have saved by slots: with enough of it the lock takes up slots. From then on it is a walk between 0 and
//! full: up by what reads save, down by what a write takes longer. At 0 the lock gives up its slots. Of the
//! reads a sample stands for all: at *counted* it adds to the credit, at *slots* it is noted beside the slots,
//! for the next writer to find.

use super::word::*;
use super::{RawRWMutex, prices};
use crate::primitive::Ordering;
use crate::readers::{self, Own};
use crate::speed::Speed;
use crate::{barrier, forced};

use Ordering::Relaxed;

/// The end of the range.
pub(super) const FULL: u64 = CREDIT / ONE_CREDIT;

/// So much that no price uses it up.
pub(super) const PLENTY: u64 = u64::MAX / 2;

/// Whether every read is a sample: of a forced speed tests want to see at once what there is to see. In
/// models it is, too, if locks may take up slots.
#[inline(always)]
pub(super) fn samples_all() -> bool {
    forced::speed().is_some() || (cfg!(gosync_model) && prices::sample() > 0)
}

/// What a read that is a sample and finds `word` adds to the credit. A forced speed is taken up at once, or
/// never.
pub(super) fn credit_of_sample(word: u64) -> u64 {
    match forced::speed() {
        // Where readers meet, the word's line travels between their CPUs.
        None if has_counted_readers(word) => prices::shared_sample(),
        None => prices::sample(),
        Some(Speed::Counted) => 0,
        Some(Speed::Slots | Speed::Quiet) => FULL,
    }
}

/// The word after reads that have saved `saved`, and writes that have cost `price`.
pub(super) fn balance(word: u64, saved: u64, price: u64) -> u64 {
    let credit = (word & CREDIT) / ONE_CREDIT;
    let credit = (credit + saved).saturating_sub(price).min(FULL);
    (word & !CREDIT) | (credit * ONE_CREDIT)
}

/// Whether the credit is enough for slots.
pub(super) fn is_enough(word: u64) -> bool {
    (word & CREDIT) / ONE_CREDIT >= FULL.min(prices::enough())
}

/// What a write costs a lock with slots more than one without.
pub(super) fn price() -> u64 {
    match forced::speed() {
        None => prices::write(readers::blocks()),
        Some(_) => 0,
    }
}

/// The speed after a write, by an owner of `WRITER` who has seen all readers leave. Nobody else may set
/// `COUNTED`, or a reader that still holds a slot would not be seen.
pub(super) fn settle(word: u64) -> u64 {
    if word & COUNTED != 0 {
        settle_counted(word)
    } else if word & CREDIT == 0 {
        word | FENCED | COUNTED
    } else {
        word | FENCED
    }
}

/// As `settle`, at *counted*, where the credit is what reads would have saved since the last write.
#[inline(always)]
pub(super) fn settle_counted(word: u64) -> u64 {
    word & !CREDIT
}

/// The word of a lock that nobody has, at a speed with slots.
#[cfg(gosync_model)]
pub(super) fn at_speed(speed: Speed, id: u32, credit: u64) -> u64 {
    let fenced = if speed == Speed::Quiet { 0 } else { FENCED };
    with_id(fenced | (credit * ONE_CREDIT), id)
}

impl RawRWMutex {
    /// The lock with that `word` takes up slots, and begins with the `credit`, unless somebody comes between.
    /// False if there are none to be had.
    #[cold]
    pub(super) fn take_up_slots(&self, word: u64, credit: u64) -> bool {
        let new_id = if id(word) == 0 && barrier::ensure_decided(prices::measure) {
            // If somebody else has decided.
            prices::measure();
            readers::new_id()
        } else {
            None
        };
        let next = match (id(word), new_id) {
            (0, None) => return false,
            (0, Some(id)) => with_id(word, id),
            _ => word,
        };
        let next = next & !(COUNTED | CREDIT) | credit;
        let is_done = self
            .word
            .compare_exchange(word, next, Relaxed, Relaxed)
            .is_ok();
        if let (false, Some(id)) = (is_done, new_id) {
            readers::release_unused_id(id);
        }
        true
    }

    /// A read by a slot, which has found `word`, is a sample: it is noted, and perhaps the lock becomes
    /// quiet by it.
    #[cold]
    pub(super) fn note_sample(&self, own: &Own, word: u64) {
        if own.note_sample(id(word)) <= prices::quiet_after() {
            return;
        }
        own.start_over(id(word));
        let word = self.word.load(Relaxed);
        if has_slots(word) && barrier::is_affordable() {
            // If it fails, somebody else has come; there will be another time.
            let _ = self
                .word
                .compare_exchange(word, word & !FENCED, Relaxed, Relaxed);
        }
    }

    /// Adds to the credit what the reads since the last write have `saved`, and takes `price` from it.
    pub(super) fn adjust_credit(&self, saved: u64, price: u64) {
        let now = self.word.load(Relaxed);
        let change = balance(now, saved, price).wrapping_sub(now);
        if change != 0 {
            self.word.fetch_add(change, Relaxed);
        }
    }
}
