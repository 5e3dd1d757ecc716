//! Which parts of an expression run in the caller and which in the goroutine, in what order, and how
//! often.

use crate::support::Ended;
use gosync::go;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

/// The steps that were taken, each with its thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<(&'static str, ThreadId)>>>);

impl Log {
    fn note(&self, what: &'static str) {
        self.steps().push((what, thread::current().id()));
    }

    fn steps(&self) -> MutexGuard<'_, Vec<(&'static str, ThreadId)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn value<T>(&self, what: &'static str, value: T) -> T {
        self.note(what);
        value
    }

    /// Asserts that the caller has taken the steps `caller`, and then a goroutine the steps `goroutine`.
    #[track_caller]
    fn assert(&self, caller: &[&'static str], goroutine: &[&'static str]) {
        let (names, threads): (Vec<_>, Vec<_>) = self.steps().iter().copied().unzip();
        assert_eq!(names, [caller, goroutine].concat());
        let (here, there) = threads.split_at(caller.len());
        assert!(
            here.iter().all(|&id| id == thread::current().id()),
            "in the caller"
        );
        assert!(
            there.iter().all(|&id| id != thread::current().id()),
            "in a goroutine"
        );
    }
}

fn call2(log: Log, _: i32, _: i32) {
    log.note("call");
}

struct Receiver(Log);

impl Receiver {
    fn call(&self, _: i32, _: i32) {
        self.0.note("call");
    }

    fn call_mut(&mut self, _: i32, _: i32) {
        self.0.note("call");
    }

    fn call_once<T: Default>(self, _: i32, _: i32) -> T {
        self.0.note("call");
        T::default()
    }

    fn next(self, what: &'static str) -> Self {
        self.0.note(what);
        self
    }
}

impl Log {
    fn receiver(&self) -> Receiver {
        self.value("receiver", Receiver(self.clone()))
    }

    fn function(&self) -> impl FnOnce(i32, i32) + Send + use<> {
        let log = self.clone();
        self.value("function", move |_, _| log.note("call"))
    }
}

#[test]
fn function() {
    let log = Log::default();
    go!(call2(log.clone(), log.value("x", 1), log.value("y", 2)))
        .ended()
        .join()
        .unwrap();
    log.assert(&["x", "y"], &["call"]);
}

#[test]
fn computed_function() {
    let log = Log::default();
    go!(log.function()(log.value("x", 1), log.value("y", 2)))
        .ended()
        .join()
        .unwrap();
    log.assert(&["function", "x", "y"], &["call"]);
}

#[test]
fn function_in_parentheses() {
    let log = Log::default();
    go!((log.value("block", log.function()))(
        log.value("x", 1),
        log.value("y", 2)
    ))
    .ended()
    .join()
    .unwrap();
    log.assert(&["function", "block", "x", "y"], &["call"]);
}

#[test]
fn function_in_a_table() {
    let log = Log::default();
    let table: [fn(Log, i32, i32); 1] = [call2];
    go!(table[log.value("index", 0)](
        log.clone(),
        log.value("x", 1),
        log.value("y", 2)
    ))
    .ended()
    .join()
    .unwrap();
    log.assert(&["index", "x", "y"], &["call"]);
}

#[test]
fn receiver() {
    let log = Log::default();
    go!(log.receiver().call(log.value("x", 1), log.value("y", 2)))
        .ended()
        .join()
        .unwrap();
    log.assert(&["receiver", "x", "y"], &["call"]);
}

#[test]
fn mutable_receiver() {
    let log = Log::default();
    go!(log
        .receiver()
        .call_mut(log.value("x", 1), log.value("y", 2)))
    .ended()
    .join()
    .unwrap();
    log.assert(&["receiver", "x", "y"], &["call"]);
}

#[test]
fn receiver_by_value() {
    let log = Log::default();
    go!(log
        .receiver()
        .call_once::<Vec<Vec<u8>>>(log.value("x", 1), log.value("y", 2)))
    .ended()
    .join()
    .unwrap();
    log.assert(&["receiver", "x", "y"], &["call"]);
}

#[test]
fn chain_of_calls() {
    let log = Log::default();
    go!(log
        .receiver()
        .next("first")
        .next(log.value("z", "second"))
        .call(log.value("x", 1), 2))
    .ended()
    .join()
    .unwrap();
    log.assert(&["receiver", "first", "z", "second", "x"], &["call"]);
}

#[test]
fn fields_of_a_struct_as_the_receiver() {
    struct Fields {
        _n: i32,
        log: Log,
    }

    impl Fields {
        fn call(&self, _: i32) {
            self.log.note("call");
        }
    }

    let log = Log::default();
    go!(Fields {
        _n: log.value("field", 1),
        log: log.clone()
    }
    .call(log.value("x", 1)))
    .ended()
    .join()
    .unwrap();
    log.assert(&["field", "x"], &["call"]);
}

#[test]
fn macro_as_the_receiver() {
    let log = Log::default();
    let name =
        go!(format!("{}", log.value("macro", "a"))
            .replace(log.value("x", "a"), log.value("y", "b")));
    assert_eq!(name.ended().join().unwrap(), "b");
    log.assert(&["macro", "x", "y"], &[]);
}

