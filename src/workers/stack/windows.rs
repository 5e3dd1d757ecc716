//! The bounds of a stack on Windows: `GetCurrentThreadStackLimits`.

use std::ops::Range;

windows_link::link!("kernel32.dll" "system" fn GetCurrentThreadStackLimits(lowest: *mut usize, highest: *mut usize));

/// A thread that has become a fiber moves from stack to stack, and the system tells the bounds of the current one.
pub(super) const MAY_CHANGE: bool = true;

/// What lies at the low end and is not for frames: the guard pages, and what the system keeps for the handler of
/// a stack overflow. std asks for 20 KiB of it.
const KEPT: usize = 64 << 10;

/// Returns the addresses that the current thread may use as its stack, or `None` if they are not known.
pub(super) fn of_this_thread() -> Option<Range<usize>> {
    let (mut lowest, mut highest) = (0, 0);
    // SAFETY: both pointers are valid for writes.
    unsafe { GetCurrentThreadStackLimits(&mut lowest, &mut highest) };
    Some(lowest.checked_add(KEPT)?..highest)
}
