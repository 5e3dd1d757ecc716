use super::{Holder, LARGEST_BATCH, Observations, Processor, Run, State, Wakeup, Watch};

/// So many workers may run, and the monitor watches.
fn state(max_procs: usize) -> State {
    let mut state = State::new(max_procs);
    state.watch = Watch::Watching;
    state
}

/// The processor of a worker that is at a goroutine, and counts.
fn in_goroutine(state: &mut State) -> &'static Processor {
    let p: &Processor = Box::leak(Box::new(Processor::new(0)));
    p.set_holder(Holder::Running);
    p.in_goroutine.set(1);
    state.running += 1;
    p
}

/// How many new workers are to come.
#[track_caller]
fn new_workers(wakeup: Option<Wakeup>) -> usize {
    match wakeup {
        Some(Wakeup::Workers(sleepers, new)) => {
            assert!(sleepers.iter().all(Option::is_none));
            new
        }
        Some(_) => panic!("the monitor is called"),
        None => 0,
    }
}

/// They have found something, and `blocked` of them have blocked.
fn begin(state: &mut State, blocked: usize) {
    state.is_searching = false;
    state.running -= blocked;
    state.blocked += blocked;
}

#[test]
fn twice_as_many_come_if_all_have_blocked() {
    let mut state = state(1);
    let mut expected = 1;
    for _ in 0..10 {
        let new = new_workers(state.wake(0, usize::MAX));
        assert_eq!(new, expected);
        begin(&mut state, new);
        expected = LARGEST_BATCH.min(2 * expected);
    }
    assert_eq!(expected, LARGEST_BATCH);
}

/// However often one has blocked before, and gone on.
#[test]
fn those_that_have_gone_on_do_not_count() {
    let mut state = state(2);
    for _ in 0..100 {
        in_goroutine(&mut state);
        begin(&mut state, 1);
        state.resume();
        state.running -= 1;
    }
    assert_eq!(new_workers(state.wake(0, usize::MAX)), 1);
}

#[test]
fn no_more_come_than_wait() {
    let mut state = state(1);
    for waiting in [4, 1, 1, 2, 0] {
        let new = new_workers(state.wake(0, waiting));
        assert!(new <= waiting);
        begin(&mut state, new);
    }
}

/// One more, as long as fewer run than may.
#[test]
fn one_comes_if_none_has_blocked() {
    let mut state = state(4);
    for _ in 0..4 {
        assert_eq!(new_workers(state.wake(0, usize::MAX)), 1);
        begin(&mut state, 0);
    }
    assert_eq!(new_workers(state.wake(0, usize::MAX)), 0);
}

#[test]
fn those_that_block_are_replaced_though_others_run() {
    let mut state = state(2);
    let processors = [(); 2].map(|()| in_goroutine(&mut state));
    let seen = Observations {
        blocked: vec![Run::now(processors[0])],
        ..Observations::default()
    };
    let (look, wakeup) = state.look(&seen, 0, 1);
    assert!(look.has_replaced);
    assert_eq!(
        processors.map(Processor::holder),
        [Holder::Stuck, Holder::Running]
    );
    assert_eq!(new_workers(wakeup), 1);
}

/// Whether it counts still, although the monitor has seen it blocked, and for long, before `change`.
#[track_caller]
fn assert_counts(change: fn(&Processor)) {
    let mut state = state(1);
    let p = in_goroutine(&mut state);
    let seen = Observations {
        blocked: vec![Run::now(p)],
        overdue: vec![Run::now(p)],
        ..Observations::default()
    };
    change(p);
    let (look, wakeup) = state.look(&seen, 0, 1);
    assert!(!look.has_replaced && !look.has_preempted);
    assert_eq!(new_workers(wakeup), 0);
}

#[test]
fn another_goroutine_counts() {
    assert_counts(|p| p.runs.add_one());
}

#[test]
fn a_worker_that_looks_for_another_goroutine_counts() {
    assert_counts(|p| p.in_goroutine.set(0));
}

#[test]
fn a_processor_counts_as_its_current_holder_does() {
    assert_counts(|p| p.set_holder(Holder::External));
}

#[test]
fn one_in_two_of_those_that_run_for_long_makes_room() {
    let mut state = state(4);
    let processors = [(); 4].map(|()| in_goroutine(&mut state));
    let seen = Observations {
        overdue: processors.into_iter().map(Run::now).collect(),
        ..Observations::default()
    };
    let (look, wakeup) = state.look(&seen, 0, 9);
    assert!(look.has_preempted);
    assert_eq!(state.running, 2 + new_workers(wakeup));
    let stuck = processors.iter().filter(|p| p.holder() == Holder::Stuck);
    assert_eq!(stuck.count(), 2);
}

/// Otherwise a goroutine waits for as long as both go on.
#[test]
fn one_that_runs_for_long_beside_a_busy_thread_makes_room() {
    let mut state = state(2);
    let p = in_goroutine(&mut state);
    let seen = Observations {
        overdue: vec![Run::now(p)],
        ..Observations::default()
    };
    let (look, wakeup) = state.look(&seen, 1, 1);
    assert!(look.has_preempted);
    assert_eq!(new_workers(wakeup), 1);
}
