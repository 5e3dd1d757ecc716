//! A global allocator that sleeps in a lock of gosync. The docs forbid that, and it may deadlock. But a
//! worker never touches a queue that it has lost while the allocator slept.
#![cfg(target_os = "linux")]

use super::child::alone;
use super::frozen::FrozenMonitor;
use super::memory::call_at_next_free;
use crate::support::{LIMIT, holds_within};
use gosync::{WaitGroup, go};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, LazyLock, mpsc};
use std::thread::{self, ThreadId};
use std::time::Duration;

static GATE: LazyLock<WaitGroup> = LazyLock::new(WaitGroup::new);

/// A worker looks for members of a group in its queue and falls asleep on the way. Two other goroutines
/// are still in the queue: a member and, above it, one that wakes the worker. Another worker takes the
/// queue over meanwhile. Returns the threads on which the member and the first worker have run.
fn round() -> (ThreadId, ThreadId) {
    GATE.add(1);
    let (send, threads) = mpsc::channel();
    drop(go(move || {
        let has_run = Arc::new(AtomicBool::new(false));
        let (members, (ran, member)) = (WaitGroup::new(), mpsc::channel());
        members.go({
            let has_run = Arc::clone(&has_run);
            move || {
                ran.send(thread::current().id()).unwrap();
                has_run.store(true, SeqCst);
            }
        });
        drop(go(move || {
            GATE.done();
            // Gives the first worker time to come back. No other worker runs the member until this
            // goroutine ends.
            holds_within(Duration::from_millis(50), || has_run.load(SeqCst));
        }));
        let joined = go(|| ());
        drop(go(|| ()));
        joined.join().unwrap();
        // The search below finds `joined` in the queue, which has been claimed already, and drops it.
        // That frees memory, and the allocator sleeps.
        call_at_next_free(Some(|| GATE.wait()));
        members.wait();
        call_at_next_free(None);
        send.send((member.recv().unwrap(), thread::current().id()))
            .unwrap();
    }));
    threads.recv_timeout(LIMIT).unwrap()
}

#[test]
fn a_worker_leaves_a_queue_alone_that_it_has_lost_in_the_allocator() {
    alone(&[("GOSYNC_MAXPROCS", "1")], || {
        let Some(_frozen) = FrozenMonitor::new() else {
            return;
        };
        for _ in 0..5 {
            let (member, worker) = round();
            assert_ne!(member, worker, "it was in another worker's queue");
        }
    });
}
