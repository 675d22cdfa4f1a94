//! The backlog: every WARN and FAIL as one line of work, from evidence and from status reports.
//!
//! [`Gathered`] takes the inputs one by one, [`build`] makes one queue of them: equal items are one, with their
//! count and all their sources; what an earlier backlog held is marked as carried over or closed.

mod carry;
mod contradictions;
pub(crate) mod evidence;
pub(crate) mod lists;
pub(crate) mod merge;
mod outcome;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::headline::Terms;
use crate::finding::{Criterion, Metadata, Status};
use crate::time::Stamp;

/// The name of the document, in its `schema` key.
pub(crate) const SCHEMA: &str = "emp-ops/backlog/v1";

/// One queue of follow-ups. Keys are documented in `runbooks/formats.md`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Backlog {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// When it was made.
    pub generated_at: Stamp,
    /// The instant for which due dates and ages are judged.
    pub as_of: Stamp,
    /// What it is called.
    pub title: String,
    /// The highest severity of the items, and at least `warn` where evidence was not understood.
    pub status: Status,
    /// The same: the verdict.
    pub verdict: Status,
    /// The verdict in one line, with what was waived and relaxed.
    pub headline: String,
    /// Whether the built-in simulator ran, and not a system of the operator.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub simulated: bool,
    /// The items, the gravest first, then in order of time.
    pub items: Vec<Item>,
    /// How many there are, listed or not.
    pub totals: Totals,
    /// How far each report's tracked action items are.
    pub readiness: Vec<Readiness>,
    /// What was not understood.
    pub not_understood: Vec<NotUnderstood>,
    /// Every limit of the runs with its value and its source.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub criteria: Vec<Criterion>,
    /// Items of the earlier backlog that are gone or done.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub closed: Vec<Closed>,
}

/// One line of work.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Item {
    /// Stable across runs: from the category and the text without its numbers, ids and quoted values.
    #[serde(default)]
    pub id: String,
    /// How bad it is.
    pub severity: Status,
    /// Where it comes from: `log_error`, `diary`, `action`, `risk`, …
    pub category: String,
    /// One sentence for people.
    pub summary: String,
    /// The workload that it is about, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload: Option<String>,
    /// When it happened first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<Stamp>,
    /// When it happened last, where that is another time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_at: Option<Stamp>,
    /// How often it happened.
    #[serde(default = "once")]
    pub count: u64,
    /// How far the work is: `open`, `blocked`, `overdue`, `ready`, `done`, …
    #[serde(default)]
    pub status: String,
    /// Who has it.
    #[serde(default)]
    pub owner: Option<String>,
    /// When it is due: a day, or the words of the report.
    #[serde(default)]
    pub due: Option<String>,
    /// The source's own name for it, such as `ACTION-15`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// How much is done, 0 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<f64>,
    /// What stands in its way, or what it depends on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blockers: Option<String>,
    /// What comes next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_steps: Option<String>,
    /// Which way a risk went: `down`, `steady`, `up`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trend: Option<String>,
    /// Why the severity is another than the source says: overdue, open for too long, an unknown word.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// Details of the first occurrence.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub context: Metadata,
    /// The values of those details that are not the same for all occurrences, in order.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub varying: BTreeMap<String, Vec<Value>>,
    /// All places that tell of it.
    #[serde(default)]
    pub sources: Vec<Source>,
    /// Whether the earlier backlog had it; absent where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    /// Since when it is open, as far as is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_since: Option<Stamp>,
    /// In how many backlogs in a row it has been.
    #[serde(default = "once")]
    pub runs: u64,
    /// Which document of a run it is from; decides what may be the same fault.
    #[serde(skip)]
    pub(crate) origin: Origin,
    /// The object that it was made of.
    #[serde(skip)]
    pub(crate) raw: Map<String, Value>,
}

impl Item {
    /// The line of the summary that says most: the last one of a Python traceback, else the first.
    pub(crate) fn headline(&self) -> &str {
        headline(&self.summary)
    }
}

/// The line of a text that says most.
pub(crate) fn headline(text: &str) -> &str {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    if first.starts_with("Traceback (most recent call last)") { lines.next_back().unwrap_or(first) } else { first }
}

fn once() -> u64 {
    1
}

/// A place that tells of an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Source {
    /// The file, as given.
    pub path: String,
    /// The line, counted from 1, in files that have lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The part of the document: `logs.errors`, `incidents`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
}

/// Which document of a run an item is from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Origin {
    Logs,
    Diary,
    Performance,
    SignOff,
    Review,
    Incident,
    /// Faults of the evidence itself.
    Run,
    Report,
    #[default]
    Earlier,
}

/// Whether an earlier backlog had an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Change {
    /// It is new.
    New,
    /// It was there.
    CarriedOver,
}

