//! The known verdicts, in the committed file `xtask/mutant-verdicts.txt`.
//!
//! Judging all mutants takes some twenty minutes. So a mutant is judged again only if the basis of its
//! verdict has changed: the file that it changes, or the models that judged it. Both are recorded as
//! fingerprints of the code without its comments:
//!
//! * the *mutant*: the file with the change in it. This covers both the algorithm and the rule that made the
//!   mutant.
//! * the *models*: the model that killed it, and the code that models share, in its file and in the
//!   stand-ins. If no model killed it, all models.
//!
//! A change of another algorithm file does not count, although a mutant may survive there that was killed
//! before. So `cargo xtask mutants --all` judges everything anew, for instance before a release.

use super::find::Mutant;
use super::verdict::Verdict;
use crate::failure::Failure;
use crate::models::Checker;
use crate::repo;
use crate::source::{blank, code_only, item_end, without_comments, words};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

const HEAD: &str = "\
# Verdicts of `cargo xtask mutants`, which writes this file. In each line:
#
#     fingerprint of the mutant | of the models | file | function | change | verdict
";

/// The mutants, each with its verdict if one is known.
pub struct Record {
    path: PathBuf,
    prints: Prints,
    rows: Vec<Row>,
}

struct Row {
    mutant: Mutant,
    print: u64,
    entry: Option<Entry>,
}

/// A line of the file.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Entry {
    mutant: u64,
    models: u64,
    /// File, function and change.
    label: [String; 3],
    verdict: Verdict,
}

impl Record {
    /// Reads the verdicts of `mutants`, which must be all that there are.
    pub fn read(mutants: Vec<Mutant>) -> Result<Self, Failure> {
        let path = repo::root().join("xtask/mutant-verdicts.txt");
        let text = match path.exists() {
            true => repo::read(&path)?,
            false => String::new(),
        };
        let mut rows = Vec::new();
        for mutant in mutants {
            let text = repo::read(&repo::root().join(mutant.file))?;
            let print = fingerprint([&*mutant.apply(&text)]);
            rows.push(Row {
                mutant,
                print,
                entry: None,
            });
        }
        assign(&mut rows, parse(&text)?);
        Ok(Self {
            path,
            prints: Prints::read()?,
            rows,
        })
    }

    /// Returns the mutants of the files whose names contain `filter`.
    pub fn mutants(&self, filter: &str) -> impl Iterator<Item = &Mutant> {
        let mutants = self.rows.iter().map(|row| &row.mutant);
        mutants.filter(move |mutant| mutant.file.contains(filter))
    }

    /// Drops the verdicts of the files whose names contain `filter`.
    pub fn forget(&mut self, filter: &str) -> Result<(), Failure> {
        let rows = self.rows.iter_mut();
        rows.filter(|row| row.mutant.file.contains(filter))
            .for_each(|row| row.entry = None);
        self.write()
    }

    /// Returns the mutants of the files whose names contain `filter` that have no verdict which still holds.
    pub fn stale(&self, filter: &str, is_excused: impl Fn(&Mutant) -> bool) -> Vec<usize> {
        let is_stale = |row: &Row| {
            let holds = |entry: &Entry| {
                entry.mutant == row.print
                    && entry.models == self.prints.of(&entry.verdict)
                    && entry.verdict.is_expected(is_excused(&row.mutant))
            };
            row.mutant.file.contains(filter) && !row.entry.as_ref().is_some_and(holds)
        };
        let rows = self.rows.iter().enumerate();
        rows.filter(|(_, row)| is_stale(row))
            .map(|(index, _)| index)
            .collect()
    }

    pub fn mutant(&self, index: usize) -> &Mutant {
        &self.rows[index].mutant
    }

    /// Returns the model that is likely to kill it.
    pub fn killer(&self, index: usize) -> Option<&str> {
        match &self.rows[index].entry.as_ref()?.verdict {
            Verdict::Killed(model) => Some(model),
            _ => None,
        }
    }

    /// Records a verdict and writes the file.
    pub fn note(&mut self, index: usize, verdict: Verdict) -> Result<(), Failure> {
        let models = self.prints.of(&verdict);
        let row = &mut self.rows[index];
        row.entry = Some(Entry {
            mutant: row.print,
            models,
            label: label(&row.mutant),
            verdict,
        });
        self.write()
    }

    fn write(&self) -> Result<(), Failure> {
        let mut text = HEAD.to_string();
        for entry in self.rows.iter().filter_map(|row| row.entry.as_ref()) {
            writeln!(text, "{}", line(entry)).expect("a string takes everything");
        }
        repo::write(&self.path, &text)
    }
}

fn label(mutant: &Mutant) -> [String; 3] {
    [mutant.file, &mutant.function, &mutant.change].map(String::from)
}

/// Gives each row its entry: the one of the same mutant, or else one with the same label. The verdict of the
/// latter is stale, but it says which model to try first.
fn assign(rows: &mut [Row], mut entries: Vec<Entry>) {
    let mut give = |matches: fn(&Row, &Entry) -> bool| {
        for row in rows.iter_mut().filter(|row| row.entry.is_none()) {
            let found = entries.iter().position(|entry| matches(row, entry));
            row.entry = found.map(|index| entries.remove(index));
        }
    };
    give(|row, entry| row.print == entry.mutant);
    give(|row, entry| label(&row.mutant) == entry.label);
}

