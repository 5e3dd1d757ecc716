//! Limits of the system's at which a new thread would end the process, instead of being refused.
//!
//! Once a thread runs, std sets up a stack for its signal handlers, and aborts if there is no memory for it:
//! because the address space has a limit (`RLIMIT_AS`, or memory that is not overcommitted), or
//! because there are too many mappings. Linux has a limit of those for each process, `vm.max_map_count`.
//! So threads are refused here before it comes to that.

#[cfg(target_os = "linux")]
pub(super) use linux::{check, thread_ends};

#[cfg(not(target_os = "linux"))]
pub(super) fn check(_stack_size: usize) -> std::io::Result<()> {
    Ok(())
}

#[cfg(not(target_os = "linux"))]
pub(super) fn thread_ends() {}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::{self, File};
    use std::io::{self, BufRead, BufReader};
    use std::ptr;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    use std::sync::{Mutex, PoisonError};
    use std::time::Instant;

    /// Whether a thread with a stack of so many bytes may be started.
    pub(in super::super) fn check(stack_size: usize) -> io::Result<()> {
        let mut mappings = MAPPINGS.lock().unwrap_or_else(PoisonError::into_inner);
        mappings.take()?;
        check_memory(stack_size + SET_UP).or_else(|error| match take_old_stack() {
            true => check_memory(SET_UP),
            false => Err(error),
        })
    }

    /// Far more than std and the C library map for a thread besides its stack.
    const SET_UP: usize = 1 << 20;

    /// How many threads have ended whose stacks the C library may have kept for others. If there is no
    /// memory for a new one, an old one may do.
    static OLD_STACKS: AtomicUsize = AtomicUsize::new(0);

    /// glibc keeps 40 MiB.
    const MOST_OLD_STACKS: usize = 10;

    /// To be called by a thread from here when it is about to end.
    pub(in super::super) fn thread_ends() {
        let one_more = |stacks: usize| (stacks < MOST_OLD_STACKS).then_some(stacks + 1);
        let _ = OLD_STACKS.try_update(Relaxed, Relaxed, one_more);
    }

    fn take_old_stack() -> bool {
        let one_less = |stacks: usize| stacks.checked_sub(1);
        OLD_STACKS.try_update(Relaxed, Relaxed, one_less).is_ok()
    }

    /// Whether there is room for so many bytes.
    fn check_memory(bytes: usize) -> io::Result<()> {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: new memory, which is given back at once.
        unsafe {
            let memory = libc::mmap(ptr::null_mut(), bytes, protection, flags, -1, 0);
            if memory == libc::MAP_FAILED {
                return Err(io::Error::last_os_error());
            }
            libc::munmap(memory, bytes);
        }
        Ok(())
    }

    /// For the stack and for that of signal handlers, each with a guard page.
    const PER_THREAD: usize = 4;

    /// This part of the limit is left to the program.
    const MARGIN: usize = 16;

    /// Half of the threads for which there is room are let through without another count, but at least
    /// so many.
    const AT_LEAST: usize = 32;

    /// A count takes milliseconds if there are many mappings. So what it has found holds for so many
    /// times as long, whatever the program maps meanwhile.
    const HOLDS: u32 = 50;

    /// How many threads the limit of mappings lets through.
    struct Mappings {
        /// What the last count has found, and what is left of it.
        found: usize,
        left: usize,
        /// How long it holds. None before the first.
        until: Option<Instant>,
    }

    static MAPPINGS: Mutex<Mappings> = Mutex::new(Mappings {
        found: 0,
        left: 0,
        until: None,
    });

    impl Mappings {
        fn take(&mut self) -> io::Result<()> {
            let start = Instant::now();
            let is_over = self.until.is_none_or(|until| until <= start);
            let is_used_up = self.left == 0 && self.found > 0;
            if is_over || is_used_up {
                let room = room();
                self.found = room.min(AT_LEAST.max(room / 2));
                self.left = self.found;
                self.until = Some(start + HOLDS * start.elapsed());
            }
            let left = self.left.checked_sub(1);
            self.left = left.ok_or(io::ErrorKind::QuotaExceeded)?;
            Ok(())
        }
    }

    /// For how many more threads there are mappings.
    fn room() -> usize {
        match (limit(), count()) {
            (Some(limit), Ok(used)) => (limit - limit / MARGIN).saturating_sub(used) / PER_THREAD,
            // There may be no file descriptor left, for the moment.
            _ => AT_LEAST,
        }
    }

    fn limit() -> Option<usize> {
        let limit = fs::read_to_string("/proc/sys/vm/max_map_count");
        limit.ok()?.trim().parse().ok()
    }

    fn count() -> io::Result<usize> {
        let mut maps = BufReader::new(File::open("/proc/self/maps")?);
        let mut count = 0;
        while maps.skip_until(b'\n')? > 0 {
            count += 1;
        }
        Ok(count)
    }
}
