//! The review brief for people.

use super::{Block, Cell, Doc, Table, criteria};
use crate::sanitize;
use crate::verdict::review::Review;

/// Action items shown; the JSON has all.
const SHOWN: usize = 50;

/// The brief as a document. The verdict with its figures is in the summary beside it, and here in the same words.
pub(crate) fn review(review: &Review, because: Vec<String>) -> Doc {
    let label = review.run_label.as_ref().map(|l| format!(" of {l}")).unwrap_or_default();
    let simulated = if review.simulated { " (simulated)" } else { "" };
    let remark = review.headline.strip_prefix(review.status.label()).unwrap_or_default();
    let mut doc = Doc::new(format!("Review{label}{simulated}")).verdict(review.status, because).remark(remark);
    let mut objectives = Table::new(&["objective", "status", "note"]);
    for objective in &review.objectives {
        let note = objective.note.as_deref().unwrap_or_default();
        objectives.row([objective.name.as_str().into(), objective.status.into(), Cell::from(note)]);
    }
    doc.section("Objectives", Block::Table(objectives));

    let mut items = Table::new(&["severity", "from", "count", "what"]).right(&[2]);
    for item in review.action_items.iter().take(SHOWN) {
        let what = sanitize::shorten(&item.description, 300);
        items.row([item.severity.into(), item.category.as_str().into(), item.count.into(), Cell::from(what)]);
    }
    doc.section("Action items", Block::Table(items));
    if let Some(more @ 1..) = review.action_items.len().checked_sub(SHOWN) {
        doc.push(Block::Text(Cell::dim(format!("{more} more are in review.json."))));
    }
    criteria::section(&mut doc, &review.criteria);
    let list = |texts: &[String]| Block::List(texts.iter().map(|t| t.as_str().into()).collect());
    doc.section("Attendees", list(&review.attendees));
    doc.section("Notes", list(&review.notes));
    doc
}
