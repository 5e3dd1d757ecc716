//! Models of `semaphore`.
