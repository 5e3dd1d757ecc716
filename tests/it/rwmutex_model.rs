//! `RWMutex` against a reference model: one thread does any sequence of operations, on guards in any
//! order.
//!
//! The one thread stands for several: it keeps their guards in a list, and drops some of them on other
//! threads. It blocks only if the model says that it need not wait.

use crate::support::{LIMIT, elsewhere, state_machine, time_is_up, within};
use gosync::{
    MappedRWMutexReadGuard, MappedRWMutexWriteGuard, RWMutex, RWMutexReadGuard,
    RWMutexUpgradableReadGuard, RWMutexWriteGuard,
};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::Index;
use std::mem::forget;
use std::time::{Duration, Instant};

type Pair = (u32, u32);

const SHORT: Duration = Duration::from_micros(200);

/// How to ask for a lock.
#[derive(Clone, Copy, Debug)]
enum Ask {
    /// Blocks if the model says that there is no wait, and tries otherwise.
    Block,
    Try,
    For(Duration),
    Past,
    Soon,
}

/// What to do with a guard that is chosen from all that there are.
#[derive(Clone, Copy, Debug)]
enum Act {
    Drop,
    DropElsewhere,
    UnlockFair,
    Bump,
    Forget,
    Downgrade,
    /// Turns a writer into an upgradable reader.
    HalfDowngrade,
    /// With `Ask::Block`, blocks only if the model says that there is no wait.
    Upgrade(Ask),
    WithUpgraded(u32),
    Map,
    TryMapNothing,
    Read,
    Write(u32),
}

#[derive(Clone, Debug)]
enum Op {
    Read(Ask),
    Upgradable(Ask),
    Write(Ask),
    Act(Index, Act),
    Debug,
}

fn ask() -> impl Strategy<Value = Ask> {
    prop_oneof![
        4 => Just(Ask::Block),
        4 => Just(Ask::Try),
        1 => Just(Ask::For(Duration::ZERO)),
        1 => Just(Ask::For(SHORT)),
        1 => Just(Ask::Past),
        1 => Just(Ask::Soon),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        30 => Just(Act::Drop),
        5 => Just(Act::DropElsewhere),
        5 => Just(Act::UnlockFair),
        3 => Just(Act::Bump),
        1 => Just(Act::Forget),
        10 => Just(Act::Downgrade),
        10 => Just(Act::HalfDowngrade),
        20 => ask().prop_map(Act::Upgrade),
        5 => any::<u32>().prop_map(Act::WithUpgraded),
        10 => Just(Act::Map),
        3 => Just(Act::TryMapNothing),
        10 => Just(Act::Read),
        20 => any::<u32>().prop_map(Act::Write),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => ask().prop_map(Op::Read),
        3 => ask().prop_map(Op::Upgradable),
        3 => ask().prop_map(Op::Write),
        9 => (any::<Index>(), act()).prop_map(|(index, act)| Op::Act(index, act)),
        1 => Just(Op::Debug),
    ]
}

