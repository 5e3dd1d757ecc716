//! Threads of our own, and limits of the system's at which a new one would end the process instead of being
//! refused.
//!
//! Once a thread runs, std sets up a stack for its signal handlers, and aborts if there is no memory for it:
//! because the address space has a limit (`RLIMIT_AS`, or memory that is not overcommitted), or
//! because there are too many mappings. Linux has a limit of those for each process, `vm.max_map_count`.
//! So threads are refused here before it comes to that.

use std::{io, thread};

#[cfg(target_os = "linux")]
use linux::{check, check_alone, thread_ends};

/// For threads that run no goroutines, in bytes.
pub(crate) const SMALL_STACK: usize = 1 << 20;

/// Starts a thread with a stack of so many bytes, unless a limit is near.
pub(crate) fn spawn(
    name: &str,
    stack_size: usize,
    body: impl FnOnce() + Send + 'static,
) -> io::Result<()> {
    let pending = check(stack_size)?;
    start(name, stack_size, move || {
        drop(pending);
        body();
        thread_ends(stack_size);
    })
}

/// As [`spawn`], for a small one, now and then. It waits for nobody and opens no file: whoever calls it may be
/// in a child of `fork`, or a process that may not.
pub(crate) fn spawn_alone(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
    check_alone(SMALL_STACK)?;
    start(name, SMALL_STACK, body)
}

fn start(name: &str, stack_size: usize, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let builder = thread::Builder::new().name(name.into());
    builder.stack_size(stack_size).spawn(body).map(drop)
}

/// What is kept elsewhere until a thread is set up: nothing.
#[cfg(not(target_os = "linux"))]
struct PendingThread;

#[cfg(not(target_os = "linux"))]
fn check(_stack_size: usize) -> io::Result<PendingThread> {
    Ok(PendingThread)
}

#[cfg(not(target_os = "linux"))]
use check as check_alone;

