//! The resources that the system and the environment give to workers: CPUs, threads, stacks, time.
//!
//! The models have their own limits.

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

    /// The environment variables that a user may set before the first goroutine starts.
    struct Settings {
        max_procs: usize,
        /// How much stack a goroutine is promised, in bytes.
        stack_size: usize,
    }

    static SETTINGS: LazyLock<Result<Settings, String>> = LazyLock::new(Settings::read);

    impl Settings {
        fn read() -> Result<Self, String> {
            Ok(Self {
                max_procs: number("GOSYNC_MAXPROCS", 1..=usize::MAX)?.unwrap_or_else(cpus),
                stack_size: number("GOSYNC_STACK_SIZE", STACK_SIZES)?.unwrap_or(stack::DEFAULT),
            })
        }
    }

    /// The stack sizes that a user may set, in bytes: large enough for a goroutine to start, and not absurdly
    /// large.
    const STACK_SIZES: RangeInclusive<usize> = 64 << 10..=MAX_STACK;

    /// 1 GiB, or 256 MiB where an address has 32 bits.
    const MAX_STACK: usize = match usize::BITS {
        32 => 1 << 28,
        _ => 1 << 30,
    };

    fn number(variable: &str, range: RangeInclusive<usize>) -> Result<Option<usize>, String> {
        // A script that has no value for the variable usually sets it to the empty string.
        let value = env::var_os(variable).filter(|value| !value.is_empty());
        let Some(value) = value else {
            return Ok(None);
        };
        match value.to_str().map(str::parse) {
            Some(Ok(number)) if range.contains(&number) => Ok(Some(number)),
            _ => Err(format!(
                "gosync: {variable} must be a number from {} to {}, but is {value:?}",
                range.start(),
                range.end(),
            )),
        }
    }

    /// Returns how many workers may run at first, or a text that says what is wrong with the environment.
    pub(crate) fn max_procs() -> Result<usize, String> {
        let settings = SETTINGS.as_ref();
        settings
            .map(|settings| settings.max_procs)
            .map_err(String::clone)
    }

    /// Returns how much stack a goroutine is promised, in bytes.
    pub(crate) fn stack_size() -> usize {
        let settings = SETTINGS.as_ref();
        settings.map_or(stack::DEFAULT, |settings| settings.stack_size)
    }

    /// Returns how many CPUs there were for this process at the first call. It counts only once, since that
    /// takes long.
    pub(crate) fn cpus() -> usize {
        static CPUS: LazyLock<usize> = LazyLock::new(spawner::cpus);
        *CPUS
    }

    /// Returns the system's number of the current thread, or 0 if the number is of no use.
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

    /// Returns the CPU time that a thread of this process has used, or `None` if there is no such thread or
    /// the system does not tell.
    #[cfg(target_os = "linux")]
    pub(crate) fn cpu_time_of(thread: usize) -> Option<Duration> {
        // `CPUCLOCK_PERTHREAD_MASK | CPUCLOCK_SCHED`, in the bits below the number of the thread (Linux,
        // `posix-timers_types.h`).
        const OF_THREAD: libc::clockid_t = 4 | 2;
        let clock = !(thread as libc::clockid_t) << 3 | OF_THREAD;
        let mut time = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // SAFETY: `time` is valid for writes.
        let result = unsafe { libc::clock_gettime(clock, &mut time) };
        let time = Duration::new(time.tv_sec.try_into().ok()?, time.tv_nsec.try_into().ok()?);
        (result == 0).then_some(time)
    }

    /// Returns whether a thread of this process sleeps, rather than waits for a CPU, or `None` if the system
    /// does not tell.
    #[cfg(target_os = "linux")]
    pub(crate) fn sleeps(thread: usize) -> Option<bool> {
        let mut status = [0; 64];
        let mut file = File::open(format!("/proc/self/task/{thread}/stat")).ok()?;
        let len = file.read(&mut status).ok()?;
        // The state follows the name, which may contain anything and has 15 bytes at most
        // (`proc_pid_stat(5)`).
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

    /// How often a searching worker looks before it sleeps: first after pauses that double, then after naps.
    /// A look takes cache lines from the threads that queue goroutines, hence the pauses. A nap takes about
    /// as long as a thread needs to wake up, but no other thread spends time on waking the worker.
    const SPINS: u32 = 5;
    const NAPS: u32 = 20;
    const FIRST_PAUSE: u32 = 20;
    /// The system makes it longer.
    const NAP: Duration = Duration::from_micros(10);

    /// Waits before a searching worker looks again. Returns false at once if it has looked often enough.
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

    /// Starts the monitor. Without it there are no workers. So if the system refuses the thread, this
    /// function tries again for a while, as Go does (`gcc_libinit.c`, `_cgo_try_pthread_create`). After that
    /// has failed, each later call tries only once, until one succeeds.
    pub(crate) fn start_monitor(body: fn()) -> io::Result<()> {
        static HAS_FAILED: AtomicBool = AtomicBool::new(false);

        for tries in 1.. {
            let result = spawner::spawn("gosync-monitor", SMALL_STACK, body);
            if result.is_ok() || HAS_FAILED.load(Relaxed) {
                HAS_FAILED.store(result.is_err(), Relaxed);
                return result;
            }
            HAS_FAILED.store(tries == MAX_RETRIES, Relaxed);
            thread::sleep(Duration::from_millis(tries));
        }
        unreachable!("the last attempt returns");
    }

    /// The number of tries that are followed by a pause. The pauses take about 50 ms in all.
    const MAX_RETRIES: u64 = 10;
}
