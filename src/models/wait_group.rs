//! Models of `WaitGroup`: of the handle and of the raw counter.

use super::{Model, witness};
use crate::WaitGroup;
use crate::raw_wait_group::RawWaitGroup;
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;
use std::time::Instant;

/// A group, and the results of the work of its members.
struct Group {
    raw: RawWaitGroup,
    work: [UnsafeCell<usize>; 2],
}

impl Group {
    fn new(count: usize) -> Arc<Self> {
        Arc::new(Self {
            raw: RawWaitGroup::new(count),
            work: [UnsafeCell::new(0), UnsafeCell::new(0)],
        })
    }

    fn work(&self, index: usize) {
        self.finish(index, 1);
    }

    /// Works, and then takes `members` from the counter.
    fn finish(&self, index: usize, members: isize) {
        // SAFETY: loom reports accesses that race.
        self.work[index].with_mut(|work| unsafe { *work += 1 });
        self.raw.add(-members).unwrap();
    }

    fn seen(&self, index: usize) -> usize {
        // SAFETY: loom reports accesses that race.
        self.work[index].with(|work| unsafe { *work })
    }
}

#[test]
fn done_happens_before_wait_returns() {
    Model::new().preemptions(4).check(|| {
        let group = Group::new(1);
        let worker = Arc::clone(&group);
        let worker = thread::spawn(move || worker.work(0));
        group.raw.wait(None);
        assert_eq!(group.seen(0), 1);
        worker.join().unwrap();
        assert_eq!(group.raw.word(), 0);
    });
}

#[test]
fn every_done_happens_before_wait_returns() {
    Model::new().preemptions(3).check(|| {
        let group = Group::new(2);
        let workers = [0, 1].map(|index| {
            let group = Arc::clone(&group);
            thread::spawn(move || group.work(index))
        });
        group.raw.wait(None);
        assert_eq!((group.seen(0), group.seen(1)), (1, 1));
        for worker in workers {
            worker.join().unwrap();
        }
        assert_eq!(group.raw.word(), 0);
    });
}

#[test]
fn several_dones_at_once_happen_before_wait_returns() {
    Model::new().preemptions(4).check(|| {
        let group = Group::new(2);
        let worker = Arc::clone(&group);
        let worker = thread::spawn(move || worker.finish(0, 2));
        group.raw.wait(None);
        assert_eq!(group.seen(0), 1);
        worker.join().unwrap();
        assert_eq!(group.raw.word(), 0);
    });
}

#[test]
fn one_done_releases_two_waiters() {
    Model::new().check(|| {
        let group = Group::new(1);
        let waiters = [0, 1].map(|_| {
            let group = Arc::clone(&group);
            thread::spawn(move || {
                group.raw.wait(None);
                assert_eq!(group.seen(0), 1);
            })
        });
        group.work(0);
        for waiter in waiters {
            waiter.join().unwrap();
        }
        assert_eq!(group.raw.word(), 0);
    });
}

#[test]
fn a_waiter_is_released_although_the_group_is_used_again() {
    Model::new().preemptions(3).check(|| {
        let group = Group::new(1);
        let waiter = Arc::clone(&group);
        let waiter = thread::spawn(move || waiter.raw.wait(None));
        let sleeps = witness(super::park::sleepers(group.raw.waiters()) == 1);
        group.raw.add(-1).unwrap();
        group.raw.add(1).unwrap();
        if sleeps {
            // The next round has begun, and does not end before the waiter of the first round has returned.
            waiter.join().unwrap();
            group.raw.add(-1).unwrap();
        } else {
            group.raw.add(-1).unwrap();
            waiter.join().unwrap();
        }
        assert_eq!(group.raw.word(), 0);
    });
}

#[test]
fn a_waiter_of_the_next_round_is_not_released_by_this_one() {
    Model::new().check(|| {
        let group = Group::new(1);
        let early = Arc::clone(&group);
        let early = thread::spawn(move || early.raw.wait(None));
        let late = Arc::clone(&group);
        let late = thread::spawn(move || {
            late.raw.add(-1).unwrap();
            late.raw.add(1).unwrap();
            let next = Arc::clone(&late);
            let worker = thread::spawn(move || next.work(0));
            late.raw.wait(None);
            assert_eq!(late.seen(0), 1, "released by the round before");
            worker.join().unwrap();
        });
        early.join().unwrap();
        late.join().unwrap();
        assert_eq!(group.raw.word(), 0);
    });
}

