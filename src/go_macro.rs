//! The grammar of `go!`.

/// Runs a call in a goroutine: Go's `go` statement.
///
/// `go!(f(x))` evaluates `x` at once, in the caller. Then it calls `f` in a goroutine, and returns the
/// [`JoinHandle`](crate::JoinHandle) of that call. If the handle is dropped, the goroutine continues to run
/// alone.
///
/// ```
/// use gosync::{WaitGroup, go};
///
/// fn greet(name: &str) -> String {
///     format!("hello, {name}")
/// }
///
/// let greeting = go!(greet("gopher"));
/// assert_eq!(greeting.join().unwrap(), "hello, gopher");
///
/// let wg = WaitGroup::new();
/// wg.add(1);
/// go!(wg.clone().done());
/// wg.wait();
/// ```
///
/// # Forms
///
/// | expression | the caller evaluates | the goroutine |
/// |---|---|---|
/// | `f(x, y)`, `path::f(x)`, `f::<T>(x)`, `<T as Trait>::f(x)`, `Some(x)` | `x`, `y` | calls |
/// | `v.method(x)`, `v.field.method(x)`, `(v.field)(x)` | `x` | takes `v`, calls |
/// | `make()(x)`, `table[i](x)`, `(expression)(x)` | the function, `x` | calls it |
/// | `v.clone().method(x)`, `T::new().method(x)`, `list[i].method(x)` | the receiver, `x` | calls its method |
/// | `move \|a, b\| { … }(x, y)`: Go's `go func(a, b int) { … }(x, y)` | `x`, `y` | calls the closure |
/// | `\|\| …`, `move \|\| …`, and a variable, field or path without `()`: `f`, `v.f`, `path::f` | nothing | takes the closure or function, calls it |
/// | `{ … }`, `a(); b();`, `unsafe { … }`, `match …`, `a + f(x)`, `!f(x)`, `println!(…)`, any other | nothing | captures the variables in it, evaluates all of it |
///
/// A call is evaluated like this only if it is the whole expression, with or without a semicolon behind it.
/// `go!(f(x) + 1)` is of the last kind, and evaluates `x` in the goroutine, as do `go!({ f(x) })` and
/// `go! { f(x); g(); }`.
///
/// ```
/// use gosync::go;
///
/// let id = 7;
/// let plus_one = go!(move |id: i32| { id + 1 }(id)); // Go: go func(id int) { … }(id)
/// assert_eq!(plus_one.join().unwrap(), 8);
///
/// let work = || 6 * 7;
/// assert_eq!(go!(work).join().unwrap(), 42);
///
/// let name = String::from("gopher");
/// let area = go! {
///     let length = name.len();
///     length * length
/// };
/// assert_eq!(area.join().unwrap(), 36);
/// ```
///
/// Evaluated values move. `list[i]` cannot move, unless it is `Copy`: call `list[i].clone().method(x)`. As
/// with [`go`](fn@crate::go), everything that reaches the goroutine must be `Send`, and must not borrow
/// anything that can end before the goroutine. For `f(&x)`, write `go!({ f(&x) })`, which moves `x` into the
/// goroutine; or share an `Arc`; or use [`scope`](crate::scope).
///
/// # Order of evaluation
///
/// As in Go: first the function or the receiver, then the arguments from left to right. Each is evaluated
/// once, and all before the goroutine starts. If one of them panics, the caller panics, and no goroutine
/// starts.
///
/// ```
/// use gosync::go;
/// use std::sync::{Arc, Mutex};
/// use std::thread::{self, ThreadId};
///
/// type Log = Arc<Mutex<Vec<(&'static str, ThreadId)>>>;
///
/// fn note(log: &Log, what: &'static str) -> Log {
///     log.lock().unwrap().push((what, thread::current().id()));
///     Arc::clone(log)
/// }
///
/// fn function(log: &Log) -> impl FnOnce(Log, Log) + use<> {
///     note(log, "function");
///     |log, _| drop(note(&log, "call"))
/// }
///
/// let log = Log::default();
/// let handle = go!(function(&log)(note(&log, "first"), note(&log, "second")));
/// while !handle.is_finished() {} // `join` might call it here.
///
/// let (steps, threads): (Vec<_>, Vec<_>) = log.lock().unwrap().iter().copied().unzip();
/// assert_eq!(steps, ["function", "first", "second", "call"]);
/// let here = thread::current().id();
/// assert_eq!(threads[..3], [here; 3]);
/// assert_ne!(threads[3], here);
/// ```
///
/// If the function or the receiver is a variable or a field, there is nothing to evaluate. The goroutine
/// takes the variable over, or reads it in place if it is a `static`. This happens after the arguments have
/// been evaluated, so they may still use the variable, as in an ordinary Rust call. The same applies to a
/// closure among the arguments.
///
/// ```
/// use gosync::go;
/// use std::sync::atomic::{AtomicUsize, Ordering};
///
/// static TOTAL: AtomicUsize = AtomicUsize::new(0);
///
/// let mut list = vec![1, 2, 3];
/// go!(TOTAL.fetch_add(list.len(), Ordering::Relaxed)).join().unwrap();
/// assert_eq!(TOTAL.load(Ordering::Relaxed), 3);
///
/// let last = go!(list.split_off(list.len() - 1)).join().unwrap();
/// assert_eq!(last, [3]);
/// ```
///
/// # Differences from Go
///
/// - It is an expression: its value is a handle to the result of the call. A panic of the goroutine goes to
///   [`join`](crate::JoinHandle::join), too; in Go it ends the process.
/// - A closure or function is called even without the `()` of Go's `go func() { … }()`. Other expressions are
///   allowed, too, and move into the goroutine.
/// - Variables move (or are copied), where Go's closures share them.
/// - A macro is not a function. Go's `go fmt.Println(f())` calls `f` at once, in the caller, but
///   `go!(println!("{}", f()))` calls it in the goroutine. To get Go's behaviour, call `f` before:
///
/// ```
/// use gosync::go;
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicUsize, Ordering};
///
/// let calls = Arc::new(AtomicUsize::new(0));
/// let f = {
///     let calls = Arc::clone(&calls);
///     move || calls.fetch_add(1, Ordering::Relaxed)
/// };
///
/// let value = f();
/// let at_once = go!(format!("{value}"));
/// assert_eq!(calls.load(Ordering::Relaxed), 1);
///
/// let late = go!(format!("{}", f())); // Maybe it has been called by now, maybe not.
/// assert_eq!(late.join().unwrap(), "1");
/// assert_eq!(at_once.join().unwrap(), "0");
/// ```
///
/// # Compiler errors
///
/// - "expression in go must be function call" (as in Go) for `go!()`. The errors for Go's own syntax
///   (`func() { … }()`, `c <- 1`), for `move { … }` and for `async { … }` say what to write.
/// - "expression in go must not be parenthesized" (as in Go) for `go!((f(x)))`.
/// - "`i32` is not a function that `go!` can call without arguments" for `go!(v)`. To move a variable into a
///   goroutine, write `go!({ v })`.
/// - E0308, "expected `()`, found `JoinHandle`", for `go! { … }` as a statement: end it with a semicolon.
/// - E0373, E0382, E0521 and E0597 mean that the goroutine borrows something, or takes it away from the
///   caller. [The porting guide](crate::porting#compiler-errors-by-code) has the cures.
/// - "expected `{`", for `go!($e)` in a macro whose `$e` is an `expr`: `go!` cannot see whether that is a
///   call. `go!($f($x))` works, and so does `go!($($tokens)*)`. `go!({ $e })` evaluates all of `$e` in the
///   goroutine.
///
/// # Panics
///
/// * If `GOSYNC_MAXPROCS` is set and is not a positive number.
/// * If `GOSYNC_STACK_SIZE` is set and is not a number of bytes between 64 KiB and 1 GiB (256 MiB where a
///   pointer has 32 bits).
/// * In a child of `fork`, if its parent had workers at the fork.
#[doc(alias = "goroutine")]
#[doc(alias = "spawn")]
#[doc(alias = "func")]
#[macro_export]
macro_rules! go {
    () => {
        ::core::compile_error!("expression in go must be function call, as in `go!(f(x))`")
    };
    ($($expression:tt)+) => {
        $crate::__go!(@expression [$($expression)+] $($expression)+)
    };
}

