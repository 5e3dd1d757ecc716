//! Copies of the package, unchanged or with an ordering that is too weak.
//!
//! Even the unchanged package is tested as a copy, since cargo rebuilds std for a package in another place
//! relative to std.

use super::tests::{self, Build};
use crate::failure::Failure;
use crate::{mutants, repo};
use std::fmt;
use std::path::PathBuf;

/// An ordering to weaken, and the tests that reach it.
pub struct Break {
    file: &'static str,
    function: &'static str,
    pub build: Build,
    /// Tests that reach it have this in their names.
    pub tests: &'static str,
}

const WEAKER: &str = "Release -> Relaxed";

pub const BREAKS: &[Break] = &[
    Break {
        file: "src/raw_rwmutex.rs",
        function: "exchange_release",
        build: tests::UNFORCED,
        tests: "rwmutex::hammer",
    },
    Break {
        file: "src/readers.rs",
        function: "clear",
        build: tests::SLOTS,
        tests: "rwmutex::hammer",
    },
    Break {
        file: "src/readers.rs",
        function: "clear",
        build: tests::QUIET,
        tests: "rwmutex::hammer",
    },
    Break {
        file: "src/raw_mutex.rs",
        function: "exchange_release",
        build: tests::UNFORCED,
        tests: "mutex::one_at_a_time",
    },
    Break {
        file: "src/task.rs",
        function: "end",
        build: tests::UNFORCED,
        tests: "goroutines",
    },
];

/// Makes a copy, which replaces the previous one.
pub fn copy() -> Result<PathBuf, Failure> {
    let (root, tree) = (repo::root(), repo::target().join("tsan/tree"));
    // A file of the previous copy may no longer exist.
    let _ = std::fs::remove_dir_all(&tree);
    // Everything that the manifest names must exist.
    for part in ["src", "tests", "benches", "examples", "xtask/src"] {
        for file in repo::rust_files(&root.join(part))? {
            let path = file.strip_prefix(&root).expect("a file below the root");
            repo::write(&tree.join(path), &repo::read(&file)?)?;
        }
    }
    for file in [
        "Cargo.toml",
        "Cargo.lock",
        "README.md",
        "docs/porting.md",
        "dev/Cargo.toml",
        "xtask/Cargo.toml",
    ] {
        repo::write(&tree.join(file), &repo::read(&root.join(file))?)?;
    }
    Ok(tree)
}

impl Break {
    /// Returns a broken copy.
    pub fn tree(&self) -> Result<PathBuf, Failure> {
        let tree = copy()?;
        let text = repo::read(&tree.join(self.file))?;
        repo::write(&tree.join(self.file), &self.apply(&text)?)?;
        Ok(tree)
    }

    fn apply(&self, text: &str) -> Result<String, Failure> {
        let mutants = mutants::of_file(self.file, text)?;
        let mutant = mutants
            .iter()
            .find(|mutant| mutant.function == self.function && mutant.change == WEAKER)
            .ok_or_else(|| Failure::check(format!("cannot apply: {self}")))?;
        Ok(mutant.apply(text))
    }
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            function,
            build,
            tests,
        } = self;
        write!(
            f,
            "broken: {WEAKER} in `{function}` of {file}, {build}; {tests}"
        )
    }
}

#[cfg(test)]
mod unit_tests {
    use super::BREAKS;
    use crate::repo;

    #[test]
    fn each_place_is_found_and_changed() {
        for place in BREAKS {
            let text = repo::read(&repo::root().join(place.file)).unwrap();
            let broken = place.apply(&text).unwrap();
            let changed = text.lines().zip(broken.lines()).filter(|(a, b)| a != b);
            assert_eq!(changed.count(), 1, "{place}");
        }
    }
}
