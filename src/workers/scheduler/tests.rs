use super::super::decisions::{Observations, Run};
use super::super::processor::Holder;
use super::super::{prepare, scheduler};
use super::{Scheduler, Starters};
use crate::go;
use std::sync::mpsc;

/// Otherwise the monitor would not see the worker when its goroutine blocks again.
#[test]
fn a_stuck_worker_is_listed_when_it_continues() {
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
    // The first look sees that the holder has done something, the second one that it has not.
    (0..2).for_each(|_| _ = scheduler.look(&Observations::default()));
    assert!(!p.is_listed());
    assert!(scheduler.try_continue(p));
    assert_eq!(p.holder(), Holder::Running);
    assert!(p.is_listed());
}

/// Otherwise the cost of a search would grow with the number of threads.
#[test]
fn processors_of_many_blocked_goroutines_are_not_listed() {
    /// With 32 bits, the address space has room for some hundred stacks.
    const CROWD: usize = if cfg!(target_pointer_width = "64") {
        1000
    } else {
        300
    };
    /// Up to this many may still be listed: the monitor stops when there is nothing left to watch.
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
