//! Models of `Task`: the result goes from the runner to the joiner, or to nobody.

use super::{Model, witness};
use crate::primitive::Arc;
use crate::task::Task;
use loom::thread;
use std::panic::resume_unwind;

#[test]
fn join_returns_the_result() {
    Model::new().preemptions(4).check(|| {
        let task = Task::new();
        let runner = Arc::clone(&task);
        // SAFETY: a task runs once, and is joined once.
        let worker = thread::spawn(move || unsafe { runner.run(|| 42) });
        // SAFETY: as above.
        assert_eq!(unsafe { task.join() }.unwrap(), 42);
        worker.join().unwrap();
    });
}

#[test]
fn join_returns_the_panic() {
    Model::new().preemptions(4).check(|| {
        let task = Task::<()>::new();
        let runner = Arc::clone(&task);
        let worker = thread::spawn(move || {
            // Without the hook, which would print.
            let body = || resume_unwind(Box::new("no luck"));
            // SAFETY: a task runs once, and is joined once.
            unsafe { runner.run(body) };
        });
        // SAFETY: as above.
        let payload = unsafe { task.join() }.unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&"no luck"));
        worker.join().unwrap();
    });
}

#[test]
fn a_detached_result_is_dropped_once() {
    Model::new().preemptions(4).check(|| {
        let task = Task::new();
        let runner = Arc::clone(&task);
        let result = Arc::new(());
        let dropped = Arc::clone(&result);
        // SAFETY: a task runs once.
        let worker = thread::spawn(move || unsafe { runner.run(move || result) });
        drop(task);
        worker.join().unwrap();
        assert_eq!(Arc::strong_count(&dropped), 1);
    });
}

#[test]
fn a_finished_task_has_its_result() {
    Model::new().preemptions(4).check(|| {
        let task = Task::new();
        let runner = Arc::clone(&task);
        // SAFETY: a task runs once, and is joined once.
        let worker = thread::spawn(move || unsafe { runner.run(|| 42) });
        if witness(task.is_finished()) {
            // SAFETY: as above.
            assert_eq!(unsafe { task.join() }.unwrap(), 42);
        }
        worker.join().unwrap();
    });
}
