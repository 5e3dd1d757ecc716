//! The layout of the lock's word, and functions of a word that do not touch the lock.
//!
//! | bits | name | set by | means |
//! |---|---|---|---|
//! | 0 | `WRITER` | a writer that announces itself | a writer holds the lock, or drains it |
//! | 1 | `DRAINER_PARKED` | the thread that drains: the announced writer, or the upgradable reader that has passed it | it sleeps, or is about to; readers that leave wake it |
//! | 2 | `SUCCESSOR` | the thread that ends a write phase | a writer has been taken from the queue and has not got `WRITER` yet |
//! | 3 | `SUCCESSOR_PARKED` | the successor | it sleeps, or is about to; the end of the write phase wakes it |
//! | 4 | `HANDOFF` | the successor | the write phase ends by giving `WRITER` to the successor |
//! | 5 | `READERS_PARKED` | a reader | the readers' queue may not be empty |
//! | 6 | `WRITERS_PARKED` | a writer | the writers' queue may not be empty |
//! | 7 | `COUNTED` | a writer | readers count themselves: the speed is *counted*, and no slot holds the lock |
//! | 8 | `FENCED` | a writer | readers that use slots pass a fence: the speed is not *quiet* |
//! | 9 | `UPGRADABLE` | an upgradable reader, or a writer that steps down for one | there is one inside, or about to enter; the announced writer waits for it first |
//! | 10 | `UPGRADE_AHEAD` | the upgradable reader | it has passed a writer that had announced itself |
//! | 11 | `UPGRADABLES_PARKED` | an upgradable reader | the queue of the upgradable readers may not be empty |
//! | 12..38 | the count | readers | the number of readers inside that hold no slot; the top bit means too many |
//! | 38..47 | the credit | readers, writers | how much slots would save, or have saved; see `bias` |
//! | 47..64 | the identity | the first reader that leaves *counted* | what the lock's readers store in slots; 0: none yet |
//!
//! A quiet reader that may enter finds all bits of one mask clear. A single instruction tests that.

use crate::readers;

pub(super) const WRITER: u64 = 1 << 0;
pub(super) const DRAINER_PARKED: u64 = 1 << 1;
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
pub(super) const UPGRADE_AHEAD: u64 = 1 << 10;
pub(super) const UPGRADABLES_PARKED: u64 = 1 << 11;
/// The flags that tell which threads hold the lock and which wait for it.
pub(super) const FLAGS: u64 = (ONE_READER - 1) & !NEW;
pub(super) const ONE_READER: u64 = 1 << 12;
pub(super) const COUNT: u64 = (ONE_CREDIT - 1) & !(ONE_READER - 1);
/// Half the range stays free for readers that are admitted from the queue, since they cannot be refused.
/// Linux has at most 2²² threads.
pub(super) const TOO_MANY_READERS: u64 = ONE_CREDIT >> 1;
const _: () = assert!(TOO_MANY_READERS / ONE_READER >= 1 << 22);
pub(super) const ONE_CREDIT: u64 = 1 << 38;
pub(super) const CREDIT: u64 = (ONE_ID - 1) & !(ONE_CREDIT - 1);
pub(super) const ONE_ID: u64 = 1 << 47;
const _: () = assert!(readers::MAX_ID as u64 == u64::MAX / ONE_ID);

/// Whether no writer holds the lock or waits for it, and there are not too many readers already.
pub(super) fn is_readable(word: u64) -> bool {
    word & (WRITER | SUCCESSOR | TOO_MANY_READERS) == 0
}

/// Whether no more readers may be counted.
pub(super) fn has_too_many_readers(word: u64) -> bool {
    word & TOO_MANY_READERS != 0
}

/// Whether no writer holds the lock or waits for it, and the speed is *quiet*. Then `SUCCESSOR` is clear
/// (invariant 7 of `raw_rwmutex`), and so is `COUNTED`, which implies `FENCED`.
pub(super) fn admits_quiet_readers(word: u64) -> bool {
    word & (WRITER | FENCED) == 0
}

/// Whether no writer holds the lock or waits for it, and slots are in use.
pub(super) fn admits_slot_readers(word: u64) -> bool {
    word & (WRITER | SUCCESSOR | COUNTED) == 0
}

/// Whether no thread holds the lock or waits for it, and the speed is *counted*.
pub(super) fn is_free_and_counted(word: u64) -> bool {
    word & (FLAGS | COUNTED | COUNT) == COUNTED
}

/// Whether a writer holds the lock, no thread waits, and there are no slots to give up.
pub(super) fn is_held_alone(word: u64) -> bool {
    word & (FLAGS | COUNTED | COUNT) == WRITER | COUNTED
}

