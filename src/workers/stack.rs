//! How much stack is left for a goroutine, on whichever thread it runs.
//!
//! A goroutine is promised `GOSYNC_STACK_SIZE` bytes, for the values that it captures and for its frames. A
//! thread helps only if that much is left, and only on a stack whose bounds are known. On Linux and macOS these
//! are the bounds of the thread's own stack, and a coroutine on another stack does not help.

use super::system;
use std::cell::Cell;
use std::ptr;

/// What the system tells about the stack of the current thread.
#[cfg_attr(target_os = "linux", path = "stack/linux.rs")]
#[cfg_attr(target_os = "macos", path = "stack/macos.rs")]
#[cfg_attr(all(windows, not(target_vendor = "win7")), path = "stack/windows.rs")]
#[cfg_attr(
    not(any(
        target_os = "linux",
        target_os = "macos",
        all(windows, not(target_vendor = "win7"))
    )),
    path = "stack/none.rs"
)]
mod bounds;

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
    /// are not known yet, or may change.
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
    let room = match bounds::of_this_thread() {
        Some(stack) => {
            let needed = FRAMES + system::stack_size();
            (stack.start.saturating_add(needed), stack.end)
        }
        // Not stored in `ROOM`: the bounds may become known later.
        None => return NO_ROOM,
    };
    if !bounds::MAY_CHANGE {
        ROOM.set(Some(room));
    }
    room
}

#[cfg(all(test, any(target_os = "linux", target_os = "macos", windows)))]
mod tests {
    use super::bounds;
    use std::{ptr, thread};

    /// Asserts that the bounds are those of a stack of at least `size` bytes, near whose high end it is called.
    fn assert_bounds(size: usize) {
        let here = 0_u8;
        let here = ptr::from_ref(&here).addr();
        let stack = bounds::of_this_thread().unwrap();
        assert!(stack.contains(&here), "{here:x} in {stack:x?}");
        // The system keeps some pages at the ends, and has used some of the stack.
        let slack = 256 << 10;
        assert!(stack.len() >= size - slack, "{}", stack.len());
        assert!(stack.end - here <= slack, "{here:x} in {stack:x?}");
    }

    #[test]
    fn the_bounds_enclose_the_stack() {
        for size in [1 << 20, 2 << 20, 8 << 20] {
            let thread = thread::Builder::new().stack_size(size);
            let thread = thread.spawn(move || assert_bounds(size)).unwrap();
            thread.join().unwrap();
        }
    }
}
