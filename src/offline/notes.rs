//! Reading JSON that may be anything: what fits is taken, what does not is told with its place.

use std::fmt::Display;

use serde_json::{Map, Value};

use super::id::Id;
use crate::finding::{Finding, Status};
use crate::json::lenient::{is_truthy, kind};
use crate::sanitize::shorten;
use crate::time::Stamp;

/// How many findings are told one by one.
const MAX_FINDINGS: usize = 200;

/// Findings about places in the file; many of them are counted rather than told one by one.
#[derive(Default)]
pub(super) struct Notes {
    findings: Vec<Finding>,
    more: u64,
    worst: Status,
    worst_of_more: Status,
}

impl Notes {
    /// The worst so far.
    pub(super) fn worst(&self) -> Status {
        self.worst
    }

    fn add(&mut self, severity: Status, place: impl Display, what: impl Display) {
        self.worst = self.worst.max(severity);
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(Finding::new(severity, format!("{place} {what}")).with("field", place.to_string()));
        } else {
            self.more += 1;
            self.worst_of_more = self.worst_of_more.max(severity);
        }
    }

    pub(super) fn warn(&mut self, place: impl Display, what: impl Display) {
        self.add(Status::Warn, place, what);
    }

    pub(super) fn fail(&mut self, place: impl Display, what: impl Display) {
        self.add(Status::Fail, place, what);
    }

    /// The object at `place`, or none with a finding.
    pub(super) fn object(&mut self, value: Value, place: &'static str) -> Map<String, Value> {
        match value {
            Value::Object(object) => object,
            Value::Null => Map::new(),
            other => {
                self.fail(place, format_args!("is {}, not an object", kind(&other)));
                Map::new()
            }
        }
    }

    /// The time at `place`: text, or milliseconds since the epoch; without a zone it is UTC.
    pub(super) fn time(&mut self, value: &Value, place: impl Display, severity: Status) -> Option<Stamp> {
        if !is_truthy(value) {
            return None;
        }
        let at = match value {
            Value::String(text) => Stamp::parse(text),
            Value::Number(number) => number.as_f64().and_then(from_millis),
            _ => None,
        };
        if at.is_none() {
            let shown = shorten(&value.to_string(), 60);
            self.add(severity, place, format_args!("is not a time: {shown}"));
        }
        at
    }

    pub(super) fn id(&mut self, value: Option<&Value>, place: impl Display) -> Option<Id> {
        let value = value.filter(|value| is_truthy(value))?;
        let id = Id::of(value);
        if id.is_none() {
            self.warn(place, format_args!("is {}, not an id", kind(value)));
        }
        id
    }
}

impl From<Notes> for Vec<Finding> {
    fn from(notes: Notes) -> Self {
        let mut findings = notes.findings;
        if notes.more > 0 {
            findings.push(Finding::new(
                notes.worst_of_more,
                format!("{} more faults of this kind are not listed", notes.more),
            ));
        }
        findings
    }
}

fn from_millis(millis: f64) -> Option<Stamp> {
    const LIMIT: f64 = 8.64e15;
    (millis.abs() <= LIMIT).then(|| Stamp::from_micros((millis * 1000.0) as i64)).flatten()
}
