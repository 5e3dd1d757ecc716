//! A reader-writer lock in one word. It prefers writers, and no thread starves.
//!
//! # The idea
//!
//! A writer first *announces* itself: it sets [`WRITER`]. From then on no new reader enters. The writer then
//! *drains* the lock: it waits until the readers inside have left. When it unlocks, it *admits* every
//! sleeping reader: it counts them in itself, in the same step that ends the write, so no other thread can
//! take their place. All of this is Go's `sync.RWMutex` (`rwmutex.go`), except for the admission: Go counts
//! how many readers may pass, not which ones.
//!
//! Writers queue among themselves. Handing the lock to a sleeping thread would cost a context switch for
//! every write, so a newcomer may *overtake*: the first writer in the queue is woken and becomes the
//! *successor*, and it must win `WRITER` in competition with newcomers. Go's `sync.Mutex` (`mutex.go`) has
//! the same two modes and the same bound: a successor that has waited for a millisecond asks for a *hand-off*
//! and is given `WRITER` directly. While there is a successor, no reader enters. So "once a writer waits, no
//! later reader enters before it" also holds in the gap between two writers.
//!
//! One reader at a time may be *upgradable* (`upgrade`). It has its own flag, and the announced writer waits
//! for that flag before it drains. If a writer has announced itself, an upgrade passes it. Otherwise the
//! upgrade announces itself.
//!
//! Readers are counted in the word. When they outnumber writers, each reader holds the lock by a slot of its
//! own thread instead, so that readers do not slow each other down. `readers` describes the slots and proves
//! them correct.
//!
//! # The word
//!
//! The layout is in `word`. Ownership passes from writer to writer like this:
//!
//! ```text
//!            announce              drained                 release
//!   free ───────────────► WRITER ───────────► WRITER ─────────────────► free, or admitted readers
//!     ▲ (readers inside)  readers             empty     │
//!     │                   inside │ gives up             │ a writer is in the queue
//!     └──────────────────────────┘                      ▼
//!                                              SUCCESSOR ──wins WRITER──► WRITER
//!                                               │  ──HANDOFF, or a fair unlock──► WRITER
//!                                               └──gives up────────► the next SUCCESSOR, or free
//! ```
//!
//! From an upgradable reader to a writer, and back:
//!
//! ```text
//!                       no announced writer: announces itself
//!                   ┌────────────────────────────────────────► WRITER ──── downgrade ───┐
//!                   │                                            ▲                      │
//!   free ──────► UPGRADABLE ─────────────────► UPGRADE_AHEAD     │ the writer gives up  │
//!                ▲  ▲     a writer has announced  │ │ │          │                      │
//!                │  │     itself, and waits       │ │ └──────────┘                      │
//!                │  └──────── downgrade ──────────┘ └──► free: the writer drains        │
//!                └──────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! The speed changes like this. The credit decides between *counted* and *slots*. It grows by what slots save
//! readers. At *slots*, a write subtracts what the slots cost it. At *counted*, a write resets the
//! credit to 0.
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
//! 1. `WRITER` has one owner, from its announcement until it steps down. Only the owner, or the upgradable
//!    reader that has passed it, writes the data, and only after it has seen a count of 0 and no slot that
//!    holds the lock. Before that, the owner must also have seen `UPGRADABLE` clear. Readers enter only while
//!    neither `WRITER` nor `SUCCESSOR` is set, or because the owner admits them as it steps down.
//! 2. `SUCCESSOR` has one owner: the thread that was woken, or the thread that is about to wake one.
//! 3. `READERS_PARKED` or `WRITERS_PARKED` implies `WRITER` or `SUCCESSOR`: some thread that is awake, or
//!    will be woken, owes the sleepers their turn. No thread clears the last of the two without paying
//!    that debt. `UPGRADABLES_PARKED` implies `WRITER`, `SUCCESSOR` or `UPGRADABLE`, except while a thread that
//!    has just cleared the last of them is about to wake a sleeper, or while an upgradable reader that was woken has
//!    not looked at the word yet.
//! 4. Only the owner of `WRITER`, or the upgradable reader that has passed it, sets or clears `DRAINER_PARKED`. Only
//!    the successor sets `SUCCESSOR_PARKED` or `HANDOFF`. Both imply `SUCCESSOR`, and `HANDOFF` implies
//!    `WRITER`. Only the owner of `SUCCESSOR` clears it, or the thread that hands it `WRITER`. So a successor
//!    that finds `SUCCESSOR` clear has been handed `WRITER`.
//! 5. A flag `…_PARKED` is set under its queue's lock, by a sleeper that joins the queue at that moment. It
//!    is cleared under that lock, or before the sleepers of that queue are woken. So a thread that finds the
//!    flag set, and then locks the queue, finds the sleeper there unless it has given up. A flag may outlive
//!    its sleepers.
//! 6. `COUNTED` implies `FENCED`. No thread clears either of them while `WRITER` or `SUCCESSOR` is set. Only an
//!    owner of `WRITER` that has seen all readers leave sets `COUNTED`. The credit is changed only by readers
//!    at *counted*, as they count themselves in or take up slots, by owners of `WRITER`, and by the upgradable
//!    reader that has passed one.
//! 7. Every owner of `WRITER` sets `FENCED`, at the latest as it steps down. If `FENCED` was clear, the owner
//!    has passed a heavy barrier by then. So `FENCED` is never clear while there is a successor.
//! 8. `UPGRADABLE` has one owner: the upgradable reader, or the thread that is about to hand the flag to one.
//!    A thread sets it only while `WRITER` and `SUCCESSOR` are clear, or as the owner of `WRITER` that steps
//!    down. It may stay set while a writer announces itself. Only the owner of `UPGRADABLE` sets
//!    `UPGRADE_AHEAD`, which implies `WRITER`. It finds `UPGRADE_AHEAD` gone only if the owner of `WRITER`
//!    has given up: then it owns `WRITER` itself.
//!
//! The word changes only by read-modify-writes, so each change continues the release sequences of all earlier
//! ones: a thread that acquires from the word acquires from every earlier release.

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

