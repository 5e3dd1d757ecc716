//! The bounds of a stack on Windows: `GetCurrentThreadStackLimits`.
//!
//! The call returns two fields of the thread's block (TEB), `DeallocationStack` and `StackBase`. When a thread
//! switches to a fiber, or to a coroutine of a library that tells the system about it, they change. Some
//! libraries change only one of them, or set one to 0. So the bounds count only if the low one is where the
//! system has allocated the memory that the thread stands on.

use std::cell::Cell;
use std::ffi::c_void;
use std::ops::Range;
use std::{mem, ptr};

windows_link::link!("kernel32.dll" "system" fn GetCurrentThreadStackLimits(lowest: *mut usize, highest: *mut usize));
windows_link::link!("kernel32.dll" "system" fn SetThreadStackGuarantee(size: *mut u32) -> i32);
windows_link::link!("kernel32.dll" "system" fn VirtualQuery(address: *const c_void, info: *mut MemoryInfo, size: usize) -> usize);

/// `MEMORY_BASIC_INFORMATION`.
#[repr(C)]
#[derive(Default)]
struct MemoryInfo {
    base_address: usize,
    allocation_base: usize,
    allocation_protect: u32,
    #[cfg(target_pointer_width = "64")]
    partition_id: u16,
    region_size: usize,
    state: u32,
    protect: u32,
    kind: u32,
}

/// A thread may move from stack to stack.
pub(super) const MAY_CHANGE: bool = true;

/// The guard pages at the low end, in bytes, and more.
const GUARD: usize = 16 << 10;

/// The least that counts as not for frames at the low end, in bytes.
const MIN_KEPT: usize = 64 << 10;

/// Returns the addresses that the current thread may use as its stack, or `None` if they are not known.
pub(super) fn of_this_thread() -> Option<Range<usize>> {
    thread_local! {
        /// The last bounds that were those of one stack. To ask each time would take a system call.
        static KNOWN: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
    }

    let (mut lowest, mut highest) = (0, 0);
    // SAFETY: both pointers are valid for writes.
    unsafe { GetCurrentThreadStackLimits(&mut lowest, &mut highest) };
    if KNOWN.get() != (lowest, highest) {
        if allocation_base() != Some(lowest) {
            return None;
        }
        KNOWN.set((lowest, highest));
    }
    Some(lowest.checked_add(kept())?..highest)
}

/// Returns where the memory begins that the system allocated for the current stack.
fn allocation_base() -> Option<usize> {
    let mut info = MemoryInfo::default();
    let here = ptr::from_ref(&info).cast();
    // SAFETY: `info` is valid for writes of its size. The call takes any address.
    let written = unsafe { VirtualQuery(here, &mut info, mem::size_of::<MemoryInfo>()) };
    (written != 0).then_some(info.allocation_base)
}

/// Returns how much of the low end is not for frames: the guard pages, and what the system keeps for the handler
/// of a stack overflow. std asks for 20 KiB of it, and a program may ask for more.
fn kept() -> usize {
    let mut size = 0;
    // SAFETY: `size` is valid for reads and writes. With 0, the call changes nothing and returns the size.
    unsafe { SetThreadStackGuarantee(&mut size) };
    MIN_KEPT.max(size as usize + GUARD)
}

#[cfg(test)]
mod tests {
    use super::{c_void, kept, mem, of_this_thread, ptr};
    use crate::workers::stack::has_room;
    use std::sync::Mutex;
    use std::thread;

    windows_link::link!("kernel32.dll" "system" fn ConvertThreadToFiber(data: *const c_void) -> *mut c_void);
    windows_link::link!("kernel32.dll" "system" fn CreateFiberEx(commit: usize, reserve: usize, flags: u32, body: extern "system" fn(*mut c_void), data: *const c_void) -> *mut c_void);
    windows_link::link!("kernel32.dll" "system" fn SwitchToFiber(fiber: *mut c_void));
    windows_link::link!("kernel32.dll" "system" fn DeleteFiber(fiber: *mut c_void));

