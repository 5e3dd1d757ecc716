//! A tour of gosync for readers who know Go, and of Go's goroutines, package sync
//! and x/sync for readers who do not.
//!
//! ```text
//! cargo run --example tour
//! ```
//!
//! Every step is a function. Its comment explains it and shows it in Go, its body
//! shows it in Rust. The program prints both, out of this very file, and then
//! runs the body: what you read is what runs.

use clap::Parser;
use gosync::semaphore::Weighted;
use gosync::{
    Cond, MappedRWMutexReadGuard, Mutex, RWMutex, RWMutexReadGuard, RWMutexWriteGuard, WaitGroup,
    errgroup, go, scope, singleflight,
};
use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::iter;
use std::panic;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::Duration;

const TOUR: &[Chapter] = tour! {
    "Goroutines": a_call, arguments, forms, panics;
    "WaitGroup": members, by_hand, too_late, rounds, deadline, negative;
    "RWMutex": owner, together, writers_first, downgrade, timed, part;
    "Mutex and Cond": counter, queue;
    "Scope": borrow, results, no_panic_is_lost;
    "From x/sync": first_error, three_at_a_time, one_call;
    "All together": cache;
};

/// A tour of gosync: Go's lines, the same in Rust, and what they do.
///
/// Prints each step's explanation, Go code and Rust code, and then runs the Rust code.
#[derive(Parser)]
struct Args {}

fn main() {
    Args::parse();
    // The panics are part of the show. The default hook would write them to
    // stderr.
    panic::set_hook(Box::new(|panic| println!("{panic}")));

    for (c, chapter) in (1..).zip(TOUR) {
        let title = bold(&format!("Chapter {c}: {}", chapter.title));
        show(&format!("\n{title}\n"));
        for (s, step) in (1..).zip(chapter.steps) {
            show(&Source::of(step.name).page(&format!("{c}.{s}")));
            (step.run)();
        }
    }
}

// Chapter 1: Goroutines.

/// A call on the side
///
/// `go f(x)` calls a function and does not wait for it. In Rust it is `go!(f(x))`.
/// In Go a result comes back through a channel; here `join` waits for it.
///
/// ```go
/// answer := make(chan int)
/// go func() { answer <- multiply(6, 7) }()
/// fmt.Println("6 * 7 =", <-answer)
/// ```
fn a_call() {
    fn multiply(a: i32, b: i32) -> i32 {
        a * b
    }

    let answer = go!(multiply(6, 7));
    println!("6 * 7 = {}", answer.join().unwrap());
}

/// The caller evaluates the arguments
///
/// As in Go, the function, its arguments and the receiver of a method are
/// evaluated at once, by the caller. Only the call itself is left to the
/// goroutine.
///
/// ```go
/// go paint(measure()) // measure runs before the statement ends
/// fmt.Println("go is over")
/// ```
fn arguments() {
    fn measure() -> i32 {
        println!("measure, in the thread {:?}", thread::current().name());
        12
    }
    fn paint(metres: i32) -> String {
        format!("painted {metres} m")
    }

    let painted = go!(paint(measure()));
    println!("go! is over");
    println!("{}", painted.join().unwrap());
}

/// Methods, blocks, closures
///
/// All forms return a handle. If you drop it, the goroutine runs on without you.
/// As in Go, `main` does not wait for goroutines when it returns: wait for those
/// that matter.
///
/// A block or a closure takes ownership of the variables that it uses, so each
/// goroutine gets a clone of whatever it shares with others.
///
/// ```go
/// go a.Send("a method")
/// go func() { b <- "a block" }()
/// ```
fn forms() {
    let (a, inbox) = mpsc::channel();
    let (b, c) = (a.clone(), a.clone());
    go!(a.send("a method"));
    go!({
        b.send("a block").unwrap();
    });
    go!(move || c.send("a closure"));

    // Until no sender is left:
    let mut letters: Vec<_> = inbox.iter().collect();
    letters.sort_unstable();
    println!("{letters:?}");
}

