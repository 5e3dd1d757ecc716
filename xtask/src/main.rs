//! `cargo xtask`: every check of the project, each under its own command.

mod api;
mod args;
mod ci;
mod cross;
mod failure;
mod forced;
mod go;
mod instructions;
mod manifest;
mod models;
mod mutants;
mod package;
mod ports;
mod repo;
mod soak;
mod source;
mod std_source;
mod sweep;
mod tools;
mod tsan;

use args::Args;
use failure::Failure;
use std::process::ExitCode;

struct Command {
    name: &'static str,
    /// The words that may follow the name.
    synopsis: &'static str,
    about: &'static str,
    run: fn(Args) -> Result<(), Failure>,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "ci",
        synopsis: "[--install]",
        about: "Run every check that needs no emulator and no other toolchain, up to the first that fails. \
                With --install it installs the tools they need.",
        run: ci::run,
    },
    Command {
        name: "models",
        synopsis: "[FILTER] [--jobs N]",
        about: "Run the loom models whose names contain FILTER.",
        run: models::run_loom,
    },
    Command {
        name: "shuttle",
        synopsis: "[FILTER] [--jobs N]",
        about: "Run random schedules of the shuttle models whose names contain FILTER.",
        run: models::run_shuttle,
    },
    Command {
        name: "mutants",
        synopsis: "[FILE-FILTER] [--all] [--minutes M] [--list] [--jobs N]",
        about: "Break the algorithms in one place at a time; some model must fail for each. Judges the mutants \
                whose verdicts in xtask/mutant-verdicts.txt no longer hold, or with --all every one.",
        run: mutants::run,
    },
    Command {
        name: "soak",
        synopsis: "[--minutes M | --seconds S] [--operations N] [--threads N] [--seed N]",
        about: "Hammer the locks with real threads and look for overlaps, torn reads and hangs.",
        run: soak::run,
    },
    Command {
        name: "instructions",
        synopsis: "[--install]",
        about: "Count the instructions of a read and a write at each speed, with valgrind.",
        run: instructions::run,
    },
    Command {
        name: "sweep",
        synopsis: "[price | quiet | rounds]",
        about: "Measure the lock with other values of its thresholds.",
        run: sweep::run,
    },
    Command {
        name: "go",
        synopsis: "[CASE-FILTER] [--quick] [--install]",
        about: "Compare goroutines with Go's, and with rayon's tasks. With --install it fetches Go.",
        run: go::run,
    },
    Command {
        name: "ports",
        synopsis: "[NAME-FILTER] [--install]",
        about: "Run the examples that exist in Go, too, and compare the outputs. With --install it fetches Go.",
        run: ports::run,
    },
    Command {
        name: "tsan",
        synopsis: "[--install]",
        about: "Run the tests under ThreadSanitizer, with an instrumented standard library. With \
                --install it fetches the source of std.",
        run: tsan::run,
    },
    Command {
        name: "cross",
        synopsis: "[TARGET…] [--check] [--install]",
        about: "Build and run the tests for other CPUs and systems: under qemu-user, under wine, and with \
                musl. Where no program can be run, and with --check everywhere that is so, it only checks \
                that the code compiles. It skips targets that something is missing for, and says what. \
                With --install it installs packages of Debian 12, and fetches the source of std where the \
                compiler has no std for the target.",
        run: cross::run,
    },
    Command {
        name: "api",
        synopsis: "[--accept]",
        about: "Compare the public API with the list in api.txt. With --accept it replaces the list.",
        run: api::run,
    },
    Command {
        name: "package",
        synopsis: "",
        about: "Package the crate as for a release, and use the package as its users do.",
        run: package::run,
    },
    Command {
        name: "help",
        synopsis: "",
        about: "Print this help.",
        run: help,
    },
];

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let name = words.next().unwrap_or_else(|| "help".into());
    let words = words.collect();
    let result = if forced::is_compiler(&name) {
        forced::compile(&name, words)
    } else {
        dispatch(&name, words).map(|()| 0)
    };
    match result {
        Ok(code) => code.into(),
        Err(failure) => {
            eprintln!("cargo xtask {name}: {failure}");
            failure.exit_code()
        }
    }
}

fn dispatch(name: &str, words: Vec<String>) -> Result<(), Failure> {
    let command = COMMANDS.iter().find(|command| command.name == name);
    let Some(command) = command else {
        return Err(Failure::usage("no such command; try `cargo xtask help`"));
    };
    (command.run)(Args::new(words))
}

fn help(args: Args) -> Result<(), Failure> {
    args.finish()?;
    for Command {
        name,
        synopsis,
        about,
        ..
    } in COMMANDS
    {
        println!("cargo xtask {name} {synopsis}\n    {about}");
    }
    Ok(())
}
