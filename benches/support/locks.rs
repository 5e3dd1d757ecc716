//! Reader-writer locks under load.

use super::sections::{Data, Map, Number, Section, Work};
use super::{Peer, draw, nanos, time_loop};
use crossbeam_utils::CachePadded;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread::{self, JoinHandle, Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

/// What threads do to a lock.
#[derive(Clone, Copy)]
pub struct Load {
    pub threads: usize,
    /// One operation in so many is a write, on average; 0: none is.
    pub one_write_in: u32,
    /// So many locks take turns.
    pub locks: usize,
    /// Threads that have read a lock before, and sleep.
    pub idle: usize,
    pub inside: Inside,
}

/// What is done in a critical section.
#[derive(Clone, Copy)]
pub enum Inside {
    /// As little as can be, so that the lock is what is measured.
    Number,
    /// A map of some thousand entries: a read looks one up, a write changes one.
    Map,
    /// Work without memory, for so many nanoseconds.
    Work(u32),
}

impl Load {
    /// One lock, and nobody else.
    pub const fn new(threads: usize, one_write_in: u32) -> Self {
        Self {
            threads,
            one_write_in,
            locks: 1,
            idle: 0,
            inside: Inside::Number,
        }
    }

    pub const fn inside(self, inside: Inside) -> Self {
        Self { inside, ..self }
    }

    /// For names of cases.
    pub fn threads(&self) -> String {
        match self.threads {
            1 => "1_thread".into(),
            n => format!("{n}_threads"),
        }
    }
}

/// The locks to compare, ours first. Each lives as long as its peer: what it has learned about its
/// load, it may use in the next round.
pub fn peers(load: Load) -> Vec<Peer> {
    vec![
        gosync(load),
        peer::<std::sync::RwLock<Data>>(load),
        peer::<parking_lot::RwLock<Data>>(load),
        peer::<crossbeam_utils::sync::ShardedLock<Data>>(load),
    ]
}

/// As `peers`, of locks without readers: a read is a write to them.
pub fn mutexes(load: Load) -> Vec<Peer> {
    vec![
        peer::<gosync::Mutex<Data>>(load),
        peer::<std::sync::Mutex<Data>>(load),
        peer::<parking_lot::Mutex<Data>>(load),
    ]
}

/// As `peers`, of locks with upgradable readers: each read is one of them, and each write an upgrade of one.
pub fn upgradables(load: Load) -> Vec<Peer> {
    vec![
        peer::<Upgradable<gosync::RWMutex<Data>>>(load),
        peer::<Upgradable<parking_lot::RwLock<Data>>>(load),
    ]
}

/// Ours alone.
pub fn gosync(load: Load) -> Peer {
    peer::<gosync::RWMutex<Data>>(load)
}

fn peer<L: Lock>(load: Load) -> Peer {
    match load.inside {
        Inside::Number => peer_with::<L, _>(load, Number),
        Inside::Map => peer_with::<L, _>(load, Map),
        Inside::Work(nanos) => peer_with::<L, _>(load, Work::of(nanos)),
    }
}

/// A lock around what sections work with. Inlined, so that what the locks inline of themselves is measured.
pub trait Lock: Default + Sync + 'static {
    const NAME: &'static str;

    fn read(&self, inside: impl FnOnce(&Data));

    fn write(&self, inside: impl FnOnce(&mut Data));
}

impl Lock for gosync::RWMutex<Data> {
    const NAME: &'static str = "gosync";

    #[inline(always)]
    fn read(&self, inside: impl FnOnce(&Data)) {
        inside(&self.rlock());
    }

    #[inline(always)]
    fn write(&self, inside: impl FnOnce(&mut Data)) {
        inside(&mut self.lock());
    }
}

impl Lock for std::sync::RwLock<Data> {
    const NAME: &'static str = "std";

    #[inline(always)]
    fn read(&self, inside: impl FnOnce(&Data)) {
        inside(&self.read().unwrap());
    }

    #[inline(always)]
    fn write(&self, inside: impl FnOnce(&mut Data)) {
        inside(&mut self.write().unwrap());
    }
}

impl Lock for parking_lot::RwLock<Data> {
    const NAME: &'static str = "parking_lot";

    #[inline(always)]
    fn read(&self, inside: impl FnOnce(&Data)) {
        inside(&self.read());
    }

    #[inline(always)]
    fn write(&self, inside: impl FnOnce(&mut Data)) {
        inside(&mut self.write());
    }
}

