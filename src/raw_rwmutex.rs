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
//! the *heir*, and has to win `WRITER` like everybody else. Go's `sync.Mutex` (`mutex.go`) has the
//! same two modes and the same bound: an heir that has waited for a millisecond asks for a *hand-off*
//! and is given `WRITER` directly. While there is an heir no reader enters, so "once a writer waits,
//! no later reader enters before it" holds in the gap between two writers, too.
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
//!                                              HEIR ──wins WRITER──► WRITER
//!                                               │  ──HANDOFF───────► WRITER
//!                                               └──gives up────────► the next HEIR, or free
//! ```
//!
//! How the speed changes. The credit is what decides between *counted* and *slots*: it grows with
//! each read, and a write takes away as much as slots make it dearer.
//!
//! ```text
//!                credit full               a long run of reads
//!   counted ───────────────────► slots ─────────────────────────► quiet
//!      ▲      (a reader)           │ ▲       (their reader)         │
//!      └───────────────────────────┘ └──────────────────────────────┘
//!         credit used up (a writer)          a write (its writer)
//! ```
//!
//! # Invariants
//!
//! 1. `WRITER` has one owner, from its announcement until it steps down. Data is written only by
//!    the owner, and only after it has seen a count of 0 and no slot that holds the lock. Readers
//!    enter only while neither `WRITER` nor `HEIR` is set, or by the hand of the owner as it steps
//!    down.
//! 2. `HEIR` has one owner: the thread that was woken, or the thread that is about to wake one.
//! 3. `READERS_PARKED` or `WRITERS_PARKED` implies `WRITER` or `HEIR`: somebody is awake, or will be
//!    woken, who owes the sleepers their turn. Nobody drops `WRITER` or `HEIR` without paying.
//! 4. Only the owner of `WRITER` sets or clears `DRAIN`. Only the heir sets `HEIR_PARKED` or
//!    `HANDOFF`; both imply `HEIR`. `HANDOFF` implies `WRITER`. So if the heir finds `HEIR` gone,
//!    the lock was handed to it.
//! 5. A flag `…_PARKED` is cleared under its queue's lock or before that queue is woken, and every
//!    sleeper checks its flag under that lock before it sleeps: either it is found in the queue, or
//!    it finds the flag gone and looks again. A flag may outlive its sleepers, if they give up.
//! 6. Nobody sets `SLOTS` or `QUIET` while `WRITER` or `HEIR` is set. Only an owner of `WRITER` that has
//!    seen all readers leave takes `SLOTS` away. Only readers that count themselves in, at *counted*,
//!    and owners of `WRITER` change the credit.
//! 7. Every owner of `WRITER` takes `QUIET` away, at the latest as it steps down, and has passed a heavy
//!    barrier by then. So there is never `QUIET` with an heir.
//!
//! The word changes by read-modify-write only, so each change continues the release sequences of all
//! before it: whoever acquires from the word acquires from every earlier release.

#[cfg(not(gosync_model))]
mod lock_api_impl;
mod word;

use crate::barrier;
use crate::park::{self, Backoff, Key, Parked, Patience, deadlock};
use crate::primitive::{AtomicU64, Ordering, fence};
use crate::readers::{self, Slot};
use std::time::{Duration, Instant};
use word::*;

#[cfg(gosync_model)]
use crate::forced::Speed;

pub(crate) use word::{MAX_ID, lock_of};

use Ordering::{Acquire, Relaxed, Release, SeqCst};

/// The raw lock behind [`RWMutex`](crate::RWMutex) and [`RwLock`](crate::RwLock): one word, no data.
///
/// Use it through [`lock_api`]'s traits to build a lock type of your own.
pub struct RawRWMutex {
    /// See the table in `word`.
    word: AtomicU64,
}

