//! The dining philosophers: each needs two forks to eat, and shares each of them with a neighbour. All take
//! the fork with the lower number first, so there is no deadlock. This is `main.go`, ported.
//!
//! ```text
//! cargo run --example philosophers -- [PHILOSOPHERS [MEALS]]
//! go run examples/philosophers/main.go [PHILOSOPHERS [MEALS]]
//! ```

use clap::Parser;
use gosync::{Mutex, scope};

/// Lets philosophers dine.
#[derive(Parser)]
struct Options {
    #[arg(default_value_t = 5, value_parser = clap::value_parser!(u32).range(2..))]
    philosophers: u32,
    #[arg(default_value_t = 1000)]
    meals: u32,
}

fn main() {
    gosync::abort_on_panic(); // As in Go.
    let options = Options::parse();
    let count = options.philosophers as usize;
    let mut forks: Vec<_> = (0..count).map(|_| Fork::default()).collect();
    // Go: a WaitGroup, and each goroutine writes its element of a slice. Here the goroutines borrow the
    // forks, and `join` returns their results.
    let eaten: Vec<u32> = scope(|s| {
        let forks = &forks;
        let start = |seat| s.go(move || dine(forks, seat, options.meals));
        let philosophers: Vec<_> = (0..count).map(start).collect();
        philosophers
            .into_iter()
            .map(|handle| handle.join().unwrap())
            .collect()
    });
    for (seat, n) in eaten.iter().enumerate() {
        println!("philosopher {seat} has eaten {n} times");
    }
    for (i, fork) in forks.iter_mut().enumerate() {
        // No lock is needed: this is the only reference.
        println!("fork {i} was used {} times", fork.get_mut());
    }
}

/// The number of its uses, which only the holder can change. Go: a struct of the mutex and the number.
type Fork = Mutex<u64>;

/// Lets the philosopher at a seat eat so many meals. Returns how often they ate.
fn dine(forks: &[Fork], seat: usize, meals: u32) -> u32 {
    let (left, right) = (seat, (seat + 1) % forks.len());
    let (first, second) = (&forks[left.min(right)], &forks[left.max(right)]);
    let mut eaten = 0;
    for _ in 0..meals {
        eat(first, second);
        eaten += 1;
    }
    eaten
}

fn eat(first: &Fork, second: &Fork) {
    let mut first = first.lock();
    let mut second = second.lock();
    *first += 1;
    *second += 1;
}
