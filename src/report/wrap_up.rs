//! The minutes for people: verdict and why, the figures, what happened, what was decided, who does what by when.

use serde_json::Value;

use super::audit::{acks, drills, guards};
use super::backlog::is_incident;
use super::view::{self, Row, View};
use super::{Block, Cell, Doc, Table, Tone, count, criteria};
use crate::finding::{Gate, Place, Status};
use crate::log::totals::signature;
use crate::sanitize;
use crate::time::{Stamp, human_seconds};
use crate::verdict::backlog::{Item, headline};
use crate::verdict::wrap_up::{Entry, WrapUp};

/// The minutes.
pub(crate) fn minutes(wrap_up: &WrapUp) -> Doc {
    let subject = wrap_up.run_label.as_deref().map_or_else(|| "the rehearsal".to_owned(), |l| sanitize::shorten(l, 80));
    let simulated = if wrap_up.simulated { " (simulated)" } else { "" };
    let remark = wrap_up.headline.strip_prefix(wrap_up.status.label()).unwrap_or_default();
    let mut doc = Doc::new(format!("Minutes of {subject}{simulated}"))
        .verdict(wrap_up.status, wrap_up.because.clone())
        .remark(remark);
    doc.push(Block::Facts(facts(wrap_up)));
    doc.section("Gates", Block::Table(gates(&wrap_up.gates)));
    drills::push(&mut doc, wrap_up.drills.as_ref());
    guards::push(&mut doc, wrap_up.guards.as_ref());
    criteria::section(&mut doc, &wrap_up.criteria);
    doc.section("Objectives", Block::Table(objectives(&wrap_up.objectives)));
    doc.section("What happened", Block::Table(timeline(wrap_up)));
    acks::push(&mut doc, &wrap_up.acknowledgements);
    doc.section("Decisions", Block::List(wrap_up.decisions.iter().map(|item| told(item).into()).collect()));
    doc.section("Who does what by when", Block::Table(follow_ups(&wrap_up.backlog_items)));
    doc.section("Priorities", Block::List(wrap_up.priorities.iter().map(|item| told(item).into()).collect()));
    doc.section("Risks", Block::Table(risks(&wrap_up.risks)));
    let questions = wrap_up.open_questions.iter().map(|question| sanitize::shorten(question, 300).into()).collect();
    doc.section("Open questions", Block::List(questions));
    doc.section("Notes", Block::List(wrap_up.notes.iter().map(|note| sanitize::shorten(note, 500).into()).collect()));
    for report in &wrap_up.reports {
        let title = report.title.as_deref().unwrap_or(&report.path);
        let overview = report.overview.iter().map(|line| sanitize::shorten(line, 500).into()).collect();
        doc.section(format!("Session overview: {}", sanitize::shorten(title, 100)), Block::List(overview));
    }
    let mut unread = Table::new(&["where", "what is there"]);
    for part in &wrap_up.not_understood {
        let place = part.line.map_or_else(|| part.path.clone(), |line| format!("{}:{line}", part.path));
        unread.row([Cell::new(place, Tone::Place), sanitize::shorten(&part.text, 100).into()]);
    }
    doc.section(format!("Not understood ({})", wrap_up.not_understood.len()), Block::Table(unread));
    doc
}

/// The same for exports: the gates of the sign-off, and a row for each follow-up.
pub(crate) fn view(wrap_up: &WrapUp) -> View<'static> {
    let gates: Vec<Gate> = wrap_up.gates.iter().filter_map(|gate| serde_json::from_value(gate.clone()).ok()).collect();
    View {
        subject: wrap_up.run_label.clone().unwrap_or_else(|| "rehearsal".to_owned()),
        status: wrap_up.status,
        headline: wrap_up.headline.clone(),
        gates: gates.into(),
        rows: view::sorted(wrap_up.backlog_items.iter().map(row).collect()),
        started_at: wrap_up.started_at,
        ended_at: wrap_up.ended_at,
        duration_seconds: wrap_up.duration_seconds,
        uptime_ratio: None,
        generated_at: Some(wrap_up.generated_at),
        unfinished: false,
    }
}

fn row(entry: &Entry) -> Row {
    Row {
        id: entry.id.clone(),
        severity: entry.severity,
        kind: entry.category.replace('_', " "),
        signature: signature::of(&entry.description),
        text: what(entry),
        workload: entry.workload.clone(),
        count: entry.count,
        first: entry.occurred_at,
        last: None,
        place: entry.sources.first().map(|source| Place { path: source.path.clone(), line: source.line }),
        waived: None,
    }
}

