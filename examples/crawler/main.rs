//! Adds up the sizes of all files below a directory, by extension. A limited number of goroutines walk the
//! directories, and the first error stops them. This is `main.go`, ported.
//!
//! ```text
//! cargo run --example crawler -- [DIRECTORY [LIMIT]]
//! go run examples/crawler/main.go [DIRECTORY [LIMIT]]
//! ```

use clap::Parser;
use gosync::Mutex;
use gosync::errgroup::Group;
use std::collections::BTreeMap;
use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// Adds up the sizes of all files below a directory, by extension.
#[derive(Parser)]
struct Options {
    #[arg(default_value = "src")]
    directory: PathBuf,
    #[arg(default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..))]
    limit: u16,
}

fn main() -> ExitCode {
    gosync::abort_on_panic(); // As in Go.
    let options = Options::parse();
    let sums = match crawl(&options.directory, options.limit.into()) {
        Ok(sums) => sums,
        Err(error) => {
            eprintln!("crawler: {error}");
            return ExitCode::FAILURE;
        }
    };
    for (extension, Sum { files, bytes }) in sums {
        println!("{bytes:12} bytes {files:6} files  {extension}");
    }
    ExitCode::SUCCESS
}

#[derive(Default)]
struct Sum {
    files: usize,
    bytes: u64,
}

type Sums = BTreeMap<String, Sum>;

struct Crawler {
    group: Group<io::Error>,
    // Go: a mutex beside the map. Here the map is inside.
    sums: Mutex<Sums>,
}

fn crawl(dir: &Path, limit: usize) -> io::Result<Sums> {
    let crawler = Arc::new(Crawler {
        group: Group::new(),
        sums: Mutex::default(),
    });
    crawler.group.set_limit(limit);
    let (first, dir) = (Arc::clone(&crawler), dir.to_owned());
    crawler.group.go(move || first.visit(&dir));
    crawler.group.wait()?;
    // The goroutines have ended and left nothing behind.
    Ok(Arc::into_inner(crawler).unwrap().sums.into_inner())
}

impl Crawler {
    /// Adds the files of a directory, and visits the directories in it: in a new goroutine, or in this one if
    /// the limit is reached. Waiting for another one to end could be a deadlock.
    fn visit(self: &Arc<Self>, dir: &Path) -> io::Result<()> {
        // Go: the error names the directory.
        let name = |e: io::Error| io::Error::new(e.kind(), format!("{}: {e}", dir.display()));
        for entry in fs::read_dir(dir).map_err(name)? {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            if self.group.is_cancelled() {
                return Ok(()); // Another goroutine has failed.
            } else if kind.is_dir() {
                // The goroutine owns what it uses.
                let (crawler, dir) = (Arc::clone(self), path.clone());
                if !self.group.try_go(move || crawler.visit(&dir)) {
                    self.visit(&path)?;
                }
            } else if kind.is_file() {
                self.add(&entry)?;
            }
        }
        Ok(())
    }

    fn add(&self, file: &DirEntry) -> io::Result<()> {
        let bytes = file.metadata()?.len();
        // Go: the extension of `.gitignore` is `.gitignore`. `Path::extension` finds none.
        let name = file.file_name().to_string_lossy().into_owned();
        let extension = name.rfind('.').map_or("(none)", |dot| &name[dot..]);
        let mut sums = self.sums.lock();
        let sum = sums.entry(extension.to_owned()).or_default();
        sum.files += 1;
        sum.bytes += bytes;
        Ok(())
    }
}