/// A panic ends one goroutine
///
/// In Go, a panic that is not recovered ends the program. Here it is reported, as
/// the first two lines of the output show, and `join` returns it.
///
/// ```go
/// go func() {
///     defer func() { failed <- recover() }()
///     divide(1, 0)
/// }()
/// ```
fn panics() {
    fn divide(a: i32, b: i32) -> i32 {
        a / b
    }

    let quotient = go!(divide(1, 0));
    println!("failed: {}", quotient.join().is_err());
}

// Chapter 2: WaitGroup.

/// Wait for all of them
///
/// A `WaitGroup` counts goroutines. `go` starts one and counts it in, its end
/// counts it out, and `wait` waits until the counter is 0. The waiter sees all
/// that the goroutines have done.
///
/// ```go
/// var wg sync.WaitGroup
/// var sum atomic.Uint32
/// for n := range uint32(5) {
///     wg.Go(func() { sum.Add(n) })
/// }
/// wg.Wait()
/// ```
fn members() {
    let wg = WaitGroup::new();
    let sum = Arc::new(AtomicU32::new(0));
    for n in 0..5 {
        let sum = Arc::clone(&sum);
        wg.go(move || {
            sum.fetch_add(n, Relaxed);
        });
    }
    wg.wait();
    println!("0 + 1 + 2 + 3 + 4 = {}", sum.load(Relaxed));
}

/// Counting by hand
///
/// Before Go 1.25 there were only `Add` and `Done`, and gosync has them, too. A
/// clone is another handle to the same group, so you need not pass `&wg` around.
///
/// ```go
/// wg.Add(3)
/// for range 3 {
///     go wg.Done()
/// }
/// wg.Wait()
/// ```
fn by_hand() {
    let wg = WaitGroup::new();
    wg.add(3);
    for _ in 0..3 {
        let wg = wg.clone();
        go!(wg.done());
    }
    wg.wait();
    println!("{wg:?}");
}

/// The classic mistake
///
/// `add` inside the goroutine comes too late: `wait` may find the counter at 0
/// and return before any of them has begun. Here the goroutine is held back until
/// that has happened. With `wg.go` you cannot make this mistake.
///
/// ```go
/// go func() {
///     wg.Add(1) // wrong: belongs before the go statement
///     defer wg.Done()
///     work()
/// }()
/// wg.Wait()
/// ```
fn too_late() {
    let wg = WaitGroup::new();
    let (release, held_back) = mpsc::channel();
    let work = {
        let wg = wg.clone();
        go!({
            held_back.recv().unwrap();
            wg.add(1); // wrong
            println!("the work begins");
            wg.done();
        })
    };
    wg.wait();
    println!("wait has returned");
    release.send(()).unwrap();
    work.join().unwrap();
}

/// Round after round
///
/// You can use a group again as soon as its counter is 0. Go asks you to let all
/// waiters return first, and panics if it sees that you did not. Here each wait
/// is released by the 0 that it waited for.
///
/// ```go
/// for round := 1; round <= 3; round++ {
///     for range 4 {
///         wg.Go(func() { laps.Add(1) })
///     }
///     wg.Wait()
/// }
/// ```
fn rounds() {
    static LAPS: AtomicU32 = AtomicU32::new(0);

    let wg = WaitGroup::new();
    for round in 1..=3 {
        for _ in 0..4 {
            wg.go(|| {
                LAPS.fetch_add(1, Relaxed);
            });
        }
        wg.wait();
        println!("round {round}: {} laps", LAPS.load(Relaxed));
    }
}

/// Waiting with a timeout
///
/// `wait_timeout` returns whether the counter was 0 in time. Go needs a channel,
/// a select, and a goroutine that stays behind.
///
/// ```go
/// done := make(chan struct{})
/// go func() { wg.Wait(); close(done) }()
/// select {
/// case <-done:
/// case <-time.After(10 * time.Millisecond):
/// }
/// ```
fn deadline() {
    let wg = WaitGroup::new();
    wg.add(1);
    println!("in time: {}", wg.wait_timeout(Duration::from_millis(10)));
    wg.done();
    println!("in time: {}", wg.wait_timeout(Duration::from_millis(10)));
}

