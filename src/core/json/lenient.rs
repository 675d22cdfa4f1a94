//! JSON documents as programs leave them: with a byte order mark, in UTF-16, with bare `NaN`, numbers as text.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

use super::strict;
use crate::sanitize::Utf16;
use crate::time::{self, Stamp};

/// The text of a document: UTF-8 with or without a byte order mark, or UTF-16 with one. Invalid parts become U+FFFD.
pub fn text(bytes: &[u8]) -> Cow<'_, str> {
    match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest),
        [0xff, 0xfe, rest @ ..] => Utf16::new(false).decode(rest, true).into(),
        [0xfe, 0xff, rest @ ..] => Utf16::new(true).decode(rest, true).into(),
        _ => String::from_utf8_lossy(bytes),
    }
}

/// One JSON value. Bare `NaN`, `Infinity` and `-Infinity`, which some writers emit, become text. The same key twice in
/// one object is an error: a reader that takes the other one would see another document.
///
/// # Errors
/// The text is not one JSON value, or an object of it has a key twice; the message says where.
pub fn parse(text: &str) -> Result<Value, serde_json::Error> {
    parse_within(text, usize::MAX)
}

/// The most memory that a value takes of a document whose size nobody holds to anything, in bytes.
pub const BUDGET: usize = 32 << 20;

/// [`parse`] of a value that takes at most about `budget` bytes of memory.
///
/// # Errors
/// As for [`parse`], and when it takes more.
pub fn parse_within(text: &str, budget: usize) -> Result<Value, serde_json::Error> {
    strict::parse_within(text.as_bytes(), budget).or_else(|error| match quote_unreal_numbers(text) {
        Some(quoted) => strict::parse_within(quoted.as_bytes(), budget),
        None => Err(error),
    })
}

/// Puts the bare words of unreal numbers outside strings into quotes; `None` if there are none.
fn quote_unreal_numbers(text: &str) -> Option<String> {
    const WORDS: [&str; 3] = ["-Infinity", "Infinity", "NaN"];
    if !WORDS.iter().any(|word| text.contains(word)) {
        return None;
    }
    let mut quoted = String::with_capacity(text.len() + 16);
    let mut rest = text;
    let mut in_string = false;
    while let Some(c) = rest.chars().next() {
        let mut len = c.len_utf8();
        match c {
            '"' => in_string = !in_string,
            '\\' if in_string => len += rest[len..].chars().next().map_or(0, char::len_utf8),
            _ if !in_string => {
                if let Some(word) = WORDS.iter().find(|word| rest.starts_with(**word)) {
                    quoted.push('"');
                    quoted.push_str(word);
                    quoted.push('"');
                    rest = &rest[word.len()..];
                    continue;
                }
            }
            _ => {}
        }
        quoted.push_str(&rest[..len]);
        rest = &rest[len..];
    }
    Some(quoted)
}

/// A number, a truth value (1 or 0) or a number as text; may be unreal. `None` for everything else.
pub fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::Bool(yes) => Some(f64::from(u8::from(*yes))),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// A finite number, written as one or as text; neither a truth value nor an unreal number is one.
pub fn real(value: Option<&Value>) -> Option<f64> {
    let number = match value? {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim_matches(time::is_blank).parse().ok()?,
        _ => return None,
    };
    number.is_finite().then_some(number)
}

/// A whole number, written as one or as text; fractions are cut off.
pub fn whole(value: Option<&Value>) -> Option<i64> {
    // Casting a float holds it at the ends of the range.
    value?.as_i64().or_else(|| real(value).map(|number| number as i64))
}

/// A whole number that is not negative, written as one or as text.
pub fn natural(value: Option<&Value>) -> Option<u64> {
    value?.as_u64().or_else(|| real(value).filter(|number| *number >= 0.0).map(|number| number as u64))
}

/// Whole numbers by their names; what is no number is left out.
pub fn counts(value: Option<&Value>) -> BTreeMap<String, i64> {
    let Some(Value::Object(all)) = value else { return BTreeMap::new() };
    all.iter().filter_map(|(key, value)| Some((key.clone(), whole(Some(value))?))).collect()
}

/// Whether a switch is on: `true`, a number but 0, or `yes` as text.
pub fn flag(value: Option<&Value>) -> bool {
    match value {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::String(text)) => {
            matches!(text.trim_matches(time::is_blank).to_lowercase().as_str(), "1" | "true" | "yes" | "y")
        }
        other => real(other).is_some_and(|number| number != 0.0),
    }
}

/// Whether a value is something, as scripts see it: not null, false, 0 or an empty text.
pub fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(on) => *on,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

/// What a value is, in words: `a list`.
pub fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// An instant: ISO 8601 text, or a number since the Unix epoch whose unit (seconds, ms, µs, ns) shows in its size.
pub fn stamp(value: &Value) -> Option<Stamp> {
    match value {
        Value::String(text) => Stamp::parse(text),
        Value::Number(number) => Stamp::from_epoch(number.to_string().as_bytes()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_of_windows_and_of_lax_writers_are_read() {
        let utf16: Vec<u8> =
            [0xfeff].into_iter().chain("{\"a\":1}".encode_utf16()).flat_map(u16::to_le_bytes).collect();
        for bytes in [b"\xef\xbb\xbf{\"a\":1}".as_slice(), &utf16, b"{\"a\":1}"] {
            assert_eq!(parse(&text(bytes)).expect("JSON"), serde_json::json!({"a": 1}));
        }
        let lax = parse(r#"{"a": NaN, "b": [-Infinity], "c": "NaN \" NaN"}"#).expect("lax JSON");
        assert_eq!(lax, serde_json::json!({"a": "NaN", "b": ["-Infinity"], "c": "NaN \" NaN"}));
        assert!(parse("{\"a\": NaNny}").is_err());
        for twice in [r#"{"a": 1, "a": 2}"#, r#"{"b": NaN, "c": {"a": 1, "a": 1}}"#] {
            assert!(parse(twice).unwrap_err().to_string().contains("the key `a`"), "{twice}");
        }
    }

    #[test]
    fn epoch_numbers_tell_their_unit_by_their_size() {
        for value in [
            serde_json::json!(1_736_121_600),
            serde_json::json!(1_736_121_600_000_i64),
            serde_json::json!(1.7361216e18),
        ] {
            assert_eq!(stamp(&value).map(|at| at.to_string()).as_deref(), Some("2025-01-06T00:00:00+00:00"), "{value}");
        }
        assert_eq!(stamp(&serde_json::json!(true)), None);
    }
}
