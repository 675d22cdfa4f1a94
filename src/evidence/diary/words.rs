//! What the words of a diary mean: the prose of notes and the status words of decisions and outcomes.

use crate::finding::Status;

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

/// What a status word says. `None` for a word that nobody has defined.
pub(super) fn status(word: &str, accepted: &[String]) -> Option<Status> {
    let plain =
        |word: &str| -> String { word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect() };
    let word = plain(word);
    if accepted.iter().any(|known| plain(known) == word) || ORDINARY.binary_search(&word.as_str()).is_ok() {
        return Some(Status::Pass);
    }
    match word.as_str() {
        "halting" => Some(Status::Fail),
        "warned" | "throttling" | "skip" => Some(Status::Warn),
        word => Status::from_word(word),
    }
}

/// What the prose of a note says: an incident, a halt or an error is a FAIL, a warning or a degradation a WARN.
/// Words count as words: "asphalt" is no halt, and "0 errors, no incident" reports none.
pub(super) fn note(text: &str) -> Status {
    let mut worst = Status::Pass;
    for clause in text.split([',', ';', '!', '?', '\n', '(', ')']) {
        let words = split(clause);
        for (i, word) in words.iter().enumerate() {
            let found = match word.text.as_str() {
                "incident" | "incidents" | "halt" | "halts" | "halted" | "halting" | "error" | "errors" | "errored" => {
                    Status::Fail
                }
                "warn" | "warns" | "warned" | "warning" | "warnings" | "degrade" | "degraded" | "degrades"
                | "degrading" | "degradation" => Status::Warn,
                "status" => stated(&words[i..]),
                _ => continue,
            };
            if !denied(&words, i) {
                worst = worst.max(found);
            }
        }
    }
    worst
}

/// A word in lower case with the mark that follows it, such as `:`.
struct Word {
    text: String,
    mark: String,
}

fn split(clause: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut after_mark = true;
    let mut chars = clause.chars().peekable();
    while let Some(c) = chars.next() {
        let inside = match c {
            // `0.5` is one word, and so is `isn't`.
            '.' | '\'' | '’' => !after_mark && chars.peek().is_some_and(|next| next.is_alphanumeric()),
            c => c.is_alphanumeric() || c == '_',
        };
        match words.last_mut() {
            Some(word) if inside && !after_mark => word.text.extend(c.to_lowercase()),
            _ if inside => words.push(Word { text: c.to_lowercase().collect(), mark: String::new() }),
            Some(word) => word.mark.push(c),
            None => {}
        }
        after_mark = !inside;
    }
    words
}

/// The judgement of `status: failed`, `status=blocked`, `status was rejected`; the first word is `status`.
fn stated(words: &[Word]) -> Status {
    let [status, rest @ ..] = words else { return Status::Pass };
    let value = match rest {
        [verb, value, ..] if matches!(verb.text.as_str(), "is" | "was" | "now") => value,
        [value, ..] if status.mark.contains([':', '=']) => value,
        _ => return Status::Pass,
    };
    match value.text.as_str() {
        // "status: no change" is prose.
        "no" => Status::Pass,
        word => self::status(word, &[]).unwrap_or_default(),
    }
}

/// Whether the word at `i` is denied: "no errors", "0 new errors", "errors: 0", "error-free", "without any incident".
fn denied(words: &[Word], i: usize) -> bool {
    let zero = |word: &Word| word.text.parse::<f64>().is_ok_and(|n| n == 0.0);
    let filler = |word: &&Word| {
        matches!(word.text.as_str(), "any" | "new" | "further" | "more" | "other" | "known" | "open" | "single")
    };
    let before = words[..i].iter().rev().find(|word| !filler(word));
    let negated = before.is_some_and(|word| {
        zero(word)
            || matches!(word.text.as_str(), "no" | "zero" | "without" | "nil" | "not" | "never" | "non")
            || word.text.ends_with("n't")
            || word.text.ends_with("n’t")
    });
    let free = words.get(i + 1).is_some_and(|next| next.text == "free") && matches!(words[i].mark.as_str(), "-" | " ");
    let counted_zero = words.get(i + 1).is_some_and(zero) && words[i].mark.contains([':', '=']);
    // "not error-free" denies the denial.
    negated != (free || counted_zero)
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
    }
}
