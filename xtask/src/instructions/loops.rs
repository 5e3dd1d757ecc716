//! The loops whose instructions are counted: locks at each speed, reached as in a real program.

use gosync::RWMutex;
use std::hint::black_box;
use std::thread;
use std::time::Duration;

pub struct Loop {
    pub name: &'static str,
    /// Describes a round.
    pub about: &'static str,
    /// The most instructions that a round may take, including the loop itself and the use of the value.
    pub at_most: f64,
    pub run: fn(u64),
}

/// The bounds leave room for the differences between compilers and for little else: a lock at the wrong speed
/// exceeds them.
#[rustfmt::skip]
pub const LOOPS: &[Loop] = &[
    Loop { name: "read-counted", about: "read pair, counted", at_most: 39.0, run: read_counted },
    Loop { name: "read-slots", about: "read pair, slots, with a write after 1,024", at_most: 43.0, run: read_slots },
    Loop { name: "read-quiet", about: "read pair, quiet", at_most: 33.0, run: read_quiet },
    Loop { name: "write-counted", about: "write pair, counted", at_most: 22.0, run: write_counted },
];

type Lock = RWMutex<u64>;

/// Fewer reads than there are between two samples of a thread: a lock leaves *counted* at the second sample
/// at the earliest.
const READS_OF_A_FRESH_LOCK: u64 = 50;

/// A lock becomes quiet only after many times this number of reads without a write. And the lock keeps its
/// slots, whatever valgrind makes of the steps that it measures.
const READS_WITHOUT_A_WRITE: u64 = 1024;

fn read_counted(rounds: u64) {
    for _ in 0..rounds / READS_OF_A_FRESH_LOCK {
        let lock = Lock::new(0);
        read(&lock, READS_OF_A_FRESH_LOCK);
    }
}

fn read_slots(rounds: u64) {
    let lock = used();
    for _ in 0..rounds / READS_WITHOUT_A_WRITE {
        write(&lock);
        read(&lock, READS_WITHOUT_A_WRITE);
    }
}

fn read_quiet(rounds: u64) {
    read(&used(), rounds);
}

fn write_counted(rounds: u64) {
    let lock = Lock::new(0);
    (0..rounds).for_each(|_| write(&lock));
}

/// Returns a lock after very many reads. The first lock that has had many makes the process register for
/// `membarrier`, and until that is done no lock leaves *counted*. With several threads, or where the C library does
/// not say that there is one, a separate thread registers. Valgrind passes the call on to the kernel, and lets
/// another thread run only when this one sleeps.
fn used() -> Lock {
    let lock = Lock::new(0);
    for _ in 0..50 {
        read(&lock, 1500);
        thread::sleep(Duration::from_millis(8));
    }
    lock
}

#[inline(always)]
fn read(lock: &Lock, times: u64) {
    for _ in 0..times {
        black_box(*black_box(lock).rlock());
    }
}

#[inline(always)]
fn write(lock: &Lock) {
    *black_box(lock).lock() += 1;
}