/// One read lock, and where it is noted: in a slot, or in the word.
#[must_use]
pub struct ReadToken(Option<&'static Slot>);

#[cfg(gosync_model)]
impl ReadToken {
    /// What the readers have that a writer has admitted.
    pub(crate) fn counted() -> Self {
        Self(None)
    }
}

/// How the owner of `WRITER` comes to step down.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Exit {
    /// It had the lock: it has seen all readers leave.
    Done,
    /// It may have left readers inside.
    GaveUp,
}

/// How an announced writer sleeps for readers in slots.
struct Sleep {
    /// Whether it has passed a heavy barrier since it set `DRAIN`.
    is_safe: bool,
    nap: Duration,
}

impl Sleep {
    /// About as long as a reader needs to go on that has lost its processor.
    const FIRST_NAP: Duration = Duration::from_micros(50);
    const LONGEST_NAP: Duration = Duration::from_millis(1);

    fn new() -> Self {
        Self {
            is_safe: false,
            nap: Self::FIRST_NAP,
        }
    }

    /// To be called when `DRAIN` is set. None if every reader that leaves from now on sees that;
    /// otherwise, since the barrier for it cannot be afforded, for how long to sleep at most.
    fn begin(&mut self) -> Option<Duration> {
        if !self.is_safe && barrier::is_sleep_affordable() {
            barrier::heavy();
            self.is_safe = true;
        }
        let nap = self.nap;
        (!self.is_safe).then(|| {
            self.nap = Self::LONGEST_NAP.min(2 * nap);
            nap
        })
    }
}

impl RawRWMutex {
    #[cfg(not(gosync_model))]
    pub(crate) const fn new() -> Self {
        Self {
            word: AtomicU64::new(0),
        }
    }

    /// A lock that has got to `speed` already, and has enough credit to stay there for `credit`
    /// reads' worth of writes.
    #[cfg(gosync_model)]
    pub(crate) fn at(speed: Speed, credit: u64) -> Self {
        let word = match speed {
            Speed::Counted => 0,
            _ => at_speed(speed, readers::new_id().expect("there are few"), credit),
        };
        Self {
            word: AtomicU64::new(word),
        }
    }

    // Readers.

    #[inline]
    #[track_caller]
    pub(crate) fn rlock(&self) -> ReadToken {
        match self.try_rlock_fast() {
            Some(token) => token,
            None => self.rlock_slow(None).expect("there is no deadline"),
        }
    }

    #[inline]
    pub(crate) fn try_rlock(&self) -> Option<ReadToken> {
        self.try_rlock_fast().or_else(|| self.try_rlock_slow())
    }

    #[inline]
    #[track_caller]
    pub(crate) fn try_rlock_until(&self, deadline: Option<Instant>) -> Option<ReadToken> {
        self.try_rlock_fast().or_else(|| self.rlock_slow(deadline))
    }

    /// Ends one read.
    ///
    /// # Safety
    ///
    /// The caller owns the read lock of the token, and ends it with this call.
    #[inline]
    pub(crate) unsafe fn runlock(&self, token: ReadToken) {
        self.left();
        match token.0 {
            Some(slot) => self.leave(slot),
            None => self.count_out(),
        }
    }

    /// One attempt at the speeds that take one step, so that it can be inlined.
    #[inline(always)]
    fn try_rlock_fast(&self) -> Option<ReadToken> {
        let word = self.word.load(Relaxed);
        if is_quiet(word) {
            self.enter_quietly(readers::enter(id(word))?)
        } else if is_counted(word) {
            self.count_in(word)
        } else if has_slots(word) {
            self.enter_by_slot(word)
        } else {
            None
        }
    }

    /// Fails only because of a writer, or because there are too many readers.
    #[inline(never)]
    fn try_rlock_slow(&self) -> Option<ReadToken> {
        let mut backoff = Backoff::new();
        loop {
            let word = self.word.load(Relaxed);
            if !is_readable(word) {
                return None;
            }
            let token = if is_credit_full(word) && !has_slots(word) {
                self.take_up_slots(word);
                None
            } else if has_slots(word) && readers::has_slot() {
                self.enter_by_slot(word)
            } else {
                self.count_in(word).or_else(|| {
                    backoff.wait();
                    None
                })
            };
            if token.is_some() {
                return token;
            }
        }
    }

