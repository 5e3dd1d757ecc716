//! The heavy barrier of Windows: `FlushProcessWriteBuffers`.
//!
//! Microsoft documents that it interrupts all processors in the affinity of the process, and that writes of
//! one processor are visible to the others afterwards (`processthreadsapi.h`, since Windows Vista). It needs
//! no registration and reports no failure. .NET's runtime relies on it in the same way: it lets threads check
//! without a fence whether they have to stop.
//!
//! Wine has the call, but in Wine 8.0 it does nothing and prints `stub` (`dlls/ntdll/unix/virtual.c`,
//! `NtFlushProcessWriteBuffers`), and it reports no failure there either. With it a writer would overlook
//! readers. So under Wine, of whatever version, locks use fences.

use std::ffi::{CStr, c_char, c_void};

windows_link::link!("kernel32.dll" "system" fn FlushProcessWriteBuffers());
windows_link::link!("kernel32.dll" "system" fn GetModuleHandleA(name: *const c_char) -> *mut c_void);
windows_link::link!("kernel32.dll" "system" fn GetProcAddress(module: *mut c_void, name: *const c_char) -> *const c_void);

pub(super) fn exists() -> bool {
    !is_wine()
}

/// Whether this is Wine, which exports this function from a library that each process has.
fn is_wine() -> bool {
    const LIBRARY: &CStr = c"ntdll.dll";
    const FUNCTION: &CStr = c"wine_get_version";

    // SAFETY: both names end with a zero. `GetProcAddress` gets a module that stays loaded, or null, which
    // stands for the program itself.
    unsafe {
        let library = GetModuleHandleA(LIBRARY.as_ptr());
        !GetProcAddress(library, FUNCTION.as_ptr()).is_null()
    }
}

pub(super) fn registers_at_once() -> bool {
    true
}

pub(super) fn register() -> bool {
    true
}

pub(super) fn pass() {
    // SAFETY: it takes nothing and touches no memory of ours.
    unsafe { FlushProcessWriteBuffers() }
}

#[cfg(test)]
mod tests {
    /// Also where locks do without it, so that every run shows that the call links and returns.
    #[test]
    fn the_call_returns() {
        super::pass();
    }
}
