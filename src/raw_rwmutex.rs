//! The lock: writers are preferred, and nobody starves. One word.
//!
//! # The idea
//!
//! A writer first *announces* itself by setting [`WRITER`]. That alone stops new readers. Then it
//! *drains*: it waits until the readers inside have left. When it unlocks, every reader that sleeps
//! is *admitted*: counted in by the writer itself, in the step that ends the write, so nobody can
//! take its place. This much is Go's `sync.RWMutex` (`rwmutex.go`), but for the admission: Go counts
//! how many readers may pass, not which.
//!
//! Writers queue among themselves. To hand the lock to a thread that sleeps would cost a context
//! switch for every write, so a newcomer may *overtake*: the front of the queue is woken and becomes
//! the *successor*, and has to win `WRITER` like everybody else. Go's `sync.Mutex` (`mutex.go`) has the
//! same two modes and the same bound: a successor that has waited for a millisecond asks for a *hand-off*
//! and is given `WRITER` directly. While there is a successor no reader enters, so "once a writer waits,
//! no later reader enters before it" holds in the gap between two writers, too.
//!
//! One reader at a time may be *upgradable* (`upgrade`). It has a flag of its own, for which the announced writer waits
//! before it drains. An upgrade passes that writer; otherwise it announces itself.
//!
//! Readers are counted in the word; or, when they outnumber writers, they hold the lock by slots of
//! their own, and cost each other nothing: see `readers` for that and for its proofs.
//!
//! # The word
//!
//! `word` has its layout. How ownership passes from writer to writer:
//!
//! ```text
//!            announce              drained                 release
//!   free ───────────────► WRITER ───────────► WRITER ─────────────────► free, or admitted readers
//!     ▲ (readers inside)  readers             nobody    │
//!     │                   inside │ gives up             │ somebody in the writers' queue
//!     └──────────────────────────┘                      ▼
//!                                              SUCCESSOR ──wins WRITER──► WRITER
//!                                               │  ──HANDOFF, or a fair unlock──► WRITER
//!                                               └──gives up────────► the next SUCCESSOR, or free
//! ```
//!
//! And from an upgradable reader to a writer, and back:
//!
//! ```text
//!                       nobody announced: an announcement
//!                   ┌────────────────────────────────────────► WRITER ──── downgrade ───┐
//!                   │                                            ▲                      │
//!   free ──────► UPGRADABLE ──────────────────► UPGRADED         │ the writer gives up  │
//!                ▲  ▲     a writer has announced  │ │ │          │                      │
//!                │  │     itself, and waits       │ │ └──────────┘                      │
//!                │  └──────── downgrade ──────────┘ └──► free: the writer drains        │
//!                └──────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! How the speed changes. The credit decides between *counted* and *slots*: it grows by what slots save
//! readers, and a write takes away what they cost it; at *counted*, all of it.
//!
//! ```text
//!               enough credit              a long run of reads
//!   counted ───────────────────► slots ─────────────────────────► quiet
//!      ▲      (a reader)           │ ▲       (their reader)         │
//!      └───────────────────────────┘ └──────────────────────────────┘
//!         credit used up (a writer)          a write (its writer)
//! ```
//!
//! # Invariants
//!
//! 1. `WRITER` has one owner, from its announcement until it steps down. Data is written only by
//!    the owner, or by the upgradable reader that has passed it, and only after it has seen a count
//!    of 0 and no slot that holds the lock; by the owner, only after it has seen `UPGRADABLE` clear
//!    before that. Readers enter only while neither `WRITER` nor `SUCCESSOR` is set, or by the hand of the
//!    owner as it steps down.
//! 2. `SUCCESSOR` has one owner: the thread that was woken, or the thread that is about to wake one.
//! 3. `READERS_PARKED` or `WRITERS_PARKED` implies `WRITER` or `SUCCESSOR`: somebody is awake, or will be
//!    woken, who owes the sleepers their turn. Nobody drops `WRITER` or `SUCCESSOR` without paying.
//!    `UPGRADERS_PARKED` implies one of them or `UPGRADABLE`; or a thread that has just given up the last of them, and
//!    is about to wake one, or one that was woken, and has not looked at the word yet.
//! 4. Only the owner of `WRITER` sets or clears `DRAIN`, or the upgradable reader that has passed it.
//!    Only the successor sets `SUCCESSOR_PARKED` or `HANDOFF`; both imply `SUCCESSOR`. `HANDOFF` implies `WRITER`. So
//!    if the successor finds `SUCCESSOR` gone, the lock was handed to it.
//! 5. A flag `…_PARKED` is set under its queue's lock by a sleeper that joins the queue then, and
//!    cleared under that lock or before that queue is woken. So whoever finds it set finds the sleeper
//!    in the queue. A flag may outlive its sleepers, if they give up.
//! 6. Nobody clears `COUNTED` or `FENCED` while `WRITER` or `SUCCESSOR` is set. Only an owner of `WRITER` that
//!    has seen all readers leave sets `COUNTED`. Only readers that count themselves in, at *counted*,
//!    owners of `WRITER`, and the upgradable reader that has passed one change the credit.
//! 7. Every owner of `WRITER` sets `FENCED`, at the latest as it steps down, and has passed a heavy
//!    barrier by then if it was clear. So it is never clear with a successor.
//! 8. `UPGRADABLE` has one owner: the upgradable reader, or the thread that is about to hand it to one. It is set only
//!    while neither `WRITER` nor `SUCCESSOR` is, or by the owner of `WRITER` as it steps down. Only its owner sets
//!    `UPGRADED`, which implies `WRITER`, and finds it gone only if the owner of `WRITER` has given up: then it owns `WRITER`
//!    itself.
//!
//! The word changes by read-modify-write only, so each change continues the release sequences of all
//! before it: whoever acquires from the word acquires from every earlier release.

