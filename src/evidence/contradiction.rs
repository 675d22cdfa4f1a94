//! What parts of a document of others say against its verdict: a document that says PASS may hold a part that failed.

use serde_json::{Map, Value};

use crate::finding::Status;
use crate::json::lenient;
use crate::prose;

/// Parts whose words are about something else than the run: what it was asked for, what it was called, what came before.
const ASIDE: [&str; 13] = [
    "attempts",
    "baseline_runs",
    "command",
    "config_metadata",
    "context",
    "criteria",
    "harness_incidents",
    "history",
    "metadata",
    "policy",
    "previous",
    "series",
    "trend",
];
/// How deep it is looked.
const DEPTH: usize = 8;

/// The first part of a document that says of itself that it failed, by its place and word, such as `drills[0].status is
/// failed`. The words at the top of the document are its verdict, and no part; a waived part counts for nothing.
pub(crate) fn failed_part(document: &Value) -> Option<String> {
    look(document, "", 0).or_else(|| told_error(document.as_object()?))
}

/// What a document tells of an error at its top: `error: "no prices"`, `errors: ["x"]`.
pub(crate) fn told_error(members: &Map<String, Value>) -> Option<String> {
    ["error", "errors", "exception"].iter().find_map(|key| match members.get(*key)? {
        Value::String(text) => (!prose::is_nothing(text)).then(|| format!("{key} is {text}")),
        Value::Array(list) => list.first().map(|first| format!("{key} holds {first}")),
        _ => None,
    })
}

fn look(value: &Value, place: &str, depth: usize) -> Option<String> {
    if depth > DEPTH {
        return None;
    }
    match value {
        Value::Object(members) => {
            let given_up = ["waived", "not_required", "excused"]
                .iter()
                .any(|key| members.get(*key).is_some_and(|value| !value.is_null() && *value != Value::Bool(false)));
            if given_up {
                return None;
            }
            let own = ["status", "verdict"].iter().find_map(|key| {
                let word = members.get(*key)?.as_str()?;
                let failed = Status::from_word(word) == Some(Status::Fail);
                (failed && depth > 0).then(|| format!("{place}.{key} is {word}"))
            });
            own.or_else(|| denial(members).map(|(key, said)| format!("{} is {said}", joined(place, key)))).or_else(
                || {
                    let inner = members.iter().filter(|(key, _)| !ASIDE.contains(&key.as_str()));
                    inner
                        .filter(|(_, member)| member.is_object() || member.is_array())
                        .find_map(|(key, member)| look(member, &joined(place, key), depth + 1))
                },
            )
        }
        Value::Array(list) => {
            list.iter().enumerate().find_map(|(at, member)| look(member, &format!("{place}[{at}]"), depth + 1))
        }
        _ => None,
    }
}

/// The first member that says of what it is in that it did not succeed: `success: false`, `result: failed`, `failed: 3`
/// beside `passed: 97`.
pub(crate) fn denial(members: &Map<String, Value>) -> Option<(&str, String)> {
    let counted =
        ["passed", "skipped", "total", "tests"].iter().any(|key| members.get(*key).is_some_and(Value::is_number));
    let succeeds = |key: &str| prose::is_success_key(key) || prose::is_consent_key(key);
    members.iter().find_map(|(key, value)| {
        let failed = match value {
            Value::Bool(false) => succeeds(key),
            Value::String(word) => {
                let own = ["status", "verdict"].contains(&key.as_str());
                !own && prose::is_end_key(key) && prose::is_failed(word)
                    || succeeds(key) && prose::is_no(word)
                    || key == "decision" && prose::refuses(word)
            }
            Value::Number(number) => {
                counted && ["failed", "failures"].contains(&key.as_str()) && number.as_f64().is_some_and(|n| n > 0.0)
            }
            _ => false,
        };
        let said = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        failed.then_some((key.as_str(), said))
    })
}

fn joined(place: &str, key: &str) -> String {
    if place.is_empty() { key.to_owned() } else { format!("{place}.{key}") }
}

/// A figure that is there and is no number, or one that cannot be, in words: `records is many`. None if it is absent,
/// null or fine.
pub(crate) fn unreal(holder: &Value, key: &str, least: f64, most: f64) -> Option<String> {
    let value = holder.get(key).filter(|value| !value.is_null())?;
    match lenient::number(value).filter(|number| number.is_finite() && !value.is_boolean()) {
        Some(number) if (least..=most).contains(&number) => None,
        _ => Some(format!("{key} is {value}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_part_that_failed_is_found_wherever_it_is_and_what_is_aside_is_not() {
        for (document, expect) in [
            (json!({"status": "fail"}), None),
            (
                json!({"status": "pass", "drills": [{"name": "a", "status": "failed"}]}),
                Some("drills[0].status is failed"),
            ),
            (json!({"summary": {"logs": {"verdict": "FAIL"}}}), Some("summary.logs.verdict is FAIL")),
            (json!({"gates": [{"status": "fail", "waived": {"owner": "ann"}}]}), None),
            (json!({"metadata": {"status": "failed"}, "criteria": [{"status": "fail"}]}), None),
            (json!({"logs": {"status": "pass"}, "incidents": [{"severity": "fail"}]}), None),
            (json!({"status": "pass", "success": false}), Some("success is false")),
            (json!({"checks": [{"name": "a", "ok": "no"}]}), Some("checks[0].ok is no")),
            (json!({"status": "pass", "result": "failed"}), Some("result is failed")),
            (json!({"tests": {"passed": 97, "failed": 3}}), Some("tests.failed is 3")),
            (json!({"tests": {"passed": 97, "failed": 0}, "ok": true, "retry": false}), None),
            (json!({"metadata": {"success": false}}), None),
            (json!({"status": "pass", "error": "no prices"}), Some("error is no prices")),
            (json!({"status": "pass", "errors": [], "error": "none"}), None),
        ] {
            assert_eq!(failed_part(&document).as_deref(), expect, "{document}");
        }
    }

    #[test]
    fn figures_that_cannot_be_are_told() {
        for (value, expect) in [
            (json!(1), None),
            (json!("0.5"), None),
            (json!(null), None),
            (json!(2), Some("uptime_ratio is 2")),
            (json!("many"), Some("uptime_ratio is \"many\"")),
            (json!(true), Some("uptime_ratio is true")),
            (json!([1]), Some("uptime_ratio is [1]")),
        ] {
            let holder = json!({"uptime_ratio": value});
            assert_eq!(unreal(&holder, "uptime_ratio", 0.0, 1.0).as_deref(), expect, "{holder}");
        }
    }
}
