use crate::start::{Arrivals, Start, channels, hold, receive};
use crate::{Plan, millis, report};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// Lets 200 goroutines, or threads, block in channels, and starts one more every 5 ms, 300 times. Reports the
/// milliseconds until each of those begins. They then block in channels, too.
pub fn run<S: Start>(plan: Plan) {
    let (gates, blocks) = channels(plan.count(200), receive);
    let mut latencies = hold::<S, _>(blocks, || more::<S>(plan.count(300)), || drop(gates));
    latencies.sort_unstable_by(f64::total_cmp);
    let figure = |name, share| {
        let position = (latencies.len() as f64 * share) as usize;
        report(&format!("{name}{}", S::SUFFIX), latencies[position]);
    };
    figure("trickle_median", 0.5);
    figure("trickle_p99", 0.99);
}

fn more<S: Start>(count: usize) -> Vec<f64> {
    let (gates, blocks) = channels(count, receive);
    let ended = Arrivals::new(count);
    let (begin, begun) = mpsc::channel();
    for block in blocks {
        let (begin, ended) = (begin.clone(), Arc::clone(&ended));
        let start = Instant::now();
        S::start(move || {
            let took = start.elapsed();
            begin.send(millis(took)).expect("main receives");
            block();
            ended.arrive();
        });
        thread::sleep(Duration::from_millis(5));
    }
    let latencies = begun.iter().take(count).collect();
    drop(gates);
    ended.wait();
    latencies
}
