//! The review brief for people.

use super::audit::{drills, guards};
use super::{Block, Cell, Doc, Table, count, criteria, view};
use crate::log::totals::signature;
use crate::sanitize;
use crate::verdict::review::{ActionItem, Review};

/// Action items shown, those that differ in numbers and names alone as one; the JSON has all.
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
    let alike = |item: &ActionItem| {
        let of_logs = matches!(item.category.as_str(), "logs" | "run");
        of_logs.then(|| (item.severity, item.category.clone(), signature::of(&item.description)))
    };
    let groups = view::alike(&review.action_items, alike);
    let listed: usize = groups.iter().take(SHOWN).map(Vec::len).sum();
    for group in groups.iter().take(SHOWN) {
        let (item, times) = (group[0], group.iter().map(|item| item.count).sum::<u64>());
        let others = group.len() as u64 - 1;
        let more = if others > 0 { format!(", with {} alike", count(others, "other")) } else { String::new() };
        let what = sanitize::shorten(&item.description, 300) + &more;
        items.row([item.severity.into(), item.category.as_str().into(), times.into(), Cell::from(what)]);
    }
    doc.section("Action items", Block::Table(items));
    if let Some(more @ 1..) = review.action_items.len().checked_sub(listed) {
        doc.push(Block::Text(Cell::dim(format!("{more} more are in review.json."))));
    }
    drills::push(&mut doc, review.drills.as_ref());
    guards::push(&mut doc, review.guards.as_ref());
    criteria::section(&mut doc, &review.criteria);
    let list = |texts: &[String]| Block::List(texts.iter().map(|t| t.as_str().into()).collect());
    doc.section("Attendees", list(&review.attendees));
    doc.section("Notes", list(&review.notes));
    doc
}
