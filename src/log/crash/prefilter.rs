//! Finds the lines that need a closer look, many times faster than a closer look takes.
//!
//! Each way of telling of a crash holds one of these pieces of text, in these letters and not escaped in JSON. The tests
//! hold them against the examples of all rows. Exact letters are found several times faster than letters of either case.
//! The search runs once for each [`AT_ONCE`] pieces. It looks at the first four letters of each, sixteen pieces in a row
//! apart, and each time that they look alike to it, it has to look twice: that makes one cut and order of the pieces
//! three times as fast as another. These were chosen by trying many on logs of all kinds; a new piece goes to the end.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, Input, MatchKind};

/// More pieces than these are not found in one pass.
const AT_ONCE: usize = 64;

/// The pieces. Their order matters: see above.
const PIECES: [&str; 128] = [
    "0x7f",
    ":in '",
    "o handle kernel",
    "pArray",
    "rtl: ",
    "Fatal",
    "ugger invoked on",
    "nexpec",
    "fMemory",
    "LOCKUP",
    "tack",
    "tizer",
    "ANDLED",
    "in `",
    "Prelude.",
    "ckup",
    "killed",
    "died",
    "PPCRASH",
    "exit",
    "ror: ",
    "verabl",
    "w memory: ",
    "ncaught",
    "f-mem",
    "rash",
    "anic",
    "om-kill",
    "** (",
    "EGMENTATION",
    "us error",
    "ck failed",
    "oom_reap",
    "SIGILL",
    "minat",
    "exs:",
    "rtion",
    "fatal",
    "xhausted",
    "detected stall",
    "alled at ",
    "rtual ",
    "nal error: ",
    "de:internal",
    "ut here ]",
    "me error",
    "pm e",
    "n\\t/",
    "oo quickly",
    "opcode",
    "M enc",
    "PANIC",
    "<loop",
    "achable",
    "GFPE",
    "ocked",
    "llega",
    "ATAL",
    "tabase system was",
    "XCEPTI",
    "GKILL",
    "egmentation",
    "urned -",
    "il value",
    " >>> ",
    "xecution halted",
    "Killed",
    "xcept",
    "\\tat ",
    "llocat",
    "f mem",
    "gfault",
    "violation",
    " 0x0",
    "ceback",
    "nhandled",
    "*** ",
    "f Memory",
    "ror compiling",
    "mit_mem",
    "exc_",
    " fault",
    ")[0x",
    "(): ",
    "GSEG",
    "gnal",
    "BUG: ",
    "BSAN: ",
    "umped",
    ".erl:",
    "g failed container",
    "nvariant",
    "(package:",
    "n procedure",
    "ror (",
    "bnormal",
    "REPORT",
    "xhaustive",
    "IP: ",
    "MemoryError",
    "\tat ",
    "tchdog timeout",
    "g with Windows",
    "raised C",
    "pm ERR",
    "SERTION",
    "bugcheck",
    "Oops",
    "utine ",
    "hs_err",
    "ult '",
    "l Trace",
    "lting ",
    "orrupt",
    "SIGBUS",
    "ANR in",
    "UG at",
    "{main}",
    "  at ",
    "GABR",
    "y zero",
    " line ",
    "XC_BAD",
    "bort",
    "voked from",
    "0x55",
    "ror in ",
    "cktrace",
];

/// The places in raw lines where a crash may be told of, one after the other.
pub(crate) struct Marks<'t> {
    text: &'t [u8],
    next: [Option<usize>; PASSES],
}

/// How many passes there are.
const PASSES: usize = PIECES.len().div_ceil(AT_ONCE);

impl<'t> Marks<'t> {
    /// Those at or after `from`.
    pub(crate) fn of(text: &'t [u8], from: usize) -> Self {
        Self { text, next: std::array::from_fn(|pass| find(pass, text, from)) }
    }

    /// The first of them.
    pub(crate) fn at(&self) -> Option<usize> {
        self.next.into_iter().flatten().min()
    }

    /// Leaves those before `from` behind.
    pub(crate) fn skip_to(&mut self, from: usize) {
        for (pass, next) in self.next.iter_mut().enumerate() {
            if next.is_some_and(|at| at < from) {
                *next = find(pass, self.text, from);
            }
        }
    }
}

fn find(pass: usize, text: &[u8], from: usize) -> Option<usize> {
    static SEARCHES: LazyLock<Vec<AhoCorasick>> = LazyLock::new(|| {
        let search = |pieces: &[&str]| AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(pieces);
        let built: Result<_, _> = PIECES.chunks(AT_ONCE).map(search).collect();
        built.unwrap_or_else(|error| unreachable!("a few short words always fit: {error}"))
    });
    SEARCHES[pass].find(Input::new(text).range(from..)).map(|found| found.start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_in_order_from_all_passes() {
        let (first, last) = (PIECES[0], PIECES[PIECES.len() - 1]);
        let text = format!("all is well\n{last}\n{first}: boom\nall is well\n{first}: again");
        let mut suspects = Marks::of(text.as_bytes(), 0);
        let mut seen = Vec::new();
        while let Some(at) = suspects.at() {
            seen.push(text[..at].lines().count());
            suspects.skip_to(text[at..].find('\n').map_or(text.len(), |end| at + end));
        }
        assert_eq!(seen, [1, 2, 4]);
        // Shorter ones would slow the search for all.
        assert!(PIECES.iter().all(|piece| piece.len() >= 4));
    }
}
