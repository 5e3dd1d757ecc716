//! The word: a writer-preferring reader-writer lock in one `usize`, starving nobody.
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
//! the *heir*, and has to win `WRITER` like everybody else. Go's `sync.Mutex` (`mutex.go`) has the
//! same two modes and the same bound: an heir that has waited for a millisecond asks for a *hand-off*
//! and is given `WRITER` directly. While there is an heir no reader enters, so "once a writer waits,
//! no later reader enters before it" holds in the gap between two writers, too.
//!
//! # The word
//!
//! | bit | name | set by | means |
//! |---|---|---|---|
//! | 0 | `WRITER` | a writer that announces itself | a writer holds the lock (count 0) or drains (count > 0) |
//! | 1 | `DRAIN` | the announced writer | it sleeps, or is about to; the last reader wakes it |
//! | 2 | `HEIR` | whoever ends a write phase | a writer has been taken from the queue and has not got `WRITER` yet |
//! | 3 | `HEIR_PARKED` | the heir | it sleeps, or is about to; the end of the write phase wakes it |
//! | 4 | `HANDOFF` | the heir | the write phase ends by giving `WRITER` to the heir |
//! | 5 | `READERS_PARKED` | a reader | the readers' queue may not be empty |
//! | 6 | `WRITERS_PARKED` | a writer | the writers' queue may not be empty |
//! | 7 | unused | | |
//! | 8.. | the count | | readers inside; the top bit means too many |
//!
//! ```text
//!            announce              drained                 release
//!   free ───────────────► WRITER ───────────► WRITER ─────────────────► free, or admitted readers
//!     ▲ (readers inside)  count>0             count=0   │
//!     │                     │ gives up                  │ somebody in the writers' queue
//!     └─────────────────────┘                           ▼
//!                                              HEIR ──wins WRITER──► WRITER
//!                                               │  ──HANDOFF───────► WRITER
//!                                               └──gives up────────► the next HEIR, or free
//! ```
//!
//! # Invariants
//!
//! 1. `WRITER` has one owner, from its announcement until it steps down. Data is written only by
//!    the owner, and only after it has seen a count of 0. The count grows only while neither
//!    `WRITER` nor `HEIR` is set, or by the hand of the owner as it steps down.
//! 2. `HEIR` has one owner: the thread that was woken, or the thread that is about to wake one.
//! 3. `READERS_PARKED` or `WRITERS_PARKED` implies `WRITER` or `HEIR`: somebody is awake, or will be
//!    woken, who owes the sleepers their turn. Nobody drops `WRITER` or `HEIR` without paying.
//! 4. Only the owner of `WRITER` sets or clears `DRAIN`. Only the heir sets `HEIR_PARKED` or
//!    `HANDOFF`; both imply `HEIR`. `HANDOFF` implies `WRITER`. So if the heir finds `HEIR` gone,
//!    the lock was handed to it.
//! 5. A flag `…_PARKED` is cleared under its queue's lock or before that queue is woken, and every
//!    sleeper checks its flag under that lock before it sleeps: either it is found in the queue, or
//!    it finds the flag gone and looks again. A flag may outlive its sleepers, if they give up.
//!
//! The word changes by read-modify-write only, so each change continues the release sequences of all
//! before it: whoever acquires from the word acquires from every earlier release.

use crate::park::{self, Backoff, Key, Parked, Patience, deadlock};
use crate::primitive::{AtomicUsize, Ordering, const_fn};
use std::time::Instant;

use Ordering::{Acquire, Relaxed, Release};

const WRITER: usize = 1 << 0;
const DRAIN: usize = 1 << 1;
const HEIR: usize = 1 << 2;
const HEIR_PARKED: usize = 1 << 3;
const HANDOFF: usize = 1 << 4;
const READERS_PARKED: usize = 1 << 5;
const WRITERS_PARKED: usize = 1 << 6;
const ONE_READER: usize = 1 << 8;
/// Half the range stays free for readers that are admitted from the queue, who cannot be refused.
const TOO_MANY_READERS: usize = 1 << (usize::BITS - 1);

/// No writer holds the lock or waits for it.
fn is_readable(word: usize) -> bool {
    word & (WRITER | HEIR | TOO_MANY_READERS) == 0
}

/// A reader has to wait, for a writer.
fn bars_readers(word: usize) -> bool {
    word & (WRITER | HEIR) != 0
}

/// There is an announced writer.
fn is_announced(word: usize) -> bool {
    word & WRITER != 0
}

/// The caller is still heir; otherwise `WRITER` was handed to it (invariant 4).
fn is_heir(word: usize) -> bool {
    word & HEIR != 0
}