/// One `done` too many
///
/// It panics with Go's text, at the line that called `done`, and changes nothing:
/// you can still use the group. (In Go the counter is broken from then on.)
///
/// ```go
/// wg.Done() // panic: sync: negative WaitGroup counter
/// ```
fn negative() {
    let wg = WaitGroup::new();
    let careless = wg.clone();
    println!("failed: {}", go!(careless.done()).join().is_err());
    wg.wait();
    println!("{wg:?}");
}

// Chapter 3: RWMutex.

/// The lock owns its data
///
/// In Go, a comment says what a mutex guards. Here the data is inside the lock,
/// and a guard is the only way in. The lock is released when the guard is
/// dropped, so you can neither forget an `RUnlock` nor call one too many. `defer`
/// runs at the end of the function; a guard ends with its block, or with `drop`.
///
/// ```go
/// var mu sync.RWMutex
/// ages := map[string]int{} // guarded by mu
///
/// mu.Lock()
/// ages["gopher"] = 17
/// mu.Unlock()
///
/// mu.RLock()
/// defer mu.RUnlock()
/// fmt.Println("the gopher is", ages["gopher"])
/// ```
fn owner() {
    let ages = RWMutex::new(BTreeMap::new());

    ages.lock().insert("gopher", 17);

    let reader = ages.rlock();
    println!("the gopher is {}", reader["gopher"]);
}

/// Readers share
///
/// Any number of readers may be inside together. These two prove it: neither
/// leaves before it has met the other at the barrier. A lock can be a `static`,
/// like a package-level variable in Go.
///
/// ```go
/// mu.RLock()
/// inside.Done()
/// inside.Wait() // both must be inside to get past this
/// mu.RUnlock()
/// ```
fn together() {
    static NEWS: RWMutex<&str> = RWMutex::new("it is raining");
    static INSIDE: Barrier = Barrier::new(2);

    fn read() -> &'static str {
        let news = NEWS.rlock();
        INSIDE.wait();
        *news
    }

    let other = go!(read());
    println!("one reads:   {}", read());
    println!("other reads: {}", other.join().unwrap());
}

/// Writers go first
///
/// Once a writer waits, new readers wait behind it, so a steady stream of readers
/// cannot keep it out. When the writer unlocks, the readers that waited are let
/// in before the next writer, so they do not starve either.
///
/// Hence Go's rule: do not take a second read lock while you hold one. If a
/// writer came between the two, you would wait for each other.
///
/// ```go
/// mu.RLock()
/// go func() { mu.Lock(); turn = "writer"; mu.Unlock() }()
/// for mu.TryRLock() { // until the writer waits
///     mu.RUnlock()
///     runtime.Gosched()
/// }
/// mu.RUnlock()
/// ```
fn writers_first() {
    static TURN: RWMutex<&str> = RWMutex::new("reader");

    let reader = TURN.rlock();
    let writer = go!({
        *TURN.lock() = "writer";
    });
    while TURN.try_rlock().is_some() {
        thread::yield_now(); // The writer is not there yet.
    }
    println!("a {reader} is inside, a writer waits, new readers wait");

    drop(reader);
    writer.join().unwrap();
    println!("then came the {}", TURN.rlock());
}

/// From writer to reader
///
/// `downgrade` turns a write lock into a read lock with no gap in between. In Go,
/// another writer may slip in.
///
/// ```go
/// mu.Lock()
/// config += " --verbose"
/// mu.Unlock()
/// mu.RLock() // Whose config is this?
/// ```
fn downgrade() {
    static CONFIG: RWMutex<String> = RWMutex::new(String::new());

    let mut writer = CONFIG.lock();
    writer.push_str("--verbose");
    let reader = RWMutexWriteGuard::downgrade(writer);
    println!("readers get in: {}", CONFIG.try_rlock().is_some());
    println!("writers get in: {}", CONFIG.try_lock().is_some());
    println!("the config is still {reader}");
}

/// Locking with a timeout
///
/// `try_lock` takes the lock only if it is free, as in Go; `try_lock_for` and
/// `try_rlock_for` wait for a while. An attempt that gives up leaves no trace,
/// and readers that had to wait behind it continue.
///
/// ```go
/// for !mu.TryLock() { // all that Go has
///     time.Sleep(time.Millisecond)
/// }
/// ```
fn timed() {
    static BUSY: RWMutex<()> = RWMutex::new(());

    let reader = BUSY.rlock();
    let writer = BUSY.try_lock_for(Duration::from_millis(10));
    println!("beside a reader: {}", writer.is_some());
    drop(reader);
    let writer = BUSY.try_lock_for(Duration::from_millis(10));
    println!("alone:           {}", writer.is_some());
}

