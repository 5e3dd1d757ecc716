//! Compares `Mutex` with other mutexes, from one thread alone to eight that contend, and `Cond` with other
//! condition variables.

mod support;

use gosync::{Cond, Mutex};
use std::sync::Condvar;
use std::thread;
use std::time::{Duration, Instant};
use support::locks::{self, Inside, Load};
use support::suite::Suite;
use support::{Peer, nanos};

fn main() {
    let mut suite = Suite::from_args();
    for threads in [1, 2, 8] {
        for (what, inside) in [("lock", Inside::Number), ("work_200_ns", Inside::Work(200))] {
            let load = Load::new(threads, 1).inside(inside);
            suite.case(&format!("{what}_{}", load.threads()), &locks::mutexes(load));
        }
    }
    suite.case("cond_ping_pong", &conds::<false>());
    suite.case("cond_ping_pong_with_lock", &conds::<true>());
    suite.finish();
}

/// Two threads wait for each other in turn. An operation is a round trip.
fn conds<const WITH_LOCK: bool>() -> Vec<Peer> {
    vec![
        Peer::new("gosync", ping_pong::<(Mutex<u8>, Cond), WITH_LOCK>),
        Peer::new(
            "std",
            ping_pong::<(std::sync::Mutex<u8>, Condvar), WITH_LOCK>,
        ),
        Peer::new(
            "parking_lot",
            ping_pong::<(parking_lot::Mutex<u8>, parking_lot::Condvar), WITH_LOCK>,
        ),
    ]
}

/// The thread whose turn it is, or `END`.
trait PingPong: Default + Sync {
    /// Waits for the turn `mine`, and makes it `next`. Returns false, and changes nothing, at the end.
    /// `WITH_LOCK` says whether it drops the guard only after it has signalled.
    fn pass<const WITH_LOCK: bool>(&self, mine: u8, next: u8) -> bool;
}

const END: u8 = 2;

impl PingPong for (Mutex<u8>, Cond) {
    fn pass<const WITH_LOCK: bool>(&self, mine: u8, next: u8) -> bool {
        let (turn, changed) = self;
        let mut turn = turn.lock();
        changed.wait_while(&mut turn, |turn| *turn == 1 - mine);
        let is_running = advance(&mut turn, next);
        let _guard = WITH_LOCK.then_some(turn);
        changed.signal();
        is_running
    }
}

impl PingPong for (std::sync::Mutex<u8>, Condvar) {
    fn pass<const WITH_LOCK: bool>(&self, mine: u8, next: u8) -> bool {
        let (turn, changed) = self;
        let turn = turn.lock().unwrap();
        let mut turn = changed.wait_while(turn, |turn| *turn == 1 - mine).unwrap();
        let is_running = advance(&mut turn, next);
        let _guard = WITH_LOCK.then_some(turn);
        changed.notify_one();
        is_running
    }
}

impl PingPong for (parking_lot::Mutex<u8>, parking_lot::Condvar) {
    fn pass<const WITH_LOCK: bool>(&self, mine: u8, next: u8) -> bool {
        let (turn, changed) = self;
        let mut turn = turn.lock();
        changed.wait_while(&mut turn, |turn| *turn == 1 - mine);
        let is_running = advance(&mut turn, next);
        let _guard = WITH_LOCK.then_some(turn);
        changed.notify_one();
        is_running
    }
}

fn advance(turn: &mut u8, next: u8) -> bool {
    let is_running = *turn != END;
    if is_running {
        *turn = next;
    }
    is_running
}

/// Returns the nanoseconds of a round trip.
fn ping_pong<T: PingPong, const WITH_LOCK: bool>(slice: Duration) -> f64 {
    let turns = T::default();
    thread::scope(|s| {
        s.spawn(|| while turns.pass::<WITH_LOCK>(1, 0) {});
        let start = Instant::now();
        let mut trips = 0;
        while start.elapsed() < slice {
            turns.pass::<WITH_LOCK>(0, 1);
            trips += 1;
        }
        let time = nanos(start.elapsed()) / f64::from(trips);
        turns.pass::<WITH_LOCK>(0, END);
        time
    })
}
