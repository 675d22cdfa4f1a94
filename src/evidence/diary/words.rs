//! What the words of a diary mean: the prose of notes and the status words of decisions and outcomes.

use crate::finding::Status;
use crate::level::Level;
use crate::prose::{Naming, Phrase, is_reserved};

/// Status words of ordinary business, which are no reason to look; blanks, dashes and underscores left out.
const ORDINARY: &[&str] = &[
    "accepted",
    "acked",
    "acknowledged",
    "active",
    "applied",
    "approved",
    "canceled",
    "cancelled",
    "closed",
    "complete",
    "completed",
    "confirmed",
    "done",
    "dryrun",
    "enabled",
    "executed",
    "expired",
    "fill",
    "filled",
    "finished",
    "flat",
    "held",
    "hold",
    "idle",
    "inprogress",
    "live",
    "loss",
    "lost",
    "maintain",
    "maintained",
    "neutral",
    "new",
    "noaction",
    "noop",
    "notapplicable",
    "observed",
    "open",
    "opened",
    "paper",
    "partial",
    "partialfill",
    "partiallyfilled",
    "pending",
    "placed",
    "planned",
    "promoted",
    "queued",
    "received",
    "recorded",
    "replayed",
    "resolved",
    "routed",
    "running",
    "scheduled",
    "sent",
    "settled",
    "simulated",
    "started",
    "submitted",
    "valid",
    "validated",
    "verified",
    "waiting",
    "win",
    "won",
];

/// What a status word says. `None` for a word that nobody has defined. Words that tell of a failure cannot be
/// accepted.
pub(super) fn status(word: &str, accepted: &[String]) -> Option<Status> {
    let plain =
        |word: &str| -> String { word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect() };
    // "done?" asks.
    if word.contains('?') {
        return None;
    }
    let word = plain(word);
    let known = match word.as_str() {
        word if ORDINARY.binary_search(&word).is_ok() => Some(Status::Pass),
        "halting" | "false" | "reject" | "refused" | "denied" => Some(Status::Fail),
        "warned" | "throttling" | "skip" => Some(Status::Warn),
        word => Status::from_word(word),
    };
    let accepted = known != Some(Status::Fail) && accepted.iter().any(|accepted| plain(accepted) == word);
    if accepted { Some(Status::Pass) } else { known }
}

/// Whether `word` may be declared to be no reason to look.
///
/// # Errors
/// It is empty, or it tells of a failure; the message says what to do.
pub fn acceptable(word: &str) -> Result<(), String> {
    if !word.contains(char::is_alphanumeric) {
        return Err("this is no word".to_owned());
    }
    match status(word, &[]) {
        Some(Status::Fail) => Err(format!(
            "`{word}` tells of a failure and cannot be accepted: put right what failed, or waive the gate `diary`"
        )),
        _ => Ok(()),
    }
}

/// What the prose of a note says: an incident, a halt or an error is a FAIL, a warning, a degradation, or a decision against
/// something or with a condition a WARN.
/// Words count as words: "asphalt" is no halt, "0 errors, no incident" reports none, and a tracking error is a figure.
pub(super) fn note(text: &str) -> Status {
    let words = Phrase::of(text);
    let mut worst = if is_reserved(text) { Status::Warn } else { Status::Pass };
    for at in 0..words.len() {
        let found = match words.lower(at) {
            "incident" | "incidents" | "halt" | "halts" | "halted" | "halting" | "error" | "errors" | "errored" => {
                Status::Fail
            }
            "warn" | "warns" | "warned" | "warning" | "warnings" | "degrade" | "degraded" | "degrades"
            | "degrading" | "degradation" => Status::Warn,
            "status" => stated(&words, at),
            "severity" | "level" => stated_level(&words, at),
            _ => continue,
        };
        let denied = words.is_denied(at, at, Naming::Prose);
        // "not error-free" denies the denial.
        let free = words.is_free(at);
        if denied == free && !is_figure(&words, at) && !is_topic(&words, at) {
            worst = worst.max(found);
        }
    }
    worst
}

/// Whether the word at `at` is a figure of finance or statistics: "tracking error", "margin of error", "error bars".
fn is_figure(words: &Phrase<'_>, at: usize) -> bool {
    const KINDS: [&str; 17] = [
        "absolute",
        "approximation",
        "estimation",
        "estimator",
        "forecast",
        "forecasting",
        "measurement",
        "percentage",
        "prediction",
        "quantisation",
        "quantization",
        "residual",
        "rounding",
        "sampling",
        "squared",
        "standard",
        "tracking",
    ];
    if !matches!(words.lower(at), "error" | "errors") {
        return false;
    }
    // "forecast error: no data" tells of one.
    if words.mark(at).contains(':') && !words.is_number(at + 1) {
        return false;
    }
    let before =
        |back: usize| at.checked_sub(back).filter(|at| words.mark(*at).is_empty()).map_or("", |at| words.lower(at));
    KINDS.contains(&before(1))
        || before(1) == "of" && matches!(before(2), "margin" | "margins")
        || words.mark(at).is_empty() && matches!(words.lower(at + 1), "bar" | "bars" | "margin" | "band" | "budget")
}

