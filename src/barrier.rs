//! The asymmetric barrier: free for those who pass it often, dear for those who seldom do.
//!
//! The contract, for two threads of which one stores to `x`, passes [`light`] and loads `y`, and the
//! other stores to `y`, passes [`heavy`] and loads `x`: at least one of them sees the other's store.
//! That is what a `fence(SeqCst)` on both sides promises. Two light barriers promise each other
//! nothing.
//!
//! On Linux [`light`] only holds the compiler back, and [`heavy`] is the system call `membarrier`, which
//! makes each processor that runs a thread of this process pass a full fence. Why that is enough: if
//! the fence falls before the light side's load, the load comes after the heavy side's store; if it
//! falls after, then the light side's store came before the fence, and is seen. Where there is no
//! `membarrier`, both are fences.
//!
//! To register for it takes milliseconds once a process has several threads, so a thread of its own
//! does that, and [`is_decided`] says no until it has. No lock leaves *counted* before that.
//!
//! # The budget
//!
//! A heavy barrier interrupts every processor that the process uses. So all of them together get a
//! twentieth of the time: [`is_affordable`] says no while the process is in debt. And each is timed,
//! because how dear it is depends on how many processors there are, and what they do:
//! [`quiet_after`] says how many reads are worth one.

#[cfg(gosync_model)]
pub(crate) use crate::models::barrier::*;

#[cfg(not(gosync_model))]
pub(crate) use real::*;

#[cfg(not(gosync_model))]
mod real {
    use crate::forced;
    use std::hint;
    use std::sync::OnceLock;
    use std::sync::atomic::{
        AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed, Ordering::SeqCst, compiler_fence, fence,
    };
    use std::time::Instant;

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

    /// The part of [`heavy`]'s contract that is passed often.
    #[inline]
    pub(crate) fn light() {
        if KIND.load(Relaxed) == ASYMMETRIC {
            compiler_fence(SeqCst);
        } else {
            full();
        }
    }

    /// Out of the way of those who need none.
    #[cold]
    fn full() {
        fence(SeqCst);
    }

