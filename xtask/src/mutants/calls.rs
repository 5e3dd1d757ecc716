//! Breaks calls: removes fences, loses wake-ups, makes sleepers blind, keeps flags set.

use super::find::Edit;
use crate::source::{arguments, is_word, words};

/// Calls that order memory and do nothing else.
const FENCES: &[&str] = &["fence", "light", "heavy", "after_update"];

/// Wake-ups, and their replacements in the models' `park`, which do the same but for the wake-up.
const WAKE_UPS: &[(&str, &str)] = &[
    ("unpark_one", "lose_one"),
    ("unpark_first", "lose_first"),
    ("unpark_all_if", "lose_all_if"),
];

/// Returns every way to break a call in `code`.
pub fn broken(code: &str) -> Vec<Edit> {
    words(code)
        .filter(|(at, word)| is_call(code, *at, word))
        .filter_map(|(at, word)| {
            no_fence(code, at, word)
                .or_else(|| lost_wake_up(code, at, word))
                .or_else(|| blind_sleeper(code, at, word))
                .or_else(|| flag_that_stays(code, at, word))
        })
        .collect()
}

fn is_call(code: &str, at: usize, word: &str) -> bool {
    code[at + word.len()..].starts_with('(') && !code[..at].ends_with("fn ")
}

fn no_fence(code: &str, at: usize, word: &str) -> Option<Edit> {
    let arguments = arguments(code, at + word.len());
    let close = arguments
        .last()
        .map_or(at + word.len() + 1, |range| range.end);
    FENCES.contains(&word).then(|| Edit {
        range: path_start(code, at)..close + 1,
        replacement: "()".into(),
        change: format!("no {word}"),
    })
}

fn lost_wake_up(code: &str, at: usize, word: &str) -> Option<Edit> {
    let (_, lost) = WAKE_UPS.iter().find(|(wake_up, _)| *wake_up == word)?;
    code[..at].ends_with("park::").then(|| Edit {
        range: at..at + word.len(),
        replacement: lost.to_string(),
        change: format!("{word} lost"),
    })
}

/// Functions that put a thread to sleep, and the arguments that make them do so without a look at the word.
/// These replace the second argument and those that follow up to the deadline.
const SLEEPS: &[(&str, &str)] = &[
    ("park::sleep", "|| true"),
    ("park::sleep_for_handoff", "false, || true"),
    ("workers::park", "|| true"),
    ("workers::park_for_goroutines", "|| true"),
];

/// Makes a sleeper join the queue without a look at the word.
fn blind_sleeper(code: &str, at: usize, word: &str) -> Option<Edit> {
    let call = &code[..at + word.len()];
    let (_, blind) = SLEEPS.iter().find(|(sleep, _)| call.ends_with(sleep))?;
    let arguments = arguments(code, at + word.len());
    let looks = arguments.get(1..arguments.len() - 1)?;
    Some(Edit {
        range: looks.first()?.start..looks.last()?.end,
        replacement: blind.to_string(),
        change: "blind sleeper".into(),
    })
}

/// Keeps a flag from being cleared: changes `fetch_and(!FLAG, …)` so that it keeps every bit.
fn flag_that_stays(code: &str, at: usize, word: &str) -> Option<Edit> {
    let mask = arguments(code, at + word.len()).first()?.clone();
    (word == "fetch_and" && code[mask.clone()].starts_with('!')).then(|| Edit {
        range: mask,
        replacement: "!0".into(),
        change: "flag stays".into(),
    })
}

/// Returns the start of the path that ends in the word at `at`.
fn path_start(code: &str, at: usize) -> usize {
    let is_path = |letter: char| letter == ':' || (letter.is_ascii() && is_word(letter as u8));
    code[..at].trim_end_matches(is_path).len()
}

#[cfg(test)]
mod tests {
    use super::broken;

    /// Returns `code` with each edit in turn.
    fn mutants(code: &str) -> Vec<String> {
        let apply = |edit: super::Edit| {
            let mut code = code.to_string();
            code.replace_range(edit.range, &edit.replacement);
            code
        };
        broken(code).into_iter().map(apply).collect()
    }

    #[test]
    fn a_fence_goes_with_its_path() {
        assert_eq!(mutants("a; atomic::fence(SeqCst); b"), ["a; (); b"]);
        assert_eq!(mutants("fn fence(order: Ordering) {}"), [""; 0]);
    }

    #[test]
    fn wake_ups_are_lost_with_their_callbacks() {
        assert_eq!(
            mutants("park::unpark_one(self.successor(), |_, _| {}); park::unpark_all_if(a, b)"),
            [
                "park::lose_one(self.successor(), |_, _| {}); park::unpark_all_if(a, b)",
                "park::unpark_one(self.successor(), |_, _| {}); park::lose_all_if(a, b)",
            ]
        );
    }

    #[test]
    fn a_sleeper_goes_blind() {
        assert_eq!(
            mutants("workers::park(self.key(a, b), || c(), d)"),
            ["workers::park(self.key(a, b), || true, d)"]
        );
    }

    #[test]
    fn a_flag_stays() {
        let code = "a.fetch_and(!(B | C), Relaxed); a.fetch_and(b, Relaxed)";
        assert_eq!(
            mutants(code),
            ["a.fetch_and(!0, Relaxed); a.fetch_and(b, Relaxed)"]
        );
    }
}
