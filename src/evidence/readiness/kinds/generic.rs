//! Documents of no other kind: the word that they state, and that of each part in them.

use serde_json::Value;

use super::super::reader::Reader;
use super::super::values::{Object, at, text};
use crate::finding::{Status, count};
use crate::json::lenient;

/// Parts deeper than this are not looked for.
const DEPTH: usize = 64;

/// Judges a document by its own word and the words of its parts. Gives the summary.
pub(in super::super) fn judge(document: &Object, reader: &mut Reader<'_>) -> String {
    let stated = reader.stated(document, &["status", "verdict"], "");
    reader.samples = 1;
    let mut worst_part = Status::Pass;
    let mut parts = 0;
    let mut open: Vec<(String, &Value, usize)> =
        document.iter().map(|(key, value)| (at("", key), value, 1)).filter(|(_, value, _)| is_tree(value)).collect();
    // In the order of the document.
    open.reverse();
    while let Some((pointer, value, depth)) = open.pop() {
        if let Value::Object(part) = value
            && let (Some(name), Some(word)) = (part.get("name").and_then(Value::as_str), part.get("status"))
        {
            parts += 1;
            let status = match reader.word(word) {
                Some(status) => status,
                None => {
                    let said = super::super::values::quoted(word);
                    reader.not_understood(&at(&pointer, "status"), &format!("{name} says {said}, which is no verdict"));
                    Status::Fail
                }
            };
            worst_part = worst_part.max(status);
            if status > Status::Pass {
                let said = text(part, "message").or_else(|| text(part, "summary"));
                let said = said.map(|said| format!(": {said}")).unwrap_or_default();
                reader.add(status, "status", &pointer, &format!("{name} is {}{said}", status.label()));
            }
        }
        if depth < DEPTH {
            let inner: Vec<(String, &Value, usize)> = match value {
                Value::Object(map) => map.iter().map(|(key, value)| (at(&pointer, key), value, depth + 1)).collect(),
                Value::Array(list) => {
                    let items = list.iter().enumerate();
                    items.map(|(n, value)| (format!("{pointer}/{n}"), value, depth + 1)).collect()
                }
                _ => Vec::new(),
            };
            open.extend(inner.into_iter().filter(|(_, value, _)| is_tree(value)).rev());
        }
    }
    if lenient::flag(document.get("simulated")) {
        reader.add(Status::Warn, "simulated", "/simulated", "it says of itself that it was simulated");
    }
    let Some(stated) = stated else {
        if parts == 0 {
            reader.not_understood("", "it states no verdict that anybody knows");
        }
        return summary(document, parts);
    };
    if stated == Status::Pass && worst_part == Status::Fail {
        reader.contradiction("/status", "it says that all is well, but a part of it failed");
    } else if stated > reader.status() {
        reader.add(stated, "status", "/status", &format!("it says {} of itself", stated.label()));
    }
    reader.samples += parts;
    summary(document, parts)
}

fn is_tree(value: &Value) -> bool {
    value.is_object() || value.is_array()
}

fn summary(document: &Object, parts: u64) -> String {
    let own = text(document, "summary").or_else(|| text(document, "message"));
    match (own, parts) {
        (Some(own), _) => own.to_owned(),
        (None, 0) => "its own word".to_owned(),
        (None, parts) => format!("its own word and {}", count(parts, "part")),
    }
}
