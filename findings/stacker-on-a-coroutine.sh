#!/usr/bin/env bash
# stacker 0.1.25 on a stack of corosensei 0.3.4: `remaining_stack` reckons from the limit of the thread's stack, wherever
# the current frame lies. On a coroutine of 128 KiB it said 0, or more than two MiB, depending on which of the two
# stacks lies higher. One would expect `None`, which stacker documents for "cannot be determined".
#
# Code that decides by it whether there is room has to make sure that the frame lies in the thread's stack.
#
# Seen on Linux on x86-64 with rustc 1.95.0. Fails if that changes.
set -euo pipefail

dir=$(mktemp --directory)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/src"
cat > "$dir/Cargo.toml" <<'TOML'
[package]
name = "probe"
version = "0.0.0"
edition = "2021"

[dependencies]
corosensei = "=0.3.4"
stacker = "=0.1.25"
TOML
cat > "$dir/src/main.rs" <<'RUST'
use corosensei::stack::{DefaultStack, Stack};
use corosensei::{Coroutine, CoroutineResult};
use std::thread;

const SIZE: usize = 128 << 10;

/// What is left on `stack`, and what stacker says of that, to a coroutine on it.
fn look(stack: DefaultStack) -> (usize, Option<usize>) {
    let limit = stack.limit().get();
    let body = move |_: &corosensei::Yielder<(), ()>, ()| {
        let frame = 0_u8;
        (std::ptr::from_ref(&frame) as usize - limit, stacker::remaining_stack())
    };
    match Coroutine::<(), (), _, _>::with_stack(stack, body).resume(()) {
        CoroutineResult::Return(result) => result,
        CoroutineResult::Yield(()) => unreachable!(),
    }
}

fn main() {
    // The main thread's stack lies above all that is mapped.
    let (left_below, said_below) = look(DefaultStack::new(SIZE).unwrap());
    // The kernel maps from high addresses to low ones: the stack of a later thread lies below this one.
    let stack = DefaultStack::new(SIZE).unwrap();
    let (left_above, said_above) = thread::spawn(|| look(stack)).join().unwrap();
    println!("coroutine above the thread's stack: {left_above} bytes left, stacker says {said_above:?}");
    println!("coroutine below the thread's stack: {left_below} bytes left, stacker says {said_below:?}");
    assert!(left_above < 2 * SIZE && left_below < 2 * SIZE);
    assert!(said_above.unwrap() > 8 * SIZE, "no longer more than there is");
    assert_eq!(said_below, Some(0), "no longer nothing");
}
RUST
cargo run --quiet --manifest-path "$dir/Cargo.toml"
