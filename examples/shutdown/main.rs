//! A TCP echo server with a goroutine for each connection, and its clients. Once they are done, the server is
//! asked to stop, and waits until all connections have ended, but not longer than a timeout. Idle clients
//! never end theirs. The exit code is 1 if the server had to give up on some. This is `main.go`, ported.
//!
//! ```text
//! cargo run --example shutdown -- [CLIENTS [IDLE [TIMEOUT_MS]]]
//! go run examples/shutdown/main.go [CLIENTS [IDLE [TIMEOUT_MS]]]
//! ```
//!
//! See `worker_pool` for why what waits for the network is inside of [`block_in_place`].

use clap::Parser;
use gosync::{WaitGroup, block_in_place};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

/// Runs an echo server and its clients, and stops the server.
#[derive(Parser)]
struct Options {
    #[arg(default_value_t = 20)]
    clients: u16,
    #[arg(default_value_t = 0)]
    idle: u16,
    #[arg(default_value_t = 10_000)]
    timeout_ms: u16,
}

fn main() -> io::Result<ExitCode> {
    gosync::abort_on_panic(); // As in Go.
    let options = Options::parse();
    let server = Arc::new(Server {
        listener: TcpListener::bind("127.0.0.1:0")?,
        is_closed: AtomicBool::new(false),
        connections: WaitGroup::new(),
        served: AtomicUsize::new(0),
    });
    let acceptor = Arc::clone(&server);
    server.connections.go(move || acceptor.serve());
    let address = server.listener.local_addr()?;

    let mut idle = Vec::new();
    for _ in 0..options.idle {
        let mut conn = TcpStream::connect(address)?;
        conn.write_all(&[0])?;
        conn.read_exact(&mut [0])?;
        idle.push(conn); // Go: `defer conn.Close()`. Here it stays open until it is dropped.
    }
    let wg = WaitGroup::new();
    for i in 0..options.clients {
        wg.go(move || greet(address, i).unwrap());
    }
    wg.wait();

    let in_time = server.shut_down(Duration::from_millis(options.timeout_ms.into()))?;
    let served = server.served.load(SeqCst);
    let connections = u32::from(options.clients) + u32::from(options.idle);
    println!("{connections} connections, {served} served");
    println!("all ended in time: {in_time}");
    Ok(ExitCode::from(u8::from(!in_time)))
}

struct Server {
    listener: TcpListener,
    is_closed: AtomicBool,
    /// The goroutines of the server: one for each connection, and the one that accepts them.
    connections: WaitGroup,
    served: AtomicUsize,
}

impl Server {
    /// Accepts connections until `is_closed`.
    fn serve(self: Arc<Self>) {
        loop {
            let (conn, _) = block_in_place(|| self.listener.accept()).unwrap();
            if self.is_closed.load(SeqCst) {
                return;
            }
            let server = Arc::clone(&self);
            self.connections.go(move || server.echo(conn).unwrap());
        }
    }

    /// Sends everything back, until the client has no more to send.
    fn echo(&self, conn: TcpStream) -> io::Result<()> {
        block_in_place(|| io::copy(&mut &conn, &mut &conn))?;
        self.served.fetch_add(1, SeqCst);
        Ok(())
    }

    /// Lets no more connections in, and waits for those inside. Returns false if that takes too long.
    fn shut_down(&self, timeout: Duration) -> io::Result<bool> {
        // Go: `listener.Close()` ends `Accept`. std cannot do that, so one last connection ends it.
        self.is_closed.store(true, SeqCst);
        TcpStream::connect(self.listener.local_addr()?)?;
        // Go: a goroutine that waits and closes a channel, and a `select` of that and `time.After`.
        Ok(self.connections.wait_timeout(timeout))
    }
}

/// A client. Returns when the server has closed the connection.
fn greet(address: SocketAddr, i: u16) -> io::Result<()> {
    let mut conn = block_in_place(|| TcpStream::connect(address))?;
    let greeting = format!("hello from client {i}");
    conn.write_all(greeting.as_bytes())?;
    conn.shutdown(Shutdown::Write)?;
    let mut reply = String::new();
    block_in_place(|| conn.read_to_string(&mut reply))?;
    assert_eq!(reply, greeting, "another greeting came back");
    Ok(())
}
