//! The mutex: whoever is faster gets it, and nobody waits for long. One word.
//!
//! # The idea
//!
//! Go's `sync.Mutex` (`internal/sync/mutex.go`), with its bound. To hand the lock to a thread that sleeps costs a
//! switch of threads for each turn, so a newcomer may *overtake* those who sleep. When the lock becomes free the first
//! of them is woken. It is the *successor* from then on: it has to win the lock like everybody else, and as long as there is
//! a successor nobody else is woken. A successor that has waited for a millisecond asks for a *hand-off*: whoever has the lock
//! then gives it to the successor directly. So those who sleep get their turns in the order in which they came, and none of
//! them is overtaken for long.
//!
//! It is what writers do in `raw_rwmutex`, without the readers.
//!
//! # The word
//!
//! | bit | name | set by | means |
//! |---|---|---|---|
//! | 0 | `LOCKED` | whoever locks | somebody has the lock |
//! | 1 | `PARKED` | whoever is about to sleep | the queue may not be empty |
//! | 2 | `SUCCESSOR` | whoever unlocks | one has been taken from the queue, or is about to be, and has not got the lock yet |
//! | 3 | `SUCCESSOR_PARKED` | the successor | it sleeps, or is about to; whoever unlocks wakes it |
//! | 4 | `HANDOFF` | the successor | whoever unlocks gives the lock to the successor |
//!
//! ```text
//!            lock                 unlock
//!   free ───────────► LOCKED ───────────────► free
//!                        │ somebody in the queue
//!                        ▼
//!                      SUCCESSOR ──wins LOCKED────────────────► LOCKED
//!                       │  ──HANDOFF, or a fair unlock──► LOCKED
//!                       └──gives up─────────────────────► the next SUCCESSOR, or free
//! ```
//!
//! # Invariants
//!
//! 1. `LOCKED` has one owner: whoever set it, until it unlocks.
//! 2. `SUCCESSOR` has one owner: the thread that was woken, or the one that is about to wake one. If it finds `SUCCESSOR` gone,
//!    then `LOCKED` was handed to it.
//! 3. `PARKED` implies `LOCKED` or `SUCCESSOR`: somebody is awake, or will be woken, who owes the sleepers their turn. Nobody
//!    drops the last of the two without paying.
//! 4. Only the successor sets `SUCCESSOR_PARKED` and `HANDOFF`. Both imply `SUCCESSOR`, and `HANDOFF` implies `LOCKED`.
//! 5. A flag `…PARKED` is set under its queue's lock, by one that joins the queue then, and cleared under that lock or
//!    before that queue is woken. So whoever finds it set finds the sleeper in the queue. A flag may outlive its
//!    sleepers, if they give up.
//!
//! The word changes by read-modify-write only, so each change continues the release sequences of all before it.

#[cfg(not(gosync_model))]
mod lock_api_impl;

use crate::park::{self, Key, Parked, deadlock};
use crate::primitive::{AtomicU32, Ordering, const_fn};
use crate::spin::SpinBudget;
use crate::workers;
use std::time::Instant;

use Ordering::{Acquire, Relaxed, Release};

const LOCKED: u32 = 1 << 0;
const PARKED: u32 = 1 << 1;
const SUCCESSOR: u32 = 1 << 2;
const SUCCESSOR_PARKED: u32 = 1 << 3;
const HANDOFF: u32 = 1 << 4;

/// The raw lock behind [`Mutex`](crate::Mutex): one word of 4 bytes, no data.
///
/// Use it through [`lock_api`]'s traits to build a lock type of your own. It has to outlive each call that unlocks it, as
/// it does behind a guard: such a call may still wake somebody when another thread has the lock already.
pub struct RawMutex {
    /// See the table above.
    word: AtomicU32,
}

impl RawMutex {
    const_fn! {
        pub(crate) const fn new() -> Self {
            Self {
                word: AtomicU32::new(0),
            }
        }
    }

    #[inline]
    pub(crate) fn lock(&self) {
        if !self.take(0, LOCKED) {
            self.lock_slow(None);
        }
    }

    #[inline]
    pub(crate) fn try_lock_until(&self, deadline: Option<Instant>) -> bool {
        self.take(0, LOCKED) || self.lock_slow(deadline)
    }

    /// Fails only because somebody has the lock, or has been handed it; never because of those who wait.
    #[inline]
    pub(crate) fn try_lock(&self) -> bool {
        let mut word = self.word.load(Relaxed);
        while !is_locked(word) {
            if self.take(word, word | LOCKED) {
                return true;
            }
            word = self.word.load(Relaxed);
        }
        false
    }

