//! Whether entries explain what was decided: fields that must be there, and say something.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::issue;
use crate::finding::{Status, percent};
use crate::log::summary::DiaryIssue;

/// The quantile of the normal distribution for an interval of 95 %.
const Z: f64 = 1.96;

/// Words that are where an explanation should be.
const PLACEHOLDERS: [&str; 11] = ["", "-", "–", "?", "n/a", "na", "none", "null", "tbd", "todo", "unknown"];

/// The fields by which an entry is explained, and how many must be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explained {
    /// Fields that an entry must have, by their path: `metadata.why`, `metadata.probes[].id` for that of any member of a
    /// list, `a|b` for one of several.
    pub by: Vec<String>,
    /// The least share of entries that have them, 0 to 1.
    pub min_share: f64,
    /// What a smaller share is.
    pub severity: Status,
}

impl Explained {
    /// Whether the fields of the policy can be meant.
    ///
    /// # Errors
    /// There is none, or one is no path; the message says what to write.
    pub fn check(by: &[String]) -> Result<(), String> {
        let bad = |path: &str| path.split('.').any(|key| key.trim_end_matches("[]").is_empty());
        match by.iter().find(|field| field.split('|').any(|path| bad(path.trim()))) {
            Some(field) => {
                Err(format!("`{field}` is no path of a field; write such as metadata.why or metadata.probes[].id"))
            }
            None if by.is_empty() => Err("there is no field; write such as [\"metadata.why\"]".to_owned()),
            None => Ok(()),
        }
    }

    /// Whether an entry has every field.
    pub(super) fn is_met(&self, entry: &Map<String, Value>) -> bool {
        self.by.iter().all(|field| field.split('|').any(|path| says(entry, path.trim())))
    }

    /// Whether the status at `place` is that of a member of a list that explains the decision, such as
    /// `metadata.probes[2].status`: it says how the explanation went, and not the decision.
    pub(super) fn holds(&self, place: &str) -> bool {
        let Some((list, _)) =
            place.strip_suffix(".status").and_then(|member| member.strip_suffix(']')?.rsplit_once('['))
        else {
            return false;
        };
        let lists =
            |path: &str| path.trim().rsplit_once("[].").is_some_and(|(named, key)| named == list && !key.contains('.'));
        self.by.iter().any(|field| field.split('|').any(lists))
    }

    /// The issue of a diary in which `explained` of `entries` have the fields; none if they are enough.
    pub(super) fn issue(&self, explained: u64, entries: u64) -> Option<DiaryIssue> {
        let share = if entries == 0 { 0.0 } else { explained as f64 / entries as f64 };
        if entries == 0 || share >= self.min_share {
            return None;
        }
        let (low, high) = interval(share, entries as f64);
        let reason = format!(
            "{explained} of {entries} entries are explained ({}, 95 % interval {} to {}), at least {} are asked for",
            percent(share),
            percent((low * 1000.0).round() / 1000.0),
            percent((high * 1000.0).round() / 1000.0),
            percent(self.min_share)
        );
        let mut issue = issue("coverage/explained", self.severity, reason);
        issue.metadata.insert("explained".to_owned(), explained.into());
        issue.metadata.insert("entries".to_owned(), entries.into());
        Some(issue)
    }
}

/// The interval of Wilson for a share of `n`.
fn interval(share: f64, n: f64) -> (f64, f64) {
    let z2 = Z * Z;
    let centre = (share + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let spread = Z / (1.0 + z2 / n) * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
    ((centre - spread).max(0.0), (centre + spread).min(1.0))
}

/// Whether something that is no placeholder is at `path`.
fn says(entry: &Map<String, Value>, path: &str) -> bool {
    let (key, rest) = path.split_once('.').map_or((path, None), |(key, rest)| (key, Some(rest)));
    let (key, is_list) = key.strip_suffix("[]").map_or((key, false), |key| (key, true));
    let Some(value) = entry.get(key) else { return false };
    let met = |value: &Value| match (rest, value) {
        (Some(rest), Value::Object(inner)) => says(inner, rest),
        (Some(_), _) => false,
        (None, Value::String(text)) => !PLACEHOLDERS.contains(&text.trim().to_lowercase().as_str()),
        (None, Value::Number(_)) => true,
        (None, Value::Array(list)) => !list.is_empty(),
        (None, Value::Object(inner)) => !inner.is_empty(),
        (None, Value::Null | Value::Bool(_)) => false,
    };
    if is_list { value.as_array().is_some_and(|list| list.iter().any(met)) } else { met(value) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_entry_is_explained_by_every_field_and_placeholders_are_none() {
        let asked = Explained {
            by: vec!["metadata.why|metadata.reason".to_owned(), "metadata.signals[].id".to_owned()],
            min_share: 0.9,
            severity: Status::Warn,
        };
        for (metadata, expect) in [
            (json!({"why": "spread too wide", "signals": [{"id": 7}]}), true),
            (json!({"reason": "x", "signals": [{}, {"id": "s1"}]}), true),
            (json!({"why": "n/a", "signals": [{"id": 7}]}), false),
            (json!({"why": " ", "reason": "TBD", "signals": [{"id": 7}]}), false),
            (json!({"why": "x", "signals": []}), false),
            (json!({"why": "x", "signals": "s1"}), false),
            (json!({"why": "x", "signals": [{"id": null}]}), false),
            (json!({"why": true, "signals": [{"id": 7}]}), false),
            (json!(null), false),
        ] {
            let entry = json!({ "metadata": metadata });
            assert_eq!(asked.is_met(entry.as_object().expect("an object")), expect, "{metadata}");
        }
        assert!(asked.holds("metadata.signals[3].status"));
        assert!(!asked.holds("metadata.status") && !asked.holds("metadata.other[3].status"));
        assert_eq!(asked.issue(9, 10), None);
        let issue = asked.issue(8, 10).expect("too few");
        assert!(
            issue.reason.contains("8 of 10 entries are explained (80%, 95 % interval 49% to 94.3%)"),
            "{}",
            issue.reason
        );
        assert!(Explained::check(&["a..b".to_owned()]).is_err() && Explained::check(&[]).is_err());
    }
}
