use crate::piece::{calibrate, compute, cpus};
use crate::{Plan, elapsed, median, report};
use gosync::WaitGroup;
use std::thread;
use std::time::Duration;

/// Pieces of work in a round, and how long each takes.
const PIECES: usize = 1000;
const LENGTH: Duration = Duration::from_micros(10);

/// Does the pieces of work; the argument is the number of rounds in each.
type Share = fn(u64);

const PEERS: &[(&str, Share)] = &[
    ("work", goroutines),
    ("work_rayon", rayon),
    ("work_threads", threads),
];

/// Hands out pieces of work to goroutines, to rayon and to threads. Reports the time as a multiple of what
/// one thread would need for all of them, divided by the number of CPUs.
pub fn run(plan: Plan) {
    let rounds = calibrate(plan, LENGTH);
    let ideal = || elapsed(|| (0..PIECES).for_each(|_| compute(rounds))) / cpus() as u32;
    let mut figures = vec![Vec::new(); PEERS.len()];
    for _ in 0..plan.rounds {
        for ((_, share), figures) in PEERS.iter().zip(&mut figures) {
            let ideal = ideal();
            let shared = elapsed(|| share(rounds));
            figures.push(shared.as_secs_f64() / ideal.as_secs_f64());
        }
    }
    for ((name, _), figures) in PEERS.iter().zip(figures) {
        report(name, median(figures));
    }
}

fn goroutines(rounds: u64) {
    let wg = WaitGroup::new();
    for _ in 0..PIECES {
        wg.go(move || compute(rounds));
    }
    wg.wait();
}

fn rayon(rounds: u64) {
    rayon::scope(|s| (0..PIECES).for_each(|_| s.spawn(move |_| compute(rounds))));
}

/// One thread for each CPU, each with its share from the start: the best that the machine can do.
fn threads(rounds: u64) {
    let count = cpus();
    thread::scope(|s| {
        for first in 0..count {
            s.spawn(move || (first..PIECES).step_by(count).for_each(|_| compute(rounds)));
        }
    });
}
