use super::super::bias::*;
use super::super::prices;
use super::*;
use crate::readers::MAX_ID;

const FLAGS: [u64; 12] = [
    WRITER,
    DRAINER_PARKED,
    SUCCESSOR,
    SUCCESSOR_PARKED,
    HANDOFF,
    READERS_PARKED,
    WRITERS_PARKED,
    COUNTED,
    FENCED,
    UPGRADABLE,
    UPGRADE_AHEAD,
    UPGRADABLES_PARKED,
];
const ID: u64 = !(ONE_ID - 1);
const SLOTS: u64 = FENCED;
const QUIET: u64 = 0;

/// Returns a word with that credit and nothing else.
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
    let fields = FLAGS.into_iter().chain([CREDIT, COUNT, ID]);
    let all = fields.fold(0, |all, field| {
        assert_ne!(field, 0);
        assert_eq!(all & field, 0, "{field:#x} overlaps");
        all | field
    });
    assert_eq!(all, u64::MAX);
}

#[test]
fn a_field_begins_with_its_unit() {
    for (field, unit) in [(CREDIT, ONE_CREDIT), (COUNT, ONE_READER), (ID, ONE_ID)] {
        assert_eq!(field & field.wrapping_neg(), unit);
    }
    assert_eq!(COUNT.ilog2(), TOO_MANY_READERS.ilog2());
}

