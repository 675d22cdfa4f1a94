//! Who hears of what, and what became of the events of a rehearsal.

use super::{Block, Cell, Doc, Table, Tone};
use crate::finding::Status;
use crate::sanitize::shorten;
use crate::stage::notify::report::{Notifications, Outcome};

/// How many events are shown; JSON has all.
const SHOWN: usize = 20;

pub(super) fn push(doc: &mut Doc, found: &Notifications) {
    let mut table = Table::new(&["category", "info", "warning", "critical"]);
    for (category, row) in &found.matrix {
        let to = |severity: &str| {
            let names = row.get(severity).map(|names| names.join(", ")).unwrap_or_default();
            if names.is_empty() { Cell::dim("nobody") } else { names.into() }
        };
        table.row([Cell::new(category.as_str(), Tone::Strong), to("info"), to("warning"), to("critical")]);
    }
    doc.section("Who hears of what", Block::Table(table));
    let mut table = Table::new(&["at", "event", "severity", "became"]).right(&[0]);
    for event in found.events.iter().take(SHOWN) {
        let became: Vec<String> =
            event.actions.iter().map(|(channel, outcome)| format!("{channel} {}", word(*outcome))).collect();
        table.row([
            Cell::from(format!("{}s", event.at)),
            shorten(&format!("{}: {}", event.category, event.message), 120).into(),
            event.severity.word().into(),
            if became.is_empty() { "nobody hears of it".into() } else { Cell::from(became.join(", ")) },
        ]);
    }
    doc.section("Events", Block::Table(table));
    if found.events.len() > SHOWN {
        doc.push(Block::Text(Cell::dim(format!("and {} more", found.events.len() - SHOWN))));
    }
    let findings = found.findings.iter().map(|finding| {
        let label = if finding.severity == Status::Pass { "note" } else { finding.severity.label() };
        Cell::new(format!("{label} {}", finding.summary), Tone::Status(finding.severity))
    });
    doc.section("Deliveries", Block::List(findings.collect()));
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Delivered => "delivered",
        Outcome::Planned => "would hear of it",
        Outcome::Failed => "FAILED",
        Outcome::Suppressed => "held back",
        Outcome::Unrouted => "unrouted",
        Outcome::Dropped => "dropped",
    }
}
