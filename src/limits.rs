//! Starts the threads of this crate, and refuses them near the limits of the system at which a new thread
//! would abort the process.
//!
//! Once a thread runs, std sets up a stack for its signal handlers, and aborts the process if it gets no
//! memory for that stack. The reason may be a limit on memory (`RLIMIT_AS`, or memory that is not
//! overcommitted). Or there are too many mappings: Linux limits their number per process
//! (`vm.max_map_count`). So threads are refused here before it comes to that.

use crate::platform::HAS_THREADS;
use std::{io, thread};

#[cfg(target_os = "linux")]
use linux::{check, check_alone, record_old_stack};

/// The stack size of threads that run no goroutines, in bytes.
pub(crate) const SMALL_STACK: usize = 1 << 20;

/// Starts a thread with a stack of `stack_size` bytes. Fails if a limit is near.
///
/// # Panics
///
/// If the target has no threads: another attempt would not succeed either.
pub(crate) fn spawn(
    name: &str,
    stack_size: usize,
    body: impl FnOnce() + Send + 'static,
) -> io::Result<()> {
    if !HAS_THREADS {
        panic!("gosync: this target has no threads, so it cannot run goroutines");
    }
    let pending = check(stack_size)?;
    start(name, stack_size, move || {
        drop(pending);
        body();
        record_old_stack(stack_size);
    })
}

/// Starts a thread with a small stack, like [`spawn`]. It is meant for occasional use. It waits for no other
/// thread and opens no file: the caller may be in a child of `fork`, or in a process that may not open files.
pub(crate) fn spawn_alone(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
    check_alone(SMALL_STACK)?;
    start(name, SMALL_STACK, body)
}

fn start(name: &str, stack_size: usize, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let builder = thread::Builder::new().name(name.into());
    builder.stack_size(stack_size).spawn(body).map(drop)
}

/// Stands for the value that callers keep on Linux until a thread is set up.
#[cfg(not(target_os = "linux"))]
struct PendingThread;

#[cfg(not(target_os = "linux"))]
fn check(_stack_size: usize) -> io::Result<PendingThread> {
    Ok(PendingThread)
}

#[cfg(not(target_os = "linux"))]
use check as check_alone;

