//! The programs that checks need besides cargo: whether they are installed, and how to install them.

use crate::failure::Failure;
use std::process::{Command, Stdio};

#[derive(PartialEq, Eq, Debug)]
pub struct Tool {
    name: &'static str,
    /// A command that succeeds if the tool is installed.
    probe: &'static [&'static str],
    /// The command that installs it.
    install: &'static [&'static str],
    /// Whether `--install` runs that command.
    is_installable: bool,
}

pub const RUSTFMT: Tool = Tool {
    name: "rustfmt",
    probe: &["cargo", "fmt", "--version"],
    install: &["rustup", "component", "add", "rustfmt"],
    is_installable: false,
};

pub const CLIPPY: Tool = Tool {
    name: "clippy",
    probe: &["cargo", "clippy", "--version"],
    install: &["rustup", "component", "add", "clippy"],
    is_installable: false,
};

/// A tool that comes with packages of Debian: its name, the command that probes for it, and the packages.
macro_rules! debian {
    ($name:expr, [$($probe:expr),*], $($package:expr),*) => {
        $crate::tools::Tool::of_debian(
            $name,
            &[$($probe),*],
            &["apt-get", "install", "--yes", "--no-install-recommends", $($package),*],
        )
    };
}

pub(crate) use debian;

pub const VALGRIND: Tool = debian!("valgrind", ["valgrind", "--version"], "valgrind");

/// Ensures that all `tools` are installed. If `install` is set, installs the missing ones; otherwise fails
/// with the commands that do.
pub fn provide(tools: &[&Tool], install: bool) -> Result<(), Failure> {
    let is_provided =
        |tool: &&Tool| succeeds(tool.probe) || (install && tool.is_installable && tool.install());
    let missing = tools.iter().copied().filter(|tool| !is_provided(tool));
    let complaints: Vec<_> = missing.map(Tool::advice).collect();
    match complaints.is_empty() {
        true => Ok(()),
        false => Err(Failure::check(complaints.join("\n"))),
    }
}

impl Tool {
    /// For [`debian`].
    pub const fn of_debian(
        name: &'static str,
        probe: &'static [&'static str],
        install: &'static [&'static str],
    ) -> Self {
        Self {
            name,
            probe,
            install,
            is_installable: true,
        }
    }

    fn install(&self) -> bool {
        println!("installing {}", self.name);
        // On a new machine, apt's package lists are empty or old.
        let installs = || succeeds(self.install) && succeeds(self.probe);
        installs() || (succeeds(&["apt-get", "update"]) && installs())
    }

    fn advice(&self) -> String {
        let command = self.install.join(" ");
        let more = match self.is_installable {
            true => ", which `--install` runs, or what your system has in its place",
            false => "",
        };
        format!("there is no {}: `{command}`{more}", self.name)
    }
}

fn succeeds(words: &[&str]) -> bool {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]);
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let status = command.stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::{Tool, provide};

    const THERE: Tool = Tool {
        name: "there",
        probe: &["cargo", "--version"],
        install: &["false"],
        is_installable: true,
    };
    const MISSING: Tool = Tool {
        name: "missing",
        probe: &["gosync-has-no-such-program"],
        install: &["false", "missing"],
        is_installable: false,
    };

    #[test]
    fn what_is_missing_is_named_with_the_command_that_installs_it() {
        provide(&[&THERE], false).unwrap();
        let text = provide(&[&THERE, &MISSING], true).unwrap_err().to_string();
        assert_eq!(text, "there is no missing: `false missing`");
    }
}
