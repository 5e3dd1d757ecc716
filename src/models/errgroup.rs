//! Models of `errgroup`.
