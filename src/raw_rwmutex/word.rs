//! The layout of the lock's word, and what can be said of one without touching it.
//!
//! | bits | name | set by | means |
//! |---|---|---|---|
//! | 0 | `WRITER` | a writer that announces itself | a writer holds the lock, or drains it of readers |
//! | 1 | `DRAIN` | the announced writer | it sleeps, or is about to; readers that leave wake it |
//! | 2 | `HEIR` | whoever ends a write phase | a writer has been taken from the queue and has not got `WRITER` yet |
//! | 3 | `HEIR_PARKED` | the heir | it sleeps, or is about to; the end of the write phase wakes it |
//! | 4 | `HANDOFF` | the heir | the write phase ends by giving `WRITER` to the heir |
//! | 5 | `READERS_PARKED` | a reader | the readers' queue may not be empty |
//! | 6 | `WRITERS_PARKED` | a writer | the writers' queue may not be empty |
//! | 7 | `SLOTS` | a reader | readers may hold the lock by a slot: the speed is *slots* or *quiet* |
//! | 8 | `QUIET` | a reader | they may take it without a fence: the speed is *quiet* |
//! | 9..11 | the epoch | a writer that has written | so that threads see a write between two of their reads |
//! | 11..21 | the credit | readers, writers | how far reads outnumber writes; the top bit, `CREDIT_FULL`, ends the range |
//! | 21..45 | the count | readers | readers inside that hold no slot; the top bit means too many |
//! | 45..64 | the identity | the first reader to leave *counted* | what the lock's readers put into slots; 0: none yet |

use crate::forced::{self, Speed};
use crate::readers::SAMPLE;

pub(super) const WRITER: u64 = 1 << 0;
pub(super) const DRAIN: u64 = 1 << 1;
pub(super) const HEIR: u64 = 1 << 2;
pub(super) const HEIR_PARKED: u64 = 1 << 3;
pub(super) const HANDOFF: u64 = 1 << 4;
pub(super) const READERS_PARKED: u64 = 1 << 5;
pub(super) const WRITERS_PARKED: u64 = 1 << 6;
pub(super) const SLOTS: u64 = 1 << 7;
pub(super) const QUIET: u64 = 1 << 8;
const EPOCH: u64 = 0b11 << 9;
const ONE_EPOCH: u64 = 1 << 9;
const ONE_CREDIT: u64 = 1 << 11;
/// What a read that is counted in adds to the credit, if it is a sample.
pub(super) const READ_CREDIT: u64 = match forced::SPEED {
    Some(Speed::Counted) => 0,
    Some(Speed::Slots | Speed::Quiet) => CREDIT_FULL,
    None if cfg!(gosync_model) => CREDIT_FULL,
    None => SAMPLE as u64 * ONE_CREDIT,
};
const CREDIT: u64 = (ONE_READER - 1) & !(ONE_CREDIT - 1);
const CREDIT_FULL: u64 = ONE_READER >> 1;
pub(super) const ONE_READER: u64 = 1 << 21;
const COUNT: u64 = (ONE_ID - 1) & !(ONE_READER - 1);
/// Half the range stays free for readers that are admitted from the queue, who cannot be refused.
const TOO_MANY_READERS: u64 = ONE_ID >> 1;
const ONE_ID: u64 = 1 << 45;
/// The greatest identity.
pub(crate) const MAX_ID: u32 = (u64::MAX / ONE_ID) as u32;

/// No writer holds the lock or waits for it.
pub(super) fn is_readable(word: u64) -> bool {
    word & (WRITER | HEIR | TOO_MANY_READERS) == 0
}

/// As `is_readable`, and the speed is *quiet*.
pub(super) fn is_quiet(word: u64) -> bool {
    word & (WRITER | HEIR | QUIET) == QUIET
}

/// As `is_readable`, and slots are in use.
pub(super) fn has_slots(word: u64) -> bool {
    word & (WRITER | HEIR | SLOTS) == SLOTS
}

/// As `is_readable`, and the next reader is to count itself in and to add its credit.
pub(super) fn is_counted(word: u64) -> bool {
    word & (WRITER | HEIR | TOO_MANY_READERS | SLOTS | CREDIT_FULL) == 0
}

