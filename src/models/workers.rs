//! Models of the workers: every queued goroutine runs exactly once.

use super::park::sleepers;
use super::system::{grant, set_watch};
use super::{Counter, Model, Timeouts, Watch, go, witness};
use crate::WaitGroup;
use crate::raw_wait_group::RawWaitGroup;
use crate::task::{Handle, Task};
use crate::workers;
use crate::workers::models::{Monitor, acquire_processor, release_processor};
use loom::sync::atomic::{AtomicBool, Ordering::Relaxed};
use loom::sync::{Condvar, Mutex};
use loom::thread;
use std::sync::Arc;

/// Returns a model in which sleeps do not time out before the body returns, so that idle workers do not end.
fn model() -> Model {
    Model::new().threads(3).timeouts(Timeouts::AtTheEnd)
}

/// Starts a goroutine as a thread without a processor does.
fn inject(body: impl FnOnce() + Send + 'static) -> Handle<'static, ()> {
    let (task, handle) = Task::new(body, ());
    workers::inject(task);
    handle
}

fn join(handle: Handle<'_, ()>) {
    handle.join().unwrap();
}

/// Returns a group with one member.
fn group() -> Arc<RawWaitGroup> {
    Arc::new(RawWaitGroup::new(1))
}

fn done(group: &RawWaitGroup) {
    group.add(-1).unwrap();
}

/// Lets a monitor look again and again until the goroutine has ended.
fn watch_until_finished(handle: &Handle<'_, ()>, look: fn(&mut Monitor) -> bool) {
    let mut monitor = Monitor::new();
    while !handle.is_finished() {
        look(&mut monitor);
        thread::yield_now();
    }
}

/// A place to block in foreign code, that is, without telling the workers.
struct Gate {
    is_open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            is_open: Mutex::new(false),
            opened: Condvar::new(),
        })
    }

    fn pass(&self) {
        let mut is_open = self.is_open.lock().unwrap();
        while !*is_open {
            is_open = self.opened.wait(is_open).unwrap();
        }
    }

    fn open(&self) {
        *self.is_open.lock().unwrap() = true;
        self.opened.notify_all();
    }
}

// A goroutine is queued while a worker searches, falls asleep or ends.

#[test]
fn a_worker_that_searches_or_falls_asleep_or_ends_sees_what_is_queued() {
    Model::new().check_timeouts(|| {
        acquire_processor();
        join(go(|| {}));
        join(go(|| {}));
    });
}

#[test]
fn a_worker_runs_all_queued_goroutines() {
    Model::new().check_timeouts(|| {
        acquire_processor();
        let [first, second] = [(); 2].map(|()| go(|| {}));
        join(first);
        join(second);
    });
}

#[test]
fn two_threads_queue_for_one_worker() {
    model().check(|| {
        acquire_processor();
        let other = thread::spawn(|| {
            acquire_processor();
            join(go(|| {}));
        });
        join(go(|| {}));
        other.join().unwrap();
    });
}

#[test]
fn a_thread_without_a_processor_queues() {
    model().check(|| {
        acquire_processor();
        release_processor();
        join(inject(|| {}));
    });
}

#[test]
fn goroutines_of_an_ended_thread_run() {
    model().check(|| {
        let group = group();
        let other = {
            let group = Arc::clone(&group);
            thread::spawn(move || {
                acquire_processor();
                drop(go(move || done(&group)));
                release_processor();
            })
        };
        group.wait(None);
        other.join().unwrap();
    });
}

#[test]
fn a_goroutine_queues_another_one() {
    model().check(|| {
        acquire_processor();
        let group = group();
        let inner = Arc::clone(&group);
        join(go(move || drop(go(move || done(&inner)))));
        group.wait(None);
    });
}

#[test]
fn two_workers_share_what_a_goroutine_queues() {
    model().procs(2).threads(2).preemptions(1).check(|| {
        acquire_processor();
        let group = group();
        let outer = Arc::clone(&group);
        drop(go(move || {
            let gate = Gate::new();
            let [passed, opened] = [(); 2].map(|()| Arc::clone(&gate));
            drop(go(move || opened.open()));
            drop(go(move || {
                passed.pass();
                done(&outer);
            }));
        }));
        group.wait(None);
    });
}

// Goroutines that block.

#[test]
fn a_goroutine_that_blocks_makes_room() {
    model().preemptions(1).check(|| {
        acquire_processor();
        let group = group();
        let [waits, ends] = [(); 2].map(|()| Arc::clone(&group));
        let waiting = go(move || {
            waits.wait(None);
        });
        join(go(move || done(&ends)));
        join(waiting);
    });
}

