//! The bounds of a stack on macOS: `pthread_get_stackaddr_np` and `pthread_get_stacksize_np`.

use std::ops::Range;

/// A thread keeps the stack that it begins on.
pub(super) const MAY_CHANGE: bool = false;

/// The stack size that macOS usually gives to the main thread, in bytes. More is not needed, so nothing depends on
/// what a raised limit means for a process that runs already.
const USUAL_SIZE: usize = 8 << 20;

/// Returns the addresses that the current thread may use as its stack, or `None` if they are not known.
pub(super) fn of_this_thread() -> Option<Range<usize>> {
    // SAFETY: both calls take a thread that runs, as this one does. The last one takes nothing.
    let (highest, size, is_main) = unsafe {
        let me = libc::pthread_self();
        (
            libc::pthread_get_stackaddr_np(me).addr(),
            libc::pthread_get_stacksize_np(me),
            libc::pthread_main_np() != 0,
        )
    };
    let size = match is_main {
        true => size.min(USUAL_SIZE),
        false => size,
    };
    // A guard page lies below, if there is one.
    Some(highest.checked_sub(size)?..highest)
}
