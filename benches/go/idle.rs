use crate::{Plan, report};
use std::fs;
use std::thread;
use std::time::Duration;

/// Starts a million goroutines, and does nothing when they have ended: the milliseconds of CPU
/// time that the process uses nevertheless in 10 seconds, and the threads beside that of main that are
/// left then.
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

/// Not a number where the system does not tell.
#[cfg(target_os = "linux")]
fn processor_millis() -> f64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is there to be written.
    match unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) } {
        0 => time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6,
        _ => f64::NAN,
    }
}

#[cfg(not(target_os = "linux"))]
fn processor_millis() -> f64 {
    f64::NAN
}

/// As above.
fn threads() -> f64 {
    fs::read_dir("/proc/self/task").map_or(f64::NAN, |tasks| tasks.count() as f64)
}
