//! Sleep and wake: queues of sleeping threads, one for each key.
//!
//! The only file that names `parking_lot_core`, or under `--cfg gosync_model` its model. The contract:
//!
//! * [`sleep`] locks the queue of its key, asks `validate`, and either joins the queue or returns
//!   [`Parked::Invalid`]. Nobody can join or leave the queue while `validate` runs.
//! * The callbacks of [`unpark_one`], [`unpark_all`] and [`unpark_all_if`] run under that same lock.
//!   So a waker that changes the word in its callback, or before it calls, cannot miss a sleeper:
//!   either the sleeper is in the queue already, or its `validate` will see the change.
//! * What happens before an unpark happens before the return of the `sleep` that it ends.
//! * A parked thread returns [`Parked::Unparked`] if and only if somebody took it from the queue:
//!   there are no spurious wake-ups, and a wake-up that meets a timeout is never lost.
//! * Callbacks must not panic and must not call into this module.

use crate::workers;
use std::time::{Duration, Instant};

#[cfg(not(gosync_model))]
pub(crate) use real::*;

#[cfg(gosync_model)]
pub(crate) use crate::models::park::*;

/// Names a queue. An address inside the primitive that the queue belongs to, so that no two
/// primitives share one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Key(usize);

impl Key {
    /// The `index`th queue of `owner`, which has as many as it has bytes.
    pub(crate) fn new<T: Owner>(owner: &T, index: usize) -> Self {
        debug_assert!(index < size_of::<T>(), "a key outside of its owner");
        Self(owner.address() + index)
    }
}

/// What queues belong to.
pub(crate) trait Owner {
    /// An address that nobody else has.
    fn address(&self) -> usize;
}

#[cfg(not(gosync_loom))]
impl<T> Owner for T {
    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}

/// The moment `timeout` from now; none if that is beyond the end of the clock.
pub(crate) fn deadline(timeout: Duration) -> Option<Instant> {
    Instant::now().checked_add(timeout)
}

/// How a call of [`park`] or [`sleep`] ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Parked {
    /// Another thread took this one from the queue.
    Unparked,
    /// `validate` said no; the thread did not sleep.
    Invalid,
    /// The deadline passed first.
    TimedOut,
}

/// As [`sleep`]. If this is a goroutine, another one may run meanwhile.
pub(crate) fn park(key: Key, validate: impl FnOnce() -> bool, deadline: Option<Instant>) -> Parked {
    // Before the thread joins the queue: a thread may be started here, which allocates, and
    // parking_lot_core allows nobody to sleep in two queues, not even an allocator with a lock.
    let _blocked = workers::block();
    sleep(key, validate, deadline)
}

/// The first nap of [`park_for_goroutines`]: about as long as a thread needs to start.
const FIRST_NAP: Duration = Duration::from_micros(100);
const LONGEST_NAP: Duration = Duration::from_millis(100);

/// As [`park`], for who waits for goroutines: while the system refuses whoever could run them, the
/// thread wakes ever later, and calls again.
///
/// Between two naps it is in no queue. If `validate` has become false by then, that is a wake-up; if it has
/// become true once more, the thread sleeps on.
pub(crate) fn park_for_goroutines(
    key: Key,
    validate: impl Fn() -> bool,
    deadline: Option<Instant>,
) -> Parked {
    let mut nap = FIRST_NAP;
    let mut has_slept = false;
    loop {
        let end = if workers::may_be_refused() {
            let ends = [deadline, self::deadline(nap)];
            ends.into_iter().flatten().min()
        } else {
            deadline
        };
        match park(key, &validate, end) {
            Parked::TimedOut if end != deadline => has_slept = true,
            // Between two naps.
            Parked::Invalid if has_slept => return Parked::Unparked,
            parked => return parked,
        }
        nap = LONGEST_NAP.min(2 * nap);
    }
}

#[cfg(not(gosync_model))]
mod real {
    use super::{Instant, Key, Parked};
    use crate::forced;
    use parking_lot_core::{DEFAULT_PARK_TOKEN, DEFAULT_UNPARK_TOKEN, FilterOp, ParkResult};
    use std::cell::Cell;
    use std::time::Duration;
    use std::{hint, thread};

    // SAFETY of every call into parking_lot_core below: a `Key` is an address inside a primitive of
    // ours, so we control it; the callbacks, which all stand in this crate, neither panic nor call
    // into this module.

    /// Sleeps in the queue of `key` until unparked or until `deadline`.
    pub(crate) fn sleep(
        key: Key,
        validate: impl FnOnce() -> bool,
        deadline: Option<Instant>,
    ) -> Parked {
        // SAFETY: see above.
        let result = unsafe {
            parking_lot_core::park(
                key.0,
                validate,
                || {},
                |_, _| {},
                DEFAULT_PARK_TOKEN,
                deadline,
            )
        };
        match result {
            ParkResult::Unparked(_) => Parked::Unparked,
            ParkResult::Invalid => Parked::Invalid,
            ParkResult::TimedOut => Parked::TimedOut,
        }
    }