    /// # Safety
    ///
    /// The caller owns the lock, and ends that with this call.
    #[inline]
    pub(crate) unsafe fn unlock(&self) {
        self.track_release();
        if !self.release(LOCKED, 0) {
            self.unlock_slow();
        }
    }

    /// As `unlock`, but whoever has slept for longest gets the lock, if anybody sleeps.
    ///
    /// # Safety
    ///
    /// As for `unlock`.
    #[inline]
    pub(crate) unsafe fn unlock_fair(&self) {
        self.track_release();
        if !self.release(LOCKED, 0) {
            self.unlock_fair_slow();
        }
    }

    #[cfg(not(gosync_model))]
    pub(crate) fn is_locked(&self) -> bool {
        is_locked(self.word.load(Relaxed))
    }

    /// Whether anybody sleeps, or has slept and not got the lock yet.
    #[cfg(not(gosync_model))]
    pub(crate) fn has_waiters(&self) -> bool {
        self.word.load(Relaxed) & (PARKED | SUCCESSOR) != 0
    }

    /// Becomes the owner of `LOCKED` by a change of the word from `word` to `next`.
    #[inline(always)]
    fn take(&self, word: u32, next: u32) -> bool {
        // Acquire: pairs with the Release in `release`.
        let taken = self
            .word
            .compare_exchange_weak(word, next, Acquire, Relaxed)
            .is_ok();
        if taken {
            self.track_acquire();
        }
        taken
    }

    /// Ends the ownership of `LOCKED` by a change of the word from `word` to `next`.
    #[inline(always)]
    fn release(&self, word: u32, next: u32) -> bool {
        // Release: pairs with each Acquire on the word.
        self.word
            .compare_exchange(word, next, Release, Relaxed)
            .is_ok()
    }

    #[cold]
    fn lock_slow(&self, deadline: Option<Instant>) -> bool {
        let mut budget = SpinBudget::new();
        loop {
            let word = self.word.load(Relaxed);
            if !is_locked(word) {
                if self.take(word, word | LOCKED) {
                    return true;
                }
            } else if !budget.spin(word & PARKED != 0, deadline) {
                break;
            }
        }
        budget.start_clock();
        match self.park(self.queue(), PARKED, deadline) {
            Parked::Unparked => self.take_over(budget, deadline),
            Parked::Invalid => self.acquired(),
            Parked::TimedOut => false,
        }
    }

    /// As successor, becomes the owner of `LOCKED`: by winning it, or by hand-off. Returns false if the deadline comes first.
    fn take_over(&self, mut budget: SpinBudget, deadline: Option<Instant>) -> bool {
        loop {
            budget.reset();
            loop {
                let word = self.word.load(Relaxed);
                if !has_successor(word) {
                    return self.acquired();
                }
                if !is_locked(word) {
                    if self.take(word, without_successor(word) | LOCKED) {
                        return true;
                    }
                } else if !budget.spin(false, deadline) {
                    break;
                }
            }
            let request = if budget.is_starving() {
                SUCCESSOR_PARKED | HANDOFF
            } else {
                SUCCESSOR_PARKED
            };
            match self.park(self.successor(), request, deadline) {
                Parked::Unparked => {}
                Parked::Invalid => return self.acquired(),
                Parked::TimedOut => return self.give_up_as_successor(),
            }
        }
    }

    /// Sleeps in `queue`, if somebody has the lock, and sets `flags` for whoever unlocks it (invariant 5). Otherwise the
    /// caller has it now, and has not slept: one that is about to sleep is not overtaken once more.
    fn park(&self, queue: Key, flags: u32, deadline: Option<Instant>) -> Parked {
        workers::park(queue, || self.flag_or_take(flags), deadline)
    }

    /// Sets `flags` if somebody else has the lock. Otherwise the caller has it now, if it was not handed to it before.
    /// Returns whether it has to sleep. Under the lock of its queue.
    fn flag_or_take(&self, flags: u32) -> bool {
        let is_by_successor = flags & SUCCESSOR_PARKED != 0;
        loop {
            let word = self.word.load(Relaxed);
            if is_by_successor && !has_successor(word) {
                return false;
            }
            let is_locked = is_locked(word);
            let next = match (is_locked, is_by_successor) {
                (true, _) => word | flags,
                (false, true) => without_successor(word) | LOCKED,
                (false, false) => word | LOCKED,
            };
            // Relaxed: whoever has got it acquires in `acquired`.
            if self
                .word
                .compare_exchange_weak(word, next, Relaxed, Relaxed)
                .is_ok()
            {
                return is_locked;
            }
        }
    }

