//! How the words of a column of levels look: so levels of an unknown vocabulary are told from other text.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::fields::{Found, Place, View, field};
use super::level_columns::{Column, Sample};
use super::{level_words, tokens};

/// What all words of a column have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Look {
    /// What is directly before each, and behind it.
    around: (Option<u8>, u8),
    /// Whether they are in capitals.
    loud: bool,
    /// The kind of the field behind each, where it is no word of a text: see [`kind`].
    #[serde(default)]
    next: Option<u8>,
}

/// What a field is that is no word of a text: `app:`, `[main]`, `-` by their last byte, `4711` and `com.x.App` by a digit
/// and a dot.
fn kind(field: &[u8]) -> Option<u8> {
    let inside = field.get(1..field.len().saturating_sub(1)).unwrap_or_default();
    match *field.last()? {
        mark @ (b':' | b']' | b'-' | b'|' | b')' | b'>') => Some(mark),
        _ if field.iter().all(u8::is_ascii_digit) => Some(b'0'),
        last if last.is_ascii_alphanumeric() && inside.contains(&b'.') && !field.contains(&b'/') => Some(b'.'),
        _ => None,
    }
}

impl Look {
    /// The look of a column that nearly all lines have, where the words are set off alike: in brackets, between commas,
    /// before a colon, a bar or the stamp; or where all are in capitals.
    pub(super) fn of(column: &Column, samples: &[Sample<'_>]) -> Option<Self> {
        let whole = column.view == View::Word && matches!(column.place, Place::Before(_) | Place::Behind(_));
        let found = samples.iter().filter(|_| whole).filter_map(|(line, stamp)| {
            let found = column.read(line, stamp.as_ref())?;
            Some((line, found.range))
        });
        let looks: Vec<Self> = found.filter_map(|(line, word)| Self::at(line, &word)).collect();
        let first = *looks.first()?;
        let around = looks.iter().all(|look| look.around == first.around);
        let loud = looks.iter().all(|look| look.loud);
        let marks = matches!(
            first.around,
            (Some(b'['), b']') | (Some(b'<'), b'>') | (Some(b'('), b')') | (Some(b','), b',') | (_, b':' | b'|')
        );
        let set_off = marks || loud;
        let next = first.next.filter(|_| looks.iter().all(|look| look.next == first.next));
        let most = looks.len() + 1 >= samples.len() || looks.len() * 100 >= samples.len() * 95;
        (around && set_off && looks.len() >= 3 && most).then_some(Self { loud, next, ..first })
    }

    fn at(line: &[u8], word: &Range<usize>) -> Option<Self> {
        let before = word.start.checked_sub(1).and_then(|at| line.get(at)).copied();
        let behind = *line.get(word.end)?;
        let next = line[word.end..].split(u8::is_ascii_whitespace).skip(1).find(|field| !field.is_empty());
        let mut letters = line[word.clone()].iter().filter(|b| b.is_ascii_alphabetic());
        let loud = letters.all(u8::is_ascii_uppercase);
        Some(Self { around: (before, behind), loud, next: next.and_then(kind) })
    }

    /// The word of a line that looks like a level in its column.
    #[cold]
    pub(super) fn read(self, column: &Column, line: &[u8], stamp: Option<&Range<usize>>) -> Option<Found> {
        let word = tokens::bare(line, field(line, stamp, column.place)?);
        let letters = line[word.clone()].iter().all(|b| b.is_ascii_alphabetic() || *b >= 0x80);
        let look = Self::at(line, &word)?;
        let alike = look.around == self.around && (look.loud || !self.loud);
        (alike && letters && (2..20).contains(&word.len())).then_some(())?;
        let known = level_words::shortened(&line[word.clone()]);
        let in_text = self.around.1 == b' ' && !matches!(column.place, Place::Before(_));
        match known {
            Some(level) => Some(Found { level, ..Found::unknown(word) }),
            // In capitals alone, it may be the first word of another text, unless a field follows as behind all others.
            None => (!in_text || self.next.is_some() && look.next == self.next).then(|| Found::unknown(word)),
        }
    }
}
