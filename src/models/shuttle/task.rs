//! A model of `Task`.

use super::{check, join, spawn};
use crate::primitive::Arc;
use crate::task::Task;
use std::panic::resume_unwind;

#[test]
fn each_joiner_gets_the_result_of_its_task() {
    check(|| {
        let tasks = [(); 4].map(|()| Task::new());
        let running = tasks.clone();
        let runners = spawn(4, move |index| {
            let body = || match index {
                // Without the hook, which would print.
                3 => resume_unwind(Box::new("no luck")),
                _ => index,
            };
            // SAFETY: each task runs once.
            unsafe { Arc::clone(&running[index]).run(body) };
        });
        // SAFETY: each task is joined once.
        let joiners = spawn(4, move |index| unsafe { tasks[index].join() }.ok());
        assert_eq!(join(joiners), [Some(0), Some(1), Some(2), None]);
        join(runners);
    });
}