/// A reader has to wait, for a writer.
pub(super) fn bars_readers(word: u64) -> bool {
    word & (WRITER | HEIR) != 0
}

/// There is an announced writer.
pub(super) fn is_announced(word: u64) -> bool {
    word & WRITER != 0
}

/// The caller is still heir; otherwise `WRITER` was handed to it (invariant 4).
pub(super) fn is_heir(word: u64) -> bool {
    word & HEIR != 0
}

/// There are readers inside that are counted.
pub(super) fn has_counted_readers(word: u64) -> bool {
    word & COUNT != 0
}

/// The counted reader that found this word when it left was the last, and a writer sleeps until
/// then.
pub(super) fn was_awaited(word: u64) -> bool {
    word & DRAIN != 0 && word & COUNT == ONE_READER
}

/// What the lock's readers put into slots; 0 if it never left *counted*.
#[inline]
pub(super) fn id(word: u64) -> u32 {
    (word / ONE_ID) as u32
}

/// The word of a lock that gets an identity.
pub(super) fn with_id(word: u64, id: u32) -> u64 {
    word | (u64::from(id) * ONE_ID)
}

/// The identity and the epoch: reads under the same stamp have no write between them, unless there
/// were four.
pub(super) fn stamp(word: u64) -> u32 {
    id(word) << 2 | ((word & EPOCH) / ONE_EPOCH) as u32
}

/// The word after the owner of `WRITER` steps down and `entering` readers enter in its stead.
pub(super) fn succeed(word: u64, entering: u64) -> u64 {
    let word = (word & !(DRAIN | READERS_PARKED)) + entering * ONE_READER;
    if word & HANDOFF != 0 {
        word & !(HEIR | HEIR_PARKED | HANDOFF)
    } else if needs_heir(word) {
        (word & !WRITER) | HEIR
    } else {
        word & !(WRITER | HEIR_PARKED)
    }
}

/// The end of this write phase makes its owner responsible for waking an heir.
pub(super) fn needs_heir(word: u64) -> bool {
    word & (HEIR | WRITERS_PARKED) == WRITERS_PARKED
}

