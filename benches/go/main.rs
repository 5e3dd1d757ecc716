//! The program that `cargo xtask go` compares with the Go program in the same directory. Prints how long the
//! goroutines of a case take, each figure with its name.
//!
//! ```text
//! cargo bench --bench go -- --case fan_out_in
//! cargo bench --bench go -- --case blocked_wg --shrink 10     with a tenth of the goroutines
//! cargo bench --bench go -- --test                            do all of them run?
//! ```

mod barrier;
mod blocked;
mod compute;
mod echo;
mod err_group;
mod fan_out_in;
mod growth;
mod hogs;
mod idle;
mod memory;
mod piece;
mod ping_pong;
mod sieve;
mod sleep;
mod spawn_wait;
mod start;
mod trickle;
mod work;

use start::{Goroutines, Threads};
use std::env;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How long a case is measured.
#[derive(Clone, Copy)]
struct Plan {
    /// How many times each figure is measured.
    rounds: usize,
    /// How long an idle process is watched.
    idle: Duration,
    /// By what factor the cases that can shrink are smaller than usual.
    shrink: usize,
}

const PLAN: Plan = Plan {
    rounds: 11,
    idle: Duration::from_secs(10),
    shrink: 1,
};

/// The figures of this plan mean nothing.
const SMOKE_TEST: Plan = Plan {
    rounds: 1,
    idle: Duration::ZERO,
    shrink: 100,
};

/// Measures a case, and reports its figures.
type Case = fn(Plan);

const CASES: &[(&str, Case)] = &[
    ("fan_out_in", fan_out_in::run),
    ("err_group", err_group::run),
    ("spawn_wait", spawn_wait::run),
    ("work", work::run),
    ("hogs", hogs::run),
    ("barrier", barrier::run),
    ("blocked_wg", blocked::wait_group::<Goroutines>),
    ("blocked_wg_threads", blocked::wait_group::<Threads>),
    ("blocked_rwmutex", blocked::rwmutex::<Goroutines>),
    ("blocked_rwmutex_threads", blocked::rwmutex::<Threads>),
    ("blocked_mutex", blocked::mutex::<Goroutines>),
    ("blocked_mutex_threads", blocked::mutex::<Threads>),
    ("blocked_channel", blocked::channel::<Goroutines>),
    ("blocked_channel_hinted", blocked::channel_hinted),
    ("blocked_channel_threads", blocked::channel::<Threads>),
    ("blocked_growth", growth::run),
    ("memory", memory::run::<Goroutines>),
    ("memory_threads", memory::run::<Threads>),
    ("sleep", sleep::foreign),
    ("sleep_hinted", sleep::hinted),
    ("trickle", trickle::run::<Goroutines>),
    ("trickle_threads", trickle::run::<Threads>),
    ("compute", compute::run),
    ("sieve", sieve::run::<Goroutines>),
    ("sieve_threads", sieve::run::<Threads>),
    ("ping_pong", ping_pong::groups),
    ("ping_pong_threads", ping_pong::condvars),
    ("echo", echo::run::<Goroutines>),
    ("echo_threads", echo::run::<Threads>),
    ("idle", idle::run),
];

fn main() -> ExitCode {
    let args: Vec<_> = env::args().collect();
    if args.iter().any(|arg| arg == "--test") {
        CASES.iter().for_each(|(_, run)| run(SMOKE_TEST));
        return ExitCode::SUCCESS;
    }
    let Some(name) = value(&args, "--case") else {
        println!("Goroutines beside Go's: `cargo xtask go`.");
        return ExitCode::SUCCESS;
    };
    let shrink = value(&args, "--shrink").map_or(Ok(1), str::parse);
    let case = CASES.iter().find(|(case, _)| *case == name);
    match (case, shrink) {
        (Some((_, run)), Ok(shrink @ 1..)) => {
            run(PLAN.smaller(shrink));
            ExitCode::SUCCESS
        }
        (None, _) => {
            eprintln!("there is no case `{name}`");
            ExitCode::from(2)
        }
        _ => {
            eprintln!("`--shrink` wants a number from 1 on");
            ExitCode::from(2)
        }
    }
}

/// Returns the argument after `flag`.
fn value<'args>(args: &'args [String], flag: &str) -> Option<&'args str> {
    let mut args = args.iter().map(String::as_str);
    args.find(|arg| *arg == flag)?;
    args.next()
}

fn report(name: &str, figure: f64) {
    println!("{name} {figure:.4}");
}

impl Plan {
    fn smaller(self, times: usize) -> Self {
        Self {
            shrink: self.shrink * times,
            ..self
        }
    }

    /// Returns the count of things of which there are usually `usual`.
    fn count(self, usual: usize) -> usize {
        (usual / self.shrink).max(1)
    }

    /// Returns the nanoseconds that `f` takes for each of the `count` things that it does.
    fn nanos_each(self, count: usize, f: impl Fn()) -> f64 {
        // The first call is slower.
        f();
        self.median(|| elapsed(&f).as_secs_f64() * 1e9 / count as f64)
    }

    fn median(self, figure: impl Fn() -> f64) -> f64 {
        median((0..self.rounds).map(|_| figure()).collect())
    }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn elapsed(f: impl FnOnce()) -> Duration {
    let start = Instant::now();
    f();
    start.elapsed()
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
