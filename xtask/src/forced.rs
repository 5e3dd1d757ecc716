//! What was forced upon the locks of this build; see `src/forced.rs` of gosync, which reads the same
//! variables.

const SPEED: Option<&str> = option_env!("GOSYNC_SPEED");
const BARRIER: Option<&str> = option_env!("GOSYNC_BARRIER");

/// Names it; nothing, if locks choose their speed.
pub fn description() -> Option<String> {
    describe([SPEED, BARRIER])
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
