//! A thread that does random things with the locks.

use super::arena::Arena;
use super::cell::{Cell, Value, expect};
use super::dropper::Parcel;
use super::op::Op;
use super::post::Post;
use super::random::Random;
use super::store::PERMITS;
use super::{burst, duel, fresh, rounds, short_lived};
use gosync::semaphore::{Permit, Weighted};
use gosync::{
    MutexGuard, RWMutexReadGuard, RWMutexUpgradableReadGuard, RWMutexWriteGuard, WaitGroup,
};
use std::ops::Deref;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;

pub struct Worker {
    pub arena: &'static Arena,
    pub post: &'static Post,
    pub random: Random,
    /// Leads to the thread that drops guards for this one.
    pub parcels: Sender<Parcel>,
    pub group: WaitGroup,
    /// The lock for its bursts: a lock becomes quiet if one thread reads it many times in a row.
    pub home: &'static Cell,
}

/// A thread ends after fewer operations than this.
const TERM: usize = 4096;

/// More read guards than a thread has slots.
const MANY: usize = 12;

type ReadGuard = RWMutexReadGuard<'static, Value>;
type WriteGuard = RWMutexWriteGuard<'static, Value>;
type MutexOwner = MutexGuard<'static, Value>;
type UpgradableGuard = RWMutexUpgradableReadGuard<'static, Value>;

impl Worker {
    /// Works in one thread after another, until the end.
    pub fn run(mut self) {
        while !self.arena.is_over() {
            let term = thread::spawn(move || self.serve_a_term());
            self = term.join().expect("a worker does not panic");
        }
    }

    fn serve_a_term(mut self) -> Self {
        self.home = self.arena.cell(&mut self.random);
        for _ in 0..self.random.below(TERM) {
            if self.arena.is_over() {
                break;
            }
            let op = Op::pick(&mut self.random, self.arena.phase());
            self.post.begin(op);
            let done = self.perform(op);
            self.post.end(op, done);
        }
        self
    }

    /// Returns whether the operation got what it wanted.
    fn perform(&mut self, op: Op) -> bool {
        let cell = self.arena.cell(&mut self.random);
        let timeout = timeout(&mut self.random);
        match op {
            Op::Rlock => self.read(cell, Some(self.rlock(cell))),
            Op::TryRlock => self.read(cell, cell.lock.try_rlock()),
            Op::TryRlockFor => self.read(cell, cell.lock.try_rlock_for(timeout)),
            Op::RlockMap => self.read_part(cell),
            Op::RlockSend => self.send_read(cell),
            Op::RlockSeveral => self.read_several(),
            Op::TryRlockMany => self.read_many(cell),
            Op::Burst => self.burst(),
            Op::Lock => self.write(cell, Some(self.lock(cell))),
            Op::TryLock => self.write(cell, cell.lock.try_lock()),
            Op::TryLockFor => self.write(cell, cell.lock.try_lock_for(timeout)),
            Op::LockMap => self.write_part(cell),
            Op::LockSend => self.send_write(cell),
            Op::Downgrade => self.downgrade(cell),
            Op::UnlockFair => self.unlock_fair(cell),
            Op::RlockUpgradable => self.read(cell, Some(cell.lock.rlock_upgradable())),
            Op::TryRlockUpgradableFor => {
                self.read(cell, cell.lock.try_rlock_upgradable_for(timeout))
            }
            Op::Upgrade => self.upgrade(cell, |guard| Ok(UpgradableGuard::upgrade(guard))),
            Op::TryUpgrade => self.upgrade(cell, UpgradableGuard::try_upgrade),
            Op::TryUpgradeFor => self.upgrade(cell, |guard| {
                UpgradableGuard::try_upgrade_for(guard, timeout)
            }),
            Op::DowngradeTwice => self.downgrade_twice(cell),
            Op::MutexLock => self.own(Some(self.arena.store.lock.lock()), drop),
            Op::MutexTryLock => self.own(self.arena.store.lock.try_lock(), drop),
            Op::MutexTryLockFor => self.own(self.arena.store.lock.try_lock_for(timeout), drop),
            Op::MutexUnlockFair => {
                self.own(Some(self.arena.store.lock.lock()), MutexGuard::unlock_fair)
            }
            Op::Acquire => self.acquire(|permits, n| permits.acquire(n).ok()),
            Op::TryAcquire => self.acquire(Weighted::try_acquire),
            Op::AcquireFor => self.acquire(|permits, n| permits.acquire_for(n, timeout)),
            Op::GroupReuse => rounds::group_reuse(self),
            Op::GroupGate => rounds::group_gate(self),
            Op::GroupTimeout => rounds::group_timeout(self),
            Op::CondQueue => rounds::cond_queue(self),
            Op::GoJoin => rounds::go_join(self),
            Op::Scope => rounds::scope(self),
            Op::Forget => fresh::live_and_die(self),
            Op::Duel => duel::fight(self),
            Op::Meet => short_lived::meet(self),
            Op::Orphan => short_lived::orphan(self),
            Op::DropForOther => unreachable!("no worker picks this"),
        }
    }

