//! Counts the models in the source.

use crate::failure::Failure;
use crate::repo;
use crate::source::code_only;
use std::path::Path;

/// The models in `src/models.rs` and `src/models/`.
pub fn models_in_source(src: &Path) -> Result<usize, Failure> {
    let (file, dir) = (src.join("models.rs"), src.join("models"));
    let mut files = if dir.is_dir() {
        repo::rust_files(&dir)?
    } else {
        Vec::new()
    };
    files.extend(file.is_file().then_some(file));
    files.iter().map(|file| Ok(count(&repo::read(file)?))).sum()
}

fn count(text: &str) -> usize {
    code_only(text).matches("#[test]").count()
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn only_code_counts() {
        let text = r##"
            //! A model is a `#[test]`.
            #[test]
            fn one() {} // #[test]
            /* #[test] fn two() {} */
            #[test]
            #[ignore = "#[test]"]
            fn three() {}
        "##;
        assert_eq!(count(text), 2);
    }
}
