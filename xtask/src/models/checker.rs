//! The two checkers, each with models of its own.

use crate::failure::Failure;
use crate::repo;
use std::path::{Path, PathBuf};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Checker {
    /// Every schedule of a few threads.
    Loom,
    /// Random schedules of more.
    Shuttle,
}

impl Checker {
    /// The flags that put it in the place of the real atomics. Cfgs of our own: a dependent that
    /// models its own code with `--cfg loom` keeps the real gosync.
    pub fn flags(self) -> [&'static str; 4] {
        let own = match self {
            Self::Loom => "gosync_loom",
            Self::Shuttle => "gosync_shuttle",
        };
        ["--cfg", "gosync_model", "--cfg", own]
    }

    /// Where it builds: apart from other builds, whose flags differ; shared by all crates of models,
    /// for the sake of the dependencies.
    pub fn target(self) -> PathBuf {
        repo::target().join(match self {
            Self::Loom => "models",
            Self::Shuttle => "shuttle",
        })
    }

    /// The files with its models, among those in `src`.
    pub fn files(self, src: &Path) -> Result<Vec<PathBuf>, Failure> {
        let mut files = repo::rust_files(&src.join("models"))?;
        files.retain(|file| self.owns(file.strip_prefix(src).expect("a file in it")));
        Ok(files)
    }

    /// Whether the models in `file`, a path in `src`, are its own.
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
