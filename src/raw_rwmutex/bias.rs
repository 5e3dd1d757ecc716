//! How a lock is biased towards its readers: how it takes up slots, loses them again, and becomes quiet.
//!
//! The credit decides between *counted* and *slots*. At *counted*, it is what slots would have saved the
//! reads since the last write. With enough credit, the lock takes up slots. From then on the credit moves
//! between 0 and [`FULL`]: up by what reads save, down by how much longer a write takes. At 0, the writer
//! revokes the slots.
//!
//! Most reads leave no trace: one in [`SAMPLE`](readers::SAMPLE) reads of a thread is a sample, and stands
//! for all of them. At *counted*, a sample adds to the credit. At *slots*, it is noted beside the slots,
//! where the next writer finds it.

use super::word::*;
use super::{RawRWMutex, prices};
use crate::primitive::Ordering;
use crate::readers::{self, Own};
use crate::speed::Speed;
use crate::{barrier, forced};

use Ordering::Relaxed;

/// The greatest credit.
pub(super) const FULL: u64 = CREDIT / ONE_CREDIT;

/// A saving that no price uses up.
pub(super) const PLENTY: u64 = u64::MAX / 2;

/// Whether every read is a sample. At a forced speed every read is, so that tests see the effect at once. In
/// models every read is, too, if locks may take up slots.
#[inline(always)]
pub(super) fn samples_all() -> bool {
    forced::speed().is_some() || (cfg!(gosync_model) && prices::sample_credit() > 0)
}

/// Returns what a read that is a sample and has found `word` adds to the credit. At a forced speed, the first
/// sample takes up slots at once, or none ever does.
pub(super) fn credit_of_sample(word: u64) -> u64 {
    match forced::speed() {
        // Where readers meet, the word's cache line travels between their CPUs.
        None if has_counted_readers(word) => prices::shared_sample_credit(),
        None => prices::sample_credit(),
        Some(Speed::Counted) => 0,
        Some(Speed::Slots | Speed::Quiet) => FULL,
    }
}

/// Returns the word after reads that have saved `saved` and writes that have cost `price`.
pub(super) fn balance(word: u64, saved: u64, price: u64) -> u64 {
    let credit = (word & CREDIT) / ONE_CREDIT;
    let credit = (credit + saved).saturating_sub(price).min(FULL);
    (word & !CREDIT) | (credit * ONE_CREDIT)
}

/// Whether the credit is enough for slots.
pub(super) fn is_enough(word: u64) -> bool {
    (word & CREDIT) / ONE_CREDIT >= FULL.min(prices::enough_for_slots())
}

/// Returns how much more a write costs a lock with slots than one without.
pub(super) fn price() -> u64 {
    match forced::speed() {
        None => prices::write_price(readers::blocks()),
        Some(_) => 0,
    }
}

/// Returns the word with the speed that follows a write. For an owner of `WRITER` that has seen all readers
/// leave. No other thread may set `COUNTED`, or a reader that still holds a slot would not be seen.
pub(super) fn settle(word: u64) -> u64 {
    if word & COUNTED != 0 {
        settle_counted(word)
    } else if word & CREDIT == 0 {
        word | FENCED | COUNTED
    } else {
        word | FENCED
    }
}

/// As `settle`, at *counted*, where the credit is what slots would have saved the reads since the last write.
#[inline(always)]
pub(super) fn settle_counted(word: u64) -> u64 {
    word & !CREDIT
}

/// Returns the word of a lock that no thread holds, at a speed with slots.
#[cfg(gosync_model)]
pub(super) fn at_speed(speed: Speed, id: u32, credit: u64) -> u64 {
    let fenced = if speed == Speed::Quiet { 0 } else { FENCED };
    with_id(fenced | (credit * ONE_CREDIT), id)
}

impl RawRWMutex {
    /// Takes up slots and starts with `credit`, if the word is still `word`. Returns false only if the lock
    /// needs an identity and cannot get one.
    #[cold]
    pub(super) fn take_up_slots(&self, word: u64, credit: u64) -> bool {
        let new_id = if id(word) == 0 && barrier::ensure_decided(prices::measure) {
            // `ensure_decided` has not called `measure` if the decision was made elsewhere.
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

    /// Notes that a read by a slot, which has found `word`, is a sample. Makes the lock quiet if enough reads
    /// have come in a row.
    #[cold]
    pub(super) fn note_sample(&self, own: &Own, word: u64) {
        if own.note_sample(id(word)) <= prices::quiet_after() {
            return;
        }
        own.start_over(id(word));
        let word = self.word.load(Relaxed);
        if admits_slot_readers(word) && barrier::is_affordable() {
            // If this fails, another thread has changed the word. There will be another chance.
            let _ = self
                .word
                .compare_exchange(word, word & !FENCED, Relaxed, Relaxed);
        }
    }

    /// Adds to the credit what reads have `saved` since the last write, and subtracts `price`. The caller drains the
    /// lock, so no other thread changes the credit meanwhile (invariant 6 of `raw_rwmutex`).
    pub(super) fn adjust_credit(&self, saved: u64, price: u64) {
        let now = self.word.load(Relaxed);
        let change = balance(now, saved, price).wrapping_sub(now);
        if change != 0 {
            self.word.fetch_add(change, Relaxed);
        }
    }
}
