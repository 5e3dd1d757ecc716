//! What the algorithms are made of: atomics, cells and `Arc`.
//!
//! The only file that names std's atomics or loom's. Under `--cfg gosync_loom` the same code runs
//! over loom's types, which explore every interleaving and every value that the memory model
//! allows; see `models`.

pub(crate) use std::sync::atomic::Ordering;

#[cfg(not(gosync_loom))]
pub(crate) use real::*;

#[cfg(gosync_loom)]
pub(crate) use crate::models::primitive::*;

/// Declares a function that is `const` outside the models; loom's atomics have no const constructor.
macro_rules! const_fn {
    ($(#[$attr:meta])* $vis:vis const fn $($rest:tt)*) => {
        #[cfg(not(gosync_loom))]
        $(#[$attr])* $vis const fn $($rest)*
        #[cfg(gosync_loom)]
        $(#[$attr])* $vis fn $($rest)*
    };
}
pub(crate) use const_fn;

#[cfg(not(gosync_loom))]
mod real {
    pub(crate) use std::sync::Arc;
    pub(crate) use std::sync::atomic::AtomicUsize;

    /// `std::cell::UnsafeCell` with the face of loom's, which checks each access for races.
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
