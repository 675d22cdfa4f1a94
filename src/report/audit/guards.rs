//! The guards on figures of a run: a row each.

use crate::finding::Status;
use crate::log::summary::guards::{GuardRow, GuardsSummary};
use crate::report::{Block, Cell, Doc, Table, Tone};
use crate::time::human_seconds;

/// Adds a row for each guard: its worst figure against its limits, and on how much that rests.
pub(crate) fn push(doc: &mut Doc, guards: Option<&GuardsSummary>) {
    let Some(guards) = guards else { return };
    let header = ["Guard", "Status", "Worst", "Last", "Limits", "Breaches", "Samples", "Source", "What"];
    let mut table = Table::new(&header).right(&[6]);
    for row in &guards.guards {
        let found = guards.findings.iter().filter(|finding| row.has(finding)).map(|finding| finding.summary.as_str());
        let what: Vec<&str> = found.chain(row.remark.as_deref()).collect();
        let figure = |text: &Option<String>| match text {
            Some(text) => Cell::from(text.as_str()),
            None => Cell::new("never measured", Tone::Status(Status::Fail)),
        };
        table.row([
            Cell::new(row.name.as_str(), Tone::Strong),
            Cell::new(row.status.label(), Tone::Status(row.status)),
            figure(&row.worst_text),
            figure(&row.figure_text),
            Cell::from(format!("{}: {}", row.stat, row.limits)),
            Cell::from(breaches(row)),
            Cell::from(row.samples.to_string()),
            Cell::code(match &row.workload {
                Some(workload) => format!("{} of {workload}", row.source),
                None => row.source.clone(),
            }),
            Cell::from(what.join("; ")),
        ]);
    }
    doc.section("Guards", Block::Table(table));
}

/// How often it was beyond its limits and for how long, and how much of that drills caused.
fn breaches(row: &GuardRow) -> String {
    let caused = match row.excused_episodes {
        0 => String::new(),
        all if all == row.episodes => ", caused by drills".to_owned(),
        some => format!(", {some} caused by drills"),
    };
    match row.episodes {
        0 => "none".to_owned(),
        often => format!("{often}, {} in all{caused}", human_seconds(row.breached_seconds)),
    }
}
