//! One reader and one writer. No other thread can make up for what goes wrong between them: a wake-up that is
//! lost here stays lost.

use super::burst::{hold_up_stores, spin};
use super::cell::{Value, expect};
use super::post::Post;
use super::random::Random;
use super::worker::Worker;
use gosync::RWMutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

const ROUNDS: usize = 64;

struct Duel {
    lock: RWMutex<Value>,
    /// The round for which the reader is ready.
    ready: AtomicUsize,
    /// The round in which the writer has written.
    written: AtomicUsize,
}

/// Runs rounds of one read and one write at about the same time.
pub fn fight(worker: &mut Worker) -> bool {
    let duel = &Duel {
        lock: RWMutex::new(Value::new()),
        ready: AtomicUsize::new(0),
        written: AtomicUsize::new(0),
    };
    let mut random = Random::new(worker.random.next());
    thread::scope(|scope| {
        let writer = scope.spawn(move || duel.write(&mut random));
        duel.read(worker.post, &mut worker.random);
        expect(writer.join().is_ok(), "a thread panicked");
    });
    true
}

impl Duel {
    fn read(&self, post: &Post, random: &mut Random) {
        // After this many reads in a row, the lock is counted, at slots or quiet.
        let reads = [1, 32, 1024, 65_536][random.below(4)];
        for round in 1..=ROUNDS {
            (0..reads).for_each(|_| self.lock.rlock().glance(|| ()));
            match random.once_in(2) {
                true => self.enter_beside_the_writer(round, random),
                false => self.leave_beside_the_writer(round, random),
            }
            post.read_in_burst(reads + 1);
            await_round(&self.written, round);
        }
    }

    fn enter_beside_the_writer(&self, round: usize, random: &mut Random) {
        self.ready.store(round, Relaxed);
        delay(random, 6);
        hold_up_stores(random.below(65));
        self.lock.rlock().glance(|| delay(random, 6));
    }

    /// Sometimes leaves after the writer has fallen asleep.
    fn leave_beside_the_writer(&self, round: usize, random: &mut Random) {
        let value = self.lock.rlock();
        self.ready.store(round, Relaxed);
        value.glance(|| delay(random, 14));
        hold_up_stores(random.below(65));
    }

    fn write(&self, random: &mut Random) {
        for round in 1..=ROUNDS {
            hold_up_stores(64);
            await_round(&self.ready, round);
            delay(random, 6);
            self.lock.lock().change(|| delay(random, 6));
            self.written.store(round, Relaxed);
        }
    }
}

/// Spins up to 2^`bits` times, mostly much less.
fn delay(random: &mut Random, bits: usize) {
    let bound = 1 << random.below(bits + 1);
    spin(random.below(bound));
}

fn await_round(counter: &AtomicUsize, round: usize) {
    while counter.load(Relaxed) < round {
        thread::yield_now();
    }
}
