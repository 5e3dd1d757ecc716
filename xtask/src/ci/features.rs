//! Every combination of features.

use super::step::cargo;
use crate::failure::Failure;
use crate::repo;

/// Lints the library with every set of its features, since the code of one feature may depend on another.
pub fn check(_: &[&str]) -> Result<usize, Failure> {
    let manifest = repo::read(&repo::root().join("Cargo.toml"))?;
    let features = features(&manifest);
    if features.is_empty() {
        return Err(Failure::check("Cargo.toml has no features"));
    }
    for set in subsets(&features) {
        println!("features: [{set}]");
        let chosen = format!("--features={set}");
        cargo(&[
            "clippy",
            "--package=gosync",
            "--no-default-features",
            &chosen,
            "--",
            "-D",
            "warnings",
        ])?;
    }
    Ok(0)
}

/// Returns the names in the table `[features]`, except `default`.
fn features(manifest: &str) -> Vec<&str> {
    let lines = manifest
        .lines()
        .skip_while(|line| *line != "[features]")
        .skip(1);
    lines
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| Some(line.split_once('=')?.0.trim()))
        .filter(|name| !name.starts_with('#') && *name != "default")
        .collect()
}

fn subsets(features: &[&str]) -> Vec<String> {
    let subset = |chosen: u32| {
        let is_chosen =
            |(bit, name): (usize, &&str)| (chosen >> bit & 1 == 1).then(|| name.to_string());
        let names: Vec<_> = features.iter().enumerate().filter_map(is_chosen).collect();
        names.join(",")
    };
    (0..1 << features.len()).map(subset).collect()
}

#[cfg(test)]
mod tests {
    use super::{features, subsets};

    #[test]
    fn features_are_read_from_the_manifest() {
        let manifest = "[package]\nname = \"a\"\n\n[features]\ndefault = []\n# b = c\n\
            d = [\"e/f\"]\ng = []\n\n[dependencies]\nh = \"1\"";
        assert_eq!(features(manifest), ["d", "g"]);
    }

    #[test]
    fn all_subsets() {
        assert_eq!(subsets(&["a", "b"]), ["", "a", "b", "a,b"]);
    }
}
