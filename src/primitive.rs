//! What the algorithms are made of: atomics, cells and `Arc`.
//!
//! The only file that names std's atomics or a checker's. Under `--cfg gosync_model` the same code
//! runs over the types of loom, which explore every interleaving and every value that the memory
//! model allows, or of shuttle, which try interleavings at random; see `models`.

pub(crate) use std::sync::atomic::Ordering;

#[cfg(not(target_has_atomic = "64"))]
compile_error!("gosync needs 64-bit atomics, which this target does not have");

#[cfg(not(gosync_model))]
pub(crate) use real::*;

#[cfg(gosync_model)]
pub(crate) use crate::models::{primitive::*, thread_number};

/// Declares a function that is `const` outside the models; loom's atomics have no const constructor.
macro_rules! const_fn {
    ($(#[$attr:meta])* $vis:vis const fn $($rest:tt)*) => {
        #[cfg(not(gosync_model))]
        $(#[$attr])* $vis const fn $($rest)*
        #[cfg(gosync_model)]
        $(#[$attr])* $vis fn $($rest)*
    };
}
pub(crate) use const_fn;

/// Declares a static; in the models each schedule begins with a new one.
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

/// Declares a thread-local variable; in the models each thread of each schedule begins with a new one.
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

/// A size: the real one, or what a checker can take.
pub(crate) const fn sized(real: usize, loom: usize, shuttle: usize) -> usize {
    if cfg!(gosync_loom) {
        loom
    } else if cfg!(gosync_shuttle) {
        shuttle
    } else {
        real
    }
}

/// A number that changes under a lock, or that only one thread changes, and that others may read late.
/// No checker sees it: whether it is used like that is for the reviewer to see.
#[derive(Default)]
pub(crate) struct Published(std::sync::atomic::AtomicUsize);

impl Published {
    pub(crate) const fn new() -> Self {
        Self(std::sync::atomic::AtomicUsize::new(0))
    }

    /// What came before the changes that this sees happens before what follows.
    pub(crate) fn get(&self) -> usize {
        // Acquire: pairs with the Releases below.
        self.0.load(Ordering::Acquire)
    }

    pub(crate) fn set(&self, value: usize) {
        self.0.store(value, Ordering::Release);
    }

    /// Sets it, and returns whether it was something else. Not for several threads at a time.
    pub(crate) fn update(&self, value: usize) -> bool {
        let is_new = self.get() != value;
        self.set(value);
        is_new
    }

    pub(crate) fn add(&self, value: usize) {
        self.0.fetch_add(value, Ordering::Release);
    }

    /// Not for several threads at a time.
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

    /// A number that no other thread has while the current one lives, and that is not 0. A thread that
    /// has the number of an earlier one begins after that one has ended.
    pub(crate) fn thread_number() -> usize {
        MARK.with(|mark| std::ptr::from_ref(mark).addr())
    }

    /// `std::cell::UnsafeCell` with the face of the models', which checks each access for races.
    pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        pub(crate) const fn new(value: T) -> Self {
            Self(std::cell::UnsafeCell::new(value))
        }

        /// Calls `f` with the pointer, for a write.
        pub(crate) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
            f(self.0.get())
        }
    }
}