    /// The caller has found that it owns `LOCKED`.
    fn acquired(&self) -> bool {
        // Acquire: pairs with the Release of whoever had it before.
        self.word.load(Acquire);
        self.track_acquire();
        true
    }

    #[cold]
    fn unlock_slow(&self) {
        loop {
            let word = self.word.load(Relaxed);
            let next = if word & HANDOFF != 0 {
                // Still locked: by the successor.
                without_successor(word)
            } else if needs_successor(word) {
                (word & !LOCKED) | SUCCESSOR
            } else {
                word & !(LOCKED | SUCCESSOR_PARKED)
            };
            if !self.release(word, next) {
                continue;
            }
            self.wake_successor(word);
            let is_handed_back = needs_successor(word) && self.promote_next();
            if !is_handed_back {
                return;
            }
        }
    }

    #[cold]
    fn unlock_fair_slow(&self) {
        loop {
            let word = self.word.load(Relaxed);
            if has_successor(word) {
                if self.release(word, without_successor(word)) {
                    return self.wake_successor(word);
                }
            } else if word & PARKED != 0 {
                // Still locked: by the one that wakes, which finds no successor.
                if self.wake_front() {
                    return;
                }
            } else if self.release(word, word & !LOCKED) {
                return;
            }
        }
    }

    /// Wakes the successor, if it slept when the word was `word`.
    fn wake_successor(&self, word: u32) {
        if word & SUCCESSOR_PARKED != 0 {
            park::unpark_one(self.successor(), |_, _| {});
        }
    }

    /// Wakes the first in the queue. Returns whether there was one.
    fn wake_front(&self) -> bool {
        park::unpark_one(self.queue(), |_, more| {
            if !more {
                self.word.fetch_and(!PARKED, Relaxed);
            }
        })
    }

    /// Passes `SUCCESSOR`, which the caller owns, to the first in the queue, or drops it if there is none. Returns whether
    /// `LOCKED` has been handed to the caller instead, who has no use for it.
    fn promote_next(&self) -> bool {
        loop {
            let word = self.word.load(Relaxed);
            if word & PARKED != 0 {
                if self.wake_front() {
                    return false;
                }
                continue;
            }
            if !has_successor(word) {
                return true;
            }
            if self
                .word
                .compare_exchange_weak(word, word & !SUCCESSOR, Relaxed, Relaxed)
                .is_ok()
            {
                return false;
            }
        }
    }

    /// Gives up as successor. Returns whether `LOCKED` was handed to the caller before that.
    fn give_up_as_successor(&self) -> bool {
        loop {
            let word = self.word.load(Relaxed);
            if !has_successor(word) {
                return self.acquired();
            }
            // From here on nobody needs to wake this thread.
            let silent = word & !(HANDOFF | SUCCESSOR_PARKED);
            if self
                .word
                .compare_exchange_weak(word, silent, Relaxed, Relaxed)
                .is_ok()
            {
                if self.promote_next() {
                    self.unlock_slow();
                }
                return false;
            }
        }
    }

    /// What is left in the word of a lock that nobody has or wants: nothing.
    #[cfg(gosync_model)]
    pub(crate) fn traces(&self) -> u32 {
        self.word.load(Relaxed)
    }

    /// All but the successor sleep here.
    pub(crate) fn queue(&self) -> Key {
        Key::new(&self.word, 0)
    }

    /// The successor sleeps here.
    pub(crate) fn successor(&self) -> Key {
        Key::new(&self.word, 1)
    }

    /// Called by each owner of `LOCKED`, once it is.
    #[inline]
    fn track_acquire(&self) {
        deadlock::acquire(self.queue());
        deadlock::acquire(self.successor());
    }

    /// Called by the owner of `LOCKED` before it unlocks.
    #[inline]
    fn track_release(&self) {
        deadlock::release(self.queue());
        deadlock::release(self.successor());
    }
}

fn is_locked(word: u32) -> bool {
    word & LOCKED != 0
}

fn has_successor(word: u32) -> bool {
    word & SUCCESSOR != 0
}

/// Somebody is in the queue, and nobody has been taken from it.
fn needs_successor(word: u32) -> bool {
    word & (PARKED | SUCCESSOR) == PARKED
}

/// The word once the successor has got the lock.
fn without_successor(word: u32) -> u32 {
    word & !(SUCCESSOR | SUCCESSOR_PARKED | HANDOFF)
}
