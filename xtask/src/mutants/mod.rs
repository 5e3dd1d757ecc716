//! `cargo xtask mutants`: do the models notice when the algorithms are broken?
//!
//! Each mutant is the crate with one place changed: an ordering weakened, a barrier or a wake-up lost,
//! a check left out. Some model has to fail for it, or what was changed is not covered by any. A mutant that
//! cannot fail goes into `equivalent-mutants.txt`, with the reason.

mod calls;
mod equivalent;
mod find;
mod named;
mod orderings;
mod verdict;

pub use find::mutants as of_file;

use crate::args::Args;
use crate::failure::Failure;
use crate::models::{Crate, seconds};
use crate::repo;
use equivalent::Equivalents;
use find::Mutant;
use std::time::Instant;
use verdict::{Bench, Verdict};

/// The files with algorithms in them.
const FILES: &[&str] = &[
    "src/raw_rwmutex.rs",
    "src/raw_rwmutex/word.rs",
    "src/readers.rs",
    "src/raw_wait_group.rs",
    "src/task.rs",
    "src/chunks.rs",
    "src/park.rs",
    "src/workers.rs",
    "src/workers/place.rs",
    "src/workers/scheduler.rs",
    "src/workers/sleeper.rs",
    "src/workers/worker.rs",
];

pub fn run(mut args: Args) -> Result<(), Failure> {
    let list = args.flag("--list");
    let jobs = args.option("--jobs")?.unwrap_or_else(repo::cores);
    let filter = args.word().unwrap_or_default();
    args.finish()?;
    let mutants = mutants_of(&filter)?;
    if list {
        mutants.iter().for_each(|mutant| println!("{mutant}"));
        println!("{} mutants", mutants.len());
        return Ok(());
    }
    try_all(&mutants, jobs)
}

fn mutants_of(filter: &str) -> Result<Vec<Mutant>, Failure> {
    let mut mutants = Vec::new();
    for file in FILES.iter().filter(|file| file.contains(filter)) {
        mutants.extend(find::mutants(file, &repo::read(&repo::root().join(file))?)?);
    }
    if mutants.is_empty() {
        return Err(Failure::usage(format!(
            "no mutants in `{filter}` of {FILES:?}"
        )));
    }
    Ok(mutants)
}

fn try_all(mutants: &[Mutant], jobs: usize) -> Result<(), Failure> {
    let start = Instant::now();
    let equivalents = Equivalents::read(&repo::root().join("xtask/equivalent-mutants.txt"))?;
    let krate = Crate::with_a_copy(repo::target().join("mutants/tree"))?;
    let bench = Bench::prepare(krate, jobs)?;
    let mut verdicts = Vec::new();
    for mutant in mutants {
        let begin = Instant::now();
        let verdict = bench.judge(mutant)?;
        let excused = equivalents.contain(mutant);
        let note = if excused {
            "   (listed as equivalent)"
        } else {
            ""
        };
        println!("{mutant}  {verdict}, {}{note}", seconds(begin.elapsed()));
        verdicts.push((mutant, verdict, excused));
    }
    summarize(&verdicts, &equivalents.that_match_none_of(mutants))?;
    println!(
        "every mutant was noticed or is listed, {}",
        seconds(start.elapsed())
    );
    Ok(())
}

fn summarize(verdicts: &[(&Mutant, Verdict, bool)], stale: &[String]) -> Result<(), Failure> {
    let count = |wanted: fn(&Verdict) -> bool| {
        verdicts
            .iter()
            .filter(|(_, verdict, _)| wanted(verdict))
            .count()
    };
    println!(
        "\n{} mutants: {} killed, {} timed out, {} survived, {} did not compile",
        verdicts.len(),
        count(|verdict| matches!(verdict, Verdict::Killed(_))),
        count(|verdict| matches!(verdict, Verdict::TimedOut)),
        count(|verdict| matches!(verdict, Verdict::Survived)),
        count(|verdict| matches!(verdict, Verdict::DoesNotCompile(_))),
    );
    let mut complaints: Vec<_> = verdicts.iter().filter_map(complaint).collect();
    complaints.extend(
        stale
            .iter()
            .map(|entry| format!("matches no mutant: {entry}")),
    );
    if complaints.is_empty() {
        return Ok(());
    }
    Err(Failure::check(complaints.join("\n")))
}

fn complaint((mutant, verdict, excused): &(&Mutant, Verdict, bool)) -> Option<String> {
    let place = mutant.to_string();
    let place = place.trim_end();
    match (verdict, excused) {
        (Verdict::DoesNotCompile(messages), _) => {
            Some(format!("does not compile: {place}\n{messages}"))
        }
        (Verdict::Survived, false) => Some(format!("survived: {place}\n    {}", mutant.source)),
        (Verdict::Killed(_) | Verdict::TimedOut, true) => {
            Some(format!("listed as equivalent, but is not: {place}"))
        }
        _ => None,
    }
}
