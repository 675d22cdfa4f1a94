//! The words of status reports: headings, labels, states, and ways of saying "none".

use super::{Kind, State, Trend};
use crate::finding::Status;

/// What a section of a report is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Topic {
    /// Items of one kind; where the heading says so (`Done`, `In progress`), with that state.
    Items(Kind, Option<State>),
    /// The story of the day: kept for the minutes, no items.
    Narrative,
    /// Who took part.
    People,
}

/// Lower-case words of `text`, joined by single blanks and with a blank at both ends.
pub(super) fn plain(text: &str) -> String {
    let mut words = String::from(" ");
    for c in text.chars() {
        if c.is_alphanumeric() {
            words.extend(c.to_lowercase());
        } else if !words.ends_with(' ') {
            words.push(' ');
        }
    }
    if !words.ends_with(' ') {
        words.push(' ');
    }
    words
}

/// Phrases of headings, the more telling ones first.
const HEADINGS: &[(&[&str], Topic)] = &[
    (&["definition of", "table of contents"], Topic::Narrative),
    (
        &["new action", "new actions", "new action item", "new action items", "new tasks", "new todos"],
        Topic::Items(Kind::NewAction, None),
    ),
    (&["decision", "decisions", "decided"], Topic::Items(Kind::Decision, None)),
    (&["risk", "risks", "raid"], Topic::Items(Kind::Risk, None)),
    (&["escalation", "escalations", "escalated"], Topic::Items(Kind::Escalation, None)),
    (
        &["blocker", "blockers", "blocked", "impediment", "impediments", "showstoppers"],
        Topic::Items(Kind::Blocker, None),
    ),
    (&["question", "questions"], Topic::Items(Kind::Question, None)),
    (&["story", "stories", "epic", "epics"], Topic::Items(Kind::Story, None)),
    (&["priority", "priorities", "focus for", "top of the list"], Topic::Items(Kind::Priority, None)),
    (
        &[
            "action",
            "actions",
            "task",
            "tasks",
            "todo",
            "todos",
            "to do",
            "to dos",
            "checklist",
            "work items",
            "open items",
            "follow up",
            "follow ups",
            "followup",
            "followups",
            "assignments",
        ],
        Topic::Items(Kind::Action, None),
    ),
    (
        &[
            "next step",
            "next steps",
            "outstanding",
            "what s next",
            "up next",
            "upcoming",
            "remaining",
            "roadmap",
            "delivery plan",
            "still to come",
        ],
        Topic::Items(Kind::NextStep, None),
    ),
    (&["in progress", "doing", "ongoing", "wip"], Topic::Items(Kind::Action, Some(State::Open))),
    (
        &["done", "completed", "accomplished", "accomplishments", "achievements", "finished", "shipped", "closed"],
        Topic::Items(Kind::Action, Some(State::Done)),
    ),
    (&["deliverable", "deliverables", "artifacts", "artefacts"], Topic::Items(Kind::Deliverable, None)),
    (&["verification", "tests run", "how verified"], Topic::Items(Kind::Verification, None)),
    (
        &["issue", "issues", "problems", "concerns", "gaps", "gap themes", "defects", "bugs"],
        Topic::Items(Kind::Issue, None),
    ),
    (&["attendees", "participants", "present"], Topic::People),
    (
        &[
            "summary",
            "overview",
            "notes",
            "highlights",
            "introduction",
            "background",
            "context",
            "agenda",
            "timeline",
            "goals",
            "progress",
        ],
        Topic::Narrative,
    ),
];

/// What the section under this heading holds; `None` where the heading does not tell.
pub(super) fn topic(heading: &str) -> Option<Topic> {
    let words = plain(heading);
    let named = |phrases: &[&str]| phrases.iter().any(|phrase| words.contains(&format!(" {phrase} ")));
    if let Some((_, topic)) = HEADINGS.iter().find(|(phrases, _)| named(phrases)) {
        return Some(*topic);
    }
    match words.trim() {
        "next" | "plan" | "now" | "later" => Some(Topic::Items(Kind::NextStep, None)),
        "validation" | "testing" | "checks" => Some(Topic::Items(Kind::Verification, None)),
        "open" | "planned" => Some(Topic::Items(Kind::Action, Some(State::Open))),
        _ => None,
    }
}