impl Lock for crossbeam_utils::sync::ShardedLock<Data> {
    const NAME: &'static str = "ShardedLock";

    #[inline(always)]
    fn read(&self, inside: impl FnOnce(&Data)) {
        inside(&self.read().unwrap());
    }

    #[inline(always)]
    fn write(&self, inside: impl FnOnce(&mut Data)) {
        inside(&mut self.write().unwrap());
    }
}

/// A lock of which nothing but upgradable reads is used.
#[derive(Default)]
pub struct Upgradable<L>(L);

impl Lock for Upgradable<gosync::RWMutex<Data>> {
    const NAME: &'static str = "gosync";

    #[inline(always)]
    fn read(&self, inside: impl FnOnce(&Data)) {
        inside(&self.0.rlock_upgradable());
    }

    #[inline(always)]
    fn write(&self, inside: impl FnOnce(&mut Data)) {
        let guard = self.0.rlock_upgradable();
        inside(&mut gosync::RWMutexUpgradableReadGuard::upgrade(guard));
    }
}

impl Lock for Upgradable<parking_lot::RwLock<Data>> {
    const NAME: &'static str = "parking_lot";

    #[inline(always)]
    fn read(&self, inside: impl FnOnce(&Data)) {
        inside(&self.0.upgradable_read());
    }

    #[inline(always)]
    fn write(&self, inside: impl FnOnce(&mut Data)) {
        let guard = self.0.upgradable_read();
        inside(&mut parking_lot::RwLockUpgradableReadGuard::upgrade(guard));
    }
}

impl Lock for gosync::Mutex<Data> {
    const NAME: &'static str = "gosync";

    #[inline(always)]
    fn read(&self, inside: impl FnOnce(&Data)) {
        inside(&self.lock());
    }

    #[inline(always)]
    fn write(&self, inside: impl FnOnce(&mut Data)) {
        inside(&mut self.lock());
    }
}

impl Lock for std::sync::Mutex<Data> {
    const NAME: &'static str = "std";

    #[inline(always)]
    fn read(&self, inside: impl FnOnce(&Data)) {
        inside(&self.lock().unwrap());
    }

    #[inline(always)]
    fn write(&self, inside: impl FnOnce(&mut Data)) {
        inside(&mut self.lock().unwrap());
    }
}

impl Lock for parking_lot::Mutex<Data> {
    const NAME: &'static str = "parking_lot";

    #[inline(always)]
    fn read(&self, inside: impl FnOnce(&Data)) {
        inside(&self.lock());
    }

    #[inline(always)]
    fn write(&self, inside: impl FnOnce(&mut Data)) {
        inside(&mut self.lock());
    }
}

#[inline(always)]
fn read<S: Section>(lock: &impl Lock, section: S, random: &mut u64) {
    let key = section.draw(random);
    lock.read(|data| section.read(data, key));
}

#[inline(always)]
fn write<S: Section>(lock: &impl Lock, section: S, random: &mut u64) {
    let key = section.draw(random);
    lock.write(|data| section.write(data, key));
}

fn peer_with<L: Lock, S: Section>(load: Load, section: S) -> Peer {
    let locks: Vec<_> = (0..load.locks)
        .map(|_| CachePadded::new(L::default()))
        .collect();
    for lock in &locks {
        lock.write(|data| section.fill(data));
    }
    let idlers = Idlers::start::<L>(load.idle);
    Peer::new(L::NAME, move |slice| {
        let _idlers = &idlers;
        let mut random = 1;
        match (load.threads, load.one_write_in, &*locks) {
            // Nothing but the lock: no choice, no stop flag.
            (1, 0, [lock]) => time_loop(slice, || read(&**lock, section, &mut random)),
            (1, 1, [lock]) => time_loop(slice, || write(&**lock, section, &mut random)),
            _ => contend(&locks, load, section, slice),
        }
    })
}

/// Threads that have read, and now wait for their end.
struct Idlers {
    // Dropped before the threads are joined.
    end: Option<mpsc::Sender<()>>,
    threads: Vec<JoinHandle<()>>,
}

