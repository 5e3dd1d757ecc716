//! Measures how long a thread waits in the worst case while others hold the lock back to back. Compares
//! gosync's `RWMutex` with the locks of std, parking_lot and crossbeam, and its `Mutex` with the mutexes.
//!
//! ```text
//! cargo run --release --example fairness
//! ```
//!
//! Three threads hold the lock for a millisecond each, or for as short as they can, and take it again as soon
//! as they have released it. A fourth thread, the victim, repeatedly takes it for a moment. A probe measures
//! the victim's longest wait. The table shows the median of several probes, and the longest wait of all. A
//! wait as long as a probe means that the victim got in only after the others had stopped.

#[path = "../benches/support/mod.rs"]
mod support;

use clap::Parser;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};
use support::locks::Lock;
use support::sections::Data;
use support::{nanos, short, table};

/// Measures the longest waits of locks.
#[derive(Parser)]
struct Args {
    /// How many times to measure each lock
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,

    /// How long to measure a lock each time, in milliseconds
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u16).range(1..))]
    slice_ms: u16,
}

const HOLDERS: usize = 3;
const HOLD: Duration = Duration::from_millis(1);

/// How a thread takes the lock.
#[derive(Clone, Copy)]
enum Side {
    Read,
    Write,
}

type Case = (&'static str, Side, Side, Duration);

const CASES: [Case; 6] = [
    ("reader against 3 writers", Side::Read, Side::Write, HOLD),
    ("writer against 3 readers", Side::Write, Side::Read, HOLD),
    ("writer against 3 writers", Side::Write, Side::Write, HOLD),
    (
        "reader, 3 hammering writers",
        Side::Read,
        Side::Write,
        Duration::ZERO,
    ),
    (
        "writer, 3 hammering readers",
        Side::Write,
        Side::Read,
        Duration::ZERO,
    ),
    (
        "writer, 3 hammering writers",
        Side::Write,
        Side::Write,
        Duration::ZERO,
    ),
];

/// The cases for locks without readers.
const CASES_OF_MUTEXES: [Case; 2] = [
    ("mutex, 3 others", Side::Write, Side::Write, HOLD),
    (
        "mutex, 3 hammering",
        Side::Write,
        Side::Write,
        Duration::ZERO,
    ),
];

/// A lock to measure.
struct Contender {
    name: &'static str,
    probe: fn(Side, Side, Duration, Duration) -> Duration,
}

fn main() {
    let args = Args::parse();
    let slice = Duration::from_millis(args.slice_ms.into());
    let probes = match args.rounds {
        1 => "1 probe".into(),
        n => format!("{n} probes"),
    };
    println!(
        "Longest wait in ms: the median of {probes} of {slice:?} each, and the longest of all:\n"
    );
    let locks = [
        contender::<gosync::RWMutex<Data>>(),
        contender::<std::sync::RwLock<Data>>(),
        contender::<parking_lot::RwLock<Data>>(),
        contender::<crossbeam_utils::sync::ShardedLock<Data>>(),
    ];
    compare(&locks, &CASES, &args);
    println!();
    let mutexes = [
        contender::<gosync::Mutex<Data>>(),
        contender::<std::sync::Mutex<Data>>(),
        contender::<parking_lot::Mutex<Data>>(),
    ];
    compare(&mutexes, &CASES_OF_MUTEXES, &args);
}

fn compare(contenders: &[Contender], cases: &[Case], args: &Args) {
    let slice = Duration::from_millis(args.slice_ms.into());
    let mut lines = vec![header(contenders)];
    for &(name, victim, holders, hold) in cases {
        let mut waits = vec![Vec::new(); contenders.len()];
        for _ in 0..args.rounds {
            for (contender, waits) in contenders.iter().zip(&mut waits) {
                waits.push((contender.probe)(victim, holders, hold, slice));
            }
        }
        let cells = waits.iter_mut().map(|waits| median_and_longest(waits));
        lines.push([name.to_string()].into_iter().chain(cells).collect());
    }
    print!("{}", table(&lines));
}

fn median_and_longest(waits: &mut [Duration]) -> String {
    waits.sort_unstable();
    let [median, longest] = [waits[waits.len() / 2], waits[waits.len() - 1]];
    let [median, longest] = [median, longest].map(|wait| short(nanos(wait) / 1e6));
    format!("{median} ({longest})")
}

fn header(contenders: &[Contender]) -> Vec<String> {
    let names = contenders
        .iter()
        .map(|contender| contender.name.to_string());
    ["victim".to_string()].into_iter().chain(names).collect()
}

fn contender<L: Lock>() -> Contender {
    Contender {
        name: L::NAME,
        probe: longest_wait::<L>,
    }
}

/// Returns the longest wait of a victim that locks for `victim`, against threads that lock for `holders` and
/// hold the lock for `time`.
fn longest_wait<L: Lock>(victim: Side, holders: Side, time: Duration, slice: Duration) -> Duration {
    let lock = L::default();
    let stop = AtomicBool::new(false);
    let mut longest = Duration::ZERO;
    thread::scope(|s| {
        for _ in 0..HOLDERS {
            s.spawn(|| {
                while !stop.load(Relaxed) {
                    hold(&lock, holders, || {
                        if !time.is_zero() {
                            thread::sleep(time);
                        }
                    });
                }
            });
        }
        s.spawn(|| {
            while !stop.load(Relaxed) {
                let start = Instant::now();
                hold(&lock, victim, || longest = longest.max(start.elapsed()));
                thread::sleep(HOLD);
            }
        });
        thread::sleep(slice);
        stop.store(true, Relaxed);
    });
    longest
}

fn hold(lock: &impl Lock, side: Side, inside: impl FnOnce()) {
    match side {
        Side::Read => lock.read(|_| inside()),
        Side::Write => lock.write(|_| inside()),
    }
}