/// The kind of item that a label at the start of a line announces, such as `Decision:`.
pub(super) fn kind_of_label(label: &str) -> Option<Kind> {
    Some(match plain(label).trim() {
        "decision" | "decisions" | "decided" => Kind::Decision,
        "escalation" | "escalations" | "escalated" => Kind::Escalation,
        "risk" | "risks" => Kind::Risk,
        "action" | "actions" | "action item" | "action items" | "task" | "tasks" | "todo" | "to do" | "ai" => {
            Kind::Action
        }
        "new action" | "new action item" => Kind::NewAction,
        "next step" | "next steps" | "next" | "follow up" | "follow ups" | "followup" | "followups" => Kind::NextStep,
        "blocker" | "blockers" | "blocked" | "impediment" | "impediments" => Kind::Blocker,
        "question" | "questions" | "open question" | "open questions" => Kind::Question,
        "priority" | "priorities" => Kind::Priority,
        "story" | "stories" => Kind::Story,
        "issue" | "issues" | "known issues" | "problem" | "problems" => Kind::Issue,
        "progress" | "completion" | "update" => Kind::Progress,
        _ => return None,
    })
}

/// What a labelled value or a column of a table says about an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Reference,
    Title,
    Owner,
    Status,
    Percent,
    Due,
    /// A label that speaks of blockers alone: whatever stands there blocks.
    Blockers,
    /// A label that also covers dependencies: it blocks only where it says so.
    Dependencies,
    Next,
    Trend,
    /// Severity, impact or likelihood: counts where there is no status.
    Severity,
}

/// Understands a label; `None` for one that is kept as it is.
pub(super) fn field(label: &str) -> Option<Field> {
    match label.trim() {
        "%" => return Some(Field::Percent),
        "#" => return Some(Field::Reference),
        _ => {}
    }
    Some(match plain(label).trim() {
        "id" | "ref" | "reference" | "key" | "ticket" | "no" | "nr" | "number" => Field::Reference,
        "action" | "actions" | "action item" | "task" | "item" | "title" | "description" | "summary" | "risk"
        | "story" | "decision" | "what" | "name" | "work item" | "issue" | "question" | "priority item"
        | "blocker name" | "next step" | "deliverable" | "follow up" | "escalation" => Field::Title,
        "owner" | "owners" | "assignee" | "assigned to" | "assigned" | "responsible" | "lead" | "dri" | "who"
        | "poc" | "owned by" => Field::Owner,
        "status" | "state" | "rag" | "rag status" | "health" | "current status" => Field::Status,
        "percent" | "complete" | "percent complete" | "progress" | "completion" => Field::Percent,
        "due" | "due date" | "deadline" | "eta" | "target" | "target date" | "by" | "by when" | "when" => Field::Due,
        "blocker" | "blockers" | "blocked by" | "blocked on" | "impediment" | "impediments" => Field::Blockers,
        "blockers dependencies" | "dependencies" | "depends on" | "dependency" | "waiting on" | "waiting for" => {
            Field::Dependencies
        }
        "next" | "next steps" | "next action" | "next actions" => Field::Next,
        "trend" | "direction" => Field::Trend,
        "severity" | "impact" | "rating" | "likelihood" | "exposure" => Field::Severity,
        _ => return None,
    })
}