/// An item of the earlier backlog that is gone or done.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Closed {
    /// Its id.
    pub id: String,
    /// How bad it was.
    pub severity: Status,
    /// Its category.
    pub category: String,
    /// Its sentence.
    pub summary: String,
    /// Who had it.
    pub owner: Option<String>,
    /// Since when it was open.
    pub open_since: Option<Stamp>,
    /// `done` where an input says so, `gone` where no input speaks of it any more.
    pub how: &'static str,
}

/// Counts, before and after the choice by severity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Totals {
    /// Items listed.
    pub items: u64,
    /// Items left out by the choice of severity.
    pub left_out: u64,
    /// All items by severity.
    pub by_severity: BTreeMap<Status, u64>,
    /// All items by category and severity.
    pub by_category: BTreeMap<String, BTreeMap<Status, u64>>,
    /// How often all of them happened.
    pub occurrences: u64,
    /// Items that the earlier backlog did not have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<u64>,
    /// Items that it had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carried_over: Option<u64>,
    /// Items of it that are gone or done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed: Option<u64>,
}

/// How far the tracked action items of a report are.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Readiness {
    /// The report.
    pub path: String,
    /// Tracked action items.
    pub tracked: u64,
    /// Those that are done or ready for review.
    pub ready: u64,
    /// The share, 0 to 1; none if nothing is tracked.
    pub ratio: Option<f64>,
}

/// A part of an input that was not understood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct NotUnderstood {
    /// The file.
    pub path: String,
    /// The line, counted from 1, in files that have lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// What is there.
    pub text: String,
    /// Whether it is part of the evidence, so that without it there is no pass.
    pub evidence: bool,
}

/// How a backlog is made.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// What it is called.
    pub title: String,
    /// When it is made.
    pub generated_at: Stamp,
    /// The instant for which due dates and ages are judged.
    pub as_of: Stamp,
    /// Items below this are counted, not listed.
    pub min_severity: Status,
    /// Items that are open for longer than this are a FAIL.
    pub max_age: Option<Duration>,
}

impl Options {
    /// WARN and FAIL, without a limit of age.
    pub(crate) fn new(generated_at: Stamp) -> Self {
        Self {
            title: "Backlog".to_owned(),
            generated_at,
            as_of: generated_at,
            min_severity: Status::Warn,
            max_age: None,
        }
    }
}

/// What the inputs hold, before it is one queue.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gathered {
    pub(crate) items: Vec<Item>,
    pub(crate) not_understood: Vec<NotUnderstood>,
    pub(crate) readiness: Vec<Readiness>,
    pub(crate) terms: Terms,
}

/// The backlog of one document of a run: a summary bundle, an audit, a sign-off or a review.
pub(crate) fn from_bundle(document: &Value, path: &str, options: &Options) -> Backlog {
    let mut gathered = Gathered::default();
    gathered.document(document, path, options.as_of);
    build(gathered, None, options)
}

/// Makes one queue of what was gathered; `previous` is the earlier backlog, where there is one.
pub(crate) fn build(gathered: Gathered, previous: Option<&Value>, options: &Options) -> Backlog {
    let Gathered { items, not_understood, readiness, terms } = gathered;
    let mut items = merge::merge(items);
    let closed = match previous {
        Some(previous) => carry::carry(&mut items, previous),
        None => Vec::new(),
    };
    carry::age(&mut items, options);
    merge::sort(&mut items);
    let mut totals = Totals::default();
    for item in &items {
        *totals.by_severity.entry(item.severity).or_default() += 1;
        *totals.by_category.entry(item.category.clone()).or_default().entry(item.severity).or_default() += 1;
        totals.occurrences += item.count;
    }
    let all = items.len();
    items.retain(|item| item.severity >= options.min_severity);
    totals.items = items.len() as u64;
    totals.left_out = (all - items.len()) as u64;
    if previous.is_some() {
        let changed = |change| items.iter().filter(|item| item.change == Some(change)).count() as u64;
        totals.new = Some(changed(Change::New));
        totals.carried_over = Some(changed(Change::CarriedOver));
        totals.closed = Some(closed.len() as u64);
    }
    let unread = not_understood.iter().any(|part| part.evidence);
    let least = if unread { Status::Warn } else { Status::Pass };
    let status = Status::roll_up(items.iter().map(|item| item.severity).chain([least]));
    Backlog {
        schema: SCHEMA,
        generated_at: options.generated_at,
        as_of: options.as_of,
        title: options.title.clone(),
        status,
        verdict: status,
        headline: terms.headline(status),
        simulated: terms.simulated,
        criteria: terms.criteria,
        items,
        totals,
        readiness,
        not_understood,
        closed,
    }
}
