//! What the threads do, and how often.

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
    Lock,
    TryLock,
    TryLockFor,
    LockMap,
    LockSend,
    Downgrade,
    /// A thread that drops the guards of others.
    DropForOther,
    /// Goroutines of a group that is used again at once.
    GroupReuse,
    /// Goroutines that wait for one event.
    GroupGate,
    GroupTimeout,
    GoJoin,
    Scope,
}

const READS: &[(Op, usize)] = &[
    (Op::Rlock, 16),
    (Op::TryRlock, 8),
    (Op::TryRlockFor, 8),
    (Op::RlockMap, 4),
    (Op::RlockSeveral, 4),
    (Op::RlockSend, 1),
];

const WRITES: &[(Op, usize)] = &[
    (Op::Lock, 16),
    (Op::TryLock, 8),
    (Op::TryLockFor, 24),
    (Op::Downgrade, 8),
    (Op::LockMap, 4),
    (Op::LockSend, 1),
];

const ROUNDS: &[(Op, usize)] = &[
    (Op::GroupReuse, 4),
    (Op::GroupGate, 2),
    (Op::GroupTimeout, 1),
    (Op::GoJoin, 2),
    (Op::Scope, 2),
];

/// Goroutines cost so much more than locks that one round in this many operations is plenty.
const ROUND_ONCE_IN: usize = 2048;

impl Op {
    /// A random operation; `writes` of 4096 are writes.
    pub fn pick(random: &mut Random, writes: usize) -> Self {
        if random.once_in(ROUND_ONCE_IN) {
            random.weighted(ROUNDS)
        } else if random.below(4096) < writes {
            random.weighted(WRITES)
        } else {
            random.weighted(READS)
        }
    }
}
