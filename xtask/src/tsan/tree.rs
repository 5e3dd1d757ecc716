//! Copies of the package, as it is or with an ordering too weak.
//!
//! All are tested as copies, since cargo builds std anew for a package that lies elsewhere, seen from
//! std.

use super::tests::{self, Build};
use crate::failure::Failure;
use crate::{mutants, repo};
use std::fmt;
use std::path::PathBuf;

/// A place to break, and where the tests come by.
pub struct Break {
    file: &'static str,
    function: &'static str,
    pub build: Build,
    /// Those that come by have this in their names.
    pub tests: &'static str,
}

const WEAKER: &str = "Release -> Relaxed";

pub const BREAKS: &[Break] = &[
    Break {
        file: "src/raw_rwmutex.rs",
        function: "release",
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
        function: "release",
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

/// Makes a copy, which takes the place of the one before.
pub fn copy() -> Result<PathBuf, Failure> {
    let (root, tree) = (repo::root(), repo::target().join("tsan/tree"));
    // A file from before may be gone now.
    let _ = std::fs::remove_dir_all(&tree);
    // What the manifest names has to be there.
    for part in ["src", "tests", "benches", "examples", "xtask/src"] {
        for file in repo::rust_files(&root.join(part))? {
            let path = file.strip_prefix(&root).expect("a file below the root");
            repo::write(&tree.join(path), &repo::read(&file)?)?;
        }
    }
    for file in ["Cargo.toml", "Cargo.lock", "README.md", "xtask/Cargo.toml"] {
        repo::write(&tree.join(file), &repo::read(&root.join(file))?)?;
    }
    Ok(tree)
}

impl Break {
    /// A copy that is broken.
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
            .ok_or_else(|| Failure::check(format!("no place for this: {self}")))?;
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
