//! The asymmetric barrier: free for a thread that passes it often, expensive for one that seldom does.
//!
//! The contract: one thread stores to `x`, passes [`light`] and loads `y`. Another thread stores to `y`,
//! passes [`heavy`] and loads `x`. Then at least one of them sees the other's store, as with a
//! `fence(SeqCst)` on both sides. Two light barriers promise each other nothing. A heavy barrier is also a
//! `fence(SeqCst)`.
//!
//! On Linux and on Windows, [`light`] only holds the compiler back, and [`heavy`] is a system call: `membarrier`
//! or `FlushProcessWriteBuffers`. It makes each CPU that runs a thread of this process pass a full fence. That
//! is enough. If this fence falls before the light side's load, the load comes after the heavy side's store,
//! and sees it. If it falls after the load, the light side's store came before the fence, and the heavy side
//! sees it. Without such a call, both barriers are fences. `docs/design.md` says why other systems do without.
//!
//! # Registration
//!
//! On Linux, a process must register for `membarrier`. With one thread this takes microseconds, and the first lock that
//! is read often does it on the spot. With several threads it takes milliseconds, so a separate thread does
//! it, and [`ensure_decided`] returns false until that is done. No lock leaves *counted* before that. Since
//! 2.32, glibc tells whether the process has one thread (`__libc_single_threaded`). With other C libraries
//! the process counts as one with several. If glibc is wrong about it, registration takes longer, and nothing
//! else changes.
//!
//! A filter of system calls (seccomp) may kill a process that makes a call it does not know. So there are two
//! switches: `GOSYNC_MEMBARRIER` in the environment, which is read once, before the first call, and
//! [`disable`].
//!
//! # The budget
//!
//! A heavy barrier interrupts every CPU that the process uses. So all heavy barriers of the process together
//! may take a twentieth of the time. When their debt exceeds its maximum, [`is_affordable`] returns false, and
//! no lock becomes quiet. Writers that sleep until readers leave may use up half of the maximum debt. Beyond
//! that, [`is_sleep_affordable`] returns false, and they nap without a barrier. So they alone hardly keep other
//! locks from becoming quiet. Each barrier is timed, because its cost depends on how many CPUs
//! there are and on what they do. [`cost`] returns it.

#[cfg(gosync_model)]
pub(crate) use crate::models::barrier::*;

#[cfg(not(gosync_model))]
pub(crate) use real::*;

/// The heavy barrier of the system.
#[cfg(not(gosync_model))]
#[cfg_attr(target_os = "linux", path = "barrier/linux.rs")]
#[cfg_attr(windows, path = "barrier/windows.rs")]
#[cfg_attr(not(any(target_os = "linux", windows)), path = "barrier/none.rs")]
mod system;

#[cfg(not(gosync_model))]
mod real {
    use super::system;
    use crate::platform::HAS_CLOCK;
    use crate::{forced, limits};
    use std::ffi::OsStr;
    use std::sync::OnceLock;
    use std::sync::atomic::{
        AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed, Ordering::SeqCst, compiler_fence, fence,
    };
    use std::time::Instant;
    use std::{env, hint};

    /// Which barrier this process has. It changes once, from [`UNDECIDED`], usually by way of [`DECIDING`],
    /// to one of the others.
    ///
    /// Relaxed: a thread that sees an old value uses fences, which are right with either kind of barrier.
    /// `heavy` looks again until it sees the decision.
    static KIND: AtomicU8 = AtomicU8::new(UNDECIDED);

    const UNDECIDED: u8 = 0;
    const DECIDING: u8 = 1;
    const FENCES: u8 = 2;
    const ASYMMETRIC: u8 = 3;

    /// The light side of the barrier, which is passed often. The caller knows that the process has heavy
    /// barriers.
    #[inline(always)]
    pub(crate) fn light() {
        // A forced speed can make a lock quiet in a process without heavy barriers.
        if forced::speed().is_some() && !is_asymmetric() {
            fence(SeqCst);
        } else {
            compiler_fence(SeqCst);
        }
    }

    /// Whether a heavy barrier is more than a fence. A thread may still get false for a moment after the
    /// decision.
    pub(crate) fn is_asymmetric() -> bool {
        KIND.load(Relaxed) == ASYMMETRIC
    }

    /// The heavy side of the barrier, which is passed seldom.
    #[cold]
    pub(crate) fn heavy() {
        #[cfg(test)]
        PASSED.set(PASSED.get() + 1);
        fence(SeqCst);
        if kind() == ASYMMETRIC {
            let start = now();
            system::pass();
            charge(start, now().saturating_sub(start));
        }
    }

    /// Returns the kind of barrier. The caller has heard of a slot in use, so the decision has been made, and
    /// the caller soon sees it.
    fn kind() -> u8 {
        loop {
            match KIND.load(Relaxed) {
                UNDECIDED | DECIDING => hint::spin_loop(),
                kind => return kind,
            }
        }
    }

    #[cfg(test)]
    std::thread_local! {
        /// How many heavy barriers the current thread has passed.
        pub(crate) static PASSED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
    }

    /// Uses up the budget for `time`. Returns the debt, for [`repay`].
    #[cfg(test)]
    pub(crate) fn run_into_debt(time: std::time::Duration) -> u64 {
        let debt = MAX_DEBT + time.as_nanos() as u64;
        PAID_UNTIL.fetch_max(now(), Relaxed);
        PAID_UNTIL.fetch_add(debt, Relaxed);
        debt
    }

    #[cfg(test)]
    pub(crate) fn repay(debt: u64) {
        PAID_UNTIL.fetch_sub(debt, Relaxed);
    }

