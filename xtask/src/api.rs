//! `cargo xtask api`: compares the public API with the list in `api.txt`.
//!
//! rustdoc writes the API as JSON, in a format that changes with the compiler. If the compiler at hand writes
//! another format than `public-api` reads, nothing can be compared, and the command says so. Then the
//! dependency has to be updated.

use crate::args::Args;
use crate::failure::Failure;
use crate::repo;
use public_api::Builder;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// The version of rustdoc's format that `public-api` reads.
const FORMAT: &str = "57";

const LIST: &str = "api.txt";

pub fn run(mut args: Args) -> Result<(), Failure> {
    let accept = args.flag("--accept");
    args.finish()?;
    let json = document()?;
    let found = format_of(&repo::read(&json)?);
    if found.as_deref() != Some(FORMAT) {
        println!(
            "api: not compared. This compiler's rustdoc writes format {}, and `public-api` reads {FORMAT}: \
             another version of it may read that.",
            found.unwrap_or_else(|| "unknown".into())
        );
        return Ok(());
    }
    let api = Builder::from_rustdoc_json(json)
        .omit_blanket_impls(true)
        .build()
        .map_err(|error| Failure::check(format!("cannot read rustdoc's JSON: {error}")))?;
    let now: String = api.items().map(|item| format!("{item}\n")).collect();
    let list = repo::root().join(LIST);
    if accept {
        return repo::write(&list, &now);
    }
    let changes = changes(&repo::read(&list)?, &now);
    if !changes.is_empty() {
        return Err(Failure::check(format!(
            "the public API is not the one in {LIST}. If that is intended, run `cargo xtask api --accept`, \
             and note the change in CHANGELOG.md:\n{changes}"
        )));
    }
    println!("api: ok, {} lines", now.lines().count());
    Ok(())
}

/// Has rustdoc write the API with all features. Returns the file.
fn document() -> Result<PathBuf, Failure> {
    let target = repo::target().join("api");
    let status = repo::cargo()
        .args(["rustdoc", "--quiet", "--package=gosync", "--lib"])
        .arg("--all-features")
        .arg("--target-dir")
        .arg(&target)
        .args(["--", "-Z", "unstable-options", "--output-format", "json"])
        // Allows options that begin with `-Z` on a stable compiler.
        .env("RUSTC_BOOTSTRAP", "1")
        .status()
        .map_err(|error| Failure::check(format!("cannot run cargo: {error}")))?;
    match status.success() {
        true => Ok(target.join("doc").join("gosync.json")),
        false => Err(Failure::check("rustdoc failed")),
    }
}

/// Returns the version of the format that rustdoc's JSON names.
fn format_of(json: &str) -> Option<String> {
    let (_, rest) = json.split_once("\"format_version\":")?;
    let version: String = rest.chars().take_while(char::is_ascii_digit).collect();
    (!version.is_empty()).then_some(version)
}

/// Returns the lines that only one of the lists has, with a sign before each.
fn changes(before: &str, after: &str) -> String {
    let old: BTreeSet<_> = before.lines().collect();
    let new: BTreeSet<_> = after.lines().collect();
    let gone = old.difference(&new).map(|line| format!("- {line}\n"));
    let added = new.difference(&old).map(|line| format!("+ {line}\n"));
    gone.chain(added).collect()
}

#[cfg(test)]
mod tests {
    use super::{changes, format_of};

    #[test]
    fn the_format_is_read_from_the_json() {
        assert_eq!(
            format_of("{\"root\":1,\"format_version\":57}").as_deref(),
            Some("57")
        );
        assert_eq!(format_of("{}"), None);
    }

    #[test]
    fn changes_are_what_one_list_lacks() {
        assert_eq!(changes("a\nb\n", "b\na\n"), "");
        assert_eq!(changes("a\nb\n", "b\nc\n"), "- a\n+ c\n");
    }
}
