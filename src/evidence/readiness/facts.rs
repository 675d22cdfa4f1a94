//! What the values of a document say: words, figures, times, lists; and where the issues that they raise are kept.

use serde_json::{Map, Value};

use super::rules::Rules;
use crate::finding::Status;
use crate::json::lenient;
use crate::log::summary::readiness::Issue;
use crate::sanitize::shorten;
use crate::time::{Stamp, parse_duration};

/// An object of a document.
pub(super) type Object = Map<String, Value>;

/// The longest message of an issue, in characters.
const MESSAGE: usize = 300;
/// The longest piece of a document in a message.
const QUOTED: usize = 60;

/// Words that stand where a name or a figure should be.
const PLACEHOLDERS: [&str; 9] = ["", "-", "–", "?", "n/a", "na", "none", "null", "tbd"];

/// Collects what is wrong with one document.
#[derive(Debug)]
pub(super) struct Reader<'r> {
    pub rules: &'r Rules,
    /// The present, by which ages are judged.
    pub now: Stamp,
    pub issues: Vec<Issue>,
    /// How many checks, figures or events the verdict rests on.
    pub samples: u64,
    /// Whether a WARN of this category holds up the release.
    pub blocking: Vec<String>,
}

impl<'r> Reader<'r> {
    pub(super) fn new(rules: &'r Rules, now: Stamp) -> Self {
        Self { rules, now, issues: Vec::new(), samples: 0, blocking: Vec::new() }
    }

    pub(super) fn add(&mut self, severity: Status, category: &str, pointer: &str, message: &str) -> &mut Issue {
        self.issues.push(Issue {
            category: category.to_owned(),
            severity,
            message: shorten(message, MESSAGE),
            detail: pointer.to_owned(),
            ..Issue::default()
        });
        self.issues.last_mut().expect("it was just added")
    }

    pub(super) fn fail(&mut self, category: &str, pointer: &str, message: &str) {
        self.add(Status::Fail, category, pointer, message);
    }

    pub(super) fn warn(&mut self, category: &str, pointer: &str, message: &str) {
        self.add(Status::Warn, category, pointer, message);
    }

    /// Evidence that contradicts itself, or is impossible.
    pub(super) fn contradiction(&mut self, pointer: &str, message: &str) {
        self.add(Status::Fail, "contradiction", pointer, message).code = Some("contradiction".to_owned());
    }

    /// A FAIL for a word that nobody has defined.
    pub(super) fn not_understood(&mut self, pointer: &str, message: &str) {
        self.add(Status::Fail, "not_understood", pointer, message).code = Some("not_understood".to_owned());
    }

    /// The highest severity of what was found so far.
    pub(super) fn status(&self) -> Status {
        Status::roll_up(self.issues.iter().map(|issue| issue.severity))
    }

    /// The verdict that a value states: a truth value or a word. `None` for a number, for nothing, and for a word that
    /// nobody has defined.
    pub(super) fn word(&self, value: &Value) -> Option<Status> {
        match value {
            Value::Bool(true) => Some(Status::Pass),
            Value::Bool(false) => Some(Status::Fail),
            Value::String(text) => Status::of_state(text).or_else(|| self.rules.accepts(text).then_some(Status::Pass)),
            _ => None,
        }
    }

    /// The worst verdict that one of `keys` states; none where there is none of them. What is not understood is found.
    pub(super) fn stated(&mut self, object: &Object, keys: &[&str], pointer: &str) -> Option<Status> {
        let mut worst = None;
        for key in keys {
            let Some(value) = object.get(*key) else { continue };
            let pointer = at(pointer, key);
            match self.word(value) {
                Some(status) => worst = worst.max(Some(status)),
                None => {
                    let text = format!("{key} says {}, which is no verdict that anybody knows", quoted(value));
                    self.not_understood(&pointer, &text);
                    worst = Some(Status::Fail);
                }
            }
        }
        worst
    }

    /// A figure that must be real and not negative; one that is not is found, and none.
    pub(super) fn figure(&mut self, value: Option<&Value>, what: &str, pointer: &str) -> Option<f64> {
        match figure(value) {
            Figure::Real(number) if number >= 0.0 => Some(number),
            Figure::Real(number) => {
                self.contradiction(pointer, &format!("{what} is negative: {number}"));
                None
            }
            Figure::Unreal(text) => {
                self.contradiction(pointer, &format!("{what} is no real number: {text}"));
                None
            }
            Figure::Absent => None,
        }
    }

    /// A whole number, as [`Self::figure`].
    pub(super) fn count(&mut self, value: Option<&Value>, what: &str, pointer: &str) -> Option<u64> {
        let number = self.figure(value, what, pointer)?;
        if number.fract() != 0.0 || number > 1e15 {
            self.contradiction(pointer, &format!("{what} is no count: {number}"));
            return None;
        }
        Some(number as u64)
    }
}

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

/// Whether a text stands where something should be, and is nothing.
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
