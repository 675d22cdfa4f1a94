//! How a workload is asked whether it is ready, and what is done around its stop.

use std::collections::BTreeMap;
use std::time::Duration;

use regex_automata::meta::Regex;
use serde_json::Value;

use crate::json::lenient;
use crate::supervise::event::StopSignal;

/// A question to a workload.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Check {
    /// A program that ends with code 0.
    Exec { command: Vec<String> },
    /// An answer of an HTTP server.
    Http(Box<Http>),
    /// A port that takes connections.
    Tcp { address: String },
    /// A line of its own log.
    Log(LogLine),
}

/// A request and the answer that is hoped for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Http {
    /// The method.
    pub method: String,
    /// Where it goes.
    pub url: String,
    /// What is sent.
    pub body: Option<String>,
    /// The status that is hoped for; any from 200 to 299 where none is given.
    pub status: Option<u16>,
    /// The place in a JSON answer that must hold `equals`.
    pub pointer: Option<String>,
    /// What must be there; anything but null and false where nothing is given.
    pub equals: Option<Value>,
}

/// A line of a log.
#[derive(Clone, Debug)]
pub(crate) struct LogLine {
    /// The fields that a JSON line must have.
    pub fields: BTreeMap<String, Value>,
    /// A pattern that must be found in the line.
    pub matches: Option<Regex>,
    /// How it was written, for people.
    pub shown: String,
}

impl PartialEq for LogLine {
    fn eq(&self, other: &Self) -> bool {
        self.shown == other.shown
    }
}

impl LogLine {
    /// What is before a line in words.
    pub(crate) const WORDS: &str = "a line with ";

    /// The line that is told in these words; none if they tell of none.
    pub(crate) fn of_words(words: &str) -> Option<Self> {
        let mut line = Self { fields: BTreeMap::new(), matches: None, shown: words.to_owned() };
        let mut rest = words.strip_prefix(Self::WORDS)?;
        while !rest.is_empty() {
            let (name, tail) = rest.split_once('=')?;
            let mut values = serde_json::Deserializer::from_str(tail).into_iter::<Value>();
            let value = values.next()?.ok()?;
            rest = tail[values.byte_offset()..].trim_start();
            match value {
                Value::String(pattern) if name == "matches" => line.matches = Some(Regex::new(&pattern).ok()?),
                value => drop(line.fields.insert(name.to_owned(), value)),
            }
        }
        Some(line)
    }

    /// Whether `line` is the one.
    pub(crate) fn is(&self, line: &[u8]) -> bool {
        let by_pattern = self.matches.as_ref().is_none_or(|pattern| pattern.is_match(line));
        by_pattern && (self.fields.is_empty() || (self.may_hold(line) && self.has_fields(line)))
    }

    /// Whether all plain texts that are wanted occur in the line: most lines are told apart by that.
    fn may_hold(&self, line: &[u8]) -> bool {
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\/&<>'".contains(&byte));
        let texts = self.fields.values().filter_map(Value::as_str).filter(|text| plain(text));
        texts.into_iter().all(|text| memchr::memmem::find(line, text.as_bytes()).is_some())
    }

    fn has_fields(&self, line: &[u8]) -> bool {
        let Ok(record) = lenient::parse(&lenient::text(line)) else { return false };
        self.fields.iter().all(|(name, wanted)| record.get(name).is_some_and(|found| is_equal(found, wanted)))
    }
}

/// Whether a value of a document is the one that is wanted: a text may say a number or a truth value.
pub(crate) fn is_equal(found: &Value, wanted: &Value) -> bool {
    found == wanted
        || match (found, wanted) {
            (Value::String(text), other @ (Value::Number(_) | Value::Bool(_)))
            | (other @ (Value::Number(_) | Value::Bool(_)), Value::String(text)) => {
                let said = other.to_string();
                *text == said
            }
            (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
            _ => false,
        }
}

/// Something that is done around the stop of a workload.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Act {
    /// What.
    pub deed: Deed,
    /// How long it may take.
    pub timeout: Duration,
    /// What it is, for people.
    pub shown: String,
}

/// What can be done.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Deed {
    /// Run a program, which must end with code 0.
    Exec { command: Vec<String> },
    /// Send a signal to the workload; with `matching` to those of its processes whose command line holds that.
    Signal { signal: StopSignal, matching: Option<String> },
    /// Have it started again: it is asked to stop, and the supervisor does the rest.
    Restart,
    /// Send a request.
    Http(Box<Http>),
    /// Make a file, or give it the present time.
    Touch { path: String },
    /// Remove a file.
    Remove { path: String },
    /// Wait.
    Wait { time: Duration },
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_is_read_from_the_words_that_tell_it() {
        let line =
            LogLine::of_words(r#"a line with event="feed lost = \"x\"" matches="up on .*80$" port=80 warm=true"#)
                .unwrap();
        assert_eq!(
            line.fields,
            serde_json::from_value(json!({"event": "feed lost = \"x\"", "port": 80, "warm": true})).unwrap()
        );
        assert!(line.matches.is_some_and(|pattern| pattern.is_match("up on h:80")));
        for words in ["a line", "a line with event", "a line with event=", "a line with matches=\"(\""] {
            assert_eq!(LogLine::of_words(words), None, "{words}");
        }
    }

    #[test]
    fn a_line_has_all_fields_and_the_pattern() {
        let line = |fields: Value, pattern: Option<&str>| LogLine {
            fields: serde_json::from_value(fields).unwrap(),
            matches: pattern.map(|pattern| Regex::new(pattern).unwrap()),
            shown: String::new(),
        };
        for (fields, pattern, text, expect) in [
            (json!({"event": "up"}), None, r#"{"event":"up","port":80}"#, true),
            (json!({"event": "up", "port": 80}), None, r#"{"event":"up","port":"80"}"#, true),
            (json!({"event": "up", "port": 81}), None, r#"{"event":"up","port":80}"#, false),
            (json!({"event": "up"}), None, "event up", false),
            (json!({}), Some("listening on .*:8080$"), "INFO listening on 0.0.0.0:8080", true),
            (json!({}), Some("listening on .*:8080$"), "INFO listening on 0.0.0.0:80801", false),
            (json!({"event": "up"}), Some("8080"), r#"{"event":"up"}"#, false),
        ] {
            assert_eq!(line(fields, pattern).is(text.as_bytes()), expect, "{text}");
        }
    }
}
