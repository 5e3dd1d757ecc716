//! The words after a command's name.

use crate::failure::Failure;
use std::str::FromStr;

/// Hands out words as a command asks for them; [`finish`](Self::finish) rejects the rest.
pub struct Args(Vec<String>);

impl Args {
    pub fn new(words: Vec<String>) -> Self {
        Self(words)
    }

    pub fn flag(&mut self, name: &str) -> bool {
        let found = self.0.iter().position(|word| word == name);
        found.map(|index| self.0.remove(index)).is_some()
    }

    /// Returns the value after `name`.
    pub fn option<T: FromStr>(&mut self, name: &str) -> Result<Option<T>, Failure> {
        let Some(index) = self.0.iter().position(|word| word == name) else {
            return Ok(None);
        };
        if index + 1 == self.0.len() {
            return Err(Failure::usage(format!("{name} needs a value")));
        }
        let value = self.0.remove(index + 1);
        self.0.remove(index);
        let parsed = value.parse();
        parsed
            .map(Some)
            .map_err(|_| Failure::usage(format!("{name} cannot be `{value}`")))
    }

    /// Returns the next word that is not an option. Must be called after the options have been taken, since
    /// they may have values.
    pub fn word(&mut self) -> Option<String> {
        let index = self.0.iter().position(|word| !word.starts_with('-'))?;
        Some(self.0.remove(index))
    }

    pub fn finish(self) -> Result<(), Failure> {
        match self.0.first() {
            None => Ok(()),
            Some(word) => Err(Failure::usage(format!("unexpected argument `{word}`"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Args;

    fn args(line: &str) -> Args {
        Args::new(line.split_whitespace().map(String::from).collect())
    }

    #[test]
    fn words_options_and_flags_come_in_any_order() {
        let mut args = args("--jobs 3 rwmutex --list");
        assert!(args.flag("--list"));
        assert_eq!(args.option::<usize>("--jobs").unwrap(), Some(3));
        assert_eq!(args.word().as_deref(), Some("rwmutex"));
        args.finish().unwrap();
    }

    #[test]
    fn what_nobody_asked_for_is_refused() {
        args("--lst").finish().unwrap_err();
        args("--jobs").option::<usize>("--jobs").unwrap_err();
        args("--jobs many").option::<usize>("--jobs").unwrap_err();
    }
}
