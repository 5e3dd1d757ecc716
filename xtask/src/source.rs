//! Analyses Rust text, just well enough to find code in it.
//!
//! Functions that blank something out keep every byte offset and every line break, so anything found in the
//! blanked text can be changed in the original.

use std::ops::Range;

/// Returns `text` with comments, strings and character literals blanked out.
pub fn code_only(text: &str) -> String {
    without_prose(text, |_| true)
}

/// Returns the tokens of `text`, separated by one space where there was whitespace. The result does not
/// depend on comments and layout.
pub fn without_comments(text: &str) -> String {
    let is_comment = |prose: &[u8]| matches!(prose, [b'/', ..]);
    let kept = without_prose(text, is_comment);
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns `text` with the chosen comments, strings and character literals blanked out.
fn without_prose(text: &str, is_chosen: impl Fn(&[u8]) -> bool) -> String {
    let mut code = text.to_string().into_bytes();
    let mut at = 0;
    while at < code.len() {
        let rest = &text.as_bytes()[at..];
        let prose = prose_length(rest);
        if is_chosen(&rest[..prose]) {
            blank(&mut code, at..at + prose);
        }
        at += if prose > 0 { prose } else { code_length(rest) };
    }
    String::from_utf8(code).expect("whole literals and comments are blanked")
}

/// Returns the length of the comment, string or character literal that `text` begins with, or 0.
fn prose_length(text: &[u8]) -> usize {
    match text {
        [b'/', b'/', ..] => until(text, 2, |rest| rest[0] == b'\n'),
        [b'/', b'*', ..] => block_comment_length(text),
        [b'"', ..] => quoted_length(text, b'"'),
        [b'r', b'"' | b'#', ..] => raw_string_length(text),
        // An escaped character. A quote without a backslash may also begin a lifetime.
        [b'\'', b'\\', ..] => quoted_length(text, b'\''),
        [b'\'', ..] => character_length(text),
        _ => 0,
    }
}

/// Returns the length of the word that `text` begins with, or 1. The last letter of a word may be an `r`,
/// which begins no raw string then.
fn code_length(text: &[u8]) -> usize {
    until(text, 0, |rest| !is_word(rest[0])).max(1)
}

/// Returns the length of `text` up to the first position from `from` on at which `ends` holds.
fn until(text: &[u8], from: usize, ends: impl Fn(&[u8]) -> bool) -> usize {
    (from..text.len())
        .find(|&at| ends(&text[at..]))
        .unwrap_or(text.len())
}

fn block_comment_length(text: &[u8]) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        match text[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn quoted_length(text: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < text.len() && text[at] != quote {
        at += if text[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(text.len())
}

fn raw_string_length(text: &[u8]) -> usize {
    let hashes = until(text, 1, |rest| rest[0] != b'#') - 1;
    let open = hashes + 2;
    if text.get(open - 1) != Some(&b'"') {
        return 0; // A raw identifier.
    }
    let close = [b"\"".as_slice(), &vec![b'#'; hashes]].concat();
    let end = until(text, open, |rest| rest.starts_with(&close));
    (end + close.len()).min(text.len())
}

/// Returns the length of a character literal that is not escaped, or 0 for a lifetime, which has no closing
/// quote.
fn character_length(text: &[u8]) -> usize {
    let end = until(text, 2, |rest| rest[0] & 0xC0 != 0x80);
    if text.get(end) == Some(&b'\'') {
        end + 1
    } else {
        0
    }
}

/// Turns `range` into spaces, except for line breaks.
pub fn blank(text: &mut [u8], range: Range<usize>) {
    for byte in text[range].iter_mut().filter(|byte| **byte != b'\n') {
        *byte = b' ';
    }
}

pub fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Returns the identifiers, keywords and numbers of `code`, with their positions.
pub fn words(code: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let bytes = code.as_bytes();
        let start = until(bytes, at, |rest| is_word(rest[0]));
        at = until(bytes, start, |rest| !is_word(rest[0]));
        (start < at).then(|| (start, &code[start..at]))
    })
}

/// Returns the end of the item that begins at `from`: after the first `;` or the first pair of braces that is
/// not inside other brackets.
pub fn item_end(code: &str, from: usize) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in code.bytes().enumerate().skip(from) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 && matches!(byte, b';' | b'}') {
            return at + 1;
        }
    }
    code.len()
}

