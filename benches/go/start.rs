//! Helpers for the cases that compare goroutines with threads.

use gosync::WaitGroup;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{AcqRel, Acquire};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, Thread};

/// What a case starts: goroutines or threads.
pub trait Start {
    /// The suffix of the names of its figures.
    const SUFFIX: &str;

    fn start(f: impl FnOnce() + Send + 'static);
}

pub struct Goroutines;

pub struct Threads;

impl Start for Goroutines {
    const SUFFIX: &str = "";

    fn start(f: impl FnOnce() + Send + 'static) {
        gosync::go(f);
    }
}

impl Start for Threads {
    const SUFFIX: &str = "_threads";

    fn start(f: impl FnOnce() + Send + 'static) {
        thread::spawn(f);
    }
}

/// Lets the thread that creates it wait for others. Meanwhile it sleeps, and does not help.
pub struct Arrivals {
    missing: AtomicUsize,
    waiter: Thread,
}

impl Arrivals {
    pub fn new(count: usize) -> Arc<Self> {
        Arc::new(Self {
            missing: AtomicUsize::new(count),
            waiter: thread::current(),
        })
    }

    pub fn arrive(&self) {
        if self.missing.fetch_sub(1, AcqRel) == 1 {
            self.waiter.unpark();
        }
    }

    pub fn wait(&self) {
        while self.missing.load(Acquire) > 0 {
            thread::park();
        }
    }
}

/// Starts a goroutine or thread for each of `blocks`, which announces that it has started and then blocks.
/// Once all have started, calls `look`, releases them with `release`, and waits for them. Returns what `look`
/// does.
pub fn hold<S: Start, T>(
    blocks: Vec<impl FnOnce() + Send + 'static>,
    look: impl FnOnce() -> T,
    release: impl FnOnce(),
) -> T {
    let started = Arrivals::new(blocks.len());
    let ended = Arrivals::new(blocks.len());
    for block in blocks {
        let (started, ended) = (Arc::clone(&started), Arc::clone(&ended));
        S::start(move || {
            started.arrive();
            block();
            ended.arrive();
        });
    }
    started.wait();
    let seen = look();
    release();
    ended.wait();
    seen
}

/// Returns a wait group, and a function that blocks until it is done.
pub fn gate() -> (WaitGroup, impl FnOnce() + Clone + Send + 'static) {
    let gate = WaitGroup::new();
    gate.add(1);
    let waited_for = gate.clone();
    (gate, move || waited_for.wait())
}

/// Returns the ends of channels, and for each a function that blocks until that end is dropped.
pub fn channels(
    count: usize,
    receive: fn(&Receiver<()>),
) -> (Vec<Sender<()>>, Vec<impl FnOnce() + Send + 'static>) {
    let channel = |_| {
        let (gate, other) = mpsc::channel();
        (gate, move || receive(&other))
    };
    (0..count).map(channel).unzip()
}

/// Blocks until the other end is dropped.
pub fn receive(channel: &Receiver<()>) {
    channel.recv().expect_err("nothing is sent");
}
