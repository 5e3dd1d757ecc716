//! A thread that drops the guards and locks of other threads. It takes no lock itself, so it never holds up
//! another thread.

use super::arena::Arena;
use super::cell::{Cell, Value};
use super::op::Op;
use super::post::Post;
use super::random::Random;
use gosync::{RWMutex, RWMutexReadGuard, RWMutexWriteGuard};
use std::sync::mpsc::Receiver;

/// A guard or a lock on its way to the dropper.
pub enum Parcel {
    Read(&'static Cell, RWMutexReadGuard<'static, Value>),
    Write(&'static Cell, RWMutexWriteGuard<'static, Value>),
    /// A lock that is still held.
    Lock(Box<RWMutex<Value>>),
}

/// Drops the parcels that it receives, until all senders are gone.
pub fn run(arena: &Arena, parcels: Receiver<Parcel>, post: &Post, mut random: Random) {
    for parcel in parcels {
        post.begin(Op::DropForOther);
        arena.dawdle(&mut random);
        match parcel {
            Parcel::Read(cell, guard) => {
                guard.check();
                cell.reader_leaves();
            }
            Parcel::Write(cell, guard) => {
                guard.change(|| arena.dawdle(&mut random));
                cell.writer_leaves();
            }
            Parcel::Lock(lock) => drop(lock),
        }
        post.end(Op::DropForOther, true);
    }
}
