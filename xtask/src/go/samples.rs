//! The measurements: the figures of each side, by name and round.

use super::programs::Figure;
use std::collections::HashMap;

/// A side, and the name of one of its figures.
pub type Key = (&'static str, &'static str);

#[derive(Default)]
pub struct Samples(HashMap<(&'static str, String), Vec<f64>>);

impl Samples {
    /// Adds a round.
    pub fn add(&mut self, side: &'static str, figures: Vec<Figure>) {
        for (name, number) in figures {
            self.0.entry((side, name)).or_default().push(number);
        }
    }

    /// Returns `None` if the figure was not measured.
    pub fn median(&self, key: Key) -> Option<f64> {
        Some(median(self.of(key)?.to_vec()))
    }

    /// Returns `ours` as a multiple of `theirs`: the median of the rounds.
    pub fn ratio(&self, ours: Key, theirs: Key) -> Option<f64> {
        let rounds = self.of(ours)?.iter().zip(self.of(theirs)?);
        Some(median(rounds.map(|(ours, theirs)| ours / theirs).collect()))
    }

    fn of(&self, (side, name): Key) -> Option<&[f64]> {
        self.0.get(&(side, name.into())).map(Vec::as_slice)
    }
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_unstable_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::Samples;

    #[test]
    fn a_ratio_is_that_of_most_rounds() {
        let mut samples = Samples::default();
        // The machine slows down, and one of the six figures is disturbed.
        for (ours, theirs) in [(1.0, 2.0), (2.0, 4.0), (40.0, 8.0)] {
            samples.add("gosync", vec![("case".into(), ours)]);
            samples.add("Go", vec![("case".into(), theirs)]);
        }
        let (ours, theirs) = (("gosync", "case"), ("Go", "case"));
        assert_eq!(samples.ratio(ours, theirs), Some(0.5));
        assert_eq!(samples.median(ours), Some(2.0));
        assert_eq!(samples.median(("Go", "other")), None);
    }
}