/// The raw lock behind [`RWMutex`](crate::RWMutex) and [`RwLock`](crate::RwLock): one word of 8 bytes, no
/// data. Go has no counterpart.
///
/// Use it through the traits of [`lock_api`] to build your own lock type: [`RawRwLock`](lock_api::RawRwLock)
/// and those whose names begin with it. A call that locks returns a token, and the call that unlocks takes
/// it. The lock must outlive each call that unlocks it, as it does behind a guard: such a call may still wake
/// a waiter after another thread has got the lock.
///
/// # Panics
///
/// `lock_shared`, `lock_upgradable` and their timed forms panic if about 2²⁵ readers are counted in the lock
/// already, with `gosync: too many readers of one RWMutex`.
///
/// # Examples
///
/// ```
/// use gosync::RawRWMutex;
/// use gosync::lock_api::RawRwLock as _;
///
/// static LOCK: RawRWMutex = RawRWMutex::INIT;
///
/// let token = LOCK.lock_shared();
/// assert!(LOCK.try_lock_exclusive().is_none());
/// // SAFETY: the token is that of the read lock, and the lock is a static.
/// unsafe { LOCK.unlock_shared(token) };
/// assert!(!LOCK.is_locked());
/// ```
pub struct RawRWMutex {
    /// The table in `word` shows the layout.
    word: AtomicU64,
}

/// A read lock, and where it is registered: in a slot (`Some`), or in the word (`None`).
#[must_use]
pub struct ReadToken(Option<Entry>);

/// The write lock, and the word at the moment it was acquired. Most likely the word is still the same at the
/// unlock.
#[must_use]
pub struct WriteToken(u64);

/// The upgradable read lock.
#[must_use]
pub struct UpgradableToken(());

/// The decision of a thread that is about to sleep, and the word that it stores.
enum Step {
    /// It sets its flag and must sleep.
    Sleep(u64),
    /// It gets what it waits for, and does not sleep.
    Enter(u64),
}

#[cfg(gosync_model)]
impl ReadToken {
    /// The token of a reader that a writer has admitted.
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

    /// Returns a lock that has reached `speed` already. It has enough credit to stay there for writes that
    /// cost as much as `credit` reads save.
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

    /// Whether any reader is inside at the moment. Only looks, so unlike an announcement it holds up no other
    /// thread.
    fn has_readers(&self, word: u64) -> bool {
        has_upgradable(word) || self.has_plain_readers(word)
    }

    /// As `has_readers`, but ignores the upgradable reader.
    fn has_plain_readers(&self, word: u64) -> bool {
        has_counted_readers(word) || (word & COUNTED == 0 && readers::any_holds(id(word)))
    }

    /// Changes the word from `word` to `next`, and releases everything that the caller has done or seen.
    /// Returns false if the word is not `word` any more.
    #[inline(always)]
    fn exchange_release(&self, word: u64, next: u64) -> bool {
        // Release: pairs with every Acquire on the word.
        self.word
            .compare_exchange(word, next, Release, Relaxed)
            .is_ok()
    }

    /// Sleeps in `queue`, unless `decide` lets the caller enter at once. In that case it returns
    /// `Parked::Invalid`: the caller has entered without a sleep. So if the lock has become free by
    /// then, the thread takes it, and no newcomer overtakes it.
    fn park(&self, queue: Key, decide: impl Fn(u64) -> Step, deadline: Option<Instant>) -> Parked {
        workers::park(queue, || self.sleep_or_enter(decide), deadline)
    }

