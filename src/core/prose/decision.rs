//! Whether a remark that people write takes a decision against something, or only under a condition.

use super::Phrase;

/// Words behind which "not" refuses: "not approved", "do not release".
const CONSENT: [&str; 15] = [
    "accept",
    "accepted",
    "acceptable",
    "approve",
    "approved",
    "authorise",
    "authorised",
    "authorize",
    "authorized",
    "proceed",
    "recommend",
    "recommended",
    "release",
    "released",
    "ship",
];
/// What consent is called where it is taken back: "approval withdrawn".
const NOUNS: [&str; 6] = ["approval", "approvals", "consent", "sign-off", "signoff", "off"];
/// Words that take it back, or say that it is not there.
const TAKEN_BACK: [&str; 9] =
    ["denied", "missing", "outstanding", "pending", "refused", "revoked", "withdrawn", "withheld", "rescinded"];
/// Words that refuse by themselves, at the front of a remark or before who did it.
const REFUSED: [&str; 8] = ["abort", "aborted", "declined", "overruled", "refused", "rejected", "vetoed", "withdrawn"];
/// What somebody did not manage to look at.
const CHECKED: [&str; 12] = [
    "check",
    "checked",
    "confirm",
    "confirmed",
    "reconcile",
    "reconciled",
    "reproduce",
    "test",
    "validate",
    "validated",
    "verify",
    "verified",
];
/// What begins a condition.
const CONDITIONS: [&str; 7] =
    ["condition", "conditions", "conditionally", "contingent", "provided", "subject", "unless"];

/// Whether a remark refuses, takes back, leaves open, or consents only under a condition: "NO-GO", "not approved", "could
/// not verify the balances", "approved with conditions", "TODO: check". Denials are heard: "nothing was rejected", "not
/// rejected".
pub fn is_reserved(text: &str) -> bool {
    let words = Phrase::of(text);
    (0..words.len()).any(|at| {
        withholds(&words, at)
            || match words.lower(at) {
                "todo" | "tbd" | "fixme" => {
                    words.text(at).chars().all(char::is_uppercase) || words.mark(at).starts_with(':')
                }
                word if CHECKED.contains(&word) => not_managed(&words, at),
                word if REFUSED.contains(&word) => {
                    // "Rejected orders were as expected" is about orders.
                    let ends = words.ends_clause(at) || !words.mark(at).is_empty();
                    let alone = ends && (at == 0 || words.mark(at - 1).ends_with(':'));
                    let told = matches!(words.lower(at + 1), "by" | "because" | "until");
                    (alone || told) && !denied(&words, at)
                }
                word if CONDITIONS.contains(&word) => consented(&words, at) && !denied(&words, at),
                _ => false,
            }
    })
}

/// Whether a remark says that consent is not given, or was taken back: "NO-GO", "do not release", "approval withdrawn".
pub fn withholds_consent(text: &str) -> bool {
    let words = Phrase::of(text);
    (0..words.len()).any(|at| withholds(&words, at))
}

/// Whether a remark of somebody who decides refuses or puts off what the decision is about: what [`is_reserved`] hears, and
/// "not ready", "do not deploy", "I object", "the release is on hold", "go if the feed is fixed", "No."
pub fn refuses(text: &str) -> bool {
    let words = Phrase::of(text);
    let single =
        words.len() == 1 && matches!(words.lower(0), "no" | "nope" | "stop" | "veto" | "withheld" | "postponed");
    single || text.contains('👎') || is_reserved(text) || (0..words.len()).any(|at| refuses_at(&words, at))
}

/// Whether a text says that what it is about is not ready.
pub fn is_not_ready(text: &str) -> bool {
    let words = Phrase::of(text);
    (0..words.len()).any(|at| words.lower(at) == "ready" && negated(&words, at))
}

