//! Status reports in Markdown: what they say about action items, risks, stories, decisions and next steps.
//!
//! Reports are read by their structure (headings, lists, tables), so that the layout of one team is as good as that
//! of another. What is not understood is listed with its line; nothing is dropped silently.

mod adverse;
mod dates;
mod head;
mod items;
mod line;
mod marks;
mod outline;
mod overall;
mod reader;
mod sections;
mod states;
mod words;

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::finding::Status;

/// Where the part of a file begins that `backlog --update` writes; readers skip that part.
pub const BEGIN: &str = "<!-- emp-ops:begin -->";
/// Where that part ends.
pub const END: &str = "<!-- emp-ops:end -->";

/// A status report.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Its first heading of the first level.
    pub title: Option<String>,
    /// The day that it reports on, where it says so.
    pub day: Option<NaiveDate>,
    /// The story of the day: summaries, overviews and notes, in order.
    pub overview: Vec<Line>,
    /// Who took part, as the report names them.
    pub people: Vec<String>,
    /// What needs, or needed, somebody's work.
    pub items: Vec<Outcome>,
    /// What the report itself says about its readiness.
    pub claims: Vec<Claim>,
    /// What was not understood.
    pub unread: Vec<Line>,
}

/// A piece of text with its line (from 1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The line, counted from 1.
    pub line: u64,
    /// The text, without its markup.
    pub text: String,
}

/// `10/10 tracked items done or ready`: a report's own figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The line, counted from 1.
    pub line: u64,
    /// How many it says are done or ready.
    pub ready: u64,
    /// Of how many.
    pub tracked: u64,
}

/// One item of a report.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// What it is.
    pub kind: Kind,
    /// The line, counted from 1.
    pub line: u64,
    /// The report's own name for it, such as `ACTION-15`.
    pub reference: Option<String>,
    /// What is to be done, or was decided.
    pub title: String,
    /// Who has it.
    pub owner: Option<String>,
    /// How far it is.
    pub state: State,
    /// The status as the report words it.
    pub status: Option<String>,
    /// How much is done, 0 to 100.
    pub percent: Option<f64>,
    /// When it is due.
    pub due: Option<Due>,
    /// What stands in its way, or what it depends on.
    pub blockers: Option<String>,
    /// What comes next.
    pub next_steps: Option<String>,
    /// Which way a risk went, and from which colour.
    pub trend: Option<(Trend, Option<String>)>,
    /// Everything else that the report says about it, by its label.
    pub details: BTreeMap<String, String>,
}

/// A deadline: as written and, where that names a day, the day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// As written.
    pub text: String,
    /// The day.
    pub day: Option<NaiveDate>,
}

/// The kinds of items.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A tracked action item or task.
    Action,
    /// An action item that the report adds.
    NewAction,
    /// A story or feature.
    Story,
    /// A risk.
    Risk,
    /// A decision that was taken.
    Decision,
    /// Something that was raised to others.
    Escalation,
    /// Something that is to be done next.
    NextStep,
    /// A priority of the next day or week.
    Priority,
    /// Something that keeps work from going on.
    Blocker,
    /// Something that nobody has answered.
    Question,
    /// A known problem.
    Issue,
    /// Something that was delivered.
    Deliverable,
    /// How the work was checked.
    Verification,
    /// A note on work that was done.
    Progress,
    /// The state of the whole, or of one of its dimensions, such as the schedule.
    Overall,
}

impl Kind {
    /// The category of its items in a backlog.
    pub fn category(self) -> &'static str {
        match self {
            Self::Action => "action",
            Self::NewAction => "new_action",
            Self::Story => "story",
            Self::Risk => "risk",
            Self::Decision => "decision",
            Self::Escalation => "escalation",
            Self::NextStep => "next_step",
            Self::Priority => "priority",
            Self::Blocker => "blocker",
            Self::Question => "question",
            Self::Issue => "issue",
            Self::Deliverable => "deliverable",
            Self::Verification => "verification",
            Self::Progress => "progress",
            Self::Overall => "overall",
        }
    }
}

/// How far an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Finished.
    Done,
    /// Finished but for a review or a release.
    Ready,
    /// Being worked on, or not yet.
    Open,
    /// Waiting, delayed, or said to be in doubt.
    AtRisk,
    /// Cannot go on.
    Blocked,
    /// Said to be late.
    Overdue,
    /// A risk that is under control.
    Green,
    /// A risk that needs watching.
    Yellow,
    /// A risk that has struck, or is about to.
    Red,
    /// Decided without reserve.
    Decided,
    /// Decided, but for a condition.
    Conditional,
    /// Told for the record; nothing to do.
    Reported,
    /// Its status is a word that nobody has defined.
    Unknown,
}

