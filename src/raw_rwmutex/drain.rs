//! How an announced writer waits until the readers inside have left, and how the last of them wakes it.

use super::bias::{PLENTY, price};
use super::word::*;
use super::{RawRWMutex, prices};
use crate::park::{self, Key, Parked};
use crate::primitive::Ordering;
use crate::readers::{self, Slot};
use crate::spin::{self, SpinBudget};
use crate::{barrier, workers};
use std::time::{Duration, Instant};

use Ordering::{Acquire, Relaxed};

/// How an announced writer sleeps while it waits for readers in slots.
struct Sleep {
    /// Whether the writer has passed a heavy barrier since it set `DRAINER_PARKED`.
    has_passed_barrier: bool,
    nap: Duration,
}

impl Sleep {
    /// About as long as it takes until a reader that has lost its CPU runs again.
    const FIRST_NAP: Duration = Duration::from_micros(50);
    const LONGEST_NAP: Duration = Duration::from_millis(1);

    fn new() -> Self {
        Self {
            has_passed_barrier: false,
            nap: Self::FIRST_NAP,
        }
    }

    /// Passes a heavy barrier, unless that has been done or the process cannot afford it. Must be called once
    /// `DRAINER_PARKED` is set. Returns `None` if the writer may sleep without limit, because every reader
    /// that leaves from now on sees `DRAINER_PARKED`. Otherwise returns how long it may nap.
    fn begin(&mut self) -> Option<Duration> {
        if !self.has_passed_barrier && barrier::is_sleep_affordable() {
            barrier::heavy();
            self.has_passed_barrier = true;
        }
        let nap = self.nap;
        (!self.has_passed_barrier).then(|| {
            self.nap = Self::LONGEST_NAP.min(2 * nap);
            nap
        })
    }
}

impl RawRWMutex {
    /// Waits until the readers inside have left. Returns false if the deadline passes first.
    pub(super) fn drain(&self, deadline: Option<Instant>) -> bool {
        if self.await_upgradable(deadline) {
            return self.drain_plain_readers(deadline);
        }
        // For invariant 7 of `raw_rwmutex`, and for a writer that is handed the lock next and relies on this
        // barrier: see `readers`.
        let word = self.word.load(Relaxed);
        if word & COUNTED == 0 {
            Self::pass_barrier(word);
        }
        false
    }

    /// Passes the barrier that readers in slots require of their writer.
    fn pass_barrier(word: u64) {
        if word & FENCED != 0 {
            barrier::after_update();
        } else {
            barrier::heavy();
        }
    }

    /// Waits until the upgradable reader has left. Returns false if the deadline passes first. Meanwhile the
    /// upgradable reader may upgrade, and drain the lock itself.
    fn await_upgradable(&self, deadline: Option<Instant>) -> bool {
        let inside = || has_upgradable(self.word.load(Relaxed));
        self.await_readers(self.behind_upgradable_queue(), inside, || None, deadline)
    }

    /// As `drain`, but does not wait for an upgradable reader.
    pub(super) fn drain_plain_readers(&self, deadline: Option<Instant>) -> bool {
        let mut sleep = Sleep::new();
        let is_drained = self.drain_slots(|slot| self.await_slot(slot, &mut sleep, deadline))
            && self.await_count(deadline);
        if is_drained && self.word.load(Relaxed) & DRAINER_PARKED != 0 {
            self.word.fetch_and(!DRAINER_PARKED, Relaxed);
        }
        is_drained
    }

    /// Passes the writer's barrier, calls `wait` for each slot that holds the lock until one call returns false, and
    /// settles the credit. Returns whether all calls returned true.
    pub(super) fn drain_slots(&self, wait: impl FnMut(&Slot) -> bool) -> bool {
        // Acquire: pairs with the Release in `exchange_release`. So a writer that was handed the lock looks at the
        // slots after its predecessor's barrier.
        let word = self.word.load(Acquire);
        if word & COUNTED != 0 {
            return true;
        }
        Self::pass_barrier(word);
        let (is_drained, reads) = readers::drain(id(word), wait);
        // Quiet reads are not noted, but there were many.
        let saved = if word & FENCED != 0 {
            prices::saved_credit(reads)
        } else {
            PLENTY
        };
        let slept = self.word.load(Relaxed) & DRAINER_PARKED != 0;
        let for_sleep = if slept { prices::barrier_price() } else { 0 };
        self.adjust_credit(saved, price() + for_sleep);
        is_drained
    }

    /// Returns whether the entry in the slot goes away within the time that a passing entry takes.
    pub(super) fn is_passing(&self, slot: &Slot) -> bool {
        let id = id(self.word.load(Relaxed));
        let mut budget = SpinBudget::new();
        while slot.holds(id) {
            if !budget.pause() {
                return false;
            }
        }
        true
    }

    /// Waits until the slot no longer holds the lock. Returns false if the deadline passes first.
    fn await_slot(&self, slot: &Slot, sleep: &mut Sleep, deadline: Option<Instant>) -> bool {
        let id = id(self.word.load(Relaxed));
        let ask_to_be_woken = || {
            if self.word.load(Relaxed) & DRAINER_PARKED == 0 {
                self.word.fetch_or(DRAINER_PARKED, Relaxed);
            }
            sleep.begin()
        };
        let inside = || slot.holds(id);
        self.await_readers(self.drainer_queue(), inside, ask_to_be_woken, deadline)
    }

    /// Waits until no readers are counted. Returns false if the deadline passes first.
    fn await_count(&self, deadline: Option<Instant>) -> bool {
        // Acquire: pairs with the Releases of all that held the lock before: of readers in `count_out`, of
        // writers in `exchange_release` and `admit`, of upgradable readers in `exchange_release` and
        // `wake_upgradable`.
        let inside = || has_counted_readers(self.word.load(Acquire));
        // No barrier is needed: a counted reader leaves by a read-modify-write of this same word. Either it
        // finds `DRAINER_PARKED`, or this thread no longer finds it counted when it looks again before it sleeps.
        let ask_to_be_woken = || {
            self.word.fetch_or(DRAINER_PARKED, Relaxed);
            None
        };
        self.await_readers(self.drainer_queue(), inside, ask_to_be_woken, deadline)
    }

    /// Waits in `queue` as long as there are readers `inside`. Returns false if the deadline passes first.
    /// Readers that leave after `ask_to_be_woken` look for a writer to wake. If some of them may miss the
    /// request, `ask_to_be_woken` returns how long the writer may nap.
    fn await_readers(
        &self,
        queue: Key,
        inside: impl Fn() -> bool,
        mut ask_to_be_woken: impl FnMut() -> Option<Duration>,
        deadline: Option<Instant>,
    ) -> bool {
        let mut budget = SpinBudget::new();
        while inside() {
            if budget.spin(false, deadline) {
                continue;
            }
            if spin::is_late(deadline) {
                return !inside();
            }
            let nap = ask_to_be_woken().and_then(park::deadline);
            let end = [nap, deadline].into_iter().flatten().min();
            match workers::park(queue, &inside, end) {
                Parked::Unparked | Parked::Invalid => budget.reset(),
                Parked::TimedOut if end == deadline => return !inside(),
                Parked::TimedOut => {}
            }
        }
        true
    }

    #[cold]
    pub(super) fn wake_drainer(&self) {
        park::unpark_one(self.drainer_queue(), |_, _| {});
    }
}
