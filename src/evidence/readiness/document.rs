//! The text of a component: JSON, TOML or lines of `KEY=value`, as one JSON value.

use serde_json::{Map, Value};

use crate::json::lenient;

/// The longest text that is read as TOML: its reader takes many times the memory of the text.
const MOST_TOML: usize = 1 << 20;

/// Why a document cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub message: String,
    /// The line, from 1, where that is known.
    pub line: Option<u64>,
}

impl Fault {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), line: None }
    }
}

/// Reads the document of the file `path`: its name tells the format, else its text does.
pub(super) fn parse(path: &str, bytes: &[u8]) -> Result<Value, Fault> {
    let text = lenient::text(bytes);
    let body = text.trim();
    if body.is_empty() {
        return Err(Fault::new("it is empty"));
    }
    let named = |ending: &str| path.rsplit_once('.').is_some_and(|(_, found)| found.eq_ignore_ascii_case(ending));
    if named("toml") {
        return toml(&text);
    }
    let json = match lenient::parse_within(&text, lenient::BUDGET) {
        Ok(value) => return Ok(value),
        Err(error) => {
            let line = u64::try_from(error.line()).ok().filter(|line| *line > 0);
            let what = if error.is_data() { "it cannot be read" } else { "it is not JSON" };
            Fault { message: format!("{what}: {error}"), line }
        }
    };
    if named("json") || body.starts_with('{') {
        return Err(json);
    }
    toml(&text).or_else(|toml| lines(&text).map_err(|lines| if text.contains('=') { lines } else { toml })).map_err(
        |fault| Fault { message: format!("it is no JSON, TOML or lines of KEY=value: {}", fault.message), ..fault },
    )
}

fn toml(text: &str) -> Result<Value, Fault> {
    if text.len() > MOST_TOML {
        return Err(Fault::new(format!("it is TOML of more than {} MiB: write it as JSON", MOST_TOML >> 20)));
    }
    let table: toml::Table = toml::from_str(text).map_err(|error| {
        let before = error.span().map(|span| text.as_bytes()[..span.start.min(text.len())].to_vec());
        let line = before.map(|before| before.iter().filter(|byte| **byte == b'\n').count() as u64 + 1);
        Fault { message: format!("it is not TOML: {}", error.message()), line }
    })?;
    Ok(json(toml::Value::Table(table)))
}

/// The same value in the terms of JSON; numbers that are not real become text, as in lax JSON.
pub(super) fn json(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => {
            serde_json::Number::from_f64(number).map_or_else(|| number.to_string().into(), Value::Number)
        }
        toml::Value::Boolean(yes) => yes.into(),
        toml::Value::Datetime(at) => at.to_string().into(),
        toml::Value::Array(items) => items.into_iter().map(json).collect(),
        toml::Value::Table(table) => table.into_iter().map(|(key, value)| (key, json(value))).collect(),
    }
}

/// Lines of `KEY=value`, as shells and containers read them: blank lines and those that start with `#` are none.
fn lines(text: &str) -> Result<Value, Fault> {
    let mut map = Map::new();
    for (at, line) in text.lines().enumerate() {
        let fault = |message: String| Fault { message, line: Some(at as u64 + 1) };
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        let (key, value) = line.split_once('=').ok_or_else(|| fault("this line has no `=`".to_owned()))?;
        let (key, value) = (key.trim(), value.trim());
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        if key.is_empty() || !key.chars().all(plain) {
            return Err(fault("what is before `=` is no name".to_owned()));
        }
        let quoted = ['"', '\''].iter().find_map(|mark| value.strip_prefix(*mark)?.strip_suffix(*mark));
        if map.insert(key.to_owned(), quoted.unwrap_or(value).into()).is_some() {
            return Err(fault(format!("`{key}` is there twice")));
        }
    }
    Ok(map.into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_form_gives_the_same_value() {
        for (path, text) in [
            ("a.json", "{\"status\": \"ok\", \"n\": 2}"),
            ("a", "\u{feff}{\"status\": \"ok\", \"n\": 2}"),
            ("a.toml", "status = \"ok\"\nn = 2\n"),
            ("a.txt", "status = \"ok\"\nn = 2\n"),
        ] {
            assert_eq!(parse(path, text.as_bytes()), Ok(json!({"status": "ok", "n": 2})), "{path}");
        }
        let lines = "# on call\nexport INCIDENT_PRIMARY_RESPONDERS='ada, grace'\nINCIDENT_CHATOPS_READY=yes\n";
        let expect = json!({"INCIDENT_PRIMARY_RESPONDERS": "ada, grace", "INCIDENT_CHATOPS_READY": "yes"});
        assert_eq!(parse("state.env", lines.as_bytes()), Ok(expect));
        assert_eq!(parse("a.json", b"{\"x\": NaN}"), Ok(json!({"x": "NaN"})));
        assert_eq!(parse("a.toml", b"x = nan"), Ok(json!({"x": "NaN"})));
    }

    #[test]
    fn what_cannot_be_read_says_why_and_where() {
        let deep = "[".repeat(100_000);
        for (path, text, line, expect) in [
            ("a.json", "", None, "it is empty"),
            ("a.json", " \n", None, "it is empty"),
            ("a.json", "{\n\"a\": }", Some(2), "it is not JSON"),
            ("a.json", "{\"a\": 1, \"a\": 2}", Some(1), "the key `a`"),
            ("a.json", &deep, Some(1), "recursion limit"),
            ("a.toml", "a = 1\na = 2", Some(2), "it is not TOML"),
            ("a.toml", &format!("a = {deep}"), Some(1), "it is not TOML"),
            ("a", "hello there", Some(1), "no JSON, TOML or lines"),
            ("a.env", "A=1\nB\n", Some(2), "no `=`"),
            ("a.env", "A=x y\nA=2\n", Some(2), "twice"),
        ] {
            let fault = parse(path, text.as_bytes()).expect_err(path);
            assert!(fault.message.contains(expect), "{path}: {}", fault.message);
            assert_eq!(fault.line, line, "{path}: {}", fault.message);
        }
    }
}
