//! Tolerant reading of documents: lists that are none, members that are no objects, words of any vocabulary.

use serde_json::Value;

use super::{Gathered, Item, NotUnderstood, Origin, Source};
use crate::finding::Status;
use crate::json::lenient;

/// A severity or status as text; a missing or empty one is `None`.
pub(crate) fn word(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::Null => None,
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        other => Some(other.to_string()),
    }
}

/// A piece of text that is not blank; numbers and truth values count as text.
pub(crate) fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        number @ (Value::Number(_) | Value::Bool(_)) => Some(number.to_string()),
        _ => None,
    }
}

/// What a part of a document is read with.
pub(super) struct Part<'a> {
    pub(super) path: &'a str,
    pub(super) name: &'a str,
    pub(super) category: &'a str,
    pub(super) origin: Origin,
}

impl Gathered {
    /// The object at `value`; anything else but null is named.
    pub(super) fn object<'a>(&mut self, value: Option<&'a Value>, path: &str, name: &str) -> Option<&'a Value> {
        match value? {
            Value::Null => None,
            object @ Value::Object(_) => Some(object),
            other => {
                self.unread(path, format!("{name}: {other}"));
                None
            }
        }
    }

    /// The items of a list, which may be null, absent or a single object; members that are no objects are named.
    pub(super) fn list(&mut self, value: Option<&Value>, part: &Part<'_>, texts: &[&str], generic: &str) -> Vec<Item> {
        let members: &[Value] = match value {
            None | Some(Value::Null) => &[],
            Some(Value::Array(members)) => members,
            Some(single) => std::slice::from_ref(single),
        };
        let mut items = Vec::with_capacity(members.len());
        for (at, member) in members.iter().enumerate() {
            let Some(object) = member.as_object() else {
                self.unread(part.path, format!("{}[{at}]: {member}", part.name));
                continue;
            };
            let key = if part.name.ends_with("objectives") { "status" } else { "severity" };
            let (status, unknown) = severity(object.get(key));
            let mut item = part.item(status);
            if unknown {
                let said = word(object.get(key)).unwrap_or_default();
                item.reasons.push(format!("the {key} `{said}` is not a known word"));
                self.unread(part.path, format!("{}[{at}].{key}: {said}", part.name));
            }
            item.summary = texts.iter().find_map(|key| text(object.get(*key))).unwrap_or_else(|| generic.to_owned());
            item.occurred_at = object.get("occurred_at").and_then(lenient::stamp);
            item.last_at =
                object.get("last_at").and_then(lenient::stamp).filter(|last| Some(*last) != item.occurred_at);
            item.count = object.get("count").and_then(Value::as_u64).unwrap_or(1).max(1);
            item.owner = text(object.get("owner"));
            item.due = text(object.get("due"));
            if let Some(metadata) = object.get("metadata").and_then(Value::as_object) {
                item.context = metadata.clone().into_iter().collect();
            }
            item.workload = ["/workload", "/metadata/workload", "/context/metadata/workload"]
                .iter()
                .find_map(|pointer| text(member.pointer(pointer)));
            if let Some(place) = object.get("place").filter(|place| place.get("path").is_some_and(Value::is_string)) {
                item.sources = serde_json::from_value(place.clone()).map_or(item.sources, |mut source: Source| {
                    source.part = Some(part.name.to_owned());
                    vec![source]
                });
            }
            item.raw = object.clone();
            items.push(item);
        }
        items
    }

    pub(crate) fn unread(&mut self, path: &str, text: String) {
        self.not_understood.push(NotUnderstood { path: path.to_owned(), line: None, text, evidence: true });
    }
}

impl Part<'_> {
    pub(super) fn item(&self, severity: Status) -> Item {
        Item {
            severity,
            category: self.category.to_owned(),
            count: 1,
            status: "open".to_owned(),
            sources: vec![Source { path: self.path.to_owned(), line: None, part: Some(self.name.to_owned()) }],
            runs: 1,
            origin: self.origin,
            ..Item::default()
        }
    }
}

/// The severity that a value names, and whether it is a word that nobody has defined. Without one it is a WARN.
pub(crate) fn severity(value: Option<&Value>) -> (Status, bool) {
    match word(value) {
        None => (Status::Warn, false),
        Some(word) => Status::from_word(&word).map_or((Status::Warn, true), |status| (status, false)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PART: Part<'static> = Part { path: "s.json", name: "findings", category: "run", origin: Origin::Run };

    #[test]
    fn words_and_texts_are_read_from_values_of_any_kind() {
        for (value, is_word, is_text) in [
            (json!(null), None, None),
            (json!(""), None, None),
            (json!("  "), None, None),
            (json!(" fail "), Some("fail"), Some("fail")),
            (json!(3), Some("3"), Some("3")),
            (json!(false), Some("false"), Some("false")),
            // No text for people, but a word that nobody knows.
            (json!(["fail"]), Some("[\"fail\"]"), None),
            (json!({"name": "fail"}), Some("{\"name\":\"fail\"}"), None),
        ] {
            assert_eq!(word(Some(&value)).as_deref(), is_word, "{value}");
            assert_eq!(text(Some(&value)).as_deref(), is_text, "{value}");
        }
    }

    #[test]
    fn a_severity_that_nobody_knows_is_a_warning_and_named() {
        for (value, expect) in [
            (json!("fail"), (Status::Fail, false)),
            (json!("Passed"), (Status::Pass, false)),
            (json!("mauve"), (Status::Warn, true)),
            (json!(["fail"]), (Status::Warn, true)),
            (json!(null), (Status::Warn, false)),
        ] {
            assert_eq!(severity(Some(&value)), expect, "{value}");
        }
    }

    #[test]
    fn members_that_are_no_objects_are_named_and_not_lost() {
        let member = json!({"severity": "fail", "message": "boom", "count": 3});
        for (list, items, unread) in [
            (json!(null), 0, 0),
            (json!([]), 0, 0),
            (json!([member, member]), 2, 0),
            // One that stands alone.
            (member.clone(), 1, 0),
            (json!([member, "text", 5, null]), 1, 3),
            (json!("text"), 0, 1),
        ] {
            let mut gathered = Gathered::default();
            let found = gathered.list(Some(&list), &PART, &["message"], "a fault");
            assert_eq!((found.len(), gathered.not_understood.len()), (items, unread), "{list}");
            assert!(found.iter().all(|item| item.summary == "boom" && item.count == 3), "{found:?}");
        }
    }
}
