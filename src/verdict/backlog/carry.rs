//! What an earlier backlog held: new, carried over, closed; and items that are open for too long.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{Change, Closed, Item, Options};
use crate::finding::Status;
use crate::time::{Stamp, human_duration};

/// Marks what is new and what was carried over; gives what is gone or done.
pub(super) fn carry(items: &mut [Item], previous: &Value) -> Vec<Closed> {
    let made = previous.get("as_of").or_else(|| previous.get("generated_at"));
    let made = made.and_then(Value::as_str).and_then(Stamp::parse);
    let before: Vec<Item> = earlier_items(previous).0.into_iter().filter(|i| i.severity > Status::Pass).collect();
    let by_id: HashMap<&str, &Item> = before.iter().map(|item| (item.id.as_str(), item)).collect();
    let mut open: HashSet<String> = HashSet::new();
    let mut done: HashSet<String> = HashSet::new();
    for item in items.iter_mut() {
        if item.severity == Status::Pass {
            done.insert(item.id.clone());
            continue;
        }
        open.insert(item.id.clone());
        match by_id.get(item.id.as_str()) {
            Some(old) => {
                item.change = Some(Change::CarriedOver);
                item.runs = old.runs.saturating_add(1);
                item.open_since = [old.open_since, old.occurred_at, made, item.open_since].into_iter().flatten().min();
                item.owner = item.owner.take().or_else(|| old.owner.clone());
                item.due = item.due.take().or_else(|| old.due.clone());
            }
            None => item.change = Some(Change::New),
        }
    }
    let closed = before.into_iter().filter(|old| !open.contains(&old.id));
    closed
        .map(|old| Closed {
            how: if done.contains(&old.id) { "done" } else { "gone" },
            id: old.id,
            severity: old.severity,
            category: old.category,
            summary: old.summary,
            owner: old.owner,
            open_since: old.open_since,
        })
        .collect()
}

/// Turns items that are open for longer than the limit into FAILs.
pub(super) fn age(items: &mut [Item], options: &Options) {
    for item in items.iter_mut().filter(|item| item.severity > Status::Pass) {
        let since = *item.open_since.get_or_insert(options.as_of);
        let age = options.as_of.since(since);
        if let Some(limit) = options.max_age.filter(|limit| age > *limit) {
            item.severity = Status::Fail;
            item.reasons.push(format!("open for {}, longer than {}", human_duration(age), human_duration(limit)));
        }
    }
}

/// The items of an earlier backlog, with the texts of those that are none.
pub(super) fn earlier_items(document: &Value) -> (Vec<Item>, Vec<String>) {
    let list = document.get("items").unwrap_or(document);
    let (mut items, mut unread) = (Vec::new(), Vec::new());
    for value in list.as_array().into_iter().flatten() {
        match serde_json::from_value::<Item>(value.clone()) {
            Ok(item) => items.push(item),
            Err(error) => unread.push(format!("{value} ({error})")),
        }
    }
    (items, unread)
}
