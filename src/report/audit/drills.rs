//! The drills of a run: a row each.

use crate::drills::judge;
use crate::finding::Status;
use crate::log::summary::drills::{DrillRow, DrillsSummary};
use crate::report::{Block, Cell, Doc, Table, Tone};
use crate::time::{Stamp, human_seconds};

/// Adds a row for each drill: when each part of it came, and how soon, against its limits.
pub(crate) fn push(doc: &mut Doc, drills: Option<&DrillsSummary>) {
    let Some(drills) = drills else { return };
    let header =
        ["Drill", "Status", "Planned", "Injected", "Detected", "Acknowledged", "Recovered", "Incidents", "What"];
    let mut table = Table::new(&header).right(&[7]);
    for row in &drills.drills {
        table.row([
            Cell::new(row.name.as_str(), Tone::Strong),
            Cell::new(row.status.as_str(), Tone::Status(status(row))),
            row.scheduled_at.map_or(Cell::from(""), at),
            row.injected_at.map_or_else(|| Cell::dim("not injected"), at),
            reached(row, row.detected_at, row.time_to_detect_seconds, "detect_within_seconds"),
            reached(row, row.acknowledged_at, row.time_to_acknowledge_seconds, "acknowledge_within_seconds"),
            reached(row, row.recovered_at, row.time_to_recover_seconds, "recover_within_seconds"),
            caused(row).into(),
            what(row).into(),
        ]);
    }
    doc.section("Drills", Block::Table(table));
    doc.push(Block::Text(Cell::dim(format!("{}.", judge::told(drills)))));
}

/// A drill that passed with something to say shows too little.
fn status(row: &DrillRow) -> Status {
    match row.status.as_str() {
        "passed" if row.findings.is_empty() => Status::Pass,
        "passed" | "skipped" => Status::Warn,
        _ => Status::Fail,
    }
}

fn at(at: Stamp) -> Cell {
    at.human().into()
}

/// When a part of a drill was reached, how soon, and how soon it had to be.
fn reached(row: &DrillRow, at: Option<Stamp>, seconds: Option<f64>, limit: &str) -> Cell {
    let limit = row.limits.get(limit).map(|limit| human_seconds(*limit));
    match (seconds, limit) {
        (Some(seconds), limit) => {
            let limit = limit.map(|limit| format!(" (limit {limit})")).unwrap_or_default();
            let at = at.map(|at| format!(", {}", at.human())).unwrap_or_default();
            format!("after {}{limit}{at}", human_seconds(seconds)).into()
        }
        (None, Some(limit)) if row.injected_at.is_some() => {
            Cell::new(format!("never (limit {limit})"), Tone::Status(Status::Fail))
        }
        (None, Some(limit)) => Cell::dim(format!("- (limit {limit})")),
        (None, None) => Cell::dim("not asked for"),
    }
}

/// How many incidents it caused, and how many of them are held against the run all the same.
fn caused(row: &DrillRow) -> String {
    match row.incidents.saturating_sub(row.excused.len() as u64) {
        0 => row.incidents.to_string(),
        held => format!("{}, {held} not excused", row.incidents),
    }
}

fn what(row: &DrillRow) -> String {
    let stage = row.stage.as_ref().map(|stage| format!("failed at {stage}"));
    let by = row.detected_by.as_ref().map(|by| format!("detected by: {by}"));
    let expected = row.hypothesis.as_ref().map(|hypothesis| format!("expected: {hypothesis}"));
    stage.into_iter().chain(row.findings.iter().cloned()).chain(by).chain(expected).collect::<Vec<_>>().join("; ")
}
