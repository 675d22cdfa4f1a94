//! Decisions of reviewers: each a statement of its own, about the sums of the packet, its verdict and every decision
//! before it, so that none can be taken to another packet, turned round or taken out of the middle.

use serde::{Deserialize, Serialize};

use super::envelope::Envelope;
use super::statement::{self, Outcome, Resource, STATEMENT_TYPE, Statement};
use crate::keys::PublicKey;

/// The predicate type of a decision.
pub(crate) const DECISION_TYPE: &str = "tag:emp-ops,2026:sign-off/v1";
/// The file that a decision is about: it names the digest of every other.
const SUMS: &str = "SHA256SUMS";

/// What a reviewer decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Choice {
    /// The packet is accepted.
    Approve,
    /// It is not.
    Reject,
}

/// The predicate of a decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Decision {
    /// What was decided.
    pub decision: Choice,
    /// By whom.
    pub reviewer: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// When, by the clock of the reviewer: RFC 3339 in UTC.
    pub decided_at: String,
    /// The verdict that it is about.
    pub verdict: VerdictRef,
    /// The SHA-256 of the payload of every decision before it, in order.
    pub earlier: Vec<String>,
}

/// The verdict that a decision is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct VerdictRef {
    /// Its result.
    pub result: Outcome,
    /// The SHA-256 of its payload, in hex.
    pub payload_sha256: String,
}

impl Decision {
    /// Whether it needs a note that it has not: to reject, and to approve what did not pass.
    pub(crate) fn lacks_note(&self) -> bool {
        let needed = self.decision == Choice::Reject || self.verdict.result != Outcome::Passed;
        needed && self.note.as_ref().is_none_or(|note| note.trim().is_empty())
    }

    /// The payload of the decision about the packet with these sums.
    pub(crate) fn payload(self, sums_sha256: &str) -> Vec<u8> {
        statement::payload(&Statement {
            statement_type: STATEMENT_TYPE.to_owned(),
            subject: vec![Resource::new(SUMS, sums_sha256)],
            predicate_type: DECISION_TYPE.to_owned(),
            predicate: self,
        })
    }
}

/// Reads the payload of a decision.
///
/// # Errors
/// It is none; the message says why.
pub(crate) fn read(payload: &[u8]) -> Result<Statement<Decision>, String> {
    statement::read(payload, Some(DECISION_TYPE))
}

/// A person whose decisions count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reviewer {
    /// The name that decisions give.
    pub name: String,
    /// That person's key.
    pub key: PublicKey,
}

/// A decision of the bundle as an audit sees it. Keys are documented in `runbooks/formats.md`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judged {
    /// Who is said to have decided.
    pub reviewer: String,
    /// What was decided.
    pub decision: Choice,
    /// Why.
    pub note: Option<String>,
    /// When, by the clock of the reviewer.
    pub decided_at: String,
    /// The key of the reviewer where it signed, else what the first signature claims.
    pub key: String,
    /// Whether it counts.
    pub counts: bool,
    /// Why it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_not: Option<String>,
    /// Its line in the bundle.
    #[serde(skip)]
    pub line: u64,
    /// Whether somebody touched it, or put it where it does not belong.
    #[serde(skip)]
    pub tampered: bool,
}

/// What decisions are held against.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    /// The SHA-256 of the sums of the packet.
    pub sums_sha256: &'a str,
    /// The payload of the verdict, by its digest and its result.
    pub verdict: &'a VerdictRef,
    /// Whose decisions count.
    pub reviewers: &'a [Reviewer],
}

/// Judges the decisions of a bundle, in their order, with the number of the line of each.
pub(crate) fn judge(decisions: &[(u64, Envelope, Statement<Decision>)], subject: &Subject<'_>) -> Vec<Judged> {
    let mut earlier: Vec<String> = Vec::new();
    let mut all: Vec<Judged> = Vec::new();
    for (line, envelope, statement) in decisions {
        let judged = judge_one(*line, envelope, statement, subject, &earlier);
        // One key counts once: what it says last replaces what it said before.
        if judged.counts {
            for before in all.iter_mut().filter(|before| before.counts && before.key == judged.key) {
                before.counts = false;
                before.why_not = Some(format!("replaced by the later decision in line {line}"));
            }
        }
        all.push(judged);
        earlier.push(envelope.payload_sha256());
    }
    all
}

