//! Store buffering: two threads each store, and then look for the other's store. Without a barrier on both
//! sides, either thread may look before its own store has left its CPU, so that both miss the other's.
//!
//! A run can show only so much. A heavy barrier takes longer than a store stays in the store buffer, so a
//! barrier that did nothing but wait would usually pass. So each side first makes some other stores as
//! ballast, which delay the store that counts.

use super::{PASSED, ensure_decided, heavy, is_asymmetric, light, means_off};
use crate::speed::Speed;
use crate::{RWMutex, forced};
use std::array;
use std::ffi::OsStr;
use std::hint::black_box;
#[cfg(target_os = "linux")]
use std::mem;
use std::ops::AddAssign;
use std::sync::atomic::{AtomicU64, Ordering::*, fence};
use std::thread;
use std::time::{Duration, Instant};

/// Rounds between two checks of the result.
const BATCH: u64 = 10_000;

/// The limit of a side's delay is one of this many powers of two. The longest delay is about as long as a
/// heavy barrier.
const DELAYS: u64 = 13;

/// The most stores before the one that counts: about as many as a CPU's store buffer holds.
const BALLAST: usize = 48;

/// A variable on its own pair of cache lines.
#[derive(Default)]
#[repr(align(128))]
struct Line(AtomicU64);

/// How many rounds ended in each way: which sides missed the other's store.
#[derive(Default, Debug)]
struct Outcomes {
    neither: u64,
    light_only: u64,
    heavy_only: u64,
    both: u64,
}

impl AddAssign for Outcomes {
    fn add_assign(&mut self, other: Self) {
        self.neither += other.neither;
        self.light_only += other.light_only;
        self.heavy_only += other.heavy_only;
        self.both += other.both;
    }
}

/// One side of the litmus test. Each variable is set to the number of the round, so none must be cleared.
struct Side<'a> {
    mine: &'a Line,
    theirs: &'a Line,
    ready: &'a Line,
    others_ready: &'a Line,
    ballast: &'a [Line],
    dice: u64,
}

impl Side<'_> {
    /// Takes part in a batch. Returns in which rounds this side missed the other's store.
    fn play(mut self, barrier: impl Fn()) -> Vec<bool> {
        (1..=BATCH)
            .map(|round| self.play_round(round, &barrier))
            .collect()
    }

    fn play_round(&mut self, round: u64, barrier: impl Fn()) -> bool {
        let most = 1 << self.roll(DELAYS);
        let delay = self.roll(most);
        let ballast = self.roll(BALLAST as u64 + 1) as usize;
        // Fetches the line: the faster the look is, the longer the store lags behind it.
        self.theirs.0.load(Relaxed);
        self.meet(round);
        (0..delay).for_each(|i| _ = black_box(i));
        for line in &self.ballast[..ballast] {
            line.0.store(round, Relaxed);
        }
        self.mine.0.store(round, Relaxed);
        barrier();
        self.theirs.0.load(Relaxed) < round
    }

    /// Waits for the other side.
    fn meet(&self, round: u64) {
        self.ready.0.store(round, Release);
        let mut looks = 0_u32;
        while self.others_ready.0.load(Acquire) < round {
            looks += 1;
            // The other side may be waiting for this CPU.
            if looks.is_multiple_of(1 << 14) {
                thread::yield_now();
            }
        }
    }

    /// Returns a number below `sides`, by xorshift.
    fn roll(&mut self, sides: u64) -> u64 {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        self.dice % sides
    }
}

/// Plays a batch of rounds, with one barrier for each side.
fn play(seed: u64, light: impl Fn() + Send, heavy: impl Fn() + Send) -> Outcomes {
    let [x, y, x_ready, y_ready] = [(); 4].map(|()| Line::default());
    let ballast: [Line; BALLAST] = array::from_fn(|_| Line::default());
    let side = |mine, theirs, ready, others_ready, salt: u64| Side {
        mine,
        theirs,
        ready,
        others_ready,
        ballast: &ballast,
        dice: (2 * seed + salt).wrapping_mul(0x9e37_79b9_7f4a_7c15),
    };
    let one = side(&x, &y, &x_ready, &y_ready, 1);
    let two = side(&y, &x, &y_ready, &x_ready, 2);
    let (by_light, by_heavy) = thread::scope(|s| {
        let one = s.spawn(|| {
            pin(<[_]>::first);
            one.play(light)
        });
        let two = s.spawn(|| {
            pin(<[_]>::last);
            two.play(heavy)
        });
        (one.join().unwrap(), two.join().unwrap())
    });
    let mut outcomes = Outcomes::default();
    for missed in by_light.into_iter().zip(by_heavy) {
        *match missed {
            (false, false) => &mut outcomes.neither,
            (true, false) => &mut outcomes.light_only,
            (false, true) => &mut outcomes.heavy_only,
            (true, true) => &mut outcomes.both,
        } += 1;
    }
    outcomes
}