    /// The part of [`light`]'s contract that is passed seldom.
    #[cold]
    pub(crate) fn heavy() {
        match kind() {
            FENCES => fence(SeqCst),
            _ => {
                let start = now();
                membarrier::pass();
                charge(start, now().saturating_sub(start));
            }
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

    /// Whether it is known which barrier this process has. If nobody has asked before, somebody
    /// begins to find out; this call does not wait for that.
    #[cold]
    pub(crate) fn is_decided() -> bool {
        match KIND.load(Relaxed) {
            UNDECIDED => {
                begin_to_decide();
                forced::SPEED.is_some()
            }
            DECIDING => false,
            _ => true,
        }
    }

    fn begin_to_decide() {
        if KIND
            .compare_exchange(UNDECIDED, DECIDING, Relaxed, Relaxed)
            .is_err()
        {
            return;
        }
        if forced::FENCES || !membarrier::exists() {
            decide(FENCES);
        } else if forced::SPEED.is_some() {
            // Tests want to know where they are.
            decide(membarrier::register());
        } else {
            let registrar = std::thread::Builder::new().name("gosync-registrar".into());
            if registrar.spawn(|| decide(membarrier::register())).is_err() {
                decide(FENCES);
            }
        }
    }

    fn decide(kind: u8) {
        if kind == FENCES {
            QUIET_AFTER.store(u32::MAX, Relaxed);
        }
        KIND.store(kind, Relaxed);
    }

    // The budget, in nanoseconds.

    /// Of the time, one part in so many may go into heavy barriers.
    const SHARE: u64 = 20;

    /// So far may the process run into debt: a millisecond's worth of barriers.
    const CREDIT_LINE: u64 = SHARE * 1_000_000;

    /// The time up to which the heavy barriers so far use up their share.
    static PAID_UNTIL: AtomicU64 = AtomicU64::new(0);

    /// What a heavy barrier takes: the latest, or the dearest of the last few.
    static DEAREST: AtomicU32 = AtomicU32::new(12_000);

    /// See [`quiet_after`].
    static QUIET_AFTER: AtomicU32 = AtomicU32::new(reads_worth(12_000));

    /// What a read by slots takes longer than a quiet one.
    const READ_SAVES: u32 = 5;

    /// Reads by slots take so many times as long as the barrier that ends the quiet after them: then
    /// no more than a tenth of the time goes into barriers.
    const PATIENCE: u32 = 9;

    const fn reads_worth(nanos: u32) -> u32 {
        PATIENCE * nanos / READ_SAVES
    }

    /// A lock may become quiet after so many reads of one thread without a write between them.
    #[inline]
    pub(crate) fn quiet_after() -> u32 {
        match forced::SPEED {
            None => QUIET_AFTER.load(Relaxed),
            Some(forced::Speed::Quiet) => 1,
            Some(_) => u32::MAX,
        }
    }

    /// How many reads by slots a heavy barrier is as dear as.
    pub(crate) fn price() -> u64 {
        match KIND.load(Relaxed) {
            ASYMMETRIC => (DEAREST.load(Relaxed) / READ_SAVES).into(),
            _ => 0,
        }
    }

    /// Whether there is time left for more heavy barriers.
    #[cold]
    pub(crate) fn is_affordable() -> bool {
        forced::SPEED.is_some() || PAID_UNTIL.load(Relaxed) <= now() + CREDIT_LINE
    }

    fn charge(start: u64, took: u64) {
        // Two threads may both lift the time to their own start; one of them is then charged less.
        PAID_UNTIL.fetch_max(start, Relaxed);
        PAID_UNTIL.fetch_add(SHARE * took, Relaxed);
        let took = u32::try_from(took)
            .unwrap_or(u32::MAX / PATIENCE)
            .min(u32::MAX / PATIENCE);
        let dearest = DEAREST.load(Relaxed);
        let dearest = took.max(dearest - dearest / 8);
        DEAREST.store(dearest, Relaxed);
        QUIET_AFTER.store(reads_worth(dearest), Relaxed);
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
        use std::process;

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
            if call(PRIVATE_EXPEDITED) != 0 {
                // Readers have relied on it: nobody can tell any more who is inside.
                eprintln!("gosync: membarrier is refused, after it had been granted");
                process::abort();
            }
        }
    }

    #[cfg(not(target_os = "linux"))]
    mod membarrier {
        pub(super) fn exists() -> bool {
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
mod tests {
    //! Store buffering: two threads each store and then look for the other's store. Without a barrier
    //! on both sides either may look before its own store has left its processor, so that both miss.
    //!
    //! What a run can show is limited: a heavy barrier takes longer than a store stays behind, so one
    //! that did nothing but wait would pass, as a rule. So there is ballast, to hold the stores up.

    use super::{heavy, is_decided, light};
    use std::array;
    use std::hint::black_box;
    #[cfg(target_os = "linux")]
    use std::mem;
    use std::ops::AddAssign;
    use std::sync::atomic::{AtomicU64, Ordering::*, compiler_fence};
    use std::thread;
    use std::time::{Duration, Instant};

    /// Rounds between two looks at the result.
    const BATCH: u64 = 10_000;

    /// So many delays of either side double; the longest is about as long as a heavy barrier.
    const DELAYS: u64 = 13;

    /// Stores before the one that counts, as many as a processor holds back.
    const BALLAST: usize = 48;

    /// A variable on lines of its own.
    #[derive(Default)]
    #[repr(align(128))]
    struct Line(AtomicU64);

    /// How many rounds ended how: who missed the other's store.
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

    /// One side of the litmus test. Each variable is set to the number of the round, so that nothing
    /// has to be cleared.
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
            // Has the line at hand: the quicker the look, the more the store is behind.
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
                // The other one may wait for this processor.
                if looks.is_multiple_of(1 << 14) {
                    thread::yield_now();
                }
            }
        }

        /// A number below `sides`: xorshift.
        fn roll(&mut self, sides: u64) -> u64 {
            self.dice ^= self.dice << 13;
            self.dice ^= self.dice >> 7;
            self.dice ^= self.dice << 17;
            self.dice % sides
        }
    }

    /// Plays a batch of rounds with a barrier for either side.
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

    /// Keeps the current thread on the processor that `choose` takes from all: a scheduler with other
    /// work to do lets the two sides take turns on one.
    #[cfg(target_os = "linux")]
    fn pin(choose: fn(&[usize]) -> Option<&usize>) {
        // SAFETY: a set of processors is plain bits, and its size is passed with it.
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

    /// As long as nothing is decided there are fences; these tests are about what comes then.
    fn until_decided() {
        let begin = Instant::now();
        while !is_decided() {
            assert!(begin.elapsed() < Duration::from_secs(30), "never decided");
            thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn one_side_sees_the_other() {
        until_decided();
        for batch in 0..2 {
            let outcomes = play(batch, light, heavy);
            assert_eq!(outcomes.both, 0, "{outcomes:?}");
        }
    }

    /// As many rounds as `GOSYNC_LITMUS_ROUNDS` says, or ten million.
    #[test]
    #[ignore = "takes minutes"]
    fn one_side_sees_the_other_for_long() {
        until_decided();
        let rounds = std::env::var("GOSYNC_LITMUS_ROUNDS")
            .map_or(10_000_000, |rounds| rounds.parse().expect("a number"));
        let batches = u64::div_ceil(rounds, BATCH);
        let mut outcomes = Outcomes::default();
        for batch in 1..=batches {
            outcomes += play(batch, light, heavy);
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

    /// The test can fail: with nothing that holds the processor back there are violations.
    ///
    /// Not `light` on both sides: where that is a fence, as with `GOSYNC_BARRIER=fence`, there are none.
    /// The contrast makes sense with the fences left out only.
    #[test]
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    fn without_barriers_both_sides_miss() {
        const BATCHES: u64 = 1000;
        let nothing = || compiler_fence(SeqCst);
        let processors = thread::available_parallelism().map_or(1, |n| n.get());
        let is_seen = (0..BATCHES).any(|batch| play(batch, nothing, nothing).both > 0);
        assert!(is_seen || processors == 1);
    }
}
