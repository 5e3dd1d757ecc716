//! How much stack a goroutine has before it, wherever it runs.
//!
//! So much is promised: `GOSYNC_STACK_SIZE`, for what the goroutine captures and for its frames. A thread
//! runs a goroutine on top of what it does only if that much is left, on the stack that the system gave
//! it: a coroutine's stack has bounds that nobody here knows, as does every stack where the system does
//! not tell.

#[cfg(target_os = "linux")]
use super::spawner;
use super::system;
use std::cell::Cell;
use std::ops::Range;
use std::ptr;

/// What is promised unless the user says otherwise, in bytes. A thread of std's, which has 2 MiB, may
/// so help while it has used no more than half a MiB.
pub(super) const PROMISE: usize = 3 << 19;

/// What a worker has besides, for itself and for what a goroutine finds there.
const SPARE: usize = 1 << 19;

/// What may lie between the look at the stack and the first frame of the goroutine.
const FRAMES: usize = 16 << 10;

/// The stack of a worker in bytes: so large that a goroutine that has used all that it was promised may
/// help. With the usual promise it is no multiple of 2 MiB, which some kernels would make resident at
/// once, as huge pages.
pub(super) fn worker_size() -> usize {
    2 * system::stack_size() + SPARE
}

thread_local! {
    /// Where a goroutine may begin on the stack of the current thread; none if that is not known yet.
    static ROOM: Cell<Option<(usize, usize)>> = const { Cell::new(None) };
}

/// Whether the current thread has room for a goroutine on top of what it does.
#[inline]
pub(crate) fn has_room() -> bool {
    let here = 0_u8;
    let here = ptr::from_ref(&here).addr();
    let (lowest, highest) = ROOM.get().unwrap_or_else(find_room);
    lowest < here && here < highest
}

/// Where no goroutine may begin.
const NOWHERE: (usize, usize) = (usize::MAX, 0);

#[cold]
fn find_room() -> (usize, usize) {
    let room = match bounds() {
        Some(stack) => {
            let needed = FRAMES + system::stack_size();
            (stack.start.saturating_add(needed), stack.end)
        }
        // Maybe only for now.
        None => return NOWHERE,
    };
    ROOM.set(Some(room));
    room
}

/// The addresses that the current thread may use as its stack; none where they are not known.
#[cfg(target_os = "linux")]
fn bounds() -> Option<Range<usize>> {
    use std::mem::MaybeUninit;

    let mut attributes = MaybeUninit::<libc::pthread_attr_t>::uninit();
    let mut lowest = ptr::null_mut();
    let (mut size, mut guard) = (0, 0);
    // SAFETY: as pthread_getattr_np(3) has it, the attributes are read only after they have been
    // written, and destroyed once.
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
    // Some C libraries count the guard page in.
    let (lowest, highest) = (lowest.addr() + guard, lowest.addr() + size);
    let is_endless = spawner::is_main_thread() && has_no_limit();
    let lowest = if is_endless {
        lowest.max(highest.saturating_sub(USUAL_SIZE))
    } else {
        lowest
    };
    Some(lowest..highest)
}

/// What Linux gives to main threads as a rule. If there is no limit a stack may grow until it meets
/// another mapping, and no one can tell what is mapped there later: maybe the stack of a coroutine.
#[cfg(target_os = "linux")]
const USUAL_SIZE: usize = 8 << 20;

#[cfg(target_os = "linux")]
fn has_no_limit() -> bool {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `limit` is there to be written.
    let result = unsafe { libc::getrlimit(libc::RLIMIT_STACK, &mut limit) };
    result != 0 || limit.rlim_cur == libc::RLIM_INFINITY
}

#[cfg(not(target_os = "linux"))]
fn bounds() -> Option<Range<usize>> {
    None
}