/// There are readers inside.
fn has_readers(word: usize) -> bool {
    word >= ONE_READER
}

/// The reader that found this word when it left was the last, and a writer sleeps until then.
fn was_awaited(word: usize) -> bool {
    word & DRAIN != 0 && word < 2 * ONE_READER
}

/// The word after the owner of `WRITER` steps down and `entering` readers enter in its stead.
fn succeed(word: usize, entering: usize) -> usize {
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
fn needs_heir(word: usize) -> bool {
    word & (HEIR | WRITERS_PARKED) == WRITERS_PARKED
}

/// The raw lock behind [`RWMutex`](crate::RWMutex) and [`RwLock`](crate::RwLock): one word, no data.
///
/// Use it through [`lock_api`]'s traits to build a lock type of your own.
pub struct RawRWMutex {
    /// See the table in the module's header.
    word: AtomicUsize,
}

impl RawRWMutex {
    const_fn! {
        pub(crate) const fn new() -> Self {
            Self { word: AtomicUsize::new(0) }
        }
    }

    // Readers.

    #[inline]
    #[track_caller]
    pub(crate) fn rlock(&self) {
        if !self.try_rlock_fast() {
            self.rlock_slow(None);
        }
        self.entered();
    }

    #[inline]
    pub(crate) fn try_rlock(&self) -> bool {
        let locked = self.try_rlock_fast() || self.try_rlock_slow();
        if locked {
            self.entered();
        }
        locked
    }

    #[inline]
    #[track_caller]
    pub(crate) fn try_rlock_until(&self, deadline: Option<Instant>) -> bool {
        let locked = self.try_rlock_fast() || self.rlock_slow(deadline);
        if locked {
            self.entered();
        }
        locked
    }

    /// Ends one read.
    ///
    /// # Safety
    ///
    /// The caller owns a read lock, and ends it with this call.
    #[inline]
    pub(crate) unsafe fn runlock(&self) {
        self.left();
        // Release: pairs with the Acquire loads in `drain`, so that reads end before writes begin.
        let word = self.word.fetch_sub(ONE_READER, Release);
        if was_awaited(word) {
            self.wake_drain();
        }
    }

    /// One attempt, so that it can be inlined. Acquire: pairs with the Release in `step_down`.
    #[inline]
    fn try_rlock_fast(&self) -> bool {
        let word = self.word.load(Relaxed);
        is_readable(word)
            && self
                .word
                .compare_exchange_weak(word, word + ONE_READER, Acquire, Relaxed)
                .is_ok()
    }

    /// Fails only because of a writer, never because of other readers.
    #[cold]
    fn try_rlock_slow(&self) -> bool {
        let mut backoff = Backoff::new();
        loop {
            let word = self.word.load(Relaxed);
            if !is_readable(word) {
                return false;
            }
            // Acquire: as in `try_rlock_fast`.
            if self
                .word
                .compare_exchange_weak(word, word + ONE_READER, Acquire, Relaxed)
                .is_ok()
            {
                return true;
            }
            backoff.wait();
        }
    }

    #[cold]
    #[track_caller]
    fn rlock_slow(&self, deadline: Option<Instant>) -> bool {
        let mut patience = Patience::new();
        loop {
            if self.try_rlock_slow() {
                return true;
            }
            let word = self.word.load(Relaxed);
            assert!(
                bars_readers(word) || is_readable(word),
                "gosync: too many readers of one RWMutex"
            );
            if patience.spin() || !self.flag(word, READERS_PARKED, bars_readers) {
                continue;
            }
            let sleep = || {
                let word = self.word.load(Relaxed);
                word & READERS_PARKED != 0 && bars_readers(word)
            };
            match park::park(self.readers(), sleep, deadline) {
                // Admitted: counted in by the writer that stepped down.
                Parked::Unparked => return true,
                Parked::Invalid => patience.renew(),
                Parked::TimedOut => return false,
            }
        }
    }

    #[cold]
    fn wake_drain(&self) {
        park::unpark_one(self.drained(), |_, _| {});
    }

    // Writers.

    #[inline]
    pub(crate) fn lock(&self) {
        if !self.try_lock_fast() {
            self.lock_slow(None);
        }
    }

    #[inline]
    pub(crate) fn try_lock(&self) -> bool {
        self.try_lock_fast() || self.try_lock_slow()
    }

    #[inline]
    pub(crate) fn try_lock_until(&self, deadline: Option<Instant>) -> bool {
        self.try_lock_fast() || self.lock_slow(deadline)
    }

    /// Ends the write.
    ///
    /// # Safety
    ///
    /// The caller owns the write lock, and ends it with this call.
    #[inline]
    pub(crate) unsafe fn unlock(&self) {
        self.step_down_to(0);
    }

    /// Ends the write and keeps a read lock: no writer comes between.
    ///
    /// # Safety
    ///
    /// The caller owns the write lock, and owns a read lock instead after this call.
    #[inline]
    pub(crate) unsafe fn downgrade(&self) {
        self.step_down_to(1);
        self.entered();
    }

    /// One attempt. Acquire: pairs with the Releases in `step_down` and `runlock`.
    #[inline]
    fn try_lock_fast(&self) -> bool {
        let locked = self
            .word
            .compare_exchange_weak(0, WRITER, Acquire, Relaxed)
            .is_ok();
        if locked {
            self.announced();
        }
        locked
    }

    /// Fails only because of a writer or readers inside, never because of those who wait.
    #[cold]
    fn try_lock_slow(&self) -> bool {
        let mut word = self.word.load(Relaxed);
        while !is_announced(word) && !has_readers(word) {
            // Acquire: as in `try_lock_fast`.
            match self
                .word
                .compare_exchange_weak(word, word | WRITER, Acquire, Relaxed)
            {
                Ok(_) => {
                    self.announced();
                    return true;
                }
                Err(now) => word = now,
            }
        }
        false
    }

    #[cold]
    fn lock_slow(&self, deadline: Option<Instant>) -> bool {
        self.announce(deadline) && self.drain(deadline)
    }

    /// Becomes the owner of `WRITER`, in competition with other writers. `drain` follows, and
    /// acquires.
    fn announce(&self, deadline: Option<Instant>) -> bool {
        let mut patience = Patience::new();
        loop {
            let word = self.word.load(Relaxed);
            if !is_announced(word) {
                // Not a compare-exchange, which readers that come and go could foil again and again.
                if !is_announced(self.word.fetch_or(WRITER, Relaxed)) {
                    self.announced();
                    return true;
                }
                continue;
            }
            if patience.spin() || !self.flag(word, WRITERS_PARKED, is_announced) {
                continue;
            }
            let sleep = || {
                let word = self.word.load(Relaxed);
                word & WRITERS_PARKED != 0 && is_announced(word)
            };
            patience.start();
            match park::park(self.writers(), sleep, deadline) {
                Parked::Unparked => return self.inherit(patience, deadline),
                Parked::Invalid => patience.renew(),
                Parked::TimedOut => return false,
            }
        }
    }

    /// As heir, becomes the owner of `WRITER`: by winning it, or by hand-off once it has waited too
    /// long. `drain` follows, and acquires.
    fn inherit(&self, mut patience: Patience, deadline: Option<Instant>) -> bool {
        patience.renew();
        loop {
            let word = self.word.load(Relaxed);
            if !is_heir(word) {
                self.announced();
                return true;
            }
            if !is_announced(word) {
                let heirless = word & !(HEIR | HEIR_PARKED);
                if self
                    .word
                    .compare_exchange_weak(word, heirless | WRITER, Relaxed, Relaxed)
                    .is_ok()
                {
                    self.announced();
                    return true;
                }
                continue;
            }
            let plea = if patience.is_over() {
                HEIR_PARKED | HANDOFF
            } else {
                HEIR_PARKED
            };
            if patience.spin() || !self.flag(word, plea, is_announced) {
                continue;
            }
            let sleep = || {
                let word = self.word.load(Relaxed);
                word & HEIR_PARKED != 0 && is_announced(word)
            };
            match park::park(self.heir(), sleep, deadline) {
                Parked::Unparked | Parked::Invalid => patience.renew(),
                Parked::TimedOut => return self.resign(),
            }
        }
    }

    /// Waits until the readers inside have left, or steps down.
    fn drain(&self, deadline: Option<Instant>) -> bool {
        let mut patience = Patience::new();
        let mut in_time = true;
        loop {
            // Acquire: pairs with the Releases of all before: in `runlock` of the readers that have
            // left, in `step_down` of the writers.
            let word = self.word.load(Acquire);
            if !has_readers(word) {
                return true;
            }
            if !in_time {
                self.step_down_to(0);
                return false;
            }
            if patience.spin() || !self.flag(word, DRAIN, has_readers) {
                continue;
            }
            let sleep = || has_readers(self.word.load(Relaxed));
            match park::park(self.drained(), sleep, deadline) {
                Parked::Unparked | Parked::Invalid => patience.renew(),
                Parked::TimedOut => in_time = false,
            }
        }
    }

    // How ownership passes on.

    /// The owner of `WRITER` steps down; it keeps `kept` read locks.
    #[inline]
    fn step_down_to(&self, kept: usize) {
        self.stepped_down();
        // Release: pairs with every Acquire on the word.
        let alone = self
            .word
            .compare_exchange(WRITER, kept * ONE_READER, Release, Relaxed)
            .is_ok();
        if !alone {
            self.step_down_slow(kept);
        }
    }

    #[cold]
    fn step_down_slow(&self, mut kept: usize) {
        loop {
            let word = self.step_down(kept);
            if word & HEIR_PARKED != 0 {
                park::unpark_one(self.heir(), |_, _| {});
            }
            // The reads that `kept` stands for are the caller's from the first round on.
            kept = 0;
            if !(needs_heir(word) && self.bequeath()) {
                return;
            }
        }
    }

    /// Gives up `WRITER` and admits the readers that wait, in one step. Returns the word before it.
    fn step_down(&self, kept: usize) -> usize {
        loop {
            let word = self.word.load(Relaxed);
            if word & READERS_PARKED != 0 {
                return self.admit(kept);
            }
            // Release: as in `step_down_to`.
            if self
                .word
                .compare_exchange_weak(word, succeed(word, kept), Release, Relaxed)
                .is_ok()
            {
                return word;
            }
        }
    }

    /// `step_down` with readers in the queue. They are counted in under the queue's lock, so none can
    /// join or leave meanwhile.
    fn admit(&self, kept: usize) -> usize {
        let mut word = self.word.load(Relaxed);
        park::unpark_all(self.readers(), |waiting| {
            // Release: as in `step_down_to`.
            while let Err(now) = self.word.compare_exchange_weak(
                word,
                succeed(word, kept + waiting),
                Release,
                Relaxed,
            ) {
                word = now;
            }
        });
        word
    }

    /// Passes `HEIR`, which the caller owns, to a writer in the queue, or drops it if there is none.
    /// Returns whether the caller owns `WRITER` instead and has to step down, since there are readers
    /// to admit and nobody else to do it.
    fn bequeath(&self) -> bool {
        loop {
            let word = self.word.load(Relaxed);
            if word & WRITERS_PARKED != 0 {
                let found = park::unpark_one(self.writers(), |_, more| {
                    if !more {
                        self.word.fetch_and(!WRITERS_PARKED, Relaxed);
                    }
                });
                if found {
                    return false;
                }
                continue;
            }
            let owes_readers = word & READERS_PARKED != 0 && !is_announced(word);
            let heirless = word & !HEIR;
            let next = if owes_readers {
                heirless | WRITER
            } else {
                heirless
            };
            // Acquire: pairs with the Release of the writer before, whose writes the readers that
            // this thread admits have to see.
            if self
                .word
                .compare_exchange_weak(word, next, Acquire, Relaxed)
                .is_ok()
            {
                return owes_readers;
            }
        }
    }

    /// Gives up as heir. Returns whether `WRITER` was handed to the caller before that.
    fn resign(&self) -> bool {
        loop {
            let word = self.word.load(Relaxed);
            if !is_heir(word) {
                self.announced();
                return true;
            }
            // From here on nobody hands the lock to this thread.
            let silent = word & !(HANDOFF | HEIR_PARKED);
            if self
                .word
                .compare_exchange_weak(word, silent, Relaxed, Relaxed)
                .is_ok()
            {
                if self.bequeath() {
                    self.step_down_slow(0);
                }
                return false;
            }
        }
    }

    /// Makes sure that `flag` is set while `holds`; false if the word has changed and wants another
    /// look.
    fn flag(&self, word: usize, flag: usize, holds: fn(usize) -> bool) -> bool {
        holds(word)
            && (word & flag == flag
                || self
                    .word
                    .compare_exchange_weak(word, word | flag, Relaxed, Relaxed)
                    .is_ok())
    }

    // Inspection.

    #[cfg(not(gosync_loom))]
    pub(crate) fn is_locked(&self) -> bool {
        let word = self.word.load(Relaxed);
        is_announced(word) || has_readers(word)
    }

    #[cfg(not(gosync_loom))]
    pub(crate) fn is_write_locked(&self) -> bool {
        let word = self.word.load(Relaxed);
        is_announced(word) && !has_readers(word)
    }

    /// The whole word.
    #[cfg(gosync_loom)]
    pub(crate) fn word(&self) -> usize {
        self.word.load(Relaxed)
    }

    // The queues, and what the deadlock detector knows of who holds them up.

    /// Readers sleep here until a writer admits them.
    pub(crate) fn readers(&self) -> Key {
        Key::new(&self.word, 0)
    }

    /// Writers sleep here until one of them becomes heir.
    pub(crate) fn writers(&self) -> Key {
        Key::new(&self.word, 1)
    }

    /// The heir sleeps here until the write phase ends.
    pub(crate) fn heir(&self) -> Key {
        Key::new(&self.word, 2)
    }

    /// The announced writer sleeps here until the last reader leaves.
    pub(crate) fn drained(&self) -> Key {
        Key::new(&self.word, 3)
    }

    /// Called by each reader that has got in.
    #[inline]
    fn entered(&self) {
        deadlock::acquire(self.drained());
    }

    /// Called by each reader before it leaves.
    #[inline]
    fn left(&self) {
        deadlock::release(self.drained());
    }

    /// Called by each owner of `WRITER`, once it is.
    #[inline]
    fn announced(&self) {
        deadlock::acquire(self.readers());
        deadlock::acquire(self.writers());
        deadlock::acquire(self.heir());
    }

    /// Called by the owner of `WRITER` before it steps down.
    #[inline]
    fn stepped_down(&self) {
        deadlock::release(self.readers());
        deadlock::release(self.writers());
        deadlock::release(self.heir());
    }
}

#[cfg(not(gosync_loom))]
mod lock_api_impl {
    use super::RawRWMutex;
    use crate::park::deadline;
    use lock_api::{GuardSend, RawRwLock, RawRwLockDowngrade, RawRwLockTimed};
    use std::time::{Duration, Instant};

    // SAFETY: exclusion and acquire/release are invariant 1 and the pairs named at each ordering.
    // The guard states are empty, so forgetting one only leaves the lock held. The lock owns no
    // memory and a thread in its queues borrows it, so it may be moved or dropped while held. No
    // operation unwinds but `lock_shared` and its timed forms, before they have changed the count.
    unsafe impl RawRwLock for RawRWMutex {
        // The initial value, as lock_api asks for it; each use makes a lock of its own.
        #[allow(clippy::declare_interior_mutable_const)]
        const INIT: Self = Self::new();

        type SharedGuard = GuardSend;
        type ExclusiveGuard = GuardSend;

        #[inline]
        #[track_caller]
        fn lock_shared(&self) -> GuardSend {
            self.rlock();
            GuardSend::new()
        }

        #[inline]
        fn try_lock_shared(&self) -> Option<GuardSend> {
            self.try_rlock().then(GuardSend::new)
        }

        #[inline]
        unsafe fn unlock_shared(&self, _: GuardSend) {
            // SAFETY: the caller passes the state of a shared acquisition.
            unsafe { self.runlock() }
        }

        #[inline]
        fn lock_exclusive(&self) -> GuardSend {
            self.lock();
            GuardSend::new()
        }

        #[inline]
        fn try_lock_exclusive(&self) -> Option<GuardSend> {
            self.try_lock().then(GuardSend::new)
        }

        #[inline]
        unsafe fn unlock_exclusive(&self, _: GuardSend) {
            // SAFETY: the caller passes the state of the exclusive acquisition.
            unsafe { self.unlock() }
        }

        #[inline]
        fn is_locked(&self) -> bool {
            self.is_locked()
        }

        #[inline]
        fn is_locked_exclusive(&self) -> bool {
            self.is_write_locked()
        }
    }

    // SAFETY: `downgrade` turns the write into a read in the one step that ends the write, which is
    // a Release.
    unsafe impl RawRwLockDowngrade for RawRWMutex {
        #[inline]
        unsafe fn downgrade(&self, guard: GuardSend) -> GuardSend {
            // SAFETY: the caller passes the state of the exclusive acquisition.
            unsafe { self.downgrade() };
            guard
        }
    }

    // SAFETY: as for `RawRwLock`; a timed attempt that fails has changed nothing that lasts.
    unsafe impl RawRwLockTimed for RawRWMutex {
        type Duration = Duration;
        type Instant = Instant;

        #[inline]
        #[track_caller]
        fn try_lock_shared_for(&self, timeout: Duration) -> Option<GuardSend> {
            self.try_rlock_until(deadline(timeout)).then(GuardSend::new)
        }

        #[inline]
        #[track_caller]
        fn try_lock_shared_until(&self, deadline: Instant) -> Option<GuardSend> {
            self.try_rlock_until(Some(deadline)).then(GuardSend::new)
        }

        #[inline]
        fn try_lock_exclusive_for(&self, timeout: Duration) -> Option<GuardSend> {
            self.try_lock_until(deadline(timeout)).then(GuardSend::new)
        }

        #[inline]
        fn try_lock_exclusive_until(&self, deadline: Instant) -> Option<GuardSend> {
            self.try_lock_until(Some(deadline)).then(GuardSend::new)
        }
    }
}
