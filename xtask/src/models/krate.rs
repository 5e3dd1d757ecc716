//! The crate as it is built for the models: gosync's sources with a separate manifest, which omits the
//! dev-dependencies and the targets that use them.

use super::Checker;
use crate::failure::Failure;
use crate::manifest::trimmed;
use crate::repo;
use std::path::{Path, PathBuf};

/// A package in the target directory that builds the models.
pub struct Crate {
    pub dir: PathBuf,
    pub checker: Checker,
}

impl Crate {
    /// Creates the package for the sources in the repository.
    pub fn of_the_repo(checker: Checker) -> Result<Self, Failure> {
        let dir = checker.target().join("crate");
        Self::create(checker, dir, &repo::root().join("src/lib.rs"))
    }

    /// Creates the package for a copy of the sources, in `src`, for loom.
    pub fn with_a_copy(dir: PathBuf) -> Result<Self, Failure> {
        // An earlier copy may have files that no longer exist.
        let _ = std::fs::remove_dir_all(dir.join("src"));
        let root = repo::root();
        for file in repo::rust_files(&root.join("src"))? {
            let path = file.strip_prefix(&root).expect("a file below the root");
            repo::write(&dir.join(path), &repo::read(&file)?)?;
        }
        let lib = dir.join("src/lib.rs");
        Self::create(Checker::Loom, dir, &lib)
    }

    fn create(checker: Checker, dir: PathBuf, lib: &Path) -> Result<Self, Failure> {
        let root = repo::root();
        let manifest = repo::read(&root.join("Cargo.toml"))?;
        repo::write(&dir.join("Cargo.toml"), &models_manifest(&manifest, lib))?;
        // Keeps the versions of the dependencies.
        let lock = repo::read(&root.join("Cargo.lock"))?;
        repo::write(&dir.join("Cargo.lock"), &lock)?;
        Ok(Self { dir, checker })
    }
}

/// Returns `manifest` without the parts that the models do not need, for the library in `lib`.
fn models_manifest(manifest: &str, lib: &Path) -> String {
    let mut lines = trimmed(manifest);
    lines.push(format!("[lib]\npath = {:?}", lib.display().to_string()));
    // A separate workspace, although the package is in the directory of another one.
    lines.push("[workspace]\n".into());
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::models_manifest;
    use std::path::Path;

    #[test]
    fn the_manifest_keeps_what_the_models_need() {
        let manifest = "[package]\nname = \"a\"\n[dependencies]\nb = \"1\"\n\
            [dev-dependencies]\nc = \"1\"\n[[example]]\nname = \"d\"\n\
            [workspace]\nmembers = [\n\"e\",\n]\n[profile.models]\nopt-level = 1";
        assert_eq!(
            models_manifest(manifest, Path::new("lib.rs")),
            "[package]\nname = \"a\"\n[dependencies]\nb = \"1\"\n\
            [profile.models]\nopt-level = 1\n\
            [lib]\npath = \"lib.rs\"\n[workspace]\n"
        );
    }
}