    struct Visit {
        /// Where the fiber returns to.
        thread: *mut c_void,
        /// The size of its stack, and whether it has room for a goroutine.
        found: Mutex<Option<(usize, bool)>>,
    }

    extern "system" fn visit(data: *mut c_void) {
        // SAFETY: `on_a_fiber` passes a `Visit`, which outlives the fiber.
        let visit = unsafe { &*data.cast::<Visit>() };
        let size = of_this_thread().unwrap().len();
        *visit.found.lock().unwrap() = Some((size, has_room()));
        // SAFETY: `thread` is a fiber that does not run.
        unsafe { SwitchToFiber(visit.thread) };
        unreachable!("the fiber is deleted");
    }

    /// Returns what a fiber finds that has `reserve` bytes of stack, at least 1 MiB under Wine. The thread must be a
    /// fiber, `thread`.
    fn on_a_fiber(thread: *mut c_void, reserve: usize) -> (usize, bool) {
        let found = Mutex::new(None);
        let data = Visit { thread, found };
        // SAFETY: `visit` takes a pointer to a `Visit`. The fiber is deleted once, after it has switched back.
        unsafe {
            let fiber = CreateFiberEx(64 << 10, reserve, 0, visit, ptr::from_ref(&data).cast());
            assert!(!fiber.is_null());
            SwitchToFiber(fiber);
            DeleteFiber(fiber);
        }
        data.found.into_inner().unwrap().unwrap()
    }

    #[test]
    fn each_fiber_has_its_own_bounds() {
        let test = || {
            // SAFETY: this thread is not yet a fiber.
            let thread = unsafe { ConvertThreadToFiber(ptr::null()) };
            assert!(!thread.is_null());
            let own = of_this_thread().unwrap();
            assert!(has_room());
            let near = |size: usize, expected: usize| size.abs_diff(expected) <= 256 << 10;
            for _ in 0..2 {
                let (size, has_room) = on_a_fiber(thread, 1 << 20);
                assert!(near(size, 1 << 20) && !has_room, "{size}");
                let (size, has_room) = on_a_fiber(thread, 8 << 20);
                assert!(near(size, 8 << 20) && has_room, "{size}");
            }
            assert_eq!(of_this_thread(), Some(own));
        };
        let thread = thread::Builder::new().stack_size(4 << 20);
        thread.spawn(test).unwrap().join().unwrap();
    }

    #[test]
    fn what_a_program_keeps_for_overflows_is_not_for_frames() {
        let test = || {
            let (before, mut size) = (kept(), 256 << 10);
            // SAFETY: `size` is valid for reads and writes.
            assert_ne!(unsafe { super::SetThreadStackGuarantee(&mut size) }, 0);
            assert!(before < 256 << 10 && kept() >= 256 << 10);
        };
        thread::spawn(test).join().unwrap();
    }

    /// Some libraries set the low bound of a coroutine's stack to 0.
    #[test]
    #[cfg(target_arch = "x86_64")]
    fn bounds_that_are_not_those_of_one_stack_do_not_count() {
        use std::arch::asm;

        /// Sets the field `DeallocationStack` of the thread's block, and returns what it was.
        fn set_lowest(lowest: usize) -> usize {
            let old;
            // SAFETY: gs holds the address of the thread's block. What reads the field gets a number.
            unsafe {
                asm!("mov {0}, gs:[0x1478]", "mov gs:[0x1478], {1}", out(reg) old, in(reg) lowest);
            }
            old
        }

        let test = || {
            let own = of_this_thread().unwrap();
            let lowest = set_lowest(0);
            let (found, has_room_now) = (of_this_thread(), has_room());
            set_lowest(lowest);
            assert!(found.is_none() && !has_room_now);
            assert_eq!(of_this_thread(), Some(own));
            assert!(mem::size_of::<super::MemoryInfo>() == 48);
        };
        thread::spawn(test).join().unwrap();
    }
}
