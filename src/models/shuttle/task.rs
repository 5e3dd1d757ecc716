//! A model of `Task`.

use super::{check, join, spawn};
use crate::task::{Outcome, Task};
use crate::workers::Job;
use std::panic::resume_unwind;
use std::sync::Arc;

#[test]
fn each_joiner_gets_the_result_of_its_task() {
    check(|| {
        let tasks: [_; 4] = std::array::from_fn(|index| {
            let body = move || match index {
                // Without the hook, which would print.
                3 => resume_unwind(Box::new("no luck")),
                _ => index,
            };
            Task::new(body, ())
        });
        let running = tasks.clone();
        let runners = spawn(4, move |index| Arc::clone(&running[index]).run());
        let joiners = spawn(4, move |index| {
            let task = Arc::clone(&tasks[index]);
            // SAFETY: each task is joined once.
            unsafe { task.join() }.ok()
        });
        assert_eq!(join(joiners), [Some(0), Some(1), Some(2), None]);
        join(runners);
    });
}
