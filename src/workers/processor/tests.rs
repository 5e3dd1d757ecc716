use super::{Processor, SLICE};
use std::time::Duration;

/// The longest time since the monitor started that a `usize` can hold in milliseconds.
const LAST: Duration = Duration::from_millis(usize::MAX as u64);

/// Returns a processor whose worker has begun an outer run at `now`.
fn in_an_outer_run_since(now: Duration) -> Processor {
    let p = Processor::new(0);
    p.outer_runs.add_one();
    assert_eq!(p.observe_outer_run(now), Duration::ZERO);
    p
}

#[test]
fn an_outer_run_is_measured_at_any_time() {
    for begin in [Duration::from_millis(1), LAST / 2, LAST, 2 * LAST] {
        let p = in_an_outer_run_since(begin);
        assert_eq!(p.observe_outer_run(begin + SLICE), SLICE, "{begin:?}");
    }
}

/// Even when the number of milliseconds wraps around.
#[test]
fn an_outer_run_continues_past_the_wrap_around() {
    let begin = LAST - Duration::from_secs(1);
    let p = in_an_outer_run_since(begin);
    for round in (1..100).map(Duration::from_secs) {
        assert_eq!(p.observe_outer_run(begin + round), round);
    }
}
