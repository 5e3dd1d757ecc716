//! The table: what is compared with what, and what is asked for.

use super::samples::{Key, Samples};
use std::fmt;

struct Row {
    about: &'static str,
    ours: &'static str,
    /// Whose figure ours is compared with.
    peer: &'static str,
    theirs: Key,
    goal: Limit,
    must: Limit,
}

/// What a figure of ours may be at most.
#[derive(Clone, Copy)]
enum Limit {
    Nothing,
    /// So many times theirs.
    Times(f64),
    /// So much, whatever theirs is.
    Plain(f64),
}

use Limit::{Nothing, Plain, Times};

/// A row beside Go's figure of the same name.
const fn go(about: &'static str, figure: &'static str, goal: Limit, must: Limit) -> Row {
    Row {
        about,
        ours: figure,
        peer: "Go",
        theirs: ("Go", figure),
        goal,
        must,
    }
}

/// A row of the case `work`, beside others on this side.
const fn work(peer: &'static str, theirs: &'static str, must: Limit) -> Row {
    Row {
        about: WORK,
        ours: "work",
        peer,
        theirs: ("gosync", theirs),
        goal: Nothing,
        must,
    }
}

const WORK: &str = "1,000 of 10 µs: time ÷ (work ÷ processors)";

#[rustfmt::skip]
const ROWS: &[Row] = &[
    go("fan-out/in of 1, ns each", "fan_out_in_1", Times(0.5), Times(0.7)),
    go("fan-out/in of 10, ns each", "fan_out_in_10", Times(0.5), Times(0.7)),
    go("fan-out/in of 100, ns each", "fan_out_in_100", Times(0.5), Times(0.7)),
    go("fan-out/in of 1,000, ns each", "fan_out_in_1000", Times(0.5), Times(0.7)),
    go("fan-out/in of 10,000, ns each", "fan_out_in_10000", Times(0.5), Times(0.7)),
    go("spawn and wait, ns", "spawn_wait", Times(0.5), Times(1.0)),
    go("spawn and wait, 8 at once, ns", "spawn_wait_8", Times(1.0), Nothing),
    go(WORK, "work", Plain(1.05), Plain(1.1)),
    work("rayon::scope", "work_rayon", Times(1.0)),
    work("threads, equal shares", "work_threads", Nothing),
    go("start behind 8 hogs, ms", "hogs", Plain(20.0), Plain(100.0)),
    go("400 at a foreign barrier, cold, ms", "barrier", Plain(100.0), Plain(1000.0)),
    go("10 s idle after 10⁶: processor time, ms", "idle_millis", Plain(10.0), Nothing),
    go("10 s idle after 10⁶: threads left", "idle_threads", Plain(0.0), Nothing),
];

type Cells = [String; 8];

/// In Markdown, the rows that were measured.
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
        let ratio = samples.ratio(ours, self.theirs)?;
        Some([
            self.about.into(),
            self.peer.into(),
            short(samples.median(self.theirs)?),
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
    /// None if there is none. To the digits that the table shows.
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
        // A multiple of nothing.
        _ if !number.is_finite() => String::new(),
        ..10.0 => format!("{number:.2}"),
        ..100.0 => format!("{number:.1}"),
        _ => format!("{number:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Nothing, Plain, Times, go, table};
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
             | start behind 8 hogs, ms | Go   | 80.0   | 20.0   | 0.25  | ≤ 20 | ≤ 100 | goal |\n"
        );
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