mod bias;
mod drain;
mod handoff;
#[cfg(not(gosync_model))]
mod lock_api_impl;
mod prices;
mod reader;
mod upgrade;
mod word;
mod writer;

use crate::park::{Key, Parked, deadlock};
use crate::primitive::{AtomicU64, Ordering};
use crate::readers::{self, Entry};
use crate::workers;
use std::ptr;
use std::time::Instant;
use word::*;

#[cfg(gosync_model)]
use crate::speed::Speed;

use Ordering::{Acquire, Relaxed, Release};

/// The raw lock behind [`RWMutex`](crate::RWMutex) and [`RwLock`](crate::RwLock): one word, no data.
///
/// Use it through [`lock_api`]'s traits to build a lock type of your own. It has to outlive each call that unlocks it, as
/// it does behind a guard: such a call may still wake somebody when another thread has the lock already.
pub struct RawRWMutex {
    /// See the table in `word`.
    word: AtomicU64,
}

/// One read lock, and where it is noted: in a slot, or in the word.
#[must_use]
pub struct ReadToken(Option<Entry>);

/// The write lock, and what the word was when it was got: most likely it still is when it ends.
#[must_use]
pub struct WriteToken(u64);

/// The upgradable read lock.
#[must_use]
pub struct UpgradableToken(());

/// What a thread that is about to sleep makes of the word.
enum Turn {
    /// Its flag is set; it has to sleep.
    Sleep(u64),
    /// It has got what it waits for.
    Enter(u64),
}

#[cfg(gosync_model)]
impl ReadToken {
    /// What the readers have that a writer has admitted.
    pub(crate) fn counted() -> Self {
        Self(None)
    }
}

impl RawRWMutex {
    #[cfg(not(gosync_model))]
    pub(crate) const fn new() -> Self {
        Self {
            word: AtomicU64::new(NEW),
        }
    }

    /// A lock that has got to `speed` already, and has enough credit to stay there for `credit`
    /// reads' worth of writes.
    #[cfg(gosync_model)]
    pub(crate) fn at(speed: Speed, credit: u64) -> Self {
        let word = match speed {
            Speed::Counted => NEW,
            _ => bias::at_speed(speed, readers::new_id().expect("there are few"), credit),
        };
        Self {
            word: AtomicU64::new(word),
        }
    }

    fn address(&self) -> usize {
        ptr::from_ref(self).addr()
    }

    /// Whether anybody reads, at the moment. Costs nobody anything, unlike an announcement.
    fn has_readers(&self, word: u64) -> bool {
        has_upgradable(word) || self.has_plain_readers(word)
    }

    /// As `has_readers`, apart from the upgradable one.
    fn has_plain_readers(&self, word: u64) -> bool {
        has_counted_readers(word) || (word & COUNTED == 0 && readers::any_holds(id(word)))
    }

    /// Changes the word from `word` to `next`, and releases all that the caller has done or seen. False if the word is
    /// another one.
    #[inline(always)]
    fn release(&self, word: u64, next: u64) -> bool {
        // Release: pairs with every Acquire on the word.
        self.word
            .compare_exchange(word, next, Release, Relaxed)
            .is_ok()
    }

    /// Sleeps in `queue`, unless `turn` finds that the caller may enter now. Otherwise it has entered, and has not slept:
    /// one that is about to sleep is not overtaken once more.
    fn park(&self, queue: Key, turn: impl Fn(u64) -> Turn, deadline: Option<Instant>) -> Parked {
        workers::park(queue, || self.take_turn(turn), deadline)
    }

    /// Makes of the word what `turn` says. Returns whether the caller has to sleep. Under the lock of its queue
    /// (invariant 5).
    fn take_turn(&self, turn: impl Fn(u64) -> Turn) -> bool {
        loop {
            let word = self.word.load(Relaxed);
            let (sleeps, next) = match turn(word) {
                Turn::Sleep(next) => (true, next),
                Turn::Enter(next) => (false, next),
            };
            // Acquire: pairs with the Release in `release`, for readers. Writers acquire in their drain.
            if self
                .word
                .compare_exchange_weak(word, next, Acquire, Relaxed)
                .is_ok()
            {
                return sleeps;
            }
        }
    }