/// A call is a chain: a head, postfix operators, and finally the arguments. The rules walk along the chain,
/// token by token. They keep
///
/// - `$all`, the whole expression, in case it turns out not to be a call;
/// - `$chain`, the part that they have passed;
/// - `$kind`, the kind of that part:
///   - a `place`: a path, a variable or a field of a variable. It is used where it stands, so that the
///     goroutine's closure captures no more of it than the call needs, and nothing of a `static`;
///   - an `element` of something indexed, or another `value`: the caller evaluates it.
///
/// A token that has a separate pattern to test it is passed twice. The second copy, a `tt`, keeps its place
/// in the source for the compiler's errors.
#[doc(hidden)]
#[macro_export]
macro_rules! __go {
    // A closure. The goroutine calls it, with arguments if some follow its block.
    (@expression $all:tt || $($rest:tt)*) => { $crate::__go!(@body untyped $all [||] $($rest)*) };
    (@expression $all:tt | $($rest:tt)*) => {
        $crate::__go!(@parameters untyped $all [|] $($rest)*)
    };
    (@expression $all:tt move || $($rest:tt)*) => {
        $crate::__go!(@body untyped $all [move ||] $($rest)*)
    };
    (@expression $all:tt move | $($rest:tt)*) => {
        $crate::__go!(@parameters untyped $all [move |] $($rest)*)
    };
    (@expression $all:tt async || $($rest:tt)*) => { $crate::__go!(@closure $all) };
    (@expression $all:tt async | $($rest:tt)*) => { $crate::__go!(@closure $all) };
    (@expression $all:tt async move || $($rest:tt)*) => { $crate::__go!(@closure $all) };
    (@expression $all:tt async move | $($rest:tt)*) => { $crate::__go!(@closure $all) };
    (@expression $all:tt for < $($rest:tt)*) => { $crate::__go!(@closure $all) };
    // What Go programmers may write.
    (@expression $all:tt func $arguments:tt $($rest:tt)*) => { $crate::__go!(@literal) };
    (@expression $all:tt fn $($rest:tt)*) => { $crate::__go!(@literal) };
    (@expression $all:tt move { $($block:tt)* } $($rest:tt)*) => {
        ::core::compile_error!("a block always moves what it uses: write `go!({ … })`, without `move`")
    };
    (@expression $all:tt async { $($block:tt)* } $($rest:tt)*) => { $crate::__go!(@async) };
    (@expression $all:tt async move { $($block:tt)* } $($rest:tt)*) => { $crate::__go!(@async) };
    (@literal) => {
        ::core::compile_error!(
            "a function literal is a closure in Rust: write `go!(move || { … })`, or with arguments \
             `go!(move |id: usize| { … }(id))`"
        )
    };
    (@async) => {
        ::core::compile_error!(
            "a goroutine does not run futures, and may block: write `go!({ … })`, without `async`"
        )
    };
    (@parameters $kind:ident $all:tt [$($done:tt)*] | $($rest:tt)*) => {
        $crate::__go!(@body $kind $all [$($done)* |] $($rest)*)
    };
    (@parameters $kind:ident $all:tt [$($done:tt)*] : $($rest:tt)*) => {
        $crate::__go!(@parameters typed $all [$($done)* :] $($rest)*)
    };
    (@parameters $kind:ident $all:tt [$($done:tt)*] $token:tt $($rest:tt)*) => {
        $crate::__go!(@parameters $kind $all [$($done)* $token] $($rest)*)
    };
    (@body $kind:ident $all:tt [$($head:tt)*] { $($body:tt)* } ($($args:tt)*) $(,)? $(;)?) => {
        $crate::__go!(@call_closure $kind ($($head)* { $($body)* }) $($args)*)
    };
    (@body $kind:ident $all:tt [$($head:tt)*] -> $result:ty { $($body:tt)* } ($($args:tt)*) $(,)? $(;)?) => {
        $crate::__go!(@call_closure $kind ($($head)* -> $result { $($body)* }) $($args)*)
    };
    (@body $kind:ident $all:tt $head:tt $($rest:tt)*) => { $crate::__go!(@closure $all) };
    (@call_closure typed $f:tt $($args:tt)*) => { $crate::__go!(@call [$f] [] [] $($args)*) };
    (@call_closure untyped $f:tt $($args:tt)*) => {
        $crate::__go!(@call [@untyped $f] [] [] $($args)*)
    };

    // Prefix operators bind less tightly than a call. Other keywords need no rule: the token after them ends
    // the chain.
    (@expression $all:tt - $($rest:tt)*) => { $crate::__go!(@whole $all) };
    (@expression $all:tt ! $($rest:tt)*) => { $crate::__go!(@whole $all) };
    (@expression $all:tt * $($rest:tt)*) => { $crate::__go!(@whole $all) };
    (@expression $all:tt & $($rest:tt)*) => { $crate::__go!(@whole $all) };
    (@expression $all:tt && $($rest:tt)*) => { $crate::__go!(@whole $all) };
    (@expression $all:tt .. $($rest:tt)*) => { $crate::__go!(@whole $all) };
    (@expression $all:tt ..= $($rest:tt)*) => { $crate::__go!(@whole $all) };
    (@expression $all:tt break $($rest:tt)*) => { $crate::__go!(@whole $all) };
    (@expression $all:tt return $($rest:tt)*) => { $crate::__go!(@whole $all) };

    // The head of a chain.
    (@expression $all:tt ($expression:expr) $(,)? $(;)?) => {
        ::core::compile_error!(
            "expression in go must not be parenthesized; write `go!(f(x))`, not `go!((f(x)))`"
        )
    };
    (@expression $all:tt < $($rest:tt)*) => {
        $crate::__go!(@angle [<] [path place $all []] [<] $($rest)*)
    };
    (@expression $all:tt << $($rest:tt)*) => {
        $crate::__go!(@angle [< <] [path place $all []] [<<] $($rest)*)
    };
    (@expression $all:tt :: $($rest:tt)*) => {
        $crate::__go!(@chain place $all [] :: $($rest)*)
    };
    (@expression $all:tt $head:tt $($rest:tt)*) => {
        $crate::__go!(@head $head $all $head $($rest)*)
    };
    (@head $literal:literal $all:tt $head:tt $(,)? $(;)?) => {
        $crate::__go!(@whole $all)
    };
    (@head $literal:literal $all:tt $head:tt $($rest:tt)*) => {
        $crate::__go!(@chain place $all [$head] $($rest)*)
    };
    (@head $name:ident $all:tt $head:tt $($rest:tt)*) => {
        $crate::__go!(@chain place $all [$head] $($rest)*)
    };
    // `(v.f)` and `(*v.f)`.
    (@head ($(*)* $name:ident $(. $field:tt)*) $all:tt $head:tt $($rest:tt)*) => {
        $crate::__go!(@chain place $all [$head] $($rest)*)
    };
    (@head ($($same:tt)*) $all:tt $head:tt $($rest:tt)*) => {
        $crate::__go!(@chain value $all [$head] $($rest)*)
    };
    (@head [$($same:tt)*] $all:tt $head:tt $($rest:tt)*) => {
        $crate::__go!(@chain value $all [$head] $($rest)*)
    };
    (@head { $($same:tt)* } $all:tt $head:tt $($rest:tt)*) => {
        $crate::__go!(@chain value $all [$head] $($rest)*)
    };
    // A fragment of another macro. If it is the whole expression, it hides whether it is a call, so it must
    // be a block. For a fragment that is not a block, the compiler's own error says to make it one.
    (@head $same:tt $all:tt $head:tt ,) => { $crate::__go!(@block $head) };
    (@head $same:tt $all:tt $head:tt ;) => { $crate::__go!(@block $head) };
    (@head $same:tt $all:tt $head:tt) => { $crate::__go!(@block $head) };
    (@head $same:tt $all:tt $head:tt $($rest:tt)*) => {
        $crate::__go!(@chain value $all [$head] $($rest)*)
    };

    // What follows the head.
    (@chain $kind:ident $all:tt $chain:tt :: $name:ident $($rest:tt)*) => {
        $crate::__go!(@path place $all $chain [:: $name] $($rest)*)
    };
    (@chain $kind:ident $all:tt $chain:tt <- $($rest:tt)*) => {
        ::core::compile_error!("there is no `<-` in Rust: write `go!(channel.send(value))`")
    };
    (@chain $kind:ident $all:tt $chain:tt :: $($rest:tt)*) => {
        $crate::__go!(@generics [path place $all $chain] [::] $($rest)*)
    };
    (@chain $kind:ident $all:tt [$($chain:tt)*] . await $($rest:tt)*) => {
        $crate::__go!(@chain value $all [$($chain)* . await] $($rest)*)
    };
    (@chain $kind:ident $all:tt $chain:tt . $name:tt :: $($rest:tt)*) => {
        $crate::__go!(@generics [member $kind $all $chain] [. $name ::] $($rest)*)
    };
    (@chain $kind:ident $all:tt $chain:tt . $name:tt $next:tt $($rest:tt)*) => {
        $crate::__go!(@next $next $kind $all $chain [. $name] $next $($rest)*)
    };
    (@chain $kind:ident $all:tt [$($chain:tt)*] . $name:tt) => {
        $crate::__go!(@chain $kind $all [$($chain)* . $name])
    };
    (@chain $kind:ident $all:tt [$($chain:tt)*] ? $($rest:tt)*) => {
        $crate::__go!(@chain value $all [$($chain)* ?] $($rest)*)
    };
    (@chain place $all:tt [$($chain:tt)*] ! $arguments:tt $($rest:tt)*) => {
        $crate::__go!(@chain value $all [$($chain)* ! $arguments] $($rest)*)
    };
    (@chain value $all:tt $chain:tt $(,)? $(;)?) => { $crate::__go!(@whole $all) };
    (@chain $kind:ident $all:tt $chain:tt $(,)? $(;)?) => { $crate::__go!(@function $all) };
    (@chain $kind:ident $all:tt $chain:tt $next:tt $($rest:tt)*) => {
        $crate::__go!(@next $next $kind $all $chain [] $next $($rest)*)
    };

    // Arguments, an index or the fields of a struct. `$name` is the name of the method, if there is one.
    (@next ($($args:tt)*) place $all:tt [$($chain:tt)*] [$($name:tt)*] $next:tt $(,)? $(;)?) => {
        $crate::__go!(@call [$($chain)* $($name)*] [] [] $($args)*)
    };
    (@next ($($args:tt)*) $kind:ident $all:tt [$($chain:tt)*] [$($name:tt)*] $next:tt $(,)? $(;)?) => {{
        #[allow(unused_mut, unused_parens, unused_braces)]
        let mut value = $($chain)*;
        $crate::__go!(@call [value $($name)*] [] [] $($args)*)
    }};
    (@next ($($same:tt)*) $kind:ident $all:tt [$($chain:tt)*] [$($name:tt)*] $next:tt $($rest:tt)*) => {
        $crate::__go!(@chain value $all [$($chain)* $($name)* $next] $($rest)*)
    };
    (@next [$($same:tt)*] value $all:tt [$($chain:tt)*] [] $next:tt $($rest:tt)*) => {
        $crate::__go!(@chain value $all [$($chain)* $next] $($rest)*)
    };
    (@next [$($same:tt)*] $kind:ident $all:tt [$($chain:tt)*] [] $next:tt $($rest:tt)*) => {
        $crate::__go!(@chain element $all [$($chain)* $next] $($rest)*)
    };
    (@next { $($same:tt)* } place $all:tt [$($chain:tt)*] [] $next:tt $($rest:tt)*) => {
        $crate::__go!(@chain value $all [$($chain)* $next] $($rest)*)
    };
    (@next $same:tt $kind:ident $all:tt $chain:tt [] $($rest:tt)*) => { $crate::__go!(@whole $all) };
    (@next $same:tt $kind:ident $all:tt [$($chain:tt)*] [$($name:tt)*] $($rest:tt)*) => {
        $crate::__go!(@chain $kind $all [$($chain)* $($name)*] $($rest)*)
    };

    // Generic arguments, up to the bracket that closes them.
    (@generics $then:tt [$($done:tt)*] < $($rest:tt)*) => {
        $crate::__go!(@angle [<] $then [$($done)* <] $($rest)*)
    };
    (@generics $then:tt [$($done:tt)*] << $($rest:tt)*) => {
        $crate::__go!(@angle [< <] $then [$($done)* <<] $($rest)*)
    };
    (@generics $then:tt [$($done:tt)*] <- $($rest:tt)*) => {
        $crate::__go!(@angle [<] $then [$($done)* <-] $($rest)*)
    };
    (@generics [$then:ident $kind:ident $all:tt $chain:tt] $($rest:tt)*) => {
        $crate::__go!(@whole $all)
    };
    (@angle [] [$($then:tt)*] $($rest:tt)*) => { $crate::__go!(@ $($then)* $($rest)*) };
    (@angle [$($open:tt)*] $then:tt [$($done:tt)*] < $($rest:tt)*) => {
        $crate::__go!(@angle [$($open)* <] $then [$($done)* <] $($rest)*)
    };
    (@angle [$($open:tt)*] $then:tt [$($done:tt)*] << $($rest:tt)*) => {
        $crate::__go!(@angle [$($open)* < <] $then [$($done)* <<] $($rest)*)
    };
    (@angle [$($open:tt)*] $then:tt [$($done:tt)*] <- $($rest:tt)*) => {
        $crate::__go!(@angle [$($open)* <] $then [$($done)* <-] $($rest)*)
    };
    (@angle [< $($open:tt)*] $then:tt [$($done:tt)*] > $($rest:tt)*) => {
        $crate::__go!(@angle [$($open)*] $then [$($done)* >] $($rest)*)
    };
    (@angle [< < $($open:tt)*] $then:tt [$($done:tt)*] >> $($rest:tt)*) => {
        $crate::__go!(@angle [$($open)*] $then [$($done)* >>] $($rest)*)
    };
    (@angle $open:tt $then:tt [$($done:tt)*] $token:tt $($rest:tt)*) => {
        $crate::__go!(@angle $open $then [$($done)* $token] $($rest)*)
    };
    (@angle $open:tt [$then:ident $kind:ident $all:tt $chain:tt] $done:tt) => {
        $crate::__go!(@whole $all)
    };
    (@path $kind:ident $all:tt [$($chain:tt)*] [$($step:tt)*] $($rest:tt)*) => {
        $crate::__go!(@chain $kind $all [$($chain)* $($step)*] $($rest)*)
    };
    (@member $kind:ident $all:tt $chain:tt $name:tt $next:tt $($rest:tt)*) => {
        $crate::__go!(@next $next $kind $all $chain $name $next $($rest)*)
    };
    (@member $kind:ident $all:tt $chain:tt $name:tt) => { $crate::__go!(@function $all) };

    // The call: `$f` without its arguments, the arguments to evaluate as variables, and all arguments. Each
    // `arg` is a different variable, because each has the hygiene of its own expansion.
    (@call $f:tt $lets:tt $args:tt || $($rest:tt)*) => {
        $crate::__go!(@call_with_closure $f $lets $args || $($rest)*)
    };
    (@call $f:tt $lets:tt $args:tt | $($rest:tt)*) => {
        $crate::__go!(@call_with_closure $f $lets $args | $($rest)*)
    };
    (@call $f:tt $lets:tt $args:tt move $($rest:tt)*) => {
        $crate::__go!(@call_with_closure $f $lets $args move $($rest)*)
    };
    (@call $f:tt [$($lets:tt)*] [$($args:tt)*] $arg:expr $(, $($rest:tt)*)?) => {
        $crate::__go!(@call $f [$($lets)* arg = $arg;] [$($args)* arg,] $($($rest)*)?)
    };
    // A closure gets the types of its parameters only in the call itself, so it stays there. Evaluating a
    // closure means capturing its variables, which the goroutine's closure does for it.
    (@call_with_closure $f:tt $lets:tt [$($args:tt)*] $arg:expr $(, $($rest:tt)*)?) => {
        $crate::__go!(@call $f $lets [$($args)* $arg,] $($($rest)*)?)
    };
    (@call [$($f:tt)*] [] [$($args:tt)*]) => {
        $crate::go(move || $crate::__go!(@apply [$($f)*] $($args)*))
    };
    // A closure without types gets them from its arguments.
    (@call [@untyped $f:tt] [$($arg:ident = $value:expr;)+] $args:tt) => {{
        $(let $arg = $value;)+
        $crate::__go!(@call [@untyped $f] [] $args)
    }};
    // The arguments run before the call, but need the types that the call gives them: `Some(Box::new(f))` may
    // have to be an `Option<Box<dyn Fn()>>`. An assignment does both: its right side runs before its left
    // side, and is typed after it.
    (@call [$($f:tt)*] [$($arg:ident = $value:expr;)+] [$($args:tt)*]) => {{
        $(let $arg;)+
        let handle;
        let mut assignee = ();
        *{
            handle = $crate::go(move || $crate::__go!(@apply [$($f)*] $($args)*));
            &mut assignee
        } = {
            $($arg = $value;)+
        };
        handle
    }};

    (@apply [@untyped $f:tt]) => { $crate::__macro::call_0($f) };
    (@apply [@untyped $f:tt] $a:expr,) => { $crate::__macro::call_1($f, $a) };
    (@apply [@untyped $f:tt] $a:expr, $b:expr,) => { $crate::__macro::call_2($f, $a, $b) };
    (@apply [@untyped $f:tt] $a:expr, $b:expr, $c:expr,) => {
        $crate::__macro::call_3($f, $a, $b, $c)
    };
    (@apply [@untyped $f:tt] $($args:tt)*) => { $f($($args)*) };
    (@apply [$($f:tt)*] $($args:tt)*) => { $($f)*($($args)*) };

    (@closure [$closure:expr $(,)? $(;)?]) => {{
        // Clippy would have `go!(f)` instead.
        #[allow(clippy::redundant_closure)]
        let handle = $crate::go($closure);
        handle
    }};
    (@closure $all:tt) => { $crate::__go!(@statements $all) };
    (@block $block:block) => { $crate::go(move || $block) };
    (@function [$function:expr $(,)? $(;)?]) => { $crate::__macro::go_function($function) };
    (@whole [$expression:expr $(,)? $(;)?]) => { $crate::go(move || $expression) };
    (@whole $all:tt) => { $crate::__go!(@statements $all) };
    (@statements [$first:expr, $($rest:tt)*]) => {
        ::core::compile_error!(
            "expression in go must be one function call: write `go!(f(x))` for a call with arguments, or \
             `go!({ a(); b(); })` for several statements"
        )
    };
    (@statements [$($statements:tt)*]) => { $crate::go(move || { $($statements)* }) };
}

