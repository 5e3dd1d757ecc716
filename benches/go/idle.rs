use crate::{Plan, report};
use std::fs;
use std::thread;
use std::time::Duration;

/// Starts a million goroutines, and does nothing once they have ended. Reports the milliseconds of CPU time
/// that the process still uses in 10 seconds, and the number of threads beside main that are left then.
pub fn run(plan: Plan) {
    for _ in 0..1_000_000 {
        gosync::go(|| ());
    }
    while gosync::num_goroutines() > 0 {
        thread::sleep(Duration::from_millis(1));
    }
    let used = processor_millis();
    thread::sleep(plan.idle);
    report("idle_millis", processor_millis() - used);
    report("idle_threads", threads() - 1.0);
}

/// Returns NaN where the system does not tell.
#[cfg(target_os = "linux")]
fn processor_millis() -> f64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is valid for writes.
    match unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) } {
        0 => time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6,
        _ => f64::NAN,
    }
}

#[cfg(not(target_os = "linux"))]
fn processor_millis() -> f64 {
    f64::NAN
}

/// Returns NaN where the system does not tell.
fn threads() -> f64 {
    fs::read_dir("/proc/self/task").map_or(f64::NAN, |tasks| tasks.count() as f64)
}