#[test]
fn a_goroutine_that_goes_on_is_not_in_the_way() {
    model().preemptions(1).check(|| {
        acquire_processor();
        let group = group();
        let [waits, ends] = [(); 2].map(|()| Arc::clone(&group));
        drop(go(move || {
            waits.wait(None);
        }));
        // A worker that ends one of these goroutines may find that it is one worker too many.
        join(go(move || done(&ends)));
        join(go(|| {}));
    });
}

#[test]
fn the_monitor_finds_a_goroutine_that_blocks_in_foreign_code() {
    model().preemptions(1).check(|| {
        acquire_processor();
        let gate = Gate::new();
        let opened = Arc::clone(&gate);
        let blocked = go(move || gate.pass());
        let other = go(move || opened.open());
        watch_until_finished(&other, Monitor::look);
        join(other);
        join(blocked);
    });
}

#[test]
fn a_long_running_goroutine_makes_room() {
    model().computing().preemptions(1).check(|| {
        acquire_processor();
        let gate = Gate::new();
        let opened = Arc::clone(&gate);
        let hog = go(move || gate.pass());
        let other = go(move || opened.open());
        watch_until_finished(&other, Monitor::look_after_a_slice);
        join(other);
        join(hog);
    });
}

#[test]
fn several_that_block_in_foreign_code_make_room_for_several() {
    model().preemptions(0).check(|| {
        acquire_processor();
        let gate = Gate::new();
        let [first, second, opened] = [(); 3].map(|()| Arc::clone(&gate));
        let [first, second] = [first, second].map(|gate| go(move || gate.pass()));
        let other = go(move || opened.open());
        watch_until_finished(&other, Monitor::look);
        [other, first, second].into_iter().for_each(join);
    });
}

#[test]
fn a_goroutine_that_says_that_it_blocks_makes_room() {
    model().preemptions(1).check(|| {
        acquire_processor();
        let gate = Gate::new();
        let opened = Arc::clone(&gate);
        let blocked = go(move || {
            let _blocked = workers::block();
            gate.pass();
        });
        join(go(move || opened.open()));
        join(blocked);
    });
}

/// The goroutine gives up its processor when it blocks, and gets another one afterwards. It queues one
/// goroutine on the first, which other workers must find, one while it blocks, and one on the last.
#[test]
fn goroutines_queued_around_a_block_run() {
    model().preemptions(1).check(|| {
        acquire_processor();
        let group = Arc::new(RawWaitGroup::new(3));
        let queue = {
            let group = Arc::clone(&group);
            move || {
                let group = Arc::clone(&group);
                drop(go(move || done(&group)));
            }
        };
        drop(go(move || {
            queue();
            let blocked = workers::block();
            queue();
            drop(blocked);
            queue();
        }));
        group.wait(None);
    });
}

#[test]
fn goroutines_queued_during_an_unlist_run() {
    model().check(|| {
        acquire_processor();
        let monitor = thread::spawn(|| {
            let mut monitor = Monitor::new();
            monitor.look();
            // If nothing has happened since the first look, this takes the processor from the list.
            monitor.look();
        });
        join(go(|| {}));
        monitor.join().unwrap();
    });
}

/// The goroutine of a stuck worker queues another one. By then perhaps no worker looks for goroutines.
#[test]
fn goroutines_queued_by_a_stuck_worker_run() {
    model().threads(3).preemptions(1).check(|| {
        acquire_processor();
        let gate = Gate::new();
        let group = group();
        let [opened, inner] = [Arc::clone(&gate), Arc::clone(&gate)];
        let member = Arc::clone(&group);
        drop(go(move || {
            inner.pass();
            drop(go(move || done(&member)));
        }));
        let other = go(move || opened.open());
        watch_until_finished(&other, Monitor::look);
        group.wait(None);
        join(other);
        drop(gate);
    });
}

#[test]
fn the_monitor_stays_awake_while_a_goroutine_waits() {
    model()
        .watch(Watch::ByMonitor)
        .threads(2)
        .preemptions(1)
        .check(|| {
            acquire_processor();
            let gate = Gate::new();
            let opened = Arc::clone(&gate);
            drop(go(move || gate.pass()));
            join(go(move || opened.open()));
        });
}

#[test]
fn the_monitor_looks_again_before_it_dozes_off() {
    model()
        .helping()
        .watch(Watch::ByMonitor)
        .threads(0)
        .preemptions(1)
        .check(|| {
            acquire_processor();
            // The system refuses workers, and none is needed: this thread runs the goroutine.
            join(go(|| {}));
            grant(1);
            // From now on the system grants one. The monitor must notice, also when it is about to doze off.
            let gate = Gate::new();
            let opened = Arc::clone(&gate);
            drop(go(move || opened.open()));
            gate.pass();
        });
}