    #[cfg(not(gosync_model))]
    pub(crate) fn is_locked(&self) -> bool {
        let word = self.word.load(Relaxed);
        is_announced(word) || self.has_readers(word)
    }

    #[cfg(not(gosync_model))]
    pub(crate) fn is_write_locked(&self) -> bool {
        let word = self.word.load(Relaxed);
        // An entry that another thread has made may be passing. One's own is not.
        let is_reader = has_counted_readers(word)
            || has_upgradable(word) != is_upgraded(word)
            || readers::own_holds(id(word));
        is_announced(word) && !is_draining(word) && !is_reader
    }

    /// Whether anybody waits for the lock, and is not about to get it anyway.
    #[cfg(not(gosync_model))]
    fn is_wanted(&self) -> bool {
        const WAITING: u64 =
            SUCCESSOR | READERS_PARKED | WRITERS_PARKED | UPGRADERS_PARKED | UPGRADED;
        self.word.load(Relaxed) & WAITING != 0
    }

    /// What is left in the word of a lock that nobody has or wants: nothing, apart from its past.
    #[cfg(gosync_model)]
    pub(crate) fn traces(&self) -> u64 {
        self.word.load(Relaxed) & !PAST
    }

    /// The speed, at the moment.
    #[cfg(all(test, gosync_model))]
    pub(crate) fn speed(&self) -> Speed {
        match self.word.load(Relaxed) {
            word if word & FENCED == 0 => Speed::Quiet,
            word if word & COUNTED == 0 => Speed::Slots,
            _ => Speed::Counted,
        }
    }

    /// Readers sleep here until a writer admits them.
    pub(crate) fn readers(&self) -> Key {
        Key::new(&self.word, 0)
    }

    /// Writers sleep here until one of them becomes successor.
    pub(crate) fn writers(&self) -> Key {
        Key::new(&self.word, 1)
    }

    /// The successor sleeps here until the write phase ends.
    pub(crate) fn successor(&self) -> Key {
        Key::new(&self.word, 2)
    }

    /// The announced writer sleeps here until the last reader leaves.
    pub(crate) fn drained(&self) -> Key {
        Key::new(&self.word, 3)
    }

    /// Upgradable readers sleep here until they may compete, or are let in.
    pub(crate) fn upgraders(&self) -> Key {
        Key::new(&self.word, 4)
    }

    /// The announced writer sleeps here until the upgradable reader has left.
    pub(crate) fn upgradable(&self) -> Key {
        Key::new(&self.word, 5)
    }

    /// Called by each reader that has got in.
    #[inline]
    fn track_enter(&self) {
        deadlock::acquire(self.drained());
    }

    /// Called by each reader before it leaves.
    #[inline]
    fn track_leave(&self) {
        deadlock::release(self.drained());
    }

    /// Called by each owner of `WRITER`, once it is.
    #[inline]
    fn track_announce(&self) {
        deadlock::acquire(self.upgraders());
        self.track_begin_upgrade();
    }

    /// Called by the owner of `WRITER` before it steps down.
    #[inline]
    fn track_step_down(&self) {
        deadlock::release(self.upgraders());
        self.track_fail_upgrade();
    }

    /// Called by each upgradable reader that has got in.
    #[inline]
    fn track_enter_upgradable(&self) {
        deadlock::acquire(self.upgraders());
        deadlock::acquire(self.upgradable());
    }

    /// Called by each upgradable reader before it leaves.
    #[inline]
    fn track_leave_upgradable(&self) {
        deadlock::release(self.upgraders());
        self.track_no_writer_behind();
    }

    /// Called by each upgradable reader that begins to upgrade.
    #[inline]
    fn track_begin_upgrade(&self) {
        deadlock::acquire(self.readers());
        deadlock::acquire(self.writers());
        deadlock::acquire(self.successor());
    }

    /// Called by each upgradable reader whose upgrade has failed.
    #[inline]
    fn track_fail_upgrade(&self) {
        deadlock::release(self.readers());
        deadlock::release(self.writers());
        deadlock::release(self.successor());
    }

    /// Called once no announced writer waits any more for what was an upgradable reader. Such a writer is not among
    /// those that others wait for here: it would wait for itself.
    #[inline]
    fn track_no_writer_behind(&self) {
        deadlock::release(self.upgradable());
    }
}

impl Drop for RawRWMutex {
    #[inline]
    fn drop(&mut self) {
        let id = id(self.word.load(Relaxed));
        if id != 0 {
            readers::release_id(id);
        }
    }
}

#[cfg(all(test, not(gosync_model)))]
mod tests;
