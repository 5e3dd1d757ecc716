//! Finds the source of the standard library of the compiler's version.
//!
//! rustup provides it (`rustup component add rust-src`). If it is missing, Debian's package `rust-src` of the
//! same version is unpacked in the target directory, so nothing is installed.

use crate::failure::Failure;
use crate::repo;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Suites of Debian. The one that is small and likely to have the version comes first.
const SUITES: &[&str] = &["stable-backports", "testing", "unstable", "stable"];

/// The path below the directory of a compiler, and below `usr` in Debian's package.
const LIBRARY: &str = "lib/rustlib/src/rust/library";

const ADVICE: &str = "try `rustup component add rust-src`";

pub struct Compiler {
    /// For example `x86_64-unknown-linux-gnu`.
    pub host: String,
    /// For example `1.95.0`.
    release: String,
}

/// Returns the directory `library`. Fetches it if it is missing and `install` is set.
pub fn find(install: bool) -> Result<PathBuf, Failure> {
    let own = Path::new(rustc(&["--print", "sysroot"])?.trim()).join(LIBRARY);
    if has_source(&own) {
        return Ok(own);
    }
    let release = compiler()?.release;
    let dir = repo::target()
        .join("std")
        .join(format!("rust-src-{release}"));
    let fetched = dir.join("usr").join(LIBRARY);
    if !has_source(&fetched) {
        if !install {
            return Err(Failure::check(format!(
                "there is no source of std {release}: `rustup component add rust-src`, or `--install`, \
                 which fetches Debian's into {}",
                dir.display()
            )));
        }
        fetch(&release, &dir)?;
    }
    match has_source(&fetched) {
        true => Ok(fetched),
        false => Err(Failure::check(format!(
            "no {}; {ADVICE}",
            fetched.display()
        ))),
    }
}

fn has_source(library: &Path) -> bool {
    library.join("Cargo.lock").is_file()
}

pub fn compiler() -> Result<Compiler, Failure> {
    let version = rustc(&["-vV"])?;
    let value = |key: &str| {
        let value = version.lines().find_map(|line| line.strip_prefix(key));
        value
            .map(String::from)
            .ok_or_else(|| Failure::check(format!("rustc -vV: no `{key}`")))
    };
    Ok(Compiler {
        host: value("host: ")?,
        release: value("release: ")?,
    })
}

fn rustc(args: &[&str]) -> Result<String, Failure> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    output(Command::new(rustc).current_dir(repo::root()).args(args))
}

/// Unpacks the package for `release` in `dir`.
fn fetch(release: &str, dir: &Path) -> Result<(), Failure> {
    let apt = Apt::new(repo::target().join("std/apt"))?;
    let mirror = apt.mirror()?;
    for suite in SUITES {
        println!("looking for the source of std {release} in Debian {suite}");
        apt.update(&format!("deb [target=Packages] {mirror} {suite} main\n"))?;
        let versions = apt.run("apt-cache", &["madison", "rust-src"])?;
        if let Some(version) = matching(&versions, release) {
            apt.run("apt-get", &["download", &format!("rust-src={version}")])?;
            return apt.unpack(dir);
        }
    }
    Err(Failure::check(format!(
        "Debian has no rust-src {release}; {ADVICE}"
    )))
}

/// Returns the version of the package with the source of `release`, in a table printed by apt-cache.
fn matching<'a>(madison: &'a str, release: &str) -> Option<&'a str> {
    let versions = madison.lines().filter_map(|line| line.split(" | ").nth(1));
    let upstream = |version: &str| version.split(['+', '-', '~']).next() == Some(release);
    versions.map(str::trim).find(|version| upstream(version))
}

/// apt with separate package lists, in its own directory.
struct Apt(PathBuf);

impl Apt {
    fn new(dir: PathBuf) -> Result<Self, Failure> {
        // Left over from an earlier attempt, which would be in the way.
        let _ = fs::remove_dir_all(&dir);
        for part in ["lists/partial", "cache/archives/partial"] {
            let part = dir.join(part);
            fs::create_dir_all(&part)
                .map_err(|error| Failure::check(format!("{}: {error}", part.display())))?;
        }
        repo::write(&dir.join("status"), "")?;
        repo::write(&dir.join("apt.conf"), &config(&dir))?;
        Ok(Self(dir))
    }