#[test]
fn raising_max_procs_wakes_a_worker() {
    model().check(|| {
        acquire_processor();
        let group = group();
        let [outer, inner] = [(); 2].map(|()| Arc::clone(&group));
        // A worker queues the second goroutine, so that it can be found without a monitor.
        drop(go(move || {
            let gate = Gate::new();
            let opened = Arc::clone(&gate);
            drop(go(move || {
                opened.open();
                done(&inner);
            }));
            gate.pass();
            drop(outer);
        }));
        workers::set_max_procs(2);
        group.wait(None);
    });
}

/// While a thief moves goroutines to its local run queue, they are in no queue. A worker must be woken for
/// them even if `set_max_procs` finds none at that moment.
#[test]
fn stolen_goroutines_wake_a_worker() {
    model().preemptions(1).check(|| {
        let gate = Gate::new();
        let opened = Arc::clone(&gate);
        // Injected, because goroutines queued by an external thread may have to wait for the monitor.
        drop(inject(|| {}));
        drop(inject(move || gate.pass()));
        let other = inject(move || opened.open());
        // This looks for waiting goroutines, but may find none while a thief moves them.
        workers::set_max_procs(2);
        join(other);
    });
}

#[test]
fn a_waiter_tries_again_to_start_a_monitor() {
    model().watch(Watch::Refused).check(|| {
        acquire_processor();
        let handle = go(|| {});
        set_watch(Watch::ByTheModel);
        join(handle);
    });
}

#[test]
fn a_waiter_keeps_trying_to_start_a_monitor() {
    let model = model().watch(Watch::Refused).timeouts(Timeouts::Late);
    model.check(|| {
        acquire_processor();
        let group = group();
        let member = Arc::clone(&group);
        // The other thread is refused a monitor, maybe while the first thread begins to wait.
        let other = thread::spawn(|| {
            acquire_processor();
            drop(go(|| {}));
            set_watch(Watch::ByTheModel);
        });
        drop(go(move || done(&member)));
        assert!(group.wait(None));
        other.join().unwrap();
    });
}

/// Between two naps of the waiter, the counter may reach 0 and rise again. The wait must end all the same.
#[test]
fn a_waiter_that_keeps_trying_does_not_miss_the_end() {
    let model = model().watch(Watch::Refused).timeouts(Timeouts::Late);
    model.check(|| {
        acquire_processor();
        drop(go(|| {}));
        let group = group();
        let member = Arc::clone(&group);
        let other = thread::spawn(move || {
            if witness(sleepers(member.waiters()) == 1) {
                done(&member);
                member.add(1).unwrap();
            } else {
                done(&member);
            }
        });
        assert!(group.wait(None));
        other.join().unwrap();
    });
}

#[test]
fn a_thread_that_the_system_refuses_is_tried_again() {
    model().threads(0).check(|| {
        acquire_processor();
        let handle = go(|| {});
        grant(1);
        Monitor::new().look();
        join(handle);
    });
}

// Helping: a thread that waits for a goroutine runs it.

#[test]
fn a_joined_goroutine_runs_once() {
    model().helping().check(|| {
        acquire_processor();
        let counter = Counter::new();
        let given = Arc::clone(&counter);
        let here = thread::current().id();
        let helped = Arc::new(AtomicBool::new(false));
        let by = Arc::clone(&helped);
        let handle = go(move || {
            given.add_one();
            by.store(thread::current().id() == here, Relaxed);
        });
        join(handle);
        assert_eq!(counter.add_one(), 2);
        witness(helped.load(Relaxed));
    });
}

#[test]
fn a_waiter_runs_the_members_of_its_group_once() {
    model().helping().check(|| {
        acquire_processor();
        let counters = [(); 2].map(|()| Counter::new());
        let wg = WaitGroup::new();
        for counter in &counters {
            let counter = Arc::clone(counter);
            wg.go(move || {
                counter.add_one();
            });
        }
        wg.wait();
        assert!(counters.iter().all(|counter| counter.add_one() == 2));
    });
}

#[test]
fn a_waiter_runs_no_goroutine_of_another_group() {
    model().helping().check(|| {
        acquire_processor();
        let counter = Counter::new();
        let given = Arc::clone(&counter);
        let wg = WaitGroup::new();
        let here = thread::current().id();
        wg.go(move || {
            given.add_one();
        });
        let other = go(move || assert_ne!(thread::current().id(), here));
        wg.wait();
        assert_eq!(counter.add_one(), 2);
        while !other.is_finished() {
            thread::yield_now();
        }
        join(other);
    });
}
