//! The grammar of `go!`.

/// Runs a call in a goroutine: Go's `go` statement.
#[macro_export]
macro_rules! go {
    ($($tokens:tt)*) => { $crate::go(move || { $($tokens)* }) };
}
