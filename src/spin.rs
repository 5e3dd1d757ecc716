//! How a thread waits without sleep: before it sleeps, and between two tries.

#[cfg(not(gosync_model))]
pub(crate) use real::*;

#[cfg(gosync_model)]
pub(crate) use crate::models::spin::*;

#[cfg(not(gosync_model))]
mod real {
    use crate::forced;
    use std::time::{Duration, Instant};
    use std::{hint, thread};

    /// Whether the deadline has passed.
    pub(crate) fn is_late(deadline: Option<Instant>) -> bool {
        deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// How a thread waits before it sleeps, and for how long it lets others overtake it.
    pub(crate) struct SpinBudget {
        /// Rounds since the thread began to wait, or slept.
        round: u32,
        /// When it first went to sleep.
        since: Option<Instant>,
    }

    impl SpinBudget {
        /// The bound of Go's `sync.Mutex` (`starvationThresholdNs`).
        pub(crate) const STARVATION_THRESHOLD: Duration = Duration::from_millis(1);
        /// After so many rounds the thread has waited about as long as a sleep would take it.
        const ROUNDS: u32 = 20;
        /// And so many if others sleep already.
        const ROUNDS_BESIDE_SLEEPERS: u32 = 4;
        /// How long a round gets, in pauses of the CPU.
        const MOST_PAUSES: u32 = 32;

        pub(crate) fn new() -> Self {
            Self {
                round: 0,
                since: None,
            }
        }

        /// Waits a little. Returns false, at once, when it is time to sleep instead.
        ///
        /// The first look costs a pause, every later one the CPU, for whoever else wants it, and
        /// then a longer pause: the less often a thread looks, the more those who have the lock get
        /// done without a line on its way between them. If others sleep for the same already, it is
        /// not worth while to look often.
        pub(crate) fn spin(&mut self, others_sleep: bool, deadline: Option<Instant>) -> bool {
            let rounds = if others_sleep {
                Self::ROUNDS_BESIDE_SLEEPERS
            } else {
                Self::rounds()
            };
            // A yield may take as long as others like.
            if self.round >= rounds || self.is_starving() || is_late(deadline) {
                return false;
            }
            if self.round > 0 {
                thread::yield_now();
            }
            self.pause()
        }

        /// Waits even less, and keeps the CPU. Returns false, at once, after some rounds.
        pub(crate) fn pause(&mut self) -> bool {
            if self.round >= Self::rounds() {
                return false;
            }
            for _ in 0..1 << self.round.min(Self::MOST_PAUSES.ilog2()) {
                hint::spin_loop();
            }
            self.round += 1;
            true
        }

        fn rounds() -> u32 {
            forced::rounds().unwrap_or(Self::ROUNDS)
        }

        /// To be called before a sleep: from the first one on the time counts, as in Go.
        pub(crate) fn start_clock(&mut self) {
            self.since.get_or_insert_with(Instant::now);
        }

        /// Whether others have overtaken the thread for long enough.
        pub(crate) fn is_starving(&mut self) -> bool {
            self.since
                .is_some_and(|since| since.elapsed() >= Self::STARVATION_THRESHOLD)
        }

        /// Spins again, after a sleep; the time that has passed stays passed.
        pub(crate) fn reset(&mut self) {
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
}
