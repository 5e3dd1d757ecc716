//! The building blocks of the algorithms: atomics, cells and `Arc`.
//!
//! This is the only file that names the atomics of std or of a checker. Under `--cfg gosync_model` the same
//! code runs on the types of loom or of shuttle. Loom explores every interleaving and every value that the
//! memory model allows. Shuttle tries interleavings at random. See `models`.

pub(crate) use std::sync::atomic::Ordering;

#[cfg(not(target_has_atomic = "64"))]
compile_error!("gosync needs 64-bit atomics, which this target does not have");

#[cfg(not(gosync_model))]
pub(crate) use real::*;

#[cfg(gosync_model)]
pub(crate) use crate::models::{primitive::*, thread_number};

/// Declares a function that is `const` outside the models. In the models it cannot be: loom's atomics have no
/// const constructor.
macro_rules! const_fn {
    ($(#[$attr:meta])* $vis:vis const fn $($rest:tt)*) => {
        #[cfg(not(gosync_model))]
        $(#[$attr])* $vis const fn $($rest)*
        #[cfg(gosync_model)]
        $(#[$attr])* $vis fn $($rest)*
    };
}
pub(crate) use const_fn;

/// Declares a static. In the models, each schedule begins with a new one.
macro_rules! global {
    ($(pub($scope:tt))? static $name:ident: $type:ty = $value:expr;) => {
        #[cfg(not(gosync_model))]
        $(pub($scope))? static $name: $type = $value;
        #[cfg(gosync_model)]
        crate::models::checker::lazy_static! {
            $(pub($scope))? static ref $name: $type = $value;
        }
    };
}
pub(crate) use global;

/// Declares a thread-local variable. In the models, each thread of each schedule begins with a new one.
macro_rules! local {
    ($(#[$attr:meta])* static $name:ident: $type:ty = $value:expr;) => {
        #[cfg(not(gosync_model))]
        std::thread_local! {
            $(#[$attr])* static $name: $type = const { $value };
        }
        #[cfg(gosync_model)]
        crate::models::checker::thread_local! {
            $(#[$attr])* static $name: $type = $value;
        }
    };
}
pub(crate) use local;

/// Returns the real size, or in the models the size that the checker can handle.
pub(crate) const fn sized(real: usize, loom: usize, shuttle: usize) -> usize {
    if cfg!(gosync_loom) {
        loom
    } else if cfg!(gosync_shuttle) {
        shuttle
    } else {
        real
    }
}

/// A number that changes under a lock, or that only one thread changes, or that changes only by `add`. Other
/// threads may read an old value.
///
/// No checker sees it. So a reviewer must check that it is used like that.
#[derive(Default)]
pub(crate) struct Published(std::sync::atomic::AtomicUsize);

impl Published {
    pub(crate) const fn new() -> Self {
        Self(std::sync::atomic::AtomicUsize::new(0))
    }

    /// Returns the number. What came before the changes that this call sees happens before what follows it.
    pub(crate) fn get(&self) -> usize {
        // Acquire: pairs with the Releases below.
        self.0.load(Ordering::Acquire)
    }

    pub(crate) fn set(&self, value: usize) {
        self.0.store(value, Ordering::Release);
    }

    /// Sets the number, and returns whether it was another one. Only one thread may call this at a time.
    pub(crate) fn update(&self, value: usize) -> bool {
        let is_new = self.get() != value;
        self.set(value);
        is_new
    }

    /// Any thread may call this.
    pub(crate) fn add(&self, value: usize) {
        self.0.fetch_add(value, Ordering::Release);
    }

    /// Adds 1. Only one thread may call this at a time.
    pub(crate) fn add_one(&self) {
        self.set(self.0.load(Ordering::Relaxed).wrapping_add(1));
    }
}

#[cfg(not(gosync_model))]
mod real {
    pub(crate) use std::sync::atomic::{
        AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, fence,
    };
    pub(crate) use std::sync::{Arc, Mutex, MutexGuard};

    pub(crate) const fn null_pointers<T, const N: usize>() -> [AtomicPtr<T>; N] {
        [const { AtomicPtr::new(std::ptr::null_mut()) }; N]
    }

    std::thread_local! {
        static MARK: u8 = const { 0 };
    }

    /// Returns a number that is not 0 and that no other thread has while the current thread lives. A thread
    /// may have the number of an earlier one, but only begins after that one has ended.
    pub(crate) fn thread_number() -> usize {
        MARK.with(|mark| std::ptr::from_ref(mark).addr())
    }

    /// `std::cell::UnsafeCell` with the interface of the models' cell, which checks each access for races.
    pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        pub(crate) const fn new(value: T) -> Self {
            Self(std::cell::UnsafeCell::new(value))
        }

        /// Calls `f` with a pointer to the value, through which it may write.
        pub(crate) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
            f(self.0.get())
        }
    }
}
