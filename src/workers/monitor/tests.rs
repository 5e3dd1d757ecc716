use super::super::place::Place;
use super::{Run, SAMPLE, Seen, Signs};
use std::cell::Cell;

/// So many threads that stand still; what each of them answers follows from its index. Returns who counts as blocked,
/// whether that is a guess, and how many have been asked.
fn ask(count: usize, sleeps: fn(usize) -> Option<bool>) -> (Vec<usize>, bool, usize) {
    let place = |index| -> &'static Place { Box::leak(Box::new(Place::new(index))) };
    let mut signs = Signs {
        seen: Seen {
            blocked: (0..count).map(|index| Run::now(place(index))).collect(),
            ..Seen::default()
        },
        ..Signs::default()
    };
    let asked = Cell::new(0);
    signs.leave_out_who_is_awake(|run| {
        asked.set(asked.get() + 1);
        sleeps(run.place.index)
    });
    let blocked = signs.seen.blocked.iter().map(|run| run.place.index);
    (blocked.collect(), signs.seen.is_guess, asked.get())
}

#[test]
fn of_many_that_sleep_some_are_asked() {
    for count in [SAMPLE + 1, 100, 101] {
        let (blocked, is_guess, asked) = ask(count, |_| Some(true));
        assert_eq!(blocked.len(), count);
        assert!(
            !is_guess && (1..=SAMPLE).contains(&asked),
            "{asked} of {count}"
        );
    }
}

#[test]
fn each_is_asked_if_one_is_awake() {
    let (blocked, is_guess, _) = ask(100, |index| Some(index % 2 == 1));
    assert!(blocked.iter().all(|index| index % 2 == 1));
    assert!(blocked.len() == 50 && !is_guess);
}

#[test]
fn each_of_few_is_asked() {
    let (blocked, ..) = ask(SAMPLE, |index| Some(index + 1 < SAMPLE));
    assert_eq!(blocked.len(), SAMPLE - 1);
}

#[test]
fn who_cannot_be_asked_may_be_blocked() {
    let (blocked, is_guess, _) = ask(100, |_| None);
    assert!(blocked.len() == 100 && is_guess);
}
