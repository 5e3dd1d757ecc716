//! The asymmetric barrier: free for those who pass it often, dear for those who seldom do.
//!
//! The contract, for two threads of which one stores to `x`, passes [`light`] and loads `y`, and the
//! other stores to `y`, passes [`heavy`] and loads `x`: at least one of them sees the other's store.
//! That is what a `fence(SeqCst)` on both sides promises. Two light barriers promise each other
//! nothing; a heavy one is a `fence(SeqCst)`, too.
//!
//! On Linux [`light`] only holds the compiler back, and [`heavy`] is the system call `membarrier`, which
//! makes each CPU that runs a thread of this process pass a full fence. Why that is enough: if
//! the fence falls before the light side's load, the load comes after the heavy side's store; if it
//! falls after, then the light side's store came before the fence, and is seen. Where there is no
//! `membarrier`, both are fences.
//!
//! A process has to register for it. With one thread that takes microseconds, and the first lock that
//! is read often does it on the spot. With several it takes milliseconds, so a thread of its own does
//! it, and [`ensure_decided`] says no until it has. No lock leaves *counted* before that. Whether there is
//! one thread, glibc says (`__libc_single_threaded`, since 2.32); where it does not, the process counts
//! as one with several. If it says so wrongly, registration takes longer, and nothing else changes.
//!
//! A filter of system calls may kill a process that makes one that it does not know. So there are two
//! switches: `GOSYNC_MEMBARRIER` in the environment, which is read once, before the first call, and
//! [`disable`].
//!
//! # The budget
//!
//! A heavy barrier interrupts every CPU that the process uses. So all of them together get a
//! twentieth of the time: while the process is in debt, [`is_affordable`] says no, and no lock becomes
//! quiet. Writers that sleep for readers may use up half of that credit: from there on
//! [`is_sleep_affordable`] says no, and they nap without a barrier. So they alone hardly keep other locks
//! from the quiet. And each barrier is timed, because how much it takes depends on how many CPUs
//! there are, and what they do: [`cost`] says how much that is.

#[cfg(gosync_model)]
pub(crate) use crate::models::barrier::*;

#[cfg(not(gosync_model))]
pub(crate) use real::*;

#[cfg(not(gosync_model))]
mod real {
    use crate::{forced, limits};
    use std::ffi::OsStr;
    use std::sync::OnceLock;
    use std::sync::atomic::{
        AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed, Ordering::SeqCst, compiler_fence, fence,
    };
    use std::time::Instant;
    use std::{env, hint};

    /// Which barrier this process has. It changes from [`UNDECIDED`] by way of [`DECIDING`] to one of
    /// the others, once.
    ///
    /// Relaxed: a thread that sees an old value passes a fence in `light`, which is right with either,
    /// and looks again in `heavy`.
    static KIND: AtomicU8 = AtomicU8::new(UNDECIDED);

    const UNDECIDED: u8 = 0;
    const DECIDING: u8 = 1;
    const FENCES: u8 = 2;
    const ASYMMETRIC: u8 = 3;

    /// The part of [`heavy`]'s contract that is passed often, in a process that has heavy barriers. Those who
    /// pass it know that.
    #[inline(always)]
    pub(crate) fn light() {
        // Tests may force upon locks what they would not do without.
        if forced::speed().is_some() && !is_asymmetric() {
            fence(SeqCst);
        } else {
            compiler_fence(SeqCst);
        }
    }

    /// Whether a heavy barrier is more than a fence. A thread may be told no for a moment after that is decided.
    pub(crate) fn is_asymmetric() -> bool {
        KIND.load(Relaxed) == ASYMMETRIC
    }

    /// The part of [`light`]'s contract that is passed seldom.
    #[cold]
    pub(crate) fn heavy() {
        #[cfg(test)]
        PASSED.set(PASSED.get() + 1);
        fence(SeqCst);
        if kind() == ASYMMETRIC {
            let start = now();
            membarrier::pass();
            charge(start, now().saturating_sub(start));
        }
    }

    /// The kind, to a thread that has heard of a slot in use and so knows that it is decided.
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

