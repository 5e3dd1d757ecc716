//! Counts the words of whole directory trees: one goroutine per file, one map for all of them.
//!
//! ```text
//! cargo run --release --example wordcount
//! cargo run --release --example wordcount -- --top 10 --check src /usr/include
//! ```
//!
//! The goroutine of a file counts its words into a separate map and merges that once, under the write lock.
//! Meanwhile the main thread takes the read lock now and then to draw the progress bar.
//! [`WaitGroup::wait_timeout`] is its clock.

use clap::Parser;
use gosync::{RWMutex, WaitGroup};
use indicatif::{ProgressBar, ProgressStyle};
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File, Metadata};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use walkdir::{DirEntry, WalkDir};

/// Counts words in files and directory trees.
///
/// A word is a run of letters and digits, in lower case. A file counts as text if it is UTF-8 and has no NUL
/// near its beginning; other files are skipped as binary.
#[derive(Parser)]
#[command(after_help = "\
Links inside a directory are not followed. Without --all, hidden entries are left out, and so are
directories marked by a CACHEDIR.TAG, such as cargo's `target`. A path named on the command line is
always counted. The totals say how much was skipped, and why.

Exit status: 1 if nothing could be counted because of errors, or if --check finds a difference;
2 for a wrong command line; otherwise 0.")]
struct Options {
    /// Files, and directories to walk
    #[arg(default_value = ".")]
    paths: Vec<PathBuf>,

    /// How many of the most frequent words to print
    #[arg(long, value_name = "N", default_value_t = 20)]
    top: usize,

    /// Count hidden entries and cache directories, too
    #[arg(long)]
    all: bool,

    /// Count again, one file after the other, and compare
    #[arg(long)]
    check: bool,

    /// Draw no progress bar
    #[arg(long)]
    quiet: bool,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        // A reader that closes our output, as `head` does, has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wordcount: {error}");
            ExitCode::FAILURE
        }
        Ok(status) => status,
    }
}

