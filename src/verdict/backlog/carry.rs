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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::verdict::backlog::merge::merge;

    fn stamp(text: &str) -> Stamp {
        Stamp::parse(text).expect(text)
    }

    fn item(severity: Status, summary: &str, day: &str) -> Item {
        Item {
            severity,
            category: "log_error".to_owned(),
            summary: summary.to_owned(),
            occurred_at: Some(stamp(day)),
            count: 1,
            runs: 1,
            ..Item::default()
        }
    }

    #[test]
    fn what_is_open_keeps_its_age_and_owner_and_what_is_not_is_closed() {
        let mut before = merge(vec![
            item(Status::Fail, "feed 7 is stale", "2025-01-01"),
            item(Status::Warn, "low on disk", "2025-01-02"),
            item(Status::Warn, "no owner", "2025-01-02"),
        ]);
        for item in &mut before {
            item.owner = Some("ada".to_owned());
        }
        let previous = json!({"as_of": "2025-01-03T00:00:00Z", "items": before});
        let mut now = merge(vec![
            item(Status::Fail, "feed 8 is stale", "2025-01-09"),
            item(Status::Pass, "low on disk", "2025-01-09"),
            item(Status::Fail, "a new one", "2025-01-09"),
        ]);
        let closed = carry(&mut now, &previous);
        let of = |summary: &str| now.iter().find(|item| item.summary == summary).expect(summary);
        // Numbers do not tell items apart.
        let kept = of("feed 8 is stale");
        assert_eq!((kept.change, kept.runs, kept.owner.as_deref()), (Some(Change::CarriedOver), 2, Some("ada")));
        assert_eq!(kept.open_since, Some(stamp("2025-01-01")));
        assert_eq!((of("a new one").change, of("a new one").owner.as_deref()), (Some(Change::New), None));
        let mut closed: Vec<(&str, &str)> = closed.iter().map(|old| (old.summary.as_str(), old.how)).collect();
        closed.sort_unstable();
        assert_eq!(closed, [("low on disk", "done"), ("no owner", "gone")]);
    }

    #[test]
    fn an_item_that_is_open_for_longer_than_the_limit_fails() {
        for (as_of, expect) in [("2025-01-08", Status::Warn), ("2025-01-08T00:00:01", Status::Fail)] {
            let mut items =
                vec![item(Status::Warn, "low on disk", "2025-01-01"), item(Status::Pass, "fine", "2025-01-01")];
            items.iter_mut().for_each(|item| item.open_since = item.occurred_at);
            age(&mut items, &Options { max_age: Some(Duration::from_secs(7 * 86_400)), ..Options::new(stamp(as_of)) });
            assert_eq!((items[0].severity, items[1].severity), (expect, Status::Pass), "{as_of}");
        }
    }

    #[test]
    fn equal_items_are_one_in_any_order() {
        let items = [
            item(Status::Fail, "feed 7 is stale", "2025-01-02"),
            item(Status::Fail, "low on disk", "2025-01-01"),
            item(Status::Warn, "low on disk", "2025-01-01"),
        ];
        let told = |items: Vec<Item>| -> Vec<(String, Status, String)> {
            merge(items).into_iter().map(|item| (item.id, item.severity, item.summary)).collect()
        };
        let forward = told(items.to_vec());
        assert_eq!(told(items.iter().rev().cloned().collect()), forward);
        let ids: HashSet<&String> = forward.iter().map(|(id, ..)| id).collect();
        assert_eq!(ids.len(), forward.len(), "{forward:?}");
    }
}