fn refuses_at(words: &Phrase<'_>, at: usize) -> bool {
    let before = |back: usize| at.checked_sub(back).map_or("", |at| words.lower(at));
    let next = words.lower(at + 1);
    let said = match words.lower(at) {
        "deploy" | "deployed" | "live" | "pass" | "ready" | "sign" | "signed" => return negated(words, at),
        "off" => return before(1) == "sign" && before(2) == "no",
        "object" | "veto" | "decline" | "disagree" => matches!(before(1), "i" | "we"),
        "objection" | "objections" | "unacceptable" => true,
        "hold" => {
            let what =
                |at: usize| matches!(words.lower(at), "deployment" | "go-live" | "launch" | "release" | "rollout");
            at == 0 && what(at + 2) || before(1) == "on" && (at.saturating_sub(5)..at).any(what)
        }
        "blocked" | "deferred" | "delayed" | "postponed" | "withheld" => matches!(next, "by" | "to" | "until"),
        "once" | "if" | "except" => (at.saturating_sub(2)..at)
            .any(|word| matches!(words.lower(word), "approve" | "approved" | "go" | "lgtm" | "ok" | "ship")),
        "work" | "testing" => before(1) == "more" && before(2).starts_with("need"),
        "fixed" => next == "first" && before(1) == "be",
        "fails" | "failed" if before(1) == "review" => true,
        "fails" | "failed" => matches!(next, "my" | "our" | "the") && words.lower(at + 2) == "review",
        _ => false,
    };
    said && !denied(words, at)
}

/// "not", up to three words before, in the same clause.
fn negated(words: &Phrase<'_>, at: usize) -> bool {
    (at.saturating_sub(3)..at).any(|before| words.is_not(before) && same_clause(words, before, at))
}

/// Whether the text of what is ticked says that it is not done: "not done", "still failing", "TODO".
pub fn is_unfinished(text: &str) -> bool {
    const DONE: [&str; 8] = ["complete", "completed", "done", "finished", "passed", "ready", "tested", "yet"];
    const OPEN: [&str; 7] = ["broken", "failed", "failing", "fails", "open", "pending", "todo"];
    let words = Phrase::of(text);
    is_reserved(text)
        || (1..words.len()).any(|at| {
            let denied = DONE.contains(&words.lower(at)) && words.is_not(at - 1);
            let still = words.lower(at - 1) == "still" && OPEN.contains(&words.lower(at));
            same_clause(&words, at - 1, at) && (denied || still)
        })
}

/// Whether consent is withheld at the word `at`.
fn withholds(words: &Phrase<'_>, at: usize) -> bool {
    match words.lower(at) {
        "no" if words.lower(at + 1) == "go" => is_no_go(words, at) && !denied(words, at),
        "unapproved" | "disapproved" | "unverified" => !denied(words, at),
        word if CONSENT.contains(&word) => negated(words, at),
        word if NOUNS.contains(&word) => {
            let sign_off = word != "off" || at > 0 && words.lower(at - 1) == "sign";
            let back = |after| TAKEN_BACK.contains(&words.lower(after)) && same_clause(words, at, after);
            sign_off && (at + 1..=at + 3).any(back) && !denied(words, at)
        }
        _ => false,
    }
}

/// Whether a word before `at` denies it: "not", "nothing", "without".
fn denied(words: &Phrase<'_>, at: usize) -> bool {
    (at.saturating_sub(3)..at).any(|before| denies(words, before) && same_clause(words, before, at))
}

/// Whether a word denies what follows it.
fn denies(words: &Phrase<'_>, at: usize) -> bool {
    words.is_not(at) || matches!(words.lower(at), "no" | "none" | "nothing" | "nobody" | "without" | "zero")
}

/// Whether no clause ends between two words.
fn same_clause(words: &Phrase<'_>, from: usize, to: usize) -> bool {
    (from..to).all(|at| !words.ends_clause(at))
}

