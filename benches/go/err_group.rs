use crate::{Plan, report};
use gosync::errgroup::Group;
use std::io::Error;

/// Starts goroutines that do nothing and return no error, and waits for all of them and for the first error.
/// Reports nanoseconds per goroutine.
pub fn run(plan: Plan) {
    const TOTAL: usize = 100_000;
    const SIZE: usize = 1000;
    let nanos = plan.nanos_each(TOTAL, || {
        for _ in 0..TOTAL / SIZE {
            first_error(SIZE).expect("nobody fails");
        }
    });
    report("err_group", nanos);
}

fn first_error(size: usize) -> Result<(), Error> {
    let group = Group::new();
    for _ in 0..size {
        group.go(succeed);
    }
    group.wait()
}

#[inline(never)]
fn succeed() -> Result<(), Error> {
    Ok(())
}
