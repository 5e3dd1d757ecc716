//! Helping: a thread that waits for a goroutine may run it on its own stack.

use super::{Job, current, processor, run, scheduler, system};
use std::sync::Arc;
use std::{ptr, thread};

/// Whether the current thread may run a goroutine on its stack. There must be room, and the thread must not
/// be unwinding: the goroutine would seem to be unwinding, too.
pub(crate) fn may_help() -> bool {
    system::has_room_on_stack() && !thread::panicking()
}

/// Runs the goroutines of `group` that the current thread has queued and no thread has started.
pub(crate) fn help(group: *const ()) {
    while let Some(job) = may_help().then(|| take_member(group)).flatten() {
        run(|| job.run());
    }
}

/// `take_member` gives up after it has passed over this many goroutines of other groups.
const MAX_PASSED: usize = 8;

/// Takes a goroutine of `group` from the top of the current thread's deque, or from near it.
fn take_member(group: *const ()) -> Option<Arc<dyn Job>> {
    let mut others = [const { None }; MAX_PASSED];
    let mut passed = 0;
    let mut found = None;
    while found.is_none()
        && passed < MAX_PASSED
        && let Some(job) = processor::pop()
    {
        if job.is_claimed() {
            // Nothing is left in it whose destructor might lead back here (invariant 5 of `workers`).
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

/// Removes claimed goroutines from the top of the current thread's deque.
pub(crate) fn clear_claimed() {
    while let Some(job) = processor::pop() {
        if !job.is_claimed() {
            requeue(&mut [Some(job)]);
            return;
        }
    }
}

/// Pushes `jobs`, which come from the current thread's deque, back onto it, so that the first is on top.
fn requeue(jobs: &mut [Option<Arc<dyn Job>>]) {
    let count = jobs.len();
    let jobs = jobs.iter_mut().rev().filter_map(Option::take);
    jobs.for_each(processor::push);
    if count > 0
        && let Some(p) = current()
    {
        // A worker may have looked here meanwhile and not seen them.
        scheduler().notify(p);
    }
}