enum Guard<'a> {
    Read(RWMutexReadGuard<'a, Pair>),
    Upgradable(RWMutexUpgradableReadGuard<'a, Pair>),
    Write(RWMutexWriteGuard<'a, Pair>),
    MappedRead(MappedRWMutexReadGuard<'a, u32>),
    MappedWrite(MappedRWMutexWriteGuard<'a, u32>),
}

/// The complete state of a lock.
#[derive(Clone, Copy, Default, Debug)]
struct Model {
    readers: usize,
    /// Whether there is an upgradable reader. It is not counted in `readers`.
    upgradable: bool,
    writer: bool,
    data: Pair,
}

impl Model {
    fn is_readable(self) -> bool {
        !self.writer
    }

    fn is_upgradable(self) -> bool {
        !self.writer && !self.upgradable
    }

    fn is_writable(self) -> bool {
        self.is_upgradable() && self.readers == 0
    }

    fn debug(self) -> String {
        if self.writer {
            "RWMutex { data: <locked>, .. }".to_string()
        } else {
            format!("RWMutex {{ data: {:?}, .. }}", self.data)
        }
    }
}

struct Machine<'a> {
    lock: &'a RWMutex<Pair>,
    guards: Vec<Guard<'a>>,
    model: Model,
}

impl<'a> Machine<'a> {
    fn new(lock: &'a RWMutex<Pair>) -> Self {
        Self {
            lock,
            guards: Vec::new(),
            model: Model::default(),
        }
    }

    fn step(&mut self, op: &Op) {
        match op {
            Op::Read(ask) => self.rlock(*ask),
            Op::Upgradable(ask) => self.rlock_upgradable(*ask),
            Op::Write(ask) => self.lock(*ask),
            Op::Act(index, act) => {
                if !self.guards.is_empty() {
                    let guard = self.guards.swap_remove(index.index(self.guards.len()));
                    self.act(guard, *act);
                }
            }
            Op::Debug => assert_eq!(format!("{:?}", self.lock), self.model.debug()),
        }
        assert_eq!(self.lock.is_locked(), !self.model.is_writable());
        assert_eq!(self.lock.is_locked_exclusive(), self.model.writer);
    }

    fn rlock(&mut self, ask: Ask) {
        let lock = self.lock;
        let expected = self.model.is_readable();
        let guard = match ask {
            Ask::Block if expected => Some(lock.rlock()),
            Ask::Block | Ask::Try => lock.try_rlock(),
            Ask::For(timeout) => lock.try_rlock_for(timeout),
            Ask::Past => lock.try_rlock_until(Instant::now()),
            Ask::Soon => lock.try_rlock_until(Instant::now() + SHORT),
        };
        assert_eq!(guard.is_some(), expected);
        if let Some(guard) = guard {
            assert_eq!(*guard, self.model.data);
            self.guards.push(Guard::Read(guard));
            self.model.readers += 1;
        }
    }

    fn rlock_upgradable(&mut self, ask: Ask) {
        let lock = self.lock;
        let expected = self.model.is_upgradable();
        let guard = match ask {
            Ask::Block if expected => Some(lock.rlock_upgradable()),
            Ask::Block | Ask::Try => lock.try_rlock_upgradable(),
            Ask::For(timeout) => lock.try_rlock_upgradable_for(timeout),
            Ask::Past => lock.try_rlock_upgradable_until(Instant::now()),
            Ask::Soon => lock.try_rlock_upgradable_until(Instant::now() + SHORT),
        };
        assert_eq!(guard.is_some(), expected);
        if let Some(guard) = guard {
            assert_eq!(*guard, self.model.data);
            self.guards.push(Guard::Upgradable(guard));
            self.model.upgradable = true;
        }
    }

    fn lock(&mut self, ask: Ask) {
        let lock = self.lock;
        let expected = self.model.is_writable();
        let guard = match ask {
            Ask::Block if expected => Some(lock.lock()),
            Ask::Block | Ask::Try => lock.try_lock(),
            Ask::For(timeout) => lock.try_lock_for(timeout),
            Ask::Past => lock.try_lock_until(Instant::now()),
            Ask::Soon => lock.try_lock_until(Instant::now() + SHORT),
        };
        assert_eq!(guard.is_some(), expected);
        if let Some(guard) = guard {
            assert_eq!(*guard, self.model.data);
            self.guards.push(Guard::Write(guard));
            self.model.writer = true;
        }
    }

    fn act(&mut self, guard: Guard<'a>, act: Act) {
        let guard = match act {
            Act::Drop => return self.release(guard, drop),
            Act::DropElsewhere => return self.release(guard, |guard| elsewhere(|| drop(guard))),
            Act::UnlockFair => return self.release(guard, unlock_fair),
            Act::Bump => bump(guard),
            Act::Forget => return forget(guard),
            Act::Downgrade => self.downgrade(guard),
            Act::HalfDowngrade => self.half_downgrade(guard),
            Act::Upgrade(ask) => self.upgrade(guard, ask),
            Act::WithUpgraded(value) => self.with_upgraded(guard, value),
            Act::Map => map(guard),
            Act::TryMapNothing => try_map_nothing(guard),
            Act::Read => guard,
            Act::Write(value) => self.write(guard, value),
        };
        self.assert_data(&guard);
        self.guards.push(guard);
    }

    fn release(&mut self, guard: Guard<'a>, release: fn(Guard<'a>)) {
        match guard {
            Guard::Read(_) | Guard::MappedRead(_) => self.model.readers -= 1,
            Guard::Upgradable(_) => self.model.upgradable = false,
            Guard::Write(_) | Guard::MappedWrite(_) => self.model.writer = false,
        }
        release(guard);
    }

    fn downgrade(&mut self, guard: Guard<'a>) -> Guard<'a> {
        match guard {
            Guard::Write(writer) => {
                self.model.writer = false;
                self.model.readers = 1;
                Guard::Read(RWMutexWriteGuard::downgrade(writer))
            }
            Guard::Upgradable(upgradable) => {
                self.model.upgradable = false;
                self.model.readers += 1;
                Guard::Read(RWMutexUpgradableReadGuard::downgrade(upgradable))
            }
            other => other,
        }
    }

    fn half_downgrade(&mut self, guard: Guard<'a>) -> Guard<'a> {
        match guard {
            Guard::Write(writer) => {
                self.model.writer = false;
                self.model.upgradable = true;
                Guard::Upgradable(RWMutexWriteGuard::downgrade_to_upgradable(writer))
            }
            other => other,
        }
    }

    fn upgrade(&mut self, guard: Guard<'a>, ask: Ask) -> Guard<'a> {
        use RWMutexUpgradableReadGuard as Upgradable;

        let Guard::Upgradable(guard) = guard else {
            return guard;
        };
        let expected = self.model.readers == 0;
        let upgraded = match ask {
            Ask::Block if expected => Ok(Upgradable::upgrade(guard)),
            Ask::Block | Ask::Try => Upgradable::try_upgrade(guard),
            Ask::For(timeout) => Upgradable::try_upgrade_for(guard, timeout),
            Ask::Past => Upgradable::try_upgrade_until(guard, Instant::now()),
            Ask::Soon => Upgradable::try_upgrade_until(guard, Instant::now() + SHORT),
        };
        assert_eq!(upgraded.is_ok(), expected);
        self.model.upgradable = !expected;
        self.model.writer = expected;
        upgraded.map_or_else(Guard::Upgradable, Guard::Write)
    }

    fn with_upgraded(&mut self, mut guard: Guard<'a>, value: u32) -> Guard<'a> {
        if let Guard::Upgradable(guard) = &mut guard {
            let written = guard.try_with_upgraded(|pair| *pair = (value, !value));
            assert_eq!(written.is_some(), self.model.readers == 0);
            if written.is_some() {
                self.model.data = (value, !value);
            }
        }
        guard
    }

    fn write(&mut self, mut guard: Guard<'a>, value: u32) -> Guard<'a> {
        match &mut guard {
            Guard::Write(pair) => {
                self.model.data = (value, !value);
                **pair = self.model.data;
            }
            Guard::MappedWrite(half) => {
                self.model.data.1 = value;
                **half = value;
            }
            Guard::Read(_) | Guard::Upgradable(_) | Guard::MappedRead(_) => {}
        }
        guard
    }

    fn assert_data(&self, guard: &Guard<'_>) {
        match guard {
            Guard::Read(pair) => assert_eq!(**pair, self.model.data),
            Guard::Upgradable(pair) => assert_eq!(**pair, self.model.data),
            Guard::Write(pair) => assert_eq!(**pair, self.model.data),
            Guard::MappedRead(half) => assert_eq!(**half, self.model.data.1),
            Guard::MappedWrite(half) => assert_eq!(**half, self.model.data.1),
        }
    }
}

fn unlock_fair(guard: Guard<'_>) {
    match guard {
        Guard::Read(guard) => RWMutexReadGuard::unlock_fair(guard),
        Guard::Upgradable(guard) => RWMutexUpgradableReadGuard::unlock_fair(guard),
        Guard::Write(guard) => RWMutexWriteGuard::unlock_fair(guard),
        Guard::MappedRead(guard) => MappedRWMutexReadGuard::unlock_fair(guard),
        Guard::MappedWrite(guard) => MappedRWMutexWriteGuard::unlock_fair(guard),
    }
}

fn bump(mut guard: Guard<'_>) -> Guard<'_> {
    match &mut guard {
        Guard::Read(guard) => RWMutexReadGuard::bump(guard),
        Guard::Upgradable(guard) => RWMutexUpgradableReadGuard::bump(guard),
        Guard::Write(guard) => RWMutexWriteGuard::bump(guard),
        Guard::MappedRead(_) | Guard::MappedWrite(_) => {}
    }
    guard
}

fn map(guard: Guard<'_>) -> Guard<'_> {
    match guard {
        Guard::Read(pair) => Guard::MappedRead(RWMutexReadGuard::map(pair, |pair| &pair.1)),
        Guard::Write(pair) => Guard::MappedWrite(RWMutexWriteGuard::map(pair, |pair| &mut pair.1)),
        mapped => mapped,
    }
}

fn try_map_nothing(guard: Guard<'_>) -> Guard<'_> {
    match guard {
        Guard::Read(pair) => {
            Guard::Read(RWMutexReadGuard::try_map(pair, |_| None::<&u32>).unwrap_err())
        }
        Guard::Write(pair) => {
            Guard::Write(RWMutexWriteGuard::try_map(pair, |_| None::<&mut u32>).unwrap_err())
        }
        mapped => mapped,
    }
}

#[test]
fn every_operation_does_what_the_model_says() {
    within(LIMIT, || {
        let enough = time_is_up(Duration::from_secs(5));
        let run = |ops: Vec<Op>| {
            if enough() {
                return Ok(());
            }
            let mut lock = RWMutex::default();
            let mut machine = Machine::new(&lock);
            ops.iter().for_each(|op| machine.step(op));
            let data = machine.model.data;
            drop(machine);
            assert_eq!(*lock.get_mut(), data);
            Ok(())
        };
        state_machine().run(&vec(op(), 1..64), run).unwrap();
    });
}
