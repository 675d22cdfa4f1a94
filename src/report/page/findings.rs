//! The findings of a run: equal ones are one row, the most severe first.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};

use super::markup::{Links, Safe, badge, class, time};
use crate::finding::{Finding, Place, Status, count, thousands};
use crate::log::summary::Summary;
use crate::sanitize;
use crate::time::Stamp;

/// Kinds that are listed; the others are counted.
const LISTED: usize = 200;
/// Kinds whose lines are shown.
const WITH_LINES: usize = 40;
/// The longest line of a log that is shown, in characters.
const LINE: usize = 240;

/// The lines around a place: the number of each, and its text.
pub(crate) type Excerpts = BTreeMap<Place, Vec<(u64, String)>>;

/// Findings that are equal but for numbers.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// How bad they are.
    pub(crate) severity: Status,
    /// What they are about.
    pub(crate) kind: String,
    /// The first, in full.
    pub(crate) text: String,
    /// How many.
    pub(crate) count: u64,
    /// The first time.
    pub(crate) first: Option<Stamp>,
    /// The last time.
    pub(crate) last: Option<Stamp>,
    /// Where the first is.
    pub(crate) place: Option<Place>,
}

impl Row {
    fn of(finding: &Finding, kind: &str) -> Self {
        let word = |key: &str| finding.metadata.get(key).and_then(serde_json::Value::as_str);
        Self {
            severity: finding.severity,
            kind: word("kind").unwrap_or(kind).replace('_', " "),
            text: finding.summary.clone(),
            count: finding.metadata.get("count").and_then(serde_json::Value::as_u64).unwrap_or(1),
            first: finding.occurred_at,
            last: None,
            place: finding.place.clone(),
        }
    }
}

/// Everything that was found, the most severe first, then by time.
pub(crate) fn rows(summary: &Summary) -> Vec<Row> {
    let mut rows: Vec<Row> = summary
        .logs
        .groups
        .iter()
        .map(|group| Row {
            kind: group.kind.replace('_', " "),
            count: group.count,
            first: group.first_at,
            last: group.last_at,
            ..Row::of(&group.example, "log")
        })
        .collect();
    let mut add = |findings: &[Finding], kind: &str| rows.extend(findings.iter().map(|f| Row::of(f, kind)));
    add(&summary.findings, "run");
    add(&summary.logs.findings, "log file");
    add(&summary.logs.gap_incidents, "silence");
    add(summary.performance.as_ref().map_or(&[], |part| &part.findings), "performance");
    add(summary.checksums.as_ref().map_or(&[], |part| &part.findings), "checksums");
    add(summary.plan.as_ref().map_or(&[], |part| &part.findings), "plan");
    rows.extend(summary.diary.iter().flat_map(|diary| &diary.issues).map(|issue| Row {
        severity: issue.severity,
        kind: "diary".to_owned(),
        text: match issue.policy_id.as_str() {
            "*" => issue.reason.clone(),
            _ => format!("{}: {}", issue.entry_id, issue.reason),
        },
        count: 1,
        first: issue.recorded_at,
        last: None,
        place: issue.place.clone(),
    }));
    rows.retain(|row| row.severity > Status::Pass);
    rows.sort_by(|a, b| (b.severity, a.first, &a.kind, &a.text).cmp(&(a.severity, b.first, &b.kind, &b.text)));
    rows
}

/// The places whose lines the page shows.
pub(crate) fn places(rows: &[Row]) -> Vec<Place> {
    rows.iter().take(WITH_LINES).filter_map(|row| row.place.clone()).filter(|place| place.line.is_some()).collect()
}

/// The section: a filter, and a table.
pub(super) fn section(rows: &[Row], links: Links<'_>, excerpts: &Excerpts) -> Markup {
    let kinds: BTreeSet<&str> = rows.iter().map(|row| row.kind.as_str()).collect();
    let shown = rows.len().min(LISTED);
    html! {
        @if rows.is_empty() { p { "Nothing was found." } } @else {
            form id="filter" hidden aria-label="Filter the findings" {
                label { "Search " input type="search" name="word" placeholder="text, file or kind"; }
                label { "Severity " select name="severity" { option value="" { "all" } option value="fail" { "FAIL" } option value="warn" { "WARN" } } }
                label { "Kind " select name="kind" { option value="" { "all" } @for kind in &kinds { option value=(Safe(kind)) { (Safe(kind)) } } } }
                output id="shown" aria-live="polite" {}
            }
            table.cards id="found" {
                caption { (count(rows.len() as u64, "kind")) " of finding, most severe first; times are UTC" }
                thead { tr {
                    th scope="col" { "Severity" } th scope="col" { "Kind" } th scope="col" { "What" }
                    th.num scope="col" { "Count" } th scope="col" { "When" } th scope="col" { "Where" }
                } }
                tbody { @for (number, row) in rows.iter().take(shown).enumerate() {
                    tr data-severity=(class(row.severity)) data-kind=(Safe(&row.kind)) {
                        td { (badge(row.severity)) }
                        td data-l="Kind" { (Safe(&row.kind)) }
                        td.what { (what(row, excerpts, number < WITH_LINES)) }
                        td.num data-l="Count" { (thousands(row.count)) }
                        td.when data-l="When" { (when(row)) }
                        td data-l="Where" { (links.place(row.place.as_ref())) }
                    }
                } }
            }
            @if rows.len() > shown { p.quiet { (count((rows.len() - shown) as u64, "more kind")) " in summary.json." } }
        }
    }
}

fn when(row: &Row) -> Markup {
    match (row.first, row.last) {
        (Some(first), Some(last)) if last > first => html! { (time(first)) " – " (time(last)) },
        (Some(first), _) => time(first),
        (None, _) => html! {},
    }
}

/// The headline; folded behind it the whole message and its lines, where they say more.
fn what(row: &Row, excerpts: &Excerpts, with_lines: bool) -> Markup {
    let headline = sanitize::shorten(row.text.lines().next().unwrap_or_default(), 160);
    let whole = (headline != row.text).then_some(row.text.as_str());
    let lines = row.place.as_ref().and_then(|place| excerpts.get(place)).filter(|_| with_lines);
    if whole.is_none() && lines.is_none() {
        return html! { (Safe(&headline)) };
    }
    let hit = row.place.as_ref().and_then(|place| place.line);
    html! {
        details {
            summary { (Safe(&headline)) }
            @if let Some(whole) = whole { pre tabindex="0" { @for line in whole.lines().take(40) { (Safe(&sanitize::shorten(line, LINE))) "\n" } } }
            @if let Some(lines) = lines {
                pre tabindex="0" { @for (number, text) in lines {
                    span class=(if Some(*number) == hit { "hit" } else { "near" }) { (number) "  " (Safe(&sanitize::shorten(text, LINE))) } "\n"
                } }
            }
        }
    }
}
