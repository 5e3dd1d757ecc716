//! Models of `singleflight`.