/// What the expansion of `go!` calls.
#[doc(hidden)]
pub mod __macro {
    use crate::JoinHandle;

    /// A function or closure that `go!(f)` can run.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` is not a function that `go!` can call without arguments",
        label = "not a function or closure without parameters",
        note = "to call a function with arguments, write `go!(f(x))`",
        note = "to move a value into a goroutine, write `go!({{ value }})`"
    )]
    pub trait Function<T> {
        fn call(self) -> T;
    }

    #[diagnostic::do_not_recommend]
    impl<F: FnOnce() -> T, T> Function<T> for F {
        fn call(self) -> T {
            self()
        }
    }

    #[track_caller]
    pub fn go_function<F, T>(f: F) -> JoinHandle<T>
    where
        F: Function<T> + Send + 'static,
        T: Send + 'static,
    {
        crate::go(|| f.call())
    }

    pub fn call_0<T>(f: impl FnOnce() -> T) -> T {
        f()
    }

    // The type of `a` gives the type of the closure's parameter.
    pub fn call_1<A, T>(f: impl FnOnce(A) -> T, a: A) -> T {
        f(a)
    }

    pub fn call_2<A, B, T>(f: impl FnOnce(A, B) -> T, a: A, b: B) -> T {
        f(a, b)
    }

    pub fn call_3<A, B, C, T>(f: impl FnOnce(A, B, C) -> T, a: A, b: B, c: C) -> T {
        f(a, b, c)
    }
}

