//! Lines that leave out the stamp they share with the line before: blanks stand for it, as Python's `rich` writes.

use std::borrow::Cow;

use super::Step;
use crate::log::layout::leading_stamp;
use crate::log::layout::level_words::{self, Sure};

/// What is before the level of the last line with a stamp.
pub(super) type State = Vec<u8>;

/// Whether among the first lines of a text one leaves out its stamp.
pub(super) fn is_log(text: &[u8]) -> bool {
    let mut start = None;
    text.split(|b| *b == b'\n').take(40).any(|line| {
        start = before_level(line).or(start);
        start.is_some_and(|len| leaves_out(line, len))
    })
}

pub(super) fn next<'a>(text: &'a [u8], end: bool, state: &mut State) -> Option<Step<'a>> {
    let length = memchr::memchr(b'\n', text).map(|at| at + 1).or_else(|| end.then_some(text.len()))?;
    let line = text[..length].strip_suffix(b"\n").unwrap_or(&text[..length]);
    if let Some(len) = before_level(line) {
        *state = line[..len].to_vec();
    }
    let whole = if !state.is_empty() && leaves_out(line, state.len()) {
        Cow::Owned([&state[..], &line[state.len()..]].concat())
    } else {
        Cow::Borrowed(line)
    };
    Some(Step { start: 0, end: length, line: Some(whole) })
}

/// How much is before the level of a line that starts with a stamp.
fn before_level(line: &[u8]) -> Option<usize> {
    let stamp = usize::from(line.first() == Some(&b'['));
    let end = stamp + leading_stamp(line.get(stamp..)?)?;
    let end = end + usize::from(line.get(end) == Some(&b']'));
    let start = end + line[end..].iter().position(|b| *b != b' ')?;
    (start > end && is_level(&line[start..])).then_some(start)
}

fn leaves_out(line: &[u8], len: usize) -> bool {
    len > 8 && line.len() > len && line[..len].iter().all(|b| *b == b' ') && is_level(&line[len..])
}

/// Whether a text starts with the name of a level in capitals.
fn is_level(text: &[u8]) -> bool {
    let word = text.split(|b| !b.is_ascii_uppercase()).next().unwrap_or_default();
    text.get(word.len()) == Some(&b' ') && level_words::word(word).is_some_and(|(_, sure)| sure == Sure::Certain)
}