fn judge_one(
    line: u64,
    envelope: &Envelope,
    statement: &Statement<Decision>,
    subject: &Subject<'_>,
    earlier: &[String],
) -> Judged {
    let decision = &statement.predicate;
    let claimed = envelope.signatures.first().map_or("", |signature| signature.keyid.as_str());
    let about = match statement.subject.as_slice() {
        [only] => only.name == SUMS && only.sha256() == Some(subject.sums_sha256),
        _ => false,
    };
    let named = subject.reviewers.iter().find(|reviewer| reviewer.name == decision.reviewer);
    let signed = named.filter(|reviewer| envelope.is_signed_by(&reviewer.key));
    let broken = subject.reviewers.iter().find(|reviewer| envelope.is_broken_for(&reviewer.key));
    let tampered = if !about {
        Some("it is about another packet".to_owned())
    } else if decision.verdict.payload_sha256 != subject.verdict.payload_sha256
        || decision.verdict.result != subject.verdict.result
    {
        Some("it is about another verdict".to_owned())
    } else if decision.earlier != earlier {
        Some("it does not name all the decisions before it: one was removed, added or moved".to_owned())
    } else {
        broken.map(|reviewer| format!("it was altered: the signature of {} does not fit it", reviewer.name))
    };
    let why_not = tampered.clone().or_else(|| match (named, signed) {
        (_, Some(_)) if decision.decision == Choice::Approve && decision.lacks_note() => Some(format!(
            "it approves a verdict that is {} without a note that says why",
            decision.verdict.result.word()
        )),
        (_, Some(_)) => None,
        (Some(reviewer), None) => Some(format!("it is not signed by the key of {}", reviewer.name)),
        (None, None) if subject.reviewers.is_empty() => Some("no reviewer was named, so it was not checked".to_owned()),
        (None, None) => Some(format!("{} is none of the reviewers", decision.reviewer)),
    });
    Judged {
        reviewer: decision.reviewer.clone(),
        decision: decision.decision,
        note: decision.note.clone(),
        decided_at: decision.decided_at.clone(),
        key: signed.map_or(claimed, |reviewer| reviewer.key.id()).to_owned(),
        counts: why_not.is_none(),
        why_not,
        line,
        tampered: tampered.is_some(),
    }
}

/// What the reviewers say: who approves, who rejects, who has said nothing that counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Consent<'a> {
    /// Reviewers whose decision is to approve.
    pub approved: Vec<&'a str>,
    /// Reviewers whose decision is to reject.
    pub rejected: Vec<&'a str>,
    /// The others.
    pub missing: Vec<&'a str>,
}

impl<'a> Consent<'a> {
    /// Counts the decisions that count.
    pub(crate) fn of(judged: &[Judged], reviewers: &'a [Reviewer]) -> Self {
        let mut consent = Self::default();
        for reviewer in reviewers {
            let own = judged.iter().find(|judged| judged.counts && judged.key == reviewer.key.id());
            let list = match own.map(|judged| judged.decision) {
                Some(Choice::Approve) => &mut consent.approved,
                Some(Choice::Reject) => &mut consent.rejected,
                None => &mut consent.missing,
            };
            list.push(&reviewer.name);
        }
        consent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decision(decision: Choice, result: Outcome, note: Option<&str>) -> Decision {
        Decision {
            decision,
            reviewer: "ops".to_owned(),
            note: note.map(str::to_owned),
            decided_at: "2025-01-06T00:00:00Z".to_owned(),
            verdict: VerdictRef { result, payload_sha256: "00".repeat(32) },
            earlier: Vec::new(),
        }
    }

    #[test]
    fn who_rejects_or_accepts_what_did_not_pass_says_why() {
        use Choice::{Approve, Reject};
        for (choice, result, note, lacks) in [
            (Approve, Outcome::Passed, None, false),
            (Approve, Outcome::Warned, None, true),
            (Approve, Outcome::Failed, Some("known and harmless"), false),
            (Approve, Outcome::Failed, Some(" \n"), true),
            (Reject, Outcome::Passed, None, true),
            (Reject, Outcome::Passed, Some("the wrong build"), false),
        ] {
            assert_eq!(decision(choice, result, note).lacks_note(), lacks, "{choice:?} {result:?} {note:?}");
        }
    }

    #[test]
    fn a_decision_is_read_back_as_it_was_written_and_nothing_else_is_one() {
        let made = decision(Choice::Approve, Outcome::Passed, None);
        let payload = made.clone().payload(&"11".repeat(32));
        let read_back = read(&payload).expect("a decision");
        assert_eq!(read_back.predicate, made);
        assert_eq!(read_back.subject[0].sha256(), Some("11".repeat(32).as_str()));
        let text = String::from_utf8(payload).expect("text");
        for (from, to) in [("sign-off/v1", "sign-off/v2"), ("\"approve\"", "\"perhaps\""), ("reviewer", "author")] {
            assert!(read(text.replace(from, to).as_bytes()).is_err(), "{to}");
        }
    }
}
