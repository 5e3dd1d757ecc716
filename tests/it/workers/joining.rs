//! A goroutine joins another one that cannot end before the first does.

use super::child::alone;
use crate::support::{LIMIT, panic_text};
use gosync::{JoinHandle, go};
use std::sync::mpsc;

#[test]
fn a_goroutine_that_joins_itself_panics() {
    alone(&[], || {
        let (give, own) = mpsc::channel::<JoinHandle<()>>();
        let (send, text) = mpsc::channel();
        let handle = go(move || {
            let own = own.recv().unwrap();
            send.send(panic_text(|| own.join())).unwrap();
        });
        give.send(handle).unwrap();
        let text = text.recv_timeout(LIMIT).unwrap();
        assert!(text.contains("a goroutine joins itself"), "{text}");
    });
}

/// While the monitor is frozen, no second worker comes. So the first goroutine, which joins the second
/// one, runs it on its own stack.
#[test]
#[cfg(target_os = "linux")]
fn a_goroutine_that_joins_the_one_that_helps_it_panics() {
    use super::frozen::FrozenMonitor;

    alone(&[("GOSYNC_MAXPROCS", "1")], || {
        let Some(_frozen) = FrozenMonitor::new() else {
            return;
        };
        let (give, below) = mpsc::channel::<JoinHandle<()>>();
        let (send, text) = mpsc::channel();
        let handle = go(move || {
            let below = below.recv().unwrap();
            let above = go(move || send.send(panic_text(|| below.join())).unwrap());
            above.join().unwrap();
        });
        give.send(handle).unwrap();
        let text = text.recv_timeout(LIMIT).unwrap();
        assert!(text.contains("on the same stack"), "{text}");
    });
}

/// The result is dropped once, when the goroutine ends.
#[test]
fn the_result_of_a_goroutine_that_joined_itself_is_dropped() {
    struct Result(mpsc::Sender<()>);

    impl Drop for Result {
        fn drop(&mut self) {
            self.0.send(()).unwrap();
        }
    }

    alone(&[], || {
        let (give, own) = mpsc::channel::<JoinHandle<Result>>();
        let (send, dropped) = mpsc::channel();
        let handle = go(move || {
            panic_text(|| own.recv().unwrap().join());
            Result(send)
        });
        give.send(handle).unwrap();
        dropped.recv_timeout(LIMIT).unwrap();
        // The only sender has been dropped with the result, so there was no second drop.
        dropped.recv_timeout(LIMIT).unwrap_err();
    });
}
