//! The pages of follow-ups: the backlog and the minutes, each with who has how much to do.

use std::collections::BTreeMap;

use super::bars::{self, FAIL, Part, Row, WARN};
use super::document::{self, Picture};
use crate::finding::Status;
use crate::report::Doc;
use crate::verdict::backlog::Backlog;
use crate::verdict::wrap_up::WrapUp;

/// The page of a backlog.
pub(crate) fn backlog(doc: &Doc, backlog: &Backlog) -> String {
    let items = backlog.items.iter().map(|item| (item.owner.as_deref(), item.severity));
    document::page(doc, by_owner(items), backlog.generated_at)
}

/// The page of the minutes.
pub(crate) fn wrap_up(doc: &Doc, minutes: &WrapUp) -> String {
    let items = minutes.backlog_items.iter().map(|item| (item.owner.as_deref(), item.severity));
    document::page(doc, by_owner(items), minutes.generated_at)
}

/// Open follow-ups by owner, the most of them first, those without an owner last.
fn by_owner<'a>(items: impl Iterator<Item = (Option<&'a str>, Status)>) -> Vec<Picture> {
    let mut owners: BTreeMap<Option<&str>, [u64; 2]> = BTreeMap::new();
    for (owner, severity) in items.filter(|(_, severity)| *severity > Status::Pass) {
        let owner = owner.map(str::trim).filter(|owner| !owner.is_empty());
        owners.entry(owner).or_default()[usize::from(severity == Status::Warn)] += 1;
    }
    let mut owners: Vec<(Option<&str>, [u64; 2])> = owners.into_iter().collect();
    owners.sort_by_key(|(owner, [fail, warn])| (owner.is_none(), std::cmp::Reverse(fail + warn), *owner));
    let rows: Vec<Row> = owners
        .into_iter()
        .map(|(owner, [fail, warn])| Row {
            name: owner.unwrap_or("nobody yet").to_owned(),
            offset: 0.0,
            values: vec![fail as f64, warn as f64],
            text: format!("{fail} FAIL, {warn} WARN"),
        })
        .collect();
    if rows.is_empty() {
        return Vec::new();
    }
    let parts = [Part::new("FAIL", FAIL), Part::new("WARN", WARN)];
    vec![("Follow-ups by owner", bars::chart(&parts, &rows, "Open follow-ups by who has them."))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_most_comes_first_and_nobody_last() {
        let items =
            [(None, Status::Fail), (None, Status::Fail), (Some("kim"), Status::Warn), (Some(" "), Status::Warn)];
        let more = [(Some("lee"), Status::Fail), (Some("lee"), Status::Warn), (Some("max"), Status::Pass)];
        let page = by_owner(items.into_iter().chain(more)).remove(0).1.0;
        let at = |name: &str| page.find(&format!(">{name}<")).unwrap_or_else(|| panic!("{name}: {page}"));
        assert!(at("lee") < at("kim") && at("kim") < at("nobody yet"), "{page}");
        assert!(page.contains("2 FAIL, 1 WARN") && !page.contains("max"), "{page}");
    }
}
