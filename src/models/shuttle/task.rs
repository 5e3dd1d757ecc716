//! A model of `Task`.

use super::{check, join, spawn};
use crate::task::{Handle, Task};
use crate::workers::Job;
use shuttle::thread;
use std::panic::resume_unwind;
use std::sync::Arc;

#[test]
fn each_joiner_gets_the_result_of_its_task() {
    check(|| {
        let new = |index| {
            let body = move || match index {
                // Not `panic!`, since the panic hook would print.
                3 => resume_unwind(Box::new("no luck")),
                _ => index,
            };
            Task::new(body, ())
        };
        let (tasks, handles): (Vec<_>, Vec<_>) = (0..4).map(new).unzip();
        let runners = spawn(4, move |index| Arc::clone(&tasks[index]).run());
        let join_one = |handle: Handle<'static, _>| thread::spawn(move || handle.join().ok());
        let joiners: Vec<_> = handles.into_iter().map(join_one).collect();
        assert_eq!(join(joiners), [Some(0), Some(1), Some(2), None]);
        join(runners);
    });
}
