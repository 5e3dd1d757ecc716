//! The operations of the threads, and how often each is picked.

use super::arena::Phase;
use super::random::Random;

macro_rules! ops {
    ($($(#[$attr:meta])* $name:ident,)*) => {
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Op {
            $($(#[$attr])* $name,)*
        }

        impl Op {
            pub const ALL: &[Self] = &[$(Self::$name,)*];
            pub const COUNT: usize = Self::ALL.len();
        }
    };
}

ops! {
    Rlock,
    TryRlock,
    TryRlockFor,
    /// A read guard mapped to a part of the value.
    RlockMap,
    /// A read guard that another thread drops.
    RlockSend,
    /// Read guards of several locks at once.
    RlockSeveral,
    /// Read guards of one lock, more than a thread has slots.
    TryRlockMany,
    /// Many reads of one lock, one after the other.
    Burst,
    Lock,
    TryLock,
    TryLockFor,
    LockMap,
    LockSend,
    Downgrade,
    /// An unlock that hands the lock to the next writer.
    UnlockFair,
    RlockUpgradable,
    TryRlockUpgradableFor,
    /// An upgradable read guard that becomes a write guard.
    Upgrade,
    TryUpgrade,
    TryUpgradeFor,
    /// A write guard that becomes an upgradable read guard, which becomes a read guard.
    DowngradeTwice,
    MutexLock,
    MutexTryLock,
    MutexTryLockFor,
    MutexUnlockFair,
    /// Permits of a semaphore.
    Acquire,
    TryAcquire,
    AcquireFor,
    /// A thread drops the guards of others.
    DropForOther,
    /// Goroutines of a group that is reused at once.
    GroupReuse,
    /// Goroutines that wait for one event.
    GroupGate,
    GroupTimeout,
    /// Goroutines that put items into a queue of length one, and take items from it.
    CondQueue,
    GoJoin,
    Scope,
    /// A lock that is dropped while its guards are forgotten.
    Forget,
    /// Short-lived threads that meet on a lock which only they use.
    Meet,
    /// One reader and one writer of a lock which only they use.
    Duel,
    /// A read guard whose thread ends.
    Orphan,
}

const READS: &[(Op, usize)] = &[
    (Op::Rlock, 16),
    (Op::TryRlock, 8),
    (Op::TryRlockFor, 8),
    (Op::RlockMap, 4),
    (Op::RlockSeveral, 4),
    (Op::TryRlockMany, 2),
    (Op::RlockUpgradable, 1),
    (Op::TryRlockUpgradableFor, 1),
    (Op::RlockSend, 1),
];

const WRITES: &[(Op, usize)] = &[
    (Op::Lock, 16),
    (Op::TryLock, 8),
    (Op::TryLockFor, 24),
    (Op::Downgrade, 8),
    (Op::LockMap, 4),
    (Op::UnlockFair, 4),
    (Op::Upgrade, 4),
    (Op::TryUpgrade, 2),
    (Op::TryUpgradeFor, 8),
    (Op::DowngradeTwice, 4),
    (Op::LockSend, 1),
];

/// Operations on what only one thread or few threads use at a time. A third of the writes are replaced by
/// these.
const STORE: &[(Op, usize)] = &[
    (Op::MutexLock, 8),
    (Op::MutexTryLock, 2),
    (Op::MutexTryLockFor, 6),
    (Op::MutexUnlockFair, 2),
    (Op::Acquire, 6),
    (Op::TryAcquire, 2),
    (Op::AcquireFor, 6),
];

/// Operations that cost much more than a lock.
const ROUNDS: &[(Op, usize)] = &[
    (Op::GroupReuse, 4),
    (Op::GroupGate, 2),
    (Op::GroupTimeout, 1),
    (Op::CondQueue, 4),
    (Op::GoJoin, 2),
    (Op::Scope, 2),
    (Op::Forget, 8),
    (Op::Meet, 2),
    (Op::Duel, 8),
    (Op::Orphan, 4),
];

/// Out of 4096 operations, this many are rounds.
const ROUNDS_OF_4096: usize = 4;

impl Op {
    /// Picks a random operation, with the weights of the phase.
    pub fn pick(random: &mut Random, phase: &Phase) -> Self {
        if random.below(4096) < ROUNDS_OF_4096 {
            random.weighted(ROUNDS)
        } else if random.below(4096) < phase.bursts {
            Self::Burst
        } else if random.below(4096) < phase.writes {
            let ops = if random.once_in(3) { STORE } else { WRITES };
            random.weighted(ops)
        } else {
            random.weighted(READS)
        }
    }
}
