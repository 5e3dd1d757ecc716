use crate::start::Start;
use crate::{Plan, millis, report};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
#[cfg(unix)]
use std::os::fd::AsRawFd;
use std::time::Instant;

/// Lets main send a byte over each of 2,000 connections to a server that has a goroutine, or a thread, for
/// each connection. Reports the milliseconds until all bytes have come back.
pub fn run<S: Start>(plan: Plan) {
    // Each connection takes two file descriptors. A process often may open no more than 1,024 unless it asks
    // for more: `ulimit -n 5000`.
    let count = plan.count(2000);
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("there is a port");
    let_wait(&listener, count);
    let address = listener.local_addr().expect("it has an address");
    let start = Instant::now();
    S::start(move || serve::<S>(&listener, count));
    let mut clients: Vec<_> = (0..count).map(|_| connect(address)).collect();
    clients.iter_mut().for_each(|client| {
        client.read_exact(&mut [0]).expect("it comes back");
    });
    report(&format!("echo{}", S::SUFFIX), millis(start.elapsed()));
}

/// Lets `count` connections wait to be accepted. The limit of std is 128, and a connection beyond that is
/// retried only after a second.
#[cfg(unix)]
fn let_wait(listener: &TcpListener, count: usize) {
    // SAFETY: `listener` is a listening socket, and calling `listen` again changes how many connections may
    // wait.
    let result = unsafe { libc::listen(listener.as_raw_fd(), count as libc::c_int) };
    assert_eq!(result, 0, "it listens");
}

#[cfg(not(unix))]
fn let_wait(_: &TcpListener, _: usize) {}

fn serve<S: Start>(listener: &TcpListener, count: usize) {
    for _ in 0..count {
        let (client, _) = listener.accept().expect("files may be opened");
        S::start(move || echo(client));
    }
}

/// Returns when the client is gone.
fn echo(mut client: TcpStream) {
    let mut byte = [0];
    while client.read_exact(&mut byte).is_ok() && client.write_all(&byte).is_ok() {}
}

fn connect(server: SocketAddr) -> TcpStream {
    let mut client = TcpStream::connect(server).expect("files may be opened");
    client.write_all(&[0]).expect("the server is there");
    client
}
