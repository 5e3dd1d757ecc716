//! A global allocator that sleeps in a lock of gosync. It is told not to, and may deadlock; but a worker
//! does not touch a queue that it has lost meanwhile.
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

/// A worker sleeps while it looks for members of a group, below which are two other goroutines. Another
/// worker gets its queue meanwhile, and runs the upper one. Returns on which thread the lower one, a
/// member, has run, and on which thread the first worker.
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
            // Time for the first worker to come back. Nobody else runs the member until this ends.
            holds_within(Duration::from_millis(50), || has_run.load(SeqCst));
        }));
        let joined = go(|| ());
        drop(go(|| ()));
        joined.join().unwrap();
        // That is, when `joined` is found in the queue, and dropped.
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
