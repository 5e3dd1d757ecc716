use super::super::decisions::{Observations, Run};
use super::super::processor::Holder;
use super::super::{prepare, scheduler};
use super::{Scheduler, Starters};
use crate::go;
use std::sync::mpsc;

/// Otherwise the monitor would not see it when it blocks once more.
#[test]
fn a_worker_that_was_stuck_is_listed_when_it_goes_on() {
    let scheduler = Scheduler::new(
        1,
        Starters {
            worker: || Ok(()),
            monitor: || Ok(()),
        },
    );
    let p = scheduler.reacquire();
    scheduler.look(&Observations {
        blocked: vec![Run::now(p)],
        ..Observations::default()
    });
    assert_eq!(p.holder(), Holder::Stuck);
    // It has moved, and then not.
    (0..2).for_each(|_| _ = scheduler.look(&Observations::default()));
    assert!(!p.is_listed());
    assert!(scheduler.try_continue(p));
    assert_eq!(p.holder(), Holder::Running);
    assert!(p.is_listed());
}

/// So the cost of a search does not grow with the number of threads.
#[test]
fn the_processors_of_a_crowd_that_blocks_are_not_listed() {
    const CROWD: usize = 1000;
    /// As many as the monitor may not have come to by now, before nothing was left to watch.
    const MOST: usize = 100;

    prepare();
    let (start, started) = mpsc::channel();
    let (senders, crowd): (Vec<_>, Vec<_>) = (0..CROWD)
        .map(|_| {
            let (sender, receiver) = mpsc::channel::<()>();
            let start = start.clone();
            let blocked = go(move || {
                start.send(()).unwrap();
                receiver.recv().is_err()
            });
            (sender, blocked)
        })
        .unzip();
    assert_eq!(started.iter().take(CROWD).count(), CROWD);
    let processors = &scheduler().processors;
    assert!(processors.all().count() >= CROWD);
    let listed = processors.count();
    assert!(listed <= MOST, "{listed} are listed");
    drop(senders);
    for blocked in crowd {
        assert!(blocked.join().unwrap());
    }
}