/// A lock on a part
///
/// You can narrow a guard to a part of the data and return it. In Go you would
/// return a pointer, and ask the caller to unlock.
///
/// ```go
/// func (u *User) Name() (*string, func()) {
///     u.mu.RLock()
///     return &u.name, u.mu.RUnlock
/// }
/// ```
fn part() {
    struct User {
        name: String,
    }

    fn name(user: &RWMutex<User>) -> MappedRWMutexReadGuard<'_, str> {
        RWMutexReadGuard::map(user.rlock(), |user| user.name.as_str())
    }

    let ada = "Ada".to_string();
    let user = RWMutex::new(User { name: ada });
    println!("the user is {}", name(&user));
}

// Chapter 4: Mutex and Cond.

/// A mutex owns its data
///
/// The guard unlocks when it is dropped, which is what `defer mu.Unlock()` is
/// for. No thread waits long: one that has waited for a millisecond is next.
///
/// ```go
/// var mu sync.Mutex
/// visits := 0
/// for range 10 {
///     wg.Go(func() { mu.Lock(); defer mu.Unlock(); visits++ })
/// }
/// wg.Wait()
/// ```
fn counter() {
    let visits = Mutex::new(0);
    scope(|s| {
        for _ in 0..10 {
            s.go(|| *visits.lock() += 1);
        }
    });
    println!("{} visits", visits.into_inner());
}

/// Wait for a condition
///
/// A wait unlocks the mutex, sleeps until it is signalled, and locks again.
/// `wait_while` is Go's loop around it. Waiters are woken in the order in which
/// they came.
///
/// ```go
/// mu.Lock()
/// for len(parcels) == 0 {
///     filled.Wait()
/// }
/// parcel := parcels[0]
/// ```
fn queue() {
    let (parcels, filled) = (Mutex::new(Vec::new()), Cond::new());
    scope(|s| {
        s.go(|| {
            parcels.lock().push("a parcel");
            filled.signal();
        });
        let mut parcels = parcels.lock();
        filled.wait_while(&mut parcels, |parcels| parcels.is_empty());
        println!("{}", parcels.remove(0));
    });
}

// Chapter 5: Scope.

/// Borrowing from the caller
///
/// In Go, a goroutine shares the variables around it, and the garbage collector
/// keeps them alive. In Rust the scope does. Its goroutines may borrow from the
/// stack, even to write, since the scope returns only when all of them have
/// ended.
///
/// ```go
/// squares := make([]int, 5)
/// for i := range squares {
///     wg.Go(func() { squares[i] = i * i })
/// }
/// wg.Wait()
/// ```
fn borrow() {
    let mut squares = [0; 5];
    scope(|s| {
        for (i, square) in squares.iter_mut().enumerate() {
            s.go(move || *square = i * i);
        }
    });
    println!("{squares:?}");
}

/// Results of a scope
///
/// The scope returns what its closure returns, and `join` works as it does
/// outside a scope.
///
/// ```go
/// var low, high int
/// wg.Go(func() { low = slices.Min(numbers) })
/// wg.Go(func() { high = slices.Max(numbers) })
/// wg.Wait()
/// ```
fn results() {
    let numbers = [3, 1, 4, 1, 5, 9, 2, 6];
    let (low, high) = scope(|s| {
        let low = s.go(|| numbers.iter().min());
        let high = s.go(|| numbers.iter().max());
        (low.join().unwrap(), high.join().unwrap())
    });
    println!("from {} to {}", low.unwrap(), high.unwrap());
}

/// No panic is lost
///
/// If a goroutine of a scope panics and is not joined, the scope waits for the
/// others and then panics in its place. This comes closest to Go, where a panic
/// cannot go unnoticed either.
///
/// ```go
/// wg.Go(func() { panic("out of paint") }) // ends the program
/// ```
fn no_panic_is_lost() {
    let outcome = panic::catch_unwind(|| {
        scope(|s| {
            s.go(|| panic!("out of paint"));
        });
    });
    println!("the scope panicked: {}", outcome.is_err());
}

