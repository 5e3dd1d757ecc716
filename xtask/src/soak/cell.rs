//! A lock that detects its own failures.

use gosync::RWMutex;
use std::process;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

/// A lock with its value, and counts of the readers and writers inside that do not rely on the lock.
pub struct Cell {
    pub lock: RWMutex<Value>,
    readers: AtomicUsize,
    writers: AtomicUsize,
}

/// Sixteen words on eight cache lines. They are equal except during a write.
///
/// They are atomics, so that a broken lock does not also cause undefined behaviour, and Relaxed, so that only
/// the lock orders them.
pub struct Value([Line; 8]);

#[repr(align(64))]
pub struct Line([AtomicU64; 2]);

impl Cell {
    pub fn new() -> Self {
        Self {
            lock: RWMutex::new(Value::new()),
            readers: AtomicUsize::new(0),
            writers: AtomicUsize::new(0),
        }
    }

    /// Must be called by each reader as it enters.
    pub fn reader_entered(&self) {
        self.readers.fetch_add(1, Relaxed);
        expect(self.writers.load(Relaxed) == 0, "a reader met a writer");
    }

    /// Must be called by each reader before it leaves.
    pub fn reader_leaves(&self) {
        expect(self.writers.load(Relaxed) == 0, "a writer met a reader");
        self.readers.fetch_sub(1, Relaxed);
    }

    /// Must be called by each writer as it enters.
    pub fn writer_entered(&self) {
        expect(self.writers.fetch_add(1, Relaxed) == 0, "two writers met");
        expect(self.readers.load(Relaxed) == 0, "a writer met a reader");
    }

    /// Must be called by each writer before it leaves.
    pub fn writer_leaves(&self) {
        expect(self.readers.load(Relaxed) == 0, "a reader met a writer");
        expect(self.writers.fetch_sub(1, Relaxed) == 1, "two writers met");
    }

    /// Must be called by a writer before it downgrades.
    pub fn writer_becomes_reader(&self) {
        self.writer_leaves();
        self.readers.fetch_add(1, Relaxed);
    }

    /// Expects that the lock is not held, and that readers and writers can enter.
    pub fn expect_free(&self) {
        expect(!self.lock.is_locked(), "a free lock appears locked");
        expect(
            self.lock.try_lock().is_some(),
            "a free lock refuses a writer",
        );
        expect(
            self.lock.try_rlock().is_some(),
            "a free lock refuses a reader",
        );
    }
}

impl Value {
    pub fn new() -> Self {
        let line = |_| Line([const { AtomicU64::new(0) }; 2]);
        Self(std::array::from_fn(line))
    }

    /// Reads one word of the half that a writer changes first, and after `pause` one word of the other half.
    pub fn glance(&self, pause: impl FnOnce()) {
        let first = self.0[0].0[0].load(Relaxed);
        pause();
        expect(self.0[7].0[0].load(Relaxed) == first, "a torn read");
    }

    /// Checks every word.
    pub fn check(&self) {
        let first = self.0[0].0[0].load(Relaxed);
        for word in self.0.iter().flat_map(|line| &line.0) {
            expect(word.load(Relaxed) == first, "a torn read");
        }
    }

    /// Changes every word, with a `pause` half-way.
    pub fn change(&self, pause: impl FnOnce()) {
        self.check();
        let next = self.version() + 1;
        let (front, back) = self.0.split_at(4);
        front.iter().for_each(|line| line.set(next));
        pause();
        back.iter().for_each(|line| line.set(next));
    }

    /// Returns how often the value has changed.
    pub fn version(&self) -> u64 {
        self.0[0].0[0].load(Relaxed)
    }

    /// Returns a part that a guard can be mapped to.
    pub fn line(&self, index: usize) -> &Line {
        &self.0[index]
    }

    pub fn line_mut(&mut self, index: usize) -> &mut Line {
        &mut self.0[index]
    }
}

impl Line {
    pub fn check(&self) {
        let [left, right] = &self.0;
        expect(left.load(Relaxed) == right.load(Relaxed), "a torn read");
    }

    fn set(&self, value: u64) {
        self.0.iter().for_each(|word| word.store(value, Relaxed));
    }
}

/// Ends the process unless `holds`: after a violation nothing else can be trusted, and the other threads may
/// never end.
pub fn expect(holds: bool, violation: &str) {
    if !holds {
        eprintln!("soak: VIOLATION: {violation}");
        process::exit(1);
    }
}