/// Whether a reader must wait for a writer.
pub(super) fn bars_readers(word: u64) -> bool {
    word & (WRITER | SUCCESSOR) != 0
}

/// Whether there is an announced writer.
pub(super) fn is_announced(word: u64) -> bool {
    word & WRITER != 0
}

/// Whether the announced writer sleeps until readers have left, or is about to.
#[cfg(not(gosync_model))]
pub(super) fn is_drainer_parked(word: u64) -> bool {
    word & DRAINER_PARKED != 0
}

/// Whether there is a successor. A successor that finds the flag clear was handed `WRITER` (invariant 4 of
/// `raw_rwmutex`).
pub(super) fn has_successor(word: u64) -> bool {
    word & SUCCESSOR != 0
}

/// Whether there are readers inside that are counted.
pub(super) fn has_counted_readers(word: u64) -> bool {
    word & COUNT != 0
}

/// Whether an upgradable reader may enter.
pub(super) fn admits_upgradable(word: u64) -> bool {
    !bars_upgradable(word) && !has_too_many_readers(word)
}

/// Whether an upgradable reader must wait, for a writer or for another upgradable reader.
pub(super) fn bars_upgradable(word: u64) -> bool {
    bars_readers(word) || has_upgradable(word)
}

/// Whether there is an upgradable reader.
pub(super) fn has_upgradable(word: u64) -> bool {
    word & UPGRADABLE != 0
}

/// Whether an upgradable reader holds the lock alone, no thread waits, and there are no slots to look at.
pub(super) fn is_upgradable_alone(word: u64) -> bool {
    word & (FLAGS | COUNTED | COUNT) == UPGRADABLE | COUNTED
}

/// Whether the upgradable reader has passed the announced writer.
pub(super) fn has_upgrade_ahead(word: u64) -> bool {
    word & UPGRADE_AHEAD != 0
}

/// Whether the upgradable reader must wake a sleeping one when it leaves, because there is no writer that would
/// do so later.
pub(super) fn owes_upgradable(word: u64) -> bool {
    word & UPGRADABLES_PARKED != 0 && !bars_readers(word)
}

/// Whether readers, upgradable or not, sleep that only a writer can admit. The thread that gives up the last of
/// `WRITER` and `SUCCESSOR` must admit them.
pub(super) fn owes_admission(word: u64) -> bool {
    word & READERS_PARKED != 0 || word & (UPGRADABLES_PARKED | UPGRADABLE) == UPGRADABLES_PARKED
}

/// Returns `UPGRADABLE` if the owner of `WRITER`, which steps down and keeps `kept`, must admit the first
/// sleeping upgradable reader. Otherwise returns 0. The owner adds the result to the word.
pub(super) fn upgradable_to_admit(word: u64, kept: u64) -> u64 {
    let is_taken = has_upgradable(word | kept);
    match word & UPGRADABLES_PARKED != 0 && !is_taken {
        true => UPGRADABLE,
        false => 0,
    }
}

/// Returns what the lock's readers store in slots, or 0 if the lock has never left *counted*.
#[inline(always)]
pub(super) fn id(word: u64) -> u32 {
    (word / ONE_ID) as u32
}

/// Returns the word of a lock that gets an identity.
pub(super) fn with_id(word: u64, id: u32) -> u64 {
    word | (u64::from(id) * ONE_ID)
}

/// Returns the word after the owner of `WRITER` has stepped down. `entering` stands for the readers that
/// enter in its place: `ONE_READER` for each, and `UPGRADABLE` for an upgradable one.
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

/// Returns the word once `WRITER` belongs to the successor, or to the first writer in the queue.
fn hand_over(word: u64, entering: u64) -> u64 {
    without_successor(enter(word, entering))
}

/// Returns the word once the successor has got `WRITER`.
pub(super) fn without_successor(word: u64) -> u64 {
    word & !(SUCCESSOR | SUCCESSOR_PARKED | HANDOFF)
}

/// Returns the word after the sleeping readers have entered and the drain has ended.
fn enter(word: u64, entering: u64) -> u64 {
    (word & !(DRAINER_PARKED | READERS_PARKED)) + entering
}

/// Whether the owner of `WRITER` becomes responsible for waking a successor when it steps down.
pub(super) fn needs_successor(word: u64) -> bool {
    word & (SUCCESSOR | WRITERS_PARKED) == WRITERS_PARKED
}

/// The bits that a lock keeps when no thread is inside and none waits.
#[cfg(gosync_model)]
pub(super) const PAST: u64 = COUNTED | FENCED | CREDIT | !(ONE_ID - 1);

#[cfg(all(test, not(gosync_model)))]
mod tests;
