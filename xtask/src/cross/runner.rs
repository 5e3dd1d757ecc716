//! How programs of a target are started here.

use super::command::output;
use super::wine;
use crate::failure::Failure;
use std::path::Path;
use std::process::Command;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Runner {
    /// The system runs them.
    Native,
    /// qemu-user translates their instructions, and passes on their system calls.
    Qemu {
        program: &'static str,
        /// The directory with their C library.
        root: &'static str,
    },
    Wine,
}

impl Runner {
    /// Prepares to run programs like `program`, which ends soon if its argument is `--list`. Returns the runner
    /// to use: none if the system runs them itself.
    pub fn prepare(self, program: &Path) -> Result<Self, Failure> {
        if self == Self::Wine {
            wine::prepare(program.parent().expect("a file has a directory"))?;
        } else if output(Command::new(program).arg("--list")).is_ok() {
            return Ok(Self::Native);
        }
        Ok(self)
    }

    /// Returns a command that runs `program`.
    pub fn command(self, program: &Path) -> Command {
        match self {
            Self::Native => Command::new(program),
            Self::Qemu {
                program: qemu,
                root,
            } => {
                let mut command = Command::new(qemu);
                command.args(["-L", root]).arg(program);
                // The system cannot start the children of a test, so they are started in the same way.
                command.env("GOSYNC_TEST_RUNNER", format!("{qemu} -L {root}"));
                command
            }
            Self::Wine => wine::command(program),
        }
    }

    /// Stops what runs on after the programs.
    pub fn finish(self) {
        if self == Self::Wine {
            wine::finish();
        }
    }

    /// How many tests run at a time. Emulated threads take several times as long, and the tests have limits.
    pub fn test_threads(self) -> usize {
        match self {
            Self::Native => 4,
            Self::Qemu { .. } | Self::Wine => 2,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Native => "natively",
            Self::Qemu { program, .. } => program,
            Self::Wine => "wine",
        }
    }
}
