//! The review brief for people.

use super::{Block, Cell, Doc, Table, criteria};
use crate::finding::Status;
use crate::sanitize;
use crate::verdict::review::Review;

/// Action items shown; the JSON has all.
const SHOWN: usize = 50;

/// The brief as a document.
pub(crate) fn review(review: &Review) -> Doc {
    let label = review.run_label.as_ref().map(|l| format!(" of {l}")).unwrap_or_default();
    let because = review.action_items.iter().filter(|i| i.severity == review.status && review.status > Status::Pass);
    let simulated = if review.simulated { " (simulated)" } else { "" };
    let remark = review.headline.strip_prefix(review.status.label()).unwrap_or_default();
    let mut doc = Doc::new(format!("Review{label}{simulated}"))
        .verdict(review.status, because.take(3).map(|i| sanitize::shorten(&i.description, 160)).collect())
        .remark(remark);
    let mut verdicts = vec![("Evidence".to_owned(), Cell::from(review.evidence_status))];
    verdicts.extend(review.sign_off_status.map(|s| ("Sign-off".to_owned(), Cell::from(s))));
    let facts = review.highlights.iter().map(|(name, value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (name.clone(), Cell::from(text))
    });
    doc.section("At a glance", Block::Facts(verdicts.into_iter().chain(facts).collect()));

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
