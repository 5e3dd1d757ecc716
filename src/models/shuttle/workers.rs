//! Models of the workers, with more goroutines and threads than loom supports.

use super::{adjust, check, join, one_of, spawn};
use crate::WaitGroup;
use crate::models::system::grant;
use crate::models::{Timeouts, Watch, go};
use crate::task::Handle;
use crate::workers::{self, models};
use shuttle::sync::{Arc, Condvar, Mutex};

/// Draws the number of workers that may run, and grants as many threads as they need.
fn set_up() {
    adjust(|model| {
        model.procs = one_of([1, 2, 3]);
        model.helps = one_of([false, true]);
        model.watch = Watch::ByMonitor;
        model.timeouts = one_of([Timeouts::Early, Timeouts::Late, Timeouts::AtTheEnd]);
    });
    grant(usize::MAX);
    models::acquire_processor();
}

fn wait(handle: Handle<'_, ()>) {
    handle.join().unwrap();
}

/// Counts calls of `add_one`.
#[derive(Clone, Default)]
struct Counter(Arc<Mutex<usize>>);

impl Counter {
    fn add_one(&self) {
        *self.0.lock().unwrap() += 1;
    }

    fn assert(&self, expected: usize) {
        assert_eq!(*self.0.lock().unwrap(), expected);
    }
}

#[test]
fn goroutines_of_many_threads_run_once() {
    check(|| {
        set_up();
        let counter = Counter::default();
        let counted = counter.clone();
        let strangers = spawn(3, move |_| {
            models::acquire_processor();
            let body = || {
                let counter = counted.clone();
                move || counter.add_one()
            };
            let handles = [(); 4].map(|()| go(body()));
            handles.into_iter().for_each(wait);
        });
        join(strangers);
        counter.assert(12);
    });
}

#[test]
fn members_of_nested_groups_run_once() {
    fn nest(depth: usize, counter: &Counter) {
        let wg = WaitGroup::new();
        for _ in 0..depth {
            let counter = counter.clone();
            wg.go(move || nest(depth - 1, &counter));
        }
        wg.wait();
        counter.add_one();
    }

    check(|| {
        set_up();
        let counter = Counter::default();
        nest(3, &counter);
        // 1 + 3 · (1 + 2 · (1 + 1)).
        counter.assert(16);
    });
}

#[test]
fn goroutines_meet_in_foreign_code() {
    check(|| {
        set_up();
        // Either all goroutines tell the workers that they block, or none does.
        let is_known = one_of([false, true]);
        let meeting = Arc::new((Mutex::new(0), Condvar::new()));
        let handles = [(); 5].map(|()| {
            let meeting = Arc::clone(&meeting);
            go(move || {
                let _blocked = is_known.then(workers::block);
                let (arrived, all) = &*meeting;
                let mut arrived = arrived.lock().unwrap();
                *arrived += 1;
                all.notify_all();
                while *arrived < 5 {
                    arrived = all.wait(arrived).unwrap();
                }
            })
        });
        handles.into_iter().for_each(wait);
    });
}

#[test]
fn goroutines_wait_for_later_goroutines() {
    check(|| {
        set_up();
        let counter = Counter::default();
        let groups = [(); 5].map(|()| WaitGroup::new());
        groups.iter().for_each(|group| group.add(1));
        let handles: Vec<_> = (0..4)
            .map(|index| {
                let [own, next] = [index, index + 1].map(|index| groups[index].clone());
                let counter = counter.clone();
                go(move || {
                    next.wait();
                    counter.add_one();
                    own.done();
                })
            })
            .collect();
        groups[4].done();
        handles.into_iter().for_each(wait);
        groups.iter().for_each(WaitGroup::wait);
        counter.assert(4);
    });
}
