//! What `cargo xtask go` runs beside the Go program of the same files: prints how long the goroutines
//! of a case take, each figure by its name.
//!
//! ```text
//! cargo bench --bench go -- --case fan_out_in
//! cargo bench --bench go -- --test             do all of them run?
//! ```

mod barrier;
mod fan_out_in;
mod hogs;
mod idle;
mod spawn_wait;
mod work;

use std::env;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How long a case is measured.
#[derive(Clone, Copy)]
struct Plan {
    /// How often a figure is taken.
    rounds: usize,
    /// How long an idle process is watched.
    idle: Duration,
}

const PLAN: Plan = Plan {
    rounds: 11,
    idle: Duration::from_secs(10),
};

/// The figures mean nothing.
const SMOKE_TEST: Plan = Plan {
    rounds: 1,
    idle: Duration::ZERO,
};

/// Measures a case, and reports its figures.
type Case = fn(Plan);

const CASES: &[(&str, Case)] = &[
    ("fan_out_in", fan_out_in::run),
    ("spawn_wait", spawn_wait::run),
    ("work", work::run),
    ("hogs", hogs::run),
    ("barrier", barrier::run),
    ("idle", idle::run),
];

fn main() -> ExitCode {
    let args: Vec<_> = env::args().collect();
    if args.iter().any(|arg| arg == "--test") {
        CASES.iter().for_each(|(_, run)| run(SMOKE_TEST));
        return ExitCode::SUCCESS;
    }
    let Some(name) = args.iter().skip_while(|arg| *arg != "--case").nth(1) else {
        println!("Goroutines beside Go's: `cargo xtask go`.");
        return ExitCode::SUCCESS;
    };
    match CASES.iter().find(|(case, _)| case == name) {
        Some((_, run)) => {
            run(PLAN);
            ExitCode::SUCCESS
        }
        None => {
            eprintln!("there is no case `{name}`");
            ExitCode::from(2)
        }
    }
}

fn report(name: &str, figure: f64) {
    println!("{name} {figure:.4}");
}

impl Plan {
    /// The nanoseconds that `f` takes for each of the `count` things that it does.
    fn nanos_each(self, count: usize, f: impl Fn()) -> f64 {
        // The first time is another matter.
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
