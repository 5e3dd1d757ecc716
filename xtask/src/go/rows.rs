//! The table: the comparisons, and the limits that our figures should meet.

use super::samples::{Key, Samples};
use std::fmt;

struct Row {
    about: &'static str,
    ours: &'static str,
    /// The peer of the comparison; empty if there is none.
    peer: &'static str,
    theirs: Option<Key>,
    goal: Limit,
    must: Limit,
}

/// An upper limit for one of our figures.
#[derive(Clone, Copy)]
enum Limit {
    Nothing,
    /// A multiple of the peer's figure.
    Times(f64),
    /// A fixed value, whatever the peer's figure is.
    Plain(f64),
}

use Limit::{Nothing, Plain, Times};

/// A row that compares with Go's figure of the same name.
const fn go(about: &'static str, figure: &'static str, goal: Limit, must: Limit) -> Row {
    beside("Go", ("Go", figure), alone(about, figure, goal, must))
}

/// A row that compares with threads.
const fn threads(
    about: &'static str,
    [ours, theirs]: [&'static str; 2],
    goal: Limit,
    must: Limit,
) -> Row {
    beside(
        "threads",
        ("gosync", theirs),
        alone(about, ours, goal, must),
    )
}

/// Returns `row` with a peer.
const fn beside(peer: &'static str, theirs: Key, row: Row) -> Row {
    Row {
        peer,
        theirs: Some(theirs),
        ..row
    }
}

/// A row without a peer.
const fn alone(about: &'static str, ours: &'static str, goal: Limit, must: Limit) -> Row {
    Row {
        about,
        ours,
        peer: "",
        theirs: None,
        goal,
        must,
    }
}

const WORK: &str = "1,000 of 10 µs: time ÷ (work ÷ CPUs)";
const LONG_WORK: &str = "40 of 20 ms: time ÷ (work ÷ CPUs)";
const GROUP: &str = "10,000 block in a WaitGroup, ms";
const RWMUTEX: &str = "10,000 block in an RWMutex, ms";
const MUTEX: &str = "10,000 block in a foreign mutex, ms";
const CHANNELS: &str = "10,000 block in foreign channels, ms";
const HINTED: &str = "10,000 block in foreign channels, hinted, ms";
const MEMORY: &str = "10,000 block in a WaitGroup: memory, MiB";
const HINTED_SLEEP: &str = "5,000 sleep for 1 s, hinted, ms";
const MEDIAN: &str = "start beside 200 in channels, median, ms";
const P99: &str = "start beside 200 in channels, p99, ms";
const SIEVE: &str = "sieve for 500 primes, ms";
const PING_PONG: &str = "ping-pong through groups, µs";
const ECHO: &str = "2,000 connections echo a byte, ms";

#[rustfmt::skip]
const ROWS: &[Row] = &[
    go("fan-out/in of 1, ns each", "fan_out_in_1", Times(0.5), Times(0.7)),
    go("fan-out/in of 10, ns each", "fan_out_in_10", Times(0.5), Times(0.7)),
    go("fan-out/in of 100, ns each", "fan_out_in_100", Times(0.5), Times(0.7)),
    go("fan-out/in of 1,000, ns each", "fan_out_in_1000", Times(0.5), Times(0.7)),
    go("fan-out/in of 10,000, ns each", "fan_out_in_10000", Times(0.5), Times(0.7)),
    go("errgroup of 1,000, ns each", "err_group", Times(0.4), Times(0.6)),
    go("spawn and wait, ns", "spawn_wait", Times(0.5), Times(1.0)),
    go("spawn and wait, 8 at once, ns", "spawn_wait_8", Times(1.0), Nothing),
    go(WORK, "work", Plain(1.05), Plain(1.1)),
    beside("rayon::scope", ("gosync", "work_rayon"), alone(WORK, "work", Nothing, Times(1.0))),
    beside("threads, equal shares", ("gosync", "work_threads"), alone(WORK, "work", Nothing, Nothing)),
    go(LONG_WORK, "compute", Plain(1.05), Plain(1.1)),
    alone("40 of 20 ms: most workers", "compute_workers", Plain(4.0), Plain(10.0)),
    go("start behind 8 hogs, ms", "hogs", Plain(40.0), Plain(100.0)),
    go("400 at a foreign barrier, cold, ms", "barrier", Plain(20.0), Plain(40.0)),
    threads(GROUP, ["blocked_wg", "blocked_wg_threads"], Times(1.0), Times(1.4)),
    go(GROUP, "blocked_wg", Nothing, Nothing),
    threads(RWMUTEX, ["blocked_rwmutex", "blocked_rwmutex_threads"], Times(1.0), Times(1.4)),
    go(RWMUTEX, "blocked_rwmutex", Nothing, Nothing),
    threads(MUTEX, ["blocked_mutex", "blocked_mutex_threads"], Times(1.5), Times(3.0)),
    go(MUTEX, "blocked_mutex", Nothing, Nothing),
    threads(CHANNELS, ["blocked_channel", "blocked_channel_threads"], Times(1.5), Times(3.0)),
    go(CHANNELS, "blocked_channel", Nothing, Nothing),
    threads(HINTED, ["blocked_channel_hinted", "blocked_channel_threads"], Times(1.0), Times(1.4)),
    beside("Go", ("Go", "blocked_channel"), alone(HINTED, "blocked_channel_hinted", Nothing, Nothing)),
    alone("time for each, 10,000 ÷ 1,000: foreign channels", "blocked_growth", Plain(1.05), Plain(1.3)),
    alone("time for each, 10,000 ÷ 1,000: WaitGroup", "blocked_growth_wg", Plain(1.05), Plain(1.3)),
    threads(MEMORY, ["memory", "memory_threads"], Nothing, Times(1.1)),
    go(MEMORY, "memory", Nothing, Nothing),
    go("5,000 sleep for 1 s, ms", "sleep", Plain(1150.0), Plain(1400.0)),
    beside("Go", ("Go", "sleep"), alone(HINTED_SLEEP, "sleep_hinted", Plain(1150.0), Plain(1400.0))),
    threads(MEDIAN, ["trickle_median", "trickle_median_threads"], Nothing, Nothing),
    go(MEDIAN, "trickle_median", Nothing, Nothing),
    threads(P99, ["trickle_p99", "trickle_p99_threads"], Plain(1.0), Plain(5.0)),
    go(P99, "trickle_p99", Nothing, Nothing),
    threads(SIEVE, ["sieve", "sieve_threads"], Times(0.9), Times(1.1)),
    go(SIEVE, "sieve", Nothing, Nothing),
    threads(PING_PONG, ["ping_pong", "ping_pong_threads"], Times(1.0), Times(1.0)),
    go(PING_PONG, "ping_pong", Nothing, Nothing),
    threads(ECHO, ["echo", "echo_threads"], Times(1.0), Times(1.4)),
    go(ECHO, "echo", Nothing, Nothing),
    go("10 s idle after 10⁶: CPU time, ms", "idle_millis", Plain(10.0), Nothing),
    go("10 s idle after 10⁶: threads left", "idle_threads", Plain(0.0), Nothing),
];

type Cells = [String; 8];

/// Returns the rows that were measured, as a Markdown table.
pub fn table(samples: &Samples) -> String {
    let head = [
        "case", "peer", "peer's", "gosync", "ratio", "goal", "must", "",
    ];
    let mut lines = vec![head.map(String::from)];
    lines.extend(ROWS.iter().filter_map(|row| row.cells(samples)));
    let widths = std::array::from_fn(|column| width(&lines, column));
    lines.insert(1, widths.map(|width| "-".repeat(width)));
    lines.iter().map(|line| markdown(line, &widths)).collect()
}

fn width(lines: &[Cells], column: usize) -> usize {
    let widths = lines.iter().map(|line| line[column].chars().count());
    widths.max().unwrap_or(0)
}

fn markdown(cells: &Cells, widths: &[usize; 8]) -> String {
    let cells = cells.iter().zip(widths);
    let cells = cells.map(|(cell, width)| format!("{cell:<width$}"));
    format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
}

impl Row {
    fn cells(&self, samples: &Samples) -> Option<Cells> {
        let ours = ("gosync", self.ours);
        let figure = samples.median(ours)?;
        let (theirs, ratio) = match self.theirs {
            Some(theirs) => (samples.median(theirs)?, samples.ratio(ours, theirs)?),
            None => (f64::NAN, f64::NAN),
        };
        Some([
            self.about.into(),
            self.peer.into(),
            short(theirs),
            short(figure),
            short(ratio),
            self.goal.to_string(),
            self.must.to_string(),
            self.verdict(figure, ratio).into(),
        ])
    }

    fn verdict(&self, figure: f64, ratio: f64) -> &'static str {
        let is_met = |limit: Limit| limit.is_met(figure, ratio);
        match (is_met(self.goal), is_met(self.must)) {
            (Some(true), _) => "goal",
            (_, Some(true)) => "must",
            (None, None) => "",
            _ => "missed",
        }
    }
}

