//! `Mutex` against a plain flag, on one thread. Where `lock` would wait for the same thread, only
//! attempts are made.

use crate::support::{LIMIT, state_machine, time_is_up, within};
use gosync::{MappedMutexGuard, Mutex, MutexGuard};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, prop_oneof};
use std::mem;
use std::time::{Duration, Instant};

#[derive(Clone, Copy, Debug)]
enum Op {
    /// Done only if the lock is free.
    Lock,
    TryLock,
    LockFor(Duration),
    LockUntilNow,
    Add,
    Unlock,
    UnlockFair,
    Bump,
    Unlocked,
    Map,
    Forget,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => Just(Op::Lock),
        3 => Just(Op::TryLock),
        2 => Just(Op::LockFor(Duration::ZERO)),
        1 => Just(Op::LockFor(Duration::from_micros(100))),
        1 => Just(Op::LockUntilNow),
        4 => Just(Op::Add),
        3 => Just(Op::Unlock),
        2 => Just(Op::UnlockFair),
        2 => Just(Op::Bump),
        1 => Just(Op::Unlocked),
        2 => Just(Op::Map),
        1 => Just(Op::Forget),
    ]
}

/// What is left of the guard.
enum Held<'a> {
    No,
    Whole(MutexGuard<'a, u32>),
    Part(MappedMutexGuard<'a, u32>),
    /// The mutex is locked permanently.
    Forgotten,
}

fn run<'a>(mutex: &'a Mutex<u32>, held: Held<'a>, value: &mut u32, op: Op) -> Held<'a> {
    let is_free = matches!(held, Held::No);
    let attempt = match op {
        Op::TryLock => Some(mutex.try_lock()),
        Op::LockFor(timeout) => Some(mutex.try_lock_for(timeout)),
        Op::LockUntilNow => Some(mutex.try_lock_until(Instant::now())),
        Op::Lock if is_free => Some(Some(mutex.lock())),
        _ => None,
    };
    if let Some(guard) = attempt {
        assert_eq!(guard.is_some(), is_free);
        return guard.map_or(held, Held::Whole);
    }
    match (op, held) {
        (Op::Add, Held::Whole(mut guard)) => {
            *value += 1;
            *guard += 1;
            Held::Whole(guard)
        }
        (Op::Add, Held::Part(mut guard)) => {
            *value += 1;
            *guard += 1;
            Held::Part(guard)
        }
        (Op::Unlock, Held::Whole(_) | Held::Part(_)) => Held::No,
        (Op::UnlockFair, Held::Whole(guard)) => {
            MutexGuard::unlock_fair(guard);
            Held::No
        }
        (Op::UnlockFair, Held::Part(guard)) => {
            MappedMutexGuard::unlock_fair(guard);
            Held::No
        }
        (Op::Bump, Held::Whole(mut guard)) => {
            MutexGuard::bump(&mut guard);
            Held::Whole(guard)
        }
        (Op::Unlocked, Held::Whole(mut guard)) => {
            MutexGuard::unlocked(&mut guard, || assert!(mutex.try_lock().is_some()));
            Held::Whole(guard)
        }
        (Op::Map, Held::Whole(guard)) => Held::Part(MutexGuard::map(guard, |value| value)),
        (Op::Forget, Held::Whole(guard)) => {
            mem::forget(guard);
            Held::Forgotten
        }
        (_, held) => held,
    }
}

#[test]
fn every_operation_does_what_a_flag_would() {
    within(LIMIT, || {
        let enough = time_is_up(Duration::from_secs(5));
        let check = |ops: Vec<Op>| {
            if enough() {
                return Ok(());
            }
            let mutex = Mutex::new(0);
            let (mut held, mut value) = (Held::No, 0);
            for op in ops {
                held = run(&mutex, held, &mut value, op);
                assert_eq!(mutex.is_locked(), !matches!(held, Held::No));
            }
            drop(held);
            assert_eq!(mutex.into_inner(), value);
            Ok(())
        };
        state_machine().run(&vec(op(), 1..60), check).unwrap();
    });
}
