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
//! | 7 | `COUNTED` | a writer | readers count themselves: the speed is *counted*, and no slot holds the lock |
//! | 8 | `FENCED` | a writer | readers in slots pass a fence: the speed is not *quiet* |
//! | 9..38 | the count | readers | readers inside that hold no slot; the top bit means too many |
//! | 38..47 | the credit | readers, writers | how much slots would have saved, or have; see `bias` |
//! | 47..64 | the identity | the first reader to leave *counted* | what the lock's readers put into slots; 0: none yet |
//!
//! A quiet reader that may go on finds all bits of a mask clear, which fits into one instruction.

use crate::readers;

pub(super) const WRITER: u64 = 1 << 0;
pub(super) const DRAIN: u64 = 1 << 1;
pub(super) const HEIR: u64 = 1 << 2;
pub(super) const HEIR_PARKED: u64 = 1 << 3;
pub(super) const HANDOFF: u64 = 1 << 4;
pub(super) const READERS_PARKED: u64 = 1 << 5;
pub(super) const WRITERS_PARKED: u64 = 1 << 6;
pub(super) const COUNTED: u64 = 1 << 7;
pub(super) const FENCED: u64 = 1 << 8;
/// The word of a new lock.
pub(super) const NEW: u64 = COUNTED | FENCED;
/// What says who has the lock and who wants it.
pub(super) const FLAGS: u64 = COUNTED - 1;
pub(super) const ONE_READER: u64 = 1 << 9;
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
    word & (WRITER | HEIR | TOO_MANY_READERS) == 0
}

/// No more readers may be counted.
pub(super) fn has_too_many_readers(word: u64) -> bool {
    word & TOO_MANY_READERS != 0
}

/// As `is_readable`, and the speed is *quiet*. Then there is no heir (invariant 7).
pub(super) fn is_quiet(word: u64) -> bool {
    word & (WRITER | FENCED) == 0
}

/// As `is_readable`, and slots are in use.
pub(super) fn has_slots(word: u64) -> bool {
    word & (WRITER | HEIR | COUNTED) == 0
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
    word & (WRITER | HEIR) != 0
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

/// The caller is still heir; otherwise `WRITER` was handed to it (invariant 4).
pub(super) fn is_heir(word: u64) -> bool {
    word & HEIR != 0
}

/// There are readers inside that are counted.
pub(super) fn has_counted_readers(word: u64) -> bool {
    word & COUNT != 0
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

/// The word after the owner of `WRITER` steps down and `entering` readers enter in its stead.
pub(super) fn succeed(word: u64, entering: u64) -> u64 {
    debug_assert!(word & FENCED != 0, "who steps down ends the quiet");
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

/// What a lock keeps of its past when nobody is inside and nobody waits.
#[cfg(gosync_model)]
pub(super) const PAST: u64 = COUNTED | FENCED | CREDIT | !(ONE_ID - 1);

#[cfg(all(test, not(gosync_model)))]
mod tests;
