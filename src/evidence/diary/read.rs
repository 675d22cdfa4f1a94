//! From the text of a diary to its entries, whichever form it has.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::issue;
use crate::finding::Status;
use crate::json::lenient;
use crate::log::summary::DiaryIssue;
use crate::time::Stamp;

/// The entries of a diary and the faults of the file.
pub(super) struct Diary {
    /// Every stored entry, in the order of the file.
    pub(super) entries: Vec<Entry>,
    /// What is wrong with the file.
    pub(super) faults: Vec<DiaryIssue>,
}

/// One stored entry.
pub(super) struct Entry {
    /// Its id, or `entry 3` by its position (from 1) where it has none.
    pub(super) name: String,
    /// Whether it has an id.
    pub(super) has_id: bool,
    /// Whether a later entry has the same id and counts in its place.
    pub(super) replaced: bool,
    /// The policy that decided.
    pub(super) policy: String,
    /// When; none where the entry has no usable time.
    pub(super) recorded_at: Option<Stamp>,
    /// The line (from 1) at which it can be found.
    pub(super) line: Option<u64>,
    /// All that is stored.
    pub(super) content: Map<String, Value>,
}

pub(super) fn read(path: &str, bytes: &[u8]) -> Diary {
    let text = lenient::text(bytes);
    let mut reader = Reader { path, diary: Diary { entries: Vec::new(), faults: Vec::new() }, position: 0 };
    if text.trim().is_empty() {
        reader.fault(Status::Fail, "the diary is empty".to_owned(), None);
        return reader.diary;
    }
    match lenient::parse(&text) {
        // A file of one line may be either; a store says so by its `entries`.
        Ok(Value::Object(entry)) if !entry.contains_key("entries") && looks_like_entry(&entry) => {
            reader.entry(Value::Object(entry), Some(1));
        }
        Ok(value) => {
            reader.store(value);
            reader.locate(&text);
            reader.name_differing_duplicates();
        }
        Err(error) => {
            let mut lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty()).peekable();
            let first = lines.peek().map(|(line, _)| lenient::parse(line));
            // JSON Lines starts with an object on a line of its own; anything else is one broken document.
            if matches!(first, Some(Ok(Value::Object(_)))) {
                lines.for_each(|(line, number)| reader.line(line, number));
            } else {
                reader.fault(Status::Fail, format!("the diary is not JSON: {error}"), Some(error.line() as u64));
            }
        }
    }
    reader.diary.mark_replaced();
    reader.diary
}

fn looks_like_entry(object: &Map<String, Value>) -> bool {
    ["entry_id", "recorded_at", "policy_id", "decision", "outcomes"].iter().any(|key| object.contains_key(*key))
}

struct Reader<'a> {
    path: &'a str,
    diary: Diary,
    position: u64,
}

impl Reader<'_> {
    fn fault(&mut self, severity: Status, reason: String, line: Option<u64>) {
        self.diary.faults.push(issue("diary/format", severity, reason).in_file(self.path, line));
    }

    /// A whole document: an object with `entries`, or a list.
    fn store(&mut self, value: Value) {
        let entries = match value {
            Value::Array(entries) => entries,
            Value::Object(mut store) => match store.remove("entries") {
                Some(Value::Array(entries)) => entries,
                None => Vec::new(),
                Some(other) => {
                    let reason = format!("`entries` is {}, not a list", lenient::kind(&other));
                    return self.fault(Status::Fail, reason, None);
                }
            },
            other => {
                let reason = format!("the diary is {}, not an object with `entries` or a list", lenient::kind(&other));
                return self.fault(Status::Fail, reason, None);
            }
        };
        entries.into_iter().for_each(|entry| self.entry(entry, None));
    }

    /// One line of JSON Lines.
    fn line(&mut self, line: &str, number: u64) {
        match lenient::parse(line) {
            Ok(Value::Object(mut store)) if store.get("entries").is_some_and(Value::is_array) => {
                if let Some(Value::Array(entries)) = store.remove("entries") {
                    entries.into_iter().for_each(|entry| self.entry(entry, Some(number)));
                }
            }
            Ok(value) => self.entry(value, Some(number)),
            Err(error) => self.fault(Status::Fail, format!("line {number} is not JSON: {error}"), Some(number)),
        }
    }

    fn entry(&mut self, value: Value, line: Option<u64>) {
        self.position += 1;
        let position = self.position;
        let Value::Object(content) = value else {
            let reason = format!("entry {position} is {}, not an object", lenient::kind(&value));
            return self.fault(Status::Warn, reason, line);
        };
        let text = |name: &str| match content.get(name) {
            None => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Null) => Some("None".to_owned()),
            Some(other) => Some(other.to_string()),
        };
        let id = text("entry_id").filter(|id| !id.trim().is_empty() && !content["entry_id"].is_null());
        self.diary.entries.push(Entry {
            has_id: id.is_some(),
            name: id.unwrap_or_else(|| format!("entry {position}")),
            replaced: false,
            policy: text("policy_id").unwrap_or_else(|| "unknown".to_owned()),
            recorded_at: content.get("recorded_at").and_then(lenient::stamp),
            line,
            content,
        });
    }

    /// Finds the line of each entry by its id; the entries are in the order of the file.
    fn locate(&mut self, text: &str) {
        let (mut offset, mut line) = (0, 1);
        for entry in self.diary.entries.iter_mut().filter(|entry| entry.has_id) {
            let id = match &entry.content["entry_id"] {
                Value::String(id) => Value::String(id.clone()).to_string(),
                other => other.to_string(),
            };
            if let Some(found) = text[offset..].find(&id) {
                line += text[offset..offset + found].matches('\n').count() as u64;
                offset += found;
                entry.line = Some(line);
                offset += id.len();
            }
        }
    }

    /// In a store an id is unique; two entries that differ under one id are a fault. In JSON Lines, the later line
    /// is an update.
    fn name_differing_duplicates(&mut self) {
        let mut seen: HashMap<&str, &Entry> = HashMap::new();
        let mut reasons = Vec::new();
        for entry in self.diary.entries.iter().filter(|entry| entry.has_id) {
            if let Some(earlier) = seen.insert(&entry.name, entry)
                && earlier.content != entry.content
            {
                let reason = format!("two entries that differ have the id {}; the later one counts", entry.name);
                reasons.push((reason, entry.line));
            }
        }
        reasons.into_iter().for_each(|(reason, line)| self.fault(Status::Warn, reason, line));
    }
}

impl Diary {
    fn mark_replaced(&mut self) {
        let mut seen = std::collections::HashSet::new();
        for entry in self.entries.iter_mut().rev().filter(|entry| entry.has_id) {
            entry.replaced = !seen.insert(entry.name.clone());
        }
    }
}
