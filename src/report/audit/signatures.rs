//! The signatures of a packet and the decisions of its reviewers.

use super::{evidence, near};
use crate::finding::Status;
use crate::report::{Block, Cell, Doc, Table, Tone};
use crate::verdict::attestation::BUNDLE;
use crate::verdict::attestation::decisions::{Choice, Judged};
use crate::verdict::attestation::judge::{Signatures, State};
use crate::verdict::audit::Audit;

/// Signatures and decisions that people are shown; JSON has them all.
const SHOWN: usize = 64;

/// The signatures of a packet in one line; none if no packet was judged.
pub(super) fn in_short(audit: &Audit) -> Option<(String, Cell)> {
    let signature = audit.signature.as_ref()?;
    let keys: Vec<&str> = signature.keys.iter().map(|key| key.id.as_str()).collect();
    let by = if keys.is_empty() { String::new() } else { format!("signed by {}", keys.join(", ")) };
    let with = |what: &str, by: String| if by.is_empty() { what.to_owned() } else { format!("{what}: {by}") };
    let (text, tone) = match signature.state {
        State::None => ("none".to_owned(), Tone::Dim),
        State::NotChecked => (format!("not checked: {by}"), Tone::Dim),
        State::Valid => (by, Tone::Status(Status::Pass)),
        State::Untrusted => (format!("not by enough keys that you trust: {by}"), Tone::Status(Status::Fail)),
        State::Invalid => (with("invalid", by), Tone::Status(Status::Fail)),
        State::Mismatch => (with("not of this packet", by), Tone::Status(Status::Fail)),
    };
    Some(("Signature".to_owned(), Cell::new(text, tone)))
}

pub(super) fn push(doc: &mut Doc, audit: &Audit) {
    if let Some(signature) = &audit.signature {
        evidence::findings(doc, "Against the signatures", &signature.findings);
    }
    if let Some(signature) = audit.signature.as_ref().filter(|signature| !signature.keys.is_empty()) {
        doc.section("Signatures", Block::Table(keys(signature)));
    }
    if !audit.decisions.is_empty() {
        doc.section("Decisions", Block::Table(decisions(&audit.decisions)));
    }
}

fn keys(signature: &Signatures) -> Table {
    let mut table = Table::new(&["key", "trusted", "signature", "says"]);
    let result = signature.result.map_or("", |result| result.word());
    for key in signature.keys.iter().take(SHOWN) {
        let valid = match key.valid {
            Some(true) => Cell::new("valid", Tone::Status(Status::Pass)),
            Some(false) => Cell::new("broken", Tone::Status(Status::Fail)),
            None => Cell::dim("not checked"),
        };
        table.row([Cell::from(key.id.as_str()), if key.trusted { "yes" } else { "no" }.into(), valid, result.into()]);
    }
    table
}

fn decisions(decisions: &[Judged]) -> Table {
    let mut table = Table::new(&["reviewer", "decision", "when", "note", "counts", "where"]);
    for decision in decisions.iter().take(SHOWN) {
        let word = match decision.decision {
            Choice::Approve => "approves",
            Choice::Reject => "rejects",
        };
        let counts = decision.why_not.as_ref().map_or_else(|| "yes".to_owned(), |why| format!("no: {why}"));
        table.row([
            Cell::new(decision.reviewer.as_str(), Tone::Strong),
            word.into(),
            decision.decided_at.as_str().into(),
            crate::sanitize::shorten(decision.note.as_deref().unwrap_or_default(), 300).into(),
            counts.into(),
            near(&format!("{BUNDLE}:{}", decision.line)),
        ]);
    }
    table
}