// Chapter 6: From x/sync.

/// The first error
///
/// An error group is a `WaitGroup` whose goroutines may fail. When all of them
/// have ended, `wait` returns the first error.
///
/// ```go
/// var g errgroup.Group
/// for _, text := range texts {
///     g.Go(func() error { _, err := strconv.Atoi(text); return err })
/// }
/// err := g.Wait()
/// ```
fn first_error() {
    let group = errgroup::Group::new();
    for text in ["1", "2", "three"] {
        group.go(move || text.parse::<i32>().map(drop));
    }
    println!("{}", group.wait().unwrap_err());
}

/// At most three at a time
///
/// A permit is given back when it is dropped. Permits are granted first come,
/// first served.
///
/// ```go
/// sem := semaphore.NewWeighted(3)
/// for range 9 {
///     sem.Acquire(ctx, 1)
///     wg.Go(func() { defer sem.Release(1); work() })
/// }
/// wg.Wait()
/// ```
fn three_at_a_time() {
    let (semaphore, most) = (Weighted::new(3), Mutex::new(0));
    scope(|s| {
        for _ in 0..9 {
            let permit = semaphore.acquire(1).unwrap();
            s.go(|| {
                let _permit = permit;
                let running = 3 - semaphore.available();
                let mut most = most.lock();
                *most = running.max(*most);
            });
        }
    });
    println!("at most 3 at a time: {}", *most.lock() <= 3);
}

/// One call for all callers
///
/// While a call for a key runs, other callers with the same key wait for its
/// result.
///
/// ```go
/// var g singleflight.Group
/// page, err, shared := g.Do("index", load)
/// ```
fn one_call() {
    let (group, loads) = (singleflight::Group::new(), AtomicU32::new(0));
    scope(|s| {
        for _ in 0..5 {
            s.go(|| {
                group.run("index", || {
                    gosync::sleep(Duration::from_millis(50));
                    loads.fetch_add(1, Relaxed);
                })
            });
        }
    });
    println!("fewer than 5 loads: {}", loads.into_inner() < 5);
}

// Chapter 7: All together.

/// One writer, many readers
///
/// A cache of prices. One goroutine changes the price of tea a thousand times,
/// while six others read it without a pause. None of them ever sees half a
/// change. The readers cannot keep the writer out, and it cannot keep them out.
///
/// ```go
/// type Cache struct {
///     mu     sync.RWMutex
///     prices map[string]Price
/// }
///
/// func (c *Cache) Get(name string) (Price, bool) {
///     c.mu.RLock()
///     defer c.mu.RUnlock()
///     price, ok := c.prices[name]
///     return price, ok // a copy
/// }
/// ```
fn cache() {
    #[derive(Default)]
    struct Price {
        buy: u32,
        sell: u32, // always 1 less than `buy`
    }

    #[derive(Default)]
    struct Cache {
        prices: RWMutex<BTreeMap<&'static str, Price>>,
    }

    type PriceGuard<'a> = MappedRWMutexReadGuard<'a, Price>;

    impl Cache {
        fn get(&self, name: &str) -> Option<PriceGuard<'_>> {
            let prices = self.prices.rlock();
            RWMutexReadGuard::try_map(prices, |all| all.get(name)).ok()
        }

        fn set(&self, name: &'static str, buy: u32) {
            let mut prices = self.prices.lock();
            let price = prices.entry(name).or_default();
            price.buy = buy;
            price.sell = buy - 1;
        }
    }

    let cache = Arc::new(Cache::default());
    let readers = WaitGroup::new();
    let content = Arc::new(AtomicU32::new(0));

    for _ in 0..6 {
        let (cache, content) = (Arc::clone(&cache), Arc::clone(&content));
        readers.go(move || {
            let mut last = 0;
            while last < 1000 {
                let Some(price) = cache.get("tea") else {
                    continue;
                };
                assert_eq!(price.sell, price.buy - 1, "half a price");
                assert!(price.buy >= last, "an old price");
                last = price.buy;
            }
            content.fetch_add(1, Relaxed);
        });
    }
    let writer = {
        let cache = Arc::clone(&cache);
        go!({
            for buy in 1..=1000 {
                cache.set("tea", buy);
            }
        })
    };
    writer.join().unwrap();
    readers.wait();
    println!("{} readers are content", content.load(Relaxed));
    println!("tea is at {}", cache.get("tea").unwrap().buy);
}

