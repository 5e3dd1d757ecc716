//! Measures peers in turn.
//!
//! A machine has other things to do, and its clock rate varies. So the peers of a case work in short slices,
//! in turn, round after round: a disturbance of one also disturbs its neighbours in time. Compare peers by
//! the ratios within each round, not by figures that are minutes apart.

#![allow(
    dead_code,
    reason = "each program that includes this file uses a part of it"
)]

pub mod locks;
pub mod sections;
pub mod steps;
pub mod suite;

use std::time::{Duration, Instant};

/// One of the things that a case compares.
pub struct Peer {
    pub name: &'static str,
    run: Box<dyn Fn(Duration) -> f64>,
}

impl Peer {
    /// `run` works for about as long as its argument says, and returns the nanoseconds per operation.
    pub fn new(name: &'static str, run: impl Fn(Duration) -> f64 + 'static) -> Self {
        let run = Box::new(run);
        Self { name, run }
    }

    /// Each call of `op`, on this thread and in a tight loop, does `count` operations.
    pub fn in_loop(name: &'static str, count: u32, op: impl Fn() + 'static) -> Self {
        Self::new(name, move |slice| time_loop(slice, &op) / f64::from(count))
    }
}

/// Calls `op` for the length of `slice`. Returns the nanoseconds per call.
pub fn time_loop(slice: Duration, mut op: impl FnMut()) -> f64 {
    /// After this many calls, even of the fastest operation, a look at the clock is cheap.
    const MANY: u64 = 4096;

    let start = Instant::now();
    let (mut calls, mut batch) = (0, 1);
    loop {
        for _ in 0..batch {
            op();
        }
        calls += batch;
        let elapsed = start.elapsed();
        if elapsed >= slice {
            return nanos(elapsed) / calls as f64;
        }
        // Slow calls must not overrun the slice by much.
        batch = MANY.min(2 * batch);
    }
}

/// Returns a pseudorandom number: Marsaglia's xorshift.
pub fn draw(random: &mut u64) -> u64 {
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    *random
}

/// Returns the duration in nanoseconds.
pub fn nanos(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e9
}

/// How long a case is measured.
#[derive(Clone, Copy)]
pub struct Plan {
    pub rounds: usize,
    /// How long each peer is measured in each round.
    pub slice: Duration,
}

impl Plan {
    /// Measures `peers` in turn, and calls `after_slice` after every slice.
    pub fn measure(self, peers: &[Peer], mut after_slice: impl FnMut()) -> Samples {
        let mut samples = vec![Vec::with_capacity(self.rounds); peers.len()];
        for round in 0..self.rounds {
            for turn in 0..peers.len() {
                // Rotated, so that no peer always follows the same one.
                let peer = (round + turn) % peers.len();
                samples[peer].push((peers[peer].run)(self.slice));
                after_slice();
            }
        }
        Samples(samples)
    }
}

/// Nanoseconds per operation, by peer and round.
pub struct Samples(Vec<Vec<f64>>);

impl Samples {
    pub fn of(&self, peer: usize) -> &[f64] {
        &self.0[peer]
    }

    pub fn median(&self, peer: usize) -> f64 {
        median(self.of(peer).to_vec())
    }

    /// Returns the throughput of the first peer as a multiple of that of another: the median over the rounds.
    pub fn lead_over(&self, peer: usize) -> f64 {
        median(self.leads_over(peer))
    }

    /// Returns the values between which the middle half of the rounds had this lead.
    pub fn spread_of_lead_over(&self, peer: usize) -> (f64, f64) {
        let mut leads = self.leads_over(peer);
        leads.sort_unstable_by(f64::total_cmp);
        let quarter = leads.len() / 4;
        (leads[quarter], leads[leads.len() - 1 - quarter])
    }

    fn leads_over(&self, peer: usize) -> Vec<f64> {
        let rounds = self.of(0).iter().zip(self.of(peer));
        rounds.map(|(ours, theirs)| theirs / ours).collect()
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() % 2 {
        0 => values[middle - 1].midpoint(values[middle]),
        _ => values[middle],
    }
}

/// Formats `value` with at least three significant digits: a column may hold 0.93 beside 68000.
pub fn short(value: f64) -> String {
    match value {
        ..10.0 => format!("{value:.2}"),
        ..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// Formats lines of cells: the first column flush left, the others flush right.
pub fn table(lines: &[Vec<String>]) -> String {
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<_> = (0..columns)
        .map(|column| lines.iter().filter_map(move |line| line.get(column)))
        .map(|cells| cells.map(|cell| cell.chars().count()).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for line in lines {
        for (column, (cell, width)) in line.iter().zip(&widths).enumerate() {
            text += &match column {
                0 => format!("{cell:width$}"),
                _ => format!("  {cell:>width$}"),
            };
        }
        text += "\n";
    }
    text
}
