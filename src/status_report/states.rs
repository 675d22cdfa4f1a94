//! How far work is, in the words and marks of status reports.

use super::words::plain;
use super::{State, Trend};
use crate::finding::Status;
use crate::prose::withholds_consent;

/// The phrases of states, compared word by word from the start of the text.
const STATES: &[(State, &[&str])] = &[
    (
        State::Open,
        &[
            "not",
            "open",
            "todo",
            "to do",
            "new",
            "in progress",
            "progressing",
            "wip",
            "started",
            "ongoing",
            "pending",
            "on track",
            "planned",
            "scheduled",
            "active",
            "draft",
            "drafted",
            "incomplete",
            "partial",
            "partially",
            "in review",
            "under review",
            "doing",
            "queued",
            "unblocked",
            "not started",
            "reopened",
            "backlog",
            "in development",
            "in flight",
            "assigned",
            "proposed",
            "mostly",
            "nearly",
            "almost",
            "half",
            "underway",
        ],
    ),
    (
        State::AtRisk,
        &[
            "at risk",
            "waiting",
            "on hold",
            "hold",
            "paused",
            "deferred",
            "delayed",
            "slipping",
            "slipped",
            "behind",
            "postponed",
            "parked",
            "needs attention",
            "unclear",
        ],
    ),
    (State::Blocked, &["blocked", "stuck", "failed", "fail", "failing", "no go", "rejected", "broken"]),
    (State::Overdue, &["overdue", "late", "missed", "past due"]),
    (
        State::Ready,
        &["ready", "ready for review", "ready for deployment", "ready to merge", "ready to ship", "code complete"],
    ),
    (
        State::Done,
        &[
            "done",
            "complete",
            "completed",
            "closed",
            "resolved",
            "shipped",
            "merged",
            "delivered",
            "finished",
            "approved",
            "accepted",
            "verified",
            "signed off",
            "deployed",
            "released",
            "cancelled",
            "canceled",
            "obsolete",
            "dropped",
            "won t do",
            "wontfix",
            "fixed",
            "mitigated",
            "retired",
            "implemented",
            "landed",
            "achieved",
            "decided",
            "agreed",
            "adopted",
        ],
    ),
    (State::Green, &["green"]),
    (State::Yellow, &["yellow", "amber", "orange"]),
    (State::Red, &["red", "off track", "off schedule", "in trouble"]),
];

/// Marks that stand for a state.
const MARKS: &[(char, State)] = &[
    ('✅', State::Done),
    ('☑', State::Done),
    ('✔', State::Done),
    ('✓', State::Done),
    ('❌', State::Blocked),
    ('✗', State::Blocked),
    ('✘', State::Blocked),
    ('✖', State::Blocked),
    ('⛔', State::Blocked),
    ('🛑', State::Blocked),
    ('🚫', State::Blocked),
    ('👎', State::Blocked),
    ('🔴', State::Red),
    ('🟥', State::Red),
    ('🟡', State::Yellow),
    ('🟠', State::Yellow),
    ('⚠', State::AtRisk),
    ('🟢', State::Green),
    ('⏳', State::Open),
    ('🚧', State::Open),
    ('🔄', State::Open),
    ('☐', State::Open),
    ('⬜', State::Open),
];

/// Takes a mark such as ✅ off the start of `text`.
pub(crate) fn take_mark(text: &str) -> Option<(State, &str)> {
    let mut chars = text.chars();
    let first = chars.next()?;
    let (_, state) = MARKS.iter().find(|(mark, _)| *mark == first)?;
    Some((*state, chars.as_str().trim_start_matches('\u{fe0f}').trim_start()))
}

