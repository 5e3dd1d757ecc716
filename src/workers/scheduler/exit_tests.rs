use super::super::{current, scheduler};
use crate::go;
use crate::platform::tests::assert_ends;
use std::sync::mpsc;
use std::thread;

/// The destructors of the thread that ends the process must not wait for threads that are gone.
#[test]
fn a_process_ends_while_another_thread_has_the_state() {
    let test = "workers::scheduler::exit_tests::a_process_ends_while_another_thread_has_the_state";
    assert_ends(test, || {
        go(|| ()).join().unwrap();
        assert!(current().is_some(), "there is nothing to release");
        let (begin, begun) = mpsc::channel();
        thread::spawn(move || {
            let _state = scheduler().lock();
            begin.send(()).unwrap();
            loop {
                thread::park();
            }
        });
        begun.recv().unwrap();
    });
}