/// A member adds another one, and finishes both, while two threads wait. The waits must not end before that.
#[test]
fn add_races_wait() {
    Model::new().check(|| {
        let group = Group::new(1);
        let worker = Arc::clone(&group);
        let worker = thread::spawn(move || {
            worker.raw.add(1).unwrap();
            worker.work(0);
            worker.raw.add(-1).unwrap();
        });
        let waiter = Arc::clone(&group);
        let waiter = thread::spawn(move || {
            waiter.raw.wait(None);
            assert_eq!(waiter.seen(0), 1);
        });
        group.raw.wait(None);
        assert_eq!(group.seen(0), 1);
        worker.join().unwrap();
        waiter.join().unwrap();
        assert_eq!(group.raw.word(), 0);
    });
}

#[test]
fn a_waiter_gives_up() {
    Model::new().check_timeouts(|| {
        let group = Group::new(1);
        let timed = Arc::clone(&group);
        let timed = thread::spawn(move || {
            if timed.raw.wait(Some(Instant::now())) {
                assert_eq!(timed.seen(0), 1);
            }
        });
        let waiter = Arc::clone(&group);
        let waiter = thread::spawn(move || waiter.raw.wait(None));
        group.work(0);
        timed.join().unwrap();
        waiter.join().unwrap();
        assert_eq!(group.raw.word(), 0);
    });
}

#[test]
fn the_waiter_may_free_the_group() {
    Model::new().preemptions(4).check(|| {
        let wg = WaitGroup::new();
        wg.add(1);
        let worker = wg.clone();
        let worker = thread::spawn(move || worker.done());
        wg.wait();
        // The thread that drops the last handle frees the group. Loom reports a leak, and any use after that.
        drop(wg);
        worker.join().unwrap();
    });
}

#[test]
fn a_refused_done_leaves_waiters_wakeable() {
    Model::new().preemptions(3).check(|| {
        let group = Group::new(1);
        let waiter = Arc::clone(&group);
        let waiter = thread::spawn(move || waiter.raw.wait(None));
        assert!(group.raw.add(-2).is_err());
        assert_eq!(group.raw.count(), 1);
        group.raw.add(-1).unwrap();
        waiter.join().unwrap();
        assert!(group.raw.add(-1).is_err());
        assert_eq!(group.raw.word(), 0);
    });
}

/// Of the two subtractions only one has a member to subtract, so the counter refuses the other one.
#[test]
fn a_done_too_many_races_an_add() {
    Model::new().preemptions(4).check(|| {
        let group = Group::new(0);
        let other = Arc::clone(&group);
        let other = thread::spawn(move || {
            other.raw.add(1).unwrap();
            usize::from(other.raw.add(-1).is_err())
        });
        let refused = usize::from(group.raw.add(-1).is_err());
        assert_eq!(refused + other.join().unwrap(), 1);
        assert_eq!(group.raw.word(), 0);
    });
}

/// Of the two subtractions only one has a member to subtract. The waiter must return all the same.
#[test]
fn a_done_too_many_races_the_last_one() {
    Model::new().check(|| {
        let group = Group::new(1);
        let waiter = Arc::clone(&group);
        let waiter = thread::spawn(move || waiter.raw.wait(None));
        let other = Arc::clone(&group);
        let other = thread::spawn(move || usize::from(other.raw.add(-1).is_err()));
        let refused = usize::from(group.raw.add(-1).is_err());
        waiter.join().unwrap();
        assert_eq!(refused + other.join().unwrap(), 1);
        assert_eq!(group.raw.word(), 0);
    });
}

#[test]
fn an_add_races_the_last_done() {
    Model::new().check(|| {
        let group = Group::new(1);
        let waiter = Arc::clone(&group);
        let waiter = thread::spawn(move || {
            waiter.raw.wait(None);
            assert_eq!(waiter.seen(0), 1);
        });
        let other = Arc::clone(&group);
        let other = thread::spawn(move || {
            other.raw.add(2).unwrap();
            other.raw.add(-2).unwrap();
        });
        group.work(0);
        waiter.join().unwrap();
        other.join().unwrap();
        assert_eq!(group.raw.word(), 0);
    });
}
