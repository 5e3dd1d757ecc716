//! `cargo xtask sweep`: measures the lock with other values of its thresholds.
//!
//! For each value, the example `contention` measures the lock beside other locks, in a build that heeds the
//! variables of `src/forced.rs`. Such a build looks at them at each read by a slot, so it is a little slower
//! than the lock as shipped. A sweep needs an idle machine and takes some minutes.

use crate::args::Args;
use crate::failure::Failure;
use crate::forced;
use std::process::Stdio;

/// A threshold, the values to try, and the loads for which it makes a difference.
struct Sweep {
    name: &'static str,
    variable: &'static str,
    values: &'static [u32],
    load: &'static [&'static str],
}

#[rustfmt::skip]
const SWEEPS: &[Sweep] = &[
    Sweep {
        name: "price",
        variable: "GOSYNC_WRITE_PRICE",
        values: &[1, 2, 4, 8, 16],
        load: &["--threads=1,2,8", "--writes=100,20,10,5,2", "--rounds=9"],
    },
    Sweep {
        name: "quiet",
        variable: "GOSYNC_QUIET_AFTER",
        values: &[1_000, 4_000, 16_000, 64_000, 256_000],
        load: &["--threads=1,2,8", "--writes=1000000,100000,10000,1000", "--rounds=9"],
    },
    Sweep {
        name: "rounds",
        variable: "GOSYNC_ROUNDS",
        values: &[5, 10, 20, 40, 80],
        load: &["--threads=2,8", "--writes=100,10,2,1", "--rounds=9"],
    },
];

pub fn run(mut args: Args) -> Result<(), Failure> {
    let name = args.word().unwrap_or_default();
    args.finish()?;
    let sweeps: Vec<_> = SWEEPS
        .iter()
        .filter(|sweep| sweep.name.contains(&*name))
        .collect();
    if sweeps.is_empty() {
        return Err(Failure::usage(format!("unknown sweep `{name}`")));
    }
    sweeps.into_iter().try_for_each(sweep)
}

fn sweep(sweep: &Sweep) -> Result<(), Failure> {
    let columns = sweep.values.iter().map(|&value| measure(sweep, value));
    let columns: Vec<_> = columns.collect::<Result<_, _>>()?;
    println!(
        "\nLead over the fastest other lock, by {}:\n",
        sweep.variable
    );
    println!("{}", table(sweep.values, &columns));
    Ok(())
}

/// Returns the lead for each load, with the name of the load.
fn measure(sweep: &Sweep, value: u32) -> Result<Vec<(String, String)>, Failure> {
    eprintln!("{} = {value}", sweep.variable);
    let output = forced::cargo()?
        .args([
            "run",
            "--quiet",
            "--profile=bench",
            "--example=contention",
            "--",
        ])
        .args(sweep.load)
        .args(["--out=target/sweep.svg", "--overwrite"])
        .env(sweep.variable, value.to_string())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| Failure::check(format!("cannot run cargo: {error}")))?;
    if !output.status.success() {
        return Err(Failure::check("the example `contention` failed"));
    }
    let leads = leads(&String::from_utf8_lossy(&output.stdout));
    if leads.is_empty() {
        return Err(Failure::check("the example `contention` printed no table"));
    }
    Ok(leads)
}

/// Returns the loads and leads in the output of `contention`: `threads writes … × lead over spread`.
fn leads(text: &str) -> Vec<(String, String)> {
    let lines = text.lines().filter_map(|line| line.split_once(" × "));
    lines
        .filter_map(|(line, rest)| {
            let mut words = line.split_whitespace();
            let load = format!("{} threads, {}", words.next()?, words.next()?);
            Some((load, rest.split_whitespace().next()?.into()))
        })
        .collect()
}

/// Returns a Markdown table with a line for each load.
fn table(values: &[u32], columns: &[Vec<(String, String)>]) -> String {
    let head: Vec<_> = values.iter().map(u32::to_string).collect();
    let mut text = format!(
        "| load | {} |\n|---|{}\n",
        head.join(" | "),
        "---|".repeat(head.len())
    );
    for (row, (load, _)) in columns[0].iter().enumerate() {
        let leads: Vec<_> = columns
            .iter()
            .map(|column| column[row].1.as_str())
            .collect();
        text += &format!("| {load} | {} |\n", leads.join(" | "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{leads, table};

    #[test]
    fn leads_are_read_from_the_table() {
        let text = "Million operations\n\nthreads  writes  gosync  std    lead  over  spread\n\
            1        1/10    90.0    80.0   × 1.13  std  1.10–1.20\n";
        let found = leads(text);
        assert_eq!(found, [("1 threads, 1/10".to_string(), "1.13".to_string())]);
        assert_eq!(
            table(&[7], &[found]),
            "| load | 7 |\n|---|---|\n| 1 threads, 1/10 | 1.13 |\n"
        );
    }
}
