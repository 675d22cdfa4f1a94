//! The words by which other tools state a verdict, in one place.

use super::Status;

impl Status {
    /// The verdict that a document states where it has no vocabulary of its own: `ok`, `At Risk`, `no-go`, `false`. Case
    /// and the marks between words do not matter. `None` for every other word: that is no pass, and callers name it.
    pub fn of_state(word: &str) -> Option<Self> {
        let plain: String = word
            .trim()
            .chars()
            .map(|c| if matches!(c, ' ' | '-') { '_' } else { c })
            .flat_map(char::to_lowercase)
            .collect();
        Some(match plain.as_str() {
            "pass" | "passed" | "ok" | "okay" | "success" | "successful" | "succeeded" | "met" | "normal" | "ready"
            | "healthy" | "green" | "go" | "good" | "completed" | "true" => Self::Pass,
            "warn" | "warning" | "at_risk" | "degraded" | "partial" | "yellow" | "amber" | "unstable" | "stale"
            | "skipped" | "inconclusive" | "throttled" => Self::Warn,
            "fail" | "failed" | "failing" | "error" | "errored" | "critical" | "fatal" | "alert" | "breached"
            | "blocked" | "red" | "down" | "unhealthy" | "outage" | "aborted" | "cancelled" | "canceled"
            | "timeout" | "timed_out" | "halted" | "crashed" | "rejected" | "no_go" | "stop" | "false" => Self::Fail,
            _ => return None,
        })
    }

    /// Understands the words of severity and status of the documents of a run and of status reports, in any case and
    /// with blanks, dashes or underscores between words. `None` for a word that nobody has defined: callers treat that
    /// as [`Status::Warn`] and name the word; it is never a pass.
    pub fn from_word(word: &str) -> Option<Self> {
        let plain: String =
            word.trim().chars().filter(|c| !matches!(c, ' ' | '-' | '_')).flat_map(char::to_lowercase).collect();
        Some(match plain.as_str() {
            "pass" | "passed" | "ok" | "okay" | "ready" | "success" | "succeeded" | "go" | "green" | "info"
            | "information" | "informational" | "none" | "low" | "minor" | "trivial" | "healthy" | "normal" => {
                Self::Pass
            }
            "warn" | "warning" | "warnings" | "atrisk" | "yellow" | "amber" | "orange" | "medium" | "moderate"
            | "degraded" | "throttled" | "skipped" => Self::Warn,
            "fail" | "failed" | "failing" | "failure" | "error" | "errors" | "critical" | "fatal" | "blocker"
            | "block" | "blocked" | "blocking" | "no" | "nogo" | "stop" | "stopped" | "red" | "high" | "severe"
            | "major" | "urgent" | "emergency" | "emerg" | "alert" | "panic" | "halt" | "halted" | "rejected"
            | "aborted" | "crashed" => Self::Fail,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_every_vocabulary_are_understood_and_unknown_ones_are_not_a_pass() {
        for (word, expect) in [
            ("PASS", Some(Status::Pass)),
            (" ready ", Some(Status::Pass)),
            ("At Risk", Some(Status::Warn)),
            ("at_risk", Some(Status::Warn)),
            ("no-go", Some(Status::Fail)),
            ("purple", None),
            ("", None),
        ] {
            assert_eq!(Status::from_word(word), expect, "{word:?}");
            assert_eq!(Status::of_state(word), expect, "{word:?}");
        }
        for (word, severity, state) in [
            ("Blocker", Some(Status::Fail), None),
            ("HIGH", Some(Status::Fail), None),
            ("low", Some(Status::Pass), None),
            ("none", Some(Status::Pass), None),
            ("Timed Out", None, Some(Status::Fail)),
            ("inconclusive", None, Some(Status::Warn)),
            ("met", None, Some(Status::Pass)),
            ("FALSE", None, Some(Status::Fail)),
        ] {
            assert_eq!((Status::from_word(word), Status::of_state(word)), (severity, state), "{word:?}");
        }
    }

    #[test]
    fn whatever_both_vocabularies_know_means_the_same_in_both() {
        for word in ["ok", "degraded", "skipped", "blocked", "alert", "stop", "halted", "crashed", "throttled"] {
            assert_eq!(Status::from_word(word), Status::of_state(word), "{word}");
        }
    }
}
