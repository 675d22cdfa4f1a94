//! How old a component is, and whether that is too old.

use super::reader::Reader;
use super::rules::Age;
use super::values::same_name;
use super::values::{Object, at, quoted};
use crate::finding::Status;
use crate::json::lenient;
use crate::time::{Stamp, human_seconds};

/// The keys that state when a document was made, the best first.
const KEYS: [&str; 6] = ["generated_at", "timestamp", "evaluated_at", "captured_at", "finished_at", "ended_at"];
/// An older component is a WARN, in seconds, where no policy says.
const WARN: f64 = 24.0 * 3600.0;
/// An older component is a FAIL, in seconds, where no policy says.
const FAIL: f64 = 48.0 * 3600.0;
/// How far the clock of another machine may be ahead, in seconds.
const SKEW: f64 = 60.0;

/// When a document was made.
pub(super) fn time_of(document: &Object) -> Option<Stamp> {
    KEYS.iter().find_map(|key| document.get(*key).and_then(lenient::stamp))
}

/// The limits of a component in seconds; none if its age is not judged.
fn limits(name: &str, reader: &Reader<'_>) -> (Option<f64>, Option<f64>) {
    let rules = reader.rules.readiness.as_ref();
    let all = rules.map(|rules| rules.ages).unwrap_or_default();
    let own = rules.and_then(|rules| rules.components.iter().find(|(other, _)| same_name(other, name)));
    let own = own.map(|(_, ages)| *ages).unwrap_or_default();
    let seconds = |age: Option<Age>, default: f64| match age {
        Some(Age::Any) => None,
        Some(Age::Seconds(seconds)) => Some(seconds),
        None => Some(default),
    };
    let (warn, fail) = (own.warn.or(all.warn), own.fail.or(all.fail));
    let (mut warn_limit, mut fail_limit) = (seconds(warn, WARN), seconds(fail, FAIL));
    // The one that is written, or written nearer to the component, moves the other one out of its way.
    if let (Some(w), Some(f)) = (warn_limit, fail_limit)
        && w > f
    {
        let by_warn = (own.warn.is_some() && own.fail.is_none()) || (warn.is_some() && fail.is_none());
        if by_warn { fail_limit = Some(w) } else { warn_limit = Some(f) }
    }
    (warn_limit, fail_limit)
}

/// Whether a policy says how old this component may be.
fn is_written(name: &str, reader: &Reader<'_>) -> bool {
    reader.rules.readiness.as_ref().is_some_and(|rules| {
        rules.ages != Default::default() || rules.components.keys().any(|other| same_name(other, name))
    })
}

/// Judges the age of a document. `needed` is whether one without a time is a FAIL even where nobody wrote a limit.
pub(super) fn judge(document: &Object, name: &str, needed: bool, reader: &mut Reader<'_>) -> Option<Stamp> {
    let (warn, fail) = limits(name, reader);
    let Some(time) = time_of(document) else {
        let judged = (warn.is_some() || fail.is_some()) && (needed || is_written(name, reader));
        let stated = KEYS.iter().find_map(|key| Some((*key, document.get(*key).filter(|value| !value.is_null())?)));
        match stated {
            Some((key, value)) if judged => {
                let message = format!("{key} is {}, which is no time", quoted(value));
                reader.add(Status::Fail, "age", &at("", key), &message).code = Some("no_time".to_owned());
            }
            None if judged => {
                reader.add(Status::Fail, "age", "", "it does not say when it was made").code =
                    Some("no_time".to_owned());
            }
            _ => {}
        }
        return None;
    };
    let age = reader.now.seconds_since(time);
    let key = KEYS.iter().find(|key| document.get(**key).and_then(lenient::stamp).is_some()).unwrap_or(&KEYS[0]);
    let pointer = at("", key);
    if age < -SKEW {
        let message = format!("it was made {} ahead of the present ({})", human_seconds(-age), time.human());
        reader.add(Status::Fail, "age", &pointer, &message).code = Some("future".to_owned());
        return Some(time);
    }
    let over = |limit: Option<f64>| limit.filter(|limit| age > *limit);
    let found = over(fail).map(|limit| (Status::Fail, limit)).or(over(warn).map(|limit| (Status::Warn, limit)));
    if let Some((severity, limit)) = found {
        let message = format!("it is {} old, at most {} are accepted", human_seconds(age), human_seconds(limit));
        reader.add(severity, "age", &pointer, &message).code = Some("stale".to_owned());
    }
    Some(time)
}