impl Limit {
    /// Returns whether the limit is met, with the precision of the table, or `None` if there is no limit.
    fn is_met(self, figure: f64, ratio: f64) -> Option<bool> {
        let at_most = |number: f64, limit: f64| (number * 100.0).round() <= limit * 100.0;
        match self {
            Nothing => None,
            Times(limit) => Some(at_most(ratio, limit)),
            Plain(limit) => Some(at_most(figure, limit)),
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Nothing => Ok(()),
            Times(limit) => write!(f, "≤ {limit} ×"),
            Plain(limit) => write!(f, "≤ {limit}"),
        }
    }
}

fn short(number: f64) -> String {
    match number {
        // A ratio to 0, or without a peer.
        _ if !number.is_finite() => String::new(),
        ..10.0 => format!("{number:.2}"),
        ..100.0 => format!("{number:.1}"),
        _ => format!("{number:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Nothing, Plain, Times, alone, go, table};
    use crate::go::samples::Samples;

    #[test]
    fn the_table_has_what_was_measured() {
        let mut samples = Samples::default();
        samples.add("Go", vec![("hogs".into(), 80.0), ("barrier".into(), 0.5)]);
        samples.add("gosync", vec![("hogs".into(), 20.0)]);
        assert_eq!(
            table(&samples),
            "| case                    | peer | peer's | gosync | ratio | goal | must  |      |\n\
             | ----------------------- | ---- | ------ | ------ | ----- | ---- | ----- | ---- |\n\
             | start behind 8 hogs, ms | Go   | 80.0   | 20.0   | 0.25  | ≤ 40 | ≤ 100 | goal |\n"
        );
    }

    #[test]
    fn a_row_without_a_peer_leaves_its_cells_blank() {
        let mut samples = Samples::default();
        samples.add("gosync", vec![("workers".into(), 5.0)]);
        let cells = alone("most workers", "workers", Plain(4.0), Plain(10.0)).cells(&samples);
        let expected = ["most workers", "", "", "5.00", "", "≤ 4", "≤ 10", "must"];
        assert_eq!(cells, Some(expected.map(String::from)));
    }

    #[test]
    fn a_row_tells_what_it_meets() {
        let row = go("", "", Times(0.5), Plain(100.0));
        assert_eq!(row.verdict(999.0, 0.5), "goal");
        assert_eq!(row.verdict(100.0, 0.51), "must");
        assert_eq!(row.verdict(101.0, 0.51), "missed");
        // As the table shows it.
        assert_eq!(row.verdict(999.0, 0.504), "goal");
        let idle = go("", "", Plain(0.0), Nothing);
        assert_eq!(idle.verdict(0.0, f64::NAN), "goal");
        assert_eq!(idle.verdict(1.0, f64::INFINITY), "missed");
        assert_eq!(go("", "", Nothing, Nothing).verdict(1.0, 1.0), "");
    }
}
