//! The mutex: the fastest thread gets it, and no thread waits for long. One word.
//!
//! # The idea
//!
//! This is Go's `sync.Mutex` (`internal/sync/mutex.go`), with its bound. To hand the lock to a sleeping
//! thread every time would cost a context switch for each turn. So a newcomer may *overtake* the sleepers.
//! When the lock becomes free, the first sleeper is woken, and becomes the *successor*. It must win the lock
//! like every other thread. While there is a successor, no other sleeper is woken. A successor that has
//! waited for a millisecond asks for a *hand-off*: then the owner of the lock gives it to the successor
//! directly. So the sleepers get their turns in the order in which they came, and none of them is overtaken
//! for long.
//!
//! The writers of `raw_rwmutex` do the same. Here there are no readers.
//!
//! # The word
//!
//! | bit | name | set by | means |
//! |---|---|---|---|
//! | 0 | `LOCKED` | the thread that locks | a thread has the lock |
//! | 1 | `PARKED` | a thread that is about to sleep | the queue may not be empty |
//! | 2 | `SUCCESSOR` | the thread that unlocks | a waiter has been taken from the queue, or is about to be, and has not got the lock yet |
//! | 3 | `SUCCESSOR_PARKED` | the successor | it sleeps, or is about to; the thread that unlocks wakes it |
//! | 4 | `HANDOFF` | the successor | the thread that unlocks gives the lock to the successor |
//!
//! ```text
//!            lock                 unlock
//!   free ───────────► LOCKED ───────────────► free
//!                        │ a waiter in the queue
//!                        ▼
//!                      SUCCESSOR ──wins LOCKED────────────────► LOCKED
//!                       │  ──HANDOFF, or a fair unlock──► LOCKED
//!                       └──gives up─────────────────────► the next SUCCESSOR, or free
//! ```
//!
//! # Invariants
//!
//! 1. `LOCKED` has one owner: the thread that set it, or that it was handed to, until that thread unlocks.
//! 2. `SUCCESSOR` has one owner: the thread that was woken, or the thread that is about to wake one. If the
//!    owner finds `SUCCESSOR` clear, then `LOCKED` was handed to it.
//! 3. `PARKED` implies `LOCKED` or `SUCCESSOR`: a thread is awake, or will be woken, that owes the sleepers
//!    their turn. No thread clears the last of the two without paying this debt.
//! 4. Only the successor sets `SUCCESSOR_PARKED` and `HANDOFF`. Both imply `SUCCESSOR`, and `HANDOFF` implies
//!    `LOCKED`.
//! 5. A thread sets a flag `…PARKED` as it joins a queue, under the lock of that queue. The flag is cleared under
//!    that lock, or before the sleepers of that queue are woken. So a thread that finds the flag set, and then
//!    locks the queue, finds the sleeper there unless it has given up. A flag may outlive its sleepers.
//!
//! The word changes only by read-modify-writes, so each change continues the release sequences of all changes
//! before it.

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