/// The state that `text` states first; `None` if it names no state that anybody has defined.
///
/// A claim of success is not believed where the same text says that something failed, is blocked or is missing.
pub(crate) fn state(text: &str) -> Option<State> {
    let (mark, rest) = take_mark(text.trim()).map_or((None, text), |(state, rest)| (Some(state), rest));
    let words = plain(rest);
    match rest.trim() {
        "[x]" | "[X]" => return Some(State::Done),
        "[ ]" | "[]" => return Some(State::Open),
        _ => {}
    }
    let mut best: Option<(usize, State)> = None;
    for (state, phrases) in STATES {
        for phrase in *phrases {
            let length = phrase.len();
            let leads = words[1..].strip_prefix(phrase).is_some_and(|after| after.starts_with(' '));
            if leads && best.is_none_or(|(longest, _)| length > longest) {
                best = Some((length, *state));
            }
        }
    }
    let stated = best.map(|(_, state)| state).or(mark).or_else(|| percent_state(rest)).or_else(|| judged(rest))?;
    let doubt = [" blocked", " fail", " not ", " except ", " missing ", " partial", " incomplete ", " stuck "];
    let denied = [" not blocked", " no fail", " 0 fail", " zero fail", " without fail"];
    let success = stated.severity() == Status::Pass;
    let doubtful = doubt.iter().any(|word| words.contains(word)) && !denied.iter().any(|word| words.contains(word));
    Some(match percent(rest) {
        Some(share) if success && share < 100.0 && stated != State::Green => State::Open,
        _ if success && doubtful => State::AtRisk,
        _ => stated,
    })
}

/// The words that stand for a work's state where they are written in capitals, wherever they are.
const SHOUTED: [&str; 22] = [
    "done",
    "todo",
    "to do",
    "wip",
    "blocked",
    "stuck",
    "fixed",
    "closed",
    "resolved",
    "complete",
    "completed",
    "cancelled",
    "canceled",
    "wontfix",
    "pending",
    "overdue",
    "deferred",
    "postponed",
    "in progress",
    "not started",
    "on hold",
    "at risk",
];

/// Whether `text` is one of the words that stand for a state in capitals: `DONE`, `IN PROGRESS`.
pub(crate) fn is_shouted(text: &str) -> bool {
    let words = plain(text);
    !text.contains(char::is_lowercase) && SHOUTED.contains(&words.trim())
}

/// Whether a decision says no: `NO-GO`, `No-go until the disk is full`, `Rejected`.
pub(crate) fn is_refusal(text: &str) -> bool {
    let words = plain(text);
    let refused = ["no go", "nogo", "not approved", "not accepted", "not signed off", "do not go", "do not release"];
    let leads = |phrase: &&str| words[1..].strip_prefix(*phrase).is_some_and(|after| after.starts_with(' '));
    refused.iter().any(leads) || is_bare(text) && state(text).is_some_and(|state| state.severity() == Status::Fail)
}

/// The state in capitals that `text` starts with: `BLOCKED by the vendor`.
pub(crate) fn shouted(text: &str) -> Option<State> {
    let capitals = text.split_whitespace().take_while(|word| !word.contains(char::is_lowercase)).count();
    let words: Vec<&str> = text.split_whitespace().take(capitals.min(2)).collect();
    let loud = [words.join(" "), words.first().copied().unwrap_or_default().to_owned()];
    loud.iter().find(|word| is_shouted(word)).and_then(|word| state(word))
}

/// Whether `text` is a state and nothing else: `blocked`, `In progress`.
pub(crate) fn is_bare(text: &str) -> bool {
    let words = plain(text);
    STATES.iter().any(|(_, phrases)| phrases.contains(&words.trim())) || SHOUTED.contains(&words.trim())
}

/// The state of the whole that `text` tells: its worst light, else its words. On track is green here, as nobody asks
/// whether the whole is done.
pub(crate) fn overall(text: &str) -> Option<State> {
    let lights = text.chars().filter_map(|c| MARKS.iter().find(|(mark, _)| *mark == c)).map(|(_, state)| *state);
    let light = lights.max_by_key(|state| state.severity());
    let bare: String = text.chars().filter(|c| !MARKS.iter().any(|(mark, _)| mark == c)).collect();
    let words = plain(&bare);
    let good = [" on track ", " on schedule ", " on target ", " on plan ", " good ", " all good ", " fine "];
    let said = if good.iter().any(|good| words.starts_with(good)) { Some(State::Green) } else { state(&bare) };
    let withheld = withholds_consent(&bare).then_some(State::Red);
    light.into_iter().chain(withheld).chain(said).max_by_key(|state| state.severity())
}

