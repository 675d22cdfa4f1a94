//! Values as Python prints them, because that is how the established tools name events and messages that are no strings.

use std::borrow::Cow;

use serde_json::Value;

/// A number as it is written, or in its shortest form where it has a fraction or an exponent.
pub(crate) fn number(bytes: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(bytes);
    if bytes.iter().all(|b| b.is_ascii_digit() || *b == b'-') {
        return if bytes == b"-0" { Cow::Borrowed("0") } else { text };
    }
    match text.as_ref() {
        "NaN" => "nan".into(),
        "Infinity" => "inf".into(),
        "-Infinity" => "-inf".into(),
        other => other.parse::<f64>().map_or_else(|_| other.to_owned(), float_text).into(),
    }
}

/// The shortest text that reads back as the same number, with the exponent as Python writes it: `1e+22`.
fn float_text(number: f64) -> String {
    let text = format!("{number:?}");
    match text.split_once('e') {
        None => text,
        Some((mantissa, power)) => {
            let (sign, power) = power.strip_prefix('-').map_or(('+', power), |p| ('-', p));
            format!("{mantissa}e{sign}{power:0>2}")
        }
    }
}

/// Appends a value: `None`, `True`, `1.0`, `['a', {'k': 1}]`.
pub(crate) fn append(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("None"),
        Value::Bool(true) => out.push_str("True"),
        Value::Bool(false) => out.push_str("False"),
        Value::Number(value) => out.push_str(&number(value.to_string().as_bytes())),
        Value::String(text) => quote(out, text),
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                out.push_str(if i > 0 { ", " } else { "" });
                append(out, item);
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            for (i, (key, item)) in members.iter().enumerate() {
                out.push_str(if i > 0 { ", " } else { "" });
                quote(out, key);
                out.push_str(": ");
                append(out, item);
            }
            out.push('}');
        }
    }
}

fn quote(out: &mut String, text: &str) {
    let mark = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(mark);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            c if c == mark => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out.push(mark);
}
