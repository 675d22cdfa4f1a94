//! What the values of a document say: words, figures, lists; and how they are shown.

use serde_json::{Map, Value};

use crate::finding::Status;
use crate::json::lenient;
use crate::sanitize::shorten;
use crate::time::parse_duration;

/// An object of a document.
pub(super) type Object = Map<String, Value>;

/// The longest piece of a document in a message.
const QUOTED: usize = 60;

/// Words that are where a name or a figure should be.
const PLACEHOLDERS: [&str; 9] = ["", "-", "–", "?", "n/a", "na", "none", "null", "tbd"];

/// A value where a figure is looked for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Figure {
    /// Nothing: absent, null, or a placeholder such as `n/a`.
    Absent,
    /// A finite number.
    Real(f64),
    /// Something else, as text.
    Unreal(String),
}

pub(super) fn figure(value: Option<&Value>) -> Figure {
    match value {
        None | Some(Value::Null) => Figure::Absent,
        Some(Value::String(text)) if is_placeholder(text) => Figure::Absent,
        Some(value) => match lenient::real(Some(value)) {
            Some(number) => Figure::Real(number),
            None => Figure::Unreal(quoted(value)),
        },
    }
}

/// Whether a text is where something should be, and is nothing.
pub(super) fn is_placeholder(text: &str) -> bool {
    PLACEHOLDERS.contains(&text.trim().to_lowercase().as_str())
}

/// A length of time in `unit` seconds: a bare number, or a text with units. The error says what it is instead.
pub(super) fn length(value: &Value, unit: f64) -> Result<f64, String> {
    let text = match value {
        Value::String(text) if !text.trim().is_empty() => text.trim(),
        _ => "",
    };
    match (figure(Some(value)), parse_duration(text)) {
        (Figure::Real(number), _) => Ok(number),
        (_, Ok(length)) => Ok(length.as_secs_f64() / unit),
        _ => Err(quoted(value)),
    }
}

/// Whether a switch is on; none for what is neither.
pub(super) fn switch(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(on) => Some(*on),
        Value::Number(number) => match number.as_f64() {
            Some(1.0) => Some(true),
            Some(0.0) => Some(false),
            _ => None,
        },
        Value::String(text) => match text.trim().to_lowercase().as_str() {
            "1" | "yes" | "y" | "on" | "enabled" | "active" => Some(true),
            "0" | "no" | "n" | "off" | "disabled" | "inactive" | "none" => Some(false),
            word => Status::of_state(word).map(|status| status == Status::Pass),
        },
        _ => None,
    }
}

/// The members of a list, or the pieces of a text between `,` and `;`, without blanks around them.
pub(super) fn names(value: &Value) -> Option<Vec<String>> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Object(object) => {
            ["name", "id", "incident_id", "title"].iter().find_map(|key| object.get(*key)?.as_str().map(str::to_owned))
        }
        _ => None,
    };
    match value {
        Value::Array(items) => Some(items.iter().map(|item| text(item).unwrap_or_else(|| quoted(item))).collect()),
        Value::String(list) => Some(list.split([',', ';']).map(|piece| piece.trim().to_owned()).collect()),
        Value::Null => Some(Vec::new()),
        _ => None,
    }
}

/// A value in a message, of bounded length.
pub(super) fn quoted(value: &Value) -> String {
    match value {
        Value::String(text) => format!("`{}`", shorten(text, QUOTED)),
        Value::Null => "null".to_owned(),
        Value::Array(_) | Value::Object(_) => lenient::kind(value).to_owned(),
        other => other.to_string(),
    }
}

/// The JSON pointer of a member.
pub(super) fn at(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", shorten(&key.replace('~', "~0").replace('/', "~1"), 80))
}

/// Text that is not blank.
pub(super) fn text<'a>(object: &'a Object, key: &str) -> Option<&'a str> {
    object.get(key)?.as_str().map(str::trim).filter(|text| !text.is_empty())
}

/// A name as part of a code: lower-case letters, digits and `_`.
pub(super) fn code(name: &str) -> String {
    let mut code = String::new();
    for c in name.trim().to_lowercase().chars() {
        if c.is_ascii_alphanumeric() {
            code.push(c);
        } else if !code.ends_with('_') && !code.is_empty() {
            code.push('_');
        }
    }
    let code: String = code.trim_end_matches('_').chars().take(64).collect();
    if code.is_empty() { "unnamed".to_owned() } else { code }
}

/// A share: a number from 0 to 1, a percentage above that, or either as text.
pub(super) fn rate(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => match text.trim().strip_suffix('%') {
            Some(percent) => percent.trim().parse::<f64>().ok()? / 100.0,
            None => text.trim().parse().ok()?,
        },
        _ => return None,
    };
    let share = if number > 1.0 && !matches!(value, Value::String(text) if text.contains('%')) {
        number / 100.0
    } else {
        number
    };
    (0.0..=1.0).contains(&share).then_some(share)
}

/// Whether two names are those of one component: case does not matter.
pub(super) fn same_name(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_read_for_what_they_are() {
        for (value, expect) in [
            (json!(3), Figure::Real(3.0)),
            (json!("2.5"), Figure::Real(2.5)),
            (json!("n/a"), Figure::Absent),
            (json!(null), Figure::Absent),
            (json!("NaN"), Figure::Unreal("`NaN`".to_owned())),
            (json!(true), Figure::Unreal("true".to_owned())),
        ] {
            assert_eq!(figure(Some(&value)), expect, "{value}");
        }
        assert_eq!(length(&json!("36h"), 86_400.0), Ok(1.5));
        assert_eq!(length(&json!("10"), 86_400.0), Ok(10.0));
        assert!(length(&json!("soon"), 60.0).is_err());
        for (value, expect) in
            [(json!("yes"), Some(true)), (json!("false"), Some(false)), (json!(1), Some(true)), (json!("maybe"), None)]
        {
            assert_eq!(switch(&value), expect, "{value}");
        }
        assert_eq!(names(&json!("a; b,c")), Some(vec!["a".to_owned(), "b".to_owned(), "c".to_owned()]));
        assert_eq!(code("Feed / EU-west "), "feed_eu_west");
        assert_eq!(code("тест"), "unnamed");
        assert_eq!(at("/a", "x/y~z"), "/a/x~1y~0z");
    }
}
