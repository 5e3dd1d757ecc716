//! How much stack is left for a goroutine, on whichever thread it runs.
//!
//! A goroutine is promised `GOSYNC_STACK_SIZE` bytes, for the values that it captures and for its frames. A
//! thread helps only if that much is left, and only on the stack that the system gave it: the bounds of a
//! coroutine's stack are not known here. Neither are those of any stack if the system does not tell.

#[cfg(target_os = "linux")]
use super::spawner;
use super::system;
use std::cell::Cell;
use std::ops::Range;
use std::ptr;

/// The promise unless the user sets another one, in bytes. A thread of std, which has 2 MiB, may thus help
/// while it has used no more than half a MiB.
pub(super) const DEFAULT: usize = 3 << 19;

/// The additional stack of a worker, in bytes: for its own frames.
const SPARE: usize = 1 << 19;

/// The most stack that lies between the check in `has_room` and the first frame of the goroutine, in bytes.
const FRAMES: usize = 16 << 10;

/// Returns the stack size of a worker in bytes. It is large enough that a goroutine which has used all that
/// it was promised may still help. With the default promise it is no multiple of 2 MiB: some kernels would
/// make such a stack resident at once, as huge pages.
pub(super) fn worker_size() -> usize {
    2 * system::stack_size() + SPARE
}

thread_local! {
    /// The addresses between which a goroutine may begin on the stack of the current thread. `None` if they
    /// are not known yet.
    static ROOM: Cell<Option<(usize, usize)>> = const { Cell::new(None) };
}

/// Whether the current thread has room for a goroutine on its stack.
#[inline]
pub(crate) fn has_room() -> bool {
    let here = 0_u8;
    let here = ptr::from_ref(&here).addr();
    let (lowest, highest) = ROOM.get().unwrap_or_else(find_room);
    lowest < here && here < highest
}

/// An empty range of addresses: no goroutine may begin there.
const NO_ROOM: (usize, usize) = (usize::MAX, 0);

#[cold]
fn find_room() -> (usize, usize) {
    let room = match bounds() {
        Some(stack) => {
            let needed = FRAMES + system::stack_size();
            (stack.start.saturating_add(needed), stack.end)
        }
        // Not stored in `ROOM`: the bounds may become known later.
        None => return NO_ROOM,
    };
    ROOM.set(Some(room));
    room
}

/// Returns the addresses that the current thread may use as its stack, or `None` if they are not known.
#[cfg(target_os = "linux")]
fn bounds() -> Option<Range<usize>> {
    use std::mem::MaybeUninit;

    let mut attributes = MaybeUninit::<libc::pthread_attr_t>::uninit();
    let mut lowest = ptr::null_mut();
    let (mut size, mut guard) = (0, 0);
    // SAFETY: as pthread_getattr_np(3) demands, the attributes are read only after they have been written,
    // and they are destroyed once.
    let result = unsafe {
        if libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) != 0 {
            return None;
        }
        let attributes = attributes.assume_init_mut();
        let result = libc::pthread_attr_getstack(attributes, &mut lowest, &mut size)
            | libc::pthread_attr_getguardsize(attributes, &mut guard);
        libc::pthread_attr_destroy(attributes);
        result
    };
    if result != 0 {
        return None;
    }
    // Some C libraries include the guard page in the stack.
    let (lowest, highest) = (lowest.addr() + guard, lowest.addr() + size);
    let is_endless = spawner::is_main_thread() && has_no_limit();
    let lowest = if is_endless {
        lowest.max(highest.saturating_sub(USUAL_SIZE))
    } else {
        lowest
    };
    Some(lowest..highest)
}

/// The stack size that Linux usually gives to the main thread, in bytes. Without a limit the stack may grow
/// until it meets another mapping, and there is no telling what is mapped there later: maybe the stack of a
/// coroutine.
#[cfg(target_os = "linux")]
const USUAL_SIZE: usize = 8 << 20;

#[cfg(target_os = "linux")]
fn has_no_limit() -> bool {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `limit` is valid for writes.
    let result = unsafe { libc::getrlimit(libc::RLIMIT_STACK, &mut limit) };
    result != 0 || limit.rlim_cur == libc::RLIM_INFINITY
}

#[cfg(not(target_os = "linux"))]
fn bounds() -> Option<Range<usize>> {
    None
}
