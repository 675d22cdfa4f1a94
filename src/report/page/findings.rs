//! The findings of a run: equal ones are one row, the most severe first.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use maud::{Markup, html};

use super::markup::{Links, Safe, Text, badge, class, time_on};
use crate::finding::{Place, count, thousands};
use crate::report::view::Row;
use crate::sanitize;
use crate::time::Stamp;
pub(crate) use crate::verdict::run::Excerpts;

/// Kinds that are listed; the others are counted.
const LISTED: usize = 200;
/// Kinds whose message is shown in full.
const IN_FULL: usize = 40;
/// Kinds whose lines are shown.
const WITH_LINES: usize = 40;
/// The longest line of a log that is shown, in characters.
const LINE: usize = 240;

/// The places whose lines the page shows.
pub(crate) fn places(rows: &[Row]) -> Vec<Place> {
    rows.iter().take(WITH_LINES).filter_map(|row| row.place.clone()).filter(|place| place.line.is_some()).collect()
}

/// The section: a filter, and a table.
pub(super) fn section(rows: &[Row], links: Links<'_>, excerpts: &Excerpts) -> Markup {
    let kinds: BTreeSet<&str> = rows.iter().map(|row| row.kind.as_str()).collect();
    let shown = rows.len().min(LISTED);
    let day = one_day(rows);
    html! {
        @if rows.is_empty() { p { "Nothing was found." } } @else {
            form id="filter" hidden aria-label="Filter the findings" {
                label { "Search " input type="search" name="word" placeholder="text, file or kind"; }
                label { "Severity " select name="severity" { option value="" { "all" } option value="fail" { "FAIL" } option value="warn" { "WARN" } } }
                label { "Kind " select name="kind" { option value="" { "all" } @for kind in &kinds { option value=(Safe(kind)) { (Safe(kind)) } } } }
                output id="shown" aria-live="polite" {}
            }
            table.cards id="found" {
                caption {
                    (count(rows.len() as u64, "kind")) " of finding, most severe first; times are UTC"
                    @if let Some(day) = day { " of " (day.to_string()) }
                }
                thead { tr {
                    th scope="col" { "Severity" } th scope="col" { "Kind" } th scope="col" { "What" }
                    th.num scope="col" { "Count" } th scope="col" { "When" } th scope="col" { "Where" }
                } }
                tbody { @for (number, row) in rows.iter().take(shown).enumerate() {
                    tr data-severity=(class(row.severity)) data-kind=(Safe(&row.kind)) {
                        td { (badge(row.severity)) }
                        td data-l="Kind" { (Safe(&row.kind)) }
                        td.what { (what(row, excerpts, number)) }
                        td.num data-l="Count" { (thousands(row.count)) }
                        td.when data-l="When" { (when(row, day)) }
                        td data-l="Where" { (links.place(row.place.as_ref())) }
                    }
                } }
            }
            @if rows.len() > shown { p.quiet { (count((rows.len() - shown) as u64, "more kind")) " in summary.json." } }
        }
    }
}

/// The day of all findings, where that is one.
fn one_day(rows: &[Row]) -> Option<NaiveDate> {
    let mut days = rows.iter().flat_map(|row| [row.first, row.last]).flatten().map(Stamp::day);
    let first = days.next()?;
    days.all(|day| day == first).then_some(first)
}

fn when(row: &Row, day: Option<NaiveDate>) -> Markup {
    match (row.first, row.last) {
        (Some(first), Some(last)) if last > first => html! { (time_on(first, day)) " – " (time_on(last, day)) },
        (Some(first), _) => time_on(first, day),
        (None, _) => html! {},
    }
}

/// The headline; folded behind it the whole message and its lines, where they say more.
fn what(row: &Row, excerpts: &Excerpts, number: usize) -> Markup {
    let headline = sanitize::shorten(row.text.lines().next().unwrap_or_default(), 120);
    let whole = (headline != row.text && number < IN_FULL).then_some(row.text.as_str());
    let lines = row.place.as_ref().and_then(|place| excerpts.get(place)).filter(|_| number < WITH_LINES);
    if whole.is_none() && lines.is_none() {
        return html! { (Safe(&headline)) };
    }
    let hit = row.place.as_ref().and_then(|place| place.line);
    html! {
        details {
            summary { (Safe(&headline)) }
            @if let Some(whole) = whole { pre tabindex="0" { @for line in whole.lines().take(40) { (Text(&sanitize::shorten(line, LINE))) "\n" } } }
            @if let Some(lines) = lines {
                pre tabindex="0" { @for (number, text) in lines {
                    span class=(if Some(*number) == hit { "hit" } else { "near" }) { (number) "  " (Text(&sanitize::shorten(text, LINE))) } "\n"
                } }
            }
        }
    }
}
