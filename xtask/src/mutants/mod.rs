//! `cargo xtask mutants`: checks that the models notice when the algorithms are broken.
//!
//! Each mutant is the crate with one place changed: an ordering weakened, a barrier or a wake-up lost, a
//! check left out. Some model must fail for it; otherwise no model covers what was changed. A mutant that
//! cannot fail is listed in `equivalent-mutants.txt`, with the reason.
//!
//! Only mutants without a verdict that still holds are judged; see `record`.

mod calls;
mod equivalent;
mod find;
mod named;
mod orderings;
mod record;
mod verdict;

pub use find::mutants as of_file;

use crate::args::Args;
use crate::failure::Failure;
use crate::models::{Crate, seconds};
use crate::repo;
use equivalent::Equivalents;
use find::Mutant;
use record::Record;
use std::time::{Duration, Instant};
use verdict::{Bench, Verdict};

/// The files with algorithms in them.
const FILES: &[&str] = &[
    "src/raw_rwmutex.rs",
    "src/raw_rwmutex/bias.rs",
    "src/raw_rwmutex/drain.rs",
    "src/raw_rwmutex/handoff.rs",
    "src/raw_rwmutex/reader.rs",
    "src/raw_rwmutex/upgrade.rs",
    "src/raw_rwmutex/word.rs",
    "src/raw_rwmutex/writer.rs",
    "src/readers.rs",
    "src/readers/registry.rs",
    "src/raw_wait_group.rs",
    "src/raw_mutex.rs",
    "src/raw_cond.rs",
    "src/sleeper.rs",
    "src/errgroup.rs",
    "src/semaphore.rs",
    "src/singleflight.rs",
    "src/task.rs",
    "src/segmented_vec.rs",
    "src/workers.rs",
    "src/workers/blocking.rs",
    "src/workers/decisions.rs",
    "src/workers/helping.rs",
    "src/workers/processor.rs",
    "src/workers/processors.rs",
    "src/workers/scheduler.rs",
    "src/workers/worker.rs",
];

pub fn run(mut args: Args) -> Result<(), Failure> {
    let list = args.flag("--list");
    let all = args.flag("--all");
    let jobs = args.option("--jobs")?.unwrap_or_else(repo::cores);
    let minutes: Option<u64> = args.option("--minutes")?;
    let filter = args.word().unwrap_or_default();
    args.finish()?;
    if !FILES.iter().any(|file| file.contains(&*filter)) {
        return Err(Failure::usage(format!("no `{filter}` in {FILES:?}")));
    }
    let equivalents = Equivalents::read(&repo::root().join("xtask/equivalent-mutants.txt"))?;
    let mut record = Record::read(all_mutants()?)?;
    if list {
        print_list(&record, &filter);
        return Ok(());
    }
    if all {
        record.forget(&filter)?;
    }
    let deadline = minutes.map(|minutes| Instant::now() + Duration::from_secs(60 * minutes));
    judge_stale(&mut record, &equivalents, &filter, jobs, deadline)
}

fn all_mutants() -> Result<Vec<Mutant>, Failure> {
    let mut mutants = Vec::new();
    for file in FILES {
        mutants.extend(find::mutants(file, &repo::read(&repo::root().join(file))?)?);
    }
    Ok(mutants)
}

fn print_list(record: &Record, filter: &str) {
    let chosen: Vec<_> = record.mutants(filter).collect();
    chosen.iter().for_each(|mutant| println!("{mutant}"));
    println!("{} mutants", chosen.len());
}

/// Judges the mutants without a verdict that still holds, up to the deadline. Each verdict that is as
/// expected is recorded at once.
fn judge_stale(
    record: &mut Record,
    equivalents: &Equivalents,
    filter: &str,
    jobs: usize,
    deadline: Option<Instant>,
) -> Result<(), Failure> {
    let start = Instant::now();
    let is_excused = |mutant: &Mutant| equivalents.contain(mutant);
    let stale = record.stale(filter, is_excused);
    let known = record.mutants(filter).count() - stale.len();
    println!(
        "{known} verdicts hold, {} mutants are to be judged",
        stale.len()
    );
    let mut complaints = equivalents.that_match_none_of(record.mutants(""));
    let mut left = stale.len();
    let is_over = || deadline.is_some_and(|deadline| Instant::now() >= deadline);
    if !stale.is_empty() && !is_over() {
        let krate = Crate::with_a_copy(repo::target().join("mutants/tree"))?;
        let mut bench = Bench::new(krate, jobs)?;
        for index in stale {
            if is_over() {
                break;
            }
            let begin = Instant::now();
            let mutant = record.mutant(index);
            let verdict = bench.judge(mutant, record.killer(index))?;
            println!("{mutant}  {verdict}, {}", seconds(begin.elapsed()));
            left -= 1;
            match verdict.is_expected(is_excused(mutant)) {
                true => record.note(index, verdict)?,
                false => complaints.push(complaint(mutant, &verdict)),
            }
        }
    }
    conclude(complaints, left, start.elapsed())
}

fn conclude(mut complaints: Vec<String>, left: usize, time: Duration) -> Result<(), Failure> {
    if left > 0 {
        complaints.push(format!(
            "{left} mutants are left: `cargo xtask mutants` continues with them"
        ));
    }
    if !complaints.is_empty() {
        return Err(Failure::check(complaints.join("\n")));
    }
    println!("every mutant was noticed or is listed, {}", seconds(time));
    Ok(())
}

/// Describes a verdict that is not as expected.
fn complaint(mutant: &Mutant, verdict: &Verdict) -> String {
    let place = mutant.to_string();
    let place = place.trim_end();
    match verdict {
        Verdict::DoesNotCompile(messages) => format!("does not compile: {place}\n{messages}"),
        Verdict::Survived => format!("survived: {place}\n    {}", mutant.source),
        Verdict::Killed(_) | Verdict::TimedOut => {
            format!("listed as equivalent, but is not: {place}")
        }
    }
}
