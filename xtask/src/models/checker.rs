//! The two checkers. Each has its own models.

use crate::failure::Failure;
use crate::repo;
use std::path::{Path, PathBuf};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Checker {
    /// Tries every schedule of a few threads.
    Loom,
    /// Tries random schedules of more threads.
    Shuttle,
}

impl Checker {
    /// Returns the flags that replace the real atomics with those of the checker. The cfgs are our own, so a
    /// dependent that models its own code with `--cfg loom` keeps the real gosync.
    pub fn flags(self) -> [&'static str; 4] {
        let own = match self {
            Self::Loom => "gosync_loom",
            Self::Shuttle => "gosync_shuttle",
        };
        ["--cfg", "gosync_model", "--cfg", own]
    }

    /// Returns the target directory of the checker. It is separate from other builds, whose flags differ, but
    /// all crates of models share it, because of the dependencies.
    pub fn target(self) -> PathBuf {
        repo::target().join(match self {
            Self::Loom => "models",
            Self::Shuttle => "shuttle",
        })
    }

    /// Returns the files in `src` with the models of this checker.
    pub fn files(self, src: &Path) -> Result<Vec<PathBuf>, Failure> {
        let mut files = repo::rust_files(&src.join("models"))?;
        files.retain(|file| self.owns(file.strip_prefix(src).expect("a file in it")));
        Ok(files)
    }

    /// Returns whether the models in `file`, a path in `src`, belong to this checker.
    fn owns(self, file: &Path) -> bool {
        file.starts_with("models/shuttle") == (self == Self::Shuttle)
    }
}

#[cfg(test)]
mod tests {
    use super::Checker::{Loom, Shuttle};
    use std::path::Path;

    #[test]
    fn each_model_belongs_to_one_checker() {
        for (file, owner) in [
            ("models/rwmutex.rs", Loom),
            ("models/shuttle/rwmutex.rs", Shuttle),
        ] {
            let owners = [Loom, Shuttle].map(|checker| checker.owns(Path::new(file)));
            assert_eq!(owners, [owner == Loom, owner == Shuttle]);
        }
    }
}
