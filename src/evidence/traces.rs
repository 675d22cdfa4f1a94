//! Where exceptions and stack traces hide in a record: fields named after them, at any depth.

use std::borrow::Cow;

use super::classify::Named;
use super::json::{Raw, Text};

/// How deep they are looked for.
const DEPTH: u8 = 8;

/// What the name of a field says about its text.
#[derive(Clone, Copy)]
enum Name {
    Exception,
    Stack,
    Text,
}

/// The texts of all such fields among these members.
pub(super) fn of<'a>(members: impl Iterator<Item = (Text<'a>, Raw<'a>)>) -> Vec<Named<'a>> {
    let mut found = Vec::new();
    search(&mut found, &members.collect::<Vec<_>>(), DEPTH);
    found
}

fn search<'a>(found: &mut Vec<Named<'a>>, members: &[(Text<'a>, Raw<'a>)], depth: u8) {
    // OpenTelemetry writes members as `{"key": "exception.stacktrace", "value": …}`.
    let pair = members.iter().find(|(key, _)| key.bytes == b"key").and_then(|(_, name)| named(&name.string()?));
    for (key, value) in members {
        let name = named(&key.decode()).or(pair.filter(|_| key.bytes == b"value"));
        if let Some(name) = name.filter(|_| value.is_truthy()) {
            found.extend(text_of(*value, depth).map(|text| match name {
                Name::Exception => Named::Exception(text),
                Name::Stack => Named::Stack(text),
                Name::Text => Named::Text(text),
            }));
        }
        if depth > 0 {
            for inner in value.members().into_iter().chain(value.elements().filter_map(Raw::members)) {
                search(found, &inner.flatten().collect::<Vec<_>>(), depth - 1);
            }
        }
    }
}

fn named(key: &str) -> Option<Name> {
    let lower = key.to_ascii_lowercase();
    let ends = |words: &[&str]| words.iter().any(|word| lower.ends_with(word));
    if ends(&["exception"]) || matches!(lower.as_str(), "@x" | "exc_info" | "exc_text") {
        Some(Name::Exception)
    } else if ends(&["traceback", "stacktrace", "stack_trace", "backtrace", ".stack"])
        || matches!(lower.as_str(), "stack" | "errorverbose")
    {
        Some(Name::Stack)
    } else {
        (lower == "full_message").then_some(Name::Text)
    }
}

/// The text of a field: frames as a list and exceptions as an object give their texts, one to a line.
fn text_of(value: Raw<'_>, depth: u8) -> Option<Cow<'_, str>> {
    match value {
        Raw::Text(text) => Some(text.decode()),
        Raw::Array(bytes) | Raw::Object(bytes) => {
            let mut lines = Vec::new();
            texts(&mut lines, value, depth);
            Some(if lines.is_empty() { String::from_utf8_lossy(bytes) } else { Cow::Owned(lines.join("\n")) })
        }
        // `exc_info: true` only asks a logger for a trace.
        _ => None,
    }
}

fn texts<'a>(lines: &mut Vec<Cow<'a, str>>, value: Raw<'a>, depth: u8) {
    match value {
        Raw::Text(text) => lines.push(text.decode()),
        Raw::Array(_) | Raw::Object(_) if depth > 0 => {
            value.elements().for_each(|element| texts(lines, element, depth - 1));
            value.members().into_iter().flatten().flatten().for_each(|(_, member)| texts(lines, member, depth - 1));
        }
        _ => {}
    }
}
