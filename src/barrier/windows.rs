//! The heavy barrier of Windows: `FlushProcessWriteBuffers`.
//!
//! Microsoft documents that it interrupts all processors in the affinity of the process, and that writes of
//! one processor are visible to the others afterwards (`processthreadsapi.h`, since Windows Vista). It needs
//! no registration and reports no failure. .NET's runtime relies on it in the same way: it lets threads check
//! without a fence whether they have to stop.

windows_link::link!("kernel32.dll" "system" fn FlushProcessWriteBuffers());

pub(super) fn exists() -> bool {
    true
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
