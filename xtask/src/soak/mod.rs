//! `cargo xtask soak`: real threads do random things with a few locks, for as long as desired.
//!
//! Looks for what must never happen: a reader beside a writer, a torn read, a wait that ends too early, a
//! thread that makes no progress.

mod arena;
mod burst;
mod cell;
mod dropper;
mod duel;
mod fresh;
mod op;
mod post;
mod random;
mod report;
mod rounds;
mod short_lived;
mod store;
mod watch;
mod worker;

use crate::args::Args;
use crate::failure::Failure;
use crate::forced;
use arena::Arena;
use gosync::WaitGroup;
use post::Post;
use random::Random;
use report::Reporter;
use std::fmt;
use std::sync::mpsc::channel;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, UNIX_EPOCH};
use watch::Watch;
use worker::Worker;

/// The number of threads that drop guards for the workers.
const DROPPERS: usize = 2;

/// How long the mix of reads and writes stays the same.
const PHASE: Duration = Duration::from_millis(700);

/// How long a soak takes by default.
const TIME: Duration = Duration::from_secs(60);

struct Settings {
    /// The soak ends after this time at the latest.
    time: Option<Duration>,
    /// The soak ends after this many operations at the latest.
    operations: Option<u64>,
    threads: usize,
    seed: u64,
}

pub fn run(args: Args) -> Result<(), Failure> {
    let settings = Settings::parse(args)?;
    let forced = forced::description()?;
    let arena = Arena::leak();
    let posts: Vec<_> = (0..settings.threads + DROPPERS)
        .map(|_| Post::default())
        .collect();
    let posts: &'static [Post] = posts.leak();
    let forced = forced.map(|forced| format!(", forced: {forced}"));
    println!("soak: {settings}{}", forced.unwrap_or_default());
    let mut reporter = Reporter::new(posts);
    let threads = start(&settings, arena, posts);
    watch(&settings, arena, posts, &threads, &mut reporter);
    for thread in threads {
        thread
            .join()
            .map_err(|_| Failure::check("a thread panicked"))?;
    }
    arena.cells.iter().for_each(cell::Cell::expect_free);
    arena.store.expect_free();
    reporter.conclude(settings.seed);
    Ok(())
}

impl Settings {
    fn parse(mut args: Args) -> Result<Self, Failure> {
        let minutes = args
            .option::<f64>("--minutes")?
            .map(|minutes| minutes * 60.0);
        let seconds = args.option::<f64>("--seconds")?.or(minutes);
        let time = seconds.map(Duration::try_from_secs_f64).transpose();
        let time = time.map_err(|error| Failure::usage(error.to_string()))?;
        let operations = args.option("--operations")?;
        let now = UNIX_EPOCH
            .elapsed()
            .map_or(0, |time| time.as_micros() as u64);
        let settings = Self {
            time: time.or(operations.is_none().then_some(TIME)),
            operations,
            threads: args.option("--threads")?.unwrap_or(8).max(1),
            seed: args.option("--seed")?.unwrap_or(now),
        };
        args.finish()?;
        Ok(settings)
    }

    fn are_met(&self, time: Duration, operations: u64) -> bool {
        self.time.is_some_and(|end| time >= end)
            || self.operations.is_some_and(|end| operations >= end)
    }
}

impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} threads", self.threads)?;
        if let Some(time) = self.time {
            write!(f, ", {} s", time.as_secs_f64())?;
        }
        if let Some(operations) = self.operations {
            write!(f, ", {operations} operations")?;
        }
        write!(f, ", --seed {}", self.seed)
    }
}

/// Starts the droppers and the workers. The workers' posts come first, then the droppers'.
fn start(
    settings: &Settings,
    arena: &'static Arena,
    posts: &'static [Post],
) -> Vec<JoinHandle<()>> {
    let mut seeds = Random::new(settings.seed);
    let (workers, droppers) = posts.split_at(settings.threads);
    let mut threads = Vec::new();
    let mut senders = Vec::new();
    for post in droppers {
        let (sender, receiver) = channel();
        let random = Random::new(seeds.next());
        senders.push(sender);
        threads.push(thread::spawn(move || {
            dropper::run(arena, receiver, post, random)
        }));
    }
    for (index, post) in workers.iter().enumerate() {
        let worker = Worker {
            arena,
            post,
            random: Random::new(seeds.next()),
            parcels: senders[index % senders.len()].clone(),
            group: WaitGroup::new(),
            home: &arena.cells[0],
        };
        threads.push(thread::spawn(move || worker.run()));
    }
    threads
}

/// Watches the threads until all have ended.
fn watch(
    settings: &Settings,
    arena: &Arena,
    posts: &'static [Post],
    threads: &[JoinHandle<()>],
    reporter: &mut Reporter,
) {
    let start = Instant::now();
    let mut watch = Watch::new(posts);
    while !threads.iter().all(JoinHandle::is_finished) {
        thread::sleep(watch::PAUSE);
        let elapsed = start.elapsed();
        arena.set_phase((elapsed.as_millis() / PHASE.as_millis()) as usize);
        if settings.are_met(elapsed, post::progress(posts)) {
            arena.end();
        }
        watch.look();
        reporter.look();
    }
}
