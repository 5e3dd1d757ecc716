//! Limits of the system's at which a new thread would end the process, instead of being refused.
//!
//! Once a thread runs, std sets up a stack for its signal handlers, and aborts if there is no memory for it:
//! because the address space has a limit (`RLIMIT_AS`, or memory that is not overcommitted), or
//! because there are too many mappings. Linux has a limit of those for each process, `vm.max_map_count`.
//! So threads are refused here before it comes to that.

#[cfg(target_os = "linux")]
pub(super) use linux::check;

#[cfg(not(target_os = "linux"))]
pub(super) fn check(_stack_size: usize) -> std::io::Result<()> {
    Ok(())
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io::{self, BufRead, BufReader};
    use std::sync::{LazyLock, Mutex, PoisonError};
    use std::time::Instant;
    use std::{fs, ptr};

    /// Whether a thread with a stack of so many bytes may be started.
    pub(in super::super) fn check(stack_size: usize) -> io::Result<()> {
        let mut mappings = MAPPINGS.lock().unwrap_or_else(PoisonError::into_inner);
        mappings.take()?;
        check_memory(stack_size + SET_UP)
    }

    /// Far more than std and the C library map for a thread besides its stack.
    const SET_UP: usize = 1 << 20;

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

    /// A count takes milliseconds if there are many mappings. After one that has found no room there is
    /// none for so many times as long.
    const PAUSE: u32 = 20;

    /// How many threads the limit of mappings lets through.
    struct Mappings {
        left: usize,
        /// When they may be counted.
        next_count: Option<Instant>,
    }

    static MAPPINGS: Mutex<Mappings> = Mutex::new(Mappings {
        left: 0,
        next_count: None,
    });

    impl Mappings {
        fn take(&mut self) -> io::Result<()> {
            let now = Instant::now();
            let may_count = self.next_count.is_none_or(|next| next <= now);
            if self.left == 0 && may_count {
                let room = room();
                self.left = room.min(AT_LEAST.max(room / 2));
                self.next_count = (room == 0).then(|| now + PAUSE * now.elapsed());
            }
            let left = self.left.checked_sub(1);
            self.left = left.ok_or(io::ErrorKind::QuotaExceeded)?;
            Ok(())
        }
    }

    /// For how many more threads there are mappings.
    fn room() -> usize {
        static LIMIT: LazyLock<Option<usize>> = LazyLock::new(|| {
            let limit = fs::read_to_string("/proc/sys/vm/max_map_count");
            limit.ok()?.trim().parse().ok()
        });

        let Some(limit) = *LIMIT else {
            return usize::MAX;
        };
        match count() {
            Ok(used) => (limit - limit / MARGIN).saturating_sub(used) / PER_THREAD,
            // There may be no file descriptor left, for the moment.
            Err(_) => AT_LEAST,
        }
    }

    fn count() -> io::Result<usize> {
        let mut maps = BufReader::new(fs::File::open("/proc/self/maps")?);
        let mut count = 0;
        while maps.skip_until(b'\n')? > 0 {
            count += 1;
        }
        Ok(count)
    }
}
