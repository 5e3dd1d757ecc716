//! `RWMutex` beside other reader-writer locks: from one thread alone to eight in each other's way,
//! and from reads only to writes only.

mod support;

use support::locks::{self, Load};
use support::suite::Suite;

fn main() {
    let mut suite = Suite::from_args();
    for load in loads() {
        suite.case(&name(load), &locks::peers(load));
    }
    suite.finish();
}

/// The uncontended ones first: those that everybody pays for.
fn loads() -> Vec<Load> {
    let mut loads: Vec<_> = [1, 2, 4, 8]
        .into_iter()
        .flat_map(|threads| {
            [0, 100_000, 10_000, 1000, 100, 10, 2, 1]
                .map(|one_write_in| Load::new(threads, one_write_in))
        })
        .collect();
    loads.sort_by_key(|load| load.threads > 1 || load.one_write_in > 1);
    loads
}

fn name(load: Load) -> String {
    let threads = match load.threads {
        1 => "1_thread".into(),
        n => format!("{n}_threads"),
    };
    match load.one_write_in {
        0 => format!("read_{threads}"),
        1 => format!("write_{threads}"),
        n => format!("mix_1_write_in_{n}_{threads}"),
    }
}
