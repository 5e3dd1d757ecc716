//! Counts the words of files: a goroutine for each file and for each part of it, and the results of all in
//! one map. Prints the 20 most frequent words. This is `main.go`, ported.
//!
//! ```text
//! cargo run --example fan_out -- [FILE]...
//! go run examples/fan_out/main.go [FILE]...
//! ```

use clap::Parser;
use gosync::{go, scope};
use std::cmp::Reverse;
use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const LINES_PER_PART: usize = 100;
const TOP: usize = 20;

/// Prints the 20 most frequent words of files.
#[derive(Parser)]
struct Options {
    #[arg(default_value = "README.md")]
    files: Vec<PathBuf>,
}

type Counts = HashMap<String, usize>;

fn main() -> ExitCode {
    gosync::abort_on_panic(); // As in Go.
    let counts = match count_files(Options::parse().files) {
        Ok(counts) => counts,
        Err(error) => {
            eprintln!("fan_out: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut words: Vec<_> = counts.into_iter().collect();
    words.sort_by(|(a, m), (b, n)| (Reverse(m), a).cmp(&(Reverse(n), b)));
    for (word, n) in words.iter().take(TOP) {
        println!("{n:7}  {word}");
    }
    ExitCode::SUCCESS
}

/// Counts each file in a goroutine. If several fail, returns the error of the first.
fn count_files(names: Vec<PathBuf>) -> io::Result<Counts> {
    // Go: a channel for each result. Here `go!` returns a handle, and `join` returns the result.
    let count = |name| go!(count_file(name));
    let handles: Vec<_> = names.into_iter().map(count).collect();
    let mut total = Counts::new();
    for handle in handles {
        merge(&mut total, handle.join().unwrap()?);
    }
    Ok(total)
}

/// Counts each part of a file in a goroutine.
fn count_file(name: PathBuf) -> io::Result<Counts> {
    let text = read(&name)?;
    let lines: Vec<_> = text.split('\n').collect();
    let mut total = Counts::new();
    // Go: its goroutines may use `lines` for as long as they like. Here they borrow it, and `scope` waits for
    // them before `lines` goes.
    scope(|s| {
        let parts = lines.chunks(LINES_PER_PART);
        let handles: Vec<_> = parts.map(|part| s.go(|| count_words(part))).collect();
        for handle in handles {
            merge(&mut total, handle.join().unwrap());
        }
    });
    Ok(total)
}

/// Go: a string may hold any bytes, and an error names the file.
fn read(name: &Path) -> io::Result<String> {
    let text = fs::read(name);
    let text = text.map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", name.display())))?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Counts runs of ASCII letters, in lower case.
fn count_words(lines: &[&str]) -> Counts {
    let mut counts = Counts::new();
    for line in lines {
        let words = line.split(|c: char| !c.is_ascii_alphabetic());
        for word in words.filter(|word| !word.is_empty()) {
            *counts.entry(word.to_ascii_lowercase()).or_default() += 1;
        }
    }
    counts
}

fn merge(total: &mut Counts, counts: Counts) {
    for (word, n) in counts {
        *total.entry(word).or_default() += n;
    }
}
