//! The package that is built for other targets: gosync's library and its integration tests, with a separate
//! manifest, which omits what only benches and examples need.

use crate::failure::Failure;
use crate::manifest::trimmed;
use crate::repo;
use std::path::{Path, PathBuf};

/// The dev-dependencies that the tests need.
const NEEDED: &[&str] = &["crossbeam-channel", "proptest"];

/// Makes the package. Returns its manifest.
pub fn create() -> Result<PathBuf, Failure> {
    let (root, dir) = (repo::root(), repo::target().join("cross/crate"));
    let manifest = repo::read(&root.join("Cargo.toml"))?;
    let path = dir.join("Cargo.toml");
    let dev = repo::read(&root.join("dev/Cargo.toml"))?;
    repo::write(&path, &tests_manifest(&manifest, &dev, &root))?;
    // Keeps the versions of the dependencies.
    let lock = repo::read(&root.join("Cargo.lock"))?;
    repo::write(&dir.join("Cargo.lock"), &lock)?;
    Ok(path)
}

/// Returns a manifest for the library, which `manifest` describes, and the tests, which `dev` does.
fn tests_manifest(manifest: &str, dev: &str, root: &Path) -> String {
    let mut lines = trimmed(manifest);
    lines.push("[dev-dependencies]".into());
    lines.extend(dev.lines().filter(|line| is_needed(line)).map(String::from));
    let path = |file| root.join(file).display().to_string();
    lines.push(format!("[lib]\npath = {:?}", path("src/lib.rs")));
    let tests = path("tests/it/main.rs");
    lines.push(format!("[[test]]\nname = \"it\"\npath = {tests:?}"));
    // A separate workspace, although the package is in the directory of another one.
    lines.push("[workspace]\n".into());
    lines.join("\n")
}

fn is_needed(line: &str) -> bool {
    let name = line.split_once(" = ").map(|(name, _)| name);
    name.is_some_and(|name| NEEDED.contains(&name))
}

#[cfg(test)]
mod unit_tests {
    use super::tests_manifest;
    use std::path::Path;

    #[test]
    fn the_manifest_keeps_what_the_tests_need() {
        let manifest = "[package]\nname = \"a\"\n[dev-dependencies]\ndashmap = \"1\"\n\
            [profile.dev]\ndebug = false";
        let dev =
            "[package]\nname = \"b\"\n[dev-dependencies]\nplotters = \"1\"\nproptest = \"1\"\n";
        let path = |file| Path::new("/r").join(file).display().to_string();
        let (lib, tests) = (path("src/lib.rs"), path("tests/it/main.rs"));
        assert_eq!(
            tests_manifest(manifest, dev, Path::new("/r")),
            format!(
                "[package]\nname = \"a\"\n[profile.dev]\ndebug = false\n\
                [dev-dependencies]\nproptest = \"1\"\n[lib]\npath = {lib:?}\n\
                [[test]]\nname = \"it\"\npath = {tests:?}\n[workspace]\n"
            )
        );
    }
}