/// Whether a value says that there is nothing: `None`, `n/a`, `No blockers.`
pub(super) fn is_none(text: &str) -> bool {
    let words = plain(text);
    let words = words.trim();
    if words.is_empty() || ["na", "n a", "nil", "no", "nothing", "none", "not applicable"].contains(&words) {
        return true;
    }
    let leads = |rest: &str, list: &[&str]| {
        list.iter().any(|word| rest.strip_prefix(word).is_some_and(|after| after.is_empty() || after.starts_with(' ')))
    };
    let lower = text.trim().to_lowercase();
    let closed = |word: &str| lower.strip_prefix(word).is_some_and(|rest| rest.starts_with(['.', ';', ',', ' ', ':']));
    if let Some(rest) = words.strip_prefix("none ").filter(|_| closed("none")) {
        let stop = !lower["none".len()..].starts_with(' ');
        let more = [
            "required",
            "needed",
            "outstanding",
            "known",
            "at",
            "so",
            "today",
            "this",
            "for",
            "reported",
            "open",
            "currently",
            "identified",
            "new",
            "yet",
        ];
        return stop || leads(rest, &more);
    }
    if let Some(rest) = words.strip_prefix("nothing to ") {
        return leads(rest, &["report", "do", "escalate", "decide", "add", "note"]);
    }
    let nouns = [
        "blocker",
        "blockers",
        "escalation",
        "escalations",
        "risks",
        "new risks",
        "decisions",
        "dependencies",
        "open questions",
        "questions",
        "issues",
        "actions",
        "new actions",
    ];
    words.strip_prefix("no ").is_some_and(|rest| leads(rest, &nouns))
}

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
        ],
    ),
    (State::Green, &["green"]),
    (State::Yellow, &["yellow", "amber", "orange"]),
    (State::Red, &["red"]),
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
    ('⛔', State::Blocked),
    ('🛑', State::Blocked),
    ('🚫', State::Blocked),
    ('🔴', State::Red),
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
pub(super) fn take_mark(text: &str) -> Option<(State, &str)> {
    let mut chars = text.chars();
    let first = chars.next()?;
    let (_, state) = MARKS.iter().find(|(mark, _)| *mark == first)?;
    Some((*state, chars.as_str().trim_start_matches('\u{fe0f}').trim_start()))
}

/// The state that `text` states first; `None` where it names no state that anybody has defined.
///
/// A claim of success is not believed where the same text says that something failed, is blocked or is missing.
pub(super) fn state(text: &str) -> Option<State> {
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
pub(super) fn percent(text: &str) -> Option<f64> {
    let end = text.find('%')?;
    let before = text[..end].trim_end();
    let start = before
        .rfind(|c: char| !c.is_ascii_digit() && c != '.')
        .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
    before[start..].parse().ok().filter(|share| (0.0..=100.0).contains(share))
}

/// Which way a risk went, and from which colour, where the text says so: `↓ from Yellow`, `improving`.
pub(super) fn trend(text: &str) -> Option<(Trend, Option<String>)> {
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

    #[test]
    fn nothing_is_said_in_many_ways() {
        for text in ["None", "n/a", "-", "–", "None required; all is well.", "No blockers.", "Nothing to report"] {
            assert!(is_none(text), "{text}");
        }
        for text in ["No-op deploy", "Nobody knows", "None-blocking review", "Nothing to mount on /data", "No backups"]
        {
            assert!(!is_none(text), "{text}");
        }
    }

    #[test]
    fn headings_name_their_topic() {
        for (heading, expect) in [
            ("2. Action Item Completion Status", Some(Topic::Items(Kind::Action, None))),
            ("8. New Action Items Logged", Some(Topic::Items(Kind::NewAction, None))),
            ("Outstanding / Next Steps", Some(Topic::Items(Kind::NextStep, None))),
            ("9. Decisions and Escalations", Some(Topic::Items(Kind::Decision, None))),
            ("Sprint Story Progress Review", Some(Topic::Items(Kind::Story, None))),
            ("Done last week", Some(Topic::Items(Kind::Action, Some(State::Done)))),
            ("Definition of done", Some(Topic::Narrative)),
            ("Merge and validation", None),
        ] {
            assert_eq!(topic(heading), expect, "{heading}");
        }
    }
}
