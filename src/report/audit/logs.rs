//! The logs in the audit.

use super::super::{Block, Cell, Doc, count};
use super::evidence;
use crate::evidence::summary::LogSummary;
use crate::time::{Stamp, human_seconds};
use crate::verdict::gates::percent;

/// `12,345 records over 3d, uptime 100%`.
pub(super) fn in_short(logs: &LogSummary) -> String {
    let over = logs.duration_seconds.map(|seconds| format!(" over {}", human_seconds(seconds))).unwrap_or_default();
    let uptime = logs.uptime_ratio.map(|ratio| format!(", uptime {}", percent(ratio))).unwrap_or_default();
    format!("{}{over}{uptime}", count(logs.records, "record"))
}

pub(super) fn push(doc: &mut Doc, logs: &LogSummary) {
    let mut facts: Vec<(String, Cell)> = vec![
        ("status".to_owned(), logs.status.into()),
        ("records".to_owned(), logs.records.into()),
        ("ignored lines".to_owned(), logs.ignored_lines.into()),
    ];
    if let (Some(first), Some(last)) = (logs.started_at, logs.ended_at) {
        facts.push(("first to last".to_owned(), format!("{} to {}", first.human(), last.human()).into()));
    }
    let _ = Stamp::human;
    doc.section("Logs", Block::Facts(facts));
    evidence::findings(doc, "Faults of the logs", &logs.findings);
}
