//! Finds the places to change.

use super::{calls, named, orderings};
use crate::failure::Failure;
use crate::source::{blank, code_only, item_end, words};
use std::fmt;
use std::ops::Range;

/// A file with one place changed.
pub struct Mutant {
    pub file: &'static str,
    pub line: usize,
    /// The function around the place.
    pub function: String,
    /// The line, trimmed.
    pub source: String,
    /// The name of the change.
    pub change: String,
    edit: Edit,
}

/// A change of a text.
pub struct Edit {
    pub range: Range<usize>,
    pub replacement: String,
    pub change: String,
}

impl Mutant {
    fn new(file: &'static str, text: &str, code: &str, edit: Edit) -> Self {
        let at = edit.range.start;
        let line = text[..at].matches('\n').count();
        Self {
            file,
            line: line + 1,
            function: function_around(code, at).into(),
            source: text.lines().nth(line).unwrap_or_default().trim().into(),
            change: edit.change.clone(),
            edit,
        }
    }

    /// Returns `text`, the text of the file, with the change.
    pub fn apply(&self, text: &str) -> String {
        let mut text = text.to_string();
        text.replace_range(self.edit.range.clone(), &self.edit.replacement);
        text
    }
}

impl fmt::Display for Mutant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = format!("{}:{}", self.file, self.line);
        write!(f, "{place:<28} {:<18} {:<20}", self.function, self.change)
    }
}

/// Returns the mutants of `file` with the content `text`, from top to bottom.
pub fn mutants(file: &'static str, text: &str) -> Result<Vec<Mutant>, Failure> {
    let code = algorithm_only(text);
    let mut edits = orderings::weakened(&code);
    edits.extend(calls::broken(&code));
    edits.extend(named::faults(file, text).map_err(Failure::check)?);
    edits.sort_by_key(|edit| edit.range.start);
    let mutant = |edit| Mutant::new(file, text, &code, edit);
    Ok(edits.into_iter().map(mutant).collect())
}

/// Returns the code that the models run: `text` without comments, literals, imports, tests and the code that
/// only the real crate has.
fn algorithm_only(text: &str) -> String {
    let code = code_only(text);
    let mut rest = code.clone();
    // Attributes come first, since one may precede an import.
    for (at, _) in words(&code).filter(|(at, word)| *word == "cfg" && is_foreign(&code, *at)) {
        blank_item(&mut rest, at, attribute_end(&code, at));
    }
    for (at, _) in words(&code).filter(|(_, word)| *word == "use") {
        blank_item(&mut rest, at, at);
    }
    rest
}

/// Returns whether the `cfg` at `at` begins an attribute that excludes its item from the models.
fn is_foreign(code: &str, at: usize) -> bool {
    let condition = &code[at..attribute_end(code, at)];
    let foreign = ["(test", "not(gosync_model)"];
    code[..at].ends_with("#[") && foreign.iter().any(|part| condition.contains(part))
}

fn attribute_end(code: &str, at: usize) -> usize {
    code[at..]
        .find(']')
        .map_or(code.len(), |length| at + length)
}

/// Blanks the item that begins at `start`, unless it is in an item that is blank already.
fn blank_item(code: &mut String, start: usize, body: usize) {
    if code.as_bytes()[start] != b' ' {
        let end = item_end(code, body);
        let mut bytes = std::mem::take(code).into_bytes();
        blank(&mut bytes, start..end);
        *code = String::from_utf8(bytes).expect("whole items are blanked");
    }
}

/// Returns the name of the last function that begins before `at`.
fn function_around(code: &str, at: usize) -> &str {
    let names = words(&code[..at]).filter(|(at, _)| code[..*at].ends_with("fn "));
    names.last().map_or("", |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::mutants;

    const TEXT: &str = r#"
//! Release: no code.
use Ordering::{Acquire, Release};

impl Lock {
    fn runlock(&self, check: fn(usize)) {
        // Release: pairs with the Acquire in `lock`.
        self.word.fetch_sub(1, Release);
    }

    #[cfg(test)]
    fn spy(&self) -> usize {
        self.word.load(Acquire)
    }

    #[cfg(not(gosync_model))]
    pub use Ordering::Acquire;
    fn lock(&self) {
        self.word.store(1, Ordering::Release); 'R';
    }
}

#[cfg(all(test, not(gosync_model)))]
mod tests {
    #[cfg(test)]
    fn lock() { word.load(Acquire) }
}
"#;

    #[test]
    fn only_code_of_the_models_is_changed() {
        let found = mutants("lock.rs", TEXT).unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|mutant| {
                (
                    mutant.line,
                    mutant.function.as_str(),
                    mutant.source.as_str(),
                )
            })
            .collect();
        assert_eq!(
            found,
            [
                (8, "runlock", "self.word.fetch_sub(1, Release);"),
                (19, "lock", "self.word.store(1, Ordering::Release); 'R';"),
            ]
        );
    }

    #[test]
    fn a_mutant_differs_in_its_place_alone() {
        let mutant = &mutants("lock.rs", TEXT).unwrap()[1];
        let from = "store(1, Ordering::Release)";
        let to = "store(1, Ordering::Relaxed)";
        assert_eq!(mutant.apply(TEXT), TEXT.replace(from, to));
    }
}
