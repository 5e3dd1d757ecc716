//! What the system and the environment give to workers: CPUs, threads, stacks, time.
//!
//! The models have limits of their own.

#[cfg(not(gosync_model))]
pub(super) use real::*;

#[cfg(gosync_model)]
pub(super) use crate::models::system::*;

#[cfg(not(gosync_model))]
mod real {
    pub(crate) use super::super::stack::has_room as has_room_on_stack;

    use super::super::{spawner, stack};
    use crate::limits::SMALL_STACK;
    #[cfg(target_os = "linux")]
    use std::fs::File;
    #[cfg(target_os = "linux")]
    use std::io::Read;
    use std::ops::RangeInclusive;
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
    use std::time::Duration;
    use std::{env, hint, io, thread};

    /// What a user sets before the first goroutine starts.
    struct Settings {
        max_procs: usize,
        /// What a goroutine has before it, wherever it runs, in bytes.
        stack_size: usize,
    }

    static SETTINGS: LazyLock<Result<Settings, String>> = LazyLock::new(Settings::read);

    impl Settings {
        fn read() -> Result<Self, String> {
            Ok(Self {
                max_procs: number("GOSYNC_MAXPROCS", 1..=usize::MAX)?.unwrap_or_else(cpus),
                stack_size: number("GOSYNC_STACK_SIZE", STACK_SIZES)?.unwrap_or(stack::PROMISE),
            })
        }
    }

    /// In bytes: enough to begin on, and nothing absurd.
    const STACK_SIZES: RangeInclusive<usize> = 64 << 10..=MOST_STACK;

    /// 1 GiB, or 256 MiB where an address has 32 bits.
    const MOST_STACK: usize = match usize::BITS {
        32 => 1 << 28,
        _ => 1 << 30,
    };

    fn number(variable: &str, range: RangeInclusive<usize>) -> Result<Option<usize>, String> {
        // As a rule a script that has nothing to set sets it to nothing.
        let value = env::var_os(variable).filter(|value| !value.is_empty());
        let Some(value) = value else {
            return Ok(None);
        };
        match value.to_str().map(str::parse) {
            Some(Ok(number)) if range.contains(&number) => Ok(Some(number)),
            _ => Err(format!(
                "gosync: {variable} has to be a number from {} to {}, and is {value:?}",
                range.start(),
                range.end(),
            )),
        }
    }

    /// How many workers may run, until somebody sets it; or what is wrong with the environment.
    pub(crate) fn max_procs() -> Result<usize, String> {
        let settings = SETTINGS.as_ref();
        settings
            .map(|settings| settings.max_procs)
            .map_err(String::clone)
    }

    /// How much stack a goroutine is promised, in bytes.
    pub(crate) fn stack_size() -> usize {
        let settings = SETTINGS.as_ref();
        settings.map_or(stack::PROMISE, |settings| settings.stack_size)
    }

    /// How many CPUs there were for this process when it was first asked, which takes long.
    pub(crate) fn cpus() -> usize {
        static PROCESSORS: LazyLock<usize> = LazyLock::new(spawner::cpus);
        *PROCESSORS
    }

    /// What the system calls the current thread; 0 where that is of no use.
    #[cfg(target_os = "linux")]
    pub(crate) fn thread() -> usize {
        thread_local! {
            static NUMBER: usize = {
                // SAFETY: a system call that touches no memory.
                let number = unsafe { libc::gettid() };
                number.cast_unsigned() as usize
            };
        }
        NUMBER.try_with(|number| *number).unwrap_or(0)
    }

    /// The CPU time of a thread of this process; none if there is no such thread, or nobody can tell.
    #[cfg(target_os = "linux")]
    pub(crate) fn cpu_time_of(thread: usize) -> Option<Duration> {
        // `CPUCLOCK_PERTHREAD_MASK | CPUCLOCK_SCHED`, below a number (Linux, `posix-timers_types.h`).
        const OF_THREAD: libc::clockid_t = 4 | 2;
        let clock = !(thread as libc::clockid_t) << 3 | OF_THREAD;
        let mut time = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // SAFETY: `time` is there to be written.
        let result = unsafe { libc::clock_gettime(clock, &mut time) };
        let time = Duration::new(time.tv_sec.try_into().ok()?, time.tv_nsec.try_into().ok()?);
        (result == 0).then_some(time)
    }

    /// Whether a thread of this process sleeps, and does not merely wait for a CPU; none if nobody can tell.
    #[cfg(target_os = "linux")]
    pub(crate) fn sleeps(thread: usize) -> Option<bool> {
        let mut status = [0; 64];
        let mut file = File::open(format!("/proc/self/task/{thread}/stat")).ok()?;
        let len = file.read(&mut status).ok()?;
        // After the name, which may hold anything and has 15 bytes at most (`proc_pid_stat(5)`).
        let end = status[..len].iter().rposition(|&byte| byte == b')')?;
        match status.get(end + 2)? {
            b'R' => Some(false),
            _ => Some(true),
        }
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn thread() -> usize {
        0
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn cpu_time_of(_thread: usize) -> Option<Duration> {
        None
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn sleeps(_thread: usize) -> Option<bool> {
        None
    }

    /// How often a searching worker looks before it sleeps: with pauses that double, then with naps. A
    /// look takes lines from those who queue goroutines; a nap takes about as long as a thread needs to
    /// wake up, and nobody has to wake it.
    const SPINS: u32 = 5;
    const NAPS: u32 = 20;
    const FIRST_PAUSE: u32 = 20;
    /// The system makes more of it.
    const NAP: Duration = Duration::from_micros(10);

    /// Waits before a searching worker looks again; false, at once, if it has looked often enough.
    pub(crate) fn pause(round: u32) -> bool {
        if round < SPINS {
            (0..FIRST_PAUSE << round).for_each(|_| hint::spin_loop());
        } else if round < SPINS + NAPS {
            thread::sleep(NAP);
        }
        round < SPINS + NAPS
    }

    /// Starts a thread that runs goroutines.
    pub(crate) fn start_worker(body: fn()) -> io::Result<()> {
        spawner::spawn("gosync-worker", stack::worker_size(), body)
    }

    /// Starts the thread that watches them. Without it there are none, so it is worth some patience, as
    /// in Go (`gcc_libinit.c`, `_cgo_try_pthread_create`); once.
    pub(crate) fn start_monitor(body: fn()) -> io::Result<()> {
        static HAS_FAILED: AtomicBool = AtomicBool::new(false);

        for tries in 1.. {
            let result = spawner::spawn("gosync-monitor", SMALL_STACK, body);
            if result.is_ok() || HAS_FAILED.load(Relaxed) {
                HAS_FAILED.store(result.is_err(), Relaxed);
                return result;
            }
            HAS_FAILED.store(tries == MOST_TRIES, Relaxed);
            thread::sleep(Duration::from_millis(tries));
        }
        unreachable!("the last try returns");
    }

    /// Some 50 ms.
    const MOST_TRIES: u64 = 10;
}
