//! One call at a time for each key: golang.org/x/sync's `singleflight`.
//!
//! ```
//! use gosync::singleflight::Group;
//!
//! let group = Group::new(); // Go: var g singleflight.Group
//! let (value, shared) = group.run("answer", || 42); // Go: v, err, shared := g.Do("answer", f)
//! assert_eq!((value, shared), (42, false));
//! ```

// After `singleflight.go`.
//
// Invariants:
//
// 1. A call is in the map until its function has returned or panicked, or until it is forgotten. It leaves
//    the map before it ends. A caller that finds it there joins it under the map's lock. So once the call has
//    been taken from the map, it is known whether another caller wants its value.
// 2. A call that has been joined ends: with a value, or with a panic of its function or of a clone of its
//    value.

use crate::primitive::thread_number;
use crate::{Cond, Mutex};
use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

/// Suppresses duplicate calls: Go's `singleflight.Group` (golang.org/x/sync).
///
/// While a call for a key runs, other calls for the same key wait for its result instead of computing it
/// again.
///
/// # Differences from Go
///
/// * The value may have any type that can be cloned. Each call clones it at least once. For a function that
///   may fail, use a `Result` whose error can be cloned, such as an `Arc` of the error.
/// * If `f` panics, its caller gets the panic, and the callers that wait for it panic with a text that
///   includes the text of the panic. (In Go they panic with a value that wraps it.)
/// * A call for a key from inside `f` for the same key panics. In Go it is a deadlock.
/// * There is no `DoChan`: start a goroutine that calls [`run`](Self::run), and join it.
///
/// # Examples
///
/// ```
/// use gosync::singleflight::Group;
/// use gosync::{WaitGroup, sleep};
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
/// use std::time::Duration;
///
/// let (group, loads) = (Arc::new(Group::new()), Arc::new(AtomicUsize::new(0)));
/// let wg = WaitGroup::new();
/// for _ in 0..10 {
///     let (group, loads) = (Arc::clone(&group), Arc::clone(&loads));
///     wg.go(move || {
///         let (page, _shared) = group.run("index.html", || {
///             loads.fetch_add(1, SeqCst);
///             sleep(Duration::from_millis(100));
///             "<html>"
///         });
///         assert_eq!(page, "<html>");
///     });
/// }
/// wg.wait();
/// assert!(loads.load(SeqCst) < 10);
/// ```
///
/// A call that may fail:
///
/// ```
/// use gosync::singleflight::Group;
/// use std::sync::Arc;
/// use std::{fs, io};
///
/// let group = Group::<String, Result<Arc<str>, Arc<io::Error>>>::new();
/// let read = |path: &str| {
///     let (text, _shared) = group.run(path.into(), || {
///         fs::read_to_string(path).map(Arc::from).map_err(Arc::new)
///     });
///     text
/// };
/// assert!(read("Cargo.toml").is_ok() && read("there is none").is_err());
/// ```
pub struct Group<K, V> {
    calls: Mutex<HashMap<K, Arc<Call<V>>>>,
}

/// A call that runs, or that has ended while others wait for it.
struct Call<V> {
    ended: Cond,
    state: Mutex<State<V>>,
    /// The number of the thread that runs it.
    thread: usize,
}

struct State<V> {
    outcome: Option<Arc<Outcome<V>>>,
    /// Whether another caller has asked for the value.
    is_shared: bool,
}

/// How a call ended.
enum Outcome<V> {
    Value(V),
    /// The text of the panic.
    Panic(String),
}

