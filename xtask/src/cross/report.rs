//! The table at the end.

use crate::failure::Failure;
use std::collections::BTreeMap;

/// The columns after the name of the target and of its runner.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Cell {
    Builds,
    Unit,
    Integration,
    Slots,
    Quiet,
    Speeds,
}

const CELLS: [(Cell, &str); 6] = [
    (Cell::Builds, "builds"),
    (Cell::Unit, "unit tests"),
    (Cell::Integration, "integration tests"),
    (Cell::Slots, "rwmutex at slots"),
    (Cell::Quiet, "rwmutex at quiet"),
    (Cell::Speeds, "speeds that a lock has"),
];

/// Stands for the name of a runner.
const SKIPPED: &str = "skipped";

/// A target.
pub struct Row {
    pub triple: &'static str,
    pub runner: &'static str,
    cells: BTreeMap<Cell, String>,
    pub has_failed: bool,
    /// What was left out, and why.
    pub notes: Vec<String>,
}

impl Row {
    pub fn new(triple: &'static str) -> Self {
        Self {
            triple,
            runner: "",
            cells: BTreeMap::new(),
            has_failed: false,
            notes: Vec::new(),
        }
    }

    pub fn set(&mut self, cell: Cell, text: impl Into<String>) {
        self.cells.insert(cell, text.into());
    }

    pub fn fail(&mut self, cell: Cell, text: impl Into<String>) {
        self.has_failed = true;
        self.set(cell, format!("FAILED: {}", text.into()));
    }

    /// A target that something is missing for.
    pub fn skipped(triple: &'static str, why: &str) -> Self {
        println!("skipped: {why}");
        let mut row = Self::new(triple);
        row.runner = SKIPPED;
        row.notes.extend(why.lines().map(String::from));
        row
    }

    pub fn failed(triple: &'static str, failure: &Failure) -> Self {
        println!("FAILED: {failure}");
        let mut row = Self::new(triple);
        let text = failure.to_string();
        row.fail(Cell::Builds, text.lines().next().unwrap_or_default());
        row
    }

    pub fn is_skipped(&self) -> bool {
        self.runner == SKIPPED
    }

    fn line(&self) -> String {
        let cells = CELLS.map(|(cell, _)| self.cells.get(&cell).map_or("—", |text| text));
        let Self { triple, runner, .. } = self;
        format!("| `{triple}` | {runner} | {} |", cells.join(" | "))
    }
}

pub fn print(rows: &[Row]) {
    print!("{}", table(rows));
}

fn table(rows: &[Row]) -> String {
    let names = CELLS.map(|(_, name)| name);
    let mut lines = vec![
        format!("| target | runs | {} |", names.join(" | ")),
        format!("|---|---|{}", "---|".repeat(names.len())),
    ];
    lines.extend(rows.iter().map(Row::line));
    // The same notes usually apply to several targets.
    let mut notes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for row in rows {
        for note in &row.notes {
            notes.entry(note).or_default().push(row.triple);
        }
    }
    if !notes.is_empty() {
        lines.push("\nLeft out:\n".into());
    }
    for (note, triples) in notes {
        lines.push(format!("* {note} ({})", triples.join(", ")));
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod unit_tests {
    use super::{Cell, Row, table};

    #[test]
    fn the_table_has_a_line_for_each_target_and_says_what_was_left_out() {
        let mut one = Row::new("one");
        one.runner = "wine";
        one.set(Cell::Builds, "yes");
        one.notes.push("`a`: no b".into());
        let mut two = Row::skipped("two", "`a`: no b\nthere is no c");
        two.fail(Cell::Unit, "1 failed");
        let expected = "\
| target | runs | builds | unit tests | integration tests | rwmutex at slots | rwmutex at quiet | speeds that a lock has |
|---|---|---|---|---|---|---|---|
| `one` | wine | yes | — | — | — | — | — |
| `two` | skipped | — | FAILED: 1 failed | — | — | — | — |

Left out:

* `a`: no b (one, two)
* there is no c (two)
";
        assert_eq!(table(&[one, two]), expected);
    }
}
