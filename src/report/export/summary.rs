//! Markdown for the summary of a CI job: short, in the words of its service, and added to what is there.

use super::{Export, by};
use crate::finding::{Status, count, percent};
use crate::report::{Cell, Table, markdown};
use crate::sanitize;
use crate::time::human_seconds;

/// More kinds of finding are counted only.
const FINDINGS: usize = 50;
/// The longest summary, in bytes: a service drops one of more than 1 MiB altogether.
const SUMMARY: usize = 900 << 10;

/// The whole summary.
pub(crate) fn render(export: &Export<'_>) -> String {
    let view = export.view;
    let head = format!("{}: {}", export.headline(), view.subject);
    let mut out = format!("## {} {}\n", sign(view.status), sanitize::markdown(&head));
    if let (true, Some(gate)) = (view.unfinished, view.gates.first()) {
        return format!("{out}\n{}\n", sanitize::markdown(&gate.measured));
    }
    let facts = facts(export);
    if !facts.is_empty() {
        out.push_str(&format!("\n{}\n", sanitize::markdown(&facts.join(", "))));
    }
    let gates = text(&gates(export));
    let rows = export.rows.len();
    let shown = rows.min(FINDINGS);
    let mut findings = String::new();
    if rows > 0 {
        let kinds = count(rows as u64, "kind");
        findings = format!("<details><summary>{kinds} of finding</summary>\n\n{}", text(&found(export, shown)));
        if rows > shown {
            findings.push_str(&format!("\n{} in the report.\n", count((rows - shown) as u64, "more kind")));
        }
        findings.push_str("\n</details>\n");
    }
    for (what, section) in [("The table of gates", gates), ("The table of findings", findings)] {
        if !section.is_empty() && out.len() + section.len() > SUMMARY {
            out.push_str(&format!("\n{what} is too long for a summary: see the report.\n"));
        } else if !section.is_empty() {
            out.push_str(&format!("\n{section}"));
        }
    }
    out
}

fn facts(export: &Export<'_>) -> Vec<String> {
    let view = export.view;
    let mut facts = Vec::new();
    facts.extend(view.duration_seconds.map(human_seconds));
    facts.extend(view.uptime_ratio.map(|ratio| format!("uptime {}", percent(ratio))));
    if let (Some(from), Some(to)) = (view.started_at, view.ended_at) {
        facts.push(format!("from {} to {}", from.human(), to.human()));
    }
    facts
}

fn gates(export: &Export<'_>) -> Table {
    let mut table = Table::new(&["Gate", "Verdict", "Measured", "Asked for"]);
    for (gate, name) in export.view.gates.iter().zip(&export.names) {
        let waived = gate.waived.as_ref().map(|waived| format!(" ({})", by(waived))).unwrap_or_default();
        let measured = format!("{}{waived}", gate.measured);
        table.row([name.as_str().into(), verdict(gate.status), measured.into(), gate.threshold.as_str().into()]);
    }
    table
}

fn found(export: &Export<'_>, shown: usize) -> Table {
    let mut table = Table::new(&["Severity", "Kind", "What", "Count", "Where"]).right(&[3]);
    for row in &export.rows[..shown] {
        let place = row.place.as_ref().map(|place| Cell::code(place.to_string())).unwrap_or_default();
        let waived = row.waived.as_ref().map(|waived| format!(" ({})", by(waived))).unwrap_or_default();
        let what = format!("{}{waived}", sanitize::shorten(row.text.lines().next().unwrap_or_default(), 400));
        table.row([verdict(row.severity), row.kind.as_str().into(), what.into(), row.count.into(), place]);
    }
    table
}

fn text(table: &Table) -> String {
    let mut out = String::new();
    if !table.rows.is_empty() {
        markdown::table(&mut out, table);
    }
    out
}

fn verdict(status: Status) -> Cell {
    format!("{} {}", sign(status), status.label()).into()
}

/// Colours alone say nothing to some readers, and words alone are not seen by others.
fn sign(status: Status) -> &'static str {
    match status {
        Status::Pass => "✅",
        Status::Warn => "⚠️",
        Status::Fail => "❌",
    }
}
