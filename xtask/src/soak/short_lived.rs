//! Short-lived threads: later threads inherit what they leave behind.

use super::arena::Arena;
use super::burst;
use super::cell::{Cell, expect};
use super::dropper::Parcel;
use super::post::Post;
use super::random::Random;
use super::rounds::{work, write};
use super::worker::Worker;
use std::cell::RefCell;
use std::thread;

thread_local! {
    static LAST_WILL: RefCell<Option<LastWill>> = const { RefCell::new(None) };
}

/// Uses the locks when its thread has ended already, except for its thread-local variables.
struct LastWill {
    arena: &'static Arena,
    post: &'static Post,
    random: Random,
}

impl Drop for LastWill {
    fn drop(&mut self) {
        let Self {
            arena,
            post,
            random,
        } = self;
        burst::run(arena.cell(random), post, random);
        work(arena, random);
    }
}

/// May be called before the thread uses a lock or after that: thread-local variables are dropped in the
/// reverse order of their first use.
fn leave_a_will(arena: &'static Arena, post: &'static Post, random: &mut Random) {
    let will = LastWill {
        arena,
        post,
        random: Random::new(random.next()),
    };
    LAST_WILL.set(Some(will));
}

/// Lets two threads meet on a lock which only they use and which is dropped after them.
pub fn meet(worker: &mut Worker) -> bool {
    let (arena, post) = (worker.arena, worker.post);
    let cell = Box::new(Cell::new());
    let cell = &*cell;
    let meet = |seed| {
        let random = &mut Random::new(seed);
        let place = random.below(3);
        if place == 0 {
            leave_a_will(arena, post, random);
        }
        burst::run(cell, post, random);
        write(cell, || arena.dawdle(random));
        burst::run(cell, post, random);
        work(arena, random);
        if place == 1 {
            leave_a_will(arena, post, random);
        }
    };
    thread::scope(|scope| {
        let seeds = [worker.random.next(), worker.random.next()];
        let threads = seeds.map(|seed| scope.spawn(move || meet(seed)));
        // The end of the scope would not wait for the wills.
        let ended = threads.map(|thread| thread.join().is_ok());
        expect(ended == [true; 2], "a thread panicked");
    });
    cell.expect_free();
    true
}

/// Ends a thread while one of its guards lives on.
pub fn orphan(worker: &mut Worker) -> bool {
    let (cell, post, seed) = (worker.home, worker.post, worker.random.next());
    let thread = thread::spawn(move || {
        burst::run(cell, post, &mut Random::new(seed));
        let guard = cell.lock.rlock();
        cell.reader_entered();
        guard
    });
    let Ok(guard) = thread.join() else {
        expect(false, "a thread panicked");
        return false;
    };
    post.acquired();
    worker.send(Parcel::Read(cell, guard))
}