// The credit: a walk between 0 and full, up with each read and down by a price with each write. At
// full the lock takes up slots; at 0 it gives them up.

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
pub(super) fn settle(word: u64, price: u64) -> u64 {
    if word & SLOTS == 0 {
        return balance(word, 0, price);
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

/// What a lock keeps of its past when nobody is inside and nobody waits.
#[cfg(gosync_model)]
pub(super) const PAST: u64 = SLOTS | QUIET | EPOCH | CREDIT | !(ONE_ID - 1);

#[cfg(all(test, not(gosync_model)))]
mod tests {
    use super::*;

    const FLAGS: [u64; 9] = [
        WRITER,
        DRAIN,
        HEIR,
        HEIR_PARKED,
        HANDOFF,
        READERS_PARKED,
        WRITERS_PARKED,
        SLOTS,
        QUIET,
    ];
    const ID: u64 = !(ONE_ID - 1);
    const FULL: u64 = CREDIT_FULL / ONE_CREDIT;

    /// A word with that credit and nothing else.
    fn with_credit(credit: u64) -> u64 {
        credit * ONE_CREDIT
    }

    fn with_readers(count: u64) -> u64 {
        count * ONE_READER
    }

    fn credit(word: u64) -> u64 {
        (word & CREDIT) / ONE_CREDIT
    }

    #[test]
    fn every_bit_belongs_to_one_field() {
        let fields = FLAGS.into_iter().chain([EPOCH, CREDIT, COUNT, ID]);
        let all = fields.fold(0, |all, field| {
            assert_ne!(field, 0);
            assert_eq!(all & field, 0, "{field:#x} overlaps");
            all | field
        });
        assert_eq!(all, u64::MAX);
    }

    #[test]
    fn a_field_begins_with_its_unit() {
        for (field, unit) in [
            (EPOCH, ONE_EPOCH),
            (CREDIT, ONE_CREDIT),
            (COUNT, ONE_READER),
            (ID, ONE_ID),
        ] {
            assert_eq!(field & field.wrapping_neg(), unit);
        }
        for (field, top) in [(CREDIT, CREDIT_FULL), (COUNT, TOO_MANY_READERS)] {
            assert_eq!(field.ilog2(), top.ilog2());
            assert!(top.is_power_of_two());
        }
    }

    #[test]
    fn a_read_that_is_counted_in_cannot_take_the_credit_out_of_its_range() {
        // `is_counted` looks before it is added.
        const { assert!(CREDIT_FULL - ONE_CREDIT + READ_CREDIT <= CREDIT) };
    }

    #[test]
    fn identities_go_in_and_come_out() {
        for id_in in [1, 2, MAX_ID - 1, MAX_ID] {
            let others = !ID;
            let word = with_id(others, id_in);
            assert_eq!(id(word), id_in);
            assert_eq!(word & others, others);
        }
        assert_eq!(id(!ID), 0);
    }

    #[test]
    fn writers_and_heirs_bar_readers_at_every_speed() {
        let speeds = [0, SLOTS, SLOTS | QUIET];
        for speed in speeds {
            assert!(is_readable(speed) && !bars_readers(speed));
            assert_eq!(is_counted(speed), speed == 0);
            assert_eq!(has_slots(speed), speed != 0);
            assert_eq!(is_quiet(speed), speed & QUIET != 0);
            for barrier in [WRITER, HEIR, WRITER | HEIR] {
                let word = speed | barrier;
                assert!(bars_readers(word) && !is_readable(word));
                assert!(!is_counted(word) && !has_slots(word) && !is_quiet(word));
            }
        }
    }

    #[test]
    fn too_many_readers_bar_more_that_are_counted() {
        let most = TOO_MANY_READERS - ONE_READER;
        assert!(is_readable(most) && is_counted(most));
        let too_many = most + ONE_READER;
        assert!(!is_readable(too_many) && !is_counted(too_many));
        assert!(!bars_readers(too_many));
    }

    #[test]
    fn a_lock_with_full_credit_is_not_counted_in_the_fast_way() {
        assert!(is_counted(CREDIT_FULL - ONE_CREDIT));
        assert!(!is_counted(CREDIT_FULL));
        assert!(is_credit_full(CREDIT_FULL) && !is_credit_full(CREDIT_FULL - ONE_CREDIT));
        let word = with_id(WRITER | with_readers(3) | with_credit(FULL), 9);
        assert_eq!(without_credit(word), with_id(WRITER | with_readers(3), 9));
    }

    #[test]
    fn the_last_counted_reader_is_awaited_if_a_writer_sleeps() {
        let past = with_id(SLOTS | with_credit(5), 9);
        assert!(was_awaited(past | WRITER | DRAIN | with_readers(1)));
        assert!(!was_awaited(past | WRITER | DRAIN | with_readers(2)));
        assert!(!was_awaited(past | WRITER | with_readers(1)));
        assert!(has_counted_readers(with_readers(1)) && !has_counted_readers(!COUNT));
    }

    #[test]
    fn balance_stays_within_its_range() {
        // Credit before, reads, price, credit after.
        for (before, reads, price, after) in [
            (0, 0, 0, 0),
            (0, 0, 1, 0),
            (5, 3, 2, 6),
            (5, 3, 8, 0),
            (5, 3, 9, 0),
            (5, 0, u64::MAX, 0),
            (FULL, 0, 0, FULL),
            (FULL, 1, 0, FULL),
            (FULL - 1, 1, 0, FULL),
            (FULL, 0, 1, FULL - 1),
            (0, u64::MAX / 2, 7, FULL),
            (FULL, u64::MAX / 2, u64::MAX, 0),
            // Reads that are counted in may have taken it beyond.
            (FULL + 6, 0, 0, FULL),
            (FULL + 6, 0, 10, FULL - 4),
        ] {
            for others in [0, !CREDIT] {
                let word = balance(others | with_credit(before), reads, price);
                assert_eq!(credit(word), after, "{before} + {reads} - {price}");
                assert_eq!(word & !CREDIT, others);
            }
        }
    }

    #[test]
    fn slots_are_given_up_without_credit_only() {
        for credit in [1, 2, FULL] {
            let word = settle(WRITER | SLOTS | with_credit(credit), u64::MAX);
            assert_eq!(word & SLOTS, SLOTS, "the price has been paid in the drain");
            assert_eq!(word & CREDIT, with_credit(credit));
        }
        for speed in [SLOTS, SLOTS | QUIET] {
            assert_eq!(settle(with_id(WRITER | speed, 9), 0) & (SLOTS | QUIET), 0);
        }
    }

    #[test]
    fn quiet_ends_with_a_write() {
        let word = settle(WRITER | SLOTS | QUIET | with_credit(FULL), 0);
        assert_eq!(word & (SLOTS | QUIET), SLOTS);
    }

    #[test]
    fn a_write_without_slots_costs_credit_and_nothing_else() {
        let before = with_id(WRITER | WRITERS_PARKED | ONE_EPOCH | with_credit(8), 9);
        let after = settle(before, 3);
        assert_eq!(credit(after), 5);
        assert_eq!(after & !CREDIT, before & !CREDIT);
    }

    #[test]
    fn the_stamp_changes_with_each_write_and_the_identity_does_not() {
        let mut word = with_id(WRITER | SLOTS | with_credit(FULL), MAX_ID);
        let mut stamps = Vec::new();
        for _ in 0..4 {
            stamps.push(stamp(word));
            word = settle(word, 0);
            assert_eq!(id(word), MAX_ID);
            assert_eq!(credit(word), FULL);
        }
        assert_eq!(stamp(word), stamps[0], "there are four");
        stamps.sort();
        stamps.dedup();
        assert_eq!(stamps.len(), 4);
    }

    #[test]
    fn locks_differ_in_their_stamps() {
        let stamps = |id| [0, 1, 2, 3].map(|epoch| stamp(with_id(epoch * ONE_EPOCH, id)));
        for id in [0, 1, MAX_ID - 1] {
            assert!(
                stamps(id)
                    .iter()
                    .all(|stamp| !stamps(id + 1).contains(stamp))
            );
        }
    }

    /// What outlives a write, whoever comes next.
    const PAST: u64 = SLOTS | QUIET | EPOCH | CREDIT | ID;

    #[test]
    fn a_writer_that_nobody_follows_leaves_a_free_lock() {
        assert_eq!(succeed(WRITER, 0), 0);
        assert_eq!(succeed(WRITER | PAST, 0), PAST);
        assert_eq!(succeed(WRITER | DRAIN | READERS_PARKED, 0), 0);
    }

    #[test]
    fn readers_enter_in_the_stead_of_a_writer() {
        let word = WRITER | READERS_PARKED | PAST;
        assert_eq!(succeed(word, 3), with_readers(3) | PAST);
        // Those that a writer found inside, and gave up on, stay.
        let word = with_readers(2) | word | DRAIN;
        assert_eq!(succeed(word, 3), with_readers(5) | PAST);
    }

    #[test]
    fn a_writer_in_the_queue_becomes_heir() {
        let word = WRITER | WRITERS_PARKED;
        assert!(needs_heir(word));
        assert_eq!(succeed(word | PAST, 0), HEIR | WRITERS_PARKED | PAST);
        let next = succeed(word | READERS_PARKED, 2);
        assert_eq!(next, HEIR | WRITERS_PARKED | with_readers(2));
    }

    #[test]
    fn an_heir_that_sleeps_is_woken_and_stays_heir() {
        for queue in [0, WRITERS_PARKED] {
            let word = WRITER | HEIR | HEIR_PARKED | queue;
            assert!(!needs_heir(word));
            assert_eq!(succeed(word | PAST, 0), HEIR | queue | PAST);
            assert_eq!(succeed(word, 1), HEIR | queue | with_readers(1));
        }
    }

    #[test]
    fn an_heir_that_asked_for_it_is_handed_the_lock() {
        for queue in [0, WRITERS_PARKED] {
            let word = WRITER | HEIR | HEIR_PARKED | HANDOFF | queue;
            assert_eq!(succeed(word | PAST, 0), WRITER | queue | PAST);
            let next = succeed(word | READERS_PARKED | DRAIN, 2);
            assert_eq!(next, WRITER | queue | with_readers(2));
            assert!(!is_heir(next) && is_announced(next));
        }
    }
}
