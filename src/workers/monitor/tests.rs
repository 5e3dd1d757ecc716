use super::super::processor::Processor;
use super::{Observations, Run, SAMPLE, Survey};
use std::cell::Cell;

/// Calls `drop_awake` for `count` threads that seem to block. `sleeps` answers for the thread with a given
/// index. Returns the threads that still count as blocked, whether that is a guess, and how many questions
/// were asked.
fn ask(count: usize, sleeps: fn(usize) -> Option<bool>) -> (Vec<usize>, bool, usize) {
    let p = |index| -> &'static Processor { Box::leak(Box::new(Processor::new(index))) };
    let mut survey = Survey {
        observations: Observations {
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
    let blocked = survey.observations.blocked.iter().map(|run| run.p.index);
    (blocked.collect(), survey.observations.is_guess, asked.get())
}

#[test]
fn only_a_sample_of_many_sleeping_threads_is_asked() {
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