fn run(options: &Options) -> io::Result<ExitCode> {
    let started = Instant::now();
    let bar = progress_bar(options.quiet);
    let found = find(&options.paths, options.all, &bar);
    let tally = count(&found.files, &bar);
    bar.finish_and_clear();

    for error in found.errors.iter().chain(&tally.unreadable) {
        eprintln!("wordcount: {error}");
    }
    let mut out = io::stdout().lock();
    print_top(&mut out, &tally, options.top)?;
    print_totals(&mut out, &tally, &found, started.elapsed())?;

    if options.check && !check(&mut out, &tally, &found.files)? {
        return Ok(ExitCode::FAILURE);
    }
    let errors = found.errors.len() + tally.unreadable.len();
    let all_failed = errors > 0 && tally.text_files + tally.binary_files == 0;
    Ok(if all_failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

// Finding files.

/// The files to count, and what is left out.
#[derive(Default)]
struct Found {
    files: Vec<Input>,
    skipped: Skipped,
    errors: Vec<String>,
}

/// A file to count, and what it looked like when it was found.
struct Input {
    path: PathBuf,
    stamp: Stamp,
}

/// Length and time of the last change. While these stay the same, so does the file.
type Stamp = (u64, Option<SystemTime>);

#[derive(Debug, Default, PartialEq)]
struct Skipped {
    hidden: u64,
    caches: u64,
    links: u64,
    /// Pipes, sockets and devices, which may never end.
    special: u64,
}

fn find(paths: &[PathBuf], all: bool, bar: &ProgressBar) -> Found {
    let mut found = Found::default();
    for path in paths {
        // Unlike a walk, this follows links.
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => walk(path, all, &mut found, bar),
            Ok(metadata) => found.add(path.clone(), &metadata),
            Err(error) => found.errors.push(describe(path, &error)),
        }
    }
    found
}

fn walk(root: &Path, all: bool, found: &mut Found, bar: &ProgressBar) {
    let mut entries = WalkDir::new(root).min_depth(1).into_iter();
    while let Some(entry) = entries.next() {
        match entry.and_then(|entry| Ok((entry.metadata()?, entry))) {
            Ok((metadata, entry)) if !all && found.skipped.leaves_out(&entry) => {
                if metadata.is_dir() {
                    entries.skip_current_dir();
                }
            }
            Ok((metadata, _)) if metadata.is_dir() => {}
            Ok((metadata, entry)) => found.add(entry.into_path(), &metadata),
            Err(error) => found.errors.push(error.to_string()),
        }
        bar.set_length(found.files.len() as u64);
    }
}

impl Found {
    fn add(&mut self, path: PathBuf, metadata: &Metadata) {
        if metadata.is_file() {
            let stamp = stamp(metadata);
            self.files.push(Input { path, stamp });
        } else if metadata.is_symlink() {
            self.skipped.links += 1;
        } else {
            self.skipped.special += 1;
        }
    }
}

impl Skipped {
    /// Returns whether `entry` is left out without `--all`, and counts it if so.
    fn leaves_out(&mut self, entry: &DirEntry) -> bool {
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        let is_cache = !is_hidden && is_cache(entry);
        self.hidden += u64::from(is_hidden);
        self.caches += u64::from(is_cache);
        is_hidden || is_cache
    }
}

fn is_cache(entry: &DirEntry) -> bool {
    entry.file_type().is_dir() && entry.path().join("CACHEDIR.TAG").exists()
}

impl Input {
    fn has_changed(&self) -> bool {
        fs::metadata(&self.path).map_or(true, |metadata| stamp(&metadata) != self.stamp)
    }
}

fn stamp(metadata: &Metadata) -> Stamp {
    (metadata.len(), metadata.modified().ok())
}

fn describe(path: &Path, error: &io::Error) -> String {
    format!("{}: {error}", path.display())
}

// Counting.

type Words = HashMap<String, u64>;

/// The result of counting so far.
#[derive(Debug, Default, PartialEq)]
struct Tally {
    words: Words,
    text_files: u64,
    binary_files: u64,
    bytes: u64,
    unreadable: Vec<String>,
}

/// The result for one file, to be added to a [`Tally`].
enum Count {
    Text { words: Words, bytes: u64 },
    Binary,
    Unreadable(String),
}

/// Counts in one goroutine per file, and draws the progress bar meanwhile.
fn count(files: &[Input], bar: &ProgressBar) -> Tally {
    let wg = WaitGroup::new();
    let tally = Arc::new(RWMutex::new(Tally::default()));

    // However many files there are, about as many goroutines run at a time as there are CPUs, and more while
    // some wait for the disk.
    for file in files {
        let (path, tally) = (file.path.clone(), Arc::clone(&tally));
        wg.go(move || {
            let count = count_file(&path);
            tally.lock().add(count);
        });
    }
    while !wg.wait_timeout(Duration::from_millis(50)) {
        let (files, distinct) = tally.rlock().progress();
        bar.set_position(files);
        bar.set_message(format!("{distinct} distinct words"));
    }

    let tally = Arc::into_inner(tally).expect("no goroutine is left");
    let mut tally = tally.into_inner();
    assert_eq!(
        tally.files(),
        files.len() as u64,
        "a goroutine has lost its file"
    );
    tally.unreadable.sort();
    tally
}

fn count_one_by_one(files: &[Input]) -> Tally {
    let mut tally = Tally::default();
    for file in files {
        tally.add(count_file(&file.path));
    }
    tally.unreadable.sort();
    tally
}

impl Tally {
    fn add(&mut self, count: Count) {
        match count {
            Count::Binary => self.binary_files += 1,
            Count::Unreadable(error) => self.unreadable.push(error),
            Count::Text { words, bytes } => {
                self.text_files += 1;
                self.bytes += bytes;
                for (word, n) in words {
                    *self.words.entry(word).or_default() += n;
                }
            }
        }
    }

    fn files(&self) -> u64 {
        self.text_files + self.binary_files + self.unreadable.len() as u64
    }

    /// Returns the number of files and of distinct words.
    fn progress(&self) -> (u64, usize) {
        (self.files(), self.words.len())
    }

    fn total_words(&self) -> u64 {
        self.words.values().sum()
    }
}

fn count_file(path: &Path) -> Count {
    let file = File::open(path).map(|file| BufReader::with_capacity(64 << 10, file));
    match file.and_then(count_text) {
        Ok((words, bytes)) => Count::Text { words, bytes },
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Count::Binary,
        Err(error) => Count::Unreadable(describe(path, &error)),
    }
}

/// Counts the words and bytes of `text`. It needs only the memory of the longest line, since neither a word
/// nor a UTF-8 sequence extends beyond a line.
///
/// Fails with `InvalidData` if `text` is binary.
fn count_text(mut text: impl BufRead) -> io::Result<(Words, u64)> {
    let (mut words, mut bytes) = (Words::new(), 0);
    // A binary file may be one line of many gigabytes.
    if text.fill_buf()?.contains(&0) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut line = Vec::new();
    while text.read_until(b'\n', &mut line)? > 0 {
        let line_text = str::from_utf8(&line).map_err(|_| io::ErrorKind::InvalidData)?;
        for word in split(line_text) {
            match words.get_mut(&*word) {
                Some(n) => *n += 1,
                None => {
                    words.insert(word.into_owned(), 1);
                }
            }
        }
        bytes += line.len() as u64;
        line.clear();
    }
    Ok((words, bytes))
}

fn split(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(lower)
}

/// Returns `word` in lower case, as a new string only if necessary.
fn lower(word: &str) -> Cow<'_, str> {
    if word
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    {
        Cow::Borrowed(word)
    } else {
        Cow::Owned(word.to_lowercase())
    }
}