#[test]
fn slots_need_enough_credit_and_at_most_full() {
    let enough = FULL.min(prices::enough_for_slots());
    for others in [0, !CREDIT] {
        assert!(!is_enough(others | with_credit(enough - 1)));
        assert!(is_enough(others | with_credit(enough)));
        assert!(is_enough(others | with_credit(FULL)));
    }
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
fn writers_and_successors_bar_readers_at_every_speed() {
    for speed in [NEW, SLOTS, QUIET] {
        assert!(is_readable(speed) && !bars_readers(speed));
        assert_eq!(admits_slot_readers(speed), speed != NEW);
        assert_eq!(admits_quiet_readers(speed), speed == QUIET);
        for barrier in [WRITER, SUCCESSOR, WRITER | SUCCESSOR] {
            let word = speed | barrier;
            assert!(bars_readers(word) && !is_readable(word));
            assert!(!admits_slot_readers(word));
        }
        assert!(!admits_quiet_readers(speed | WRITER));
    }
}

#[test]
fn too_many_readers_bar_more_that_are_counted() {
    assert!(is_readable(NEW | (TOO_MANY_READERS - ONE_READER)));
    for many in [TOO_MANY_READERS, COUNT] {
        let too_many = NEW | many;
        assert!(!is_readable(too_many) && !bars_readers(too_many));
        assert!(has_too_many_readers(too_many) && has_too_many_readers(too_many | WRITER));
        assert!(!is_free_and_counted(too_many));
    }
}

#[test]
fn the_count_is_independent_of_other_fields() {
    assert!(has_counted_readers(with_readers(1)) && !has_counted_readers(!COUNT));
}

#[test]
fn balance_stays_within_its_range() {
    // Credit before, saved, price, credit after.
    for (before, saved, price, after) in [
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
    ] {
        for others in [0, !CREDIT] {
            let word = balance(others | with_credit(before), saved, price);
            assert_eq!(credit(word), after, "{before} + {saved} - {price}");
            assert_eq!(word & !CREDIT, others);
        }
    }
}

#[test]
fn slots_are_given_up_without_credit_only() {
    for credit in [1, 2, FULL] {
        let word = settle(WRITER | SLOTS | with_credit(credit));
        assert_eq!(word & COUNTED, 0, "the price has been paid in the drain");
        assert_eq!(word & CREDIT, with_credit(credit));
    }
    for speed in [SLOTS, QUIET, NEW] {
        assert_eq!(settle(with_id(WRITER | speed, 9)) & NEW, NEW);
    }
}

#[test]
fn quiet_ends_with_a_write() {
    let word = settle(WRITER | QUIET | with_credit(FULL));
    assert_eq!(word & NEW, FENCED);
}

/// The bits that outlive a write, whatever comes next.
const PAST: u64 = NEW | CREDIT | ID;
/// A successor that sleeps.
const ASLEEP: u64 = SUCCESSOR | SUCCESSOR_PARKED;

#[test]
fn a_writer_without_a_successor_leaves_a_free_lock() {
    for past in [NEW, SLOTS, PAST] {
        for flags in [0, DRAINER_PARKED | READERS_PARKED] {
            assert_eq!(stepped_down(WRITER | flags | past, 0), past);
        }
    }
}

#[test]
fn readers_enter_when_a_writer_steps_down() {
    let word = WRITER | READERS_PARKED | PAST;
    assert_eq!(stepped_down(word, with_readers(3)), with_readers(3) | PAST);
    // The readers that a writer found inside when it gave up stay there.
    let word = with_readers(2) | word | DRAINER_PARKED;
    assert_eq!(stepped_down(word, with_readers(3)), with_readers(5) | PAST);
}

#[test]
fn a_writer_in_the_queue_becomes_successor() {
    let word = WRITER | WRITERS_PARKED | PAST;
    assert!(needs_successor(word));
    assert_eq!(stepped_down(word, 0), SUCCESSOR | WRITERS_PARKED | PAST);
    let next = stepped_down(word | READERS_PARKED, with_readers(2));
    assert_eq!(next, SUCCESSOR | WRITERS_PARKED | with_readers(2) | PAST);
}

#[test]
fn a_successor_that_sleeps_is_woken_and_stays_successor() {
    for queue in [0, WRITERS_PARKED] {
        let word = WRITER | ASLEEP | queue | PAST;
        assert!(!needs_successor(word));
        assert_eq!(stepped_down(word, 0), SUCCESSOR | queue | PAST);
        let next = stepped_down(word, with_readers(1));
        assert_eq!(next, SUCCESSOR | queue | with_readers(1) | PAST);
    }
}

#[test]
fn a_successor_that_asked_for_it_is_handed_the_lock() {
    for queue in [0, WRITERS_PARKED] {
        let word = WRITER | ASLEEP | HANDOFF | queue | PAST;
        assert_eq!(stepped_down(word, 0), WRITER | queue | PAST);
        let next = stepped_down(word | READERS_PARKED | DRAINER_PARKED, with_readers(2));
        assert_eq!(next, WRITER | queue | with_readers(2) | PAST);
        assert!(!has_successor(next) && is_announced(next));
    }
}

#[test]
fn a_fair_unlock_hands_the_lock_to_the_next_writer() {
    for next in [SUCCESSOR, ASLEEP, ASLEEP | HANDOFF] {
        let word = WRITER | next | READERS_PARKED | PAST;
        let kept = with_readers(2);
        assert_eq!(stepped_down_fairly(word, kept), WRITER | kept | PAST);
    }
    // `WRITER` still belongs to the caller, which looks for the first writer in the queue.
    let queue = WRITER | WRITERS_PARKED | PAST;
    assert_eq!(stepped_down_fairly(queue, 0), queue);
    assert_eq!(stepped_down_fairly(WRITER | PAST, 0), PAST);
}

#[test]
fn an_upgradable_reader_bars_others_and_no_plain_ones() {
    for past in [NEW, SLOTS, QUIET, PAST] {
        let word = UPGRADABLE | past;
        assert!(admits_upgradable(past) && !admits_upgradable(word) && bars_upgradable(word));
        assert!(is_readable(word) && !bars_readers(word));
        assert_eq!(admits_quiet_readers(word), admits_quiet_readers(past));
        for writer in [WRITER, SUCCESSOR] {
            assert!(bars_upgradable(past | writer));
        }
        assert!(!admits_upgradable(past | TOO_MANY_READERS));
    }
}

#[test]
fn a_writer_is_not_alone_beside_an_upgradable_reader() {
    for flag in [UPGRADABLE, UPGRADE_AHEAD, UPGRADABLES_PARKED] {
        assert!(is_held_alone(WRITER | NEW) && !is_held_alone(WRITER | NEW | flag));
        assert!(!is_free_and_counted(NEW | flag));
    }
    assert!(is_upgradable_alone(UPGRADABLE | NEW));
    for flag in [WRITER, SUCCESSOR, READERS_PARKED, UPGRADABLES_PARKED] {
        assert!(!is_upgradable_alone(UPGRADABLE | NEW | flag));
    }
    assert!(!is_upgradable_alone(UPGRADABLE | NEW | ONE_READER));
    assert!(!is_upgradable_alone(UPGRADABLE | SLOTS));
}

#[test]
fn one_upgradable_reader_gets_in_if_there_is_none() {
    let word = WRITER | UPGRADABLES_PARKED | PAST;
    assert_eq!(upgradable_to_admit(word, 0), UPGRADABLE);
    assert_eq!(upgradable_to_admit(word, with_readers(3)), UPGRADABLE);
    for kept in [UPGRADABLE, UPGRADABLE | with_readers(3)] {
        assert_eq!(upgradable_to_admit(word, kept), 0);
    }
    assert_eq!(upgradable_to_admit(word | UPGRADABLE, 0), 0);
    assert_eq!(upgradable_to_admit(WRITER | PAST, 0), 0);
}

#[test]
fn the_last_to_bar_sleepers_owes_them_their_turn() {
    let waiting = UPGRADABLE | UPGRADABLES_PARKED | PAST;
    assert!(owes_upgradable(waiting));
    for writer in [WRITER, SUCCESSOR] {
        assert!(!owes_upgradable(writer | waiting));
    }
    assert!(owes_admission(SUCCESSOR | READERS_PARKED | PAST));
    assert!(owes_admission(SUCCESSOR | UPGRADABLES_PARKED | PAST));
    assert!(!owes_admission(SUCCESSOR | waiting));
    assert!(!owes_admission(SUCCESSOR | WRITERS_PARKED | PAST));
}
