//! What `crate::deque` is made of in the models: queues behind the checker's mutex, and a length that is
//! looked at without it.
//!
//! So a look at an empty queue orders nothing, and may see one that is no longer empty as it was: what
//! the real queues promise, and no more.

use super::checker;
use checker::sync::atomic::AtomicUsize;
use checker::sync::{Arc, Mutex};
use std::collections::VecDeque;
use std::sync::atomic::Ordering::{Acquire, Release};

pub(crate) enum Steal<T> {
    Empty,
    Success(T),
    /// The real queues ask for it if another thief comes between.
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

    /// All that there is. The real one takes half, but others may take the rest meanwhile. For a moment
    /// what is taken is in no queue.
    fn steal_batch_and_pop(&self, thief: &Worker<T>) -> Steal<T> {
        if self.len() == 0 {
            return Steal::Empty;
        }
        let mut batch = self.change(std::mem::take);
        let first = batch.pop_front();
        // Nothing to say to thieves if nothing comes.
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
        // The owner knows what it has pushed.
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
