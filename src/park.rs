//! Sleep and wake: queues of sleeping threads, one for each key.
//!
//! This is the only file that names `parking_lot_core`, or its model under `--cfg gosync_model`. The
//! contract:
//!
//! * [`sleep`] locks the queue of its key and calls `validate`. Then it either joins the queue or returns
//!   [`Parked::Invalid`]. No thread can join or leave the queue while `validate` runs.
//! * The callbacks of [`unpark_one`], [`unpark_first`], [`unpark_all_if`] and [`with_locked_queue`] run under
//!   the same lock. So a waker that changes the word in its callback, or before it calls, cannot miss a
//!   sleeper: either the sleeper is in the queue already, or its `validate` will see the change.
//! * What happens before an unpark happens before the return of the `sleep` that it ends.
//! * A parked thread returns [`Parked::Unparked`] if and only if another thread took it from the queue. So
//!   there are no spurious wake-ups, and a wake-up that coincides with a timeout is never lost.
//! * [`sleep_for_handoff`] also returns whether the waker has handed over what the thread waits for.
//! * Callbacks must not panic and must not call into this module.
//!
//! Where there are no threads, no queue has a sleeper, and a call that would have to sleep panics.

use crate::platform::HAS_CLOCK;
use std::time::{Duration, Instant};

#[cfg(not(gosync_model))]
pub(crate) use real::*;

#[cfg(gosync_model)]
pub(crate) use crate::models::park::*;

/// The name of a queue: an address inside the primitive that the queue belongs to. So no two primitives share
/// a queue.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Key(usize);

impl Key {
    /// Returns the key of queue number `index` of `owner`, which has one queue for each of its bytes.
    pub(crate) fn new<T: Owner>(owner: &T, index: usize) -> Self {
        debug_assert!(index < size_of::<T>(), "a key index outside its owner");
        Self(owner.address() + index)
    }
}

/// An object that queues belong to.
pub(crate) trait Owner {
    /// Returns an address that no other owner has.
    fn address(&self) -> usize;
}

#[cfg(not(gosync_loom))]
impl<T> Owner for T {
    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}

/// Returns the moment `timeout` from now. Returns `None` if it is beyond the end of the clock, or if there is no
/// clock.
pub(crate) fn deadline(timeout: Duration) -> Option<Instant> {
    HAS_CLOCK.then(Instant::now)?.checked_add(timeout)
}

/// How a call to [`sleep`] ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Parked {
    /// Another thread took this one from the queue.
    Unparked,
    /// `validate` returned false, and the thread did not sleep.
    Invalid,
    /// The deadline passed first.
    TimedOut,
}

/// The thread that has slept longest in a queue.
pub(crate) struct First {
    /// Whether the thread has waited too long to compete once more. Either it said so when it went to sleep,
    /// or it has slept for as long as others may overtake it.
    pub(crate) wants_handoff: bool,
    /// Whether other threads sleep behind it.
    pub(crate) more: bool,
}

#[cfg(not(gosync_model))]
mod real {
    use super::{First, HAS_CLOCK, Instant, Key, Parked};
    use crate::platform::HAS_THREADS;
    use crate::spin::SpinBudget;
    use parking_lot_core::{
        DEFAULT_PARK_TOKEN, DEFAULT_UNPARK_TOKEN, FilterOp, ParkResult, ParkToken, UnparkToken,
    };
    use std::cell::Cell;
    use std::sync::OnceLock;

    // SAFETY of every call into parking_lot_core below: a `Key` is an address inside a primitive of ours, so
    // we control it. All callbacks are in this crate, and they neither panic nor call into this module.

    /// Sleeps in the queue of `key` until the thread is unparked or `deadline` passes.
    pub(crate) fn sleep(
        key: Key,
        validate: impl FnOnce() -> bool,
        deadline: Option<Instant>,
    ) -> Parked {
        sleep_with(key, DEFAULT_PARK_TOKEN, validate, deadline).0
    }

    const HANDED_OVER: UnparkToken = UnparkToken(1);

    /// Returns the microseconds since the first call. The number wraps around.
    fn now() -> usize {
        static START: OnceLock<Instant> = OnceLock::new();
        if !HAS_CLOCK {
            return 0;
        }
        START.get_or_init(Instant::now).elapsed().as_micros() as usize
    }

    /// Returns the token of a sleep that begins now: the current time. For a thread that wants the hand-off,
    /// it is a time so long ago that the thread counts as starving.
    fn park_token(wants_handoff: bool) -> ParkToken {
        let limit = SpinBudget::STARVATION_THRESHOLD.as_micros() as usize;
        ParkToken(now().wrapping_sub(if wants_handoff { limit } else { 0 }))
    }

    fn wants_handoff(ParkToken(since): ParkToken) -> bool {
        now().wrapping_sub(since) >= SpinBudget::STARVATION_THRESHOLD.as_micros() as usize
    }

