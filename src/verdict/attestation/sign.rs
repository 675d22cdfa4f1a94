//! Puts signatures and decisions into a bundle. What is there stays there, byte for byte where nothing is added to it.

use super::decisions::{Choice, DECISION_TYPE, Decision, VerdictRef};
use super::envelope::{self, Envelope, Signature};
use super::statement;
use crate::keys::PublicKey;

/// What is signed next, and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// A further signature of the verdict in the first line.
    Verdict {
        /// Its payload.
        payload: Vec<u8>,
    },
    /// A statement of its own, in a new line.
    Line {
        /// Its payload.
        payload: Vec<u8>,
    },
}

impl Next {
    /// The payload that is signed.
    pub(crate) fn payload(&self) -> &[u8] {
        let (Self::Verdict { payload } | Self::Line { payload }) = self;
        payload
    }

    /// The bytes that a signature is over.
    pub(crate) fn signed_bytes(&self) -> Vec<u8> {
        envelope::pae(self.payload())
    }
}

/// The envelopes of a bundle that an audit has judged before.
fn envelopes(bundle: &[u8]) -> Result<Vec<Envelope>, String> {
    envelope::lines(bundle)?.into_iter().collect()
}

/// The verdict of a bundle: what a further signature is over.
///
/// # Errors
/// The bundle cannot be read.
pub(crate) fn verdict(bundle: &[u8]) -> Result<Next, String> {
    match envelopes(bundle)?.into_iter().next() {
        Some(first) => Ok(Next::Verdict { payload: first.payload }),
        None => Err("the bundle of signatures is empty".to_owned()),
    }
}

/// A decision that somebody takes now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deciding<'a> {
    /// What is decided.
    pub choice: Choice,
    /// By whom.
    pub reviewer: &'a str,
    /// Why.
    pub note: Option<&'a str>,
    /// When: RFC 3339 in UTC.
    pub at: &'a str,
}

/// The decision as the next line of a bundle. It names every decision before it.
///
/// # Errors
/// The bundle cannot be read, or the decision lacks a note that it needs.
pub(crate) fn decision(bundle: &[u8], deciding: &Deciding<'_>, sums_sha256: &str) -> Result<Next, String> {
    let envelopes = envelopes(bundle)?;
    let Some((first, rest)) = envelopes.split_first() else {
        return Err("the bundle of signatures is empty".to_owned());
    };
    let result = statement::read_verdict(&first.payload)?.predicate.result;
    let mut earlier = Vec::new();
    for envelope in rest {
        if statement::predicate_type(&envelope.payload)? == DECISION_TYPE {
            earlier.push(envelope.payload_sha256());
        }
    }
    let decision = Decision {
        decision: deciding.choice,
        reviewer: deciding.reviewer.to_owned(),
        note: deciding.note.map(str::to_owned),
        decided_at: deciding.at.to_owned(),
        verdict: VerdictRef { result, payload_sha256: first.payload_sha256() },
        earlier,
    };
    if decision.lacks_note() {
        return Err(match decision.decision {
            Choice::Reject => "a rejection needs a reason; add --note TEXT".to_owned(),
            Choice::Approve => {
                format!("the verdict is {}: say why it is approved all the same; add --note TEXT", result.word())
            }
        });
    }
    Ok(Next::Line { payload: decision.payload(sums_sha256) })
}

/// The bundle with one more signature; none if `key` has signed that payload already.
///
/// # Errors
/// The bundle cannot be read, or holds another verdict by now.
pub(crate) fn add(
    bundle: &[u8],
    next: &Next,
    key: &PublicKey,
    signature: Signature,
) -> Result<Option<Vec<u8>>, String> {
    match next {
        Next::Line { payload } => {
            let mut envelope = Envelope::new(payload.clone());
            envelope.signatures.push(signature);
            let mut changed = bundle.to_vec();
            if !changed.is_empty() && !changed.ends_with(b"\n") {
                changed.push(b'\n');
            }
            changed.extend(envelope.line().bytes());
            Ok(Some(changed))
        }
        Next::Verdict { payload } if bundle.is_empty() => {
            add(bundle, &Next::Line { payload: payload.clone() }, key, signature)
        }
        Next::Verdict { payload } => {
            let end = bundle.iter().position(|byte| *byte == b'\n').unwrap_or(bundle.len());
            let mut first = Envelope::read(&bundle[..end])?;
            if first.payload != *payload {
                return Err(
                    "the verdict of the bundle was replaced while it was being signed; audit it again".to_owned()
                );
            }
            if first.is_signed_by(key) {
                return Ok(None);
            }
            if first.signatures.iter().any(|known| known.keyid == key.id()) {
                return Err(format!("the bundle holds a signature that claims to be of {} and is not", key.id()));
            }
            first.signatures.push(signature);
            let mut changed = first.line().into_bytes();
            changed.extend(bundle.get(end + 1..).unwrap_or_default());
            Ok(Some(changed))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Kind;
    use crate::keys::tests::private;

    #[test]
    fn signatures_join_the_first_line_and_decisions_follow_in_lines_of_their_own() {
        let (one, two) = (private(Kind::Ed25519), private(Kind::P256));
        let sign = |next: &Next, key: &crate::keys::SigningKey| {
            Signature::new(key.public().id(), key.sign(&next.signed_bytes()).unwrap())
        };
        let gates = statement::Gates { status: crate::finding::Status::Warn, gates: Vec::new() };
        let files = Default::default();
        let sealed = statement::Sealed { files: &files, head: None, tested: &[], verdict: &gates };
        let next = Next::Verdict { payload: statement::verdict(&sealed) };
        let bundle = add(b"", &next, one.public(), sign(&next, &one)).unwrap().unwrap();
        assert_eq!(verdict(&bundle).unwrap(), next);
        assert_eq!(add(&bundle, &next, one.public(), sign(&next, &one)), Ok(None));
        let bundle = add(&bundle, &next, two.public(), sign(&next, &two)).unwrap().unwrap();

        let mut deciding =
            Deciding { choice: Choice::Approve, reviewer: "alice", note: None, at: "2026-11-26T09:00:00Z" };
        assert!(decision(&bundle, &deciding, "sums").unwrap_err().contains("WARNED"));
        deciding.note = Some("known");
        let first = decision(&bundle, &deciding, "sums").unwrap();
        let bundle = add(&bundle, &first, two.public(), sign(&first, &two)).unwrap().unwrap();
        deciding.choice = Choice::Reject;
        let second = decision(&bundle, &deciding, "sums").unwrap();
        let text = String::from_utf8(second.payload().to_vec()).unwrap();
        assert!(text.contains(&format!("\"earlier\":[\"{}\"]", crate::digest::sha256(first.payload()))), "{text}");
        // A signature of the verdict leaves the lines after it as they are.
        let third = private(Kind::Ed25519);
        let signed = add(&bundle, &next, third.public(), sign(&next, &third)).unwrap().unwrap();
        let after = |bundle: &[u8]| bundle.splitn(2, |byte| *byte == b'\n').nth(1).unwrap().to_vec();
        assert_eq!(after(&signed), after(&bundle));
        let envelopes = envelopes(&signed).unwrap();
        assert_eq!((envelopes[0].signatures.len(), envelopes.len()), (3, 2));
        let other = Next::Verdict { payload: b"{}".to_vec() };
        assert!(add(&signed, &other, one.public(), sign(&other, &one)).unwrap_err().contains("replaced"));
    }
}
