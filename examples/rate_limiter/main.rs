//! A token bucket limits how many events of many goroutines happen per second. This is `main.go`, ported.
//!
//! ```text
//! cargo run --example rate_limiter -- [EVENTS [PER_SECOND [BURST]]]
//! go run examples/rate_limiter/main.go [EVENTS [PER_SECOND [BURST]]]
//! ```
//!
//! See `worker_pool` for why the `select` is inside of [`block_in_place`]. The [`Cond`] needs no such hint.

use clap::Parser;
use crossbeam_channel::{Receiver, bounded, select, tick};
use gosync::{Cond, Mutex, WaitGroup, block_in_place, go};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Limits how many events happen per second.
#[derive(Parser)]
struct Options {
    #[arg(default_value_t = 25, value_parser = clap::value_parser!(u16).range(1..))]
    events: u16,
    #[arg(default_value_t = 200, value_parser = clap::value_parser!(u16).range(1..))]
    per_second: u16,
    #[arg(default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    burst: u16,
}

fn main() {
    gosync::abort_on_panic(); // As in Go.
    let options = Options::parse();
    let [events, per_second, burst] =
        [options.events, options.per_second, options.burst].map(u32::from);
    let interval = Duration::from_secs(1) / per_second;

    let start = Instant::now();
    let limiter = Arc::new(Limiter::new(burst));
    let (stop, stopped) = bounded(0);
    let refiller = go!(Arc::clone(&limiter).refill(interval, stopped));
    let wg = WaitGroup::new();
    let happened = Arc::new(AtomicU32::new(0));
    for _ in 0..events {
        let (limiter, happened) = (Arc::clone(&limiter), Arc::clone(&happened));
        wg.go(move || {
            limiter.wait();
            happened.fetch_add(1, Relaxed);
        });
    }
    wg.wait();
    let elapsed = start.elapsed();
    drop(stop); // Go: `close(stop)`.
    refiller.join().unwrap();

    let least = interval * events.saturating_sub(burst);
    let (happened, millis) = (happened.load(Relaxed), least.as_millis());
    println!("{happened} events, at most {burst} at once and then {per_second} per second");
    println!("took {millis} ms at least: {}", elapsed >= least);
    println!("the refiller has ended");
}

/// A bucket of tokens. Each event takes one, and the bucket is refilled at intervals.
struct Limiter {
    // Go: a mutex beside the number. Here the number is inside.
    tokens: Mutex<u32>,
    filled: Cond,
    burst: u32,
}

impl Limiter {
    /// Returns a full bucket.
    fn new(burst: u32) -> Self {
        Self {
            tokens: Mutex::new(burst),
            filled: Cond::new(),
            burst,
        }
    }

    /// Waits for a token, and takes it.
    fn wait(&self) {
        let mut tokens = self.tokens.lock();
        self.filled.wait_while(&mut tokens, |tokens| *tokens == 0);
        *tokens -= 1;
    }

    /// Adds a token at each interval, until the sender of `stop` is gone.
    fn refill(&self, interval: Duration, stop: Receiver<()>) {
        let ticks = tick(interval);
        // Go: the `return` is in the `select`. Here it would only leave the closure of `block_in_place`.
        let has_stopped =
            || block_in_place(|| select! { recv(stop) -> _ => true, recv(ticks) -> _ => false });
        while !has_stopped() {
            let mut tokens = self.tokens.lock();
            *tokens = (*tokens + 1).min(self.burst);
            drop(tokens);
            self.filled.signal();
        }
    }
}
