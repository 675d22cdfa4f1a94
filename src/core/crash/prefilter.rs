//! Finds the lines that need a closer look, many times faster than a closer look takes.
//!
//! Each way of telling of a crash, or of a failure (see `prose/outcome.rs`), holds one of these pieces of text, in
//! these letters and not escaped in JSON. The tests hold them against the examples of all rows. Exact letters are found
//! several times faster than letters of either case. Four letters of each piece are searched for, all at once; where
//! they are, the whole piece is looked for. The search puts the four letters into sixteen groups by turns, in the order
//! of the rows, and has to look twice each time that a text looks alike to a whole group: that makes one choice and
//! order of the letters many times as fast as another. These were chosen by trying many on logs of all kinds; a new
//! piece goes to the end.

mod pieces;

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, Input, Span, packed};
use pieces::{EITHER, FAILURES, PIECES};

/// How many letters are searched for.
const LETTERS: usize = 4;

/// One search takes so many different letters, for which the order was chosen; what is more goes into the next one.
const AT_ONCE: usize = 118;
const SEARCHES: usize = 2;

/// What a line may tell of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Suspicion {
    /// A crash.
    pub crash: bool,
    /// A failure, such as that of a test. Then [`failure`] knows better.
    pub failure: bool,
}

/// The first place at or after `from` in raw lines where a crash may be told of.
pub(crate) fn crash(lines: &[u8], from: usize) -> Option<usize> {
    (0..SEARCHES).filter_map(|search| find(search, lines, from, |row| row.crash)).map(|mark| mark.at).min()
}

/// Whether a line may tell of a failure. That is seen many times faster than whether it does.
pub(crate) fn failure(line: &[u8]) -> bool {
    static FAILURE: LazyLock<Vec<Search>> = LazyLock::new(|| {
        Search::all(PIECES.into_iter().filter(|(_, piece)| FAILURES.contains(piece) || EITHER.contains(piece)))
    });
    FAILURE.iter().any(|search| search.find(line, 0, |_| true).is_some())
}

/// Where a piece is, and whether it tells of a crash.
#[derive(Clone, Copy)]
struct Mark {
    at: usize,
    crash: bool,
}

/// The places in raw lines where a crash or a failure may be told of, one after the other.
pub(crate) struct Marks<'t> {
    text: &'t [u8],
    /// The next place of each search.
    next: [Option<Mark>; SEARCHES],
}

impl<'t> Marks<'t> {
    /// Those at or after `from`, where a line starts.
    pub(crate) fn of(text: &'t [u8], from: usize) -> Self {
        Self { text, next: std::array::from_fn(|search| find(search, text, from, |_| true)) }
    }

    /// What the line from `start` to `end` may tell of. The places in it are left behind, as those before it must be.
    #[inline]
    pub(crate) fn pass(&mut self, start: usize, end: usize) -> Suspicion {
        if self.next.iter().flatten().all(|mark| mark.at >= end) {
            return Suspicion::default();
        }
        self.pass_marked(start, end)
    }

    fn pass_marked(&mut self, start: usize, end: usize) -> Suspicion {
        let crash = self.next.iter().flatten().any(|mark| mark.at < end && mark.crash)
            || crash(&self.text[start..end], 0).is_some();
        for (search, next) in self.next.iter_mut().enumerate() {
            if next.is_some_and(|mark| mark.at < end) {
                *next = find(search, self.text, end, |_| true);
            }
        }
        Suspicion { crash, failure: true }
    }
}

/// The search for the letters of some pieces, and by number of the letters what is around them in each.
struct Search {
    letters: AnyOf,
    around: Vec<Vec<Around>>,
}

/// What is before and behind the letters of a piece.
#[derive(Clone)]
struct Around {
    before: &'static [u8],
    behind: &'static [u8],
    /// Whether the piece tells of a crash.
    crash: bool,
}

/// One of several short texts, searched for all at once.
pub(crate) enum AnyOf {
    Fast(packed::Searcher),
    /// For processors without the instructions of the fast one.
    Plain(AhoCorasick),
}

