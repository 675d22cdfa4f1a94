//! The vocabulary of judgement: [`Status`], [`Finding`], [`Gate`] and the words other tools use for them.

mod bounds;
mod criterion;
mod gate;
mod waiver;
mod words;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::time::Stamp;

pub use bounds::{FINDING_LIMIT, cut, details, share};
pub use criterion::Criterion;
pub use gate::{Gate, NotRequired, Waived, to_fix};
pub use waiver::Waiver;

/// Free-form details of a finding or a document; sorted, so that equal evidence gives equal bytes.
pub type Metadata = BTreeMap<String, Value>;

/// A judgement. Ordered by severity, so that rolling up a set of judgements is `max`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Nothing stands against it.
    #[default]
    Pass,
    /// A person should look; acceptable only where the policy says so.
    Warn,
    /// Not acceptable.
    Fail,
}

impl Status {
    /// The highest of `all`; [`Status::Pass`] for an empty set, so callers must
    /// turn "nothing was measured" into a finding before they roll up.
    pub fn roll_up(all: impl IntoIterator<Item = Self>) -> Self {
        all.into_iter().max().unwrap_or_default()
    }

    /// The lower-case word of the JSON documents: `pass`, `warn` or `fail`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }

    /// The upper-case word that people read: `PASS`, `WARN` or `FAIL`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Warn => "WARN",
            Self::Fail => "FAIL",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}

/// Where a finding was made: a file and, where it has lines, the line (from 1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The path as the user gave it.
    pub path: String,
    /// The line, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}", self.path),
            None => f.write_str(&self.path),
        }
    }
}

/// One thing that the tool learnt: an error line, a gap, a stale diary, a failed gate, an open action item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Status,
    /// When it happened; absent where the evidence does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<Stamp>,
    /// One sentence for people.
    pub summary: String,
    /// Details for machines.
    #[serde(default)]
    pub metadata: Metadata,
    /// The file and line that show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// Its kind, where it can be waived by that.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub known: Option<Box<Known>>,
}

/// The kind of a finding.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// The id of the kind: the same in every run. Twelve hexadecimal digits.
    pub id: String,
    /// Who accepts it, and until when; such a finding is a WARN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waived: Option<Waived>,
}

impl Finding {
    /// A finding without time, place or details; add them with the other methods.
    pub fn new(severity: Status, summary: impl Into<String>) -> Self {
        Self {
            severity,
            occurred_at: None,
            summary: summary.into(),
            metadata: Metadata::new(),
            place: None,
            known: None,
        }
    }

    /// A [`Status::Warn`] finding.
    pub fn warn(summary: impl Into<String>) -> Self {
        Self::new(Status::Warn, summary)
    }

    /// A [`Status::Fail`] finding.
    pub fn fail(summary: impl Into<String>) -> Self {
        Self::new(Status::Fail, summary)
    }

    /// The workload that it is about, where there are several.
    pub fn workload(&self) -> Option<&str> {
        self.metadata.get("workload").and_then(Value::as_str)
    }

    /// Its sentence, with the workload that it is about.
    pub fn told(&self) -> String {
        of_workload(self.workload(), &self.summary)
    }

    /// Whether somebody accepts it.
    pub fn is_waived(&self) -> bool {
        self.known.as_ref().is_some_and(|known| known.waived.is_some())
    }

    /// Says when it happened.
    #[must_use]
    pub fn at(mut self, at: impl Into<Option<Stamp>>) -> Self {
        self.occurred_at = at.into();
        self
    }

    /// Adds one detail.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.metadata.insert(key.to_owned(), value.into());
        self
    }

    /// Says which file, and which line of it.
    #[must_use]
    pub fn in_file(mut self, path: impl Into<String>, line: impl Into<Option<u64>>) -> Self {
        self.place = Some(Place { path: path.into(), line: line.into() });
        self
    }
}

/// A sentence about a workload, which names it: `feed: connection lost`.
pub fn of_workload(workload: Option<&str>, text: &str) -> String {
    let named =
        |name: &str| text.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', ':']));
    match workload {
        Some(name) if !named(name) => format!("{name}: {text}"),
        _ => text.to_owned(),
    }
}

/// `1,234,567`: a number for people.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `3 lines`, `1 line`: a count with its noun (regular plurals only).
pub fn count(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", thousands(number), if number == 1 { "" } else { "s" })
}

/// `99.5%`: a ratio for people, cut (never rounded up) after four decimals, so that what falls short looks short.
pub fn percent(ratio: f64) -> String {
    let text = format!("{:.4}", (ratio * 1e6 + 1e-4).floor() / 1e4);
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_never_rounded_up() {
        for (ratio, expect) in [
            (1.0, "100%"),
            (0.98, "98%"),
            (0.979_999_9, "97.9999%"),
            (0.999_999_9, "99.9999%"),
            (0.5, "50%"),
            (0.0, "0%"),
            (0.995, "99.5%"),
        ] {
            assert_eq!(percent(ratio), expect);
        }
    }

    #[test]
    fn a_sentence_names_its_workload_once() {
        for (workload, text, expect) in [
            (None, "lost", "lost"),
            (Some("feed"), "lost", "feed: lost"),
            (Some("feed"), "feed: lost", "feed: lost"),
            (Some("feed"), "feed exited", "feed exited"),
            (Some("feed"), "feeder lost", "feed: feeder lost"),
        ] {
            assert_eq!(of_workload(workload, text), expect);
        }
    }

    #[test]
    fn rolling_up_takes_the_worst() {
        assert_eq!(Status::roll_up([Status::Warn, Status::Fail, Status::Pass]), Status::Fail);
        assert_eq!(Status::roll_up([]), Status::Pass);
    }
}
