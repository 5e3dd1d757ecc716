//! `cargo xtask package`: packages the crate as for a release, and uses the result as its users do.
//!
//! * The package holds the files that it should, and no others, and cargo warns of nothing.
//! * In the unpacked package, the two commands of the README work.
//! * A program that depends on the unpacked package builds and runs.
//! * The lowest versions of the dependencies that Cargo.toml allows build, too.

use crate::args::Args;
use crate::failure::Failure;
use crate::manifest::without;
use crate::repo;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The beginnings of the paths in the package.
const EXPECTED: &[&str] = &[
    ".cargo_vcs_info.json",
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-",
    "README.md",
    "docs/",
    "examples/tour.rs",
    "src/",
];

const PROGRAM: &str = "\
use gosync::{RWMutex, WaitGroup, go};
use std::sync::Arc;

fn main() {
    let wg = WaitGroup::new();
    let list = Arc::new(RWMutex::new(vec![]));
    for i in 0..4 {
        let list = Arc::clone(&list);
        wg.go(move || list.lock().push(i));
    }
    wg.wait();
    assert_eq!(go!(usize::pow(list.rlock().len(), 2)).join().unwrap(), 16);
    println!(\"the program has run\");
}
";

pub fn run(args: Args) -> Result<(), Failure> {
    args.finish()?;
    let dir = repo::target().join("package-check");
    let _ = fs::remove_dir_all(&dir);
    let package = unpack(&dir)?;
    println!("\nThe two commands of the README, in the package:");
    let target = repo::target().join("package-target");
    let cargo_in = |dir: &Path| {
        let mut cargo = repo::cargo();
        cargo.current_dir(dir).env("CARGO_TARGET_DIR", &target);
        cargo
    };
    let mut tour = cargo_in(&package);
    succeed(tour.args(["run", "--quiet", "--example", "tour", "--", "--help"]))?;
    succeed(cargo_in(&package).args(["test", "--quiet"]))?;
    println!("\nA program that depends on the package:");
    let user = user(&dir, &package)?;
    succeed(cargo_in(&user).args(["run", "--quiet"]))?;
    check_packages(&repo::read(&user.join("Cargo.lock"))?)?;
    println!("\nThe lowest versions of its dependencies:");
    let lowest = lowest(&dir)?;
    succeed(cargo_in(&lowest).args(["check", "--quiet", "--all-features"]))?;
    println!("\npackage: ok");
    Ok(())
}

/// Packages the crate and unpacks the package below `dir`. Returns its directory.
fn unpack(dir: &Path) -> Result<PathBuf, Failure> {
    let mut list = repo::cargo();
    list.args(["package", "--package=gosync", "--list", "--allow-dirty"]);
    let files = output(&mut list)?.stdout;
    if let Some(absent) = EXPECTED.iter().find(|start| !files.contains(**start)) {
        return Err(Failure::check(format!("{absent} is not in the package")));
    }
    for file in files.lines() {
        if !EXPECTED.iter().any(|expected| file.starts_with(expected)) {
            return Err(Failure::check(format!("{file} is in the package")));
        }
    }
    let mut package = repo::cargo();
    package.args([
        "package",
        "--package=gosync",
        "--no-verify",
        "--allow-dirty",
    ]);
    package.env("CARGO_TERM_COLOR", "never");
    let messages = output(package.arg("--target-dir").arg(dir))?.stderr;
    if messages.contains("warning") {
        return Err(Failure::check(messages));
    }
    let name = format!("gosync-{}", version()?);
    let packages = dir.join("package");
    let archive = packages.join(format!("{name}.crate"));
    let bytes = fs::metadata(&archive).map_or(0, |file| file.len());
    println!("{} files, {} KiB", files.lines().count(), bytes / 1024);
    let mut tar = Command::new("tar");
    // With `m`, files get the time of now. In the archive they are all equally old, and cargo would take what
    // it has built from an earlier package.
    succeed(tar.arg("-xzmf").arg(&archive).arg("-C").arg(dir))?;
    let package = dir.join(name);
    // It lies below this workspace, and is no member of it.
    let manifest = package.join("Cargo.toml");
    let text = repo::read(&manifest)?;
    repo::write(&manifest, &format!("{text}\n[workspace]\n"))?;
    Ok(package)
}

/// Returns the version in Cargo.toml.
fn version() -> Result<String, Failure> {
    let manifest = repo::read(&repo::root().join("Cargo.toml"))?;
    let line = manifest.lines().find(|line| line.starts_with("version = "));
    let version = line.and_then(|line| line.split('"').nth(1));
    version
        .map(String::from)
        .ok_or_else(|| Failure::check("Cargo.toml has no version"))
}

/// Writes a program that depends on the package. Returns its directory.
fn user(dir: &Path, package: &Path) -> Result<PathBuf, Failure> {
    let user = dir.join("user");
    let manifest = format!(
        "[package]\nname = \"user\"\nedition = \"2024\"\n\n[dependencies]\n\
         gosync = {{ path = {:?} }}\n\n[workspace]\n",
        package.display().to_string()
    );
    repo::write(&user.join("Cargo.toml"), &manifest)?;
    repo::write(&user.join("src").join("main.rs"), PROGRAM)?;
    Ok(user)
}

/// Checks which packages a user gets, on any platform, according to a Cargo.lock.
fn check_packages(lock: &str) -> Result<(), Failure> {
    let names = lock.lines().filter_map(|line| line.strip_prefix("name = "));
    let names: Vec<_> = names.map(|name| name.trim_matches('"')).collect();
    if let Some(name) = names.iter().find(|name| UNWANTED.contains(name)) {
        return Err(Failure::check(format!("the program depends on {name}")));
    }
    println!(
        "its Cargo.lock has {} packages: {}",
        names.len(),
        names.join(", ")
    );
    Ok(())
}

/// What only gosync's own tests use.
const UNWANTED: &[&str] = &["loom", "shuttle"];

/// Writes a package with the lowest versions in its Cargo.lock. Returns its directory.
fn lowest(dir: &Path) -> Result<PathBuf, Failure> {
    let lowest = dir.join("lowest");
    let root = repo::root();
    for file in repo::rust_files(&root.join("src"))? {
        let path = file.strip_prefix(&root).expect("a file below the root");
        repo::write(&lowest.join(path), &repo::read(&file)?)?;
    }
    for file in ["README.md", "docs/porting.md"] {
        repo::write(&lowest.join(file), &repo::read(&root.join(file))?)?;
    }
    let manifest = repo::read(&root.join("Cargo.toml"))?;
    repo::write(&lowest.join("Cargo.toml"), &library_only(&manifest))?;
    let mut update = repo::cargo();
    update.current_dir(&lowest).args(["update", "--quiet"]);
    update.args(["-Z", "direct-minimal-versions"]);
    // Allows options that begin with `-Z` on a stable compiler.
    succeed(update.env("RUSTC_BOOTSTRAP", "1"))?;
    Ok(lowest)
}

/// Returns the manifest without the tables of examples, whose files are not copied, and without other members
/// of the workspace.
fn library_only(manifest: &str) -> String {
    let mut kept = without(manifest, |header| {
        ["[[example]]", "[workspace]"].contains(&header)
    });
    kept.push("\n[workspace]\n".into());
    kept.join("\n")
}

fn succeed(command: &mut Command) -> Result<(), Failure> {
    let status = command.status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::check(format!("{command:?}: {status}"))),
        Err(error) => Err(Failure::check(format!("cannot run {command:?}: {error}"))),
    }
}

/// What a command has printed.
struct Output {
    stdout: String,
    stderr: String,
}

fn output(command: &mut Command) -> Result<Output, Failure> {
    let output = command.output();
    let output =
        output.map_err(|error| Failure::check(format!("cannot run {command:?}: {error}")))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    match output.status.success() {
        true => Ok(Output { stdout, stderr }),
        false => Err(Failure::check(format!("{command:?}: {stderr}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::library_only;

    #[test]
    fn a_library_has_no_examples() {
        let manifest = "[package]\nname = \"a\"\n\n[[example]]\nname = \"b\"\n\n[lib]\nbench = false\n\n\
            [workspace]\nmembers = [\"c\"]\n";
        assert_eq!(
            library_only(manifest),
            "[package]\nname = \"a\"\n\n[lib]\nbench = false\n\n\n[workspace]\n"
        );
    }
}
