//! The mutants that no model can notice, and why.
//!
//! Each line is `file | function | source line | change | reason`. A source line may itself contain ` | `;
//! the other columns may not. The same line in another function is another mutant.

use super::find::Mutant;
use crate::failure::Failure;
use crate::repo;
use std::path::Path;

pub struct Equivalents(Vec<Entry>);

#[derive(PartialEq, Eq, Debug)]
struct Entry {
    line: String,
    file: String,
    function: String,
    source: String,
    change: String,
}

impl Equivalents {
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let text = repo::read(path)?;
        let lines = text.lines().map(str::trim);
        let entries = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        entries.map(parse).collect::<Result<_, _>>().map(Self)
    }

    pub fn contain(&self, mutant: &Mutant) -> bool {
        self.0.iter().any(|entry| entry.matches(mutant))
    }

    /// Returns a complaint for each entry that matches none of `mutants`.
    pub fn that_match_none_of<'a>(&self, mutants: impl Iterator<Item = &'a Mutant>) -> Vec<String> {
        let mut stale: Vec<_> = self.0.iter().collect();
        for mutant in mutants {
            stale.retain(|entry| !entry.matches(mutant));
        }
        let complain = |entry: &Entry| format!("matches no mutant: {}", entry.line);
        stale.into_iter().map(complain).collect()
    }
}

impl Entry {
    fn matches(&self, mutant: &Mutant) -> bool {
        self.file == mutant.file
            && self.function == mutant.function
            && self.source == mutant.source
            && self.change == mutant.change
    }
}

fn parse(line: &str) -> Result<Entry, Failure> {
    split(line).ok_or_else(|| Failure::check(format!("an entry wants five columns: {line}")))
}

fn split(line: &str) -> Option<Entry> {
    let (file, rest) = line.split_once(" | ")?;
    let (function, rest) = rest.split_once(" | ")?;
    let (rest, reason) = rest.rsplit_once(" | ")?;
    let (source, change) = rest.rsplit_once(" | ")?;
    let owned = |text: &str| text.trim().to_string();
    (!reason.trim().is_empty()).then(|| Entry {
        line: line.into(),
        file: owned(file),
        function: owned(function),
        source: owned(source),
        change: owned(change),
    })
}

#[cfg(test)]
mod tests {
    use super::{Entry, split};

    #[test]
    fn the_source_may_contain_bars() {
        let line = "src/a.rs | lock | a.swap(b | C, Acquire); | Acquire -> Relaxed | Why not.";
        let entry = Entry {
            line: line.into(),
            file: "src/a.rs".into(),
            function: "lock".into(),
            source: "a.swap(b | C, Acquire);".into(),
            change: "Acquire -> Relaxed".into(),
        };
        assert_eq!(split(line), Some(entry));
    }

    #[test]
    fn there_has_to_be_a_reason() {
        assert_eq!(
            split("src/a.rs | lock | a.load(Acquire) | Acquire -> Relaxed"),
            None
        );
    }
}