impl<K: Hash + Eq + Clone, V: Clone> Group<K, V> {
    /// Returns a group in which no call runs: Go's zero value.
    ///
    /// # Examples
    ///
    /// ```
    /// let group = gosync::singleflight::Group::<u32, String>::new();
    /// assert_eq!(group.run(7, || "seven".into()).0, "seven");
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self {
            calls: Mutex::new(HashMap::new()),
        }
    }

    /// Calls `f`, or waits for a call with the same `key` that already runs: Go's `g.Do`. Returns the value,
    /// and whether more than one caller gets it.
    ///
    /// # Panics
    ///
    /// * If `f` panics. The caller that ran `f` gets that panic. Callers that wait for it panic with the text
    ///   `singleflight: the call that this one waited for panicked: `, followed by the text of the panic. The
    ///   key is free again.
    /// * If a call for this key already runs on the current thread: it would wait for itself. The message is
    ///   `singleflight: a call for a key from inside of the call for the same key`.
    /// * If the clone of the value panics.
    ///
    /// # Examples
    ///
    /// ```
    /// let group = gosync::singleflight::Group::new();
    /// assert_eq!(group.run("answer", || 42), (42, false));
    /// ```
    ///
    /// Go's `g.DoChan`:
    ///
    /// ```
    /// use gosync::{go, singleflight::Group};
    /// use std::sync::Arc;
    ///
    /// let group = Arc::new(Group::new());
    /// let call = go(move || group.run("answer", || 42));
    /// // Other work.
    /// let (value, _shared) = call.join().unwrap();
    /// assert_eq!(value, 42);
    /// ```
    #[doc(alias = "Do")]
    #[doc(alias = "DoChan")]
    #[track_caller]
    pub fn run(&self, key: K, f: impl FnOnce() -> V) -> (V, bool) {
        let mut calls = self.calls.lock();
        if let Some(call) = calls.get(&key) {
            let call = Arc::clone(call);
            call.join();
            drop(calls);
            return (call.wait(), true);
        }
        let call = Arc::new(Call::new());
        calls.insert(key.clone(), Arc::clone(&call));
        drop(calls);

        // The clone is inside, too: if it panics, the waiters must not wait forever.
        let result = catch_unwind(AssertUnwindSafe(|| {
            let value = f();
            (value.clone(), value)
        }));
        self.remove(&key, &call);
        match result {
            Ok((shared, own)) => (own, call.end(Outcome::Value(shared))),
            Err(payload) => {
                call.end(Outcome::Panic(text(&*payload)));
                resume_unwind(payload)
            }
        }
    }

    /// Lets the next call for `key` run, even if one already runs: Go's `g.Forget`.
    ///
    /// Callers that wait for the running call get its value.
    ///
    /// # Examples
    ///
    /// ```
    /// let group = gosync::singleflight::Group::new();
    /// let nested = group.run("page", || {
    ///     group.forget("page");
    ///     group.run("page", || "new").0
    /// });
    /// assert_eq!(nested.0, "new");
    /// ```
    #[doc(alias = "Forget")]
    pub fn forget<Q: Hash + Eq + ?Sized>(&self, key: &Q)
    where
        K: std::borrow::Borrow<Q>,
    {
        self.calls.lock().remove(key);
    }

    /// Removes the call from the map, unless it was forgotten.
    fn remove(&self, key: &K, call: &Arc<Call<V>>) {
        let mut calls = self.calls.lock();
        if calls.get(key).is_some_and(|now| Arc::ptr_eq(now, call)) {
            calls.remove(key);
        }
    }
}

impl<V: Clone> Call<V> {
    fn new() -> Self {
        Self {
            ended: Cond::new(),
            state: Mutex::new(State {
                outcome: None,
                is_shared: false,
            }),
            thread: thread_number(),
        }
    }

    /// The caller must hold the lock of the map, from which a call is taken before it ends.
    #[track_caller]
    fn join(&self) {
        assert!(
            self.thread != thread_number(),
            "singleflight: a call for a key from inside of the call for the same key"
        );
        self.state.lock().is_shared = true;
    }

    /// Waits until the call has ended, and returns its value.
    #[track_caller]
    fn wait(&self) -> V {
        let mut state = self.state.lock();
        self.ended
            .wait_while(&mut state, |state| state.outcome.is_none());
        let outcome = state.outcome.clone();
        drop(state);
        match &*outcome.expect("it has ended") {
            Outcome::Value(value) => value.clone(),
            Outcome::Panic(text) => {
                panic!("singleflight: the call that this one waited for panicked: {text}")
            }
        }
    }

    /// Ends the call. Returns whether another caller has asked for the value.
    fn end(&self, outcome: Outcome<V>) -> bool {
        let mut state = self.state.lock();
        state.outcome = Some(Arc::new(outcome));
        self.ended.broadcast();
        state.is_shared
    }
}

/// Returns the text of a panic.
fn text(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        text.to_string()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "(no text)".into()
    }
}

impl<K: Hash + Eq + Clone, V: Clone> Default for Group<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K, V> fmt::Debug for Group<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").finish_non_exhaustive()
    }
}