    /// Changes the word as `decide` says, and returns whether the caller must sleep. Runs under the lock of the
    /// caller's queue (invariant 5).
    fn sleep_or_enter(&self, decide: impl Fn(u64) -> Step) -> bool {
        loop {
            let word = self.word.load(Relaxed);
            let (sleeps, next) = match decide(word) {
                Step::Sleep(next) => (true, next),
                Step::Enter(next) => (false, next),
            };
            // Acquire: pairs with the Release in `exchange_release`, for readers and upgradable readers.
            // Writers acquire when they drain.
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
        // An entry of another thread may be passing, so only this thread's own slots count: its entries are
        // never passing here.
        let is_reader = has_counted_readers(word)
            || has_upgradable(word) != has_upgrade_ahead(word)
            || readers::own_holds(id(word));
        is_announced(word) && !is_drainer_parked(word) && !is_reader
    }

    /// Whether another thread waits for the lock: asleep in a queue, as the successor, or as the writer that the
    /// caller's upgrade has passed. For the owner of the write lock.
    #[cfg(not(gosync_model))]
    fn is_wanted(&self) -> bool {
        const WAITING: u64 =
            SUCCESSOR | READERS_PARKED | WRITERS_PARKED | UPGRADABLES_PARKED | UPGRADE_AHEAD;
        self.word.load(Relaxed) & WAITING != 0
    }

    /// Returns the word without its past. That is 0 if no thread holds the lock or waits for it.
    #[cfg(gosync_model)]
    pub(crate) fn traces(&self) -> u64 {
        self.word.load(Relaxed) & !PAST
    }

    /// The speed at the moment.
    #[cfg(all(test, gosync_model))]
    pub(crate) fn speed(&self) -> Speed {
        match self.word.load(Relaxed) {
            word if word & FENCED == 0 => Speed::Quiet,
            word if word & COUNTED == 0 => Speed::Slots,
            _ => Speed::Counted,
        }
    }

    /// The queue in which readers sleep until a writer admits them.
    pub(crate) fn readers_queue(&self) -> Key {
        Key::new(&self.word, 0)
    }

    /// The queue in which writers sleep until one of them becomes the successor.
    pub(crate) fn writers_queue(&self) -> Key {
        Key::new(&self.word, 1)
    }

    /// The queue in which the successor sleeps until the write phase ends.
    pub(crate) fn successor_queue(&self) -> Key {
        Key::new(&self.word, 2)
    }

    /// The queue in which the announced writer sleeps until the last reader has left.
    pub(crate) fn drainer_queue(&self) -> Key {
        Key::new(&self.word, 3)
    }

    /// The queue in which upgradable readers sleep until they may compete for `UPGRADABLE`, or are handed it.
    pub(crate) fn upgradables_queue(&self) -> Key {
        Key::new(&self.word, 4)
    }

    /// The queue in which the announced writer sleeps until the upgradable reader has left.
    pub(crate) fn behind_upgradable_queue(&self) -> Key {
        Key::new(&self.word, 5)
    }

    /// Each reader calls this once it is inside.
    #[inline]
    fn track_enter(&self) {
        deadlock::acquire(self.drainer_queue());
    }

    /// Each reader calls this before it leaves.
    #[inline]
    fn track_leave(&self) {
        deadlock::release(self.drainer_queue());
    }

    /// Each owner of `WRITER` calls this once it owns the flag.
    #[inline]
    fn track_announce(&self) {
        deadlock::acquire(self.upgradables_queue());
        self.track_bar_others();
    }

    /// The owner of `WRITER` calls this before it steps down.
    #[inline]
    fn track_step_down(&self) {
        deadlock::release(self.upgradables_queue());
        self.track_admit_others();
    }

    /// Each upgradable reader calls this once it is inside.
    #[inline]
    fn track_enter_upgradable(&self) {
        deadlock::acquire(self.upgradables_queue());
        deadlock::acquire(self.behind_upgradable_queue());
    }

    /// Each upgradable reader calls this before it leaves.
    #[inline]
    fn track_leave_upgradable(&self) {
        deadlock::release(self.upgradables_queue());
        self.track_no_writer_behind();
    }

    /// Notes that readers, writers and the successor now wait for the caller. Each upgrade calls this as it begins,
    /// and each owner of `WRITER` by `track_announce`.
    #[inline]
    fn track_bar_others(&self) {
        deadlock::acquire(self.readers_queue());
        deadlock::acquire(self.writers_queue());
        deadlock::acquire(self.successor_queue());
    }

    /// Ends what `track_bar_others` has noted. Called when an upgrade has failed, and by `track_step_down`.
    #[inline]
    fn track_admit_others(&self) {
        deadlock::release(self.readers_queue());
        deadlock::release(self.writers_queue());
        deadlock::release(self.successor_queue());
    }

    /// Called once no announced writer waits any longer for the thread that was the upgradable reader. A
    /// writer that announces itself does not acquire this key, since it would then wait for itself.
    #[inline]
    fn track_no_writer_behind(&self) {
        deadlock::release(self.behind_upgradable_queue());
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
