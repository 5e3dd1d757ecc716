//! The critical sections of the benches.

use super::{draw, nanos};
use std::collections::HashMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// The data behind the locks. Each section uses its own part.
#[derive(Default)]
pub struct Data {
    number: u64,
    map: HashMap<u64, u64>,
}

/// A critical section.
pub trait Section: Copy + Sync + 'static {
    /// The choice that is made before the lock is taken.
    type Key: Copy;

    fn fill(self, _: &mut Data) {}

    fn draw(self, random: &mut u64) -> Self::Key;

    fn read(self, data: &Data, key: Self::Key);

    fn write(self, data: &mut Data, key: Self::Key);
}

/// The shortest section possible.
#[derive(Clone, Copy)]
pub struct Number;

impl Section for Number {
    type Key = ();

    fn draw(self, _: &mut u64) {}

    fn read(self, data: &Data, (): ()) {
        black_box(data.number);
    }

    fn write(self, data: &mut Data, (): ()) {
        data.number = black_box(data.number + 1);
    }
}

/// Looks up and changes entries.
#[derive(Clone, Copy)]
pub struct Map;

impl Map {
    const ENTRIES: u64 = 4096;
}

impl Section for Map {
    type Key = u64;

    fn fill(self, data: &mut Data) {
        data.map = (0..Self::ENTRIES).map(|key| (key, key)).collect();
    }

    fn draw(self, random: &mut u64) -> u64 {
        draw(random) % Self::ENTRIES
    }

    fn read(self, data: &Data, key: u64) {
        black_box(data.map.get(&key));
    }

    fn write(self, data: &mut Data, key: u64) {
        if let Some(value) = data.map.get_mut(&key) {
            *value = black_box(*value + 1);
        }
    }
}

/// Takes time, but uses no memory.
#[derive(Clone, Copy)]
pub struct Work {
    rounds: u32,
}

impl Work {
    /// Returns work that takes about `nanos_inside` nanoseconds on this machine.
    pub fn of(nanos_inside: u32) -> Self {
        const ROUNDS: u32 = 100_000;

        let many = Self { rounds: ROUNDS };
        let time = || {
            let start = Instant::now();
            many.work();
            start.elapsed()
        };
        let fastest: Duration = (0..10).map(|_| time()).min().unwrap_or_default();
        let each = nanos(fastest).max(1.0) / f64::from(ROUNDS);
        let rounds = (f64::from(nanos_inside) / each).round() as u32;
        Self { rounds }
    }

    /// Not inlined, so that the work inside all locks is the same, to the instruction.
    #[inline(never)]
    fn work(self) {
        (0..self.rounds).fold(1, |x: u64, _| black_box(x.wrapping_mul(5).wrapping_add(1)));
    }
}

impl Section for Work {
    type Key = ();

    fn draw(self, _: &mut u64) {}

    fn read(self, data: &Data, (): ()) {
        Number.read(data, ());
        self.work();
    }

    fn write(self, data: &mut Data, (): ()) {
        Number.write(data, ());
        self.work();
    }
}
