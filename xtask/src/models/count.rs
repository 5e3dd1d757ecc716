//! Counts the models in the source.

use super::Checker;
use crate::failure::Failure;
use crate::repo;
use crate::source::code_only;
use std::path::Path;

/// Returns the number of models of `checker` in `src`.
pub fn models_in_source(checker: Checker, src: &Path) -> Result<usize, Failure> {
    let files = checker.files(src)?;
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
