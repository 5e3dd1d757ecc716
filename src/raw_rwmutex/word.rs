//! The layout of the lock's word, and what can be said of one without touching it.
//!
//! | bits | name | set by | means |
//! |---|---|---|---|
//! | 0 | `WRITER` | a writer that announces itself | a writer holds the lock, or drains it of readers |
//! | 1 | `DRAIN` | the announced writer | it sleeps, or is about to; readers that leave wake it |
//! | 2 | `SUCCESSOR` | whoever ends a write phase | a writer has been taken from the queue and has not got `WRITER` yet |
//! | 3 | `SUCCESSOR_PARKED` | the successor | it sleeps, or is about to; the end of the write phase wakes it |
//! | 4 | `HANDOFF` | the successor | the write phase ends by giving `WRITER` to the successor |
//! | 5 | `READERS_PARKED` | a reader | the readers' queue may not be empty |
//! | 6 | `WRITERS_PARKED` | a writer | the writers' queue may not be empty |
//! | 7 | `COUNTED` | a writer | readers count themselves: the speed is *counted*, and no slot holds the lock |
//! | 8 | `FENCED` | a writer | readers in slots pass a fence: the speed is not *quiet* |
//! | 9 | `UPGRADABLE` | an upgradable reader | there is one inside, or about to be let in; the announced writer waits for it first |
//! | 10 | `UPGRADED` | the upgradable reader | it has upgraded before a writer that had announced itself |
//! | 11 | `UPGRADERS_PARKED` | an upgradable reader | the queue of upgradable readers may not be empty |
//! | 12..38 | the count | readers | readers inside that hold no slot; the top bit means too many |
//! | 38..47 | the credit | readers, writers | how much slots would have saved, or have; see `bias` |
//! | 47..64 | the identity | the first reader to leave *counted* | what the lock's readers put into slots; 0: none yet |
//!
//! A quiet reader that may go on finds all bits of a mask clear, which fits into one instruction.

use crate::readers;

pub(super) const WRITER: u64 = 1 << 0;
pub(super) const DRAIN: u64 = 1 << 1;
pub(super) const SUCCESSOR: u64 = 1 << 2;
pub(super) const SUCCESSOR_PARKED: u64 = 1 << 3;
pub(super) const HANDOFF: u64 = 1 << 4;
pub(super) const READERS_PARKED: u64 = 1 << 5;
pub(super) const WRITERS_PARKED: u64 = 1 << 6;
pub(super) const COUNTED: u64 = 1 << 7;
pub(super) const FENCED: u64 = 1 << 8;
/// The word of a new lock.
pub(super) const NEW: u64 = COUNTED | FENCED;
pub(super) const UPGRADABLE: u64 = 1 << 9;
pub(super) const UPGRADED: u64 = 1 << 10;
pub(super) const UPGRADERS_PARKED: u64 = 1 << 11;
/// What says who has the lock and who wants it.
pub(super) const FLAGS: u64 = (ONE_READER - 1) & !NEW;
pub(super) const ONE_READER: u64 = 1 << 12;
pub(super) const COUNT: u64 = (ONE_CREDIT - 1) & !(ONE_READER - 1);
/// Half the range stays free for readers that are admitted from the queue, who cannot be refused. Linux has at
/// most 2²² threads.
pub(super) const TOO_MANY_READERS: u64 = ONE_CREDIT >> 1;
const _: () = assert!(TOO_MANY_READERS / ONE_READER >= 1 << 22);
pub(super) const ONE_CREDIT: u64 = 1 << 38;
pub(super) const CREDIT: u64 = (ONE_ID - 1) & !(ONE_CREDIT - 1);
pub(super) const ONE_ID: u64 = 1 << 47;
const _: () = assert!(readers::MAX_ID as u64 == u64::MAX / ONE_ID);

/// No writer holds the lock or waits for it, and it has not too many readers already.
pub(super) fn is_readable(word: u64) -> bool {
    word & (WRITER | SUCCESSOR | TOO_MANY_READERS) == 0
}

/// No more readers may be counted.
pub(super) fn has_too_many_readers(word: u64) -> bool {
    word & TOO_MANY_READERS != 0
}

/// As `is_readable`, and the speed is *quiet*. Then there is no successor (invariant 7).
pub(super) fn is_quiet(word: u64) -> bool {
    word & (WRITER | FENCED) == 0
}

/// As `is_readable`, and slots are in use.
pub(super) fn has_slots(word: u64) -> bool {
    word & (WRITER | SUCCESSOR | COUNTED) == 0
}

/// Nobody holds the lock or waits for it, and there are no slots.
pub(super) fn is_free_and_counted(word: u64) -> bool {
    word & (FLAGS | COUNTED | COUNT) == COUNTED
}

/// A writer holds the lock, nobody waits, and there are no slots to give up.
pub(super) fn is_held_alone(word: u64) -> bool {
    word & (FLAGS | COUNTED | COUNT) == WRITER | COUNTED
}

