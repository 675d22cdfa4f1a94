//! Figures of any system in its performance report: where each is found, and what it must be.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::finding::Status;
use crate::log::summary::FigureRead;

/// The longest name of a figure, which is part of the name of its gate.
const LONGEST_NAME: usize = 64;

/// A figure with its limits: `[performance.figures.NAME]`. Keys are documented in `runbooks/formats.md`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// Where it is in the report, as a JSON pointer (RFC 6901): `/latency/p99_ms`.
    pub pointer: String,
    /// A higher one is a FAIL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// A lower one is a FAIL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// One that is beyond this in the direction of the limit is a WARN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warn: Option<f64>,
    /// Its unit, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

impl Figure {
    /// Whether it can be judged.
    ///
    /// # Errors
    /// Says what is wrong and how it is written.
    pub fn check(&self, name: &str) -> Result<(), String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let limits = [("max", self.max), ("min", self.min), ("warn", self.warn)];
        let unreal = limits.iter().find(|(_, limit)| limit.is_some_and(|limit| !limit.is_finite()));
        let text = if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(plain) {
            format!("name a figure with letters, digits, `_`, `-` or `.`, at most {LONGEST_NAME}")
        } else if !self.pointer.starts_with('/') {
            "the pointer must begin with a slash, such as \"/latency/p99_ms\"".to_owned()
        } else if let Some((name, _)) = unreal {
            format!("{name} is no finite number; write a number such as 250")
        } else {
            match (self.min, self.max, self.warn) {
                (None, None, _) => "there is no limit: write max, min or both".to_owned(),
                (Some(min), Some(max), _) if min > max => "min is above max: no figure could pass".to_owned(),
                (Some(_), Some(_), Some(_)) => "warn belongs to one limit; write only max or only min".to_owned(),
                (None, Some(max), Some(warn)) if warn > max => {
                    "warn is above max: a WARN must come before a FAIL".to_owned()
                }
                (Some(min), None, Some(warn)) if warn < min => {
                    "warn is below min: a WARN must come before a FAIL".to_owned()
                }
                _ => return Ok(()),
            }
        };
        Err(text)
    }

    /// What a report says. Only a number of JSON is a number: text that looks like one is a fault of the writer.
    pub fn read(&self, report: &Value) -> FigureRead {
        let problem = match report.pointer(&self.pointer) {
            Some(Value::Number(number)) => match number.as_f64().filter(|number| number.is_finite()) {
                Some(value) => return FigureRead { value: Some(value), problem: None },
                None => format!("{number} is no number that can be judged"),
            },
            None => format!("the report has no {}", self.pointer),
            Some(Value::Null) => format!("{} is null", self.pointer),
            Some(Value::Bool(_)) => format!("{} is a truth value, no number", self.pointer),
            Some(Value::String(_)) => format!("{} is text, no number", self.pointer),
            Some(Value::Array(_)) => format!("{} is a list, no number", self.pointer),
            Some(Value::Object(_)) => format!("{} is an object, no number", self.pointer),
        };
        FigureRead { value: None, problem: Some(problem) }
    }

    /// What a figure is; what was not measured is a FAIL, and equality satisfies.
    pub fn judge(&self, value: Option<f64>) -> Status {
        let Some(value) = value.filter(|value| value.is_finite()) else { return Status::Fail };
        let beyond = |max: Option<f64>, min: Option<f64>| {
            max.is_some_and(|max| value > max) || min.is_some_and(|min| value < min)
        };
        let warn = |limit: Option<f64>| self.warn.filter(|_| limit.is_some());
        if beyond(self.max, self.min) {
            Status::Fail
        } else if beyond(warn(self.max), warn(self.min)) {
            Status::Warn
        } else {
            Status::Pass
        }
    }

    /// A value with its unit.
    pub fn text(&self, value: f64) -> String {
        match &self.unit {
            Some(unit) => format!("{value} {unit}"),
            None => value.to_string(),
        }
    }

    /// `at most 250 ms, a WARN above 200 ms`.
    pub fn asked(&self) -> String {
        let limits = [("at least", self.min), ("at most", self.max)];
        let limits: Vec<String> =
            limits.iter().filter_map(|(word, limit)| Some(format!("{word} {}", self.text((*limit)?)))).collect();
        let side = if self.max.is_some() { "above" } else { "below" };
        let warn = self.warn.map(|warn| format!(", a WARN {side} {}", self.text(warn)));
        format!("{}{}", limits.join(", "), warn.unwrap_or_default())
    }

    /// Whether it lets more pass than `other`.
    pub fn is_looser(&self, other: &Self) -> bool {
        let higher = |limit: Option<f64>| limit.unwrap_or(f64::INFINITY);
        let lower = |limit: Option<f64>| limit.unwrap_or(f64::NEG_INFINITY);
        let warns = |figure: &Self| {
            (figure.warn.filter(|_| figure.max.is_some()), figure.warn.filter(|_| figure.max.is_none()))
        };
        let ((warn_max, warn_min), (other_max, other_min)) = (warns(self), warns(other));
        higher(self.max) > higher(other.max)
            || lower(self.min) < lower(other.min)
            || higher(warn_max) > higher(other_max)
            || lower(warn_min) < lower(other_min)
            || self.pointer != other.pointer
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn figure(max: Option<f64>, min: Option<f64>, warn: Option<f64>) -> Figure {
        Figure { pointer: "/a/b".to_owned(), max, min, warn, unit: Some("ms".to_owned()) }
    }

    #[test]
    fn a_figure_is_held_against_its_limits_and_what_is_no_number_fails() {
        let most = figure(Some(250.0), None, Some(200.0));
        let least = figure(None, Some(10.0), Some(20.0));
        let both = figure(Some(2.0), Some(1.0), None);
        for (figure, value, status) in [
            (&most, json!(250), Status::Warn),
            (&most, json!(200), Status::Pass),
            (&most, json!(250.001), Status::Fail),
            (&most, json!(-5), Status::Pass),
            (&least, json!(10), Status::Warn),
            (&least, json!(9.99), Status::Fail),
            (&least, json!(20), Status::Pass),
            (&both, json!(1), Status::Pass),
            (&both, json!(3), Status::Fail),
            (&both, json!(0), Status::Fail),
            (&most, json!("100"), Status::Fail),
            (&most, json!(true), Status::Fail),
            (&most, json!(null), Status::Fail),
            (&most, json!([1]), Status::Fail),
            (&most, json!({ "c": 1 }), Status::Fail),
        ] {
            let read = figure.read(&json!({ "a": { "b": value } }));
            assert_eq!(figure.judge(read.value), status, "{value}");
            assert_eq!(read.value.is_none(), read.problem.is_some());
        }
        assert_eq!(most.judge(most.read(&json!({ "a": 1 })).value), Status::Fail, "what is not there is no pass");
        assert_eq!(most.asked(), "at most 250 ms, a WARN above 200 ms");
        assert_eq!(both.asked(), "at least 1 ms, at most 2 ms");
    }

    #[test]
    fn a_figure_that_cannot_be_judged_is_refused() {
        let nowhere = Figure { pointer: "a".to_owned(), ..figure(Some(1.0), None, None) };
        for (name, figure, says) in [
            ("p 99", figure(Some(1.0), None, None), "letters"),
            ("p", nowhere, "slash"),
            ("p", figure(None, None, Some(1.0)), "no limit"),
            ("p", figure(Some(1.0), Some(2.0), None), "min is above max"),
            ("p", figure(Some(2.0), Some(1.0), Some(1.5)), "one limit"),
            ("p", figure(Some(1.0), None, Some(2.0)), "warn is above max"),
            ("p", figure(None, Some(2.0), Some(1.0)), "warn is below min"),
            ("p", figure(Some(f64::NAN), None, None), "max is no finite number"),
        ] {
            assert!(figure.check(name).unwrap_err().contains(says), "{says}");
        }
    }

    #[test]
    fn looser_is_what_lets_more_pass() {
        let base = figure(Some(250.0), None, Some(200.0));
        for (other, looser) in [
            (base.clone(), false),
            (figure(Some(300.0), None, Some(200.0)), true),
            (figure(Some(250.0), None, None), true),
            (figure(Some(250.0), None, Some(240.0)), true),
            (figure(Some(200.0), None, Some(100.0)), false),
            (figure(None, Some(1.0), None), true),
            (Figure { pointer: "/other".to_owned(), ..base.clone() }, true),
        ] {
            assert_eq!(other.is_looser(&base), looser, "{other:?}");
        }
    }
}
