//! The tests that do not work under an emulator, each with the reason.

use super::runner::Runner;

/// Tests to leave out: those whose names contain `name`, and why.
pub struct LeftOut {
    pub name: &'static str,
    pub reason: &'static str,
}

const fn out(name: &'static str, reason: &'static str) -> LeftOut {
    LeftOut { name, reason }
}

const QEMU: &[LeftOut] = &[
    out(
        "membarrier::",
        "qemu-user has no filters of system calls, so they would leave themselves out",
    ),
    out(
        "workers::ends::before_main::",
        "qemu-user has a thread of its own, so the process never has only one",
    ),
    out(
        "workers::forks::goroutines_run_if_there_were_no_workers_before",
        "a child of fork that starts a thread aborts in qemu-user 7.2 (plugins/core.c)",
    ),
    out(
        "workers::mappings::a_lock_that_is_read_often_goes_on_while_there_are_too_few",
        "qemu-user needs mappings itself, and hangs if it gets none",
    ),
    out(
        "workers::refusal::a_goroutine_waits_for_memory",
        "qemu-user ignores a limit on the address space",
    ),
];

const WINE: &[LeftOut] = &[out(
    "workers::ends::of_the_process::goroutines_may_start_others_until_the_end",
    "a thread that Wine 8.0 ends may be in the middle of its work on the heap, and then the end of the process \
     sometimes loops in ntdll",
)];

/// Returns the tests to leave out under `runner`.
pub fn of(runner: Runner) -> &'static [LeftOut] {
    match runner {
        Runner::Native => &[],
        Runner::Qemu { .. } => QEMU,
        Runner::Wine => WINE,
    }
}
