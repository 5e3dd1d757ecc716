//! `cargo xtask go`: compares goroutines with those of Go itself.
//!
//! The two programs in `benches/go` run in turn, each case in a separate process, round after round. A
//! disturbance of one is likely to disturb the other as well. So a ratio is the median of the ratios within
//! the rounds, and means more than the figures beside it. Still, an idle machine is better: one whose CPUs
//! are busy shows little of how they are shared out.

mod load;
mod programs;
mod rows;
mod samples;
pub mod toolchain;

pub use programs::output;

use crate::args::Args;
use crate::failure::Failure;
use load::Load;
use programs::Programs;
use samples::Samples;

const ROUNDS: usize = 11;
const QUICK_ROUNDS: usize = 3;

struct Case {
    name: &'static str,
    /// Otherwise the case exists only in Rust.
    is_in_go: bool,
    /// A short case runs in every round, a long one only once.
    is_short: bool,
}

#[rustfmt::skip]
const CASES: &[Case] = &[
    Case { name: "fan_out_in", is_in_go: true, is_short: true },
    Case { name: "err_group", is_in_go: true, is_short: true },
    Case { name: "spawn_wait", is_in_go: true, is_short: true },
    Case { name: "work", is_in_go: true, is_short: true },
    Case { name: "compute", is_in_go: true, is_short: true },
    Case { name: "hogs", is_in_go: true, is_short: true },
    Case { name: "barrier", is_in_go: true, is_short: true },
    Case { name: "blocked_wg", is_in_go: true, is_short: true },
    Case { name: "blocked_wg_threads", is_in_go: false, is_short: true },
    Case { name: "blocked_rwmutex", is_in_go: true, is_short: true },
    Case { name: "blocked_rwmutex_threads", is_in_go: false, is_short: true },
    Case { name: "blocked_mutex", is_in_go: true, is_short: true },
    Case { name: "blocked_mutex_threads", is_in_go: false, is_short: true },
    Case { name: "blocked_channel", is_in_go: true, is_short: true },
    Case { name: "blocked_channel_hinted", is_in_go: false, is_short: true },
    Case { name: "blocked_channel_threads", is_in_go: false, is_short: true },
    Case { name: "blocked_growth", is_in_go: false, is_short: true },
    Case { name: "memory", is_in_go: true, is_short: true },
    Case { name: "memory_threads", is_in_go: false, is_short: true },
    Case { name: "sleep", is_in_go: true, is_short: true },
    Case { name: "sleep_hinted", is_in_go: false, is_short: true },
    Case { name: "trickle", is_in_go: true, is_short: true },
    Case { name: "trickle_threads", is_in_go: false, is_short: true },
    Case { name: "sieve", is_in_go: true, is_short: true },
    Case { name: "sieve_threads", is_in_go: false, is_short: true },
    Case { name: "ping_pong", is_in_go: true, is_short: true },
    Case { name: "ping_pong_threads", is_in_go: false, is_short: true },
    Case { name: "echo", is_in_go: true, is_short: true },
    Case { name: "echo_threads", is_in_go: false, is_short: true },
    Case { name: "idle", is_in_go: true, is_short: false },
];

pub fn run(mut args: Args) -> Result<(), Failure> {
    let rounds = match args.flag("--quick") {
        true => QUICK_ROUNDS,
        false => ROUNDS,
    };
    let install = args.flag("--install");
    let filter = args.word().unwrap_or_default();
    args.finish()?;
    let cases: Vec<_> = CASES
        .iter()
        .filter(|case| case.name.contains(&*filter))
        .collect();
    if cases.is_empty() {
        return Err(Failure::usage(format!("unknown case `{filter}`")));
    }
    let programs = Programs::build(&toolchain::find(install)?)?;
    let before = Load::now();
    let samples = measure(&programs, &cases, rounds)?;
    println!("\n{}", rows::table(&samples));
    println!(
        "Go {}; medians of {rounds} rounds. {}",
        toolchain::VERSION,
        load::describe(before, Load::now())
    );
    Ok(())
}

fn measure(programs: &Programs, cases: &[&Case], rounds: usize) -> Result<Samples, Failure> {
    let mut samples = Samples::default();
    for round in 0..rounds {
        eprintln!("round {} of {rounds}", round + 1);
        for case in cases.iter().filter(|case| case.is_short || round == 0) {
            if case.is_in_go {
                samples.add("Go", programs.go(case.name)?);
            }
            samples.add("gosync", programs.gosync(case.name)?);
        }
    }
    Ok(samples)
}
