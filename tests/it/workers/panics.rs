//! `abort_on_panic`: a panic that ends a goroutine ends the process.

use super::child::{alone, exits_with};
use crate::support::{Ended, LIMIT, panic_text};
use gosync::errgroup::Group;
use gosync::singleflight;
use gosync::{WaitGroup, abort_on_panic, go, scope};
use std::panic::catch_unwind;
use std::sync::mpsc;
use std::thread;

/// The exit code of a Go program that a panic ends.
const EXIT_CODE: i32 = 2;

/// Runs `scenario` in a separate process. [`fail`] must end it with Go's code, after the report and the
/// destructors of the goroutine.
#[track_caller]
fn ends_the_process<F: FnOnce()>(scenario: F) {
    if let Some(output) = exits_with(EXIT_CODE, scenario) {
        let report = output.find("the end").expect(&output);
        let unwound = output.find("unwound").expect(&output);
        assert!(report < unwound, "{output}");
    }
}

/// Prints "unwound" when it is dropped.
struct Unwound;

impl Drop for Unwound {
    fn drop(&mut self) {
        eprintln!("unwound");
    }
}

fn fail() {
    let _unwound = Unwound;
    panic!("the end");
}

/// Gives the process more time to end than the test has.
fn wait_for_the_end() {
    thread::sleep(10 * LIMIT);
}

#[test]
fn a_panic_of_a_detached_goroutine_ends_the_process() {
    ends_the_process(|| {
        abort_on_panic();
        drop(go(fail));
        wait_for_the_end();
    });
}

#[test]
fn a_panic_is_not_returned_by_join() {
    ends_the_process(|| {
        abort_on_panic();
        go(fail).join().ok();
    });
}

#[test]
fn a_panic_in_a_group_ends_the_process() {
    ends_the_process(|| {
        abort_on_panic();
        let wg = WaitGroup::new();
        wg.go(fail);
        wg.wait();
    });
}

#[test]
fn a_panic_in_a_scope_ends_the_process() {
    ends_the_process(|| {
        abort_on_panic();
        scope(|s| {
            s.go(fail).join().ok();
        })
    });
}

#[test]
fn a_panic_in_an_errgroup_ends_the_process() {
    ends_the_process(|| {
        abort_on_panic();
        let group = Group::<()>::new();
        group.go(|| {
            fail();
            Ok(())
        });
        let _ = group.wait();
    });
}

#[test]
fn a_panic_of_a_destructor_ends_the_process() {
    struct Fails;

    impl Drop for Fails {
        fn drop(&mut self) {
            fail();
        }
    }

    ends_the_process(|| {
        abort_on_panic();
        drop(go(|| Fails));
        wait_for_the_end();
    });
}

#[test]
fn one_done_too_many_ends_the_process() {
    let output = exits_with(EXIT_CODE, || {
        abort_on_panic();
        let wg = WaitGroup::new();
        let inner = wg.clone();
        wg.go(move || inner.done());
        wait_for_the_end();
    });
    if let Some(output) = output {
        assert!(
            output.contains("sync: negative WaitGroup counter"),
            "{output}"
        );
    }
}

#[test]
fn many_panics_at_once_end_the_process() {
    ends_the_process(|| {
        abort_on_panic();
        for _ in 0..100 {
            drop(go(fail));
        }
        wait_for_the_end();
    });
}

#[test]
fn a_panic_that_a_goroutine_catches_does_not_end_the_process() {
    alone(&[], || {
        abort_on_panic();
        let caught = go(|| catch_unwind(fail).is_err()).ended();
        assert!(caught.join().unwrap());
    });
}

#[test]
fn panics_outside_of_goroutines_do_not_end_the_process() {
    alone(&[], || {
        abort_on_panic();
        assert_eq!(panic_text(fail), "the end");
        assert!(thread::spawn(fail).join().is_err());
        let text = panic_text(|| scope(|_| fail()));
        assert_eq!(text, "the end");
        let flights = singleflight::Group::new();
        assert_eq!(panic_text(|| flights.run(1, fail)), "the end");
    });
}

#[test]
fn a_panic_before_the_call_is_returned_by_join() {
    alone(&[], || {
        let (ready, wait) = mpsc::channel::<()>();
        let early = go(fail).ended();
        assert!(early.join().is_err());
        let running = go(move || wait.recv().is_ok());
        abort_on_panic();
        ready.send(()).unwrap();
        assert!(running.join().unwrap());
    });
}
