//! Digests all files below a directory: a bounded number of workers take their paths from a channel. This is
//! `main.go`, ported.
//!
//! ```text
//! cargo run --example worker_pool -- [DIRECTORY [WORKERS]]
//! go run examples/worker_pool/main.go [DIRECTORY [WORKERS]]
//! ```
//!
//! Each `main.go` in `examples` wants Go 1.25 or later. `cargo xtask ports` compares what the programs print.
//!
//! The channels are crossbeam's, and gosync does not see at once that a goroutine waits in one.
//! [`block_in_place`] says so, and another goroutine takes its place without delay. Without it a monitor
//! would notice some time later, and the program would do the same. Locks, groups and joins of gosync need no
//! such hint.

use clap::Parser;
use crossbeam_channel::{Receiver, Sender, bounded};
use gosync::{block_in_place, go};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use walkdir::WalkDir;

/// Digests all files below a directory.
#[derive(Parser)]
struct Options {
    #[arg(default_value = "src")]
    directory: PathBuf,
    #[arg(default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..))]
    workers: u32,
}

struct Digest {
    path: String,
    size: usize,
    hash: u64,
}

fn main() -> ExitCode {
    gosync::abort_on_panic(); // As in Go. Otherwise a panic would end only its goroutine.
    let options = Options::parse();
    let digests = match digest_all(&options.directory, options.workers) {
        Ok(digests) => digests,
        Err(error) => {
            eprintln!("worker_pool: {error}");
            return ExitCode::FAILURE;
        }
    };
    for Digest { path, size, hash } in &digests {
        println!("{hash:016x} {size:8}  {path}");
    }
    println!("{} files", digests.len());
    ExitCode::SUCCESS
}

/// Returns the digests of all files, in the order of their paths.
fn digest_all(dir: &Path, workers: u32) -> io::Result<Vec<Digest>> {
    let (paths, path_queue) = bounded(0);
    let (digests, digest_queue) = bounded(0);
    for _ in 0..workers {
        go!(work(dir.to_owned(), path_queue.clone(), digests.clone()));
    }
    // Go: `wg.Wait()`, then `close(digests)`. Here a channel is closed when its last sender is dropped, so
    // none may stay here. Nor may a receiver: `walk` would wait for it after the last worker has ended.
    drop((path_queue, digests));
    let walked = go!(walk(dir.to_owned(), paths));

    // Go: all must be received, even after an error. Here the receiver is dropped after the first error, and
    // the workers end because they can no longer send.
    let all = block_in_place(|| digest_queue.into_iter().collect::<io::Result<Vec<_>>>());
    walked.join().unwrap()?;
    let mut all = all?;
    all.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(all)
}

fn work(dir: PathBuf, paths: Receiver<String>, digests: Sender<io::Result<Digest>>) {
    while let Ok(path) = block_in_place(|| paths.recv()) {
        let digest = digest_file(&dir, path);
        if block_in_place(|| digests.send(digest)).is_err() {
            return;
        }
    }
}

/// Sends the paths of all files, relative to `dir`. The end of `paths` closes the channel.
fn walk(dir: PathBuf, paths: Sender<String>) -> io::Result<()> {
    // The `.` makes a file in place of the directory an error, as it is for `os.DirFS`.
    for entry in WalkDir::new(dir.join(".")) {
        let entry = entry?;
        if entry.file_type().is_file() {
            let path = entry.path().strip_prefix(&dir).expect("it is below");
            let path = path.to_string_lossy().into_owned();
            if block_in_place(|| paths.send(path)).is_err() {
                break;
            }
        }
    }
    Ok(())
}

fn digest_file(dir: &Path, path: String) -> io::Result<Digest> {
    let data = fs::read(dir.join(&path));
    // Go: the error names the file.
    let data = data.map_err(|e| io::Error::new(e.kind(), format!("{path}: {e}")))?;
    let fnv_1a = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    Ok(Digest {
        path,
        size: data.len(),
        hash: data.iter().fold(0xcbf2_9ce4_8422_2325, fnv_1a),
    })
}
