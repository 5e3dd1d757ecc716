//! What is forced upon the locks of this process, and how a build is made that lets itself be forced; see
//! `src/forced.rs` of gosync, which reads the same variables under the same cfg.

use crate::failure::Failure;
use crate::repo;
use std::env;
use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

/// Whether this build heeds the variables.
pub const IS_HEEDED: bool = cfg!(gosync_forced);

/// The flags of a build that does.
pub const FLAGS: [&str; 2] = ["--cfg", "gosync_forced"];

/// Cargo, for builds that heed the variables.
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

/// Names what is forced upon locks; nothing, if they choose their speed.
///
/// # Errors
///
/// If something is to be forced that this build does not heed: it would look like success.
pub fn description() -> Result<Option<String>, Failure> {
    let forced = describe(["GOSYNC_SPEED", "GOSYNC_BARRIER"].map(|name| env::var(name).ok()));
    match forced {
        Some(forced) if !IS_HEEDED => Err(Failure::usage(format!(
            "this build does not heed that locks be forced: {forced}"
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
