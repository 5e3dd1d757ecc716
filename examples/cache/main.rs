//! A cache whose entries expire. Goroutines look up all words of a file in it. A missing value is loaded
//! once, however many goroutines want it, and a janitor removes what has expired. This is `main.go`, ported.
//!
//! ```text
//! cargo run --example cache -- [FILE]
//! go run examples/cache/main.go [FILE]
//! ```
//!
//! See `worker_pool` for why the `select` is inside of [`block_in_place`]. The other waits need no such hint.

use clap::Parser;
use crossbeam_channel::{Receiver, bounded, select, tick};
use gosync::{Cond, RWMutex, block_in_place, go, scope, singleflight};
use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Looks up all words of a file in a cache.
#[derive(Parser)]
struct Options {
    #[arg(default_value = "README.md")]
    file: PathBuf,
}

fn main() -> ExitCode {
    gosync::abort_on_panic(); // As in Go.
    let file = Options::parse().file;
    let text = match fs::read(&file) {
        Ok(data) => String::from_utf8_lossy(&data).into_owned(),
        Err(error) => {
            eprintln!("cache: {}: {error}", file.display());
            return ExitCode::FAILURE;
        }
    };

    let cache = Cache::new(Duration::from_secs(3600));
    // Go: a WaitGroup. In a scope, the goroutines may borrow `cache` and `text`.
    scope(|s| {
        for line in text.split('\n') {
            s.go(|| {
                for word in line.split_whitespace() {
                    cache.get(word, || text.matches(word).count());
                }
            });
        }
    });
    let (lookups, loads) = (text.split_whitespace().count(), cache.loads.load(Relaxed));
    println!("{lookups} lookups: {loads} loads, {} hits", lookups - loads);

    let brief = Arc::new(Cache::new(Duration::from_millis(5)));
    let (stop, stopped) = bounded(0);
    let janitor = go!(Arc::clone(&brief).sweep(Duration::from_millis(1), stopped));
    for round in 1..=2 {
        for word in cache.entries.rlock().keys() {
            brief.get(word, || text.matches(word).count());
        }
        brief.wait_until_empty();
        let loads = brief.loads.load(Relaxed);
        println!("round {round}: all have expired, after {loads} loads");
    }
    drop(stop); // Go: `close(stop)`.
    janitor.join().unwrap();
    println!("the janitor has ended");
    ExitCode::SUCCESS
}

struct Entry {
    value: usize,
    expires: Instant,
}

struct Cache {
    // Go: a mutex beside the map. Here the map is inside.
    entries: RWMutex<HashMap<String, Entry>>,
    swept: Cond,
    flights: singleflight::Group<String, usize>,
    ttl: Duration,
    loads: AtomicUsize,
}

impl Cache {
    fn new(ttl: Duration) -> Self {
        Self {
            entries: RWMutex::default(),
            swept: Cond::new(),
            flights: singleflight::Group::new(),
            ttl,
            loads: AtomicUsize::new(0),
        }
    }

    /// Returns the value for a key. Calls `load` if there is none, and no other goroutine loads it.
    fn get(&self, key: &str, load: impl FnOnce() -> usize) -> usize {
        if let Some(value) = self.find(key) {
            return value;
        }
        let (value, _shared) = self.flights.run(key.to_owned(), || {
            // Another flight may have ended since the first look.
            if let Some(value) = self.find(key) {
                return value;
            }
            let value = load();
            self.loads.fetch_add(1, Relaxed);
            let expires = Instant::now() + self.ttl;
            let entry = Entry { value, expires };
            self.entries.lock().insert(key.to_owned(), entry);
            value
        });
        value
    }

    fn find(&self, key: &str) -> Option<usize> {
        let entries = self.entries.rlock();
        let entry = entries.get(key)?;
        (Instant::now() < entry.expires).then_some(entry.value)
    }

    /// The janitor: removes what has expired, at intervals, until the sender of `stop` is gone.
    fn sweep(&self, interval: Duration, stop: Receiver<()>) {
        let ticks = tick(interval);
        let has_stopped =
            || block_in_place(|| select! { recv(stop) -> _ => true, recv(ticks) -> _ => false });
        while !has_stopped() {
            let now = Instant::now();
            self.entries.lock().retain(|_, entry| now < entry.expires);
            self.swept.broadcast();
        }
    }

    fn wait_until_empty(&self) {
        // Go: `NewCond` takes the lock. Here each wait does.
        let mut entries = self.entries.lock();
        self.swept
            .wait_while(&mut entries, |entries| !entries.is_empty());
    }
}