// Reporting.

fn progress_bar(quiet: bool) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{elapsed} {wide_bar} {pos}/{len} files, {msg}");
    ProgressBar::new(0)
        .with_style(style.expect("the template is valid"))
        .with_message("looking for files")
}

fn print_top(out: &mut impl Write, tally: &Tally, top: usize) -> io::Result<()> {
    for (word, n) in most_frequent(&tally.words, top) {
        writeln!(out, "{n:>12}  {word}")?;
    }
    writeln!(out)
}

/// Returns the `top` most frequent words; words that are equally frequent are in alphabetical order.
fn most_frequent(words: &Words, top: usize) -> Vec<(&str, u64)> {
    let mut ranking: Vec<_> = words.iter().map(|(word, &n)| (word.as_str(), n)).collect();
    ranking.sort_unstable_by_key(|&(word, n)| (Reverse(n), word));
    ranking.truncate(top);
    ranking
}

fn print_totals(
    out: &mut impl Write,
    tally: &Tally,
    found: &Found,
    time: Duration,
) -> io::Result<()> {
    writeln!(out, "{:>12}  files", tally.text_files)?;
    writeln!(out, "{:>12}  bytes", tally.bytes)?;
    writeln!(out, "{:>12}  words", tally.total_words())?;
    writeln!(out, "{:>12}  distinct words", tally.words.len())?;
    writeln!(out, "{:>12.3}  seconds", time.as_secs_f64())?;
    let Skipped {
        hidden,
        caches,
        links,
        special,
    } = found.skipped;
    let skipped = [
        (tally.binary_files, "binary files"),
        (
            found.errors.len() as u64 + tally.unreadable.len() as u64,
            "unreadable paths",
        ),
        (hidden, "hidden entries"),
        (caches, "cache directories"),
        (links, "links"),
        (special, "pipes, sockets and devices"),
    ];
    for (n, what) in skipped.into_iter().filter(|&(n, _)| n > 0) {
        writeln!(out, "{n:>12}  {what} skipped")?;
    }
    Ok(())
}

const SHOWN_DIFFERENCES: usize = 20;

/// Counts once more without goroutines. Returns whether the result is the same.
fn check(out: &mut impl Write, tally: &Tally, files: &[Input]) -> io::Result<bool> {
    let expected = count_one_by_one(files);
    if *tally == expected {
        writeln!(out, "check: equal")?;
        return Ok(true);
    }
    writeln!(out, "check: different")?;
    let differences = differences(tally, &expected);
    for line in differences.iter().take(SHOWN_DIFFERENCES) {
        writeln!(out, "  {line}")?;
    }
    if differences.len() > SHOWN_DIFFERENCES {
        writeln!(out, "  and {} more", differences.len() - SHOWN_DIFFERENCES)?;
    }
    for file in files.iter().filter(|file| file.has_changed()) {
        writeln!(out, "  changed meanwhile: {}", file.path.display())?;
    }
    Ok(false)
}