/// The fingerprints of the models.
struct Prints {
    /// By the path of the model, for example `models::readers::exclusion`.
    models: BTreeMap<String, u64>,
    all: u64,
}

impl Prints {
    fn read() -> Result<Self, Failure> {
        let src = repo::root().join("src");
        let (mut stand_ins, mut files) = (String::new(), Vec::new());
        for path in Checker::Loom.files(&src)? {
            let text = repo::read(&path)?;
            let (shared, models) = split(&text);
            match models.is_empty() {
                true => stand_ins += &text,
                false => files.push((module(&path), shared, models)),
            }
        }
        let mut prints = BTreeMap::new();
        for (module, shared, models) in &files {
            for (name, text) in models {
                let print = fingerprint([&*stand_ins, shared, text]);
                prints.insert(format!("models::{module}::{name}"), print);
            }
        }
        let all: Vec<_> = prints.values().map(u64::to_string).collect();
        Ok(Self {
            all: fingerprint(all.iter().map(String::as_str)),
            models: prints,
        })
    }

    /// Returns the fingerprint of the models that a verdict is based on, or 0 if they no longer exist.
    fn of(&self, verdict: &Verdict) -> u64 {
        match verdict {
            Verdict::Killed(model) => self.models.get(model).copied().unwrap_or_default(),
            _ => self.all,
        }
    }
}

/// Takes the models out of the text of a file. Returns the rest, and each model by its name.
fn split(text: &str) -> (String, BTreeMap<String, String>) {
    const MODEL: &str = "#[test]";
    let code = code_only(text);
    let (mut shared, mut models) = (text.to_string().into_bytes(), BTreeMap::new());
    for (start, _) in code.match_indices(MODEL) {
        let range = start..item_end(&code, start + MODEL.len());
        let mut names = words(&code[range.clone()]).skip_while(|(_, word)| *word != "fn");
        if let Some((_, name)) = names.nth(1) {
            models.insert(name.into(), text[range.clone()].into());
            blank(&mut shared, range);
        }
    }
    let shared = String::from_utf8(shared).expect("whole models are blanked");
    (shared, models)
}

/// Returns the name of the module in the file at `path`.
fn module(path: &Path) -> String {
    let name = path.file_stem().unwrap_or_default();
    name.display().to_string()
}

/// Returns a fingerprint that does not depend on comments and layout: 64-bit FNV-1a.
fn fingerprint<'a>(texts: impl IntoIterator<Item = &'a str>) -> u64 {
    let mut print = 0xcbf2_9ce4_8422_2325;
    for text in texts {
        for byte in without_comments(text).bytes().chain([0]) {
            print = (print ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    print
}

fn line(entry: &Entry) -> String {
    let Entry {
        mutant,
        models,
        label: [file, function, change],
        verdict,
    } = entry;
    format!("{mutant:016x} | {models:016x} | {file} | {function} | {change} | {verdict}")
}

fn parse(text: &str) -> Result<Vec<Entry>, Failure> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let entry = |line| {
        parse_line(line).ok_or_else(|| Failure::check(format!("no line of a verdict: {line}")))
    };
    lines.map(entry).collect()
}

fn parse_line(line: &str) -> Option<Entry> {
    let mut columns = line.split(" | ");
    let mut column = || columns.next();
    let print = |text| u64::from_str_radix(text, 16).ok();
    Some(Entry {
        mutant: print(column()?)?,
        models: print(column()?)?,
        label: [column()?.into(), column()?.into(), column()?.into()],
        verdict: column()?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::{Verdict, fingerprint, line, module, parse_line, split};
    use std::path::Path;

    #[test]
    fn a_fingerprint_is_of_the_code() {
        let print = |text| fingerprint([text]);
        assert_eq!(
            print("a.load(Acquire); // Why.\n"),
            print("// So.\na.load(Acquire);")
        );
        assert_ne!(print("a.load(Acquire);"), print("a.load(Relaxed);"));
        assert_ne!(fingerprint(["a", "b"]), fingerprint(["ab"]));
    }

    #[test]
    fn a_line_is_read_as_it_was_written() {
        for verdict in [
            Verdict::Killed("models::readers::exclusion".into()),
            Verdict::TimedOut,
            Verdict::Survived,
        ] {
            let verdict = verdict.to_string();
            let text =
                format!("00000000000000ff | 0000000000000001 | a.rs | f | A -> B | {verdict}");
            let entry = parse_line(&text).unwrap();
            assert_eq!((entry.mutant, entry.models), (255, 1));
            assert_eq!(line(&entry), text);
        }
        assert_eq!(parse_line("ff | 1 | a.rs | f | A -> B"), None);
        assert_eq!(parse_line("ff | 1 | a.rs | f | A -> B | alive"), None);
    }

    #[test]
    fn models_are_taken_out_of_their_file() {
        let text = "fn a() { b; }\n#[test]\n#[ignore]\nfn c() { d(|| { e }); }\n// é #[test]\n\
            #[test]\nfn f() {}\nstruct G;";
        let (shared, models) = split(text);
        assert_eq!(
            shared.split_whitespace().collect::<Vec<_>>().join(" "),
            "fn a() { b; } // é #[test] struct G;"
        );
        assert_eq!(models["c"], "#[test]\n#[ignore]\nfn c() { d(|| { e }); }");
        assert_eq!(models["f"], "#[test]\nfn f() {}");
    }

    #[test]
    fn the_module_is_named_in_the_path() {
        assert_eq!(module(Path::new("a/src/models/readers.rs")), "readers");
    }
}