#[cfg(not(target_os = "linux"))]
fn thread_ends(_stack_size: usize) {}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::{self, File};
    use std::io::{self, BufRead, BufReader};
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
    use std::time::{Duration, Instant};
    use std::{process, ptr, thread};

    use Ordering::{Acquire, Relaxed, Release};

    /// Whether a thread with a stack of so many bytes may be started. What it returns is to be kept until std has set
    /// up the thread.
    pub(super) fn check(stack_size: usize) -> io::Result<PendingThread> {
        match MAPPINGS.try_lock() {
            Ok(mut mappings) => mappings.take()?,
            Err(TryLockError::Poisoned(mappings)) => mappings.into_inner().take()?,
            // Maybe by this very thread: to count takes memory, and an allocator may sleep.
            Err(TryLockError::WouldBlock) => check_mappings()?,
        }
        if !is_memory_limited() {
            return Ok(PendingThread::new());
        }
        // One at a time: the look itself takes what another thread may be about to need.
        static CHECK: Mutex<()> = Mutex::new(());
        let _check = lock(&CHECK);
        wait_for_others()?;
        check_memory(stack_size).or_else(|error| {
            // Only where a new stack is out of the question. Otherwise the thread may get one, and then miss
            // the rest.
            let is_old = !has_memory(stack_size) && lock(&OLD_STACKS).take(stack_size);
            if is_old && has_memory(SETUP_BYTES) {
                Ok(())
            } else {
                Err(error)
            }
        })?;
        Ok(PendingThread::new())
    }

    /// A thread that has been let through, until it has all that std sets up for it.
    pub(super) struct PendingThread(());

    /// The process, above `PROCESS`, and how many such threads it has. In a child of fork they are gone.
    static PENDING: AtomicU64 = AtomicU64::new(0);

    const PROCESS: u32 = 32;

    /// What stands there, if the number is that of the current process.
    fn pending(word: u64) -> u64 {
        let process = u64::from(process::id()) << PROCESS;
        if word >> PROCESS == process >> PROCESS {
            word
        } else {
            process
        }
    }

    impl PendingThread {
        fn new() -> Self {
            let add_one = |word| Some(pending(word) + 1);
            // Never refused.
            let _ = PENDING.fetch_update(Relaxed, Relaxed, add_one);
            Self(())
        }
    }

    impl Drop for PendingThread {
        fn drop(&mut self) {
            // Release: pairs with the Acquire below, after which there is less memory.
            PENDING.fetch_sub(1, Release);
        }
    }

    /// Waits until all threads that have been let through are set up. Fails if that takes long.
    fn wait_for_others() -> io::Result<()> {
        for _ in 0..100 {
            if pending(PENDING.load(Acquire)) as u32 == 0 {
                return Ok(());
            }
            thread::sleep(Duration::from_micros(100));
        }
        Err(io::ErrorKind::WouldBlock.into())
    }

    /// Whether the process may be refused memory that it has not touched. Elsewhere Linux refuses only what is
    /// far larger than a stack, or what does not fit into the addresses.
    fn is_memory_limited() -> bool {
        let mut limit = libc::rlimit {
            rlim_cur: 0,
            rlim_max: 0,
        };
        // SAFETY: `limit` is there to be written.
        let result = unsafe { libc::getrlimit(libc::RLIMIT_AS, &mut limit) };
        let is_limited = result != 0 || limit.rlim_cur != libc::RLIM_INFINITY;
        cfg!(target_pointer_width = "32") || is_limited || IS_COUNTED.load(Relaxed)
    }

    /// Whether the system promises no more memory than there is, as when it last counted the mappings.
    static IS_COUNTED: AtomicBool = AtomicBool::new(true);

    /// `vm.overcommit_memory` is 2, or nobody knows.
    fn is_memory_counted() -> bool {
        let mode = fs::read_to_string("/proc/sys/vm/overcommit_memory");
        mode.map_or(true, |mode| mode.trim() == "2")
    }

    /// As `check`, of what is left at the moment.
    pub(super) fn check_alone(stack_size: usize) -> io::Result<()> {
        check_memory(stack_size)?;
        check_mappings()
    }

    /// Whether there are mappings for a thread, at the moment.
    fn check_mappings() -> io::Result<()> {
        with_memory(2 * SPLITS * PAGE, |memory| {
            // Each second page gets a mapping of its own.
            for page in (0..2 * SPLITS).step_by(2) {
                // SAFETY: it lies in the new memory.
                let result =
                    unsafe { libc::mprotect(memory.byte_add(page * PAGE), PAGE, libc::PROT_NONE) };
                if result != 0 {
                    return Err(io::Error::last_os_error());
                }
            }
            Ok(())
        })
    }

    /// So many pages apart make twice as many mappings. A thread takes two for the stack, two for that of
    /// signal handlers, and two for what the C library keeps memory of its own in; and threads that have just
    /// been let through have yet to take some of theirs.
    const SPLITS: usize = 64;

    /// No page is larger.
    const PAGE: usize = 64 << 10;

    fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        mutex.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Far more than std maps for a thread besides its stack.
    const SETUP_BYTES: usize = 1 << 20;

    /// What glibc sets aside for the memory of a thread, if it can (`malloc/arena.c`, `HEAP_MAX_SIZE`), before
    /// std maps the rest. If it cannot, the thread takes memory elsewhere.
    #[cfg(target_pointer_width = "64")]
    const ARENA: usize = 64 << 20;
    #[cfg(not(target_pointer_width = "64"))]
    const ARENA: usize = 1 << 20;

    /// To be called by a thread from here when it is about to end.
    pub(super) fn thread_ends(stack_size: usize) {
        lock(&OLD_STACKS).add(stack_size);
    }

    /// The stacks of threads that have ended, which the C library may have kept for others. If there is no
    /// memory for a new one, an old one may do.
    pub(super) struct OldStacks {
        /// In bytes; 0: none.
        sizes: [usize; MOST_OLD_STACKS],
    }

    /// glibc keeps 40 MiB.
    const MOST_OLD_STACKS: usize = 10;

    static OLD_STACKS: Mutex<OldStacks> = Mutex::new(OldStacks::new());

    impl OldStacks {
        pub(super) const fn new() -> Self {
            Self {
                sizes: [0; MOST_OLD_STACKS],
            }
        }

        pub(super) fn add(&mut self, size: usize) {
            let smallest = self.sizes.iter_mut().min().expect("there are some");
            *smallest = size.max(*smallest);
        }

        /// Takes one of so many bytes. Returns whether there was one.
        pub(super) fn take(&mut self, size: usize) -> bool {
            let found = self.sizes.iter_mut().find(|old| **old == size);
            found.map(|old| *old = 0).is_some()
        }
    }

    /// Whether there is memory for a thread with a stack of so many bytes.
    fn check_memory(stack_size: usize) -> io::Result<()> {
        if has_memory(stack_size + ARENA + SETUP_BYTES) {
            return Ok(());
        }
        // With the arena there may be too little left for the rest; without, the arena is not had either.
        let arena = if has_memory(stack_size + ARENA) {
            ARENA
        } else {
            0
        };
        with_memory(stack_size + arena + SETUP_BYTES, |_| Ok(()))
    }

    fn has_memory(bytes: usize) -> bool {
        with_memory(bytes, |_| Ok(())).is_ok()
    }

    /// Calls `f` with so many bytes of new memory, if there are any.
    fn with_memory(
        bytes: usize,
        f: impl FnOnce(*mut libc::c_void) -> io::Result<()>,
    ) -> io::Result<()> {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: new memory, which is given back at once.
        unsafe {
            let memory = libc::mmap(ptr::null_mut(), bytes, protection, flags, -1, 0);
            if memory == libc::MAP_FAILED {
                return Err(io::Error::last_os_error());
            }
            let result = f(memory);
            libc::munmap(memory, bytes);
            result
        }
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
                let Some(room) = room() else {
                    return check_mappings();
                };
                self.found = room.min(AT_LEAST.max(room / 2));
                self.left = self.found;
                IS_COUNTED.store(is_memory_counted(), Relaxed);
                self.until = Some(start + HOLDS * start.elapsed());
            }
            let left = self.left.checked_sub(1);
            self.left = left.ok_or(io::ErrorKind::QuotaExceeded)?;
            Ok(())
        }
    }

    /// For how many more threads there are mappings; none if nobody knows: there may be no file descriptor
    /// left, or no such file.
    fn room() -> Option<usize> {
        let limit = limit()?;
        let used = count().ok()?;
        Some((limit - limit / MARGIN).saturating_sub(used) / PER_THREAD)
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

#[cfg(all(test, target_os = "linux"))]
mod tests;
