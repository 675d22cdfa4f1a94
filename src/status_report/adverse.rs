//! What a line of a report says against the whole, although it is no item: a result, a badge, a figure beside its goal.

use super::State;
use super::head;
use super::states::take_mark;
use super::words::plain;
use crate::prose::{self, Phrase};

/// Words of failure that are a whole cell, or all that is said behind a label.
const FAILED: [&str; 17] = [
    "broken",
    "did not pass",
    "error",
    "fail",
    "failed",
    "failing",
    "failure",
    "ko",
    "no go",
    "not met",
    "not ok",
    "not passed",
    "not ready",
    "red",
    "refused",
    "rejected",
    "unmet",
];
/// Labels behind which "no" refuses and "pending" leaves open.
const CONSENT: [&str; 10] = [
    "accepted",
    "approval",
    "approved",
    "go live",
    "passed",
    "ready",
    "ready for release",
    "sign off",
    "signed off",
    "signoff",
];
/// What people count that is met or not.
const COUNTED: [&str; 16] = [
    "cases",
    "checks",
    "criteria",
    "drills",
    "gates",
    "goals",
    "objectives",
    "probes",
    "requirements",
    "scenarios",
    "slos",
    "suites",
    "targets",
    "tests",
    "exercises",
    "rehearsals",
];

/// Whether a line of a report says that something failed, is refused, or misses its goal.
pub(super) fn is_adverse(text: &str) -> bool {
    if text.contains('<') && text.contains('>') {
        return pieces(text).any(|piece| is_adverse_cell(piece) || is_adverse(piece));
    }
    if text.contains('|') && text.split('|').any(is_adverse_cell) {
        return true;
    }
    let words = Phrase::of(text);
    prose::states_failure(text)
        || is_stopped(&words)
        || prose::withholds_consent(text)
        || prose::is_not_ready(text)
        || head::label(text).is_some_and(|(label, value)| is_adverse_value(label, value))
        || is_unmet(&words)
        || is_open(&words)
        || misses_goal(text)
}

/// Whether a cell of a table is a word or a mark of failure.
pub(super) fn is_adverse_cell(text: &str) -> bool {
    let words = plain(text);
    let marked = take_mark(text.trim_start()).is_some_and(|(state, _)| matches!(state, State::Blocked | State::Red));
    marked || FAILED.contains(&words.trim()) || prose::states_failure(text)
}

/// The texts between the tags of HTML.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    text.split('<')
        .map(|part| part.split_once('>').map_or(part, |(_, text)| text).trim())
        .filter(|piece| !piece.is_empty())
}

/// `Result: ✗`, `CI: red`, `Approved: no`, `Sign-off: pending`.
fn is_adverse_value(label: &str, value: &str) -> bool {
    let said = value.split(['.', ';', ',']).next().unwrap_or_default();
    let words = plain(said);
    let consent = CONSENT.contains(&plain(label).trim());
    is_adverse_cell(said)
        || value.contains("(red)")
        || consent
            && matches!(words.trim(), "no" | "not yet" | "pending" | "denied" | "outstanding" | "missing" | "withheld")
}

/// "The release was rejected by risk", "Rollout blocked by the vendor"; orders may be rejected.
fn is_stopped(words: &Phrase<'_>) -> bool {
    const WHOLE: [&str; 8] =
        ["build", "candidate", "deployment", "launch", "rehearsal", "release", "rollout", "version"];
    (0..words.len()).any(|at| {
        matches!(words.lower(at), "rejected" | "refused" | "blocked" | "vetoed")
            && matches!(words.lower(at + 1), "by" | "until")
            && (at.saturating_sub(3)..at)
                .any(|before| WHOLE.contains(&words.lower(before)) && (before..at).all(|word| !words.is_not(word)))
    })
}

/// "3 of 5 criteria met", "Checks passed: 8/10", "not all criteria are met", "criteria not met: 2".
fn is_unmet(words: &Phrase<'_>) -> bool {
    let has = |list: &[&str]| (0..words.len()).any(|at| list.contains(&words.lower(at)));
    let number = |at: usize| words.lower(at).parse::<u64>().ok();
    let fewer = |at: usize| {
        let of = match (words.lower(at + 1), words.mark(at)) {
            ("of", "") => number(at + 2),
            (_, "/") => number(at + 1),
            _ => None,
        };
        number(at).zip(of).is_some_and(|(met, of)| met < of)
    };
    const MET: [&str; 10] =
        ["met", "passed", "passing", "pass", "green", "ok", "reached", "satisfied", "succeeded", "successful"];
    let denied = |at: usize| match (words.lower(at), words.lower(at + 1)) {
        ("not", "all") => true,
        ("not", next) => MET.contains(&next) && !matches!(words.lower(at + 2), "0" | "none"),
        _ => false,
    };
    has(&COUNTED) && has(&MET) && (0..words.len()).any(|at| fewer(at) || denied(at))
}

/// "Open incidents: 2", "Severity 1 incidents open: 1".
fn is_open(words: &Phrase<'_>) -> bool {
    let has = |list: &[&str]| (0..words.len()).any(|at| list.contains(&words.lower(at)));
    let some = |at: usize| {
        words.mark(at).starts_with([':', '=']) && words.lower(at + 1).parse::<u64>().is_ok_and(|count| count > 0)
    };
    has(&["open", "unresolved", "outstanding"])
        && has(&["incident", "incidents", "blocker", "blockers", "defects", "bugs", "showstoppers", "failures"])
        && (0..words.len()).any(some)
}

