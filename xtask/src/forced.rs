//! The settings that are forced upon the locks of this process, and builds that can be forced.
//! `src/forced.rs` of gosync reads the same variables under the same cfg.

use crate::failure::Failure;
use crate::repo;
use std::env;
use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

/// Whether this build heeds the variables.
pub const IS_HEEDED: bool = cfg!(gosync_forced);

/// The flags of a build that heeds the variables.
pub const FLAGS: [&str; 2] = ["--cfg", "gosync_forced"];

/// Returns a command for cargo, for builds that heed the variables.
///
/// Cargo calls the compiler through this program for the crates of the workspace, see [`compile`]. So the
/// flags do not apply to dependencies, which need not be rebuilt.
pub fn cargo() -> Result<Command, Failure> {
    let mut cargo = repo::cargo();
    cargo.env("RUSTC_WORKSPACE_WRAPPER", repo::xtask()?);
    Ok(cargo)
}

/// Whether `word`, the first one after this program's name, is the compiler that cargo wants to call.
pub fn is_compiler(word: &str) -> bool {
    Path::new(word).file_stem() == Some(OsStr::new("rustc"))
}

/// Calls the compiler with `args` and the flags. Returns its exit code.
pub fn compile(compiler: &str, args: Vec<String>) -> Result<u8, Failure> {
    let status = Command::new(compiler).args(args).args(FLAGS).status();
    let status = status.map_err(|error| Failure::check(format!("cannot run it: {error}")))?;
    Ok(status
        .code()
        .and_then(|code| code.try_into().ok())
        .unwrap_or(1))
}

/// Describes what is forced upon locks. Returns `None` if they choose their speed.
///
/// # Errors
///
/// If something should be forced that this build does not heed. Otherwise the run would look like success.
pub fn description() -> Result<Option<String>, Failure> {
    let forced = describe(["GOSYNC_SPEED", "GOSYNC_BARRIER"].map(|name| env::var(name).ok()));
    match forced {
        Some(forced) if !IS_HEEDED => Err(Failure::usage(format!(
            "this build cannot force locks: {forced}"
        ))),
        forced => Ok(forced),
    }
}

fn describe(variables: [Option<String>; 2]) -> Option<String> {
    let set = variables.into_iter().flatten();
    let forced: Vec<_> = set.filter(|value| !value.is_empty()).collect();
    (!forced.is_empty()).then(|| forced.join(" "))
}

#[cfg(test)]
mod tests {
    use super::describe;

    #[test]
    fn an_empty_variable_forces_nothing() {
        let set = |value: &str| Some(value.to_string());
        assert_eq!(describe([None, None]), None);
        assert_eq!(describe([set(""), set("")]), None);
        assert_eq!(describe([set("quiet"), set("")]).unwrap(), "quiet");
        let both = describe([set("quiet"), set("fence")]);
        assert_eq!(both.unwrap(), "quiet fence");
    }
}
