//! Rounds of goroutines: they are started and waited for.

use super::arena::Arena;
use super::cell::{Cell, expect};
use super::random::Random;
use super::worker::Worker;
use gosync::{Cond, Mutex, WaitGroup, go};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Counts goroutines. Relaxed, so that only what is being soaked orders it.
type Counter = Arc<AtomicUsize>;

/// Does what every kind of goroutine does: one write or read.
pub fn work(arena: &Arena, random: &mut Random) {
    let cell = arena.cell(random);
    if random.once_in(8) {
        write(cell, || arena.dawdle(random));
    } else {
        let guard = cell.lock.rlock();
        cell.reader_entered();
        guard.check();
        cell.reader_leaves();
    }
}

pub fn write(cell: &Cell, pause: impl FnOnce()) {
    let guard = cell.lock.lock();
    cell.writer_entered();
    guard.change(pause);
    cell.writer_leaves();
}

fn size(worker: &mut Worker) -> usize {
    1 + worker.random.below(6)
}

/// Starts `n` goroutines of the worker's group, which wait for `gate` and then count.
fn start(worker: &mut Worker, n: usize, gate: &WaitGroup) -> Counter {
    let ended = Counter::default();
    for _ in 0..n {
        let (arena, seed, gate) = (worker.arena, worker.random.next(), gate.clone());
        let ended = Arc::clone(&ended);
        worker.group.go(move || {
            gate.wait();
            work(arena, &mut Random::new(seed));
            ended.fetch_add(1, Relaxed);
        });
    }
    ended
}

fn expect_ended(ended: &Counter, n: usize) {
    expect(ended.load(Relaxed) == n, "a wait ended too early");
}

/// Runs three rounds of one group without a pause in between.
pub fn group_reuse(worker: &mut Worker) -> bool {
    let open = WaitGroup::new();
    for _ in 0..3 {
        let n = size(worker);
        let ended = start(worker, n, &open);
        worker.group.wait();
        expect_ended(&ended, n);
    }
    true
}

/// Many goroutines wait for one event.
pub fn group_gate(worker: &mut Worker) -> bool {
    let gate = WaitGroup::new();
    gate.add(1);
    let n = size(worker);
    let ended = start(worker, n, &gate);
    worker.arena.dawdle(&mut worker.random);
    expect(ended.load(Relaxed) == 0, "a wait ended too early");
    gate.done();
    worker.group.wait();
    expect_ended(&ended, n);
    true
}

pub fn group_timeout(worker: &mut Worker) -> bool {
    let open = WaitGroup::new();
    let n = size(worker);
    let ended = start(worker, n, &open);
    let in_time = worker.group.wait_timeout(worker.random.micros_below(200));
    if !in_time {
        worker.group.wait();
    }
    expect_ended(&ended, n);
    in_time
}

/// Runs a queue of length one: a lost signal would leave a goroutine asleep.
pub fn cond_queue(worker: &mut Worker) -> bool {
    const ITEMS: usize = 4;

    #[derive(Default)]
    struct Queue {
        item: Mutex<Option<usize>>,
        filled: Cond,
        emptied: Cond,
    }

    let n = size(worker);
    let patience = worker.random.micros_below(200);
    let queue = Arc::new(Queue::default());
    let sum = Counter::default();
    for start in 0..n {
        let producer = Arc::clone(&queue);
        worker.group.go(move || {
            for index in 0..ITEMS {
                let mut item = producer.item.lock();
                producer
                    .emptied
                    .wait_while(&mut item, |item| item.is_some());
                *item = Some(start * ITEMS + index);
                producer.filled.signal();
            }
        });
        let (consumer, sum) = (Arc::clone(&queue), Arc::clone(&sum));
        worker.group.go(move || {
            for _ in 0..ITEMS {
                let mut item = consumer.item.lock();
                while item.is_none() && !consumer.filled.wait_for(&mut item, patience) {}
                consumer.filled.wait_while(&mut item, |item| item.is_none());
                sum.fetch_add(item.take().unwrap_or_default(), Relaxed);
                consumer.emptied.signal();
            }
        });
    }
    worker.group.wait();
    let all = n * ITEMS;
    expect_ended(&sum, all * (all - 1) / 2);
    true
}

pub fn go_join(worker: &mut Worker) -> bool {
    let start = |_| {
        let (arena, seed) = (worker.arena, worker.random.next());
        let handle = go(move || {
            work(arena, &mut Random::new(seed));
            seed
        });
        (seed, handle)
    };
    let handles: Vec<_> = (0..4).map(start).collect();
    for (seed, handle) in handles {
        expect(
            handle.join().is_ok_and(|result| result == seed),
            "a result was lost",
        );
    }
    true
}

/// Starts goroutines that write to the stack of this one.
pub fn scope(worker: &mut Worker) -> bool {
    let mut results = vec![0; size(worker)];
    let seed = worker.random.next() | 1;
    let arena = worker.arena;
    gosync::scope(|s| {
        for result in &mut results {
            s.go(move || {
                work(arena, &mut Random::new(seed));
                *result = seed;
            });
        }
    });
    expect(
        results.iter().all(|result| *result == seed),
        "a scope ended too early",
    );
    true
}
