use super::{Holder, LARGEST_BATCH, Observations, Processor, Run, State, Wakeup, Watch};

/// Returns a state in which `max_procs` workers may run and the monitor watches.
fn state(max_procs: usize) -> State {
    let mut state = State::new(max_procs);
    state.watch = Watch::Watching;
    state
}

/// Returns the processor of a worker that runs a goroutine and counts as running.
fn in_goroutine(state: &mut State) -> &'static Processor {
    let p: &Processor = Box::leak(Box::new(Processor::new(0)));
    p.set_holder(Holder::Running);
    p.in_goroutine.set(1);
    state.running += 1;
    p
}

/// Returns how many new workers to start.
#[track_caller]
fn new_workers(wakeup: Option<Wakeup>) -> usize {
    match wakeup {
        Some(Wakeup::Workers(sleepers, new)) => {
            assert!(sleepers.iter().all(Option::is_none));
            new
        }
        Some(_) => panic!("the monitor is woken"),
        None => 0,
    }
}

/// The workers have found goroutines, and `blocked` of them have blocked.
fn begin(state: &mut State, blocked: usize) {
    state.is_searching = false;
    state.running -= blocked;
    state.blocked += blocked;
}

#[test]
fn the_batch_doubles_if_all_have_blocked() {
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

/// However often goroutines have blocked and continued before.
#[test]
fn goroutines_that_have_continued_do_not_count_as_blocked() {
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
fn no_more_workers_than_waiting_goroutines() {
    let mut state = state(1);
    for waiting in [4, 1, 1, 2, 0] {
        let new = new_workers(state.wake(0, waiting));
        assert!(new <= waiting);
        begin(&mut state, new);
    }
}

/// One each time, as long as fewer workers run than may.
#[test]
fn one_worker_is_woken_if_none_has_blocked() {
    let mut state = state(4);
    for _ in 0..4 {
        assert_eq!(new_workers(state.wake(0, usize::MAX)), 1);
        begin(&mut state, 0);
    }
    assert_eq!(new_workers(state.wake(0, usize::MAX)), 0);
}

#[test]
fn blocked_workers_are_replaced_while_others_run() {
    let mut state = state(2);
    let both = [(); 2].map(|()| in_goroutine(&mut state));
    let seen = Observations {
        blocked: vec![Run::now(both[0])],
        ..Observations::default()
    };
    let (look, wakeup) = state.look(&seen, 0, 1);
    assert!(look.has_replaced);
    let holders = both.map(Processor::holder);
    assert_eq!(holders, [Holder::Stuck, Holder::Running]);
    assert_eq!(new_workers(wakeup), 1);
}

/// Asserts that the worker still counts as running after `change`, although the monitor had seen its
/// goroutine block, and run for too long, before.
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
fn half_of_the_overdue_goroutines_make_room() {
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

/// Otherwise a goroutine would wait for as long as the other one and the thread continue.
#[test]
fn an_overdue_goroutine_beside_a_busy_thread_makes_room() {
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
