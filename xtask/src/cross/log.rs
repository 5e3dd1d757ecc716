//! The files that keep the output of what is run for a target.

use crate::failure::Failure;
use crate::repo;
use std::fmt;
use std::fs::{self, File};
use std::path::PathBuf;

pub struct Log(PathBuf);

impl Log {
    /// Creates an empty file. A file of that name from an earlier run is gone.
    pub fn create(triple: &str, name: &str) -> Result<Self, Failure> {
        let path = repo::target().join("cross/logs").join(triple);
        let path = path.join(format!("{name}.log"));
        repo::write(&path, "")?;
        Ok(Self(path))
    }

    /// Opens the file for a program to write to.
    pub fn open(&self) -> Result<File, Failure> {
        let file = File::options().append(true).open(&self.0);
        file.map_err(|error| Failure::check(format!("cannot open {self}: {error}")))
    }

    pub fn text(&self) -> String {
        let bytes = fs::read(&self.0).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.0.strip_prefix(repo::root()).unwrap_or(&self.0);
        path.display().fmt(f)
    }
}
