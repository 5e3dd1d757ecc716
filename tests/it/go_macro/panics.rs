//! Whether a panic is raised in the caller or in the goroutine.

use gosync::go;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

fn fail<T>(message: &'static str) -> T {
    std::panic::panic_any(message)
}

fn call(called: &AtomicBool, _: i32) {
    called.store(true, Ordering::Relaxed);
}

/// Asserts that `start` itself panics with `message`.
#[track_caller]
fn assert_panics<T>(message: &'static str, start: impl FnOnce() -> T) {
    let payload = catch_unwind(AssertUnwindSafe(start)).map(drop).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&message));
}

#[test]
fn of_an_argument_is_the_callers() {
    static CALLED: AtomicBool = AtomicBool::new(false);

    assert_panics("argument", || go!(call(&CALLED, fail("argument"))));
    assert_panics("first", || go!(i32::max(fail("first"), fail("second"))));
    assert!(!CALLED.load(Ordering::Relaxed));
}

#[test]
fn of_the_function_is_the_callers() {
    assert_panics("function", || {
        go!(fail::<fn(i32)>("function")(fail("argument")))
    });
    let table: Vec<fn()> = vec![];
    assert!(catch_unwind(|| go!(table[0]())).is_err());
}

#[test]
fn of_the_receiver_is_the_callers() {
    assert_panics("receiver", || {
        go!(fail::<i32>("receiver").max(fail("argument")))
    });
    assert!(catch_unwind(|| go!(None::<i32>.unwrap().max(1))).is_err());
}

#[test]
fn of_the_call_is_the_goroutines() {
    let payload = go!(fail::<()>("call")).join().unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"call"));
    assert!(go!(None::<i32>.unwrap()).join().is_err());
}

#[test]
fn of_other_expressions_is_the_goroutines() {
    assert!(go!({ fail::<()>("block") }).join().is_err());
    assert!(go!(|| fail::<()>("closure")).join().is_err());
    assert!(go!(1 + fail::<i32>("operand")).join().is_err());
    assert!(go!(panic!("macro")).map_unit().is_err());
}

trait MapUnit {
    fn map_unit(self) -> Result<(), ()>;
}

impl<T> MapUnit for gosync::JoinHandle<T> {
    fn map_unit(self) -> Result<(), ()> {
        self.join().map(drop).map_err(drop)
    }
}

#[test]
fn location_is_that_of_the_user() {
    #[track_caller]
    fn location(_: i32) -> &'static Location<'static> {
        Location::caller()
    }

    let there = go!(location(1)).join().unwrap();
    assert_eq!((there.file(), there.line()), (file!(), line!() - 1));
}