/// Keeps the current thread on the CPU that `choose` selects. Otherwise a scheduler with other work to do
/// lets the two sides take turns on one CPU.
#[cfg(target_os = "linux")]
fn pin(choose: fn(&[usize]) -> Option<&usize>) {
    // SAFETY: a set of CPUs is plain bits, and its size is passed with it.
    unsafe {
        let mut set: libc::cpu_set_t = mem::zeroed();
        if libc::sched_getaffinity(0, size_of_val(&set), &mut set) != 0 {
            return;
        }
        let allowed: Vec<_> = (0..libc::CPU_SETSIZE as usize)
            .filter(|&cpu| libc::CPU_ISSET(cpu, &set))
            .collect();
        if let Some(&cpu) = choose(&allowed) {
            libc::CPU_ZERO(&mut set);
            libc::CPU_SET(cpu, &mut set);
            libc::sched_setaffinity(0, size_of_val(&set), &set);
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn pin(_: fn(&[usize]) -> Option<&usize>) {}

/// Waits until the kind of barrier is decided. Until then all barriers are fences, which these tests are not
/// about.
fn until_decided() {
    let begin = Instant::now();
    while !ensure_decided(|| {}) {
        assert!(begin.elapsed() < Duration::from_secs(30), "never decided");
        thread::sleep(Duration::from_millis(1));
    }
}

/// What readers pass: a light barrier where there are heavy ones, otherwise a fence.
fn light_or_fence() {
    if is_asymmetric() {
        light();
    } else {
        fence(SeqCst);
    }
}

#[test]
fn on_and_nothing_are_the_only_values_that_do_not_switch_off() {
    let is_off = |value: &str| means_off(OsStr::new(value));
    assert!(["", "on"].into_iter().all(|value| !is_off(value)));
    assert!(["off", "0", "no", "On", " "].into_iter().all(is_off));
}

#[test]
fn one_side_sees_the_other() {
    until_decided();
    for batch in 0..2 {
        let outcomes = play(batch, light_or_fence, heavy);
        assert_eq!(outcomes.both, 0, "{outcomes:?}");
    }
}

/// Plays as many rounds as `GOSYNC_LITMUS_ROUNDS` says, or ten million.
#[test]
#[ignore = "takes minutes"]
fn one_side_sees_the_other_for_long() {
    until_decided();
    let rounds = std::env::var("GOSYNC_LITMUS_ROUNDS")
        .map_or(10_000_000, |rounds| rounds.parse().expect("a number"));
    let batches = u64::div_ceil(rounds, BATCH);
    let mut outcomes = Outcomes::default();
    for batch in 1..=batches {
        outcomes += play(batch, light_or_fence, heavy);
        if batch % 10 == 0 || batch == batches {
            let violations = outcomes.both;
            println!(
                "{} rounds, {violations} violations: {outcomes:?}",
                batch * BATCH
            );
        }
    }
    assert_eq!(outcomes.both, 0);
}

/// `cargo xtask cross` reads what it prints.
#[test]
fn a_lock_becomes_quiet_if_the_process_has_heavy_barriers() {
    const READS: usize = if cfg!(miri) { 1000 } else { 100_000 };

    until_decided();
    let lock = RWMutex::new(());
    let is_quiet = || {
        (0..READS).for_each(|_| drop(lock.rlock()));
        let before = PASSED.get();
        // Ends the quiet speed with a heavy barrier.
        drop(lock.lock());
        PASSED.get() > before
    };
    let expected = match forced::speed() {
        Some(speed) => speed == Speed::Quiet,
        None => is_asymmetric(),
    };
    // Other tests use up the budget for a while.
    let begin = Instant::now();
    let mut is_quiet_now = is_quiet();
    while is_quiet_now != expected && begin.elapsed() < Duration::from_secs(30) {
        is_quiet_now = is_quiet();
    }
    println!("quiet: {is_quiet_now}, heavy barriers: {}", is_asymmetric());
    assert_eq!(is_quiet_now, expected);
}

/// Shows that the tests above can fail: without any barrier that holds the CPU back, there are violations.
///
/// It does not use `light` on both sides: where that is a fence, as with `GOSYNC_BARRIER=fence`, there are
/// none. The contrast makes sense only without fences.
#[test]
#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
fn without_barriers_both_sides_miss() {
    use std::sync::atomic::compiler_fence;

    const BATCHES: u64 = 1000;
    let nothing = || compiler_fence(SeqCst);
    let cpus = thread::available_parallelism().map_or(1, |n| n.get());
    let is_seen = (0..BATCHES).any(|batch| play(batch, nothing, nothing).both > 0);
    assert!(is_seen || cpus == 1);
}