/// "Coverage: 12 % (goal 80 %)", "Error rate 12 % (limit 1 %)".
fn misses_goal(text: &str) -> bool {
    let shares = shares(text);
    let words = plain(text);
    let has = |list: &[&str]| list.iter().any(|word| words.contains(&format!(" {word} ")));
    // Neither more nor less of these is better by itself.
    if shares.len() < 2
        || has(&["budget", "cost", "cpu", "load", "memory", "disk", "usage", "utilisation", "utilization", "progress"])
    {
        return false;
    }
    let lower_is_better = has(&[
        "crashes", "defects", "downtime", "drop", "dropped", "error", "errors", "failure", "failures", "latency",
        "loss", "lost", "misses", "noise",
    ]);
    let lower = text.to_lowercase();
    shares.windows(2).any(|pair| {
        let between = lower.get(pair[0].0..pair[1].0).unwrap_or_default();
        let says = |list: &[&str]| list.iter().any(|word| between.contains(word));
        let (is, asked) = (pair[0].1, pair[1].1);
        if says(&["limit", "at most", "maximum", "max ", "≤", "<="]) {
            is > asked
        } else if says(&[
            "goal",
            "target",
            "slo",
            "sla",
            "objective",
            "required",
            "minimum",
            "at least",
            "threshold",
            "≥",
            ">=",
        ]) {
            if lower_is_better { is > asked } else { is < asked }
        } else {
            false
        }
    })
}

/// The percentages of a text, each with where it ends.
fn shares(text: &str) -> Vec<(usize, f64)> {
    let share = |(at, _): (usize, &str)| {
        let before = text[..at].trim_end();
        let digits = before.bytes().rev().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
        Some((at, before[before.len() - digits..].parse().ok()?))
    };
    text.match_indices('%').filter_map(share).collect()
}

/// What a badge says by its address: `badge/build-failing-red.svg` is "build: failing"; red is said of figures.
pub(super) fn badge(url: &str) -> Option<String> {
    let path = url.split_once("/badge/")?.1.split('?').next()?;
    let path = [".svg", ".png"].iter().find_map(|end| path.strip_suffix(end)).unwrap_or(path);
    let path = path.replace("%20", " ").replace("%25", "%").replace('_', " ").replace("--", "\u{0}");
    let mut parts: Vec<&str> = path.split('-').collect();
    let colour = parts.pop().filter(|_| parts.len() >= 2)?;
    let message = parts[1..].join("-").replace('\u{0}', "-");
    let red = message.contains('%') && matches!(colour, "red" | "critical" | "e05d44");
    Some(format!("{}: {message}{}.", parts[0].replace('\u{0}', "-"), if red { " (red)" } else { "" }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_speaks_against_the_whole_is_told_from_what_does_not() {
        for text in [
            "Coverage: 12 % (goal 80 %)",
            "Test coverage 12% (target: 80%)",
            "Coverage is 12%, goal is 80%",
            "Uptime: 91.2% (SLO 99.9%)",
            "Error rate: 12% (limit 1%)",
            "Error rate: 12% (target 1%)",
            "<tr><td>Feed</td><td>FAIL</td></tr>",
            "<tr><td>Feed</td><td>❌</td></tr>",
            "<b>Status:</b> FAILED",
            "Tests: 3 failed, 97 passed",
            "The smoke test failed.",
            "Rollback drill: did not pass",
            "Quality gate: ERROR",
            "We are not ready.",
            "I do not approve this release.",
            "Sign-off: refused",
            "Sign-off: pending",
            "Approved: no",
            "CI: red",
            "Pipeline: broken",
            "Result: ✗",
            "Open incidents: 2",
            "Severity 1 incidents open: 1",
            "Criteria met: 3 of 5",
            "Not all criteria are met.",
            "Criteria not met: 2",
            "The release was rejected by risk.",
            "Release blocked by the vendor",
            "Restore drill | ❌",
            "8/10 checks passed",
        ] {
            assert!(is_adverse(text), "{text}");
        }
        for text in [
            "Coverage: 92 % (goal 80 %)",
            "Uptime: 99.95% (SLO 99.9%)",
            "Error rate: 0.1% (limit 1%)",
            "Error rate: 0.1% (target 1%)",
            "<tr><td>Feed</td><td>PASS</td></tr>",
            "Tests: 0 failed, 97 passed",
            "The smoke test failed last week and was fixed.",
            "Rollback drill: passed",
            "No test failed.",
            "We are ready.",
            "Sign-off: given",
            "Approved: yes",
            "Open incidents: 0",
            "Open blockers: none",
            "Criteria met: 5 of 5",
            "10/10 checks passed",
            "If a check fails, we roll back.",
            "We grew 12 % this week.",
            "Load 40 % (target 60 %)",
            "On 3/4 all tests ran",
            "Criteria not met: 0",
            "Orders were rejected by the exchange",
            "Budget used: 40 % of the year (target 50 %)",
            "Failed orders are retried.",
            "",
        ] {
            assert!(!is_adverse(text), "{text}");
        }
    }

    #[test]
    fn badges_say_what_their_address_says() {
        for (url, expect) in [
            ("https://img.shields.io/badge/build-failing-red.svg", Some("build: failing.")),
            ("https://img.shields.io/badge/tests-3%20failed-red", Some("tests: 3 failed.")),
            ("https://img.shields.io/badge/coverage-12%25-red", Some("coverage: 12% (red).")),
            ("https://img.shields.io/badge/coverage-92%25-brightgreen", Some("coverage: 92%.")),
            ("https://example.org/picture.png", None),
        ] {
            assert_eq!(badge(url).as_deref(), expect, "{url}");
        }
    }
}
