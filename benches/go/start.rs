//! What some cases do with goroutines, and with threads as well.

use gosync::WaitGroup;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{AcqRel, Acquire};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, Thread};

/// What is started.
pub trait Start {
    /// What the names of its figures end with.
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

/// Lets the thread that makes it wait for others. It sleeps meanwhile, and helps nobody.
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

/// Starts one for each of `blocks`, which says so and then blocks. When all have started, `look` tells
/// what is to be known, `release` lets them go on, and they are waited for.
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

/// A group, and what blocks until it is done.
pub fn gate() -> (WaitGroup, impl FnOnce() + Clone + Send + 'static) {
    let gate = WaitGroup::new();
    gate.add(1);
    let waited_for = gate.clone();
    (gate, move || waited_for.wait())
}

/// Ends of channels, and for each what blocks until it is dropped.
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

/// Until the other end is dropped.
pub fn receive(channel: &Receiver<()>) {
    channel.recv().expect_err("nothing is sent");
}
