//! What was forced upon the locks of this build, and how a build is forced; see `src/forced.rs` of
//! gosync, which reads the same variables under the same cfg.

use crate::repo;
use std::process::Command;

#[cfg(gosync_forced)]
const FORCED: [Option<&str>; 2] = [option_env!("GOSYNC_SPEED"), option_env!("GOSYNC_BARRIER")];
#[cfg(not(gosync_forced))]
const FORCED: [Option<&str>; 2] = [None; 2];

/// The flags of a build that counts the variables.
pub const FLAGS: [&str; 2] = ["--cfg", "gosync_forced"];

/// Cargo, for builds with forced locks. They have a target directory of their own, since the flags
/// hold for the dependencies, too.
pub fn cargo() -> Command {
    let mut cargo = repo::cargo_with_flags(&FLAGS);
    cargo.env("CARGO_TARGET_DIR", repo::target().join("forced"));
    cargo
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
