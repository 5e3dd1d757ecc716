//! What was forced upon the locks of this build, and how a build is forced; see `src/forced.rs` of
//! gosync, which reads the same variables under the same cfg.

use crate::failure::Failure;
use crate::repo;
use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

#[cfg(gosync_forced)]
const FORCED: [Option<&str>; 2] = [option_env!("GOSYNC_SPEED"), option_env!("GOSYNC_BARRIER")];
#[cfg(not(gosync_forced))]
const FORCED: [Option<&str>; 2] = [None; 2];

/// The flags of a build that counts the variables.
pub const FLAGS: [&str; 2] = ["--cfg", "gosync_forced"];

/// Cargo, for builds with forced locks.
///
/// It has this very program call the compiler for the crates of the workspace, see [`compile`], so that the
/// flags do not count for dependencies, which need not be built again.
pub fn cargo() -> Result<Command, Failure> {
    let mut cargo = repo::cargo();
    cargo.env("RUSTC_WORKSPACE_WRAPPER", repo::xtask()?);
    Ok(cargo)
}

/// Whether the first word after this program's name is the compiler, which cargo wants to be called.
pub fn is_compiler(word: &str) -> bool {
    Path::new(word).file_stem() == Some(OsStr::new("rustc"))
}

/// Calls the compiler with `args`, and with the flags. Returns its exit code.
pub fn compile(compiler: &str, args: Vec<String>) -> Result<u8, Failure> {
    let status = Command::new(compiler).args(args).args(FLAGS).status();
    let status = status.map_err(|error| Failure::check(format!("cannot run it: {error}")))?;
    Ok(status
        .code()
        .and_then(|code| code.try_into().ok())
        .unwrap_or(1))
}

/// Names it; nothing, if locks choose their speed.
pub fn description() -> Option<String> {
    describe(FORCED)
}

fn describe(variables: [Option<&str>; 2]) -> Option<String> {
    let set = variables.into_iter().flatten();
    let forced: Vec<_> = set.filter(|value| !value.is_empty()).collect();
    (!forced.is_empty()).then(|| forced.join(" "))
}

#[cfg(test)]
mod tests {
    use super::describe;

    #[test]
    fn an_empty_variable_forces_nothing() {
        assert_eq!(describe([None, None]), None);
        assert_eq!(describe([Some(""), Some("")]), None);
        assert_eq!(describe([Some("quiet"), Some("")]).unwrap(), "quiet");
        let both = describe([Some("quiet"), Some("fence")]);
        assert_eq!(both.unwrap(), "quiet fence");
    }
}
