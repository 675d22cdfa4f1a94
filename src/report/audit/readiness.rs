//! The components of a release: a row each, then what is wrong with them; the checklist of a run.

use crate::finding::Status;
use crate::log::summary::readiness::{Component, Readiness};
use crate::report::{Block, Cell, Doc, Table, Tone};
use crate::sanitize::shorten;
use crate::time::{Stamp, human_seconds};
use crate::verdict::audit::Audit;

use super::{SHOWN, and_more};

pub(super) fn checklist(doc: &mut Doc, audit: &Audit) {
    let Some(list) = &audit.summary.checklist else { return };
    let mut table = Table::new(&["", "task", "who", "when", "evidence"]);
    for item in &list.items {
        let state = match (item.ticked, item.required) {
            (true, _) => "done",
            (false, true) => "OPEN",
            (false, false) => "open, optional",
        };
        table.row([
            state.into(),
            item.text.as_str().into(),
            Cell::from(item.owner.clone().unwrap_or_default()),
            Cell::dim(item.at.map(Stamp::human).unwrap_or_default()),
            Cell::code(item.evidence.join(", ")),
        ]);
    }
    doc.section(format!("Checklist ({})", list.summary), Block::Table(table));
}

pub(super) fn push(doc: &mut Doc, audit: &Audit) {
    let Some(readiness) = &audit.summary.readiness else { return };
    let mut table = Table::new(&["Component", "Status", "Age", "Summary"]);
    for component in &readiness.components {
        table.row([
            Cell::new(component.name.as_str(), Tone::Strong),
            component.status.into(),
            age(component),
            shorten(&component.summary, 200).into(),
        ]);
    }
    for name in &readiness.metadata.missing_components {
        let missing = ["missing", ""].map(Cell::from);
        let [status, age] = missing;
        table.row([
            Cell::new(name.as_str(), Tone::Strong),
            Cell { tone: Tone::Status(Status::Fail), ..status },
            age,
            "required, and not there".into(),
        ]);
    }
    doc.section("Readiness", Block::Table(table));
    for component in &readiness.components {
        issues(doc, readiness, component);
    }
}

fn age(component: &Component) -> Cell {
    Cell::dim(component.age_seconds.map(|age| human_seconds(age.max(0.0))).unwrap_or_default())
}

fn issues(doc: &mut Doc, readiness: &Readiness, component: &Component) {
    let Some(issues) = readiness.metadata.component_issue_details.get(&component.name) else { return };
    let shown = issues.issue_details.iter().take(SHOWN).map(|issue| {
        let place = if issue.detail.is_empty() { String::new() } else { format!(" ({})", issue.detail) };
        Cell::new(format!("{} {}{place}", issue.severity.label(), issue.message), Tone::Status(issue.severity))
    });
    let shown: Vec<Cell> = shown.collect();
    let (listed, total) = (shown.len(), issues.issue_counts.values().sum());
    doc.section(format!("Issues of {} ({})", component.name, component.path), Block::List(shown));
    and_more(doc, total, listed, "issue");
}
