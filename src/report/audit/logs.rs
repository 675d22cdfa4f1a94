//! The logs in the audit: figures, incidents grouped, silences, files, and the course over time.

use super::{SHOWN, and_more, evidence, headline, near, place};
use crate::finding::percent;
use crate::log::layout::description;
use crate::log::summary::{DownTime, FileReport, Group, LogSummary};
use crate::log::totals::histogram::spread;
use crate::report::{Block, Cell, Doc, Table, Tone, bytes_text, count};
use crate::sanitize;
use crate::time::{Stamp, human_seconds};
use crate::verdict::gates;

/// The most rows of the course over time that people are shown.
const BUCKETS: i64 = 24;
/// The longest bar.
const BAR: u64 = 30;

/// `12,345 records over 3d, uptime 100%`.
pub(super) fn in_short(logs: &LogSummary) -> String {
    let over = logs.duration_seconds.map(|seconds| format!(" over {}", human_seconds(seconds))).unwrap_or_default();
    let uptime = logs.uptime_ratio.map(|ratio| format!(", uptime {}", percent(ratio))).unwrap_or_default();
    format!("{}{over}{uptime}", count(logs.records, "record"))
}

pub(super) fn push(doc: &mut Doc, logs: &LogSummary) {
    doc.section("Logs", Block::Facts(facts(logs)));
    groups(doc, logs);
    gaps(doc, logs);
    down_times(doc, &logs.down_times);
    evidence::findings(doc, "Faults of the log files", &logs.findings);
    files(doc, &logs.files);
    course(doc, logs);
}

fn facts(logs: &LogSummary) -> Vec<(String, Cell)> {
    let mut facts: Vec<(String, Cell)> =
        vec![("status".to_owned(), logs.status.into()), ("records".to_owned(), logs.records.into())];
    let mut add = |name: &str, text: String| {
        if !text.is_empty() {
            facts.push((name.to_owned(), sanitize::shorten(&text, 300).into()));
        }
    };
    if logs.ignored_lines > 0 {
        add("ignored", count(logs.ignored_lines, "line"));
    }
    add("ignored by policy", counted(&logs.ignored_by_policy));
    if let (Some(first), Some(last)) = (logs.started_at, logs.ended_at) {
        add("first to last", format!("{} to {}", first.human(), last.human()));
    }
    add("duration", logs.duration_seconds.map(human_seconds).unwrap_or_default());
    add("uptime", gates::uptime_in_words(logs).unwrap_or_default());
    add("levels", counted(&logs.level_counts));
    add("unknown levels", counted(&logs.unknown_levels));
    add("top events", counted(&logs.event_counts));
    facts
}

/// `2025-03-03 08:41:00Z to 08:42:00Z`; the day only once, and one time where there is only one.
fn between(first: Option<Stamp>, last: Option<Stamp>) -> Cell {
    let (Some(first), Some(last)) = (first, last) else { return Cell::default() };
    let end = last.human();
    Cell::dim(match end.split_once(' ') {
        _ if first.human() == end => end,
        Some((_, time)) if first.day() == last.day() => format!("{} to {time}", first.human()),
        _ => format!("{} to {end}", first.human()),
    })
}

/// The five with the highest counts: `heartbeat=15, shutdown=1`.
fn counted(counts: &std::collections::BTreeMap<String, u64>) -> String {
    let mut ranked: Vec<(&String, &u64)> = counts.iter().collect();
    ranked.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
    let more = ranked.len().saturating_sub(5);
    let mut texts: Vec<String> = ranked.into_iter().take(5).map(|(name, n)| format!("{name}={n}")).collect();
    if more > 0 {
        texts.push(format!("and {more} more"));
    }
    texts.join(", ")
}

/// Errors, warnings and crashes: equal ones are one row.
fn groups(doc: &mut Doc, logs: &LogSummary) {
    let mut table = Table::new(&["", "count", "kind", "when", "example", "where", "id"]).right(&[1]);
    for Group { id, severity, kind, count, first_at, last_at, example, waived, .. } in logs.groups.iter().take(SHOWN) {
        table.row([
            (*severity).into(),
            (*count).into(),
            kind.replace('_', " ").into(),
            between(*first_at, *last_at),
            format!("{}{}", headline(&example.summary, 200), super::waiver(waived.as_ref())).into(),
            place(example.place.as_ref()),
            Cell::dim(id.as_str()),
        ]);
    }
    let shown = table.rows.len();
    doc.section("Errors and warnings, equal ones together", Block::Table(table));
    and_more(doc, logs.groups.len() as u64, shown, "kind");
}

