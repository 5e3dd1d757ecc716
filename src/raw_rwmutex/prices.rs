//! How long the steps of a lock take on this CPU, and what a lock gains and loses by slots.
//!
//! An atomic read-modify-write takes several times as long on one kind of CPU as on another, and so does a
//! fence. So each process measures its own CPU once, when the first lock has been read often enough to take
//! up slots: see [`measure`]. Until then it uses [`Steps::TYPICAL`]. The time that a heavy barrier takes
//! changes with the load, so the process learns it from each barrier that it passes.
//!
//! Prices decide how fast a lock is, never whether it is correct. They may be wrong, and may change at any
//! time.

#[cfg(gosync_model)]
pub(super) use crate::models::prices::*;

#[cfg(not(gosync_model))]
pub(super) use real::*;

#[cfg(not(gosync_model))]
mod real {
    use crate::primitive::{AtomicBool, AtomicU32, AtomicU64, Ordering, fence};
    use crate::readers::SAMPLE;
    use crate::speed::Speed;
    use crate::{barrier, forced};
    use std::hint::black_box;
    use std::time::Instant;

    use Ordering::{Acquire, Relaxed, Release, SeqCst};

    /// How long a read takes at each speed, in picoseconds. Covers only the steps that it needs, without the
    /// code around them.
    #[derive(Clone, Copy, Debug)]
    pub(in super::super) struct Steps {
        pub(in super::super) counted: u32,
        pub(in super::super) slots: u32,
        pub(in super::super) quiet: u32,
    }

    static COUNTED_PS: AtomicU32 = AtomicU32::new(Steps::TYPICAL.counted);
    static SLOTS_PS: AtomicU32 = AtomicU32::new(Steps::TYPICAL.slots);
    static QUIET_PS: AtomicU32 = AtomicU32::new(Steps::TYPICAL.quiet);

    fn steps() -> Steps {
        Steps {
            counted: COUNTED_PS.load(Relaxed),
            slots: SLOTS_PS.load(Relaxed),
            quiet: QUIET_PS.load(Relaxed),
        }
    }

    /// Measures the steps of this CPU, unless that has been done already. Takes some microseconds.
    #[cold]
    pub(in super::super) fn measure() {
        static IS_MEASURED: AtomicBool = AtomicBool::new(false);

        // Without optimization this would measure calls. On some targets there is no clock.
        let is_possible = !cfg!(any(debug_assertions, miri, target_family = "wasm"));
        if !is_possible || IS_MEASURED.swap(true, Relaxed) {
            return;
        }
        let steps = Steps::measure();
        COUNTED_PS.store(steps.counted, Relaxed);
        SLOTS_PS.store(steps.slots, Relaxed);
        QUIET_PS.store(steps.quiet, Relaxed);
    }

    impl Steps {
        /// The steps of a CPU whose read-modify-writes take 5 ns.
        const TYPICAL: Self = Self {
            counted: 10_300,
            slots: 5_300,
            quiet: 900,
        };

        /// Takes the fastest of several rounds, so that a round in which the thread loses its CPU does not
        /// count.
        pub(in super::super) fn measure() -> Self {
            const ROUNDS: u32 = 5;

            let word = &Line(AtomicU64::new(0));
            let slot = &Line(AtomicU32::new(0));
            let counted = || {
                let before = word.0.load(Relaxed);
                let next = before.wrapping_add(1);
                _ = black_box(word.0.compare_exchange(before, next, Acquire, Relaxed));
                word.0.fetch_sub(1, Release);
                black_box(word.0.load(Relaxed));
            };
            let by_slot = |pass: fn()| {
                let before = black_box(word.0.load(Relaxed)) as u32;
                if slot.0.load(Acquire) == before {
                    slot.0.store(before.wrapping_add(1), Release);
                }
                pass();
                black_box(word.0.load(Acquire));
                slot.0.store(0, Release);
                barrier::light();
                black_box(word.0.load(Relaxed));
            };
            let mut steps = Self {
                counted: u32::MAX,
                slots: u32::MAX,
                quiet: u32::MAX,
            };
            for _ in 0..ROUNDS {
                steps.counted = steps.counted.min(picoseconds(counted));
                steps.slots = steps.slots.min(picoseconds(|| by_slot(|| fence(SeqCst))));
                steps.quiet = steps.quiet.min(picoseconds(|| by_slot(barrier::light)));
            }
            steps
        }

        /// Returns what a read by a slot saves compared with a counted one. A slot needs more code around the
        /// steps, for about as long as a quiet read takes. The result is never 0: a lock that is hardly ever
        /// written takes up slots for the readers that may come.
        pub(in super::super) fn slots_save(self) -> u64 {
            let by_slot = self.slots.saturating_add(self.quiet);
            let saves = self.counted.saturating_sub(by_slot);
            saves.max(self.counted / 32).max(1).into()
        }

        /// Returns how much longer a write takes at *slots*: two read-modify-writes, two more to find out how
        /// the lock is used, and code, most of which looks through the first blocks.
        fn slots_cost(self) -> u64 {
            2 * u64::from(self.counted) + 20 * u64::from(self.quiet)
        }

