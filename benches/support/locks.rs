//! Reader-writer locks under load.

use super::sections::{Data, Map, Number, Section, Work};
use super::{Peer, draw, nanos, time_loop};
use crossbeam_utils::CachePadded;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread::{self, JoinHandle, Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

/// How threads use a lock.
#[derive(Clone, Copy)]
pub struct Load {
    pub threads: usize,
    /// On average, one operation in this many is a write; 0 means no writes.
    pub one_write_in: u32,
    /// How many locks the threads use in turn.
    pub locks: usize,
    /// How many more threads have read a lock before and now sleep.
    pub idle: usize,
    pub inside: Inside,
}

/// The work in a critical section.
#[derive(Clone, Copy)]
pub enum Inside {
    /// As little as possible, so that the lock itself is measured.
    Number,
    /// A map of some thousand entries: a read looks one up, a write changes one.
    Map,
    /// Work that uses no memory, for this many nanoseconds.
    Work(u32),
}

impl Load {
    /// One lock, and no idle threads.
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

    /// Returns the number of threads for the name of a case.
    pub fn threads(&self) -> String {
        match self.threads {
            1 => "1_thread".into(),
            n => format!("{n}_threads"),
        }
    }
}

/// Returns the locks to compare, ours first. Each lives as long as its peer: it may use in the next round
/// what it has learned about its load.
pub fn peers(load: Load) -> Vec<Peer> {
    vec![
        gosync(load),
        peer::<std::sync::RwLock<Data>>(load),
        peer::<parking_lot::RwLock<Data>>(load),
        peer::<crossbeam_utils::sync::ShardedLock<Data>>(load),
    ]
}

/// Like `peers`, for locks without readers: a read takes the lock like a write.
pub fn mutexes(load: Load) -> Vec<Peer> {
    vec![
        peer::<gosync::Mutex<Data>>(load),
        peer::<std::sync::Mutex<Data>>(load),
        peer::<parking_lot::Mutex<Data>>(load),
    ]
}

/// Like `peers`, for locks with upgradable readers: each read is an upgradable one, and each write upgrades
/// one.
pub fn upgradables(load: Load) -> Vec<Peer> {
    vec![
        peer::<Upgradable<gosync::RWMutex<Data>>>(load),
        peer::<Upgradable<parking_lot::RwLock<Data>>>(load),
    ]
}

/// Returns our lock alone.
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

/// A lock around the data of the sections. The methods are inlined, so that the measurement includes what the
/// locks inline.
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

/// A lock that is used for upgradable reads only.
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
            // Nothing but the lock: no choice between reads and writes, no stop flag.
            (1, 0, [lock]) => time_loop(slice, || read(&**lock, section, &mut random)),
            (1, 1, [lock]) => time_loop(slice, || write(&**lock, section, &mut random)),
            _ => contend(&locks, load, section, slice),
        }
    })
}

/// Threads that have read, and now wait until they may end.
struct Idlers {
    // Dropped before the threads are joined.
    end: Option<mpsc::Sender<()>>,
    threads: Vec<JoinHandle<()>>,
}

impl Idlers {
    fn start<L: Lock>(n: usize) -> Self {
        // After this many reads, a lock that adapts to its use has done so.
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
                // The sender never sends: `recv` returns when it is dropped.
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

/// Puts the load on the locks. Returns the nanoseconds per operation, of all threads together.
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

/// Like `Scope::spawn`, but ends the process if the system refuses a thread: the threads that have started
/// would wait at the barrier forever.
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

/// Locks and unlocks until `stop` is set.
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

/// The number of operations, and when they began and ended. The threads take these times themselves, since
/// the thread that sets `stop` may have to wait for a CPU.
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
        // A thread that got no CPU before `stop` was set has done nothing.
        nanos(self.end - self.start) / self.ops.max(1) as f64
    }
}

/// Decides which operations are writes. The sequence is irregular and the same for every lock. It costs a
/// decrement, since only the gaps between writes are drawn.
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
            // Moves neighbouring seeds far apart.
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

    /// Draws from 1 to 2N − 1, all equally likely: N on average.
    fn draw_gap(&mut self) -> u64 {
        if self.one_write_in == 0 {
            return u64::MAX;
        }
        let random = draw(&mut self.random);
        let widest = 2 * u64::from(self.one_write_in) - 1;
        1 + (((random >> 32) * widest) >> 32)
    }
}