// The guide: finds each step in this file, shows it, and runs it.

struct Chapter {
    title: &'static str,
    steps: &'static [Step],
}

struct Step {
    name: &'static str,
    run: fn(),
}

/// Names chapters, and the functions that are their steps.
macro_rules! tour {
    ($($title:literal: $($step:ident),+;)+) => {
        &[$(Chapter {
            title: $title,
            steps: &[$(Step { name: stringify!($step), run: $step }),+],
        }),+]
    };
}
use tour;

/// Stands in for the standard macro, and marks what the steps print.
macro_rules! println {
    ($($arguments:tt)*) => { print_marked(&format!($($arguments)*)) };
}
use println;

fn print_marked(text: &str) {
    let marked = |line| format!("     >  {line}\n");
    show(&text.lines().map(marked).collect::<String>());
}

/// Prints `text`. Ignores errors: the reader of a pipe may be gone, as after
/// `tour | head`.
fn show(text: &str) {
    let _ = io::stdout().write_all(text.as_bytes());
}

fn bold(text: &str) -> String {
    if io::stdout().is_terminal() {
        format!("\x1b[1m{text}\x1b[0m")
    } else {
        text.to_string()
    }
}

/// A step as it is written in this file.
struct Source {
    title: &'static str,
    prose: Vec<&'static str>,
    go: Vec<&'static str>,
    rust: Vec<&'static str>,
}

impl Source {
    /// Finds the function `name` and the comment above it.
    fn of(name: &str) -> Self {
        let lines: Vec<&str> = include_str!("tour.rs").lines().collect();
        let head = format!("fn {name}() {{");
        let head = lines.iter().position(|line| *line == head);
        let (above, below) = lines.split_at(head.expect("a step is a function"));

        let comment = above.rsplit(|line| !line.starts_with("///")).next();
        let comment = without_margin("/// ", comment.unwrap_or_default());
        let parts: Vec<_> = comment.split(|line| line.starts_with("```")).collect();
        let [[title, prose @ ..], go, ..] = parts[..] else {
            panic!("the comment above `{name}` has no title or no Go");
        };
        let body = below[1..].split(|line| *line == "}").next();
        Self {
            title,
            prose: prose.to_vec(),
            go: go.to_vec(),
            rust: without_margin("    ", body.unwrap_or_default()),
        }
    }

    fn page(&self, number: &str) -> String {
        let heading = bold(&format!("{number}  {}", self.title));
        let prose = self.prose.join("\n");
        let [go, rust] = [("Go", &self.go), ("Rust", &self.rust)].map(labelled);
        format!("\n{heading}\n{prose}\n{go}\n{rust}\n")
    }
}

/// Removes `margin` from each line. Blank lines may lack it, or a part of it.
fn without_margin(margin: &str, lines: &[&'static str]) -> Vec<&'static str> {
    let inner = |line: &&'static str| line.strip_prefix(margin).unwrap_or("");
    lines.iter().map(inner).collect()
}

/// Returns `code`, with `label` before its first line.
fn labelled((label, code): (&str, &Vec<&str>)) -> String {
    let labels = iter::once(label).chain(iter::repeat(""));
    let lines = labels.zip(code).map(|(label, line)| {
        let line = format!("  {label:<6}{line}");
        format!("{}\n", line.trim_end())
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_has_prose_go_and_rust_and_fits_a_terminal() {
        for step in TOUR.iter().flat_map(|chapter| chapter.steps) {
            let source = Source::of(step.name);
            for part in [&source.prose, &source.go, &source.rust] {
                assert!(!part.concat().is_empty(), "{}", step.name);
            }
            for line in source.page("1.1").lines() {
                assert!(line.chars().count() <= 80, "{}: {line}", step.name);
            }
        }
    }
}