/// Returns the arguments of the call whose parenthesis is at `open`, without the space around them.
///
/// The commas between the parameters of a closure count as well, so only use the arguments before a closure.
pub fn arguments(code: &str, open: usize) -> Vec<Range<usize>> {
    let mut arguments = Vec::new();
    let mut depth = 0;
    let mut start = open + 1;
    for (at, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 || (depth == 1 && byte == b',') {
            arguments.extend(trim(code, start..at));
            start = at + 1;
        }
        if depth == 0 {
            break;
        }
    }
    arguments
}

fn trim(code: &str, range: Range<usize>) -> Option<Range<usize>> {
    let text = &code[range.clone()];
    let start = range.start + (text.len() - text.trim_start().len());
    let end = start + text.trim().len();
    (start < end).then_some(start..end)
}

/// Returns the name of the call that has an argument at `at`, and the index of that argument.
pub fn enclosing_call(code: &str, at: usize) -> Option<(&str, usize)> {
    let mut depth = 0;
    let mut index = 0;
    for (at, byte) in code[..at].bytes().enumerate().rev() {
        match byte {
            b')' | b']' | b'}' => depth += 1,
            b'(' if depth == 0 => return Some((word_before(code, at), index)),
            b'[' | b'{' if depth == 0 => return None,
            b'(' | b'[' | b'{' => depth -= 1,
            b',' if depth == 0 => index += 1,
            _ => {}
        }
    }
    None
}

/// Returns the word that ends at `at`, or an empty string.
pub fn word_before(code: &str, at: usize) -> &str {
    let before = &code[..at];
    let start = before.trim_end_matches(|letter: char| letter.is_ascii() && is_word(letter as u8));
    &before[start.len()..]
}

#[cfg(test)]
mod tests {
    use super::{arguments, code_only, enclosing_call, item_end, without_comments, words};

    #[test]
    fn prose_is_blanked_and_nothing_moves() {
        let text = "a /* b /* c */ d */ e // f …\n\"g \\\" h\" i r#\"j \" k\"# l 'm' '\\'' 'n: o";
        let code = code_only(text);
        assert_eq!(code.len(), text.len());
        let left: Vec<_> = words(&code).map(|(_, word)| word).collect();
        assert_eq!(left, ["a", "e", "i", "l", "n", "o"]);
        for (at, word) in words(&code) {
            assert_eq!(&text[at..at + word.len()], word);
        }
    }

    #[test]
    fn comments_and_layout_go_and_strings_stay() {
        let text = "/// a\nfn b() { // c\n    \"// d\" /* e */; }";
        assert_eq!(without_comments(text), "fn b() { \"// d\" ; }");
    }

    #[test]
    fn a_word_that_ends_in_r_begins_no_raw_string() {
        let code = code_only("for\"text\" r#type");
        assert_eq!(code, "for       r#type");
    }

    #[test]
    fn items_end_behind_their_braces_or_semicolon() {
        assert_eq!(item_end("mod a { b; { c } } d", 0), 18);
        assert_eq!(item_end("use a::{b, c}; d", 0), 13);
        assert_eq!(item_end("fn a() -> [u8; 2] { } d", 0), 21);
    }

    #[test]
    fn arguments_are_split_at_their_own_commas() {
        let code = "f(a, g(b, c), |x| { d },\n)";
        let texts: Vec<_> = arguments(code, 1)
            .into_iter()
            .map(|range| &code[range])
            .collect();
        assert_eq!(texts, ["a", "g(b, c)", "|x| { d }"]);
    }

    #[test]
    fn the_enclosing_call_is_the_innermost() {
        let code = "f(a, self.g(b, h(c), Acquire), d); let e = [Acquire]";
        let place = |from| from + code[from..].find("Acquire").unwrap();
        assert_eq!(enclosing_call(code, place(0)), Some(("g", 2)));
        assert_eq!(enclosing_call(code, place(30)), None);
    }
}
