//! Random numbers: splitmix64, which needs no dependency and takes any seed.

use std::time::Duration;

pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        // The bias is 1 in 2^50 at most, for bounds as small as ours.
        (self.next() % bound as u64) as usize
    }

    /// Returns true once in `n` times on average.
    pub fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub fn micros_below(&mut self, bound: usize) -> Duration {
        Duration::from_micros(self.below(bound) as u64)
    }

    /// Returns one of `choices`, each as often as its weight says.
    pub fn weighted<T: Copy>(&mut self, choices: &[(T, usize)]) -> T {
        let total = choices.iter().map(|(_, weight)| weight).sum();
        let mut place = self.below(total);
        for &(choice, weight) in choices {
            if place < weight {
                return choice;
            }
            place -= weight;
        }
        unreachable!("the place is below the total")
    }
}
