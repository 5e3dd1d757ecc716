//! Models of `RawWaitGroup`.

use super::super::witness;
use super::primitive::UnsafeCell;
use super::{check, join, spawn};
use crate::raw_wait_group::RawWaitGroup;
use shuttle::sync::Arc;
use shuttle::sync::atomic::{AtomicBool, Ordering::Relaxed};
use shuttle::thread;
use std::time::Instant;

const THREADS: usize = 6;
const ROUNDS: usize = 5;

/// A barrier made of wait groups, which each thread passes once in each round.
struct Barrier {
    /// The groups take turns: one is in use, one is being refilled, and some threads may still be leaving
    /// one.
    groups: [RawWaitGroup; 3],
    /// Whether each thread has done its work in each round.
    work: [[UnsafeCell<bool>; THREADS]; ROUNDS],
}

// SAFETY: all threads of a schedule run on one OS thread. If a thread reads the work while it is being done,
// the cell panics.
unsafe impl Send for Barrier {}
// SAFETY: as above.
unsafe impl Sync for Barrier {}

impl Barrier {
    fn pass(&self, round: usize, thread: usize) {
        // SAFETY: if another thread accesses this at the same time, the cell panics.
        self.work[round][thread].with_mut(|work| unsafe { *work = true });
        let group = &self.groups[round % 3];
        group.add(-1).unwrap();
        assert!(group.wait(None));
        for work in &self.work[round] {
            // SAFETY: if another thread writes this at the same time, the cell panics.
            assert!(work.with(|work| unsafe { *work }));
        }
        if thread == 0 {
            // Every thread has left the group of the round before, because all have arrived at this one.
            let left = &self.groups[(round + 2) % 3];
            if round > 0 {
                left.add(THREADS.cast_signed()).unwrap();
            }
        }
    }
}

#[test]
fn groups_are_used_again_and_again() {
    check(|| {
        let barrier = Arc::new(Barrier {
            groups: [(); 3].map(|()| RawWaitGroup::new(THREADS)),
            work: [(); ROUNDS].map(|()| [(); THREADS].map(|()| UnsafeCell::new(false))),
        });
        join(spawn(THREADS, move |thread| {
            for round in 0..ROUNDS {
                barrier.pass(round, thread);
            }
        }));
    });
}

#[test]
fn a_wait_ends_after_the_work_that_was_added_before_it() {
    check(|| {
        let group = Arc::new(RawWaitGroup::new(0));
        let shared = Arc::clone(&group);
        let users = spawn(3, move |user| {
            let deadline = (user == 0).then(Instant::now);
            let rounds = [(); 3].map(|()| add_and_wait(&shared, deadline));
            rounds.contains(&false)
        });
        witness(join(users).contains(&true));
        assert_eq!(group.word(), 0);
    });
}

/// Starts a thread that works, and waits until the group is done. Returns false if the deadline passes first.
fn add_and_wait(group: &Arc<RawWaitGroup>, deadline: Option<Instant>) -> bool {
    let is_done = Arc::new(AtomicBool::new(false));
    group.add(2).unwrap();
    let (at_work, work) = (Arc::clone(group), Arc::clone(&is_done));
    let worker = thread::spawn(move || {
        work.store(true, Relaxed);
        at_work.add(-1).unwrap();
    });
    group.add(-1).unwrap();
    let is_over = group.wait(deadline);
    assert!(is_done.load(Relaxed) || !is_over, "released too early");
    join([worker]);
    is_over
}
