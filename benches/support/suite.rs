//! Measures peers in turn, with criterion's statistics and command line.
//!
//! Criterion measures one benchmark after the other. So a case is measured as a whole when criterion first
//! asks for one of its peers, and criterion is given the stored results: one round is one sample.
//!
//! The ratios hold on a busy machine, too, except for those of contention: threads contend only if they run
//! at the same time.
//!
//! ```text
//! cargo bench                            all of it, ten minutes
//! cargo bench -- --quick                 fewer rounds, three minutes
//! cargo bench -- --test                  does it run? a few seconds
//! cargo bench --bench rwmutex -- read_2  some cases
//! ```

use super::{Peer, Plan, Samples, short, table};
use criterion::{Criterion, SamplingMode};
use std::cell::OnceCell;
use std::env;
use std::process::{self, Command};
use std::time::Duration;

/// Also the smallest sample that criterion accepts.
const QUICK_ROUNDS: usize = 10;
const ROUNDS: usize = 40;

/// A bench program: how it measures, and the cases that it has measured.
pub struct Suite {
    criterion: Criterion,
    plan: Plan,
    is_test: bool,
    cases: Vec<Case>,
}

struct Case {
    name: String,
    peers: Vec<&'static str>,
    samples: Samples,
}

impl Suite {
    /// Creates the suite that the command line asks for.
    pub fn from_args() -> Self {
        if has_arg("--quick") {
            process::exit(run_with_fewer_rounds());
        }
        let is_test = has_arg("--test") || !has_arg("--bench");
        Self {
            criterion: Criterion::default()
                .without_plots()
                .noise_threshold(0.05)
                .nresamples(20_000)
                .configure_from_args(),
            plan: if is_test { smoke_test() } else { full_plan() },
            is_test,
            cases: Vec::new(),
        }
    }

    /// Compares `peers`, ours first, if the command line asks for any of them.
    pub fn case(&mut self, name: &str, peers: &[Peer]) {
        let plan = self.plan;
        let samples = OnceCell::new();
        let mut group = self.criterion.benchmark_group(name);
        // Criterion chooses the iterations by the time of the warm-up. They only scale our figures.
        group
            .warm_up_time(Duration::from_nanos(1))
            .measurement_time(Duration::from_secs(1))
            .sampling_mode(SamplingMode::Flat)
            .sample_size(plan.rounds.max(QUICK_ROUNDS));
        for (peer, Peer { name, .. }) in peers.iter().enumerate() {
            let mut rounds = (0..plan.rounds).cycle();
            group.bench_function(*name, |b| {
                // Not inside `iter_custom`, where it would count as warm-up.
                let samples: &Samples = samples.get_or_init(|| plan.measure(peers, || {}));
                b.iter_custom(|iters| {
                    let round = rounds.next().expect("there is a round");
                    Duration::from_secs_f64(samples.of(peer)[round] * iters as f64 / 1e9)
                });
            });
        }
        group.finish();
        self.cases.extend(samples.into_inner().map(|samples| Case {
            name: name.into(),
            peers: peers.iter().map(|peer| peer.name).collect(),
            samples,
        }));
    }

    /// Prints how the peers compare.
    pub fn finish(self) {
        if self.is_test || self.cases.is_empty() {
            return;
        }
        println!(
            "Median nanoseconds per operation, and the throughput of {} as a multiple of others': the \
             median of {} rounds, and between which values the middle half of them lies:\n",
            self.cases[0].peers[0], self.plan.rounds
        );
        for alike in self.cases.chunk_by(|a, b| a.peers == b.peers) {
            let mut lines = vec![alike[0].heading()];
            lines.extend(alike.iter().map(Case::line));
            println!("{}", table(&lines));
        }
    }
}

impl Case {
    fn heading(&self) -> Vec<String> {
        let others = self.peers[1..].iter().map(|name| format!("× {name}"));
        let names = self.peers.iter().map(|name| name.to_string());
        ["case".into()]
            .into_iter()
            .chain(names)
            .chain(others)
            .collect()
    }

    fn line(&self) -> Vec<String> {
        let nanos = (0..self.peers.len()).map(|peer| short(self.samples.median(peer)));
        let leads = (1..self.peers.len()).map(|peer| {
            let (low, high) = self.samples.spread_of_lead_over(peer);
            let lead = self.samples.lead_over(peer);
            format!("{} ({}–{})", short(lead), short(low), short(high))
        });
        [self.name.clone()]
            .into_iter()
            .chain(nanos)
            .chain(leads)
            .collect()
    }
}

fn has_arg(name: &str) -> bool {
    env::args().any(|arg| arg == name)
}

/// Runs everything once; the figures mean nothing.
fn smoke_test() -> Plan {
    Plan {
        rounds: 1,
        slice: Duration::from_millis(1),
    }
}

fn full_plan() -> Plan {
    let rounds = arg_value("--sample-size").and_then(|rounds| rounds.parse().ok());
    Plan {
        rounds: rounds.unwrap_or(ROUNDS),
        // Several time slices of the system's scheduler, where threads outnumber the CPUs.
        slice: Duration::from_millis(40),
    }
}

/// Returns the value of one of criterion's flags, which criterion does not expose.
fn arg_value(name: &str) -> Option<String> {
    let args: Vec<_> = env::args().collect();
    let mut words = args.iter().flat_map(|arg| arg.split('='));
    words.find(|word| *word == name)?;
    words.next().map(String::from)
}

/// Runs this program with a small sample in place of `--quick`. Criterion's own quick mode takes two samples,
/// from which it could not tell a change from noise.
fn run_with_fewer_rounds() -> i32 {
    let status = env::current_exe().and_then(|program| {
        Command::new(program)
            .args(env::args_os().skip(1).filter(|arg| arg != "--quick"))
            .args(["--sample-size", &QUICK_ROUNDS.to_string()])
            .status()
    });
    match status {
        Ok(status) => status.code().unwrap_or(1),
        Err(error) => {
            eprintln!("cannot run the bench: {error}");
            1
        }
    }
}