impl Idlers {
    fn start<L: Lock>(n: usize) -> Self {
        // A lock that adapts to how it is used has done so after these.
        const READS: u32 = 2000;
        const PAUSE: Duration = Duration::from_millis(20);

        let (end, ended) = mpsc::channel();
        let ended = Arc::new(Mutex::new(ended));
        let begun = Arc::new(Barrier::new(n + 1));
        let idle = || {
            let (ended, begun) = (Arc::clone(&ended), Arc::clone(&begun));
            thread::spawn(move || {
                let lock = L::default();
                for _ in 0..3 {
                    (0..READS).for_each(|_| read(&lock, Number, &mut 1));
                    thread::sleep(PAUSE);
                }
                begun.wait();
                // The sender never sends: this ends when it is dropped.
                let _ = ended.lock().map(|ended| ended.recv());
            })
        };
        let threads = (0..n).map(|_| idle()).collect();
        begun.wait();
        Self {
            end: Some(end),
            threads,
        }
    }
}

impl Drop for Idlers {
    fn drop(&mut self) {
        drop(self.end.take());
        for thread in self.threads.drain(..) {
            thread.join().expect("an idle thread does not panic");
        }
    }
}

/// Puts the load on the lock and returns the nanoseconds per operation, of all threads together.
fn contend<L: Lock, S: Section>(
    locks: &[CachePadded<L>],
    load: Load,
    section: S,
    slice: Duration,
) -> f64 {
    let start = Barrier::new(load.threads + 1);
    let stop = CachePadded::new(AtomicBool::new(false));
    thread::scope(|s| {
        let work = |seed| {
            let choice = Choice::new(load.one_write_in, seed);
            start.wait();
            work(locks, section, choice, &stop)
        };
        let threads: Vec<_> = (1..=load.threads)
            .map(|seed| spawn(s, move || work(seed as u64)))
            .collect();
        start.wait();
        thread::sleep(slice);
        stop.store(true, Relaxed);
        threads
            .into_iter()
            .map(|thread| thread.join().expect("locking does not panic"))
            .reduce(Shift::join)
            .expect("there is a thread")
            .nanos_per_op()
    })
}

/// Like `Scope::spawn`. But if there is no thread, the process ends: those that have started would
/// wait at the barrier for ever.
fn spawn<'scope, T: Send + 'scope>(
    s: &'scope Scope<'scope, '_>,
    f: impl FnOnce() -> T + Send + 'scope,
) -> ScopedJoinHandle<'scope, T> {
    thread::Builder::new()
        .spawn_scoped(s, f)
        .unwrap_or_else(|error| {
            eprintln!("cannot start a thread: {error}");
            process::exit(1)
        })
}

/// Locks until it is told to stop.
fn work<L: Lock, S: Section>(
    locks: &[CachePadded<L>],
    section: S,
    mut choice: Choice,
    stop: &AtomicBool,
) -> Shift {
    let start = Instant::now();
    let mut ops = 0;
    let mut random = choice.random;
    let mut turns = locks.iter().cycle();
    while !stop.load(Relaxed) {
        let lock = &**turns.next().expect("there is a lock");
        for _ in 0..64 {
            if choice.is_write() {
                write(lock, section, &mut random);
            } else {
                read(lock, section, &mut random);
            }
        }
        ops += 64;
    }
    let end = Instant::now();
    Shift { ops, start, end }
}

/// What was done, and from when to when. The threads take these times themselves: the one that
/// rings the bell may have to wait for a CPU.
struct Shift {
    ops: u64,
    start: Instant,
    end: Instant,
}

impl Shift {
    fn join(self, other: Self) -> Self {
        Self {
            ops: self.ops + other.ops,
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }

    fn nanos_per_op(&self) -> f64 {
        // A thread that got no CPU before the bell has done nothing.
        nanos(self.end - self.start) / self.ops.max(1) as f64
    }
}

/// Which operations are writes: the same sequence for every lock, irregular, and at the price of a
/// decrement, since only the gaps between the writes are drawn.
struct Choice {
    one_write_in: u32,
    /// Operations until the next write.
    gap: u64,
    random: u64,
}

impl Choice {
    fn new(one_write_in: u32, seed: u64) -> Self {
        let mut choice = Self {
            one_write_in,
            gap: 0,
            // Neighbouring seeds, far from each other.
            random: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15),
        };
        choice.gap = choice.draw_gap();
        choice
    }

    #[inline]
    fn is_write(&mut self) -> bool {
        self.gap -= 1;
        if self.gap > 0 {
            return false;
        }
        self.gap = self.draw_gap();
        true
    }

    /// Anything from 1 to 2N − 1 is as likely: N on average.
    fn draw_gap(&mut self) -> u64 {
        if self.one_write_in == 0 {
            return u64::MAX;
        }
        let random = draw(&mut self.random);
        let widest = 2 * u64::from(self.one_write_in) - 1;
        1 + (((random >> 32) * widest) >> 32)
    }
}