    /// Counts the reader in, if the word is still `word`; now and then with credit for the reads
    /// since the last time.
    #[inline]
    fn count_in(&self, word: u64) -> Option<ReadToken> {
        let has_earned = is_counted(word) && readers::is_sample();
        let credit = if has_earned { read_credit() } else { 0 };
        // Acquire: pairs with the Release in `step_down`.
        self.word
            .compare_exchange_weak(word, word + ONE_READER + credit, Acquire, Relaxed)
            .ok()?;
        self.entered();
        Some(ReadToken(None))
    }

    /// Enters at *slots*, unless no slot is empty or a writer comes between.
    #[inline(never)]
    fn enter_by_slot(&self, word: u64) -> Option<ReadToken> {
        let slot = readers::enter(id(word))?;
        fence(SeqCst);
        // Acquire: pairs with the Release in `step_down`.
        let now = self.word.load(Acquire);
        if !has_slots(now) {
            return self.retreat(slot);
        }
        if readers::note_read(stamp(now)) >= barrier::quiet_after() {
            self.become_quiet(now);
        }
        self.entered();
        Some(ReadToken(Some(slot)))
    }

    /// Enters at *quiet*, by a slot that has just been filled, unless a writer comes between.
    #[inline(always)]
    fn enter_quietly(&self, slot: &'static Slot) -> Option<ReadToken> {
        barrier::light();
        // Acquire: pairs with the Release in `step_down`.
        if !is_quiet(self.word.load(Acquire)) {
            return self.retreat(slot);
        }
        self.entered();
        Some(ReadToken(Some(slot)))
    }

    /// Takes back an entry: a writer has come between, who may have seen it.
    #[cold]
    fn retreat(&self, slot: &Slot) -> Option<ReadToken> {
        self.leave(slot);
        None
    }

    /// Ends a read by a slot, or takes back a passing entry.
    #[inline(always)]
    fn leave(&self, slot: &Slot) {
        slot.clear();
        barrier::light();
        if self.word.load(Relaxed) & DRAIN != 0 {
            self.wake_drain();
        }
    }

    /// Ends a read that was counted in.
    #[inline]
    fn count_out(&self) {
        // Release: pairs with the Acquires in `await_count`, `drain_slots` and `try_lock_fast`, so that
        // reads end before writes begin.
        let word = self.word.fetch_sub(ONE_READER, Release);
        if was_awaited(word) {
            self.wake_drain();
        }
    }

    #[cold]
    #[track_caller]
    fn rlock_slow(&self, deadline: Option<Instant>) -> Option<ReadToken> {
        let mut patience = Patience::new();
        loop {
            if let Some(token) = self.try_rlock_slow() {
                return Some(token);
            }
            let word = self.word.load(Relaxed);
            assert!(
                bars_readers(word) || is_readable(word),
                "gosync: too many readers of one RWMutex"
            );
            if patience.spin(deadline) || !self.flag(word, READERS_PARKED, bars_readers) {
                continue;
            }
            let sleep = || {
                let word = self.word.load(Relaxed);
                word & READERS_PARKED != 0 && bars_readers(word)
            };
            match park::park(self.readers(), sleep, deadline) {
                // Admitted: counted in by the writer that stepped down.
                Parked::Unparked => {
                    self.entered();
                    return Some(ReadToken(None));
                }
                Parked::Invalid => patience.renew(),
                Parked::TimedOut => return None,
            }
        }
    }

    #[cold]
    fn wake_drain(&self) {
        park::unpark_one(self.drained(), |_, _| {});
    }

    // The speed, as readers raise it. Writers lower it, in `drain_slots` and `settle`.

