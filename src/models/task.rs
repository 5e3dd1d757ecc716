//! Models of `Task`: the result goes from the runner to the joiner, or is dropped if there is no joiner.

use super::{Counter, Model, witness};
use crate::task::Task;
use crate::workers::Job;
use loom::thread;
use std::panic::resume_unwind;
use std::sync::Arc;

fn spawn(task: &Arc<impl Job + 'static>) -> thread::JoinHandle<()> {
    let task = Arc::clone(task);
    thread::spawn(move || task.run())
}

#[test]
fn join_returns_the_result() {
    Model::new().preemptions(4).check(|| {
        let (task, handle) = Task::new(|| 42, ());
        let worker = spawn(&task);
        assert_eq!(handle.join().unwrap(), 42);
        worker.join().unwrap();
    });
}

#[test]
fn join_returns_the_panic() {
    Model::new().preemptions(4).check(|| {
        // Not `panic!`, since the panic hook would print.
        let body = || resume_unwind(Box::new("no luck"));
        let (task, handle) = Task::<_, (), ()>::new(body, ());
        let worker = spawn(&task);
        let payload = handle.join().unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&"no luck"));
        worker.join().unwrap();
    });
}

#[test]
fn a_task_runs_once() {
    Model::new().helping().preemptions(4).check(|| {
        let counter = Counter::new();
        let body = {
            let counter = Arc::clone(&counter);
            move || counter.add_one()
        };
        let (task, handle) = Task::new(body, ());
        let worker = spawn(&task);
        assert_eq!(handle.join().unwrap(), 1);
        assert!(task.is_claimed());
        worker.join().unwrap();
        assert_eq!(counter.add_one(), 2);
    });
}

#[test]
fn a_detached_result_is_dropped_once() {
    /// Counts its drops.
    struct Dropped(Arc<Counter>);

    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.add_one();
        }
    }

    Model::new().preemptions(4).check(|| {
        let counter = Counter::new();
        let result = Dropped(Arc::clone(&counter));
        let (task, handle) = Task::new(move || result, ());
        let worker = spawn(&task);
        let is_left_to_the_worker = !handle.is_finished();
        drop(handle);
        witness(is_left_to_the_worker);
        worker.join().unwrap();
        // The handle or the worker has dropped the result, although the task still exists.
        assert_eq!(counter.add_one(), 2);
    });
}

#[test]
fn a_finished_task_has_its_result() {
    Model::new().preemptions(4).check(|| {
        let (task, handle) = Task::new(|| 42, ());
        let worker = spawn(&task);
        if witness(handle.is_finished()) {
            assert_eq!(handle.join().unwrap(), 42);
        }
        worker.join().unwrap();
    });
}