/// "NO-GO", "no-go", "NO GO", "decision: no go"; "there is no go module" is none.
fn is_no_go(words: &Phrase<'_>, at: usize) -> bool {
    let hyphened = words.hyphened(at);
    let loud = words.text(at) == "NO" && words.text(at + 1) == "GO";
    let alone = (at == 0 || words.mark(at - 1).ends_with(':')) && (words.ends_clause(at + 1) || at + 2 == words.len());
    hyphened || loud || alone
}

/// "could not verify", "unable to confirm", "failed to reconcile", "not yet checked".
fn not_managed(words: &Phrase<'_>, at: usize) -> bool {
    (at.saturating_sub(3)..at).any(|before| {
        let unable = words.is_not(before) || matches!(words.lower(before), "unable" | "failed");
        unable && same_clause(words, before, at)
    })
}

/// Whether consent is near a condition: "approved with conditions", "Go, provided that", "conditionally approved".
fn consented(words: &Phrase<'_>, at: usize) -> bool {
    let consents = |word: usize| {
        let said = words.lower(word);
        matches!(said, "go" | "ok" | "accepted" | "approved" | "signed")
    };
    (at.saturating_sub(4)..at + 3).any(|word| word != at && consents(word))
}

#[cfg(test)]
mod tests {
    use super::{is_reserved, refuses};

    #[test]
    fn what_is_refused_left_open_or_bound_to_a_condition_is_no_consent() {
        for text in [
            "NO-GO: roll back",
            "Decision: no-go",
            "no go",
            "not approved until the feed is fixed",
            "We do not recommend a release",
            "do not release",
            "cannot be approved yet",
            "rejected by risk",
            "Rejected: the numbers are wrong",
            "approval withdrawn",
            "the sign-off is still missing",
            "approved with conditions: fix the feed first",
            "conditionally approved",
            "Go, provided that the feed is fixed",
            "approved subject to a re-run",
            "we could not verify the balances",
            "unable to confirm the positions",
            "aborted, numbers are wrong",
            "TODO: check the balance",
            "unverified",
        ] {
            assert!(is_reserved(text), "{text}");
        }
        for text in [
            "",
            "GO",
            "approved",
            "go: all checks passed",
            "approved without conditions",
            "nothing was rejected",
            "not rejected",
            "no approval is outstanding",
            "the price was rejected at the resistance",
            "sold because the stop was hit",
            "verified and confirmed",
            "there is no go module in this build",
            "market conditions were calm",
            "it did not move; approved",
            "no-op",
            "sign-off given",
            "released to production",
        ] {
            assert!(!is_reserved(text), "{text}");
        }
    }

    #[test]
    fn remarks_that_refuse_or_put_off_are_told_from_consent() {
        for text in [
            "I do not approve",
            "not ready",
            "We are not ready.",
            "rejected until the feed is fixed",
            "Not signed off",
            "I cannot sign this off",
            "I will not sign",
            "This must not go live",
            "Do not deploy",
            "must not be released",
            "I object",
            "objection: data loss",
            "Hold the release",
            "release is on hold",
            "needs more work before release",
            "blocked until the feed is fixed",
            "postponed",
            "No.",
            "👎",
            "I veto this",
            "This is unacceptable",
            "fails my review",
            "did not pass review",
            "review: failed",
            "deferred to next week",
            "Approval refused",
            "Rejected",
            "LGTM except the feed, which must be fixed first",
            "approve once the feed is fixed",
            "Go if the feed is fixed",
            "no sign-off from risk",
            "Risk has not signed",
        ] {
            assert!(refuses(text), "{text}");
        }
        for text in [
            "approved",
            "LGTM",
            "Go",
            "We are ready.",
            "No objections.",
            "no blockers",
            "Signed off by risk.",
            "Nothing on hold",
            "looks good, ship it",
            "Approved; next review in May",
            "not a blocker",
            "I do not see a problem",
            "The hold on the feed was lifted",
            "postponed items: none",
            "rejected orders were as expected",
            "blocked requests: 0",
            "no further comments",
        ] {
            assert!(!refuses(text), "{text}");
        }
    }
}