impl State {
    /// The judgement of an item in this state.
    pub fn severity(self) -> Status {
        match self {
            Self::Done | Self::Ready | Self::Green | Self::Decided | Self::Conditional | Self::Reported => Status::Pass,
            Self::Open | Self::AtRisk | Self::Yellow | Self::Unknown => Status::Warn,
            Self::Blocked | Self::Overdue | Self::Red => Status::Fail,
        }
    }

    /// The word of the documents.
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Ready => "ready",
            Self::Open => "open",
            Self::AtRisk => "at_risk",
            Self::Blocked => "blocked",
            Self::Overdue => "overdue",
            Self::Green => "green",
            Self::Yellow => "yellow",
            Self::Red => "red",
            Self::Decided => "decided",
            Self::Conditional => "conditional",
            Self::Reported => "reported",
            Self::Unknown => "unknown",
        }
    }
}

/// Which way a risk went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trend {
    /// It became smaller.
    Down,
    /// It stayed.
    Steady,
    /// It grew.
    Up,
}

impl Trend {
    /// The word of the documents.
    pub fn word(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Steady => "steady",
            Self::Up => "up",
        }
    }
}

impl Report {
    /// Reads a report. Any text is a report; what it holds tells.
    pub fn read(source: &str) -> Self {
        sections::read(&usual(&without_generated(source)))
    }

    /// How many of its tracked action items are done or ready, of how many.
    pub fn readiness(&self) -> (u64, u64) {
        let tracked = self.items.iter().filter(|item| item.kind == Kind::Action);
        let ready = tracked.clone().filter(|item| matches!(item.state, State::Done | State::Ready));
        (ready.count() as u64, tracked.count() as u64)
    }
}

/// The source with what people write beside Markdown written as it is there: a colon of full width, a box without a blank
/// before it, a label in bold before a dash, the front matter of TOML. Lines keep their numbers.
fn usual(source: &str) -> String {
    let mut front = source.starts_with("+++\n") || source.starts_with("+++\r\n");
    let mut lines = Vec::new();
    for (n, line) in source.split('\n').enumerate() {
        let fence = line.trim_end() == "+++";
        if front && (n == 0 || fence) {
            front = n == 0;
            lines.push("---".to_owned());
            continue;
        }
        let line = if front { line.replacen('=', ":", 1).replace('"', "") } else { line.replace('：', ": ") };
        let text = line.trim_start();
        let indent = &line[..line.len() - text.len()];
        let boxed = ["-[", "*[", "+["].iter().any(|mark| text.starts_with(mark)) && text[2..].contains(']');
        let labelled = text.strip_prefix("**").and_then(|rest| rest.split_once("** ")).filter(|(label, rest)| {
            rest.starts_with(['—', '–', '-']) && !label.contains("**") && words::names_the_whole(label).is_some()
        });
        lines.push(match labelled {
            Some((label, rest)) => format!("{indent}**{label}:** {}", rest.trim_start_matches(['—', '–', '-', ' '])),
            None if boxed => format!("{indent}{} {}", &text[..1], &text[1..]),
            None => line,
        });
    }
    lines.join("\n")
}

/// The source with the generated part blanked out, so that a file can be both input and target of an update; lines
/// keep their numbers.
fn without_generated(source: &str) -> String {
    match (source.find(BEGIN), source.find(END)) {
        (Some(begin), Some(end)) if begin < end => {
            let blank: String = source[begin..end].chars().filter(|c| *c == '\n').collect();
            format!("{}{blank}{}", &source[..begin], &source[end + END.len()..])
        }
        _ => source.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever the text: reading ends, and all that it finds is on a line of the text.
        #[test]
        fn any_text_is_read(source in "[-# *|\\[\\]x:()a-zA-Z0-9.✅\n~`<>%–é]{0,400}") {
            let report = Report::read(&source);
            let lines = source.matches('\n').count() as u64 + 1;
            for line in report.items.iter().map(|i| i.line).chain(report.unread.iter().map(|l| l.line)) {
                prop_assert!((1..=lines).contains(&line), "{line} of {lines}");
            }
        }

        /// A task that is not ticked is never a pass.
        #[test]
        fn an_open_task_never_passes(title in "[a-z]{1,12}( [a-z]{1,12}){0,5}") {
            let report = Report::read(&format!("- [ ] {title}\n"));
            prop_assert!(report.items.iter().all(|item| item.state.severity() > Status::Pass));
        }
    }

    #[test]
    fn the_generated_block_is_not_read() {
        let report = Report::read(&format!("- [ ] mine\n{BEGIN}\n- [ ] generated\n{END}\n- [ ] also mine\n"));
        let read: Vec<(u64, &str)> = report.items.iter().map(|item| (item.line, item.title.as_str())).collect();
        assert_eq!(read, [(1, "mine"), (5, "also mine")]);
    }
}