    /// Returns the system's own mirror.
    fn mirror(&self) -> Result<String, Failure> {
        let uris = output(Command::new("apt-get").args(["update", "--print-uris"]))?;
        let mirror = mirror(&uris).map(String::from);
        mirror.ok_or_else(|| {
            Failure::check(format!("apt has no mirror of Debian configured; {ADVICE}"))
        })
    }

    fn update(&self, source: &str) -> Result<(), Failure> {
        repo::write(&self.0.join("sources.list"), source)?;
        self.run("apt-get", &["update", "--quiet=2"]).map(drop)
    }

    fn run(&self, program: &str, args: &[&str]) -> Result<String, Failure> {
        let mut command = Command::new(program);
        command
            .current_dir(&self.0)
            .env("APT_CONFIG", self.0.join("apt.conf"));
        output(command.args(args))
    }

    /// Unpacks the one package that was downloaded, and removes the rest.
    fn unpack(self, dir: &Path) -> Result<(), Failure> {
        let failed =
            |error: std::io::Error| Failure::check(format!("apt downloaded no package: {error}"));
        let files = fs::read_dir(&self.0)
            .map_err(failed)?
            .flatten()
            .map(|entry| entry.path());
        let package = files
            .into_iter()
            .find(|path| path.extension().is_some_and(|end| end == "deb"));
        let package = package.ok_or_else(|| Failure::check("no package came"))?;
        // Moved into place in one step, so that a half-unpacked tree is never found there.
        let tree = self.0.join("tree");
        output(
            Command::new("dpkg-deb")
                .arg("--extract")
                .arg(package)
                .arg(&tree),
        )?;
        let _ = fs::remove_dir_all(dir);
        fs::rename(tree, dir).map_err(failed)?;
        fs::remove_dir_all(self.0).map_err(failed)
    }
}

fn config(dir: &Path) -> String {
    let dir = dir.display();
    format!(
        "Dir::Etc::sourcelist \"{dir}/sources.list\";\n\
         Dir::Etc::sourceparts \"/dev/null\";\n\
         Dir::State::lists \"{dir}/lists\";\n\
         Dir::State::status \"{dir}/status\";\n\
         Dir::Cache \"{dir}/cache\";\n\
         APT::Sandbox::User \"root\";\n"
    )
}

/// Returns the archive of the first of `uris`, as apt prints them, that is not only for security updates.
fn mirror(uris: &str) -> Option<&str> {
    let archives = uris
        .lines()
        .filter_map(|line| line.strip_prefix('\'')?.split_once("/dists/"));
    archives
        .map(|(archive, _)| archive)
        .find(|archive| !archive.ends_with("-security"))
}

/// Runs `command`. Returns its output.
fn output(command: &mut Command) -> Result<String, Failure> {
    let program = command.get_program().display().to_string();
    let output = command
        .output()
        .map_err(|error| Failure::check(format!("cannot run {program}: {error}; {ADVICE}")))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        return Err(Failure::check(format!("{program}: {errors}; {ADVICE}")));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod unit_tests {
    use super::{matching, mirror};

    #[test]
    fn the_source_is_of_the_compilers_version() {
        let madison = "rust-src | 1.96.1+dfsg1-2~bpo13+1 | mirror stable-backports/main Packages\n \
            rust-src | 1.95.0+dfsg1-2~bpo13+1 | mirror stable-backports/main Packages\n";
        assert_eq!(matching(madison, "1.95.0"), Some("1.95.0+dfsg1-2~bpo13+1"));
        assert_eq!(matching(madison, "1.95"), None);
        assert_eq!(matching(madison, "1.96.1-nightly"), None);
    }

    #[test]
    fn the_mirror_is_the_systems_own() {
        let uris = "'https://a/debian-security/dists/s-security/InRelease' a_s 0\n\
            'https://a/debian/dists/s/InRelease' a_s 0\n";
        assert_eq!(mirror(uris), Some("https://a/debian"));
        assert_eq!(mirror(""), None);
    }
}