    /// Uses up the budget for so long. Returns what is to be given to [`repay`].
    #[cfg(test)]
    pub(crate) fn run_into_debt(time: std::time::Duration) -> u64 {
        let debt = CREDIT_LINE + time.as_nanos() as u64;
        PAID_UNTIL.fetch_max(now(), Relaxed);
        PAID_UNTIL.fetch_add(debt, Relaxed);
        debt
    }

    #[cfg(test)]
    pub(crate) fn repay(debt: u64) {
        PAID_UNTIL.fetch_sub(debt, Relaxed);
    }

    /// A `fence(SeqCst)` right after a read-modify-write, which on x86 is one already.
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

    /// Whether it is known which barrier this process has. If nobody has asked before, this call finds
    /// out, or has somebody do so for whom it does not wait, if that takes milliseconds. Whoever decides calls
    /// `first` before that.
    #[cold]
    pub(crate) fn ensure_decided(first: fn()) -> bool {
        if KIND.load(Relaxed) == UNDECIDED {
            begin_to_decide(first);
        }
        KIND.load(Relaxed) != DECIDING
    }

    /// Decides for fences, unless somebody has begun to decide. Returns whether no thread makes the
    /// system call from now on.
    pub(crate) fn disable() -> bool {
        if claim_decision(FENCES) {
            decide(FENCES);
        }
        KIND.load(Relaxed) == FENCES
    }

