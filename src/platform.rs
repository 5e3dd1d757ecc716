//! What differs from target to target: threads, a clock, and the end of a process.

/// Whether there are threads. std starts none on WebAssembly without atomics.
#[cfg(not(gosync_model))]
pub(crate) const HAS_THREADS: bool =
    !cfg!(all(target_family = "wasm", not(target_feature = "atomics")));

/// Whether there is a clock. `Instant::now` panics on WebAssembly without a system.
pub(crate) const HAS_CLOCK: bool = !cfg!(all(target_family = "wasm", target_os = "unknown"));

/// Whether the process is at its end and its other threads are gone. What they had locked stays locked, so a
/// destructor must not wait for a lock of ours.
///
/// So it is on Windows: `ExitProcess` first ends all other threads, wherever they are, and then runs the
/// destructors of thread-local variables. On other systems these run while the other threads do, or not at all.
pub(crate) fn is_process_ending() -> bool {
    #[cfg(windows)]
    {
        windows_link::link!("ntdll.dll" "system" fn RtlDllShutdownInProgress() -> u8);
        // SAFETY: it takes nothing and touches no memory of ours.
        unsafe { RtlDllShutdownInProgress() != 0 }
    }
    #[cfg(not(windows))]
    false
}

#[cfg(all(test, windows))]
pub(crate) mod tests {
    use std::process::{self, Command, Stdio};
    use std::time::{Duration, Instant};
    use std::{env, thread};

    /// Runs `scenario` in a separate process, which then ends while its other threads go on. Asserts that it does
    /// end. `test` is the name of the test that calls this. Only Windows itself can show a fault: under Wine 8.0 the
    /// tests pass even if `is_process_ending` returns false.
    pub(crate) fn assert_ends(test: &str, scenario: fn()) {
        const CHILD: &str = "GOSYNC_TEST_CHILD";
        const CODE: i32 = 86;

        if env::var_os(CHILD).is_some() {
            scenario();
            process::exit(CODE);
        }
        let mut child = Command::new(env::current_exe().unwrap());
        child.args([test, "--exact"]).env(CHILD, "");
        let mut child = child.stdout(Stdio::null()).spawn().unwrap();
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(60) {
            if let Some(status) = child.try_wait().unwrap() {
                assert_eq!(status.code(), Some(CODE));
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        child.kill().unwrap();
        panic!("the process does not end");
    }
}
