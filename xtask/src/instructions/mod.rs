//! `cargo xtask instructions`: counts the instructions that a lock takes.
//!
//! Unlike time, the number of instructions does not depend on how busy the machine is, so a bound on it can
//! be tight. It does not say how long an instruction takes; the benches measure that.

mod loops;
mod valgrind;

use crate::args::Args;
use crate::failure::Failure;
use crate::forced;
use crate::tools::{self, VALGRIND};
use loops::{LOOPS, Loop};

/// The rounds of a run. A second run has twice as many, so the difference is the cost of the rounds alone.
const ROUNDS: u64 = 102_400;

/// Whether the bounds apply to this platform.
pub const HAS_BOUNDS: bool = cfg!(all(target_arch = "x86_64", target_os = "linux"));

pub fn run(mut args: Args) -> Result<(), Failure> {
    let name = args.option::<String>("--loop")?;
    let rounds = args.option("--rounds")?.unwrap_or(ROUNDS);
    let install = args.flag("--install");
    args.finish()?;
    match name {
        // This runs under valgrind.
        Some(name) => (find(&name)?.run)(rounds),
        None => check(install)?,
    }
    Ok(())
}

fn find(name: &str) -> Result<&'static Loop, Failure> {
    let found = LOOPS.iter().find(|a_loop| a_loop.name == name);
    found.ok_or_else(|| Failure::usage(format!("unknown loop `{name}`")))
}

fn check(install: bool) -> Result<(), Failure> {
    if forced::IS_HEEDED {
        return Err(Failure::usage(
            "the locks of this build can be forced, which takes more instructions",
        ));
    }
    tools::provide(&[&VALGRIND], install)?;
    println!("{:<44} {:>12} {:>8}", "", "instructions", "at most");
    let mut exceeded = Vec::new();
    for Loop {
        name,
        about,
        at_most,
        ..
    } in LOOPS
    {
        let each = a_round(
            valgrind::count(name, ROUNDS)?,
            valgrind::count(name, 2 * ROUNDS)?,
        );
        println!("{about:<44} {each:>12.1} {at_most:>8}");
        if each > *at_most {
            exceeded.push(*about);
        }
    }
    match exceeded.is_empty() || !HAS_BOUNDS {
        true => Ok(()),
        false => Err(Failure::check(format!(
            "too many instructions: {}",
            exceeded.join("; ")
        ))),
    }
}

/// Returns the instructions of a round, if `ROUNDS` rounds take `once` and twice as many take `twice`: both
/// include the start.
fn a_round(once: u64, twice: u64) -> f64 {
    (twice as f64 - once as f64) / ROUNDS as f64
}

#[cfg(test)]
mod tests {
    use super::loops::LOOPS;
    use super::{ROUNDS, a_round, find};

    #[test]
    fn the_start_is_left_out() {
        let start = 123_456;
        assert_eq!(a_round(start + 7 * ROUNDS, start + 14 * ROUNDS), 7.0);
    }

    #[test]
    fn every_loop_is_found_by_its_name() {
        for a_loop in LOOPS {
            assert_eq!(find(a_loop.name).unwrap().about, a_loop.about);
        }
        assert!(find("nothing").is_err());
    }
}