    /// Leaves [`UNDECIDED`] for `kind`; false if somebody else has been faster.
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
        if cfg!(miri) || forced::fences() || is_switched_off() || !membarrier::exists() {
            decide(|| FENCES);
        } else if forced::speed().is_some() || membarrier::is_quick() {
            // At a forced speed tests want to know where they are.
            decide(membarrier::register);
        } else {
            let register = move || decide(membarrier::register);
            if limits::spawn_alone("gosync-registrar", register).is_err() {
                decide(|| FENCES);
            }
        }
    }

    /// Whether the user wants no `membarrier`. It allocates, and takes the lock of std's environment: the
    /// reader that comes here holds nothing of ours yet.
    fn is_switched_off() -> bool {
        env::var_os("GOSYNC_MEMBARRIER").is_some_and(|value| means_off(&value))
    }

    /// So does what we do not understand: without the call there is less speed, but with it there may be
    /// no process.
    pub(crate) fn means_off(value: &OsStr) -> bool {
        !value.is_empty() && value != "on"
    }

    fn decide(kind: u8) {
        KIND.store(kind, Relaxed);
    }

    // The budget, in nanoseconds.

    /// Of the time, one part in so many may go into heavy barriers.
    const SHARE: u64 = 20;

    /// So far may the process run into debt: a millisecond's worth of barriers.
    const CREDIT_LINE: u64 = SHARE * 1_000_000;

    /// The time up to which the heavy barriers so far use up their share.
    static PAID_UNTIL: AtomicU64 = AtomicU64::new(0);

    /// See [`cost`].
    static LATEST: AtomicU32 = AtomicU32::new(FIRST_COST);

    /// What a heavy barrier takes until one has been timed.
    pub(crate) const FIRST_COST: u32 = 12_000;

    /// What takes longer than this is a thread that has lost its CPU.
    const MOST: u32 = 50_000;

    /// What a heavy barrier takes, in nanoseconds: the latest, or the most expensive of the last few. 0 if it is
    /// a fence.
    pub(crate) fn cost() -> u32 {
        match KIND.load(Relaxed) {
            ASYMMETRIC => LATEST.load(Relaxed),
            _ => 0,
        }
    }

    /// Whether a lock may become quiet: there is time left for the barrier that ends it.
    #[cold]
    pub(crate) fn is_affordable() -> bool {
        is_worth_while() && is_debt_within(CREDIT_LINE)
    }

    /// Whether a quiet lock is read faster. At a forced speed it is quiet all the same.
    fn is_worth_while() -> bool {
        forced::speed().is_some() || KIND.load(Relaxed) == ASYMMETRIC
    }

    /// Whether there is time left for the barrier of a writer that wants to sleep.
    #[cold]
    pub(crate) fn is_sleep_affordable() -> bool {
        is_debt_within(CREDIT_LINE / 2)
    }

    fn is_debt_within(limit: u64) -> bool {
        forced::speed().is_some() || PAID_UNTIL.load(Relaxed) <= now() + limit
    }

    fn charge(start: u64, took: u64) {
        let took = took.min(MOST.into());
        // Two threads may both lift the time to their own start; one of them is then charged less.
        PAID_UNTIL.fetch_max(start, Relaxed);
        PAID_UNTIL.fetch_add(SHARE * took, Relaxed);
        let before = LATEST.load(Relaxed);
        LATEST.store((took as u32).max(before - before / 8), Relaxed);
    }

    /// Nanoseconds on a clock of our own.
    fn now() -> u64 {
        static START: OnceLock<Instant> = OnceLock::new();
        let elapsed = START.get_or_init(Instant::now).elapsed();
        // 584 years.
        u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX)
    }

    #[cfg(target_os = "linux")]
    mod membarrier {
        use super::{ASYMMETRIC, FENCES};
        use std::{process, thread};

        // Of linux/membarrier.h.
        const QUERY: libc::c_int = 0;
        const PRIVATE_EXPEDITED: libc::c_int = 1 << 3;
        const REGISTER_PRIVATE_EXPEDITED: libc::c_int = 1 << 4;

        fn call(command: libc::c_int) -> libc::c_long {
            const NO_FLAGS: libc::c_uint = 0;
            const NO_CPU: libc::c_int = 0;
            // SAFETY: `membarrier` reads and writes no memory of ours.
            unsafe { libc::syscall(libc::SYS_membarrier, command, NO_FLAGS, NO_CPU) }
        }

        /// Whether the system offers it: Linux since 4.14, unless a filter of system calls forbids it.
        pub(super) fn exists() -> bool {
            let commands = call(QUERY);
            commands > 0 && commands & libc::c_long::from(PRIVATE_EXPEDITED) != 0
        }

        /// Whether it takes microseconds to register: this process has one thread.
        #[cfg(target_env = "gnu")]
        pub(super) fn is_quick() -> bool {
            use std::ffi::CStr;
            use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

            // By its name, since a glibc before 2.32 does not have it.
            const NAME: &CStr = c"__libc_single_threaded";
            // SAFETY: `NAME` ends with a zero.
            let flag = unsafe { libc::dlsym(libc::RTLD_DEFAULT, NAME.as_ptr()) };
            // SAFETY: in glibc's `sys/single_threaded.h` this is a `char`, which is there for as long
            // as the process is. The library alone writes it.
            let flag = unsafe { flag.cast::<AtomicU8>().as_ref() };
            flag.is_some_and(|flag| flag.load(Relaxed) != 0)
        }

        /// Nobody knows.
        #[cfg(not(target_env = "gnu"))]
        pub(super) fn is_quick() -> bool {
            false
        }

        /// Returns the kind of barrier that there is.
        pub(super) fn register() -> u8 {
            // The first barrier is passed here, in case that a filter knows one command only.
            if call(REGISTER_PRIVATE_EXPEDITED) == 0 && call(PRIVATE_EXPEDITED) == 0 {
                ASYMMETRIC
            } else {
                FENCES
            }
        }

        pub(super) fn pass() {
            // It may lack memory for a moment.
            const TRIES: u32 = 1000;

            for _ in 0..TRIES {
                if call(PRIVATE_EXPEDITED) == 0 {
                    return;
                }
                thread::yield_now();
            }
            // Readers have relied on it: nobody can tell any more who is inside.
            eprintln!("gosync: membarrier is refused, after it had been granted");
            process::abort();
        }
    }

    #[cfg(not(target_os = "linux"))]
    mod membarrier {
        pub(super) fn exists() -> bool {
            false
        }

        pub(super) fn is_quick() -> bool {
            false
        }

        pub(super) fn register() -> u8 {
            super::FENCES
        }

        pub(super) fn pass() {
            unreachable!("the kind is never ASYMMETRIC")
        }
    }
}

#[cfg(all(test, not(gosync_model)))]
mod tests;
