//! Where an entry says how something ended: its own `status`, those inside its decision, outcomes and metadata at any
//! depth, and those of its probes.

use serde_json::{Map, Value};

use crate::json::lenient::kind;
use crate::prose;

/// A status with its place in the entry, such as `outcomes.orders[1].status`.
pub(super) struct Stated {
    pub(super) place: String,
    /// The word, trimmed; for what is no text, what it is instead.
    pub(super) status: Result<String, &'static str>,
}

/// All that an entry states.
pub(super) fn of(entry: &Map<String, Value>) -> Vec<Stated> {
    let mut found = Found(Vec::new());
    found.status("status", entry.get("status"));
    for (key, value) in entry {
        let lower = key.to_ascii_lowercase();
        match lower.as_str() {
            "status" if key != "status" => found.status(key, Some(value)),
            key if denied(key, value) => found.add(key.to_owned(), Ok("false".to_owned())),
            key if states_an_end(key, value) => found.status(key, Some(value)),
            "error" | "errors" | "exception" if tells(value) => found.add(key.clone(), Ok("error".to_owned())),
            _ => {}
        }
    }
    for (name, value) in
        ["metadata", "decision", "outcomes", "outcome"].iter().filter_map(|name| Some((*name, entry.get(*name)?)))
    {
        found.section(name, value);
    }
    match entry.get("probes") {
        None | Some(Value::Null) => {}
        Some(Value::Array(probes)) => {
            for (i, probe) in probes.iter().enumerate() {
                let id = probe.get("probe_id").and_then(Value::as_str);
                found.probe(id.map_or_else(|| format!("probes[{i}]"), |id| format!("probes.{id}")), probe);
            }
        }
        // One probe, or probes by their names.
        Some(probe @ Value::Object(only)) if only.contains_key("status") || only.contains_key("probe_id") => {
            found.probe("probes".to_owned(), probe);
        }
        Some(Value::Object(probes)) => {
            probes.iter().for_each(|(name, probe)| found.probe(format!("probes.{name}"), probe));
        }
        Some(other) => found.add("probes".to_owned(), Err(kind(other))),
    }
    found.0
}

/// Whether a member says of what it is about that it did not succeed: `approved: false`, `passed: "no"`.
fn denied(key: &str, value: &Value) -> bool {
    let no = match value {
        Value::Bool(truth) => !truth,
        Value::String(word) => ["no", "false"].contains(&word.trim().to_ascii_lowercase().as_str()),
        _ => false,
    };
    no && ["accepted", "approved", "go", "ok", "passed", "success", "succeeded", "valid", "verified"].contains(&key)
}

/// Whether what is under the name of an error tells of one.
fn tells(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
        Value::String(text) => !prose::is_nothing(text),
        Value::Array(list) => !list.is_empty(),
        Value::Object(members) => !members.is_empty(),
    }
}

/// Whether a member says in a word that is known how something ended, under a name that says so less often than `status`.
fn states_an_end(key: &str, member: &Value) -> bool {
    ["result", "outcome", "state", "verdict"].contains(&key)
        && member.as_str().is_some_and(|word| super::words::status(word, &[]).is_some())
}

struct Found(Vec<Stated>);

impl Found {
    fn add(&mut self, place: String, status: Result<String, &'static str>) {
        self.0.push(Stated { place, status });
    }

    /// A `status`: a word, or a list of words. Nothing and an empty text say nothing.
    fn status(&mut self, place: &str, value: Option<&Value>) {
        match value {
            None | Some(Value::Null) => {}
            Some(Value::String(word)) if word.trim().is_empty() => {}
            Some(Value::String(word)) => self.add(place.to_owned(), Ok(word.trim().to_owned())),
            Some(Value::Array(words)) => words.iter().for_each(|word| self.status(place, Some(word))),
            // Metadata may hold numbers of anybody's, such as those of HTTP.
            Some(Value::Number(_)) if place.starts_with("metadata") => {}
            Some(other) => self.add(place.to_owned(), Err(kind(other))),
        }
    }

    /// One of the parts that hold statuses, or an item of it.
    fn section(&mut self, place: &str, value: &Value) {
        match value {
            Value::Null => {}
            Value::Object(_) => self.inside(place, value),
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(i, item)| self.section(&format!("{place}[{i}]"), item));
            }
            _ if place.starts_with("metadata") => {}
            // What was decided need be no status, but may be one.
            Value::String(word) if place.starts_with("decision") && super::words::status(word, &[]).is_none() => {}
            other => self.status(place, Some(other)),
        }
    }

    /// Statuses inside objects and lists, at any depth.
    fn inside(&mut self, place: &str, value: &Value) {
        match value {
            Value::Object(members) => {
                for (key, member) in members {
                    let place = format!("{place}.{key}");
                    if !place.starts_with("metadata") && denied(&key.to_ascii_lowercase(), member) {
                        self.add(place, Ok("false".to_owned()));
                    } else if key == "status" || !place.starts_with("metadata") && states_an_end(key, member) {
                        self.status(&place, Some(member));
                    } else {
                        self.inside(&place, member);
                    }
                }
            }
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(i, item)| self.inside(&format!("{place}[{i}]"), item));
            }
            _ => {}
        }
    }

    /// A probe, which proves nothing where it does not say how it went.
    fn probe(&mut self, place: String, probe: &Value) {
        let unknown = || Ok("unknown".to_owned());
        match probe {
            Value::Object(probe) => {
                let before = self.0.len();
                self.status(&format!("{place}.status"), probe.get("status"));
                for (key, _) in probe.iter().filter(|(key, value)| denied(key, value)) {
                    self.add(format!("{place}.{key}"), Ok("false".to_owned()));
                }
                if self.0.len() == before {
                    self.add(format!("{place}.status"), unknown());
                }
            }
            Value::String(word) if !word.trim().is_empty() => self.status(&place, Some(probe)),
            other => self.add(place, Err(kind(other))),
        }
    }
}
