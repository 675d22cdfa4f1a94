//! How the words of a column of levels look: so levels of an unknown vocabulary are told from other text.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::fields::{Found, Place, View, field};
use super::level_columns::{Column, Sample};
use super::tokens;

/// What all words of a column have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Look {
    /// What is directly before each, and behind it.
    around: (Option<u8>, u8),
    /// Whether they are in capitals.
    loud: bool,
}

impl Look {
    /// The look of a column that nearly all lines have, where the words are set off alike: in brackets, before a colon
    /// or a bar.
    pub(super) fn of(column: &Column, samples: &[Sample<'_>]) -> Option<Self> {
        let whole =
            column.view == View::Word && !column.marked && matches!(column.place, Place::Before(_) | Place::Behind(_));
        let found = samples.iter().filter(|_| whole).filter_map(|(line, stamp)| {
            let found = column.read(line, stamp.as_ref())?;
            Some((line, found.range))
        });
        let looks: Vec<Self> = found.filter_map(|(line, word)| Self::at(line, &word)).collect();
        let first = *looks.first()?;
        let around = looks.iter().all(|look| look.around == first.around);
        let loud = looks.iter().all(|look| look.loud);
        let set_off =
            matches!(first.around, (Some(b'['), b']') | (Some(b'<'), b'>') | (Some(b'('), b')') | (_, b':' | b'|'));
        (around && set_off && looks.len() >= 3 && looks.len() * 100 >= samples.len() * 95)
            .then_some(Self { loud, ..first })
    }

    fn at(line: &[u8], word: &Range<usize>) -> Option<Self> {
        let before = word.start.checked_sub(1).and_then(|at| line.get(at)).copied();
        let letters = line[word.clone()].iter().filter(|b| b.is_ascii_alphabetic());
        Some(Self { around: (before, *line.get(word.end)?), loud: letters.clone().all(u8::is_ascii_uppercase) })
    }

    /// The word of a line that looks like a level in its column.
    #[cold]
    pub(super) fn read(self, column: &Column, line: &[u8], stamp: Option<&Range<usize>>) -> Option<Found> {
        let word = tokens::bare(line, field(line, stamp, column.place)?);
        let letters = line[word.clone()].iter().all(|b| b.is_ascii_alphabetic() || *b >= 0x80);
        let look = Self::at(line, &word)?;
        let alike = look.around == self.around && (look.loud || !self.loud);
        (alike && letters && (2..20).contains(&word.len())).then(|| Found::unknown(word))
    }
}