/// Returns the differences, one per line: first totals, then words.
fn differences(tally: &Tally, expected: &Tally) -> Vec<String> {
    let totals = [
        ("files", tally.text_files, expected.text_files),
        ("binary files", tally.binary_files, expected.binary_files),
        (
            "unreadable",
            tally.unreadable.len() as u64,
            expected.unreadable.len() as u64,
        ),
        ("bytes", tally.bytes, expected.bytes),
    ];
    let totals = totals.map(|(name, n, m)| (name.to_string(), n, m));

    let words: BTreeSet<&String> = tally.words.keys().chain(expected.words.keys()).collect();
    let words = words.into_iter().map(|word| {
        let count = |tally: &Tally| tally.words.get(word).copied().unwrap_or(0);
        (format!("\"{word}\""), count(tally), count(expected))
    });

    totals
        .into_iter()
        .chain(words)
        .filter(|(_, n, m)| n != m)
        .map(|(name, n, m)| format!("{name}: {n} with goroutines, {m} one by one"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{env, process, slice};

    fn words(text: &str) -> Vec<String> {
        split(text).map(Cow::into_owned).collect()
    }

    fn count(text: &str) -> Count {
        let (words, bytes) = count_text(text.as_bytes()).unwrap();
        Count::Text { words, bytes }
    }

    fn tally(texts: &[&str]) -> Tally {
        let mut tally = Tally::default();
        texts.iter().for_each(|text| tally.add(count(text)));
        tally
    }

    /// A directory that is removed when this is dropped.
    struct Directory(PathBuf);

    impl Directory {
        fn new(name: &str, files: &[(&str, &[u8])]) -> Self {
            let root = env::temp_dir().join(format!("gosync-wordcount-{name}-{}", process::id()));
            for (path, content) in files {
                let path = root.join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, content).unwrap();
            }
            Self(root)
        }

        fn find(&self, all: bool) -> Found {
            find(slice::from_ref(&self.0), all, &ProgressBar::hidden())
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    #[test]
    fn words_are_runs_of_letters_and_digits() {
        assert_eq!(
            words("Don't panic: go_sync v1.0!"),
            ["don", "t", "panic", "go", "sync", "v1", "0"]
        );
        assert_eq!(words(" \t--\n"), [""; 0]);
    }

    #[test]
    fn words_are_lower_case_in_any_script() {
        assert_eq!(
            words("Straße ΣΊΣΥΦΟΣ ÉTÉ 東京"),
            ["straße", "σίσυφος", "été", "東京"]
        );
    }

    #[test]
    fn lower_case_words_are_not_copied() {
        assert!(matches!(lower("v1"), Cow::Borrowed("v1")));
        assert!(matches!(lower("V1"), Cow::Owned(_)));
    }

    #[test]
    fn text_is_counted_across_lines() {
        let (words, bytes) = count_text(&b"go stop\r\ngo\n\nGo"[..]).unwrap();
        assert_eq!(words, Words::from([("go".into(), 3), ("stop".into(), 1)]));
        assert_eq!(bytes, 15);
    }

    #[test]
    fn what_is_not_utf8_is_binary() {
        for binary in [&b"first line\n\xff"[..], b"\0", b"cut short: \xc3"] {
            let error = count_text(binary).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        }
    }

    #[test]
    fn counts_add_up_in_any_order() {
        let sum = tally(&["a b", "b c", ""]);
        assert_eq!(sum, tally(&["", "b c", "a b"]));
        assert_eq!((sum.files(), sum.bytes, sum.total_words()), (3, 6, 4));
        assert_eq!(sum.words["b"], 2);
    }

    #[test]
    fn the_ranking_goes_by_frequency_then_alphabet() {
        let tally = tally(&["c b b a a d"]);
        assert_eq!(
            most_frequent(&tally.words, 3),
            [("a", 2), ("b", 2), ("c", 1)]
        );
        assert_eq!(most_frequent(&tally.words, 100).len(), 4);
    }

    #[test]
    fn differences_name_totals_and_words() {
        assert!(differences(&tally(&["a b"]), &tally(&["b a"])).is_empty());
        assert_eq!(
            differences(&tally(&["a b"]), &tally(&["a a", ""])),
            [
                "files: 1 with goroutines, 2 one by one",
                "\"a\": 1 with goroutines, 2 one by one",
                "\"b\": 1 with goroutines, 0 one by one",
            ]
        );
    }

    #[test]
    fn hidden_entries_and_caches_are_left_out_unless_all_is_asked_for() {
        let directory = Directory::new(
            "skipped",
            &[
                ("read.me", b"one"),
                (".hidden", b"two"),
                (".git/config", b"three"),
                ("target/CACHEDIR.TAG", b"four"),
                ("target/debug/log", b"five"),
            ],
        );
        let some = directory.find(false);
        assert_eq!(some.files.len(), 1);
        assert_eq!(
            some.skipped,
            Skipped {
                hidden: 2,
                caches: 1,
                ..Skipped::default()
            }
        );
        let all = directory.find(true);
        assert_eq!((all.files.len(), all.skipped), (5, Skipped::default()));
    }

    #[test]
    fn goroutines_count_what_a_loop_counts() {
        let files: Vec<_> = (0..100)
            .map(|i| (format!("{}/{i}", i % 7), format!("go {i}")))
            .collect();
        let mut files: Vec<_> = files
            .iter()
            .map(|(path, text)| (&**path, text.as_bytes()))
            .collect();
        files.push(("binary", b"\xff"));
        let directory = Directory::new("equal", &files);
        let found = directory.find(false);
        fs::remove_file(directory.0.join("0/0")).unwrap();

        let tally = super::count(&found.files, &ProgressBar::hidden());
        assert_eq!(tally, count_one_by_one(&found.files));
        assert_eq!(
            (tally.text_files, tally.binary_files, tally.unreadable.len()),
            (99, 1, 1)
        );
        assert_eq!(tally.words["go"], 99);
        let changed: Vec<_> = found
            .files
            .iter()
            .filter(|file| file.has_changed())
            .collect();
        assert!(matches!(changed[..], [file] if file.path.ends_with("0/0")));
    }
}