    /// Like `sleep`, for a thread that [`unpark_first`] wakes. Also returns whether the waker has handed over
    /// what the thread waits for.
    pub(crate) fn sleep_for_handoff(
        key: Key,
        wants_handoff: bool,
        validate: impl FnOnce() -> bool,
        deadline: Option<Instant>,
    ) -> (Parked, bool) {
        let (parked, token) = sleep_with(key, park_token(wants_handoff), validate, deadline);
        (parked, token == HANDED_OVER)
    }

    fn sleep_with(
        key: Key,
        token: ParkToken,
        validate: impl FnOnce() -> bool,
        deadline: Option<Instant>,
    ) -> (Parked, UnparkToken) {
        if !HAS_THREADS {
            if !validate() {
                return (Parked::Invalid, DEFAULT_UNPARK_TOKEN);
            }
            // parking_lot_core would panic, too, with a text that says less.
            panic!("gosync: this target has no threads, so no other one could end this wait");
        }
        // SAFETY: see above.
        let result =
            unsafe { parking_lot_core::park(key.0, validate, || {}, |_, _| {}, token, deadline) };
        match result {
            ParkResult::Unparked(token) => (Parked::Unparked, token),
            ParkResult::Invalid => (Parked::Invalid, DEFAULT_UNPARK_TOKEN),
            ParkResult::TimedOut => (Parked::TimedOut, DEFAULT_UNPARK_TOKEN),
        }
    }

    /// Wakes the thread that has slept longest in the queue of `key`. Returns whether there was one.
    ///
    /// `callback` gets whether there was one, and whether more remain.
    pub(crate) fn unpark_one(key: Key, callback: impl FnOnce(bool, bool)) -> bool {
        if !HAS_THREADS {
            // parking_lot_core would want a clock.
            callback(false, false);
            return false;
        }
        // SAFETY: see above.
        let result = unsafe {
            parking_lot_core::unpark_one(key.0, |result| {
                callback(result.unparked_threads == 1, result.have_more_threads);
                DEFAULT_UNPARK_TOKEN
            })
        };
        result.unparked_threads == 1
    }

    /// Wakes the thread that has slept longest in the queue of `key`, if there is one. `hand_over` gets this
    /// thread, and returns whether it hands over what the thread waits for.
    pub(crate) fn unpark_first(key: Key, hand_over: impl FnOnce(Option<First>) -> bool) {
        if !HAS_THREADS {
            hand_over(None);
            return;
        }
        let first = Cell::new(None);
        let take_first = |token| match first.get() {
            None => {
                first.set(Some(token));
                FilterOp::Unpark
            }
            Some(_) => FilterOp::Stop,
        };
        // SAFETY: see above.
        unsafe {
            parking_lot_core::unpark_filter(key.0, take_first, |result| {
                let first = first.get().map(|token| First {
                    wants_handoff: wants_handoff(token),
                    more: result.have_more_threads,
                });
                match hand_over(first) {
                    true => HANDED_OVER,
                    false => DEFAULT_UNPARK_TOKEN,
                }
            });
        }
    }

    /// Calls `decide` once. If it returns true, wakes every thread in the queue of `key`, and calls
    /// `callback` with the number of these threads before any of them wakes.
    pub(crate) fn unpark_all_if(
        key: Key,
        decide: impl FnOnce() -> bool,
        callback: impl FnOnce(usize),
    ) {
        if !HAS_THREADS {
            if decide() {
                callback(0);
            }
            return;
        }
        let decide = Cell::new(Some(decide));
        let decision = Cell::new(false);
        let ask = || {
            if let Some(decide) = decide.take() {
                decision.set(decide());
            }
            decision.get()
        };
        // SAFETY: see above.
        unsafe {
            parking_lot_core::unpark_filter(
                key.0,
                |_| {
                    if ask() {
                        FilterOp::Unpark
                    } else {
                        FilterOp::Stop
                    }
                },
                |result| {
                    // If the queue is empty, `decide` has not been called yet.
                    if ask() {
                        callback(result.unparked_threads);
                    }
                    DEFAULT_UNPARK_TOKEN
                },
            );
        }
    }

    /// Calls `f` while no thread can join or leave the queue of `key`.
    pub(crate) fn with_locked_queue(key: Key, f: impl FnOnce()) {
        let decide = || {
            f();
            false
        };
        unpark_all_if(key, decide, |_| {});
    }

    /// Tells the deadlock detector what the current thread holds. Does nothing without the feature.
    pub(crate) mod deadlock {
        use super::Key;

        /// Notes that from now on, threads parked at `key` wait for the current thread.
        #[inline]
        pub(crate) fn acquire(key: Key) {
            // SAFETY: no callback of a parking function calls this.
            unsafe { parking_lot_core::deadlock::acquire_resource(key.0) };
        }

        /// Ends one `acquire` of `key`.
        #[inline]
        pub(crate) fn release(key: Key) {
            // SAFETY: no callback of a parking function calls this.
            unsafe { parking_lot_core::deadlock::release_resource(key.0) };
        }
    }
}