        /// Returns what a quiet read saves compared with a read by a slot.
        pub(in super::super) fn quiet_saves(self) -> u64 {
            (self.counted / 32)
                .max(self.slots.saturating_sub(self.quiet))
                .max(1)
                .into()
        }
    }

    /// A value alone on its cache line and the neighbouring one.
    #[repr(align(128))]
    struct Line<T>(T);

    /// Returns how long a step takes on average, of many in a row.
    fn picoseconds(step: impl Fn()) -> u32 {
        const STEPS: u32 = 128;

        let start = Instant::now();
        (0..STEPS).for_each(|_| step());
        let nanos = start.elapsed().as_nanos() as u64;
        (nanos * 1000 / u64::from(STEPS))
            .try_into()
            .unwrap_or(u32::MAX)
    }

    // From here on, credit and prices are in units of credit.

    /// One unit of credit, in picoseconds.
    const UNIT: u64 = 8000;

    /// Returns what the reads that a sample stands for would save at *slots*.
    pub(in super::super) fn sample_credit() -> u64 {
        u64::from(SAMPLE) * steps().slots_save() / UNIT
    }

    /// As `sample_credit`, where the word's cache line travels: returns as much as if a read by a slot took no time.
    /// The reads save even more, but a write at *slots* then takes longer, too.
    pub(in super::super) fn shared_sample_credit() -> u64 {
        u64::from(SAMPLE) * u64::from(COUNTED_PS.load(Relaxed)) / UNIT
    }

    /// Returns what a collision adds: another thread has changed the word at the same time, so a line has
    /// travelled, or will.
    pub(in super::super) fn collision_credit() -> u64 {
        8 * u64::from(COUNTED_PS.load(Relaxed)) / UNIT
    }

    /// Returns what `reads` reads by slots have saved.
    pub(in super::super) fn saved_credit(reads: u64) -> u64 {
        reads.saturating_mul(steps().slots_save()) / UNIT
    }

    /// Returns how much longer a write takes at *slots*, with `blocks` blocks to look through.
    pub(in super::super) fn write_price(blocks: u64) -> u64 {
        /// What a look at one more block takes, in picoseconds: a low estimate. `docs/design.md` has the
        /// measured times.
        const PER_BLOCK: u64 = 2_500;
        /// `slots_cost` already covers a look at this many blocks.
        const FEW: u64 = 16;

        let look = PER_BLOCK * blocks.saturating_sub(FEW);
        let write = (steps().slots_cost() + look) / UNIT;
        forced::write_price().map_or(write, u64::from)
    }

    /// Returns how much reads must save, without a write between them, before a lock takes up slots. That is
    /// what several writes will cost, and more than one sample, since a sample may stand for reads before the
    /// last write.
    pub(in super::super) fn enough_for_slots() -> u64 {
        const WRITES: u64 = 4;

        (WRITES * write_price(0)).max(sample_credit() + 1)
    }

    /// Returns the price of the heavy barrier that a writer passes before it sleeps.
    pub(in super::super) fn barrier_price() -> u64 {
        1000 * u64::from(barrier::cost()) / UNIT
    }

    /// Returns the number of reads after which a lock may become quiet: reads of one thread, by slots,
    /// without a write between them. This many reads take four times as long as the barrier that ends the
    /// quiet speed. So even if writes come at the worst moments, at most a fifth of the time is spent on
    /// barriers.
    pub(in super::super) fn quiet_after() -> u32 {
        const FACTOR: u64 = 4;

        match (forced::speed(), forced::quiet_after()) {
            // There is no quiet speed without a barrier that is more than a fence.
            (None, None) if barrier::cost() == 0 => u32::MAX,
            (None, None) => {
                let reads = FACTOR * 1000 * u64::from(barrier::cost()) / steps().quiet_saves();
                reads.try_into().unwrap_or(u32::MAX)
            }
            (None, Some(reads)) => reads,
            (Some(Speed::Quiet), _) => 0,
            (Some(_), _) => u32::MAX,
        }
    }
}

#[cfg(all(test, not(gosync_model)))]
mod tests {
    use super::real::*;

    #[test]
    fn slots_always_save_something_and_cost_something() {
        for counted in [0, 1, 900, 5_500, 10_300, u32::MAX] {
            for slots in [0, 900, 5_300, u32::MAX] {
                for quiet in [0, 900, u32::MAX] {
                    let steps = Steps {
                        counted,
                        slots,
                        quiet,
                    };
                    assert!(
                        steps.slots_save() > 0 && steps.quiet_saves() > 0,
                        "{steps:?}"
                    );
                    assert!(steps.slots_save() <= u64::from(counted).max(1), "{steps:?}");
                }
            }
        }
    }

    #[test]
    fn the_steps_of_this_cpu_take_time() {
        let Steps {
            counted,
            slots,
            quiet,
        } = Steps::measure();
        for took in [counted, slots, quiet] {
            // In picoseconds. A debug build or an interpreter takes long.
            assert!((1..u32::MAX).contains(&took), "{took} ps");
        }
    }
}