/// Whether a cell of a table is a traffic light: it starts or ends with a coloured mark, or is a word for one.
pub(crate) fn is_light(text: &str) -> bool {
    let coloured = |c: char| matches!(c, '🔴' | '🟡' | '🟠' | '🟢' | '🟥' | '🟨' | '🟧' | '🟩' | '⛔' | '🛑');
    let text = text.trim().trim_end_matches('\u{fe0f}');
    let words = plain(text);
    let lights = ["red", "amber", "yellow", "orange", "green", "on track", "off track", "at risk"];
    text.starts_with(coloured) || text.ends_with(coloured) || lights.contains(&words.trim())
}

fn percent_state(text: &str) -> Option<State> {
    percent(text).map(|share| if share >= 100.0 { State::Done } else { State::Open })
}

/// The state for words of severity: `high`, `critical`, `low`.
fn judged(text: &str) -> Option<State> {
    let first = plain(text).split_whitespace().next()?.to_owned();
    // A low risk is not a finished one; a passed check is.
    let mild = ["low", "minor", "trivial", "none", "info", "normal", "healthy"].contains(&first.as_str());
    Status::from_word(text).or_else(|| Status::from_word(&first)).map(|status| match status {
        Status::Pass if !mild => State::Done,
        Status::Pass => State::Green,
        Status::Warn => State::Yellow,
        Status::Fail => State::Red,
    })
}

/// The first percentage in `text`, 0 to 100.
pub(crate) fn percent(text: &str) -> Option<f64> {
    let end = text.find('%')?;
    let before = text[..end].trim_end();
    let start = before
        .rfind(|c: char| !c.is_ascii_digit() && c != '.')
        .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
    before[start..].parse().ok().filter(|share| (0.0..=100.0).contains(share))
}

/// Which way a risk went, and from which colour, where the text says so: `↓ from Yellow`, `improving`.
pub(crate) fn trend(text: &str) -> Option<(Trend, Option<String>)> {
    let words = plain(text);
    let has = |list: &[&str]| list.iter().any(|word| words.contains(&format!(" {word} ")));
    let arrow = |marks: &[char]| text.contains(marks);
    let trend = if arrow(&['↓', '↘', '⬇', '▼']) || has(&["down", "improving", "improved", "decreasing", "falling"])
    {
        Trend::Down
    } else if arrow(&['↑', '↗', '⬆', '▲']) || has(&["up", "worsening", "worse", "increasing", "rising"]) {
        Trend::Up
    } else if arrow(&['→', '⬌', '↔', '➡']) || has(&["stable", "steady", "unchanged", "flat", "same"]) {
        Trend::Steady
    } else {
        return None;
    };
    let colour = ["green", "yellow", "amber", "orange", "red"].iter().find(|c| has(&[&format!("from {c}")]));
    Some((trend, colour.map(|c| (*c).to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_read_from_their_first_words_and_success_is_doubted() {
        for (text, expect) in [
            ("Done (100%)", Some(State::Done)),
            ("Ready for Review (100%)", Some(State::Ready)),
            ("Ready for deployment.", Some(State::Ready)),
            ("80% complete; waiting on benchmarks", Some(State::Open)),
            ("Done (90%)", Some(State::Open)),
            ("Done, but two tests fail", Some(State::AtRisk)),
            ("Done, not blocked", Some(State::Done)),
            ("not done", Some(State::Open)),
            ("unblocked", Some(State::Open)),
            ("Incomplete", Some(State::Open)),
            ("On Track; blocked only on data", Some(State::Open)),
            ("Blocked by the vault", Some(State::Blocked)),
            ("❌ rollback", Some(State::Blocked)),
            ("✅", Some(State::Done)),
            ("[x]", Some(State::Done)),
            ("High", Some(State::Red)),
            ("low", Some(State::Green)),
            ("No-Go", Some(State::Blocked)),
            ("overdue", Some(State::Overdue)),
            ("purple", None),
            ("", None),
        ] {
            assert_eq!(state(text), expect, "{text:?}");
        }
    }
}