    /// A `fence(SeqCst)` right after a read-modify-write, which on x86 is such a fence already.
    #[inline]
    pub(crate) fn after_update() {
        if cfg!(all(
            any(target_arch = "x86_64", target_arch = "x86"),
            not(miri)
        )) {
            compiler_fence(SeqCst);
        } else {
            fence(SeqCst);
        }
    }

    /// Returns whether it is decided which barrier this process has. The first call decides. If that takes
    /// milliseconds, it starts a thread that decides, and does not wait for it. The thread that decides calls
    /// `first` before that.
    #[cold]
    pub(crate) fn ensure_decided(first: fn()) -> bool {
        if KIND.load(Relaxed) == UNDECIDED {
            begin_to_decide(first);
        }
        KIND.load(Relaxed) != DECIDING
    }

    /// Decides for fences, unless another thread has begun to decide. Returns whether no thread makes the
    /// system call from now on.
    pub(crate) fn disable() -> bool {
        if claim_decision(FENCES) {
            decide(FENCES);
        }
        KIND.load(Relaxed) == FENCES
    }

    /// Changes [`UNDECIDED`] to `kind`. Returns false if another thread has been faster.
    fn claim_decision(kind: u8) -> bool {
        KIND.compare_exchange(UNDECIDED, kind, Relaxed, Relaxed)
            .is_ok()
    }

    fn begin_to_decide(first: fn()) {
        if !claim_decision(DECIDING) {
            return;
        }
        let decide = move |kind: fn() -> u8| {
            first();
            decide(kind());
        };
        if cfg!(miri) || forced::fences() || is_switched_off() || !system::exists() {
            decide(|| FENCES);
        } else if forced::speed().is_some() || system::registers_at_once() {
            // At a forced speed, tests want the decision at once.
            decide(register);
        } else {
            let register = move || decide(register);
            if limits::spawn_alone("gosync-registrar", register).is_err() {
                decide(|| FENCES);
            }
        }
    }

    /// Registers the process. Returns the kind of barrier that it has then.
    fn register() -> u8 {
        match system::register() {
            true => ASYMMETRIC,
            false => FENCES,
        }
    }

    /// Whether the user has switched the system's barrier off. This allocates, and takes the lock of std's
    /// environment. The reader that calls it holds none of this crate's internal locks yet.
    fn is_switched_off() -> bool {
        env::var_os("GOSYNC_MEMBARRIER").is_some_and(|value| means_off(&value))
    }

    /// Whether the value of the variable means off. A value that we do not understand counts as off: without the
    /// call, locks are slower, but with it, a filter may kill the process.
    pub(crate) fn means_off(value: &OsStr) -> bool {
        !value.is_empty() && value != "on"
    }

    fn decide(kind: u8) {
        KIND.store(kind, Relaxed);
    }

    // The budget. All times are in nanoseconds.

    /// One part in `SHARE` of the time may go into heavy barriers.
    const SHARE: u64 = 20;

    /// How far `PAID_UNTIL` may lie in the future: the time in which the share pays for a millisecond of barriers.
    const MAX_DEBT: u64 = SHARE * 1_000_000;

    /// The time up to which the heavy barriers so far have used up their share.
    static PAID_UNTIL: AtomicU64 = AtomicU64::new(0);

    /// See [`cost`].
    static LATEST_COST: AtomicU32 = AtomicU32::new(FIRST_COST);

    /// The assumed cost of a heavy barrier until one has been timed.
    pub(crate) const FIRST_COST: u32 = 12_000;

    /// The most that a barrier is charged. If one takes longer, its thread has lost its CPU.
    const MAX_CHARGE: u32 = 50_000;

    /// Returns the cost of a heavy barrier, in nanoseconds: that of the latest one, or of the most expensive
    /// of the last few. Returns 0 if it is a fence.
    pub(crate) fn cost() -> u32 {
        match KIND.load(Relaxed) {
            ASYMMETRIC => LATEST_COST.load(Relaxed),
            _ => 0,
        }
    }

    /// Whether a lock may become quiet: quiet reads are faster, and the budget has time left for the barrier
    /// that ends them.
    #[cold]
    pub(crate) fn is_affordable() -> bool {
        quiet_pays() && is_debt_within(MAX_DEBT)
    }

    /// Whether a quiet lock is faster to read. A forced speed counts as worth while in any case.
    fn quiet_pays() -> bool {
        forced::speed().is_some() || KIND.load(Relaxed) == ASYMMETRIC
    }

    /// Whether the budget has time left for the barrier of a writer that wants to sleep.
    #[cold]
    pub(crate) fn is_sleep_affordable() -> bool {
        is_debt_within(MAX_DEBT / 2)
    }

    fn is_debt_within(limit: u64) -> bool {
        forced::speed().is_some() || PAID_UNTIL.load(Relaxed) <= now() + limit
    }

    fn charge(start: u64, took: u64) {
        let took = took.min(MAX_CHARGE.into());
        // Two threads may both raise the time to their own start. Then one of them is charged less.
        PAID_UNTIL.fetch_max(start, Relaxed);
        PAID_UNTIL.fetch_add(SHARE * took, Relaxed);
        let before = LATEST_COST.load(Relaxed);
        LATEST_COST.store((took as u32).max(before - before / 8), Relaxed);
    }

    /// Returns the nanoseconds since the first call. Without a clock there are no heavy barriers either, and so
    /// no debt.
    fn now() -> u64 {
        static START: OnceLock<Instant> = OnceLock::new();
        if !HAS_CLOCK {
            return 0;
        }
        let elapsed = START.get_or_init(Instant::now).elapsed();
        // Enough for 584 years.
        u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX)
    }
}

#[cfg(all(test, not(gosync_model)))]
mod tests;
