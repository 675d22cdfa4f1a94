//! Events in XML, as log4j, `java.util.logging` and Windows write them: each becomes a JSON object.

use serde_json::{Map, Value};

use super::Step;

/// The elements that are records.
const RECORDS: [&str; 4] = ["log4j:event", "record", "Event", "event"];

/// Whether a text is a log in XML.
pub(super) fn is_log(text: &[u8]) -> bool {
    let start = String::from_utf8_lossy(&text[..text.len().min(4096)]);
    let opened = |name: &str| start.contains(&format!("<{name} ")) || start.contains(&format!("<{name}>"));
    opened("log4j:event")
        || opened("record") && start.contains("<millis>")
        || opened("record") && opened("log")
        || opened("Event") && (start.contains("timeMillis=") || start.contains("<Instant") || opened("System"))
}

pub(super) fn next(text: &[u8], end: bool) -> Option<Step<'_>> {
    let found = RECORDS.iter().filter_map(|name| {
        let open = format!("<{name}");
        let starts = memchr::memmem::find_iter(text, open.as_bytes());
        let whole = |at: &usize| text.get(at + open.len()).is_some_and(|b| b.is_ascii_whitespace() || *b == b'>');
        starts.into_iter().find(whole).map(|at| (at, *name))
    });
    let Some((start, name)) = found.min_by_key(|(at, _)| *at) else { return end.then(|| Step::skip(text.len())) };
    let close = format!("</{name}>");
    let len = memchr::memmem::find(&text[start..], close.as_bytes()).map(|len| len + close.len());
    let stop = match len {
        Some(len) => start + len,
        None if end => text.len(),
        None => return None,
    };
    let element = String::from_utf8_lossy(&text[start..stop]);
    Some(Step { start, end: stop, line: serde_json::to_vec(&Value::Object(fields(&element))).ok().map(Into::into) })
}

/// The attributes and the texts of an element, by name; the first of each name counts.
fn fields(element: &str) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut rest = element;
    let mut windows = element.starts_with("<Event") && element.contains("<System>");
    while let Some(open) = rest.find('<') {
        rest = &rest[open + 1..];
        if let Some(inside) = rest.strip_prefix("![CDATA[") {
            rest = inside;
            continue;
        }
        let Some(close) = rest.find('>') else { break };
        let (tag, after) = (&rest[..close], &rest[close + 1..]);
        rest = after;
        if tag.starts_with(['/', '?', '!']) {
            continue;
        }
        let name = tag.split([' ', '\n', '\t', '/']).next().unwrap_or_default();
        for (key, value) in attributes(tag) {
            add(&mut fields, key, value);
        }
        let text = match after.strip_prefix("<![CDATA[") {
            Some(inside) => inside.split("]]>").next().unwrap_or_default().to_owned(),
            None => unescape(after.split('<').next().unwrap_or_default()),
        };
        if !text.trim().is_empty() {
            add(&mut fields, name, text.trim());
        }
        windows |= name == "EventID";
    }
    if windows {
        // 0 to 5: the channel tells that the scale is that of Windows.
        fields.entry("Channel".to_owned()).or_insert_with(|| Value::String(String::new()));
    }
    fields
}

/// The names that the rest of the program knows, and what they are called in these formats.
fn add(fields: &mut Map<String, Value>, name: &str, value: impl Into<String>) {
    let name = match name.rsplit(':').next().unwrap_or(name) {
        "SystemTime" | "millis" | "date" => "timestamp",
        "Message" => "message",
        "throwable" | "Thrown" | "exception" => "exception",
        other => other,
    };
    let value = value.into();
    let value = match value.parse::<u64>() {
        Ok(number) if name == "Level" || name == "timestamp" => Value::from(number),
        _ => Value::String(value),
    };
    let _ = fields.entry(name.to_owned()).or_insert(value);
}

/// `name="value"` in a tag.
fn attributes(tag: &str) -> impl Iterator<Item = (&str, String)> {
    let mut rest = tag.split_once([' ', '\n', '\t']).map_or("", |(_, rest)| rest);
    std::iter::from_fn(move || {
        let (name, after) = rest.split_once('=')?;
        let after = after.trim_start();
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let (value, more) = after[1..].split_once(quote)?;
        rest = more;
        Some((name.trim(), unescape(value)))
    })
}

fn unescape(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    let pairs = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&apos;", "'"),
        ("&#xA;", "\n"),
        ("&#10;", "\n"),
        ("&amp;", "&"),
    ];
    pairs.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}
