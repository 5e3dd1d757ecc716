//! Who may run a goroutine on its own stack: a thread that waits for it.

use super::{Job, current, processor, run, scheduler, system};
use std::sync::Arc;
use std::{ptr, thread};

/// Whether the current thread may run a goroutine on top of what it is doing: if it has room, and is not
/// about to unwind, which the goroutine would be taken to do, too.
pub(crate) fn may_help() -> bool {
    system::has_room_on_stack() && !thread::panicking()
}

/// Runs the goroutines of `group` that the current thread has queued and nobody has started.
pub(crate) fn help(group: *const ()) {
    while let Some(job) = may_help().then(|| take_member(group)).flatten() {
        run(|| job.run());
    }
}

/// Who looks for the goroutines of a group gives up at so many of others.
const REACH: usize = 8;

/// Takes a goroutine of `group` from the top of the current thread's deque, or from near it.
fn take_member(group: *const ()) -> Option<Arc<dyn Job>> {
    let mut others = [const { None }; REACH];
    let mut passed = 0;
    let mut found = None;
    while found.is_none()
        && passed < REACH
        && let Some(job) = processor::pop()
    {
        if job.is_claimed() {
            // Nothing is left in it whose destructor might come back here (invariant 5).
            continue;
        }
        if ptr::eq(job.group(), group) {
            found = Some(job);
        } else {
            others[passed] = Some(job);
            passed += 1;
        }
    }
    requeue(&mut others[..passed]);
    found
}

/// Takes what has been claimed from the top of the current thread's deque.
pub(crate) fn clear_claimed() {
    while let Some(job) = processor::pop() {
        if !job.is_claimed() {
            requeue(&mut [Some(job)]);
            return;
        }
    }
}

/// Queues again at the current thread what it has taken from there, the first on top.
fn requeue(jobs: &mut [Option<Arc<dyn Job>>]) {
    let count = jobs.len();
    let jobs = jobs.iter_mut().rev().filter_map(Option::take);
    jobs.for_each(processor::push);
    if count > 0
        && let Some(p) = current()
    {
        // For a worker that did not see them meanwhile.
        scheduler().notify(p);
    }
}
