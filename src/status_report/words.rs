//! The words of status reports: headings, labels, and ways of saying "none".

use super::{Kind, State};
use crate::prose;

/// What a section of a report is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    /// Items of one kind; where the heading says so (`Done`, `In progress`), with that state.
    Items(Kind, Option<State>),
    /// The story of the day: kept for the minutes, no items.
    Narrative,
    /// What happened, in order of time: kept for the minutes like the story.
    History,
    /// Who took part.
    People,
}

/// Lower-case words of `text`, joined by single blanks and with a blank at both ends.
pub(crate) fn plain(text: &str) -> String {
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

/// Phrases for decisions that nobody has taken yet.
const UNDECIDED: &[&str] = &[
    "decision needed",
    "decisions needed",
    "decision required",
    "decisions required",
    "decision pending",
    "decisions pending",
    "decision requested",
    "decisions requested",
    "decision request",
    "decision requests",
    "decision outstanding",
    "decisions outstanding",
    "decision due",
    "decisions due",
    "decision open",
    "decisions open",
    "decisions awaited",
    "decisions wanted",
    "decisions to be made",
    "decisions to be taken",
    "decisions to make",
    "decisions to take",
    "decision to make",
    "decision to take",
    "decisions still",
    "decisions remaining",
    "decisions we need",
    "decisions that are needed",
    "pending decision",
    "pending decisions",
    "open decision",
    "open decisions",
    "outstanding decision",
    "outstanding decisions",
    "unresolved decisions",
    "upcoming decisions",
    "remaining decisions",
    "needed decisions",
    "required decisions",
    "next decisions",
    "awaiting decision",
    "awaiting decisions",
    "awaiting a decision",
    "needs decision",
    "needs a decision",
    "need a decision",
    "for decision",
    "to decide",
    "to be decided",
    "not yet decided",
    "not decided",
    "undecided",
];

/// Whether `text` speaks of something that is still to be decided.
pub(crate) fn is_undecided(text: &str) -> bool {
    let words = plain(text);
    let leads = [
        " decide ",
        " decision pending ",
        " pending ",
        " tbd ",
        " tbc ",
        " awaiting ",
        " choose whether ",
        " whether ",
    ];
    text.trim_end().ends_with('?')
        || leads.iter().any(|lead| words.starts_with(lead))
        || UNDECIDED.iter().chain(&["awaiting approval", "tbd"]).any(|phrase| words.contains(&format!(" {phrase} ")))
}

/// Phrases of headings, the more telling ones first.
const HEADINGS: &[(&[&str], Topic)] = &[
    (&["definition of", "table of contents"], Topic::Narrative),
    (
        &["new action", "new actions", "new action item", "new action items", "new tasks", "new todos"],
        Topic::Items(Kind::NewAction, None),
    ),
    (UNDECIDED, Topic::Items(Kind::Decision, Some(State::Open))),
    (&["decision", "decisions", "decided"], Topic::Items(Kind::Decision, None)),
    (
        &[
            "overall status",
            "overall health",
            "overall rag",
            "project status",
            "project health",
            "program status",
            "program health",
            "programme status",
            "programme health",
            "release status",
            "release health",
            "rag status",
            "status at a glance",
            "health at a glance",
            "health check",
            "traffic light",
            "traffic lights",
            "status dashboard",
            "status indicators",
        ],
        Topic::Items(Kind::Overall, None),
    ),
    (
        &[
            "timeline",
            "chronology",
            "sequence of events",
            "what happened",
            "event log",
            "log of events",
            "incident log",
        ],
        Topic::History,
    ),
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
            "goals",
            "progress",
        ],
        Topic::Narrative,
    ),
];

/// What the section under this heading holds; `None` if the heading does not tell.
pub(crate) fn topic(heading: &str) -> Option<Topic> {
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

/// Whether a label names the state of the whole: `Overall status:`. One of a single common word, such as `Status:`, is
/// `Some(false)`: it may as well tell of the document.
pub(crate) fn names_the_whole(label: &str) -> Option<bool> {
    let words = plain(label);
    match words.trim() {
        "status"
        | "state"
        | "health"
        | "rag"
        | "rag status"
        | "current status"
        | "traffic light"
        | "recommendation"
        | "release recommendation"
        | "go no go"
        | "go no go decision"
        | "go no go recommendation" => Some(false),
        _ if words.starts_with(" overall ") && words.split_whitespace().count() <= 4 => Some(true),
        words => {
            let (first, last) = words.split_once(' ')?;
            let whole = ["project", "program", "programme", "release", "sprint", "team", "weekly", "health", "report"];
            let said = ["status", "health", "rag", "rag status", "health status", "traffic light"];
            (whole.contains(&first) && said.contains(&last)).then_some(true)
        }
    }
}

/// The kind of item that a label at the start of a line announces, such as `Decision:`; where the label says so
/// (`Decision needed:`), with its state.
pub(crate) fn kind_of_label(label: &str) -> Option<(Kind, Option<State>)> {
    let words = plain(label);
    if UNDECIDED.contains(&words.trim()) {
        return Some((Kind::Decision, Some(State::Open)));
    }
    let kind = match words.trim() {
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
    };
    Some((kind, None))
}

/// What a labelled value or a column of a table says about an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Reference,
    Title,
    Owner,
    Status,
    Percent,
    Due,
    /// A label that speaks of blockers alone: whatever is there blocks.
    Blockers,
    /// A label that also covers dependencies: it blocks only where it says so.
    Dependencies,
    Next,
    Trend,
    /// Severity, impact or likelihood: counts where there is no status.
    Severity,
}

/// Understands a label; `None` for one that is kept as it is.
pub(crate) fn field(label: &str) -> Option<Field> {
    match label.trim() {
        "%" => return Some(Field::Percent),
        "#" => return Some(Field::Reference),
        _ => {}
    }
    Some(match plain(label).trim() {
        "id" | "ref" | "reference" | "key" | "ticket" | "no" | "nr" | "number" => Field::Reference,
        "action" | "actions" | "action item" | "task" | "item" | "title" | "description" | "summary" | "risk"
        | "story" | "decision" | "what" | "name" | "work item" | "issue" | "question" | "priority item"
        | "blocker name" | "next step" | "deliverable" | "follow up" | "escalation" | "decision needed"
        | "decision required" | "pending decision" | "open decision" => Field::Title,
        "owner" | "owners" | "assignee" | "assigned to" | "assigned" | "responsible" | "lead" | "dri" | "who"
        | "poc" | "owned by" => Field::Owner,
        "status" | "state" | "rag" | "rag status" | "health" | "current status" => Field::Status,
        "percent" | "complete" | "percent complete" | "progress" | "completion" => Field::Percent,
        "due" | "due date" | "due by" | "due on" | "deadline" | "eta" | "target" | "target date" | "by" | "by when"
        | "when" | "needed by" | "required by" | "decide by" | "complete by" | "finish by" => Field::Due,
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
pub(crate) fn is_none(text: &str) -> bool {
    let words = plain(text);
    let words = words.trim();
    if prose::is_nothing(text) || prose::is_nothing(words) {
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

#[cfg(test)]
mod tests {
    use super::*;

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
            ("Decisions Needed", Some(Topic::Items(Kind::Decision, Some(State::Open)))),
            ("3. Open decisions for the board", Some(Topic::Items(Kind::Decision, Some(State::Open)))),
            ("Incident timeline", Some(Topic::History)),
            ("Merge and validation", None),
        ] {
            assert_eq!(topic(heading), expect, "{heading}");
        }
    }
}
