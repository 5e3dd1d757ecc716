//! `cargo xtask soak`: real threads do random things with a few locks, for as long as one likes.
//!
//! Looks for what must never be: a reader beside a writer, a torn read, a wait that ends too early,
//! a thread that does not go on.

mod arena;
mod cell;
mod dropper;
mod op;
mod post;
mod random;
mod report;
mod rounds;
mod watch;
mod worker;

use crate::args::Args;
use crate::failure::Failure;
use arena::Arena;
use gosync::WaitGroup;
use post::Post;
use random::Random;
use report::Reporter;
use std::sync::mpsc::channel;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, UNIX_EPOCH};
use watch::Watch;
use worker::Worker;

/// Threads that drop guards for the workers.
const DROPPERS: usize = 2;

/// How long the mix of reads and writes stays the same.
const PHASE: Duration = Duration::from_millis(700);

struct Settings {
    time: Duration,
    threads: usize,
    seed: u64,
}

pub fn run(args: Args) -> Result<(), Failure> {
    let settings = Settings::parse(args)?;
    let arena = Arena::leak();
    let posts: Vec<_> = (0..settings.threads + DROPPERS)
        .map(|_| Post::default())
        .collect();
    let posts: &'static [Post] = posts.leak();
    println!(
        "soak: {} threads, {} s, --seed {}",
        settings.threads,
        settings.time.as_secs_f64(),
        settings.seed
    );
    let mut reporter = Reporter::new(posts);
    let threads = start(&settings, arena, posts);
    watch(&settings, arena, posts, &threads, &mut reporter);
    for thread in threads {
        thread
            .join()
            .map_err(|_| Failure::check("a thread panicked"))?;
    }
    arena.cells.iter().for_each(cell::Cell::expect_free);
    reporter.conclude(settings.seed);
    Ok(())
}

impl Settings {
    fn parse(mut args: Args) -> Result<Self, Failure> {
        let minutes = args
            .option::<f64>("--minutes")?
            .map(|minutes| minutes * 60.0);
        let seconds = args.option::<f64>("--seconds")?.or(minutes).unwrap_or(60.0);
        let time = Duration::try_from_secs_f64(seconds);
        let now = UNIX_EPOCH
            .elapsed()
            .map_or(0, |time| time.as_micros() as u64);
        let settings = Self {
            time: time.map_err(|error| Failure::usage(error.to_string()))?,
            threads: args.option("--threads")?.unwrap_or(8).max(1),
            seed: args.option("--seed")?.unwrap_or(now),
        };
        args.finish()?;
        Ok(settings)
    }
}

/// Starts the droppers and the workers. The posts are first the workers', then the droppers'.
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
        };
        threads.push(thread::spawn(move || worker.run()));
    }
    threads
}

/// Until every thread has ended.
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
        if elapsed >= settings.time {
            arena.end();
        }
        watch.look();
        reporter.look();
    }
}
