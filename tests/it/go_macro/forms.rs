//! `go!` accepts every form of expression.

// The expressions are chosen for their form, and make little sense otherwise.
#![allow(clippy::all, clippy::undocumented_unsafe_blocks)]

use gosync::{JoinHandle, go};
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

fn get<T>(handle: JoinHandle<T>) -> T {
    handle.join().expect("no panic")
}

fn zero() -> i32 {
    0
}

fn add(a: i32, b: i32) -> i32 {
    a + b
}

fn adder(n: i32) -> impl Fn(i32) -> i32 + Clone {
    move |x| n + x
}

fn id<T>(x: T) -> T {
    x
}

mod path {
    pub mod to {
        pub fn double(x: i32) -> i32 {
            2 * x
        }

        pub fn call(x: i32) -> i32 {
            gosync::go!(self::double(
                gosync::go!(super::to::double(x)).join().unwrap()
            ))
            .join()
            .unwrap()
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Counter {
    n: i32,
}

impl Counter {
    fn new() -> Self {
        Self::default()
    }

    fn get(&self) -> i32 {
        self.n
    }

    fn bump(&mut self, by: i32) -> i32 {
        self.n += by;
        self.n
    }

    fn into_inner(self) -> i32 {
        self.n
    }

    fn get_arc(self: Arc<Self>) -> i32 {
        self.n
    }

    fn convert<T: From<i32>>(&self, by: i32) -> T {
        T::from(self.n + by)
    }

    fn times<const N: i32>(&self) -> i32 {
        N * self.n
    }

    fn start(self, by: i32) -> i32 {
        get(go!(self.convert::<i32>(by)))
    }

    fn start_mut(mut self, by: i32) -> i32 {
        get(go!(self.bump(by)))
    }

    fn start_arc(self: Arc<Self>, by: i32) -> i32 {
        let sum = get(go!(self.clone().convert::<i32>(by)));
        sum + get(go!(self.n.min(by)))
    }

    fn start_associated() -> Self {
        get(go!(Self::new()))
    }

    fn start_static(&'static self) -> i32 {
        get(go!(self.get()))
    }
}

trait Shape {
    fn sides(n: u32) -> u32;

    fn name(&self, prefix: &str) -> String {
        format!("{prefix}shape")
    }
}

struct Square;

impl Shape for Square {
    fn sides(n: u32) -> u32 {
        4 * n
    }
}

#[derive(Debug, PartialEq)]
struct Pair(i32, i32);

impl Pair {
    fn swap(a: i32, b: i32) -> Self {
        get(go!(Self(b, a)))
    }
}

#[derive(Debug, PartialEq)]
enum Token {
    Word(String),
}

#[test]
fn function() {
    assert_eq!(get(go!(zero())), 0);
    assert_eq!(get(go!(add(1, 2))), 3);
    assert_eq!(get(go!(path::to::double(2))), 4);
    assert_eq!(get(go!(self::path::to::double(2))), 4);
    assert_eq!(get(go!(crate::go_macro::forms::path::to::double(2))), 4);
    assert_eq!(get(go!(::std::cmp::max(1, 2))), 2);
    assert_eq!(path::to::call(1), 4);
}

#[test]
fn raw_identifier() {
    struct Raw {
        r#fn: fn(i32) -> i32,
    }

    impl Raw {
        fn r#loop(&self, x: i32) -> i32 {
            x
        }
    }

    fn r#match(x: i32) -> i32 {
        x
    }

