//! What some targets lack.

/// Whether there are threads. std starts none on WebAssembly without atomics.
#[cfg(not(gosync_model))]
pub(crate) const HAS_THREADS: bool =
    !cfg!(all(target_family = "wasm", not(target_feature = "atomics")));

/// Whether there is a clock. `Instant::now` panics on WebAssembly without a system.
pub(crate) const HAS_CLOCK: bool = !cfg!(all(target_family = "wasm", target_os = "unknown"));