/// What the uptime lacks.
pub(in crate::report) fn down_times(doc: &mut Doc, down_times: &[DownTime]) {
    let mut table = Table::new(&["from", "to", "length", "cause"]);
    for down in down_times.iter().take(SHOWN) {
        let length = human_seconds(down.seconds);
        table.row([down.from.human(), down.to.human(), length, sanitize::shorten(&down.cause, 100)]);
    }
    let shown = table.rows.len();
    doc.section("Down-times", Block::Table(table));
    and_more(doc, down_times.len() as u64, shown, "down-time");
}

fn gaps(doc: &mut Doc, logs: &LogSummary) {
    evidence::findings(doc, "Silences", &logs.gap_incidents);
    let unlisted = logs.totals.gap_incidents.saturating_sub(logs.gap_incidents.len() as u64);
    if unlisted > 0 {
        doc.push(Block::Text(Cell::dim(format!("and {} that --max-listed left out", count(unlisted, "more silence")))));
    }
}

fn files(doc: &mut Doc, files: &[FileReport]) {
    let mut table = Table::new(&["file", "dialect", "size", "records", "ignored", "when", "read"]).right(&[2, 3, 4]);
    for file in files.iter().take(SHOWN) {
        let dialect = match file.encoding.as_str() {
            "plain" | "" => file.dialect.clone(),
            packed => format!("{} ({packed})", file.dialect),
        };
        table.row([
            near(&file.path),
            dialect.into(),
            bytes_text(file.bytes).into(),
            file.records.into(),
            file.ignored_lines.into(),
            between(file.started_at, file.ended_at),
            if file.complete { "whole".into() } else { Cell::new("in part", Tone::Strong) },
        ]);
    }
    let shown = table.rows.len();
    doc.section("Log files", Block::Table(table));
    and_more(doc, files.len() as u64, shown, "file");
    let ignored = files.iter().filter(|file| !file.first_ignored.is_empty()).take(SHOWN);
    let lines = ignored.flat_map(|file| {
        file.first_ignored.iter().map(|line| Cell::code(format!("{}:{}: {}", file.path, line.line, line.text)))
    });
    doc.section("First lines that were ignored", Block::List(lines.collect()));
}

/// What was learnt of each file.
pub(super) fn layouts(doc: &mut Doc, files: &[FileReport]) {
    let mut table = Table::new(&["file", "layout learnt"]);
    for file in files {
        let layout = match description::in_short(&file.layout) {
            text if text.is_empty() => "none".to_owned(),
            text => text,
        };
        table.row([near(&file.path), Cell::code(layout)]);
    }
    doc.section("Layouts of the log files", Block::Table(table));
}

/// Records, warnings and errors over time; what is empty shows as such.
fn course(doc: &mut Doc, logs: &LogSummary) {
    let (Some(start), Some(end)) = (logs.started_at, logs.ended_at) else { return };
    let rows = spread(&logs.histogram, start, end, BUCKETS);
    let most = rows.iter().map(|bucket| bucket.records).max().unwrap_or_default();
    let mut table = Table::new(&["from", "length", "records", "warnings", "errors", ""]).right(&[2, 3, 4]);
    // One bucket says nothing that the figures do not.
    for bucket in rows.iter().filter(|_| rows.len() > 1) {
        let length = (bucket.records * BAR).div_ceil(most.max(1));
        let bar = match bucket.records {
            0 => Cell::new("silence", Tone::Strong),
            _ => Cell::dim("#".repeat(usize::try_from(length).unwrap_or_default())),
        };
        table.row([
            Cell::from(bucket.start.human()),
            human_seconds(bucket.seconds).into(),
            bucket.records.into(),
            some(bucket.warnings),
            some(bucket.errors),
            bar,
        ]);
    }
    doc.section("Over time", Block::Table(table));
}

/// Zero is left blank, so that the rest stands out.
fn some(number: u64) -> Cell {
    if number == 0 { Cell::default() } else { number.into() }
}