    assert_eq!(get(go!(r#match(1))), 1);
    assert_eq!(get(go!(Raw { r#fn: r#match }.r#loop(2))), 2);
    let raw = Raw { r#fn: r#match };
    assert_eq!(get(go!((raw.r#fn)(3))), 3);
    let r#return = r#match;
    assert_eq!(get(go!(r#return(4))), 4);
}

#[test]
fn associated_function() {
    assert_eq!(get(go!(Counter::new())), Counter { n: 0 });
    assert_eq!(get(go!(Counter::get(&Counter { n: 1 }))), 1);
    assert_eq!(get(go!(Square::sides(1))), 4);
    assert_eq!(get(go!(<Square as Shape>::sides(1))), 4);
    assert_eq!(get(go!(<Square>::sides(1))), 4);
    assert_eq!(get(go!(<Vec<Vec<u8>>>::with_capacity(1).len())), 0);
    assert_eq!(
        get(go!(<<Vec<u8> as IntoIterator>::Item as Default>::default())),
        0
    );
    assert_eq!(get(go!(<[_]>::len(&[1, 2]))), 2);
    assert_eq!(get(go!(<dyn Send as Describe>::describe())), "send");
    assert_eq!(Counter::start_associated(), Counter { n: 0 });
}

trait Describe {
    fn describe() -> &'static str;
}

impl Describe for dyn Send {
    fn describe() -> &'static str {
        "send"
    }
}

#[test]
fn constructor() {
    assert_eq!(get(go!(Some(1))), Some(1));
    assert_eq!(get(go!(Option::<i32>::Some(1))), Some(1));
    assert_eq!(get(go!(Pair(1, 2))), Pair(1, 2));
    assert_eq!(Pair::swap(1, 2), Pair(2, 1));
    assert_eq!(
        get(go!(Token::Word("go".to_string()))),
        Token::Word("go".to_string())
    );
}

#[test]
fn turbofish() {
    fn pair<A: Default, B: Default>(_: i32) -> (A, B) {
        Default::default()
    }

    fn number<const N: i32>() -> i32 {
        N
    }

    fn keep<'a, T: ?Sized>(x: &'a T) -> &'a T
    where
        'static: 'a,
    {
        x
    }

    const NUMBER: i32 = 5;
    type Table = Vec<Option<Box<fn(i32) -> Vec<i32>>>>;

    assert_eq!(get(go!(id::<i32>(1))), 1);
    assert_eq!(get(go!(id::<Vec<u8>>(vec![1]))), [1]);
    assert_eq!(get(go!(id::<Vec<Vec<u8>>>(vec![vec![1]]))), [[1]]);
    assert_eq!(
        get(go!(id::<Vec<Vec<Vec<u8>>>>(vec![vec![vec![1]]]))),
        [[[1]]]
    );
    assert_eq!(get(go!(id::<Vec<Vec<Vec<Vec<u8>>>>>(vec![]))).len(), 0);
    assert_eq!(
        get(go!(pair::<Vec<Vec<u8>>, Option<Vec<u8>>>(0))),
        (vec![], None)
    );
    assert_eq!(
        get(go!(pair::<<Vec<u8> as IntoIterator>::Item, (u8, [u8; 2])>(
            0
        ))),
        (0, (0, [0, 0]))
    );
    assert_eq!(get(go!(Vec::<Vec<u8>>::with_capacity(1))).len(), 0);
    assert_eq!(get(go!(id::<Table>(vec![]))).len(), 0);
    assert_eq!(get(go!(id::<fn(i32, i32) -> i32>(add)))(1, 2), 3);
    assert!(get(go!(id::<Option<fn() -> Option<Vec<u8>>>>(None))).is_none());
    assert_eq!(
        get(go!(id::<Box<dyn Fn(i32) -> Option<Vec<i32>> + Send>>(
            Box::new(|_| None)
        )))(1),
        None
    );
    assert_eq!(get(go!(id::<&'static str>("go"))), "go");
    assert_eq!(get(go!(id::<&&'static str>(&"go"))), &"go");
    assert_eq!(get(go!(keep::<'static, str>("go"))), "go");
    let trim = go!(id::<for<'a> fn(&'a str) -> Option<&'a str>>(|s| Some(
        s.trim()
    )));
    assert_eq!(get(trim)(" go"), Some("go"));
    assert_eq!(get(go!(number::<4>())), 4);
    assert_eq!(get(go!(number::<-4>())), -4);
    assert_eq!(get(go!(number::<NUMBER>())), 5);
    assert_eq!(get(go!(number::<{ NUMBER + 1 }>())), 6);
    assert_eq!(get(go!(number::<{ (NUMBER > 1) as i32 }>())), 1);
    assert_eq!(get(go!(number::<{ NUMBER >> 1 }>())), 2);
}

#[test]
fn turbofish_of_a_method() {
    let counter = Counter { n: 2 };
    assert_eq!(get(go!(vec![1, 2].into_iter().collect::<Vec<_>>())), [1, 2]);
    assert_eq!(
        get(go!(vec![Ok(1), Err(2)]
            .into_iter()
            .collect::<Result<Vec<i32>, i32>>())),
        Err(2)
    );
    assert_eq!(
        get(go!("1 2"
            .split(' ')
            .map(str::len)
            .collect::<Vec<_>>()
            .len())),
        2
    );
    assert_eq!(get(go!("5".parse::<i32>())), Ok(5));
    assert_eq!(get(go!("5".parse::<i32>().unwrap().max(6))), 6);
    assert_eq!(get(go!(counter.clone().times::<-2>())), -4);
    assert_eq!(get(go!(counter.clone().times::<{ 1 + 2 }>())), 6);
    assert_eq!(get(go!(counter.convert::<i64>(1))), 3);
    assert_eq!(
        get(go!([1, 2].iter().sum::<<Vec<i32> as IntoIterator>::Item>())),
        3
    );
}

#[test]
fn function_value() {
    let base = 1;
    let local = move |x| base + x;
    assert_eq!(get(go!(local(1))), 2);

    let mut sum = 0;
    let mut accumulate = move |x: i32| {
        sum += x;
        sum
    };
    assert_eq!(get(go!(accumulate(2))), 2);

    let text = String::from("go");
    let once = move |x: usize| text.into_bytes().len() + x;
    assert_eq!(get(go!(once(1))), 3);

    let boxed: Box<dyn FnOnce(i32) -> i32 + Send> = Box::new(adder(1));
    assert_eq!(get(go!(boxed(1))), 2);

    let pointer: fn(i32, i32) -> i32 = add;
    assert_eq!(get(go!(pointer(1, 2))), 3);

    static FUNCTION: fn(i32, i32) -> i32 = add;
    assert_eq!(get(go!(FUNCTION(1, 2))), 3);
    assert_eq!(get(go!(self::STATIC_FUNCTION(1))), 2);
}

static STATIC_FUNCTION: LazyLock<Box<dyn Fn(i32) -> i32 + Send + Sync>> =
    LazyLock::new(|| Box::new(adder(1)));

#[test]
#[rustfmt::skip]
fn computed_function() {
    let table = [adder(10), adder(20)];
    let i = 1;
    assert_eq!(get(go!(adder(1)(2))), 3);
    assert_eq!(get(go!(id(id(adder(1)))(2))), 3);
    assert_eq!(get(go!(id::<fn(i32, i32) -> i32>(add)(1, 2))), 3);
    assert_eq!(get(go!([zero, zero][i]())), 0);
    assert_eq!(get(go!(table[i].clone()(1))), 21);
    assert_eq!(get(go!([add as fn(i32, i32) -> i32, add][i](1, 2))), 3);
    let pointers: Vec<fn(i32, i32) -> i32> = vec![add];
    assert_eq!(get(go!(pointers[0](1, 2))), 3);
    assert_eq!(get(go!((if i > 0 { add } else { i32::max })(1, 2))), 3);
    assert_eq!(get(go!((adder(1))(1))), 2);
    assert_eq!(get(go!((|x| x + 1)(1))), 2);
    assert_eq!(get(go!((move || i)())), 1);
    assert_eq!(get(go!({ adder(1) }(1))), 2);
    assert_eq!(get(go!({ adder }(1)(2))), 3);
    assert_eq!(get(go!(match i {
        0 => i32::max,
        _ => add,
    }(1, 2))), 3);
    assert_eq!(get(go!(unsafe { std::mem::transmute::<fn(i32) -> i32, fn(i32) -> i32>(|x| x) }(1))), 1);
}

#[test]
fn function_in_parentheses() {
    struct Handler {
        f: Box<dyn Fn(i32) -> i32 + Send + Sync>,
        once: (Box<dyn FnOnce(i32) -> i32 + Send + Sync>,),
    }

    let handler = Handler {
        f: Box::new(adder(1)),
        once: (Box::new(adder(2)),),
    };
    assert_eq!(get(go!((handler.once.0)(1))), 3);
    assert_eq!(get(go!((handler.f)(1))), 2);

    let shared = Arc::new(Handler {
        f: Box::new(adder(1)),
        once: (Box::new(adder(2)),),
    });
    let clone = Arc::clone(&shared);
    assert_eq!(get(go!((clone.f)(1))), 2);
    assert_eq!(get(go!((*shared.f)(1))), 2);

    let local: Arc<dyn Fn(i32) -> i32 + Send + Sync> = Arc::new(adder(1));
    assert_eq!(get(go!((local.clone())(1))), 2);
    assert_eq!(get(go!((*local)(1))), 2);
    assert_eq!(get(go!((add)(1, 2))), 3);
    assert_eq!(get(go!((path::to::double)(1))), 2);
}

#[test]
fn method() {
    let counter = Counter { n: 1 };
    let mut mutable = Counter { n: 1 };
    let arc = Arc::new(Counter { n: 1 });
    assert_eq!(get(go!(counter.clone().get())), 1);
    assert_eq!(get(go!(counter.clone().bump(1))), 2);
    assert_eq!(get(go!(counter.clone().into_inner())), 1);
    assert_eq!(get(go!(mutable.bump(1))), 2);
    assert_eq!(get(go!(arc.clone().get_arc())), 1);
    assert_eq!(get(go!(Arc::clone(&arc).get())), 1);
    assert_eq!(get(go!(arc.get())), 1);
    assert_eq!(get(go!(counter.into_inner())), 1);
    assert_eq!(get(go!(Square.name("a "))), "a shape");
    assert_eq!(get(go!(Counter { n: 3 }.bump(1))), 4);
    assert_eq!(get(go!(Counter::new().bump(1))), 1);
    assert_eq!(get(go!("gopher".len())), 6);
    assert_eq!(get(go!(1_i32.max(2))), 2);
    assert_eq!(get(go!(1.0_f64.max(2.0))), 2.0_f64.max(0.0));
    assert!(get(go!('a'.is_alphabetic())));
    assert_eq!(get(go!(true.then_some(1))), Some(1));
    assert!(get(go!((1..4).contains(&2))));
    assert_eq!(get(go!([1, 2].len())), 2);
    assert_eq!(get(go!((1, 2).max((0, 3)))), (1, 2));
    assert_eq!(get(go!((-1_i32).abs())), 1);
    assert_eq!(get(go!(().clone())), ());
    assert_eq!(get(go!(vec![1, 2].len())), 2);
    assert_eq!(get(go!(std::vec![1, 2].len())), 2);
    assert_eq!(get(go!(format!("{}", 1).len())), 1);
    assert_eq!(get(go!({ counter_of(2) }.bump(1))), 3);
    assert_eq!(
        get(go!(unsafe {
            Vec::<u8>::from_raw_parts(std::ptr::dangling_mut(), 0, 0)
        }
        .len())),
        0
    );
    assert_eq!(
        get(go!(loop {
            break Counter::new();
        }
        .bump(1))),
        1
    );
    assert_eq!(get(go!((counter_of(2)).bump(1))), 3);
}

fn counter_of(n: i32) -> Counter {
    Counter { n }
}

#[test]
fn method_of_self() {
    static COUNTER: Counter = Counter { n: 4 };

    assert_eq!(Counter { n: 1 }.start(2), 3);
    assert_eq!(Counter { n: 1 }.start_mut(2), 3);
    assert_eq!(Arc::new(Counter { n: 1 }).start_arc(2), 4);
    assert_eq!(COUNTER.start_static(), 4);
}

#[test]
fn method_of_a_field() {
    struct Nested {
        b: (i32, Middle),
    }
    struct Middle {
        c: Counter,
        list: Vec<i32>,
    }

    static COUNTER: Counter = Counter { n: 1 };

    let a = Nested {
        b: (
            0,
            Middle {
                c: Counter { n: 1 },
                list: vec![1, 2],
            },
        ),
    };
    assert_eq!(get(go!(a.b.1.c.convert::<i32>(1))), 2);
    // Only the field has moved.
    assert_eq!(a.b.1.list[1], 2);
    assert_eq!(get(go!(a.b.0.max(1))), 1);
    assert_eq!(get(go!(a.b.1.list.len())), 2);

    let t = (0, ((1, &COUNTER), add as fn(i32, i32) -> i32));
    assert_eq!(get(go!(t.1.0.1.get())), 1);
    assert_eq!(get(go!(t.1.1(1, 2))), 3);
    assert_eq!(get(go!((t.1.1)(1, 2))), 3);
    assert_eq!(get(go!(id(t.1).1(1, 2))), 3);
    let singles = ((Box::new(adder(1)),),);
    assert_eq!(get(go!(singles.0.0(1))), 2);

    let shared = Arc::new((1, Counter { n: 1 }));
    assert_eq!(get(go!(shared.1.convert::<i32>(1))), 2);
}

#[test]
fn method_of_an_element() {
    let counters = vec![Counter { n: 1 }];
    let (mut i, rows) = (0, [[1, 2], [3, 4]]);
    assert_eq!(get(go!(counters[0].clone().bump(1))), 2);
    assert_eq!(get(go!(counters[0].n.max(5))), 5);
    let handle = go!(rows[1][i].max(0));
    i = 1;
    assert_eq!((get(handle), i), (3, 1));
}

#[test]
fn static_receiver() {
    static COUNT: AtomicUsize = AtomicUsize::new(1);
    static LIST: LazyLock<Vec<i32>> = LazyLock::new(|| vec![1]);

    assert_eq!(get(go!(COUNT.fetch_add(1, Ordering::Relaxed))), 1);
    assert_eq!(get(go!(COUNT.load(Ordering::Relaxed))), 2);
    assert!(get(go!(LIST.contains(&1))));
    assert_eq!(get(go!(i32::MAX.count_ones())), 31);
}

#[test]
#[rustfmt::skip]
fn trailing_comma() {
    assert_eq!(get(go!(add(1, 2,),)), 3);
    assert_eq!(get(go!(add(1, 2),)), 3);
    assert_eq!(get(go!(zero(),)), 0);
    assert_eq!(get(go!(adder(1)(2,),)), 3);
    assert_eq!(get(go!("go".len(),)), 2);
    assert_eq!(get(go!(Vec::<u8>::new().len(),)), 0);
    assert_eq!(get(go!(|| 1,)), 1);
    assert_eq!(get(go!({ 1 },)), 1);
    assert_eq!(get(go!(1,)), 1);
    assert_eq!(get(go!(1 + 1,)), 2);
}

#[test]
fn argument_of_any_kind() {
    fn sum(list: &'static [i32], more: Vec<i32>) -> i32 {
        list.iter().chain(&more).sum()
    }

    let x = 1;
    assert_eq!(get(go!(sum(&[1, 2], vec![x; 3]))), 6);
    assert_eq!(
        get(go!(add(if x > 0 { 1 } else { 2 }, {
            let y = x;
            y
        }))),
        2
    );
    assert_eq!(get(go!(add(-x, x as i32))), 0);
    assert_eq!(
        get(go!(add(
            const { 1 + 2 },
            match x {
                1 => 2,
                _ => 3,
            }
        ))),
        5
    );
    assert_eq!(get(go!(add(get(go!(add(1, x))), get(go!(zero()))))), 2);
    assert_eq!(get(go!(id(1..x))), 1..1);
    assert_eq!(get(go!(id((1, 2)))), (1, 2));
    assert_eq!(get(go!(id(Counter { n: x }))), Counter { n: 1 });
    assert!(get(go!(id(x < 2))));
}

#[test]
fn many_arguments() {
    type Seven = (i32, i32, i32, i32, i32, i32, i32);
    fn seven(a: i32, b: i32, c: i32, d: i32, e: i32, f: i32, g: i32) -> Seven {
        (a, b, c, d, e, f, g)
    }

    assert_eq!(get(go!(seven(1, 2, 3, 4, 5, 6, 7))), (1, 2, 3, 4, 5, 6, 7));
}

#[test]
#[rustfmt::skip]
fn long_chain() {
    let handle = go!(1_u32
        .max(0).max(0).max(0).max(0).max(0).max(0).max(0).max(0).max(0).max(0)
        .max(0).max(0).max(0).max(0).max(0).max(0).max(0).max(0).max(0).max(0)
        .max(0).max(0).max(0).max(0).max(0).max(0).max(0).max(0).max(0).max(0)
        .max(0).max(0).max(0).max(0).max(0).max(0).max(0).max(0).max(0).max(2));
    assert_eq!(get(handle), 2);
}

#[test]
#[rustfmt::skip]
fn closure() {
    let text = String::from("go");
    assert_eq!(get(go!(|| 1)), 1);
    assert_eq!(get(go!(|| -> Vec<Vec<u8>> { vec![] })).len(), 0);
    assert_eq!(get(go!(move || text.len())), 2);
    let number = 1;
    assert_eq!(get(go!(move || -> i64 { number.into() })), 1);
    assert_eq!(get(go!(|| { 1 })), 1);
    assert_eq!(get(go!(|| 1 + zero())), 1);
    assert_eq!(get(go!(move || {
        let handle = go!(move || number + 1);
        get(handle)
    })), 2);
}

#[test]
#[rustfmt::skip]
fn closure_that_is_called() {
    let (n, text) = (1, String::from("go"));
    assert_eq!(get(go!(|| { 5 }())), 5);
    assert_eq!(get(go!(move || { n + 1 }())), 2);
    assert_eq!(get(go!(|x: i32| { x + n }(2))), 3);
    assert_eq!(get(go!(move |x: i32, y: i32| -> i32 { x + y + n }(2, 3))), 6);
    assert_eq!(get(go!(|(a, b): (i32, i32), mut c: i32| { c += a + b; c }((1, 2), 3),)), 6);
    assert_eq!(get(go!(|Counter { n: m }, [a, b], _| { m + a + b }(Counter::new(), [1, 2], 3))), 3);
    assert_eq!(get(go!(|a, b, c, d, e, f: i32| { a + b + c + d + e + f }(1, 2, 3, 4, 5, 6))), 21);
    assert_eq!(get(go!(|f: fn(i32) -> i32, x| { f(x) }(path::to::double, 4))), 8);
    assert_eq!(get(go!(|f: Box<dyn Fn(i32) -> i32 + Send>, x| { f(x) }(Box::new(move |y| y + n), 4))), 5);
    assert_eq!(get(go!(|f, x| { f + x }(n, 4))), 5);
    assert_eq!(get(go!(|text: &str| { text.len() }(Box::leak(Box::new(text.clone()))))), 2);
    assert_eq!(get(go!(|text| { text.len() }(text.clone());)), 2);
    // Not calls: more follows.
    assert_eq!(get(go!(|| { zero }() + 1)), 1);
    assert_eq!(get(go!(move || { text }.len())), 2);
}

#[test]
fn function_that_is_not_called() {
    struct Hooks {
        start: fn() -> i32,
    }

    let (n, table) = (1, [zero, || 1]);
    let closure = move || n + 1;
    assert_eq!(get(go!(closure)), 2);
    assert_eq!(get(go!(zero)), 0);
    assert_eq!(get(go!(Counter::new,)), Counter::new());
    assert!(get(go!(Vec::<u8>::new)).is_empty());
    assert_eq!(get(go!(<Counter>::default;)), Counter::new());
    assert_eq!(get(go!(table[1])), 1);
    let hooks = Hooks { start: zero };
    assert_eq!(get(go!(hooks.start)), 0);
    let boxed: Box<dyn FnOnce() -> i32 + Send> = Box::new(|| 7);
    assert_eq!(get(go!(boxed)), 7);
}

#[test]
fn statements() {
    static SUM: AtomicUsize = AtomicUsize::new(0);

    let list = vec![1, 2];
    get(go! {
        SUM.fetch_add(list.len(), Ordering::Relaxed);
        SUM.fetch_add(list[0], Ordering::Relaxed);
    });
    assert_eq!(SUM.load(Ordering::Relaxed), 3);
    let handle = go! {
        let mut sum = zero();
        for n in [1, 2] {
            sum += n;
        }
        add(sum, 1)
    };
    assert_eq!(get(handle), 4);
    get(go! {
        if zero() == 0 {
            zero();
        }
        zero();
    });
    // One call is a call, with or without a semicolon.
    assert_eq!(get(go!(add(1, 2);)), 3);
    assert_eq!(get(go!(Counter::new().get();)), 0);
    assert_eq!(get(go!(1 + 1;)), 2);
    assert_eq!(get(go!({ 3 };)), 3);
}

#[test]
#[rustfmt::skip]
fn block() {
    let list = vec![1, 2];
    assert_eq!(get(go!({ 1 })), 1);
    go!({});
    go!({
        let first = list[0];
        drop(list);
        assert_eq!(first, 1);
    })
    .join()
    .unwrap();
    let function = zero;
    assert_eq!(get(go!({ function }))(), 0);
    assert_eq!(get(go!(unsafe { std::mem::zeroed::<i32>() })), 0);
    assert_eq!(get(go!(const { 1 + 1 })), 2);
    assert_eq!(get(go!('block: {
        if function() == 0 {
            break 'block 1;
        }
        2
    })), 1);
}

#[test]
#[rustfmt::skip]
fn any_other_expression() {
    let (a, b) = (1, 2);
    let f = |x: i32| x == 1;
    assert_eq!(get(go!(1)), 1);
    assert_eq!(get(go!("go")), "go");
    assert!(get(go!(true)));
    assert_eq!(get(go!(-1)), -1);
    assert_eq!(get(go!(())), ());
    assert_eq!(get(go!((1, 2))), (1, 2));
    assert_eq!(get(go!((zero(),))), (0,));
    assert_eq!(get(go!([1, 2])), [1, 2]);
    assert_eq!(get(go!(a + b)), 3);
    assert!(get(go!(a < b)));
    assert_eq!(get(go!(a << b)), 4);
    assert!(!get(go!(a > b)));
    assert_eq!(get(go!(a + add(a, b))), 4);
    assert_eq!(get(go!(add(a, b) + 1)), 4);
    assert_eq!(get(go!(add(a, b) as u64)), 3);
    assert!(get(go!(add(a, b) == 3 && f(a))));
    assert_eq!(get(go!((a + b) * 2)), 6);
    assert_eq!(get(go!((add)(a, b) * 2)), 6);
    assert_eq!(get(go!(-add(a, b))), -3);
    assert_eq!(get(go!(-1_i32.abs())), -1);
    assert!(!get(go!(!f(a))));
    assert!(get(go!(!(a == b))));
    assert_eq!(get(go!(*Box::new(a))), 1);
    assert_eq!(get(go!(&1)), &1);
    assert_eq!(get(go!(&&1)), &&1);
    assert_eq!(get(go!(a..b)), 1..2);
    assert_eq!(get(go!(add(a, b)..b)), 3..2);
    assert_eq!(get(go!(..b)), ..2);
    assert_eq!(get(go!(..=b)), ..=2);
    assert_eq!(get(go!(..(b))), ..2);
    let range: Range<i32> = get(go!(Range { start: 1, end: 2 }));
    assert_eq!(range, 1..2);
    assert_eq!(get(go!(Counter { n: a })), Counter { n: 1 });
    assert_eq!(get(go!(Counter { ..Counter::new() })), Counter { n: 0 });
    assert_eq!(get(go!(counter_of(1).n)), 1);
    assert_eq!(get(go!(vec![1, 2][1])), 2);
    assert_eq!(get(go!(if a > b { 1 } else { 2 })), 2);
    assert_eq!(get(go!(if f(a) { 1 } else { 2 })), 1);
    assert_eq!(get(go!(if !f(a) { 1 } else { 2 })), 2);
    assert_eq!(get(go!(if (a, b) == (1, 2) { 1 } else { 2 })), 1);
    assert_eq!(get(go!(if let Some(x) = Some(1) { x } else { 0 })), 1);
    assert_eq!(get(go!(match (a, b) { (1, x) => x, _ => 0 })), 2);
    assert_eq!(get(go!(match a { 1 => 2, _ => 0 })), 2);
    assert_eq!(get(go!(loop { break a })), 1);
    go!(while f(0) {}).join().unwrap();
    go!(for _ in 0..a {}).join().unwrap();
    go!(for (_, _) in [(a, b)] {}).join().unwrap();
    assert_eq!(get(go!(return (a, b).0)), 1);
    assert_eq!(get(go!('a: loop { break 'a 1 })), 1);
    assert!(get(go!(matches!(a, 1))));
    assert_eq!(get(go!(format!("{a}"))), "1");
    assert_eq!(get(go!(std::format!("{a}"))), "1");
    assert_eq!(get(go!(vec![a; 2])), [1, 1]);
    assert_eq!(get(go!(vec! { a, b })), [1, 2]);
}
