//! `go!` is hygienic: it depends on no name at the call site, and introduces none.

/// There is no prelude, so not even `Some` or `drop` is in scope.
mod no_prelude {
    #![no_implicit_prelude]

    use ::gosync::go;

    fn add(a: i32, b: i32) -> i32 {
        a + b
    }

    struct Number(i32);

    impl Number {
        fn plus<T>(&mut self, b: i32, _: T) -> i32 {
            self.0 + b
        }
    }

    #[test]
    fn every_kind_of_expression() {
        let mut number = Number(0);
        go!(add(1, 2));
        go!(add(1, 2) + 1);
        go!({ add });
        go!({ add }(1, 2));
        go!(|| add(1, 2));
        go!(number.plus::<u8>(1, 2));
        go!(Number(1).plus(1, 2));
        ::gosync::go!(add(1, 2));
    }
}

/// The names that `go!` uses mean other things here.
mod shadowed {
    #![allow(dead_code, non_snake_case, unused_macros)]

    mod core {}
    mod std {}
    mod gosync {}
    struct Option;
    fn Some() {}
    fn go() {}

    macro_rules! compile_error {
        () => {};
    }

    #[test]
    fn names() {
        fn sum(a: i32, b: i32, c: i32, d: i32) -> i32 {
            a + b + c + d
        }

        let (arg, value, handle, assignee) = (1, 2, 3, 4);
        let go = sum;
        assert_eq!(
            ::gosync::go!(sum(arg, value, handle, assignee))
                .join()
                .unwrap(),
            10
        );
        assert_eq!(
            ::gosync::go!(go(assignee, handle, value, arg))
                .join()
                .unwrap(),
            10
        );
        assert_eq!(
            ::gosync::go!((if arg == 1 { sum } else { go })(value, arg, 0, handle))
                .join()
                .unwrap(),
            6
        );
        assert_eq!(::gosync::go!({ value }.max(arg)).join().unwrap(), 2);
        assert_eq!(::gosync::go!(value + arg).join().unwrap(), 3);
    }
}
