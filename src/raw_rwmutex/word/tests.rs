use super::super::bias::*;
use super::*;
use crate::readers::MAX_ID;

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
    // If the speed is forced.
    const { assert!(CREDIT_FULL - ONE_CREDIT + CREDIT_FULL <= CREDIT) };
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
            assert!(!is_counted(word) && !has_slots(word));
        }
        assert!(!is_quiet(speed | WRITER));
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
        let word = settle(WRITER | SLOTS | with_credit(credit));
        assert_eq!(word & SLOTS, SLOTS, "the price has been paid in the drain");
        assert_eq!(word & CREDIT, with_credit(credit));
    }
    for speed in [SLOTS, SLOTS | QUIET] {
        assert_eq!(settle(with_id(WRITER | speed, 9)) & (SLOTS | QUIET), 0);
    }
}

#[test]
fn quiet_ends_with_a_write() {
    let word = settle(WRITER | SLOTS | QUIET | with_credit(FULL));
    assert_eq!(word & (SLOTS | QUIET), SLOTS);
}

#[test]
fn a_write_without_slots_costs_credit_and_nothing_else() {
    let before = with_id(WRITER | WRITERS_PARKED | ONE_EPOCH | with_credit(8), 9);
    let after = balance(settle(before), 0, 3);
    assert_eq!(credit(after), 5);
    assert_eq!(after & !CREDIT, before & !CREDIT);
}

#[test]
fn the_stamp_changes_with_each_write_and_the_identity_does_not() {
    let mut word = with_id(WRITER | SLOTS | with_credit(FULL), MAX_ID);
    let mut stamps = Vec::new();
    for _ in 0..4 {
        stamps.push(stamp(word));
        word = settle(word);
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
const PAST: u64 = SLOTS | EPOCH | CREDIT | ID;

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