    fn rlock(&self, cell: &'static Cell) -> ReadGuard {
        Post::timed(&self.post.worst_read, || cell.lock.rlock())
    }

    fn lock(&self, cell: &'static Cell) -> WriteGuard {
        Post::timed(&self.post.worst_write, || cell.lock.lock())
    }

    /// Reads with `guard`, which is plain or upgradable.
    fn read(&mut self, cell: &Cell, guard: Option<impl Deref<Target = Value>>) -> bool {
        let Some(guard) = guard else {
            return false;
        };
        self.post.acquired();
        cell.reader_entered();
        self.look(&guard);
        cell.reader_leaves();
        true
    }

    fn write(&mut self, cell: &Cell, guard: Option<WriteGuard>) -> bool {
        let Some(guard) = guard else {
            return false;
        };
        self.enter(cell, &guard);
        cell.writer_leaves();
        true
    }

    /// Checks the value as a reader.
    fn look(&mut self, value: &Value) {
        value.check();
        self.arena.dawdle(&mut self.random);
        value.check();
    }

    /// Enters as a writer, and changes the value.
    fn enter(&mut self, cell: &Cell, value: &Value) {
        self.post.acquired();
        cell.writer_entered();
        value.change(|| self.arena.dawdle(&mut self.random));
    }

    fn burst(&mut self) -> bool {
        burst::run(self.home, self.post, &mut self.random);
        true
    }

    fn read_part(&mut self, cell: &'static Cell) -> bool {
        let guard = self.rlock(cell);
        self.post.acquired();
        cell.reader_entered();
        let index = self.random.below(8);
        let line = RWMutexReadGuard::map(guard, |value| value.line(index));
        line.check();
        self.arena.dawdle(&mut self.random);
        line.check();
        cell.reader_leaves();
        true
    }

    fn write_part(&mut self, cell: &'static Cell) -> bool {
        let guard = self.lock(cell);
        self.enter(cell, &guard);
        let index = self.random.below(8);
        let line = RWMutexWriteGuard::map(guard, |value| value.line_mut(index));
        self.arena.dawdle(&mut self.random);
        line.check();
        cell.writer_leaves();
        true
    }

    fn send_read(&mut self, cell: &'static Cell) -> bool {
        let guard = self.rlock(cell);
        self.post.acquired();
        cell.reader_entered();
        self.send(Parcel::Read(cell, guard))
    }

    fn send_write(&mut self, cell: &'static Cell) -> bool {
        let guard = self.lock(cell);
        self.enter(cell, &guard);
        self.send(Parcel::Write(cell, guard))
    }

    pub fn send(&self, parcel: Parcel) -> bool {
        self.parcels.send(parcel).is_ok()
    }

