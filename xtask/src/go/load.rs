//! Measures how busy the machine is with other things.

use crate::repo;
use std::path::Path;

/// CPU time so far, in the system's ticks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Load {
    /// The time of all CPUs, idle or not.
    all: u64,
    /// The part in which a CPU was busy.
    taken: u64,
    /// The part used by this process and by those that it has run.
    own: u64,
}

impl Load {
    /// Returns `None` where the system does not tell.
    pub fn now() -> Option<Self> {
        let read = |path| repo::read(Path::new(path)).ok();
        Self::parse(&read("/proc/stat")?, &read("/proc/self/stat")?)
    }

    fn parse(system: &str, process: &str) -> Option<Self> {
        let words = system.lines().next()?.split_whitespace().skip(1);
        // The later numbers are included in these.
        let times: Vec<u64> = words.take(8).map_while(|word| word.parse().ok()).collect();
        let [_, _, _, idle, waiting, ..] = times[..] else {
            return None;
        };
        let all = times.iter().sum();
        // The name may contain anything, and ends with the last parenthesis.
        let words = process.rsplit(") ").next()?.split_whitespace();
        let own: Vec<u64> = words
            .skip(11)
            .take(4)
            .map_while(|word| word.parse().ok())
            .collect();
        Some(Self {
            all,
            taken: all - idle - waiting,
            own: own.iter().sum(),
        })
    }

    /// Returns the share of the CPUs that other processes have used since `before`.
    fn others_since(self, before: Self) -> f64 {
        let taken = (self.taken - before.taken).saturating_sub(self.own - before.own);
        taken as f64 / (self.all - before.all).max(1) as f64
    }
}

/// Describes the load in a sentence.
pub fn describe(before: Option<Load>, after: Option<Load>) -> String {
    match before.zip(after) {
        Some((before, after)) => format!(
            "Other processes used {:.0} % of the CPUs.",
            100.0 * after.others_since(before)
        ),
        None => "The load of the machine is unknown.".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Load, describe};

    #[test]
    fn the_load_is_read_from_proc() {
        let system = "cpu  10 2 3 100 5 0 1 4 7 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n";
        let process = "7 (a) b) R 1 2 3 4 5 6 7 8 9 10 20 21 22 23 99 0\n";
        let load = Load {
            all: 125,
            taken: 20,
            own: 86,
        };
        assert_eq!(Load::parse(system, process), Some(load));
        assert_eq!(Load::parse("cpu  10 2\n", process), None);
    }

    #[test]
    fn what_the_comparison_takes_itself_is_no_disturbance() {
        let before = Load {
            all: 1000,
            taken: 500,
            own: 100,
        };
        let after = Load {
            all: 1200,
            taken: 650,
            own: 200,
        };
        assert_eq!(
            describe(Some(before), Some(after)),
            "Other processes used 25 % of the CPUs."
        );
    }
}