    /// Wakes the thread that sleeps longest in the queue of `key`. Returns whether there was one.
    ///
    /// `callback` is told whether there was one, and whether more remain.
    pub(crate) fn unpark_one(key: Key, callback: impl FnOnce(bool, bool)) -> bool {
        // SAFETY: see above.
        let result = unsafe {
            parking_lot_core::unpark_one(key.0, |result| {
                callback(result.unparked_threads == 1, result.have_more_threads);
                DEFAULT_UNPARK_TOKEN
            })
        };
        result.unparked_threads == 1
    }

    /// Wakes every thread in the queue of `key`. `callback` is told how many there are, before any
    /// of them wakes.
    pub(crate) fn unpark_all(key: Key, callback: impl FnOnce(usize)) {
        // SAFETY: see above.
        unsafe {
            parking_lot_core::unpark_filter(
                key.0,
                |_| FilterOp::Unpark,
                |result| {
                    callback(result.unparked_threads);
                    DEFAULT_UNPARK_TOKEN
                },
            );
        }
    }

    /// Asks `decide` once, and if it says yes wakes every thread in the queue of `key`.
    pub(crate) fn unpark_all_if(key: Key, decide: impl FnOnce() -> bool) {
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
                // An empty queue has asked nothing yet.
                |_| {
                    ask();
                    DEFAULT_UNPARK_TOKEN
                },
            );
        }
    }

    /// Whether the deadline has passed.
    pub(crate) fn is_late(deadline: Option<Instant>) -> bool {
        deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// How a thread waits before it sleeps, and for how long it lets others overtake it.
    pub(crate) struct Patience {
        /// Rounds since the thread began to wait, or slept.
        round: u32,
        /// When it first went to sleep.
        since: Option<Instant>,
    }

    impl Patience {
        /// The bound of Go's `sync.Mutex` (`starvationThresholdNs`).
        const LIMIT: Duration = Duration::from_millis(1);
        /// After so many rounds the thread has waited about as long as a sleep would take it.
        const ROUNDS: u32 = 20;
        /// How long a round gets, in pauses of the processor.
        const MOST_PAUSES: u32 = 32;

        pub(crate) fn new() -> Self {
            Self {
                round: 0,
                since: None,
            }
        }

        /// Waits a little. Returns false, at once, when it is time to sleep instead.
        ///
        /// The first look costs a pause, every later one the processor, for whoever else wants it, and
        /// then a longer pause: the less often a thread looks, the more those who have the lock get
        /// done without a line on its way between them.
        pub(crate) fn spin(&mut self, deadline: Option<Instant>) -> bool {
            // A yield may take as long as others like.
            if self.round >= Self::rounds() || self.is_over() || is_late(deadline) {
                return false;
            }
            if self.round > 0 {
                thread::yield_now();
            }
            self.pause()
        }

        /// Waits even less, and keeps the processor. Returns false, at once, after some rounds.
        pub(crate) fn pause(&mut self) -> bool {
            if self.round >= Self::rounds() {
                return false;
            }
            for _ in 0..Self::MOST_PAUSES.min(1 << self.round) {
                hint::spin_loop();
            }
            self.round += 1;
            true
        }

        fn rounds() -> u32 {
            forced::rounds().unwrap_or(Self::ROUNDS)
        }

        /// To be called before a sleep: from the first one on the time counts, as in Go.
        pub(crate) fn start(&mut self) {
            self.since.get_or_insert_with(Instant::now);
        }

        /// Whether others have overtaken the thread for long enough.
        pub(crate) fn is_over(&mut self) -> bool {
            self.since
                .is_some_and(|since| since.elapsed() >= Self::LIMIT)
        }

        /// Spins again, after a sleep; the time that has passed stays passed.
        pub(crate) fn renew(&mut self) {
            self.round = 0;
        }
    }

    /// How a thread retries to change a word that others change all the time: ever later.
    pub(crate) struct Backoff {
        pauses: u32,
    }

    impl Backoff {
        const MOST_PAUSES: u32 = 512;

        pub(crate) fn new() -> Self {
            Self { pauses: 16 }
        }

        /// To be called after each try that failed.
        pub(crate) fn wait(&mut self) {
            for _ in 0..self.pauses {
                hint::spin_loop();
            }
            self.pauses = Self::MOST_PAUSES.min(2 * self.pauses);
        }
    }

    /// Tells the deadlock detector what the current thread holds; nothing without the feature.
    pub(crate) mod deadlock {
        use super::Key;

        /// From now on threads parked at `key` wait for the current thread.
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