fn facts(wrap_up: &WrapUp) -> Vec<(String, Cell)> {
    let mut facts: Vec<(String, Cell)> = Vec::new();
    let mut add = |name: &str, cell: Cell| facts.push((name.to_owned(), cell));
    for (name, said) in
        [("evidence", wrap_up.summary_status), ("sign-off", wrap_up.sign_off_status), ("review", wrap_up.review_status)]
    {
        add(name, said.map_or_else(|| Cell::dim("none"), Cell::from));
    }
    add("duration", duration(wrap_up));
    let period: Vec<String> = [wrap_up.started_at, wrap_up.ended_at].into_iter().flatten().map(Stamp::human).collect();
    if !period.is_empty() {
        add("period", period.join(" to ").into());
    }
    for name in ["Uptime", "Log levels", "Diary entries", "Trades", "ROI", "Win rate", "Sharpe ratio"] {
        if let Some(value) = wrap_up.highlights.get(name) {
            add(&name.to_lowercase(), plain(value).into());
        }
    }
    for report in &wrap_up.reports {
        if let Some(readiness) = &report.readiness {
            let text = format!("{} of {} action items ready", readiness.ready, readiness.tracked);
            add(&format!("readiness in {}", sanitize::shorten(&report.path, 60)), text.into());
        }
    }
    if !wrap_up.attendees.is_empty() {
        let people: Vec<String> = wrap_up.attendees.iter().map(|person| sanitize::shorten(person, 60)).collect();
        add("attendees", people.join(", ").into());
    }
    add("evidence of", wrap_up.generated_at.human().into());
    facts
}

fn duration(wrap_up: &WrapUp) -> Cell {
    let covered = wrap_up.duration_seconds.map_or_else(|| "not known".to_owned(), human_seconds);
    match (wrap_up.duration_target_seconds, wrap_up.duration_met) {
        (None, _) => format!("{covered}; no minimum is asked for").into(),
        (Some(target), met) => {
            let tolerance = human_seconds(wrap_up.duration_tolerance_seconds);
            let judgement = if met == Some(true) { "enough" } else { "not enough" };
            let status = if met == Some(true) { Status::Pass } else { Status::Fail };
            let text = format!("{covered} of {} (tolerance {tolerance}): {judgement}", human_seconds(target));
            Cell::new(text, Tone::Status(status))
        }
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => sanitize::shorten(text, 120),
        other => sanitize::shorten(&other.to_string(), 120),
    }
}

fn text_of(object: &Value, key: &str) -> String {
    object.get(key).filter(|value| !value.is_null()).map(plain).unwrap_or_default()
}

fn status_of(object: &Value) -> Cell {
    let said = text_of(object, "status");
    Status::from_word(&said).map_or_else(|| said.as_str().into(), Cell::from)
}

fn gates(gates: &[Value]) -> Table {
    let mut table = Table::new(&["", "gate", "asked for", "measured"]);
    for gate in gates {
        let (name, asked, measured) = (text_of(gate, "name"), text_of(gate, "threshold"), text_of(gate, "measured"));
        table.row([status_of(gate), name.into(), asked.into(), measured.into()]);
    }
    table
}

fn objectives(objectives: &[Value]) -> Table {
    let mut table = Table::new(&["", "objective", "note"]);
    for objective in objectives {
        table.row([status_of(objective), text_of(objective, "name").into(), text_of(objective, "note").into()]);
    }
    table
}

/// Something that happened.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Happened {
    at: Option<Stamp>,
    severity: Status,
    text: String,
    count: u64,
    incident: bool,
}

/// Incidents of the supervisor and gaps in the logs, in order of time.
fn timeline(wrap_up: &WrapUp) -> Table {
    let happened = |at, severity, text: &str, count, incident| {
        let text = sanitize::shorten(headline(text), 300);
        Happened { at, severity, text, count, incident }
    };
    let mut events: Vec<Happened> = wrap_up
        .incidents
        .iter()
        .map(|found| happened(found.occurred_at, found.severity, &found.message, found.count, true))
        .collect();
    let dated = wrap_up.backlog_items.iter().filter(|item| matches!(item.category.as_str(), "logs" | "diary"));
    events.extend(
        dated
            .filter(|item| !is_incident(&item.sources))
            .map(|item| happened(item.occurred_at, item.severity, &item.description, item.count, false)),
    );
    events.sort();
    let mut table = Table::new(&["when", "", "what"]);
    for group in view::alike(&events, |event| Some((event.severity, signature::of(&event.text)))) {
        let first = group[0];
        let count_of_all = view::total(group.iter().map(|event| (event.count, event.incident)));
        let times = if count_of_all > 1 { format!(" ({count_of_all}×)") } else { String::new() };
        let more = match group.len() as u64 - 1 {
            0 => String::new(),
            others => format!(", with {} alike until {}", count(others, "other"), last(&group)),
        };
        let at = first.at.map_or_else(|| "not known".to_owned(), Stamp::human);
        table.row([at.into(), first.severity.into(), Cell::from(format!("{}{times}{more}", first.text))]);
    }
    table
}

