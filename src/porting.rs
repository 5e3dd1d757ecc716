#![doc = include_str!("../docs/porting.md")]
#![doc(alias(
    "chan",
    "channel",
    "close",
    "select",
    "context",
    "WithCancel",
    "WithTimeout",
    "defer",
    "recover",
    "vet"
))]
#![doc(alias(
    "Once",
    "OnceFunc",
    "OnceValue",
    "Pool",
    "Locker",
    "RLocker",
    "Goexit",
    "Notify"
))]
#![doc(alias("After", "AfterFunc", "Ticker"))]
#![doc(alias(
    "Map",
    "atomic",
    "AddInt64",
    "CompareAndSwap",
    "LoadOrStore",
    "Pointer",
    "race",
    "deadlock"
))]
#![doc(alias("Gosched", "LockOSThread", "NumCPU", "Fatal", "Timer", "make", "nil"))]
//!
//! ## Items by name
//!
//! [`go!`](crate::go!), [`go`](fn@crate::go), [`JoinHandle`](crate::JoinHandle), [`scope`](crate::scope()),
//! [`WaitGroup`](crate::WaitGroup), [`Mutex`](crate::Mutex), [`RWMutex`](crate::RWMutex),
//! [`RWMutexUpgradableReadGuard`](crate::RWMutexUpgradableReadGuard),
//! [`MappedRWMutexReadGuard`](crate::MappedRWMutexReadGuard), [`Cond`](crate::Cond),
//! [`errgroup`](crate::errgroup), [`semaphore`](crate::semaphore), [`singleflight`](crate::singleflight),
//! [`sleep`](crate::sleep), [`block_in_place`](crate::block_in_place()),
//! [`set_max_procs`](crate::set_max_procs), [`num_goroutines`](crate::num_goroutines),
//! [`abort_on_panic`](crate::abort_on_panic).
