//! `WaitGroup` against a plain number.

use crate::support::{LIMIT, panic_text, state_machine, time_is_up, within};
use crate::wait_group::MAX;
use gosync::WaitGroup;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::Index;
use std::time::Duration;

const SHORT: Duration = Duration::from_micros(200);

/// The operations. Each is done through a handle chosen from all that there are.
#[derive(Clone, Debug)]
enum Op {
    Add(isize),
    Done,
    Wait(Duration),
    Go,
    Clone,
    Drop,
}

fn op() -> impl Strategy<Value = Op> {
    let delta = prop_oneof![
        8 => -4..8_isize,
        1 => any::<isize>(),
        1 => Just(isize::MIN),
        2 => (0..4_isize).prop_map(|less| MAX - less),
        2 => (0..4_isize).prop_map(|less| -(MAX - less)),
    ];
    let timeout = prop_oneof![Just(Duration::ZERO), Just(SHORT), Just(Duration::MAX)];
    prop_oneof![
        8 => delta.prop_map(Op::Add),
        6 => Just(Op::Done),
        3 => timeout.prop_map(Op::Wait),
        1 => Just(Op::Go),
        1 => Just(Op::Clone),
        1 => Just(Op::Drop),
    ]
}

/// Runs `op` on `handle`. Returns the counter after it.
fn run(handle: &WaitGroup, op: &Op, count: isize) -> isize {
    let add = |delta: isize| {
        let sum = count as i128 + delta as i128;
        if sum < 0 {
            assert_eq!(
                panic_text(|| handle.add(delta)),
                "sync: negative WaitGroup counter"
            );
        } else if sum > MAX as i128 {
            assert_eq!(
                panic_text(|| handle.add(delta)),
                "sync: WaitGroup counter overflow"
            );
        } else {
            handle.add(delta);
            return sum as isize;
        }
        count
    };
    match op {
        Op::Add(delta) => add(*delta),
        Op::Done if count == 0 => add(-1),
        Op::Done => {
            handle.done();
            count - 1
        }
        // `Duration::MAX` stands for `wait`, which is called only if the model says that it returns.
        Op::Wait(Duration::MAX) if count == 0 => {
            handle.wait();
            count
        }
        Op::Wait(timeout) => {
            assert_eq!(handle.wait_timeout((*timeout).min(SHORT)), count == 0);
            count
        }
        Op::Go if count == 0 => {
            handle.go(|| ());
            handle.wait();
            count
        }
        Op::Go | Op::Clone | Op::Drop => count,
    }
}

#[test]
fn every_operation_does_what_a_number_would() {
    within(LIMIT, || {
        let enough = time_is_up(Duration::from_secs(5));
        let check = |ops: Vec<(Index, Op)>| {
            if enough() {
                return Ok(());
            }
            let mut handles = vec![WaitGroup::new()];
            let mut count = 0;
            for (index, op) in &ops {
                let chosen = index.index(handles.len());
                count = run(&handles[chosen], op, count);
                match op {
                    Op::Clone => handles.push(handles[chosen].clone()),
                    Op::Drop if handles.len() > 1 => drop(handles.swap_remove(chosen)),
                    _ => {}
                }
                let text = format!("WaitGroup {{ count: {count} }}");
                assert!(handles.iter().all(|handle| format!("{handle:?}") == text));
            }
            Ok(())
        };
        state_machine()
            .run(&vec((any::<Index>(), op()), 1..60), check)
            .unwrap();
    });
}
