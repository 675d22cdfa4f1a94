//! The limits of incident response: their names, their defaults, and how they are written.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::values::{Figure, figure, length, names, quoted, switch};

/// What is before the names of limits and of states in flat documents.
pub(in super::super) const PREFIX: &str = "INCIDENT_";

pub(in super::super) const DAY: f64 = 86_400.0;
pub(in super::super) const HOUR: f64 = 3600.0;
pub(in super::super) const MINUTE: f64 = 60.0;

/// What the value of a limit or of a state is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    /// A length of time; a bare number has this unit, in seconds.
    Length(f64),
    /// A whole number.
    Count,
    /// A number of at least 1.
    Factor,
    Switch,
    Names,
    Text,
}

/// The limits by name, with their defaults where they have one.
const LIMITS: [(&str, Form, Option<f64>); 18] = [
    ("required_runbooks", Form::Names, None),
    ("runbook_dir", Form::Text, None),
    ("training_interval_days", Form::Length(DAY), Some(90.0)),
    ("drill_interval_days", Form::Length(DAY), Some(60.0)),
    ("min_primary_responders", Form::Count, Some(1.0)),
    ("min_secondary_responders", Form::Count, Some(1.0)),
    ("max_open_incidents", Form::Count, Some(1.0)),
    ("postmortem_sla_hours", Form::Length(HOUR), Some(24.0)),
    ("require_chatops", Form::Switch, Some(1.0)),
    ("require_major_history", Form::Switch, Some(0.0)),
    ("major_review_interval_days", Form::Length(DAY), Some(180.0)),
    ("major_review_fail_multiplier", Form::Factor, Some(2.0)),
    ("mtta_warn_minutes", Form::Length(MINUTE), Some(30.0)),
    ("mtta_fail_minutes", Form::Length(MINUTE), Some(60.0)),
    ("mttr_warn_minutes", Form::Length(MINUTE), Some(180.0)),
    ("mttr_fail_minutes", Form::Length(MINUTE), Some(360.0)),
    ("metrics_stale_warn_hours", Form::Length(HOUR), Some(24.0)),
    ("metrics_stale_fail_hours", Form::Length(HOUR), Some(48.0)),
];

/// Pairs of limits of which the second must not be the smaller one.
const PAIRS: [(&str, &str); 3] = [
    ("mtta_warn_minutes", "mtta_fail_minutes"),
    ("mttr_warn_minutes", "mttr_fail_minutes"),
    ("metrics_stale_warn_hours", "metrics_stale_fail_hours"),
];

/// What a flat document states beside its limits.
pub(in super::super) const STATES: [&str; 18] = [
    "service",
    "name",
    "available_runbooks",
    "training_age_days",
    "drill_age_days",
    "primary_responders",
    "secondary_responders",
    "open_incidents",
    "postmortem_backlog_hours",
    "chatops_ready",
    "last_major_age_days",
    "metrics_mtta_minutes",
    "metrics_mttr_minutes",
    "metrics_data_age_hours",
    "metrics_acknowledged",
    "metrics_resolved",
    "metrics_sample_window_days",
    "metrics_sample_size",
];

/// Limits that apply, and which of them somebody wrote.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Limits {
    written: BTreeMap<String, Value>,
}

impl Limits {
    /// The limits of a document; those of the policy win.
    pub(in super::super) fn new(document: BTreeMap<String, Value>, policy: &BTreeMap<String, Value>) -> Self {
        let mut written = document;
        written.extend(policy.iter().map(|(key, value)| (key.clone(), value.clone())));
        Self { written }
    }

    /// Whether somebody wrote this limit.
    pub(in super::super) fn is_written(&self, name: &str) -> bool {
        self.written.contains_key(name)
    }

    /// A limit in its unit; 1 or 0 for a switch.
    pub(in super::super) fn number(&self, name: &str) -> f64 {
        let (_, form, default) = LIMITS.into_iter().find(|(known, ..)| *known == name).unwrap_or(LIMITS[0]);
        let written = self.written.get(name).and_then(|value| read(form, value).ok());
        let own = written.or(default).unwrap_or_default();
        // A limit that nobody wrote is moved out of the way of the one beside it.
        match PAIRS.iter().find(|(warn, fail)| *warn == name || *fail == name) {
            Some((warn, fail)) if *warn == name && written.is_none() && self.is_written(fail) => {
                own.min(self.number(fail))
            }
            Some((warn, fail)) if *fail == name && written.is_none() && self.is_written(warn) => {
                own.max(self.written.get(*warn).and_then(|value| read(form, value).ok()).unwrap_or(own))
            }
            _ => own,
        }
    }

    pub(in super::super) fn names(&self, name: &str) -> Vec<String> {
        let list = self.written.get(name).and_then(names).unwrap_or_default();
        list.into_iter().filter(|name| !name.is_empty()).collect()
    }
}

/// Whether a limit of this name is known.
pub(in super::super) fn is_limit(name: &str) -> bool {
    LIMITS.iter().any(|(known, ..)| *known == name)
}

/// Every name that a flat document may hold.
pub(in super::super) fn known() -> impl Iterator<Item = &'static str> {
    LIMITS.iter().map(|(name, ..)| *name).chain(STATES)
}

/// A limit as a number; 0 for lists and text.
fn read(form: Form, value: &Value) -> Result<f64, String> {
    let number = match form {
        Form::Length(unit) => length(value, unit).map_err(|said| {
            format!("is {said}; write a number, or a length of time with its unit such as \"10d\" or \"30m\"")
        })?,
        Form::Count | Form::Factor => match figure(Some(value)) {
            Figure::Real(number) => number,
            _ => return Err(format!("is {}; write a number", quoted(value))),
        },
        Form::Switch => {
            let on = switch(value).ok_or_else(|| format!("is {}; write true or false", quoted(value)))?;
            return Ok(f64::from(u8::from(on)));
        }
        Form::Names => {
            names(value).ok_or_else(|| format!("is {}; write a list of names", quoted(value)))?;
            return Ok(0.0);
        }
        Form::Text => {
            return if value.is_string() { Ok(0.0) } else { Err(format!("is {}; write text", quoted(value))) };
        }
    };
    if number < 0.0 {
        return Err(format!("is negative ({number}); write 0 or more"));
    }
    if form == Form::Count && number.fract() != 0.0 {
        return Err(format!("is {number}; write a whole number"));
    }
    if form == Form::Factor && number < 1.0 {
        return Err(format!("is {number}; write 1 or more"));
    }
    Ok(number)
}

/// Whether limits can be meant: the key that cannot, and why.
pub(in super::super) fn check(limits: &BTreeMap<String, Value>) -> Result<(), (String, String)> {
    for (key, value) in limits {
        let Some((_, form, _)) = LIMITS.iter().find(|(known, ..)| known == key) else {
            let known: Vec<&str> = LIMITS.iter().map(|(name, ..)| *name).chain(["warn_block_categories"]).collect();
            return Err((String::new(), unknown(key, &known)));
        };
        read(*form, value).map_err(|why| (key.clone(), why))?;
    }
    let all = Limits { written: limits.clone() };
    for (warn, fail) in PAIRS {
        let both = all.is_written(warn) && all.is_written(fail);
        if both && all.number(warn) > all.number(fail) {
            let why = format!("is more than {fail}, so it never warns; make {fail} the larger one");
            return Err((warn.to_owned(), why));
        }
    }
    Ok(())
}

/// As the parser says of a key that a table does not have.
pub(in super::super) fn unknown(key: &str, known: &[&str]) -> String {
    let known: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    format!("unknown field `{key}`, expected one of {}", known.join(", "))
}
