//! `go!` causes no warning at the call site.

#![deny(
    warnings,
    unused,
    unused_qualifications,
    let_underscore_drop,
    unreachable_pub,
    single_use_lifetimes,
    trivial_casts,
    variant_size_differences,
    clippy::all,
    clippy::pedantic,
    clippy::nursery
)]

use gosync::{WaitGroup, go};
use std::sync::Arc;

#[derive(Clone, Copy)]
struct Server {
    port: u16,
}

impl Server {
    const fn new(port: u16) -> Self {
        Self { port }
    }

    #[must_use]
    const fn port(self) -> u16 {
        self.port
    }

    const fn clone_from_other(self, other: Self) -> Self {
        Self {
            port: self.port + other.port,
        }
    }

    #[must_use]
    const fn other(self) -> u16 {
        self.port + 1
    }

    const fn bump(&mut self, by: u16) {
        self.port += by;
    }
}

#[must_use]
const fn add(a: u16, b: u16) -> u16 {
    a + b
}

const fn nothing(_: ()) {}

const fn report(result: Result<u16, String>) -> Result<u16, String> {
    result
}

async fn future(port: u16) -> u16 {
    std::future::ready(port).await
}

#[test]
fn statement() {
    let server = Server::new(1);
    let mut other = server;
    go!(add(1, 2));
    go!(add(1, add(2, 3)));
    go!(nothing(()));
    go!(nothing(nothing(())));
    go!(report(Ok(1)));
    go!(future(1));
    go!(server.port());
    go!(other.bump(1));
    go!(Server::new(1).bump(1));
    go!((|| 1)());
    go!((if server.port == 1 {
        Server::port
    } else {
        Server::other
    })(server));
    go!({ Server::new(1) }.port());
    go!((Server::new(1)).port());
    go!((server).port());
    go!((add)(1, 2));
    go!([Server::new(1)][0].port());
    go!([add, add][0](1, 2));
    go!("1".parse::<u16>());
    go!(|| add(1, 2));
    go!(move || server.port());
    go!(|| ());
    go!(|| {});
    go!({});
    go!({
        let _ = server.port();
    });
    go!(server.port() + 1);
    go!(!server.port());
    go!(println!("{}", server.port));
    go!(Some(1));
    go!(Server { port: 1 });
    go!(std::process::id());
    go!(Box::new(1));
    go!(drop(1));
    let name = String::from("gopher");
    let shared = Arc::new(name);
    go!(drop(Arc::clone(&shared)));
    go!(drop(shared.clone()));
    go!(drop(String::clone(&shared)));
    go!(drop((*shared).clone()));
    go!(drop("a".to_owned()));
    go!(drop("a".to_string()));
    go!(drop(shared.to_string()));
    go!(|| { 1 }());
    go!(move |port: u16| { port + 1 }(server.port));
    go!(|a: u16, b: u16, c: u16, d: u16| { a + b + c + d }(1, 2, 3, 4));
    go!(std::process::id);
    go! {
        let _ = server.port();
        let _ = add(1, 2);
    };
    go!(drop((server.port == 1, other.port)));
    go!(drop(server.port == 1));
    go!(drop(if server.port == 1 { 1 } else { 2 }));
    go!(drop(vec![1]));
    go!(drop(|x: u16| x + 1));
    go!(drop(|| server.port()));
    go!(drop(&0));
    go!(drop(Box::new(|| 1)));
    go!(drop(<Vec<u8>>::new()));
    go!(drop({
        let port = server.port();
        port + 1
    }));
    go!(std::mem::swap(
        Box::leak(Box::new(1)),
        Box::leak(Box::new(2))
    ));
    go!(server.clone_from_other(other).port());
    go!(Arc::clone(&shared).len());
    go!(shared.contains('a'));
}

#[test]
fn function_without_arguments() {
    fn nothing() {}

    go!(nothing());
    go!(|| nothing());
    go!(move || nothing());
    go!({ nothing() });
}

#[test]
fn never() {
    fn forever(_: u16) -> ! {
        loop {
            std::thread::park();
        }
    }

    if Arc::new(()) != Arc::new(()) {
        go!(forever(1));
        go!(std::process::exit(1));
        go!(panic!("no"));
    }
}

#[test]
fn mutable_variable() {
    let mut sum = 0;
    let mut add = move |x: u16| {
        sum += x;
        sum
    };
    go!(add(1));
    let mut server = Server::new(1);
    go!(server.bump(1));
    let mut list = vec![1];
    go!(list.push(list.len()));
}

#[test]
fn as_a_value() -> Result<(), Box<dyn std::any::Any + Send>> {
    let wg = WaitGroup::new();
    wg.add(2);
    let handles = [1, 2].map(|_| go!(wg.clone().done()));
    wg.wait();
    for handle in handles {
        handle.join()?;
    }
    let port = go!(Server::new(1).port()).join()?;
    assert_eq!(port, 1);
    Ok(())
}