/// Code that does not compile, each case beside a twin that does.
///
/// # Empty
///
/// ```compile_fail
/// gosync::go!();
/// ```
///
/// ```
/// gosync::go!({});
/// ```
///
/// # A value that cannot be called without arguments
///
/// ```compile_fail,E0277
/// let n = 1;
/// gosync::go!(n);
/// ```
///
/// ```
/// let n = 1;
/// gosync::go!({ n });
/// ```
///
/// ```compile_fail,E0593
/// gosync::go!(str::len);
/// ```
///
/// ```
/// gosync::go!(str::len("gopher"));
/// ```
///
/// ```compile_fail,E0615
/// let wg = gosync::WaitGroup::new();
/// gosync::go!(wg.wait);
/// ```
///
/// ```
/// let wg = gosync::WaitGroup::new();
/// gosync::go!(wg.wait());
/// ```
///
/// # A closure that is called with the wrong number of arguments
///
/// ```compile_fail,E0057
/// gosync::go!(move |n: i32| { n }());
/// ```
///
/// ```
/// gosync::go!(move |n: i32| { n }(1));
/// ```
///
/// # Statements without a semicolon behind them
///
/// ```compile_fail,E0308
/// gosync::go! { drop(1); drop(2); }
/// ```
///
/// ```
/// gosync::go! { drop(1); drop(2); };
/// ```
///
/// # Go's syntax
///
/// ```compile_fail
/// gosync::go!(func() { drop(1); }());
/// ```
///
/// ```
/// gosync::go!(|| { drop(1); }());
/// ```
///
/// ```compile_fail
/// let (c, _r) = std::sync::mpsc::channel();
/// gosync::go!(c <- 1);
/// ```
///
/// ```
/// let (c, _r) = std::sync::mpsc::channel();
/// gosync::go!(c.send(1));
/// ```
///
/// # A block with a word before it
///
/// ```compile_fail
/// gosync::go!(move { drop(1) });
/// ```
///
/// ```compile_fail
/// gosync::go!(async { drop(1) });
/// ```
///
/// ```
/// gosync::go!({ drop(1) });
/// ```
///
/// # Parentheses around a call
///
/// ```compile_fail
/// fn f() {}
/// gosync::go!((f()));
/// ```
///
/// ```
/// fn f() {}
/// gosync::go!((f)());
/// ```
///
/// # A fragment that hides what it is
///
/// ```compile_fail
/// macro_rules! run {
///     ($e:expr) => { gosync::go!($e) };
/// }
/// run!(String::new());
/// ```
///
/// ```
/// macro_rules! run {
///     ($e:expr) => { gosync::go!({ $e }) };
/// }
/// run!(String::new());
/// ```
///
/// # More than an expression
///
/// ```compile_fail
/// gosync::go!(String::new(), String::new());
/// ```
///
/// ```
/// gosync::go!((String::new(), String::new()));
/// ```
///
/// # Borrowing a value that does not live long enough
///
/// ```compile_fail,E0597
/// let name = String::from("gopher");
/// gosync::go!(str::len(&name));
/// ```
///
/// ```
/// let name: &'static str = "gopher";
/// gosync::go!(str::len(&name));
/// ```
///
/// ```compile_fail,E0373
/// let name = String::from("gopher");
/// gosync::go!(|| name.len());
/// ```
///
/// ```
/// let name = String::from("gopher");
/// gosync::go!(move || name.len());
/// ```
///
/// ```compile_fail,E0521
/// struct Server(gosync::WaitGroup);
///
/// impl Server {
///     fn shut_down(&self) {
///         gosync::go!(self.0.wait());
///     }
/// }
/// ```
///
/// ```
/// struct Server(gosync::WaitGroup);
///
/// impl Server {
///     fn shut_down(&self) {
///         gosync::go!(self.0.clone().wait());
///     }
/// }
/// ```
///
/// # Using a value that has moved
///
/// ```compile_fail,E0382
/// let name = String::from("gopher");
/// gosync::go!(name.len());
/// drop(name);
/// ```
///
/// ```
/// let name = String::from("gopher");
/// gosync::go!(name.clone().len());
/// drop(name);
/// ```
///
/// # A value that must stay on its thread
///
/// ```compile_fail,E0277
/// gosync::go!(drop(std::rc::Rc::new(1)));
/// ```
///
/// ```
/// gosync::go!(drop(std::sync::Arc::new(1)));
/// ```
#[cfg(doctest)]
struct CompileFail;
