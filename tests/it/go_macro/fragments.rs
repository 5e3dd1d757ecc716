//! `go!` inside of other macros, with fragments of each kind.

use gosync::go;

fn add(a: i32, b: i32) -> i32 {
    a + b
}

fn id<T>(x: T) -> T {
    x
}

struct Number(i32);

impl Number {
    fn plus(&self, x: i32) -> i32 {
        self.0 + x
    }

    fn convert<T: From<i32>>(&self) -> T {
        T::from(self.0)
    }
}

mod library {
    pub fn double(x: i32) -> i32 {
        2 * x
    }

    macro_rules! double {
        ($x:expr) => {
            go!($crate::go_macro::fragments::library::double($x))
        };
    }

    pub(super) use double as double_in_goroutine;
}

#[test]
fn expr() {
    macro_rules! call {
        ($f:expr, $($x:expr),*) => {
            go!($f($($x),*)).join().unwrap()
        };
    }
    macro_rules! method {
        ($receiver:expr, $x:expr) => {
            go!($receiver.plus($x)).join().unwrap()
        };
    }
    macro_rules! field {
        ($place:expr) => {
            go!($place.0.max(0)).join().unwrap()
        };
    }
    macro_rules! plus_one {
        ($x:expr) => {
            go!($x + 1).join().unwrap()
        };
    }

    assert_eq!(call!(add, 1, 2), 3);
    assert_eq!(call!(id(add), 1, 2), 3);
    assert_eq!(call!(|x, y| x + y, 1, 2), 3);
    assert_eq!(call!(self::id::<i32>, 1), 1);
    assert_eq!(method!(Number(1), 2), 3);
    let number = Number(1);
    assert_eq!(method!(number, 1 + 1), 3);
    assert_eq!(field!(Number(1)), 1);
    assert_eq!(plus_one!(id(1)), 2);
}

#[test]
fn ident() {
    macro_rules! call {
        ($f:ident, $x:ident) => {
            go!($f($x)).join().unwrap()
        };
    }
    macro_rules! method {
        ($receiver:ident . $method:ident ($x:literal)) => {
            go!($receiver.$method($x)).join().unwrap()
        };
    }

    let (x, number) = (1, Number(1));
    assert_eq!(call!(id, x), 1);
    assert_eq!(method!(number.plus(2)), 3);
}

#[test]
fn path_and_type() {
    macro_rules! call {
        ($f:path) => {
            go!($f(1)).join().unwrap()
        };
    }
    macro_rules! new {
        ($t:ty) => {
            go!(<$t>::from(1)).join().unwrap()
        };
    }
    macro_rules! default {
        ($t:ty) => {
            go!(<$t as Default>::default()).join().unwrap()
        };
    }
    macro_rules! convert {
        ($t:ty) => {
            go!(Number(1).convert::<$t>()).join().unwrap()
        };
    }

    assert_eq!(call!(self::id), 1);
    assert_eq!(call!(self::id::<i32>), 1);
    assert_eq!(call!(Some), Some(1));
    assert_eq!(new!(Option<i32>), Some(1));
    assert_eq!(default!(Vec<Vec<u8>>).len(), 0);
    assert_eq!(convert!(i64), 1);
    assert_eq!(convert!(Option<i32>), Some(1));
}

#[test]
fn block_literal_and_tokens() {
    macro_rules! block {
        ($b:block) => {
            go!($b).join().unwrap()
        };
    }
    macro_rules! literal {
        ($l:literal) => {
            (go!($l).join().unwrap(), go!($l.max(0)).join().unwrap())
        };
    }
    macro_rules! tokens {
        ($($tokens:tt)*) => {
            go!($($tokens)*).join().unwrap()
        };
    }
    macro_rules! whole {
        ($e:expr) => {
            go!({ $e }).join().unwrap()
        };
    }

    assert_eq!(block!({ id(1) }), 1);
    assert_eq!(literal!(1), (1, 1));
    assert_eq!(tokens!(add(1, 2)), 3);
    assert_eq!(tokens!(Number(1).convert::<i64>()), 1);
    assert_eq!(tokens!(|| 1), 1);
    assert_eq!(whole!(add(1, 2)), 3);
}

#[test]
fn dollar_crate() {
    assert_eq!(library::double_in_goroutine!(2).join().unwrap(), 4);
}

#[test]
fn macro_as_an_argument() {
    assert_eq!(go!(id(vec![1, 2])).join().unwrap(), [1, 2]);
    assert_eq!(go!(str::len(concat!("a", "b"))).join().unwrap(), 2);
}

#[test]
fn expression_of_a_macro() {
    let handles = [go!(add(1, 2)), go![add(3, 4)], go! { add(5, 6) }];
    assert_eq!(handles.map(|handle| handle.join().unwrap()), [3, 7, 11]);
    assert_eq!(format!("{}", go!(id(1)).join().unwrap()), "1");
}
