//! What the system and the environment give to workers: processors, threads, stacks, time.
//!
//! The models have limits of their own.

#[cfg(not(gosync_model))]
pub(super) use real::*;

#[cfg(gosync_model)]
pub(super) use crate::models::system::*;

#[cfg(not(gosync_model))]
mod real {
    use super::super::origin;
    use std::cell::Cell;
    use std::ops::RangeInclusive;
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
    use std::time::Duration;
    use std::{env, hint, io, ptr, thread};

    /// What a user sets before the first goroutine starts.
    struct Settings {
        max_procs: usize,
        /// In bytes; what std gives its threads if there is none.
        stack_size: Option<usize>,
    }

    static SETTINGS: LazyLock<Result<Settings, String>> = LazyLock::new(Settings::read);

    impl Settings {
        fn read() -> Result<Self, String> {
            Ok(Self {
                max_procs: number("GOSYNC_MAXPROCS", 1..=usize::MAX)?.unwrap_or_else(processors),
                stack_size: number("GOSYNC_STACK_SIZE", STACK_SIZES)?,
            })
        }
    }

    /// In bytes: enough to help on, and nothing absurd.
    const STACK_SIZES: RangeInclusive<usize> = 64 << 10..=1 << 30;

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

    /// The stack of a worker in bytes, if it is not std's.
    fn stack_size() -> Option<usize> {
        SETTINGS.as_ref().ok()?.stack_size
    }

    /// How many processors there were for this process when it was first asked, which takes long.
    pub(crate) fn processors() -> usize {
        static PROCESSORS: LazyLock<usize> = LazyLock::new(origin::processors);
        *PROCESSORS
    }

    /// The processor time of the process; none where it is not known.
    #[cfg(target_os = "linux")]
    pub(crate) fn processor_time() -> Option<Duration> {
        let mut time = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // SAFETY: `time` is there to be written.
        let result = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
        let time = Duration::new(time.tv_sec.try_into().ok()?, time.tv_nsec.try_into().ok()?);
        (result == 0).then_some(time)
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn processor_time() -> Option<Duration> {
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
        let builder = thread::Builder::new().name("gosync-worker".into());
        let builder = match stack_size() {
            Some(size) => builder.stack_size(size),
            None => builder,
        };
        origin::spawn(builder, body)
    }

    /// Starts the thread that watches them. Without it there are none, so it is worth some patience, as
    /// in Go (`gcc_libinit.c`, `_cgo_try_pthread_create`); once.
    pub(crate) fn start_monitor(body: fn()) -> io::Result<()> {
        static IS_HOPELESS: AtomicBool = AtomicBool::new(false);

        for tries in 1.. {
            let builder = thread::Builder::new().name("gosync-monitor".into());
            let result = origin::spawn(builder, body);
            if result.is_ok() || IS_HOPELESS.load(Relaxed) {
                IS_HOPELESS.store(result.is_err(), Relaxed);
                return result;
            }
            IS_HOPELESS.store(tries == MOST_TRIES, Relaxed);
            thread::sleep(Duration::from_millis(tries));
        }
        unreachable!("hope ends before");
    }

    /// Some 50 ms.
    const MOST_TRIES: u64 = 10;

    thread_local! {
        /// The lowest address at which a goroutine may begin that runs on top of something else.
        static FLOOR: Cell<usize> = const { Cell::new(0) };
    }

    /// Whether the current thread has room for a goroutine on top of what it does: half of the stack
    /// of a worker.
    #[inline]
    pub(crate) fn has_room_on_stack() -> bool {
        let here = 0_u8;
        let here = ptr::from_ref(&here).addr();
        here > match FLOOR.get() {
            0 => find_floor(here),
            floor => floor,
        }
    }

    /// What std gives a thread unless it is told otherwise.
    const STD_STACK_SIZE: usize = 2 << 20;

    /// How much of a stack may be used on top of `here` if nobody knows how much there is.
    const UNKNOWN: usize = 64 << 10;

    #[cold]
    fn find_floor(here: usize) -> usize {
        let room = stack_size().unwrap_or(STD_STACK_SIZE) / 2;
        let floor = match lowest_address() {
            Some(lowest) => lowest.saturating_add(room),
            None => here.saturating_sub(UNKNOWN),
        };
        FLOOR.set(floor);
        floor
    }

    /// The lowest address of the current thread's stack; none where it is not known.
    #[cfg(target_os = "linux")]
    fn lowest_address() -> Option<usize> {
        use std::mem::MaybeUninit;

        let mut attributes = MaybeUninit::<libc::pthread_attr_t>::uninit();
        let mut address = ptr::null_mut();
        let mut size = 0;
        // SAFETY: as pthread_getattr_np(3) has it, the attributes are read only after they have been
        // written, and destroyed once.
        unsafe {
            if libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) != 0 {
                return None;
            }
            let result = libc::pthread_attr_getstack(attributes.as_ptr(), &mut address, &mut size);
            libc::pthread_attr_destroy(attributes.as_mut_ptr());
            (result == 0).then(|| address.addr())
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn lowest_address() -> Option<usize> {
        None
    }
}