/// When the last of some events happened.
fn last(events: &[&Happened]) -> String {
    events.iter().filter_map(|event| event.at).max().map_or_else(|| "a time that is not known".to_owned(), Stamp::human)
}

fn follow_ups(entries: &[Entry]) -> Table {
    let mut table = Table::new(&["", "what", "who", "by when", "id"]);
    let open = entries.iter().filter(|entry| entry.severity > Status::Pass);
    let open = open.filter(|entry| !matches!(entry.category.as_str(), "priority" | "next_step" | "risk" | "question"));
    for group in view::alike(open, alike) {
        let (entry, others) = (group[0], group.len() as u64 - 1);
        let times = view::total(group.iter().map(|entry| (entry.count, is_incident(&entry.sources))));
        let times = if times > 1 { format!(" ({times}×)") } else { String::new() };
        let more = if others > 0 { format!(", with {} alike", count(others, "other")) } else { String::new() };
        table.row([
            entry.severity.into(),
            Cell::from(format!("{}{times}{more}", what(entry))),
            entry.owner.as_deref().map_or_else(|| Cell::dim("nobody yet"), |owner| sanitize::shorten(owner, 60).into()),
            entry.due.as_deref().map_or_else(|| Cell::dim("open"), |due| sanitize::shorten(due, 30).into()),
            Cell::code(entry.id.as_str()),
        ]);
    }
    table
}

/// By what lines of a log are brought together that differ in numbers and names alone.
fn alike(entry: &Entry) -> Option<(Status, String, Option<&str>, Option<&str>)> {
    let of_logs = matches!(entry.category.as_str(), "logs" | "harness") && entry.reference.is_none();
    let text = || signature::of(headline(&entry.description));
    of_logs.then(|| (entry.severity, text(), entry.owner.as_deref(), entry.due.as_deref()))
}

/// The follow-up on one line; a note on an objective alone would not say what it is about.
fn what(entry: &Entry) -> String {
    let description = sanitize::shorten(headline(&entry.description), 300);
    match (&entry.reference, entry.metadata.get("name")) {
        (Some(reference), _) => format!("{reference}: {description}"),
        (None, Some(Value::String(name))) if entry.category == "objective" && !description.contains(name) => {
            format!("objective {name}: {description}")
        }
        _ => description,
    }
}

fn risks(risks: &[Item]) -> Table {
    let mut table = Table::new(&["", "risk", "owner", "state", "trend"]);
    for risk in risks {
        let reference = risk.reference.as_ref().map(|r| format!("{r}: ")).unwrap_or_default();
        table.row([
            risk.severity.into(),
            Cell::from(format!("{reference}{}", sanitize::shorten(&risk.summary, 300))),
            risk.owner.as_deref().unwrap_or_default().into(),
            risk.status.as_str().into(),
            risk.trend.as_deref().unwrap_or_default().into(),
        ]);
    }
    table
}

fn told(item: &Item) -> String {
    let owner = item.owner.as_ref().map(|owner| format!(" ({})", sanitize::shorten(owner, 60))).unwrap_or_default();
    let reference = item.reference.as_ref().map(|reference| format!("{reference}: ")).unwrap_or_default();
    let due = item.due.as_ref().map(|due| format!(", due {}", sanitize::shorten(due, 30))).unwrap_or_default();
    format!("{reference}{}{owner}{due}", sanitize::shorten(&item.summary, 500))
}

/// How many follow-ups there are, for a line on the screen.
pub(crate) fn tally(wrap_up: &WrapUp) -> String {
    let open = wrap_up.backlog_items.iter().filter(|entry| entry.severity > Status::Pass).count() as u64;
    format!("{}, {}", count(open, "open follow-up"), count(wrap_up.incidents.len() as u64, "incident"))
}
