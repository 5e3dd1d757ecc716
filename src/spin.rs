//! How a thread waits without sleeping: before it sleeps, and between two attempts.

#[cfg(not(gosync_model))]
pub(crate) use real::*;

#[cfg(gosync_model)]
pub(crate) use crate::models::spin::*;

#[cfg(not(gosync_model))]
mod real {
    use crate::forced;
    use crate::platform::HAS_CLOCK;
    use std::time::{Duration, Instant};
    use std::{hint, thread};

    /// Whether the deadline has passed.
    pub(crate) fn is_late(deadline: Option<Instant>) -> bool {
        deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// How long a thread spins before it sleeps, and for how long it lets others overtake it.
    pub(crate) struct SpinBudget {
        /// The number of rounds since the thread began to wait, or since it last slept.
        round: u32,
        /// When the thread first went to sleep.
        since: Option<Instant>,
    }

    impl SpinBudget {
        /// For how long others may overtake a thread: the bound of Go's `sync.Mutex`
        /// (`starvationThresholdNs`).
        pub(crate) const STARVATION_THRESHOLD: Duration = Duration::from_millis(1);
        /// This many rounds take about as long as going to sleep and being woken.
        const ROUNDS: u32 = 20;
        /// The number of rounds if others sleep already.
        const ROUNDS_BESIDE_SLEEPERS: u32 = 4;
        /// The length of the longest round, in pauses of the CPU.
        const MAX_PAUSES: u32 = 32;

        pub(crate) fn new() -> Self {
            Self {
                round: 0,
                since: None,
            }
        }

        /// Waits a little. Returns false at once when the thread should sleep instead.
        ///
        /// The first round is a pause. Every later round first yields the CPU to another thread that wants
        /// it, and then pauses for longer. The less often a thread looks, the less often the cache line moves
        /// between CPUs, and the more the owners of the lock get done. If others already sleep for the same
        /// thing, frequent looks are not worth while.
        pub(crate) fn spin(&mut self, others_sleep: bool, deadline: Option<Instant>) -> bool {
            let rounds = if others_sleep {
                Self::ROUNDS_BESIDE_SLEEPERS
            } else {
                Self::rounds()
            };
            // A yield may take any time, so rounds alone are no limit.
            if self.round >= rounds || self.is_starving() || is_late(deadline) {
                return false;
            }
            if self.round > 0 {
                thread::yield_now();
            }
            self.pause()
        }

        /// Waits even less, and keeps the CPU. Returns false at once when all rounds are used up.
        pub(crate) fn pause(&mut self) -> bool {
            if self.round >= Self::rounds() {
                return false;
            }
            for _ in 0..1 << self.round.min(Self::MAX_PAUSES.ilog2()) {
                hint::spin_loop();
            }
            self.round += 1;
            true
        }

        fn rounds() -> u32 {
            forced::rounds().unwrap_or(Self::ROUNDS)
        }

        /// Starts the clock for `is_starving`, unless it runs already or there is none. Called before a sleep:
        /// as in Go, the time counts from the first sleep on.
        pub(crate) fn start_clock(&mut self) {
            if HAS_CLOCK {
                self.since.get_or_insert_with(Instant::now);
            }
        }

        /// Whether the thread starves: others have overtaken it for long enough.
        pub(crate) fn is_starving(&mut self) -> bool {
            self.since
                .is_some_and(|since| since.elapsed() >= Self::STARVATION_THRESHOLD)
        }

        /// Allows new rounds after a sleep. The clock keeps running.
        pub(crate) fn reset(&mut self) {
            self.round = 0;
        }
    }

    /// How a thread backs off before it tries again to change a contended word: for longer each time.
    pub(crate) struct Backoff {
        pauses: u32,
    }

    impl Backoff {
        const MAX_PAUSES: u32 = 512;

        pub(crate) fn new() -> Self {
            Self { pauses: 16 }
        }

        /// Waits. Called after each failed attempt.
        pub(crate) fn wait(&mut self) {
            for _ in 0..self.pauses {
                hint::spin_loop();
            }
            self.pauses = Self::MAX_PAUSES.min(2 * self.pauses);
        }
    }
}
