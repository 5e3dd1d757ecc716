use crate::start::{Arrivals, Goroutines, Start, Threads};
use crate::{Plan, report};
use gosync::WaitGroup;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

/// Lets two goroutines signal each other with wait groups, there and back 10,000 times. Reports microseconds
/// per round trip.
pub fn groups(plan: Plan) {
    let group = || {
        let group = WaitGroup::new();
        group.add(1);
        group
    };
    run::<Goroutines, _>(plan, [Arc::new(group()), Arc::new(group())]);
}

/// The same with two threads and std's primitives.
pub fn condvars(plan: Plan) {
    run::<Threads, _>(plan, [Arc::default(), Arc::<Flag>::default()]);
}

trait Signal: Send + Sync + 'static {
    /// Must not be called twice without an `await_it` in between.
    fn give(&self);

    fn await_it(&self);
}

impl Signal for WaitGroup {
    fn give(&self) {
        self.done();
    }

    fn await_it(&self) {
        self.wait();
        // Before the other thread is signalled, and may give the next signal.
        self.add(1);
    }
}

#[derive(Default)]
struct Flag {
    is_set: Mutex<bool>,
    changed: Condvar,
}

impl Signal for Flag {
    fn give(&self) {
        *self.is_set.lock().expect("no panic") = true;
        self.changed.notify_one();
    }

    fn await_it(&self) {
        let is_set = self.is_set.lock().expect("no panic");
        let is_set = self.changed.wait_while(is_set, |is_set| !*is_set);
        *is_set.expect("no panic") = false;
    }
}

fn run<S: Start, T: Signal>(plan: Plan, [ping, pong]: [Arc<T>; 2]) {
    let count = plan.count(10_000);
    let ended = Arrivals::new(2);
    let start = Instant::now();
    S::start({
        let (ping, pong, ended) = (Arc::clone(&ping), Arc::clone(&pong), Arc::clone(&ended));
        move || {
            for _ in 0..count {
                ping.give();
                pong.await_it();
            }
            ended.arrive();
        }
    });
    S::start({
        let ended = Arc::clone(&ended);
        move || {
            for _ in 0..count {
                ping.await_it();
                pong.give();
            }
            ended.arrive();
        }
    });
    ended.wait();
    let micros = start.elapsed().as_secs_f64() * 1e6;
    report(&format!("ping_pong{}", S::SUFFIX), micros / count as f64);
}
