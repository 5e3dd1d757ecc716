//! `semaphore::Weighted` against plain numbers. No operation needs to wait.

use crate::support::{LIMIT, state_machine, time_is_up, within};
use gosync::semaphore::{OwnedPermit, Weighted};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::Index;
use std::sync::Arc;
use std::time::Duration;

const SIZE: usize = 10;

/// The operations. Those on a permit are done to one chosen from all that there are.
#[derive(Clone, Debug)]
enum Op {
    TryAcquire(usize),
    AcquireFor(usize, Duration),
    /// Acquires all that is free, so that it need not wait.
    AcquireFree,
    Split(usize),
    /// Merges the last permit into the chosen one.
    Merge,
    Forget,
    Drop,
}

fn op() -> impl Strategy<Value = Op> {
    let n = || 0..SIZE + 2;
    let timeout = (0..2_u64).prop_map(|units| Duration::from_micros(100 * units));
    prop_oneof![
        4 => n().prop_map(Op::TryAcquire),
        2 => (n(), timeout).prop_map(|(n, timeout)| Op::AcquireFor(n, timeout)),
        1 => Just(Op::AcquireFree),
        3 => n().prop_map(Op::Split),
        2 => Just(Op::Merge),
        1 => Just(Op::Forget),
        4 => Just(Op::Drop),
    ]
}

/// The expected state.
struct Model {
    free: usize,
    permits: Vec<usize>,
}

impl Model {
    /// Takes `n` if that many are free. Returns whether they are.
    fn take(&mut self, n: usize) -> bool {
        let is_enough = n <= self.free;
        if is_enough {
            self.free -= n;
            self.permits.push(n);
        }
        is_enough
    }
}

fn run(
    semaphore: &Arc<Weighted>,
    permits: &mut Vec<OwnedPermit>,
    model: &mut Model,
    index: Index,
    op: &Op,
) {
    let got = match *op {
        Op::TryAcquire(n) => {
            let permit = semaphore.try_acquire_owned(n);
            assert_eq!(permit.is_some(), model.take(n));
            permit
        }
        Op::AcquireFor(n, timeout) => {
            let permit = semaphore.acquire_owned_for(n, timeout);
            assert_eq!(permit.is_some(), model.take(n));
            permit
        }
        Op::AcquireFree => {
            let n = model.free;
            assert!(model.take(n));
            Some(semaphore.acquire_owned(n).unwrap())
        }
        _ if permits.is_empty() => None,
        Op::Split(n) => {
            let chosen = index.index(permits.len());
            let part = permits[chosen].split(n);
            let is_enough = n <= model.permits[chosen];
            assert_eq!(part.is_some(), is_enough);
            if is_enough {
                model.permits[chosen] -= n;
                model.permits.push(n);
            }
            part
        }
        Op::Merge => {
            let (last, n) = (permits.pop().unwrap(), model.permits.pop().unwrap());
            if permits.is_empty() {
                model.permits.push(n);
                Some(last)
            } else {
                let chosen = index.index(permits.len());
                permits[chosen].merge(last);
                model.permits[chosen] += n;
                None
            }
        }
        Op::Forget => {
            let chosen = index.index(permits.len());
            permits.swap_remove(chosen).forget();
            model.permits.swap_remove(chosen);
            None
        }
        Op::Drop => {
            let chosen = index.index(permits.len());
            drop(permits.swap_remove(chosen));
            model.free += model.permits.swap_remove(chosen);
            None
        }
    };
    permits.extend(got);
    assert_eq!(semaphore.available(), model.free);
    let counts = permits.iter().map(OwnedPermit::count);
    assert!(counts.eq(model.permits.iter().copied()));
}

#[test]
fn every_operation_does_what_numbers_would() {
    within(LIMIT, || {
        let enough = time_is_up(Duration::from_secs(5));
        let check = |ops: Vec<(Index, Op)>| {
            if enough() {
                return Ok(());
            }
            let semaphore = Arc::new(Weighted::new(SIZE));
            let mut permits = Vec::new();
            let mut model = Model {
                free: SIZE,
                permits: Vec::new(),
            };
            for (index, op) in &ops {
                run(&semaphore, &mut permits, &mut model, *index, op);
            }
            Ok(())
        };
        state_machine()
            .run(&vec((any::<Index>(), op()), 1..60), check)
            .unwrap();
    });
}
