//! Compares `RWMutex` with other reader-writer locks: from one thread alone to eight that contend, from reads
//! only to writes only, with next to nothing in a critical section and with some work in it. Also compares it
//! with the bare steps of this CPU, and measures upgradable reads and upgrades only.

mod support;

use support::locks::{self, Inside, Load};
use support::steps;
use support::suite::Suite;

fn main() {
    let mut suite = Suite::from_args();
    for load in loads(&[1, 2, 4, 8], &[0, 100_000, 10_000, 1000, 100, 10, 2, 1]) {
        suite.case(&name(load), &locks::peers(load));
    }
    for load in [Load::new(1, 0), Load::new(1, 1000)] {
        let peers: Vec<_> = [locks::gosync(load)]
            .into_iter()
            .chain(steps::peers())
            .collect();
        suite.case(&format!("bare_{}", name(load)), &peers);
    }
    for (what, inside) in [("map", Inside::Map), ("work_200_ns", Inside::Work(200))] {
        for load in loads(&[1, 2, 8], &[0, 1000, 100, 10, 2]) {
            suite.case(
                &format!("{what}_{}", name(load)),
                &locks::peers(load.inside(inside)),
            );
        }
    }
    for (what, inside) in [("", Inside::Number), ("_work_200_ns", Inside::Work(200))] {
        for load in loads(&[1, 2, 8], &[0, 10, 1]) {
            suite.case(
                &format!("upgradable{what}_{}", name(load)),
                &locks::upgradables(load.inside(inside)),
            );
        }
    }
    suite.finish();
}

/// The uncontended loads come first: every user pays for those.
fn loads(threads: &[usize], writes: &[u32]) -> Vec<Load> {
    let mut loads: Vec<_> = threads
        .iter()
        .flat_map(|&threads| {
            writes
                .iter()
                .map(move |&one_write_in| Load::new(threads, one_write_in))
        })
        .collect();
    loads.sort_by_key(|load| load.threads > 1 || load.one_write_in > 1);
    loads
}

fn name(load: Load) -> String {
    let threads = load.threads();
    match load.one_write_in {
        0 => format!("read_{threads}"),
        1 => format!("write_{threads}"),
        n => format!("mix_1_write_in_{n}_{threads}"),
    }
}
