use super::super::processor::Processor;
use super::{Observations, Run, SAMPLE, Survey};
use std::cell::Cell;

/// So many threads that stand still; what each of them answers follows from its index. Returns who counts as blocked,
/// whether that is a guess, and how many have been asked.
fn ask(count: usize, sleeps: fn(usize) -> Option<bool>) -> (Vec<usize>, bool, usize) {
    let p = |index| -> &'static Processor { Box::leak(Box::new(Processor::new(index))) };
    let mut survey = Survey {
        seen: Observations {
            blocked: (0..count).map(|index| Run::now(p(index))).collect(),
            ..Observations::default()
        },
        ..Survey::default()
    };
    let asked = Cell::new(0);
    survey.drop_awake(|run| {
        asked.set(asked.get() + 1);
        sleeps(run.p.index)
    });
    let blocked = survey.seen.blocked.iter().map(|run| run.p.index);
    (blocked.collect(), survey.seen.is_guess, asked.get())
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
fn a_thread_of_unknown_state_may_be_blocked() {
    let (blocked, is_guess, _) = ask(100, |_| None);
    assert!(blocked.len() == 100 && is_guess);
}