/// A reader has to wait, for a writer.
pub(super) fn bars_readers(word: u64) -> bool {
    word & (WRITER | SUCCESSOR) != 0
}

/// There is an announced writer.
pub(super) fn is_announced(word: u64) -> bool {
    word & WRITER != 0
}

/// The announced writer sleeps until readers have left, or is about to.
#[cfg(not(gosync_model))]
pub(super) fn is_draining(word: u64) -> bool {
    word & DRAIN != 0
}

/// The caller is still successor; otherwise `WRITER` was handed to it (invariant 4).
pub(super) fn has_successor(word: u64) -> bool {
    word & SUCCESSOR != 0
}

/// There are readers inside that are counted.
pub(super) fn has_counted_readers(word: u64) -> bool {
    word & COUNT != 0
}

/// An upgradable reader may enter.
pub(super) fn is_upgradable(word: u64) -> bool {
    !bars_upgraders(word) && !has_too_many_readers(word)
}

/// An upgradable reader has to wait, for a writer or for another one.
pub(super) fn bars_upgraders(word: u64) -> bool {
    bars_readers(word) || has_upgradable(word)
}

/// There is an upgradable reader.
pub(super) fn has_upgradable(word: u64) -> bool {
    word & UPGRADABLE != 0
}

/// There is an upgradable reader and nobody else, nobody waits, and there are no slots to look at.
pub(super) fn is_upgradable_alone(word: u64) -> bool {
    word & (FLAGS | COUNTED | COUNT) == UPGRADABLE | COUNTED
}

/// The upgradable reader has passed the announced writer.
pub(super) fn is_upgraded(word: u64) -> bool {
    word & UPGRADED != 0
}

/// The upgradable reader that leaves has to wake one of those that sleep: there is no writer that would do it later.
pub(super) fn owes_upgraders(word: u64) -> bool {
    word & UPGRADERS_PARKED != 0 && !bars_readers(word)
}

/// Readers sleep that only a writer can let in: whoever gives up the last of `WRITER` and `SUCCESSOR` has to do it.
pub(super) fn owes_readers(word: u64) -> bool {
    word & READERS_PARKED != 0 || word & (UPGRADERS_PARKED | UPGRADABLE) == UPGRADERS_PARKED
}

/// What the owner of `WRITER` that steps down, and keeps `kept`, adds to the word for the upgradable readers that sleep:
/// the first of them gets in.
pub(super) fn upgrader_to_admit(word: u64, kept: u64) -> u64 {
    let is_taken = has_upgradable(word | kept);
    match word & UPGRADERS_PARKED != 0 && !is_taken {
        true => UPGRADABLE,
        false => 0,
    }
}

/// What the lock's readers put into slots; 0 if it never left *counted*.
#[inline(always)]
pub(super) fn id(word: u64) -> u32 {
    (word / ONE_ID) as u32
}

/// The word of a lock that gets an identity.
pub(super) fn with_id(word: u64, id: u32) -> u64 {
    word | (u64::from(id) * ONE_ID)
}

/// The word after the owner of `WRITER` steps down, and those enter in its stead whom `entering` stands for: `ONE_READER`
/// for each reader, and `UPGRADABLE`.
pub(super) fn stepped_down(word: u64, entering: u64) -> u64 {
    debug_assert!(word & FENCED != 0, "a step down ends the quiet");
    if word & HANDOFF != 0 {
        hand_over(word, entering)
    } else if needs_successor(word) {
        (enter(word, entering) & !WRITER) | SUCCESSOR
    } else {
        enter(word, entering) & !(WRITER | SUCCESSOR_PARKED)
    }
}

/// As `stepped_down`, for an owner that hands `WRITER` to the next writer, if there is one.
pub(super) fn stepped_down_fairly(word: u64, entering: u64) -> u64 {
    match word & (SUCCESSOR | WRITERS_PARKED) != 0 {
        true => hand_over(word, entering),
        false => stepped_down(word, entering),
    }
}

/// The word once `WRITER` belongs to the successor, or to the first in the queue.
fn hand_over(word: u64, entering: u64) -> u64 {
    without_successor(enter(word, entering))
}

/// The word once the successor has got `WRITER`, or given up.
pub(super) fn without_successor(word: u64) -> u64 {
    word & !(SUCCESSOR | SUCCESSOR_PARKED | HANDOFF)
}

/// The word after the readers that sleep have entered, and the drain has ended.
fn enter(word: u64, entering: u64) -> u64 {
    (word & !(DRAIN | READERS_PARKED)) + entering
}

/// The end of this write phase makes its owner responsible for waking a successor.
pub(super) fn needs_successor(word: u64) -> bool {
    word & (SUCCESSOR | WRITERS_PARKED) == WRITERS_PARKED
}

/// What a lock keeps of its past when nobody is inside and nobody waits.
#[cfg(gosync_model)]
pub(super) const PAST: u64 = COUNTED | FENCED | CREDIT | !(ONE_ID - 1);

#[cfg(all(test, not(gosync_model)))]
mod tests;
