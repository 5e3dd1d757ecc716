//! The call determines the types of its arguments, as it does without `go!`.

use gosync::{JoinHandle, go};
use std::fmt::Display;
use std::sync::Arc;

type Callback = Box<dyn Fn(&str) -> usize + Send>;

#[test]
fn closure() {
    fn apply(f: impl Fn(&str) -> usize) -> usize {
        f("go")
    }
    fn apply_mut<F: FnMut(&str) -> usize>(mut f: F) -> usize {
        f("go") + f("go")
    }
    fn apply_dyn(f: Box<dyn FnOnce(&str) -> usize + Send>) -> usize {
        f("go")
    }
    fn apply_pointer(f: fn(&str) -> usize) -> usize {
        f("go")
    }
    fn apply_two(f: impl Fn(&str) -> usize, n: usize, g: impl Fn(usize) -> usize) -> usize {
        g(f("go") + n)
    }

    let (mut sum, n) = (0, 1);
    assert_eq!(go!(apply(|s| s.len())).join().unwrap(), 2);
    assert_eq!(go!(apply(|s| s.len() + n)).join().unwrap(), 3);
    assert_eq!(go!(apply(move |s| s.len() + n)).join().unwrap(), 3);
    assert_eq!(
        go!(apply_mut(|s| {
            sum += s.len();
            sum
        }))
        .join()
        .unwrap(),
        6
    );
    assert_eq!(go!(apply_dyn(Box::new(|s| s.len()))).join().unwrap(), 2);
    assert_eq!(go!(apply_pointer(|s| s.len())).join().unwrap(), 2);
    assert_eq!(go!(apply_two(|s| s.len(), n, |x| x + n)).join().unwrap(), 4);
    assert_eq!(go!(Some("go").map(|s| s.len())).join().unwrap(), Some(2));
    assert_eq!(
        go!(Some("go").map_or_else(|| 0, |s| s.len()))
            .join()
            .unwrap(),
        2
    );
    assert_eq!(
        go!(vec![3, 1, 2].into_iter().fold(0, |a, b| a * 10 + b))
            .join()
            .unwrap(),
        312
    );
}

#[test]
fn parameters_of_a_closure_that_is_called() {
    let (name, list) = (String::from("gopher"), vec![1, 2]);
    assert_eq!(go!(|name| { name.len() }(name.clone())).join().unwrap(), 6);
    assert_eq!(
        go!(move |name, list, n| { name.len() + list.len() + n }(name, list, 1))
            .join()
            .unwrap(),
        9
    );
}

#[test]
fn coercion() {
    fn all(callbacks: Vec<Callback>) -> usize {
        callbacks.iter().map(|f| f("go")).sum()
    }
    fn maybe(callback: Option<Callback>, n: usize) -> usize {
        callback.map_or(0, |f| f("go")) + n
    }
    fn show(list: &[&dyn Display]) -> usize {
        list.len()
    }
    fn shared(x: Arc<dyn Display + Send + Sync>) -> String {
        x.to_string()
    }

    assert_eq!(
        go!(all(vec![Box::new(|s| s.len()), Box::new(str::len)]))
            .join()
            .unwrap(),
        4
    );
    assert_eq!(
        go!(maybe(Some(Box::new(|s| s.len())), 1)).join().unwrap(),
        3
    );
    assert_eq!(go!(maybe(None, 1)).join().unwrap(), 1);
    assert_eq!(
        go!(maybe(if true { Some(Box::new(str::len)) } else { None }, 1))
            .join()
            .unwrap(),
        3
    );
    assert_eq!(
        go!((|list: &[&'static str]| list.len())(&["a", "b"]))
            .join()
            .unwrap(),
        2
    );
    assert_eq!(go!(shared(Arc::new(1))).join().unwrap(), "1");
    let _ = show;
}

#[test]
fn inference_from_the_arguments() {
    fn first<T: Clone>(list: Vec<T>) -> T {
        list[0].clone()
    }

    assert_eq!(go!(first(vec![1_u8, 2])).join().unwrap(), 1);
    assert_eq!(
        go!(u64::max(1_u8.into(), u32::MAX.into())).join().unwrap(),
        u64::from(u32::MAX)
    );
    assert_eq!(
        go!(i64::max("5".parse().unwrap(), [1, 2].iter().sum()))
            .join()
            .unwrap(),
        5
    );
    assert_eq!(go!(first("a b".split(' ').collect())).join().unwrap(), "a");
}

#[test]
fn inference_from_the_result() {
    fn parse<T: std::str::FromStr>(text: &str) -> Option<T> {
        text.parse().ok()
    }

    let handle: JoinHandle<Option<u8>> = go!(parse("5"));
    assert_eq!(handle.join().unwrap(), Some(5));
    let port: u16 = go!(Default::default()).join().unwrap();
    assert_eq!(port, 0);
    let wide: i64 = go!(1_i32.into()).join().unwrap();
    assert_eq!(wide, 1);
}

#[test]
fn unsafe_call() {
    unsafe fn read(x: &'static i32, _: i32) -> i32 {
        *x
    }

    // SAFETY: `read` has no requirements.
    let handle = unsafe { go!(read(&1, 2)) };
    assert_eq!(handle.join().unwrap(), 1);
}

#[test]
fn generic_caller() {
    fn run<T, F>(f: F, x: T) -> JoinHandle<T>
    where
        T: Send + 'static,
        F: FnOnce(T) -> T + Send + 'static,
    {
        go!(f(x))
    }

    trait Task: Send + Sized + 'static {
        fn work(&mut self, n: usize) -> usize;

        fn start(mut self, n: usize) -> JoinHandle<usize> {
            go!(self.work(n))
        }
    }

    impl Task for String {
        fn work(&mut self, n: usize) -> usize {
            self.truncate(n);
            self.len()
        }
    }

    assert_eq!(run(|x| x + 1, 1).join().unwrap(), 2);
    assert_eq!("gopher".to_string().start(2).join().unwrap(), 2);
}

#[test]
fn borrow_of_something_static() {
    let name: &'static str = "gopher";
    let leaked: &'static mut Vec<i32> = Box::leak(Box::default());
    assert_eq!(go!(str::len(name)).join().unwrap(), 6);
    assert_eq!(go!(Vec::push(leaked, 1)).join().ok(), Some(()));
}
