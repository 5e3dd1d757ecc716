//! `crate::deque` in the models: queues behind the checker's mutex, with a length that is read without it.
//!
//! A look at an empty queue reads the length only. So it orders nothing, and may find a queue empty that no
//! longer is. The real queues promise no more.

use super::checker;
use checker::sync::atomic::AtomicUsize;
use checker::sync::{Arc, Mutex};
use std::collections::VecDeque;
use std::sync::atomic::Ordering::{Acquire, Release};

pub(crate) enum Steal<T> {
    Empty,
    Success(T),
    /// Never returned here. The real queues return it if another thief interferes.
    #[allow(dead_code)]
    Retry,
}

pub(crate) struct Worker<T>(Arc<Queue<T>>);

pub(crate) struct Stealer<T>(Arc<Queue<T>>);

pub(crate) struct Injector<T>(Queue<T>);

struct Queue<T> {
    items: Mutex<VecDeque<T>>,
    len: AtomicUsize,
}

impl<T> Queue<T> {
    fn new() -> Self {
        Self {
            items: Mutex::new(VecDeque::new()),
            len: AtomicUsize::new(0),
        }
    }

    fn len(&self) -> usize {
        self.len.load(Acquire)
    }

    fn change<R>(&self, change: impl FnOnce(&mut VecDeque<T>) -> R) -> R {
        let mut items = self.items.lock().unwrap();
        let result = change(&mut items);
        self.len.store(items.len(), Release);
        result
    }

    fn push(&self, item: T) {
        self.change(|items| items.push_back(item));
    }

    fn steal(&self) -> Steal<T> {
        if self.len() == 0 {
            return Steal::Empty;
        }
        self.change(VecDeque::pop_front)
            .map_or(Steal::Empty, Steal::Success)
    }

    /// Takes all items. The real queue gives half of them, but other thieves may take the rest meanwhile. On
    /// their way to the thief the items are in no queue.
    fn steal_batch_and_pop(&self, thief: &Worker<T>) -> Steal<T> {
        if self.len() == 0 {
            return Steal::Empty;
        }
        let mut batch = self.change(std::mem::take);
        let first = batch.pop_front();
        // Leave the queue of the thief alone if there is nothing to add.
        if !batch.is_empty() {
            thief
                .0
                .change(|items| items.extend(batch.into_iter().rev()));
        }
        first.map_or(Steal::Empty, Steal::Success)
    }
}

impl<T> Worker<T> {
    pub(crate) fn new_lifo() -> Self {
        Self(Arc::new(Queue::new()))
    }

    pub(crate) fn stealer(&self) -> Stealer<T> {
        Stealer(Arc::clone(&self.0))
    }

    pub(crate) fn push(&self, item: T) {
        self.0.push(item);
    }

    pub(crate) fn pop(&self) -> Option<T> {
        // A length of 0 is not stale here: only the owner pushes.
        if self.0.len() == 0 {
            return None;
        }
        self.0.change(VecDeque::pop_back)
    }
}

impl<T> Stealer<T> {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn steal(&self) -> Steal<T> {
        self.0.steal()
    }

    pub(crate) fn steal_batch_and_pop(&self, thief: &Worker<T>) -> Steal<T> {
        self.0.steal_batch_and_pop(thief)
    }
}

impl<T> Injector<T> {
    pub(crate) fn new() -> Self {
        Self(Queue::new())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn push(&self, item: T) {
        self.0.push(item);
    }

    pub(crate) fn steal(&self) -> Steal<T> {
        self.0.steal()
    }

    pub(crate) fn steal_batch_and_pop(&self, thief: &Worker<T>) -> Steal<T> {
        self.0.steal_batch_and_pop(thief)
    }
}
