//! Prints the primes up to a number, each with its distance from the one before. The numbers go through a
//! pipeline: a generator, a filter for each prime (the sieve), one more stage, and `main`. This is `main.go`,
//! ported.
//!
//! ```text
//! cargo run --example sieve -- [MAX]
//! go run examples/sieve/main.go [MAX]
//! ```
//!
//! A goroutine that waits in a channel keeps its thread, so this pipeline is as slow as with threads. See
//! `worker_pool` for why its sends and receives are inside of [`block_in_place`].

use clap::Parser;
use crossbeam_channel::{Receiver, Sender, bounded};
use gosync::{block_in_place, go};
use std::iter;

/// Prints the primes up to a number.
#[derive(Parser)]
struct Options {
    #[arg(default_value_t = 100)]
    max: u32,
}

fn main() {
    gosync::abort_on_panic(); // As in Go.
    let max = Options::parse().max.into();
    for Step { prime, distance } in received(distances(primes(max))) {
        println!("{prime:6} +{distance}");
    }
}

/// Sends the numbers from 2 to `max`.
fn generate(max: u64) -> Receiver<u64> {
    let (out, numbers) = bounded(0);
    // Go: `defer close(out)`. Here the goroutine owns `out`, and its end closes the channel.
    go!({
        for n in 2..=max {
            send(&out, n);
        }
    });
    numbers
}

/// Passes on the numbers that `prime` does not divide.
fn filter(prime: u64, numbers: Receiver<u64>) -> Receiver<u64> {
    let (out, rest) = bounded(0);
    go!({
        for n in received(numbers) {
            if n % prime != 0 {
                send(&out, n);
            }
        }
    });
    rest
}

/// Sends the primes up to `max`. The first number that passes all filters is the next prime, and gets a
/// filter of its own.
fn primes(max: u64) -> Receiver<u64> {
    let (out, primes) = bounded(0);
    go!({
        let mut numbers = generate(max);
        while let Ok(prime) = block_in_place(|| numbers.recv()) {
            send(&out, prime);
            numbers = filter(prime, numbers);
        }
    });
    primes
}

struct Step {
    prime: u64,
    distance: u64,
}

/// Adds to each prime its distance from the one before.
fn distances(primes: Receiver<u64>) -> Receiver<Step> {
    let (out, steps) = bounded(0);
    go!({
        let mut last = 0;
        for prime in received(primes) {
            let distance = prime - last;
            send(&out, Step { prime, distance });
            last = prime;
        }
    });
    steps
}

/// Go: `out <- value`.
fn send<T>(out: &Sender<T>, value: T) {
    // Go: waits forever if no stage receives any more. Here it is an error, and what is left goes nowhere.
    block_in_place(|| out.send(value)).ok();
}

/// Go: `range in`.
fn received<T>(from: Receiver<T>) -> impl Iterator<Item = T> {
    iter::from_fn(move || block_in_place(|| from.recv()).ok())
}
