use crate::start::Start;
use crate::{Plan, millis, report};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
#[cfg(unix)]
use std::os::fd::AsRawFd;
use std::time::Instant;

/// Lets main send a byte over each of 2,000 connections to a server with a goroutine, or a thread, for
/// each of them: milliseconds until all have come back.
pub fn run<S: Start>(plan: Plan) {
    // Two files each, and a process may often open no more than 1,024 unless it asks: `ulimit -n 5000`.
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

/// Lets so many wait to be accepted: std says 128, and who comes then is tried again after a second.
#[cfg(unix)]
fn let_wait(listener: &TcpListener, count: usize) {
    // SAFETY: it is a socket that listens, and may be told again how many may wait.
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

/// Until the client is gone.
fn echo(mut client: TcpStream) {
    let mut byte = [0];
    while client.read_exact(&mut byte).is_ok() && client.write_all(&byte).is_ok() {}
}

fn connect(server: SocketAddr) -> TcpStream {
    let mut client = TcpStream::connect(server).expect("files may be opened");
    client.write_all(&[0]).expect("the server is there");
    client
}