#[cfg(not(target_os = "linux"))]
fn record_old_stack(_stack_size: usize) {}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::{self, File};
    use std::io::{self, BufRead, BufReader};
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
    use std::time::{Duration, Instant};
    use std::{process, ptr, thread};

    use Ordering::{Acquire, Relaxed, Release};

    /// Checks that a thread with a stack of `stack_size` bytes may be started. The result must be kept until
    /// std has set up the thread.
    pub(super) fn check(stack_size: usize) -> io::Result<PendingThread> {
        match MAPPINGS.try_lock() {
            Ok(mut mappings) => mappings.take()?,
            Err(TryLockError::Poisoned(mappings)) => mappings.into_inner().take()?,
            // Maybe this very thread holds the lock: counting allocates, and an allocator may sleep.
            Err(TryLockError::WouldBlock) => check_mappings()?,
        }
        if !is_memory_limited() {
            return Ok(PendingThread::new());
        }
        // One check at a time: it takes memory for a moment, which another thread may be about to need.
        static CHECK: Mutex<()> = Mutex::new(());
        let _check = lock(&CHECK);
        wait_for_others()?;
        check_memory(stack_size).or_else(|error| {
            // An old stack counts only if a new one cannot be had. Otherwise the thread may get a new stack,
            // and then there is no memory for the rest.
            let is_old = !has_memory(stack_size) && lock(&OLD_STACKS).take(stack_size);
            if is_old && has_memory(SETUP_BYTES) {
                Ok(())
            } else {
                Err(error)
            }
        })?;
        Ok(PendingThread::new())
    }

    /// A thread that has passed the check, until std has set it up.
    pub(super) struct PendingThread(());

    /// Below bit `PROCESS_SHIFT` the number of pending threads, and above it the process that has them. In a child
    /// of `fork` these threads are gone.
    static PENDING: AtomicU64 = AtomicU64::new(0);

    const PROCESS_SHIFT: u32 = 32;

    /// Returns `word` if it is of the current process, and otherwise the word of the current process without
    /// pending threads.
    fn pending(word: u64) -> u64 {
        let process = u64::from(process::id()) << PROCESS_SHIFT;
        if word >> PROCESS_SHIFT == process >> PROCESS_SHIFT {
            word
        } else {
            process
        }
    }

    impl PendingThread {
        fn new() -> Self {
            let add_one = |word| Some(pending(word) + 1);
            // Does not fail: `add_one` always returns `Some`.
            let _ = PENDING.fetch_update(Relaxed, Relaxed, add_one);
            Self(())
        }
    }

    impl Drop for PendingThread {
        fn drop(&mut self) {
            // Release: pairs with the Acquire in `wait_for_others`, so that the next check sees the memory
            // that this thread has taken.
            PENDING.fetch_sub(1, Release);
        }
    }

    /// Waits until all threads that have passed the check are set up. Fails if that takes long.
    fn wait_for_others() -> io::Result<()> {
        for _ in 0..100 {
            if pending(PENDING.load(Acquire)) as u32 == 0 {
                return Ok(());
            }
            thread::sleep(Duration::from_micros(100));
        }
        Err(io::ErrorKind::WouldBlock.into())
    }

    /// Whether the system may refuse memory that the process has not touched. Without a limit, Linux refuses
    /// only what is far larger than a stack, or what does not fit into the address space.
    fn is_memory_limited() -> bool {
        let mut limit = libc::rlimit {
            rlim_cur: 0,
            rlim_max: 0,
        };
        // SAFETY: `limit` is valid for writes.
        let result = unsafe { libc::getrlimit(libc::RLIMIT_AS, &mut limit) };
        let is_limited = result != 0 || limit.rlim_cur != libc::RLIM_INFINITY;
        cfg!(target_pointer_width = "32") || is_limited || NO_OVERCOMMIT.load(Relaxed)
    }

    /// The result of `is_overcommit_forbidden` when the mappings were last counted.
    static NO_OVERCOMMIT: AtomicBool = AtomicBool::new(true);

    /// Whether the system promises no more memory than there is: `vm.overcommit_memory` is 2, or cannot be
    /// read.
    fn is_overcommit_forbidden() -> bool {
        let mode = fs::read_to_string("/proc/sys/vm/overcommit_memory");
        mode.map_or(true, |mode| mode.trim() == "2")
    }

    /// Checks that there are memory and mappings for a thread at the moment. Remembers nothing, unlike
    /// `check`.
    pub(super) fn check_alone(stack_size: usize) -> io::Result<()> {
        check_memory(stack_size)?;
        check_mappings()
    }

    /// Checks that there are mappings for a thread at the moment.
    fn check_mappings() -> io::Result<()> {
        with_memory(2 * SPLITS * PAGE, |memory| {
            // Every second page gets its own mapping.
            for page in (0..2 * SPLITS).step_by(2) {
                // SAFETY: the page lies in the new memory.
                let result =
                    unsafe { libc::mprotect(memory.byte_add(page * PAGE), PAGE, libc::PROT_NONE) };
                if result != 0 {
                    return Err(io::Error::last_os_error());
                }
            }
            Ok(())
        })
    }

    /// The number of pages that `check_mappings` splits off, which makes twice as many mappings. A thread
    /// takes two for its stack, two for the stack of its signal handlers, and two for the memory that the C
    /// library sets aside for it. Threads that have just passed the check have yet to take some of theirs.
    const SPLITS: usize = 64;

    /// The largest page size of the CPUs on which Linux runs, apart from huge pages, in bytes.
    const PAGE: usize = 64 << 10;

    fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        mutex.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Far more memory than std maps for a thread besides its stack.
    const SETUP_BYTES: usize = 1 << 20;

    /// The address space that glibc sets aside for the memory of a thread, if it can (`malloc/arena.c`,
    /// `HEAP_MAX_SIZE`), before std maps the rest. If it cannot, the thread takes memory elsewhere.
    #[cfg(target_pointer_width = "64")]
    const ARENA: usize = 64 << 20;
    #[cfg(not(target_pointer_width = "64"))]
    const ARENA: usize = 1 << 20;

    /// Must be called by each thread that `spawn` has started when it is about to end.
    pub(super) fn record_old_stack(stack_size: usize) {
        lock(&OLD_STACKS).add(stack_size);
    }

    /// The stacks of threads that have ended, which the C library may have kept for others. If there is no
    /// memory for a new one, an old one may do.
    pub(super) struct OldStacks {
        /// In bytes. 0 stands for no stack.
        sizes: [usize; MAX_OLD_STACKS],
    }

    /// glibc keeps 40 MiB.
    const MAX_OLD_STACKS: usize = 10;

    static OLD_STACKS: Mutex<OldStacks> = Mutex::new(OldStacks::new());

    impl OldStacks {
        pub(super) const fn new() -> Self {
            Self {
                sizes: [0; MAX_OLD_STACKS],
            }
        }

        pub(super) fn add(&mut self, size: usize) {
            let smallest = self.sizes.iter_mut().min().expect("the array is not empty");
            *smallest = size.max(*smallest);
        }

        /// Takes a stack of `size` bytes. Returns whether there was one.
        pub(super) fn take(&mut self, size: usize) -> bool {
            let found = self.sizes.iter_mut().find(|old| **old == size);
            found.map(|old| *old = 0).is_some()
        }
    }

    /// Checks that there is memory for a thread with a stack of `stack_size` bytes.
    fn check_memory(stack_size: usize) -> io::Result<()> {
        if has_memory(stack_size + ARENA + SETUP_BYTES) {
            return Ok(());
        }
        // If there is memory for the arena, glibc takes it, and too little may be left for the rest. If there
        // is none, glibc does without the arena.
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

    /// Calls `f` with new memory of this many bytes. Fails if the system refuses the memory, or if `f` fails.
    fn with_memory(
        bytes: usize,
        f: impl FnOnce(*mut libc::c_void) -> io::Result<()>,
    ) -> io::Result<()> {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: the memory is new, and it is given back after its last use.
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

    /// The mappings that a thread takes at once: its stack and the stack of its signal handlers, each with a guard
    /// page.
    const PER_THREAD: usize = 4;

    /// One part in `MARGIN` of the limit is left to the program.
    const MARGIN: usize = 16;

    /// After a count, half of the threads for which there is room pass the check without another count, but
    /// at least this many if there is room for them.
    const MIN_BATCH: usize = 32;

    /// A count takes milliseconds if there are many mappings. So its result holds for this many times as long
    /// as the count took, whatever the program maps meanwhile.
    const VALIDITY_FACTOR: u32 = 50;

    /// The number of threads that the limit on mappings allows.
    struct Mappings {
        /// The number that the last count has allowed, and how much of it is left.
        found: usize,
        left: usize,
        /// When the result of the last count expires. `None` before the first count.
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
                self.found = room.min(MIN_BATCH.max(room / 2));
                self.left = self.found;
                NO_OVERCOMMIT.store(is_overcommit_forbidden(), Relaxed);
                self.until = Some(start + VALIDITY_FACTOR * start.elapsed());
            }
            let left = self.left.checked_sub(1);
            self.left = left.ok_or(io::ErrorKind::QuotaExceeded)?;
            Ok(())
        }
    }

    /// Returns for how many more threads there are mappings. Returns `None` if that is unknown, because there
    /// is no file descriptor left or no such file.
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
