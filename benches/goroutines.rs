//! Compares goroutines with threads, and with the tasks of rayon, which must not block: the cost of starting
//! one and learning that it has ended. They do nothing; an operation is one of them. For those of a group see
//! `wait_group`; `cargo xtask go` compares them with Go's.

mod support;

use std::hint::black_box;
use std::thread;
use support::Peer;
use support::suite::Suite;

fn main() {
    let mut suite = Suite::from_args();
    suite.case("spawn_join", &single());
    for count in [1, 10, 100, 1000] {
        suite.case(&format!("fan_out_in_{count}"), &joined(count));
    }
    for count in [1, 10, 100, 1000] {
        suite.case(&format!("scope_{count}"), &scoped(count));
    }
    suite.finish();
}

/// Starts one and waits for its result at once.
fn single() -> Vec<Peer> {
    vec![
        Peer::in_loop("gosync", 1, || drop(gosync::go(|| black_box(1)).join())),
        Peer::in_loop("std", 1, || drop(thread::spawn(|| black_box(1)).join())),
    ]
}

/// Starts `count` of them and then waits for all results.
fn joined(count: u32) -> Vec<Peer> {
    vec![
        Peer::in_loop("gosync", count, move || {
            let handles: Vec<_> = (0..count)
                .map(|i| gosync::go(move || black_box(i)))
                .collect();
            handles.into_iter().for_each(|handle| drop(handle.join()));
        }),
        Peer::in_loop("std", count, move || {
            let handles: Vec<_> = (0..count)
                .map(|i| thread::spawn(move || black_box(i)))
                .collect();
            handles.into_iter().for_each(|handle| drop(handle.join()));
        }),
    ]
}

/// Starts `count` of them in a scope.
fn scoped(count: u32) -> Vec<Peer> {
    vec![
        Peer::in_loop("gosync", count, move || {
            gosync::scope(|s| (0..count).for_each(|i| drop(s.go(move || black_box(i)))));
        }),
        Peer::in_loop("std", count, move || {
            thread::scope(|s| (0..count).for_each(|i| drop(s.spawn(move || black_box(i)))));
        }),
        Peer::in_loop("rayon", count, move || {
            rayon::scope(|s| {
                for i in 0..count {
                    s.spawn(move |_| {
                        black_box(i);
                    });
                }
            });
        }),
    ]
}