/// The raw lock behind [`Mutex`](crate::Mutex): one word of 4 bytes, no data. Go has no counterpart.
///
/// Use it through the traits of [`lock_api`] to build your own lock type: [`RawMutex`](lock_api::RawMutex),
/// [`RawMutexFair`](lock_api::RawMutexFair) and [`RawMutexTimed`](lock_api::RawMutexTimed). The lock must
/// outlive each call that unlocks it, as it does behind a guard: such a call may still wake a thread when
/// another thread already has the lock.
///
/// # Examples
///
/// ```
/// use gosync::RawMutex;
/// use gosync::lock_api::RawMutex as _;
///
/// static LOCK: RawMutex = RawMutex::INIT;
///
/// LOCK.lock();
/// assert!(LOCK.try_lock().is_none());
/// // SAFETY: this thread holds the lock, which is a static.
/// unsafe { LOCK.unlock(()) };
/// assert!(!LOCK.is_locked());
/// ```
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

    /// Takes the lock if it is free. Fails only if a thread has the lock, or has been handed it, never
    /// because of threads that wait.
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
    /// The caller must own the lock. It no longer does after this call.
    #[inline]
    pub(crate) unsafe fn unlock(&self) {
        self.track_release();
        if !self.exchange_release(LOCKED, 0) {
            self.unlock_slow();
        }
    }

    /// Unlocks, and hands the lock to the thread that has slept longest, if there is one.
    ///
    /// # Safety
    ///
    /// The caller must own the lock. It no longer does after this call.
    #[inline]
    pub(crate) unsafe fn unlock_fair(&self) {
        self.track_release();
        if !self.exchange_release(LOCKED, 0) {
            self.unlock_fair_slow();
        }
    }

    #[cfg(not(gosync_model))]
    pub(crate) fn is_locked(&self) -> bool {
        is_locked(self.word.load(Relaxed))
    }

    /// Whether a thread sleeps, or has slept and has not got the lock yet.
    #[cfg(not(gosync_model))]
    pub(crate) fn has_waiters(&self) -> bool {
        self.word.load(Relaxed) & (PARKED | SUCCESSOR) != 0
    }

    /// Becomes the owner of `LOCKED` by changing the word from `word` to `next`. Returns whether that
    /// succeeded.
    #[inline(always)]
    fn take(&self, word: u32, next: u32) -> bool {
        // Acquire: pairs with the Release in `exchange_release`.
        let taken = self
            .word
            .compare_exchange_weak(word, next, Acquire, Relaxed)
            .is_ok();
        if taken {
            self.track_acquire();
        }
        taken
    }

    /// Gives up `LOCKED` by changing the word from `word` to `next`. Returns whether that succeeded.
    #[inline(always)]
    fn exchange_release(&self, word: u32, next: u32) -> bool {
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
            Parked::Invalid => self.finish_acquire(),
            Parked::TimedOut => false,
        }
    }

    /// As the successor, becomes the owner of `LOCKED`: by winning it, or by hand-off. Returns false if the
    /// deadline passes first.
    fn take_over(&self, mut budget: SpinBudget, deadline: Option<Instant>) -> bool {
        loop {
            budget.reset();
            loop {
                let word = self.word.load(Relaxed);
                if !has_successor(word) {
                    return self.finish_acquire();
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
            match self.park(self.successor_queue(), request, deadline) {
                Parked::Unparked => {}
                Parked::Invalid => return self.finish_acquire(),
                Parked::TimedOut => return self.give_up_as_successor(),
            }
        }
    }

    /// Sleeps in `queue` if another thread has the lock, and sets `flags` for the thread that unlocks it
    /// (invariant 5). Otherwise the caller takes the lock and does not sleep. So a thread that is about to
    /// sleep is not overtaken once more.
    fn park(&self, queue: Key, flags: u32, deadline: Option<Instant>) -> Parked {
        workers::park(queue, || self.flag_or_take(flags), deadline)
    }

    /// Sets `flags` if another thread has the lock. Otherwise takes the lock, unless the caller has been
    /// handed it already. Returns whether the caller must sleep. Runs under the lock of the caller's queue.
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
            // Relaxed: a caller that has got the lock acquires in `finish_acquire`.
            if self
                .word
                .compare_exchange_weak(word, next, Relaxed, Relaxed)
                .is_ok()
            {
                return is_locked;
            }
        }
    }

    /// Acquires from the previous owner. The caller has found that it owns `LOCKED`. Returns true.
    fn finish_acquire(&self) -> bool {
        // Acquire: pairs with the Release in `exchange_release` of the previous owner.
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
            if !self.exchange_release(word, next) {
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
                if self.exchange_release(word, without_successor(word)) {
                    return self.wake_successor(word);
                }
            } else if word & PARKED != 0 {
                // Still locked: the thread that wakes finds `SUCCESSOR` clear, and so owns `LOCKED`.
                if self.wake_front() {
                    return;
                }
            } else if self.exchange_release(word, word & !LOCKED) {
                return;
            }
        }
    }

    /// Wakes the successor if it slept when the word was `word`.
    fn wake_successor(&self, word: u32) {
        if word & SUCCESSOR_PARKED != 0 {
            park::unpark_one(self.successor_queue(), |_, _| {});
        }
    }

    /// Wakes the first waiter in the queue. Returns whether there was one.
    fn wake_front(&self) -> bool {
        park::unpark_one(self.queue(), |_, more| {
            if !more {
                self.word.fetch_and(!PARKED, Relaxed);
            }
        })
    }

    /// Passes `SUCCESSOR`, which the caller owns, to the first waiter in the queue, or clears it if the queue
    /// is empty. Returns whether `LOCKED` has been handed to the caller instead, which must then unlock.
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

    /// Gives up as the successor. Returns whether `LOCKED` was handed to the caller before that.
    fn give_up_as_successor(&self) -> bool {
        loop {
            let word = self.word.load(Relaxed);
            if !has_successor(word) {
                return self.finish_acquire();
            }
            // From here on, no thread needs to wake this one.
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

    /// Returns what is left in the word of a lock that no thread has or wants, which should be 0.
    #[cfg(gosync_model)]
    pub(crate) fn traces(&self) -> u32 {
        self.word.load(Relaxed)
    }

    /// All waiters except the successor sleep here.
    pub(crate) fn queue(&self) -> Key {
        Key::new(&self.word, 0)
    }

    /// The successor sleeps here.
    pub(crate) fn successor_queue(&self) -> Key {
        Key::new(&self.word, 1)
    }

    /// Called by each new owner of `LOCKED`.
    #[inline]
    fn track_acquire(&self) {
        deadlock::acquire(self.queue());
        deadlock::acquire(self.successor_queue());
    }

    /// Called by the owner of `LOCKED` before it unlocks.
    #[inline]
    fn track_release(&self) {
        deadlock::release(self.queue());
        deadlock::release(self.successor_queue());
    }
}

fn is_locked(word: u32) -> bool {
    word & LOCKED != 0
}

fn has_successor(word: u32) -> bool {
    word & SUCCESSOR != 0
}

/// Whether there may be waiters in the queue, and no successor.
fn needs_successor(word: u32) -> bool {
    word & (PARKED | SUCCESSOR) == PARKED
}

/// Returns the word after the successor has got the lock.
fn without_successor(word: u32) -> u32 {
    word & !(SUCCESSOR | SUCCESSOR_PARKED | HANDOFF)
}
