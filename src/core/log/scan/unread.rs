//! Lines that a layout does not read in full: a sample of them, from which more may be learnt.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::json::stored;

/// How many lines are kept.
const KEPT: usize = 256;
/// How much of each, in bytes.
const WIDTH: usize = 1024;
/// Fewer lines than this, or than this share of a file, are odd ones.
const FEW: u64 = 5;
const SHARE: u64 = 50;

/// Whether so many of `lines` lines are enough to learn from.
pub fn are_enough(unread: u64, lines: u64) -> bool {
    unread >= FEW && unread * SHARE >= lines
}

/// The lines of a part of a file that state no level where the layout looks for one. Which of them are kept depends on
/// their texts alone, so that it is the same however the file is cut.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Unread {
    count: u64,
    /// By hash and number of the line.
    #[serde(with = "stored::keyed_bytes")]
    kept: BTreeMap<(u64, u64), Vec<u8>>,
}

impl Unread {
    #[inline]
    pub(crate) fn add(&mut self, number: u64, line: &[u8]) {
        self.count += 1;
        let key = (hash(line), number);
        if self.kept.len() < KEPT || self.kept.last_key_value().is_some_and(|(last, _)| key < *last) {
            self.kept.insert(key, line[..line.len().min(WIDTH)].to_vec());
            self.shorten();
        }
    }

    pub(crate) fn append(&mut self, next: Self) {
        self.count += next.count;
        self.kept.extend(next.kept);
        self.shorten();
    }

    pub(crate) fn shift(&mut self, lines: u64) {
        let kept = std::mem::take(&mut self.kept);
        self.kept = kept.into_iter().map(|((hash, number), line)| ((hash, number + lines), line)).collect();
    }

    /// The kept lines in their order, where there are enough of them in a file of `lines` to learn from.
    pub(crate) fn heads(&self, lines: u64) -> Option<Vec<&[u8]>> {
        let enough = are_enough(self.count, lines);
        let mut kept: Vec<(u64, &[u8])> = self.kept.iter().map(|((_, number), line)| (*number, &line[..])).collect();
        kept.sort_by_key(|(number, _)| *number);
        enough.then(|| kept.into_iter().map(|(_, line)| line).collect())
    }

    fn shorten(&mut self) {
        while self.kept.len() > KEPT {
            self.kept.pop_last();
        }
    }
}

/// FNV-1a of the start of a line, by words, stirred so that all of it decides.
fn hash(line: &[u8]) -> u64 {
    let words = line[..line.len().min(64)].chunks(8);
    let hash = words.fold(0xcbf2_9ce4_8422_2325_u64, |hash, word| {
        let mut bytes = [0; 8];
        bytes[..word.len()].copy_from_slice(word);
        (hash ^ u64::from_le_bytes(bytes)).wrapping_mul(0x0100_0000_01b3).rotate_left(29)
    });
    (hash ^ hash >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_lines_are_kept_however_the_file_is_cut() {
        let lines: Vec<String> = (0..2000).map(|number| format!("line {}", number % 700)).collect();
        let of = |from: usize, to: usize| {
            let mut unread = Unread::default();
            lines[from..to].iter().zip(1..).for_each(|(line, number)| unread.add(number, line.as_bytes()));
            unread
        };
        let whole = of(0, lines.len());
        for cut in [0, 1, 3, 300, 1999] {
            let (mut first, mut second) = (of(0, cut), of(cut, lines.len()));
            second.shift(cut as u64);
            first.append(second);
            assert_eq!(first, whole, "{cut}");
        }
        assert_eq!(whole.heads(100_000).map(|heads| heads.len()), Some(KEPT));
        assert_eq!(whole.heads(100_001), None);
    }
}