impl Search {
    /// Pieces in searches for as many letters as are searched for at once.
    fn all(pieces: impl IntoIterator<Item = (&'static str, &'static str)>) -> Vec<Self> {
        let mut letters: Vec<&str> = Vec::new();
        let mut around: Vec<Vec<Around>> = Vec::new();
        for (four, piece) in pieces {
            let number = letters.iter().position(|known| *known == four).unwrap_or_else(|| {
                letters.push(four);
                around.push(Vec::new());
                letters.len() - 1
            });
            let (before, behind) = piece.split_once(four).unwrap_or((piece, ""));
            let crash = !FAILURES.contains(&piece);
            around[number].push(Around { before: before.as_bytes(), behind: behind.as_bytes(), crash });
        }
        let parts = letters.chunks(AT_ONCE).zip(around.chunks(AT_ONCE));
        parts.map(|(letters, around)| Self { letters: AnyOf::of(letters), around: around.to_vec() }).collect()
    }

    /// The first piece at or after `from` that is such a one.
    fn find(&self, text: &[u8], mut from: usize, of: impl Fn(&Around) -> bool) -> Option<Mark> {
        while let Some((at, letters)) = self.letters.find(text, from) {
            let whole = |row: &&Around| {
                text[..at].ends_with(row.before) && text[at + LETTERS..].starts_with(row.behind) && of(row)
            };
            let mut rows = self.around[letters].iter().filter(whole).peekable();
            if rows.peek().is_some() {
                return Some(Mark { at, crash: rows.any(|row| row.crash) });
            }
            from = at + 1;
        }
        None
    }
}

impl AnyOf {
    pub(crate) fn of(letters: &[&str]) -> Self {
        let mut config = packed::Config::new();
        match config.heuristic_pattern_limits(false).builder().extend(letters).build() {
            Some(fast) => Self::Fast(fast),
            None => {
                let plain = AhoCorasick::new(letters);
                Self::Plain(plain.unwrap_or_else(|error| unreachable!("a few short words always fit: {error}")))
            }
        }
    }

    /// Where they are at or after `from`, and which.
    #[inline]
    pub(crate) fn find(&self, text: &[u8], from: usize) -> Option<(usize, usize)> {
        match self {
            Self::Fast(fast) => {
                let found = fast.find_in(text, Span { start: from, end: text.len() })?;
                Some((found.start(), found.pattern().as_usize()))
            }
            Self::Plain(plain) => {
                let found = plain.find(Input::new(text).range(from..))?;
                Some((found.start(), found.pattern().as_usize()))
            }
        }
    }
}

/// The first such piece of one search at or after `from`.
fn find(search: usize, text: &[u8], from: usize, of: impl Fn(&Around) -> bool) -> Option<Mark> {
    static SEARCHES: LazyLock<Vec<Search>> = LazyLock::new(|| Search::all(PIECES));
    SEARCHES.get(search)?.find(text, from, of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_in_order_whichever_piece_they_are_of() {
        let (first, last) = (PIECES[0].1, PIECES[PIECES.len() - 1].1);
        let text = format!("all is well\n{last}\n{first}: boom\nall is well\n{first}: again");
        let mut suspects = Marks::of(text.as_bytes(), 0);
        let mut seen = Vec::new();
        let mut start = 0;
        for (number, line) in text.lines().enumerate() {
            if suspects.pass(start, start + line.len()) != Suspicion::default() {
                seen.push(number);
            }
            start += line.len() + 1;
        }
        assert_eq!(seen, [1, 2, 4]);
    }

    #[test]
    fn each_piece_is_found_whole_and_not_by_its_letters_alone() {
        let marked = |text: &str| Marks::of(text.as_bytes(), 0).pass(0, text.len()).failure;
        for (letters, piece) in PIECES {
            assert!(letters.len() == LETTERS && piece.contains(letters), "{letters} {piece}");
            assert!(marked(&format!("..{piece}..")), "{piece}");
            let alone = PIECES.iter().any(|(_, piece)| letters.contains(piece));
            assert_eq!(marked(letters), alone, "{letters}");
        }
        for text in crate::prose::outcome::tests::FAILED {
            assert!(text.lines().any(|line| marked(line) && failure(line.as_bytes())), "no mark in {text}");
        }
        assert!(FAILURES.iter().chain(EITHER).all(|failure| PIECES.iter().any(|(_, piece)| piece == failure)));
        // More would make the search refuse to be fast.
        let mut letters: Vec<_> = PIECES.iter().map(|(letters, _)| letters).collect();
        letters.sort();
        letters.dedup();
        assert!(letters.len() <= SEARCHES * AT_ONCE, "{}", letters.len());
    }
}
