//! The drills of a run: a row each.

use crate::finding::Status;
use crate::report::{Block, Cell, Doc, Table, Tone};
use crate::time::human_seconds;
use crate::verdict::audit::Audit;

/// Adds a row for each drill, with its times against its limits.
pub(crate) fn push(doc: &mut Doc, audit: &Audit) {
    let Some(drills) = &audit.summary.drills else { return };
    let mut table = Table::new(&["Drill", "Status", "Detected after", "Recovered after", "Incidents", "What"]);
    for row in &drills.drills {
        let status = match row.status.as_str() {
            "passed" => Status::Pass,
            "skipped" => Status::Warn,
            _ => Status::Fail,
        };
        let time = |seconds: Option<f64>, limit: &str| {
            let limit = row.limits.get(limit).map(|limit| human_seconds(*limit));
            match (seconds, limit) {
                (Some(seconds), Some(limit)) => format!("{} (limit {limit})", human_seconds(seconds)),
                (Some(seconds), None) => human_seconds(seconds),
                (None, Some(limit)) => format!("- (limit {limit})"),
                (None, None) => String::new(),
            }
        };
        let what = if row.findings.is_empty() {
            row.detected_by.as_ref().map(|by| format!("detected by: {by}")).unwrap_or_default()
        } else {
            row.findings.join("; ")
        };
        table.row([
            Cell::new(row.name.as_str(), Tone::Strong),
            Cell::new(row.status.as_str(), Tone::Status(status)),
            time(row.time_to_detect_seconds, "detect_within_seconds").into(),
            time(row.time_to_recover_seconds, "recover_within_seconds").into(),
            Cell::from(row.incidents.to_string()),
            what.into(),
        ]);
    }
    doc.section("Drills", Block::Table(table));
}
