//! The bounds of a stack on Linux: `pthread_getattr_np`.

use crate::workers::spawner;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::ptr;

/// A thread keeps the stack that it begins on.
pub(super) const MAY_CHANGE: bool = false;

/// Returns the addresses that the current thread may use as its stack, or `None` if they are not known.
pub(super) fn of_this_thread() -> Option<Range<usize>> {
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
const USUAL_SIZE: usize = 8 << 20;

fn has_no_limit() -> bool {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `limit` is valid for writes.
    let result = unsafe { libc::getrlimit(libc::RLIMIT_STACK, &mut limit) };
    result != 0 || limit.rlim_cur == libc::RLIM_INFINITY
}
