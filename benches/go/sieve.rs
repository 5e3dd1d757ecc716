use crate::start::Start;
use crate::{Plan, millis, report};
use crossbeam_channel::{Receiver, Sender, bounded};
use std::time::Instant;

/// Finds the first 500 primes. Each prime has a goroutine, or a thread, that passes on the numbers which its
/// prime does not divide, over channels without a buffer. Reports milliseconds.
pub fn run<S: Start>(plan: Plan) {
    let start = Instant::now();
    let mut numbers = connect::<S>(|to| pass(2.., &to));
    for _ in 0..plan.count(500) {
        let prime: u32 = numbers.recv().expect("there is always one more");
        numbers = connect::<S>(move |to| {
            pass(numbers.iter().filter(|n| n % prime != 0), &to);
        });
    }
    report(&format!("sieve{}", S::SUFFIX), millis(start.elapsed()));
}

/// Starts `f` with one end of a channel. Returns the other end.
fn connect<S: Start>(f: impl FnOnce(Sender<u32>) + Send + 'static) -> Receiver<u32> {
    let (to, from) = bounded(0);
    S::start(move || f(to));
    from
}

/// Sends the numbers until the receiver has ended.
fn pass(numbers: impl IntoIterator<Item = u32>, to: &Sender<u32>) {
    for number in numbers {
        if to.send(number).is_err() {
            return;
        }
    }
}
