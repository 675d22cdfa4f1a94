//! The guards on figures of a run: a row each.

use crate::report::{Block, Cell, Doc, Table, Tone};
use crate::verdict::audit::Audit;

/// Adds a row for each guard, with what was measured against its limits.
pub(crate) fn push(doc: &mut Doc, audit: &Audit) {
    let Some(guards) = &audit.summary.guards else { return };
    let header = ["Guard", "Status", "Measured", "Limits", "Samples", "Breaches", "Source", "What"];
    let mut table = Table::new(&header).right(&[4, 5]);
    for row in &guards.guards {
        let found = guards.findings.iter().filter(|finding| row.has(finding)).map(|finding| finding.summary.as_str());
        let what: Vec<&str> = found.chain(row.remark.as_deref()).collect();
        table.row([
            Cell::new(row.name.as_str(), Tone::Strong),
            Cell::new(row.status.label(), Tone::Status(row.status)),
            Cell::from(row.measured.as_str()),
            Cell::from(row.limits.as_str()),
            Cell::from(row.samples.to_string()),
            Cell::from(row.episodes.to_string()),
            Cell::code(row.source.as_str()),
            Cell::from(what.join("; ")),
        ]);
    }
    doc.section("Guards", Block::Table(table));
}