#[test]
fn closure_among_the_arguments() {
    fn call(_: i32, f: impl Fn(&str) -> usize, _: i32) -> usize {
        f("go")
    }

    let log = Log::default();
    let clone = log.clone();
    let length = go!(call(
        log.value("x", 1),
        move |s| clone.value("closure", s.len()),
        log.value("y", 2)
    ));
    assert_eq!(length.ended().join().unwrap(), 2);
    log.assert(&["x", "y"], &["closure"]);
}

#[test]
fn arguments_of_a_closure() {
    let log = Log::default();
    let inner = log.clone();
    let handle = go!(move |_: i32, _: i32| {
        inner.note("call");
    }(log.value("first", 1), log.value("second", 2)));
    handle.ended().join().unwrap();
    log.assert(&["first", "second"], &["call"]);
}

#[test]
fn one_call_with_a_semicolon() {
    let log = Log::default();
    let handle = go!(call2(log.clone(), log.value("first", 1), log.value("second", 2)););
    handle.ended().join().unwrap();
    log.assert(&["first", "second"], &["call"]);
}

#[test]
fn other_expressions_run_in_the_goroutine() {
    let log = Log::default();
    let clone = log.clone();
    go!(1 + clone.value("x", 1)).ended().join().unwrap();
    log.assert(&[], &["x"]);

    let clone = log.clone();
    go!({ call2(clone.clone(), clone.value("y", 1), 2) })
        .ended()
        .join()
        .unwrap();
    log.assert(&[], &["x", "y", "call"]);

    let clone = log.clone();
    go!(|| ()).ended().join().unwrap();
    go!(move || clone.note("closure")).ended().join().unwrap();
    log.assert(&[], &["x", "y", "call", "closure"]);

    let clone = log.clone();
    go!(println!("{}", clone.value("macro", 1)))
        .ended()
        .join()
        .unwrap();
    log.assert(&[], &["x", "y", "call", "closure", "macro"]);
}

#[test]
fn arguments_are_dropped_in_the_goroutine() {
    struct Dropped(Log);

    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.note("drop");
        }
    }

    fn take(log: Log, _: Dropped) {
        log.note("call");
    }

    let log = Log::default();
    go!(take(log.clone(), Dropped(log.clone())))
        .ended()
        .join()
        .unwrap();
    log.assert(&[], &["call", "drop"]);
}

#[test]
fn temporaries_of_the_arguments_end_before_the_goroutine_starts() {
    fn lock(_: i32, mutex: &Mutex<i32>) -> i32 {
        *mutex.lock().unwrap()
    }

    static MUTEX: Mutex<i32> = Mutex::new(1);
    static NAME: Mutex<String> = Mutex::new(String::new());

    assert_eq!(go!(lock(*MUTEX.lock().unwrap(), &MUTEX)).join().unwrap(), 1);
    let name = go!(NAME
        .lock()
        .unwrap()
        .clone()
        .repeat(NAME.lock().unwrap().len()));
    assert_eq!(name.join().unwrap(), "");
}

#[test]
fn variables_have_the_value_of_the_moment() {
    let mut n = 1;
    let (wait, until) = std::sync::mpsc::channel::<()>();
    let receive = move |n: i32| {
        until.recv().unwrap();
        n
    };
    let handle = go!(receive(n));
    n += 1;
    wait.send(()).unwrap();
    assert_eq!((handle.join().unwrap(), n), (1, 2));
}

#[test]
fn arguments_may_use_the_receiver() {
    let mut list = vec![1, 2, 3];
    assert_eq!(go!(list.split_off(list.len() - 1)).join().unwrap(), [3]);

    struct Nested {
        list: Vec<usize>,
    }
    let mut nested = Nested { list: vec![1] };
    assert_eq!(
        go!(nested.list.insert(nested.list.len(), nested.list[0]))
            .join()
            .ok(),
        Some(())
    );
}

#[test]
fn arguments_may_leave_the_caller() {
    fn number(text: &str) -> Result<i32, std::num::ParseIntError> {
        Ok(go!(i32::max(text.parse()?, 2)).join().unwrap())
    }

    fn receiver(text: &str) -> Option<String> {
        Some(go!(text.parse::<i32>().ok()?.to_string()).join().unwrap())
    }

    assert_eq!(number("3"), Ok(3));
    assert!(number("three").is_err());
    assert_eq!(receiver("3").as_deref(), Some("3"));
    assert_eq!(receiver("three"), None);

    let mut count = 0;
    let found = 'found: {
        for i in 0.. {
            go!(i32::max(if i == 3 { break 'found i } else { i }, 0))
                .join()
                .unwrap();
            count += 1;
        }
        unreachable!()
    };
    assert_eq!((found, count), (3, 3));
}

#[test]
fn arguments_may_await() {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    async fn sum(log: Log) -> i32 {
        let value = async |x| log.value("await", x);
        go!(i32::max(value(1).await, value(2).await))
            .join()
            .unwrap()
            + go!(value(3).await.max(value(4).await)).join().unwrap()
    }

    let log = Log::default();
    let mut sum = pin!(sum(log.clone()));
    let poll = sum.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert_eq!(poll, Poll::Ready(6));
    log.assert(&["await"; 4], &[]);
}
