//! `WaitGroup`: the cost of counting, and of waiting for goroutines.

mod support;

use gosync::WaitGroup;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::AcqRel};
use std::thread;
use support::Peer;
use support::suite::Suite;

fn main() {
    let mut suite = Suite::from_args();
    suite.case("add_done", &counters());
    for count in [1, 10, 100, 1000] {
        suite.case(&format!("wg_fan_out_in_{count}"), &groups(count));
    }
    suite.finish();
}

/// Counts one member in and out.
fn counters() -> Vec<Peer> {
    let wg = WaitGroup::new();
    // The steps that any counter must take, behind an `Arc` like the group's counter: two additions, and a
    // look at their results.
    let word = Arc::new(AtomicUsize::new(0));
    let crossbeam = crossbeam_utils::sync::WaitGroup::new();
    vec![
        Peer::in_loop("gosync", 1, move || {
            black_box(&wg).add(1);
            black_box(&wg).done();
        }),
        Peer::in_loop("two_rmws", 1, move || {
            black_box(black_box(&word).fetch_add(1, AcqRel));
            black_box(black_box(&word).fetch_sub(1, AcqRel));
        }),
        Peer::in_loop("crossbeam", 1, move || drop(black_box(crossbeam.clone()))),
    ]
}

/// Starts a group of `count` goroutines or threads that do nothing, and waits for them. An operation is one
/// of them.
fn groups(count: u32) -> Vec<Peer> {
    vec![
        Peer::in_loop("gosync", count, move || {
            let wg = WaitGroup::new();
            for i in 0..count {
                wg.go(move || {
                    black_box(i);
                });
            }
            wg.wait();
        }),
        Peer::in_loop("crossbeam_threads", count, move || {
            let wg = crossbeam_utils::sync::WaitGroup::new();
            for i in 0..count {
                let wg = wg.clone();
                thread::spawn(move || {
                    black_box(i);
                    drop(wg);
                });
            }
            wg.wait();
        }),
    ]
}
