use super::{LONGEST_ROUND, Place};
use std::time::Duration;

/// Milliseconds since the monitor started, up to which a `usize` can count them.
const LAST: Duration = Duration::from_millis(usize::MAX as u64);

/// A worker starts a goroutine on top of others at `now`: not a new round.
fn is_too_long(place: &Place, now: Duration) -> bool {
    place.turns.add_one();
    place.has_run_on(now)
}

/// A place whose worker has begun a round at `now`.
fn in_a_round_since(now: Duration) -> Place {
    let place = Place::new(0);
    place.rounds.add_one();
    assert!(!is_too_long(&place, now));
    place
}

#[test]
fn a_round_may_last_as_long_after_any_time() {
    for begin in [Duration::from_millis(1), LAST / 2, LAST, 2 * LAST] {
        let place = in_a_round_since(begin);
        assert!(!is_too_long(&place, begin + LONGEST_ROUND / 2), "{begin:?}");
        assert!(is_too_long(&place, begin + LONGEST_ROUND), "{begin:?}");
    }
}

/// As long as milliseconds can be counted.
#[test]
fn a_round_that_goes_on_is_too_long() {
    let begin = LAST - Duration::from_secs(1);
    let place = in_a_round_since(begin);
    for seconds in 1..100 {
        assert!(is_too_long(&place, begin + Duration::from_secs(seconds)));
    }
}
