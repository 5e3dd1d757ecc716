//! Trims manifests.
//!
//! `cargo test` builds every dev-dependency first. Those of the benches and examples take minutes, and most
//! builds need none of them. So the packages that xtask makes omit them, and the targets that use them.

/// Returns the lines of `manifest` without the tables that describe targets, the workspace and
/// dev-dependencies, other than the checkers.
pub fn trimmed(manifest: &str) -> Vec<String> {
    without(manifest, is_unwanted)
}

/// Returns the lines of `manifest` without the tables whose headers are unwanted.
pub fn without(manifest: &str, is_unwanted: impl Fn(&str) -> bool) -> Vec<String> {
    // The header of a table is alone in its line.
    let mut wanted = true;
    let lines = manifest.lines().filter(|line| {
        if line.starts_with('[') {
            wanted = !is_unwanted(line);
        }
        wanted
    });
    lines.map(String::from).collect()
}

fn is_unwanted(header: &str) -> bool {
    let is_checker = header.contains("gosync_");
    let is_dev = header.contains("dev-dependencies]") && !is_checker;
    is_dev || ["[[example]]", "[lib]", "[workspace]"].contains(&header)
}

#[cfg(test)]
mod tests {
    use super::trimmed;

    #[test]
    fn a_trimmed_manifest_keeps_the_library() {
        let manifest = "[package]\nname = \"a\"\n[dependencies]\nb = \"1\"\n\
            [dev-dependencies]\nc = \"1\"\n[target.'cfg(unix)'.dev-dependencies]\nd = \"1\"\n\
            [target.'cfg(gosync_loom)'.dev-dependencies]\nloom = \"1\"\n[[example]]\nname = \"e\"\n\
            [workspace]\nmembers = [\n\"f\",\n]\n[profile.models]\nopt-level = 1";
        assert_eq!(
            trimmed(manifest).join("\n"),
            "[package]\nname = \"a\"\n[dependencies]\nb = \"1\"\n\
            [target.'cfg(gosync_loom)'.dev-dependencies]\nloom = \"1\"\n\
            [profile.models]\nopt-level = 1"
        );
    }
}