    /// The credit in `word` is full: the lock takes up slots, or else it has to save anew.
    #[cold]
    fn take_up_slots(&self, word: u64) {
        let new_id = match id(word) {
            0 if barrier::is_decided() => readers::new_id(),
            _ => None,
        };
        let next = match (id(word), new_id) {
            (0, None) => without_credit(word),
            (0, Some(id)) => with_id(word, id) | SLOTS,
            _ => word | SLOTS,
        };
        let is_done = self
            .word
            .compare_exchange(word, next, Relaxed, Relaxed)
            .is_ok();
        if let (false, Some(id)) = (is_done, new_id) {
            readers::give_back(id);
        }
    }

    /// The current thread has read often enough without a write: the lock becomes quiet, if it may.
    #[cold]
    fn become_quiet(&self, word: u64) {
        readers::start_over(stamp(word));
        let word = self.word.load(Relaxed);
        if has_slots(word) && barrier::is_affordable() {
            // If it fails, somebody else has come; there will be another time.
            let _ = self
                .word
                .compare_exchange(word, word | QUIET, Relaxed, Relaxed);
        }
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
    pub(crate) unsafe fn downgrade(&self) -> ReadToken {
        self.step_down_to(1);
        self.entered();
        ReadToken(None)
    }

    /// One attempt, at a lock that has no slots. Acquire: pairs with the Releases in `step_down` and
    /// `count_out`.
    #[inline]
    fn try_lock_fast(&self) -> bool {
        // Most locks that are written often have no past. To look first would take longer than to fail.
        let locked = match self.word.compare_exchange(0, WRITER, Acquire, Relaxed) {
            Ok(_) => true,
            Err(word) if is_free_of_all(word) => {
                let taken = balance(word, 0, readers::price()) | WRITER;
                self.word
                    .compare_exchange_weak(word, taken, Acquire, Relaxed)
                    .is_ok()
            }
            Err(_) => false,
        };
        if locked {
            self.announced();
        }
        locked
    }

    /// Fails only because of a writer or readers inside, never because of those who wait.
    #[cold]
    fn try_lock_slow(&self) -> bool {
        let mut word = self.word.load(Relaxed);
        loop {
            if is_announced(word) || self.has_readers(word) {
                return false;
            }
            // `drain_slots` acquires.
            match self
                .word
                .compare_exchange_weak(word, word | WRITER, Relaxed, Relaxed)
            {
                Ok(_) => break,
                Err(now) => word = now,
            }
        }
        self.announced();
        self.drain_slots(|slot| self.is_passing(slot)) || self.give_up()
    }

    /// Whether the entry in the slot goes within the time that a passing one takes.
    fn is_passing(&self, slot: &Slot) -> bool {
        let id = id(self.word.load(Relaxed));
        let mut patience = Patience::new();
        while slot.holds(id) {
            if !patience.pause() {
                return false;
            }
        }
        true
    }

    /// Whether anybody reads, at the moment. Costs nobody anything, unlike an announcement.
    fn has_readers(&self, word: u64) -> bool {
        has_counted_readers(word) || (word & SLOTS != 0 && readers::any_holds(id(word)))
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
                if park::is_late(deadline) && self.has_readers(word) {
                    return false;
                }
                // Not a compare-exchange, which readers that come and go could foil again and again.
                if !is_announced(self.word.fetch_or(WRITER, Relaxed)) {
                    self.announced();
                    return true;
                }
                continue;
            }
            if patience.spin(deadline) || !self.flag(word, WRITERS_PARKED, is_announced) {
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
            if patience.spin(deadline) || !self.flag(word, plea, is_announced) {
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
        let mut sleep = Sleep::new();
        let is_drained = self.drain_slots(|slot| self.await_slot(slot, &mut sleep, deadline))
            && self.await_count(deadline);
        if !is_drained {
            return self.give_up();
        }
        if self.word.load(Relaxed) & DRAIN != 0 {
            self.word.fetch_and(!DRAIN, Relaxed);
        }
        true
    }

    /// Has `wait` wait for each slot that holds the lock. False if that fails.
    fn drain_slots(&self, wait: impl FnMut(&Slot) -> bool) -> bool {
        // Acquire: pairs with the Releases in `step_down` and `count_out`, for a `try_lock`, and for
        // the readers whom a writer admits that gives up before it gets as far as the count.
        let word = self.word.load(Acquire);
        if word & SLOTS == 0 {
            self.settle_account(word, 0);
            return true;
        }
        if word & QUIET == 0 {
            barrier::after_update();
        } else {
            barrier::heavy();
        }
        let reads = readers::drain(id(word), stamp(word), wait);
        // The reads before an attempt that gives up are left to the next writer, who finds them, too.
        self.settle_account(word, reads.unwrap_or(0));
        reads.is_some()
    }

    /// Pays for the write with credit, or for the attempt. `word` is from before the drain, which has
    /// found `reads` reads by slots since the last write.
    fn settle_account(&self, word: u64, reads: u64) {
        let now = self.word.load(Relaxed);
        let has_slept = now & DRAIN != 0;
        let reads = if word & QUIET == 0 {
            reads
        } else {
            u64::MAX / 2
        };
        let price = readers::price() + if has_slept { barrier::price() } else { 0 };
        let change = balance(now, reads, price).wrapping_sub(now);
        if change != 0 {
            self.word.fetch_add(change, Relaxed);
        }
    }

    /// Waits until the slot does not hold the lock any more; false if the deadline comes first.
    fn await_slot(&self, slot: &Slot, sleep: &mut Sleep, deadline: Option<Instant>) -> bool {
        let id = id(self.word.load(Relaxed));
        let ask_to_be_woken = || {
            if self.word.load(Relaxed) & DRAIN == 0 {
                self.word.fetch_or(DRAIN, Relaxed);
            }
            sleep.begin()
        };
        self.await_readers(|| slot.holds(id), ask_to_be_woken, deadline)
    }

    /// Waits until no readers are counted; false if the deadline comes first.
    fn await_count(&self, deadline: Option<Instant>) -> bool {
        // Acquire: pairs with the Releases of all before: in `count_out` of the readers that have
        // left, in `step_down` of the writers.
        let inside = || has_counted_readers(self.word.load(Acquire));
        // Without a barrier: a counted reader leaves by a read-modify-write of this very word, so it finds
        // `DRAIN`, or is not counted any more when this looks again before it sleeps.
        let ask_to_be_woken = || {
            self.word.fetch_or(DRAIN, Relaxed);
            None
        };
        self.await_readers(inside, ask_to_be_woken, deadline)
    }

    /// Waits for readers who are `inside`. Those who leave after `ask_to_be_woken` will look for
    /// somebody to wake; if it is not sure that they all see that there is, it says how long to nap.
    fn await_readers(
        &self,
        inside: impl Fn() -> bool,
        mut ask_to_be_woken: impl FnMut() -> Option<Duration>,
        deadline: Option<Instant>,
    ) -> bool {
        let mut patience = Patience::new();
        while inside() {
            if patience.spin(deadline) {
                continue;
            }
            if park::is_late(deadline) {
                return !inside();
            }
            let nap = ask_to_be_woken().and_then(park::deadline);
            let end = [nap, deadline].into_iter().flatten().min();
            match park::park(self.drained(), &inside, end) {
                Parked::Unparked | Parked::Invalid => patience.renew(),
                Parked::TimedOut if end == deadline => return !inside(),
                Parked::TimedOut => {}
            }
        }
        true
    }

    /// Steps down without having had the lock.
    #[cold]
    fn give_up(&self) -> bool {
        self.stepped_down();
        self.step_down_slow(0, Exit::GaveUp);
        false
    }

    // How ownership passes on.

    /// The owner of the lock steps down; it keeps `kept` read locks.
    #[inline]
    fn step_down_to(&self, kept: u64) {
        self.stepped_down();
        // Release: pairs with every Acquire on the word.
        let entering = kept * ONE_READER;
        let is_done = match self
            .word
            .compare_exchange(WRITER, entering, Release, Relaxed)
        {
            Ok(_) => true,
            // Release: as above.
            Err(word) if is_held_alone(word) => self
                .word
                .compare_exchange(word, Self::next(word, kept, Exit::Done), Release, Relaxed)
                .is_ok(),
            Err(_) => false,
        };
        if !is_done {
            self.step_down_slow(kept, Exit::Done);
        }
    }

    #[inline(never)]
    fn step_down_slow(&self, mut kept: u64, mut exit: Exit) {
        loop {
            let word = self.step_down(kept, exit);
            if word & HEIR_PARKED != 0 {
                park::unpark_one(self.heir(), |_, _| {});
            }
            if !(needs_heir(word) && self.bequeath()) {
                return;
            }
            // The reads that `kept` stands for are the caller's from the first round on, and from
            // then on it is not the lock that it has.
            (kept, exit) = (0, Exit::GaveUp);
        }
    }

    /// Gives up `WRITER` and admits the readers that wait, in one step. Returns the word before it.
    fn step_down(&self, kept: u64, exit: Exit) -> u64 {
        loop {
            let word = self.word.load(Relaxed);
            if word & READERS_PARKED != 0 {
                return self.admit(kept, exit);
            }
            // Release: as in `step_down_to`.
            if self
                .word
                .compare_exchange_weak(word, Self::next(word, kept, exit), Release, Relaxed)
                .is_ok()
            {
                return word;
            }
        }
    }

    /// `step_down` with readers in the queue. They are counted in under the queue's lock, so none can
    /// join or leave meanwhile.
    #[cold]
    fn admit(&self, kept: u64, exit: Exit) -> u64 {
        let mut word = self.word.load(Relaxed);
        park::unpark_all(self.readers(), |waiting| {
            // Release: as in `step_down_to`.
            while let Err(now) = self.word.compare_exchange_weak(
                word,
                Self::next(word, kept + waiting as u64, exit),
                Release,
                Relaxed,
            ) {
                word = now;
            }
        });
        word
    }

    /// The word after the owner of `WRITER` has stepped down, and `entering` readers have entered.
    fn next(word: u64, entering: u64, exit: Exit) -> u64 {
        match exit {
            Exit::Done => succeed(settle(word), entering),
            Exit::GaveUp => succeed(word & !QUIET, entering), // Invariant 7.
        }
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
                    self.step_down_slow(0, Exit::GaveUp);
                }
                return false;
            }
        }
    }

    /// Makes sure that `flag` is set while `holds`; false if the word has changed and wants another
    /// look.
    fn flag(&self, word: u64, flag: u64, holds: fn(u64) -> bool) -> bool {
        holds(word)
            && (word & flag == flag
                || self
                    .word
                    .compare_exchange_weak(word, word | flag, Relaxed, Relaxed)
                    .is_ok())
    }

    // Inspection.

    #[cfg(not(gosync_model))]
    pub(crate) fn is_locked(&self) -> bool {
        let word = self.word.load(Relaxed);
        is_announced(word) || self.has_readers(word)
    }

    #[cfg(not(gosync_model))]
    pub(crate) fn is_write_locked(&self) -> bool {
        let word = self.word.load(Relaxed);
        // An entry that another thread has made may be passing. One's own is not.
        let is_reader = has_counted_readers(word) || readers::own_holds(id(word));
        is_announced(word) && !is_draining(word) && !is_reader
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
            word if word & QUIET != 0 => Speed::Quiet,
            word if word & SLOTS != 0 => Speed::Slots,
            _ => Speed::Counted,
        }
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

impl Drop for RawRWMutex {
    #[inline]
    fn drop(&mut self) {
        let id = id(self.word.load(Relaxed));
        if id != 0 {
            readers::retire(id);
        }
    }
}

#[cfg(all(test, not(gosync_model)))]
mod tests;