/// Whether the word at `at` only says what something else is about: "incident drill", "halt threshold". A threshold
/// that was reached, or a playbook that was put to use, is more than a topic.
fn is_topic(words: &Phrase<'_>, at: usize) -> bool {
    const USED: [&str; 16] = [
        "activated",
        "applied",
        "breached",
        "crossed",
        "exceeded",
        "executed",
        "fired",
        "followed",
        "hit",
        "invoked",
        "met",
        "reached",
        "ran",
        "started",
        "triggered",
        "tripped",
    ];
    if !(words.mark(at).is_empty() || words.hyphened(at)) {
        return false;
    }
    match words.lower(at + 1) {
        "drill" | "drills" | "exercise" | "exercises" | "simulation" | "training" => true,
        "threshold" | "thresholds" | "limit" | "limits" | "level" | "levels" | "criterion" | "criteria" | "trigger"
        | "triggers" | "playbook" | "playbooks" | "runbook" | "runbooks" | "procedure" | "procedures" | "policy"
        | "policies" => {
            let start = (0..at).rfind(|at| words.ends_clause(*at)).map_or(0, |end| end + 1);
            let end = (at + 1..words.len()).find(|at| words.ends_clause(*at)).unwrap_or(words.len());
            let used = |word: usize| USED.contains(&words.lower(word)) && word != at + 1;
            let denied = |word: usize| (word.saturating_sub(3).max(start)..word).any(|before| words.is_not(before));
            !(start..=end).any(|word| used(word) && !denied(word))
        }
        _ => false,
    }
}

/// The judgement of `status: failed`, `status=blocked`, `status was rejected`; the word at `at` is `status`.
fn stated(words: &Phrase<'_>, at: usize) -> Status {
    let value = match words.lower(at + 1) {
        "is" | "was" | "now" => at + 2,
        _ if words.mark(at).contains([':', '=']) => at + 1,
        _ => return Status::Pass,
    };
    match words.lower(value) {
        // "status: no change" is prose.
        "no" | "" => Status::Pass,
        word => self::status(word, &[]).unwrap_or_default(),
    }
}

/// The level that `severity: critical` and `level=error` state; the word at `at` is the key.
fn stated_level(words: &Phrase<'_>, at: usize) -> Status {
    if !words.mark(at).contains([':', '=']) {
        return Status::Pass;
    }
    let level = Level::from_word(words.lower(at + 1));
    if level == Level::Unknown { Status::Pass } else { level.status() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_judged_by_whole_words_and_denials_are_heard() {
        for (text, expect) in [
            ("HALT: kill switch", Status::Fail),
            ("fatal error: book corrupted", Status::Fail),
            ("trading halted after incident", Status::Fail),
            ("Trade outcome status: failed", Status::Fail),
            ("order status=BLOCKED by risk", Status::Fail),
            ("status was rejected", Status::Fail),
            ("errors: 3", Status::Fail),
            ("not error-free", Status::Fail),
            ("no idea why, error raised", Status::Fail),
            ("error 5", Status::Fail),
            ("PnL was 0. Errors in feed", Status::Fail),
            ("slippage 0.0 error in book", Status::Fail),
            ("Retries 0 error timeout", Status::Fail),
            ("tracking error 0.4%, then an error in the book", Status::Fail),
            ("error: tracking lost", Status::Fail),
            ("halt threshold reached", Status::Fail),
            ("reached the halt threshold", Status::Fail),
            ("incident opened", Status::Fail),
            ("forecast error: no data", Status::Fail),
            ("incident playbook started", Status::Fail),
            ("no fills, error in book", Status::Fail),
            ("rollback is late, severity: critical", Status::Fail),
            ("level=error", Status::Fail),
            ("severity: warning", Status::Warn),
            ("severity: low", Status::Pass),
            ("NO-GO: roll back", Status::Warn),
            ("approved with conditions", Status::Warn),
            ("the level is critical to us", Status::Pass),
            ("Trade outcome status: throttled", Status::Warn),
            ("warned twice", Status::Warn),
            ("feed degraded", Status::Warn),
            ("bought asphalt futures", Status::Pass),
            ("forewarned is forearmed", Status::Pass),
            ("0 errors, no incident", Status::Pass),
            ("no new errors", Status::Pass),
            ("errors: 0", Status::Pass),
            ("error-free session without any incident", Status::Pass),
            ("didn't halt", Status::Pass),
            ("no trading halt", Status::Pass),
            ("no halts, errors or incidents", Status::Pass),
            ("error count 0", Status::Pass),
            ("tracking error 0.4% within limits", Status::Pass),
            ("margin of error 2%", Status::Pass),
            ("forecast error low", Status::Pass),
            ("halt threshold not reached", Status::Pass),
            ("never reached the halt threshold", Status::Pass),
            ("halt threshold at 5%", Status::Pass),
            ("tracking error: 0.4%", Status::Pass),
            ("incident drill completed", Status::Pass),
            ("status: no change", Status::Pass),
            ("status: filled", Status::Pass),
            ("", Status::Pass),
        ] {
            assert_eq!(note(text), expect, "{text:?}");
        }
    }

    #[test]
    fn status_words_of_business_are_told_from_unknown_ones() {
        assert!(ORDINARY.is_sorted());
        for (word, expect) in [
            ("Partially Filled", Some(Status::Pass)),
            ("failed", Some(Status::Fail)),
            ("blocked", Some(Status::Fail)),
            ("rejected", Some(Status::Fail)),
            ("Throttled", Some(Status::Warn)),
            ("purple", None),
        ] {
            assert_eq!(status(word, &[]), expect, "{word}");
        }
        assert_eq!(status("purple", &["Purple".to_owned()]), Some(Status::Pass));
        assert_eq!(status("throttled", &["throttled".to_owned()]), Some(Status::Pass));
        assert!(acceptable("  ").is_err());
        for word in ["failed", "Rejected", "FATAL", "halting", "no-go"] {
            assert!(acceptable(word).is_err(), "{word}");
            assert_ne!(status(word, &[word.to_owned()]), Some(Status::Pass), "{word}");
        }
        assert!(acceptable("parked").is_ok() && acceptable("throttled").is_ok());
    }
}