    fn downgrade(&mut self, cell: &'static Cell) -> bool {
        let guard = self.lock(cell);
        self.enter(cell, &guard);
        cell.writer_becomes_reader();
        let guard = RWMutexWriteGuard::downgrade(guard);
        self.look(&guard);
        cell.reader_leaves();
        true
    }

    fn unlock_fair(&mut self, cell: &'static Cell) -> bool {
        let guard = self.lock(cell);
        self.enter(cell, &guard);
        cell.writer_leaves();
        RWMutexWriteGuard::unlock_fair(guard);
        true
    }

    /// When `upgrade` has succeeded, what was read before must still be true.
    fn upgrade(
        &mut self,
        cell: &'static Cell,
        upgrade: impl FnOnce(UpgradableGuard) -> Result<WriteGuard, UpgradableGuard>,
    ) -> bool {
        let guard = cell.lock.rlock_upgradable();
        self.post.acquired();
        cell.reader_entered();
        let version = guard.version();
        self.look(&guard);
        cell.reader_leaves();
        match upgrade(guard) {
            Ok(guard) => {
                expect(
                    guard.version() == version,
                    "a writer came before an upgrade",
                );
                self.enter(cell, &guard);
                cell.writer_leaves();
                true
            }
            Err(guard) => {
                expect(guard.version() == version, "a writer came beside a reader");
                false
            }
        }
    }

    fn downgrade_twice(&mut self, cell: &'static Cell) -> bool {
        let guard = self.lock(cell);
        self.enter(cell, &guard);
        let version = guard.version();
        cell.writer_becomes_reader();
        let guard = RWMutexWriteGuard::downgrade_to_upgradable(guard);
        self.look(&guard);
        let guard = UpgradableGuard::downgrade(guard);
        self.look(&guard);
        expect(
            guard.version() == version,
            "a writer entered at a downgrade",
        );
        cell.reader_leaves();
        true
    }

    fn own(&mut self, guard: Option<MutexOwner>, release: fn(MutexOwner)) -> bool {
        let Some(guard) = guard else {
            return false;
        };
        self.post.acquired();
        let store = &self.arena.store;
        store.change(&guard, || self.arena.dawdle(&mut self.random));
        release(guard);
        true
    }

    fn acquire(
        &mut self,
        acquire: impl FnOnce(&'static Weighted, usize) -> Option<Permit<&'static Weighted>>,
    ) -> bool {
        let store = &self.arena.store;
        let n = 1 + self.random.below(PERMITS);
        let Some(permit) = acquire(&store.permits, n) else {
            return false;
        };
        self.post.acquired();
        store.use_up(&permit, || self.arena.dawdle(&mut self.random));
        true
    }

    /// Locks are taken in a fixed order, so that no two threads wait for each other.
    fn read_several(&mut self) -> bool {
        let mut guards = Vec::new();
        for cell in &self.arena.cells {
            if self.random.once_in(2) {
                guards.push((cell, self.rlock(cell)));
                self.post.acquired();
                cell.reader_entered();
            }
        }
        for (cell, guard) in guards {
            self.look(&guard);
            cell.reader_leaves();
        }
        true
    }

    /// Only tries to lock, since a writer may come in between. The guards are dropped in any order.
    fn read_many(&mut self, cell: &'static Cell) -> bool {
        let mut guards: Vec<_> = std::iter::from_fn(|| cell.lock.try_rlock())
            .take(MANY)
            .inspect(|_| cell.reader_entered())
            .collect();
        let got_all = guards.len() == MANY;
        while !guards.is_empty() {
            self.post.acquired();
            let guard = guards.swap_remove(self.random.below(guards.len()));
            guard.check();
            cell.reader_leaves();
        }
        got_all
    }
}

/// Returns mostly a part of the millisecond after which a writer starves, sometimes more.
fn timeout(random: &mut Random) -> Duration {
    let bound = if random.once_in(4) { 4000 } else { 500 };
    random.micros_below(bound)
}
