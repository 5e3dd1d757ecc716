use super::{Processor, SLICE};
use std::time::Duration;

/// Milliseconds since the monitor started, up to which a `usize` can count them.
const LAST: Duration = Duration::from_millis(usize::MAX as u64);

/// A processor whose worker has begun a round at `now`.
fn in_a_round_since(now: Duration) -> Processor {
    let p = Processor::new(0);
    p.outer_runs.add_one();
    assert_eq!(p.observe_outer_run(now), Duration::ZERO);
    p
}

#[test]
fn a_round_is_measured_at_any_time() {
    for begin in [Duration::from_millis(1), LAST / 2, LAST, 2 * LAST] {
        let p = in_a_round_since(begin);
        assert_eq!(p.observe_outer_run(begin + SLICE), SLICE, "{begin:?}");
    }
}

/// As long as milliseconds can be counted.
#[test]
fn a_round_goes_on() {
    let begin = LAST - Duration::from_secs(1);
    let p = in_a_round_since(begin);
    for round in (1..100).map(Duration::from_secs) {
        assert_eq!(p.observe_outer_run(begin + round), round);
    }
}
