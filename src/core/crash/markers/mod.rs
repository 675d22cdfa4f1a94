//! What tells of a crash, as rows. To add a marker, add a row: the table in `runbooks/crash-markers.md` and the tests are
//! made from them. Where a test says that the fast search would pass over a row, `crash/prefilter.rs` lacks a piece.

mod exceptions;
mod processes;
mod programs;

use super::kind::Kind;

/// One way in which programs tell of a crash.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    /// What it is.
    pub kind: Kind,
    /// A fixed form that always counts; else words of prose, which may be denied, handled or counted as none.
    pub sure: bool,
    /// The words: see the language in `crash/pattern.rs`.
    pub says: &'static str,
    /// Messages that tell of the crash.
    #[cfg_attr(not(test), expect(dead_code, reason = "read by the tests, which also write the runbook's table"))]
    pub hit: &'static [&'static str],
    /// Messages that only look alike.
    #[cfg_attr(not(test), expect(dead_code, reason = "read by the tests, which also write the runbook's table"))]
    pub miss: &'static [&'static str],
}

/// All rows.
pub(crate) const RULES: &[&[Rule]] = &[processes::RULES, programs::RULES, exceptions::RULES];

/// A row that always counts.
const fn sure(kind: Kind, says: &'static str, hit: &'static [&'static str], miss: &'static [&'static str]) -> Rule {
    Rule { kind, sure: true, says, hit, miss }
}

/// A row that counts unless the words around it deny it.
const fn unless_denied(
    kind: Kind,
    says: &'static str,
    hit: &'static [&'static str],
    miss: &'static [&'static str],
) -> Rule {
    Rule { kind, sure: false, says, hit, miss }
}
