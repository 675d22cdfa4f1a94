//! The records of `java.util.logging` as text, which are two lines: time, class and method, and below them the level and
//! the message.

use super::Step;
use crate::log::layout::level_words;

const WORDS: [&[u8]; 7] = [b"SEVERE", b"WARNING", b"INFO", b"CONFIG", b"FINE", b"FINER", b"FINEST"];

/// Whether one of the first lines of a text is such a record.
pub(super) fn is_log(text: &[u8]) -> bool {
    let lines: Vec<&[u8]> = text.split(|b| *b == b'\n').take(40).collect();
    lines.windows(2).any(|pair| is_headline(pair[0].trim_ascii_end()) && is_level(pair[1].trim_ascii_end()))
}

pub(super) fn next(text: &[u8], end: bool) -> Option<Step<'_>> {
    let length = |text: &[u8]| memchr::memchr(b'\n', text).map(|at| at + 1).or_else(|| end.then_some(text.len()));
    let first = length(text)?;
    let line = text[..first].trim_ascii_end();
    let second = if is_headline(line) { length(&text[first..])? } else { 0 };
    let below = text[first..first + second].trim_ascii_end();
    if !is_level(below) {
        return Some(Step { start: 0, end: first, line: Some(line.into()) });
    }
    // Newer versions of Java write a narrow blank before `AM`.
    let line = String::from_utf8_lossy(line).replace('\u{202f}', " ");
    Some(Step { start: 0, end: first + second, line: Some([line.as_bytes(), b" ", below].concat().into()) })
}

/// Whether two lines are one record.
pub fn joins(first: &[u8], second: &[u8]) -> bool {
    is_level(second) && is_headline(first)
}

/// Whether a line states a time and no level, as the first one does.
pub fn is_headline(line: &[u8]) -> bool {
    let line = line.trim_ascii_end();
    let timed =
        || line.windows(3).any(|three| three[1] == b':' && three[0].is_ascii_digit() && three[2].is_ascii_digit());
    let leveled = || {
        let words = line.split(|b| *b == b' ').map(|word| word.trim_ascii());
        words
            .map(|word| word.split(|b| !b.is_ascii_alphabetic()).find(|word| !word.is_empty()).unwrap_or(word))
            .any(|word| level_words::word(word).is_some())
    };
    line.first().is_some_and(u8::is_ascii_alphanumeric) && timed() && !leveled()
}

fn is_level(line: &[u8]) -> bool {
    let rest = WORDS.iter().find_map(|word| line.strip_prefix(*word)?.strip_prefix(b":"));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b" "))
}
