//! Finds the lines that need a closer look, many times faster than a closer look takes.
//!
//! Each way of telling of a crash holds one of these pieces of text, in these letters and not escaped in JSON. The tests
//! hold them against the examples of all rows. Exact letters are found several times faster than letters of either case,
//! and up to 64 pieces of four letters or more ten times as fast as more of them or shorter ones, which is why there are
//! two lists. Which letters of a word are taken decides how often the search has to look twice: rare ones are fast.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, Input, MatchKind};

/// What most crashes hold.
const COMMON: &[&str] = &[
    "xcept",
    "XCEPTI",
    "rror: ",
    "rror (",
    "rror in ",
    "** (",
    "ncaught",
    "nhandled",
    "NHANDLED",
    "ceback",
    "cktrace",
    "PANIC",
    "all Trace",
    "\tat ",
    "\\tat ",
    "   at ",
    "in `",
    ":in '",
    "\\n\\t/",
    "pArray",
    "exc_",
    "rash",
    "umped",
    "of mem",
    "f Memory",
    "fMemory",
    "llocat",
    "aulting ",
    " 0x0",
    "(): ",
    "minat",
    "corrupt",
    "ssertion",
    "nitizer",
    "egmentation",
    " fault",
    "EGMENTATION",
    "overabl",
    "*** ",
    "exit",
    "llega",
    "ignal",
    "ATAL",
    "anic",
    "atal",
    "SIGKILL",
    "SIGABR",
    "SIGSEG",
    "locked",
    "nexpec",
    "bnormal",
    "REPORT",
    "bort",
    " line ",
    "died",
    "tack",
    "OMKilled",
    "heck failed",
    "us error",
    "outine ",
    "oom-kill",
    "BUG: ",
    "illed",
    "violation",
];

/// What the others hold.
const RARE: &[&str] = &[
    "opcode",
    "ut here ]",
    "Oops",
    "RIP: ",
    "ing failed container",
    "APPCRASH",
    "hs_err",
    "database system was",
    "nvariant",
    "irtual ",
    "SERTION",
    "ANR in",
    " >>> ",
    "(package:",
    ")[0x",
    ".erl:",
    ".exs:",
    "called at ",
    "voked from",
    "{main}",
    "Prelude.",
    "<<loop",
    "xecution halted",
    "orrtl: ",
    "ugger invoked on",
    "n procedure",
    "a nil value",
    "ode:internal",
    "npm ERR",
    "npm e",
    "bugcheck",
    "too quickly",
    "tchdog timeout",
    "result '",
    "OOM enc",
    "oom_reap",
    "BUG at",
    "LOCKUP",
    "lockup",
    "detected stall",
    "BSAN: ",
    "to handle kernel",
    "ow memory: ",
    "MemoryError",
    "commit_mem",
    "ting with Windows",
    "time error",
    "xhaustive",
    " by zero",
    "nal error: ",
    "xhausted",
    "rror compiling",
    "EXC_BAD",
    "eturned -",
    "SIGFPE",
    "SIGBUS",
    "SIGILL",
    " 0x55",
    " 0x7f",
    "nreachable",
    "raised C",
    "egfault",
    "of-mem",
];

/// The places in raw lines where a crash may be told of, one after the other.
pub(crate) struct Marks<'t> {
    text: &'t [u8],
    next: [Option<usize>; 2],
}

impl<'t> Marks<'t> {
    /// Those at or after `from`.
    pub(crate) fn of(text: &'t [u8], from: usize) -> Self {
        let mut suspects = Self { text, next: [Some(0); 2] };
        suspects.next = [0, 1].map(|list| suspects.find(list, from));
        suspects
    }

    /// The first of them.
    pub(crate) fn at(&self) -> Option<usize> {
        self.next.into_iter().flatten().min()
    }

    /// Leaves those before `from` behind.
    pub(crate) fn skip_to(&mut self, from: usize) {
        for list in [0, 1] {
            if self.next[list].is_some_and(|at| at < from) {
                self.next[list] = self.find(list, from);
            }
        }
    }

    fn find(&self, list: usize, from: usize) -> Option<usize> {
        static SEARCHES: LazyLock<[AhoCorasick; 2]> = LazyLock::new(|| {
            [COMMON, RARE].map(|marks| {
                let built = AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(marks);
                built.unwrap_or_else(|error| unreachable!("a few short words always fit: {error}"))
            })
        });
        SEARCHES[list].find(Input::new(self.text).range(from..)).map(|found| found.start())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_in_order_from_both_lists() {
        let text = b"all is well\ninvalid opcode\npanic: boom\nall is well\npanic: again";
        let mut suspects = Marks::of(text, 0);
        let mut seen = Vec::new();
        while let Some(at) = suspects.at() {
            let line = text[..at].iter().filter(|b| **b == b'\n').count();
            seen.push(line);
            let end = text[at..].iter().position(|b| *b == b'\n').map_or(text.len(), |end| at + end);
            suspects.skip_to(end);
        }
        assert_eq!(seen, [1, 2, 4]);
        assert!(COMMON.iter().chain(RARE).all(|mark| mark.len() >= 4));
        assert!(COMMON.len() <= 64 && RARE.len() <= 64);
    }
}
