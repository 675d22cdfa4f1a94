//! The figures of the minutes: duration, highlights, people, notes.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Options, Required};
use crate::finding::{Criterion, percent};
use crate::json::lenient;
use crate::sanitize::{self, collapse};
use crate::status_report::Report;
use crate::time::{self, human_seconds};
use crate::verdict::backlog::{evidence, lists};

/// What a rehearsal must cover where nobody says otherwise: 72 hours, in seconds.
const DEFAULT_TARGET: f64 = 259_200.0;

fn positive(value: Option<&Value>) -> Option<f64> {
    value.and_then(lenient::number).filter(|number| number.is_finite() && *number >= 0.0)
}

/// Seconds that the evidence covers.
pub(super) fn duration(audit: &Value) -> Option<f64> {
    positive(audit.get("logs")?.get("duration_seconds"))
}

/// Seconds that it must cover.
pub(super) fn target(sign_off: Option<&Value>, required: Required) -> Option<f64> {
    let seconds = match required {
        Required::Nothing => return None,
        Required::AtLeast(length) => length.as_secs_f64(),
        Required::AsSignedOff => {
            let criteria = sign_off.and_then(|sign_off| sign_off.get("criteria"));
            positive(criteria.and_then(|criteria| criteria.get("minimum_duration_seconds"))).unwrap_or(DEFAULT_TARGET)
        }
    };
    Some(seconds).filter(|seconds| *seconds > 0.0)
}

/// Puts a minimum that these minutes are given in the place of that of the run, and says whether it is looser.
pub(super) fn asked(criteria: &mut Vec<Criterion>, sign_off: Option<&Value>, required: Required) {
    if required == Required::AsSignedOff {
        return;
    }
    let (own, signed) = (target(sign_off, required), target(sign_off, Required::AsSignedOff));
    let shown = |seconds: Option<f64>| human_seconds(seconds.unwrap_or_default());
    let at = criteria.iter().position(|row| row.limit == "min_duration");
    let old = at.map(|at| criteria.remove(at)).unwrap_or_else(|| Criterion {
        limit: "min_duration".to_owned(),
        value: shown(signed),
        source: "default".to_owned(),
        ..Criterion::default()
    });
    let looser = own.unwrap_or_default() < signed.unwrap_or_default();
    let from = old.relaxed_from.or_else(|| looser.then(|| format!("{} ({})", old.value, old.source)));
    let row = Criterion {
        limit: old.limit,
        value: shown(own),
        source: "--min-duration".to_owned(),
        policy_sha256: None,
        relaxed: from.is_some(),
        relaxed_from: from,
    };
    criteria.insert(at.unwrap_or_default(), row);
}

/// How many seconds less than the target are still enough.
pub(super) fn tolerance(target: Option<f64>, asked: Option<Duration>) -> f64 {
    let target = target.and_then(|target| Duration::try_from_secs_f64(target).ok()).unwrap_or_default();
    asked.unwrap_or_else(|| time::tolerance(target)).as_secs_f64()
}

/// What the run is called: its label, else its name.
pub(super) fn label(bundle: &Value, review: Option<&Value>) -> Option<String> {
    let metadata = bundle.get("metadata");
    let of = |holder: Option<&Value>, key: &str| {
        lists::text(holder?.get(key)).map(|text| collapse(&text)).filter(|text| !text.is_empty())
    };
    of(review, "run_label")
        .or_else(|| of(metadata, "run_label"))
        .or_else(|| of(Some(bundle), "label"))
        .or_else(|| of(metadata, "run_name"))
        .or_else(|| of(Some(bundle), "name"))
}

/// Key figures by name: those of the logs, then of the review, then what was attached to the summary. What was
/// measured is never replaced by what somebody attached.
pub(super) fn highlights(audit: &Value, review: Option<&Value>) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    if let Some(logs) = evidence::section(audit, "logs") {
        for (name, key) in [("Log start", "started_at"), ("Log end", "ended_at")] {
            if let Some(at) = lists::text(logs.get(key)) {
                all.insert(name.to_owned(), json!(at));
            }
        }
        if let Some(seconds) = duration(audit) {
            all.insert("Observed duration".to_owned(), json!(human_seconds(seconds)));
        }
        if let Some(ratio) = positive(logs.get("uptime_ratio")) {
            all.insert("Uptime".to_owned(), json!(percent(ratio)));
        } else if let Some(why) = lists::text(logs.get("uptime_not_measured")) {
            all.insert("Uptime".to_owned(), json!(format!("not measured: {why}")));
        }
        let levels = logs.get("level_counts").and_then(Value::as_object);
        let levels: BTreeMap<&String, &Value> = levels.into_iter().flatten().collect();
        let levels: Vec<String> = levels.iter().map(|(level, count)| format!("{level}={count}")).collect();
        if !levels.is_empty() {
            all.insert("Log levels".to_owned(), json!(levels.join(", ")));
        }
    }
    let overlays = [review.and_then(|review| review.get("highlights")), audit.get("metadata")];
    for (name, value) in overlays.into_iter().flatten().filter_map(Value::as_object).flatten() {
        all.entry(name.clone()).or_insert_with(|| value.clone());
    }
    all
}

/// Who decides: as the review, the reports and the command line say, each once.
pub(super) fn attendees(review: Option<&Value>, reports: &[(String, Report)], options: &Options) -> Vec<String> {
    let named = texts(review, "attendees");
    let reported = reports.iter().flat_map(|(_, report)| report.people.iter().cloned());
    let mut people: Vec<String> = Vec::new();
    for person in named.into_iter().chain(options.attendees.iter().cloned()).chain(reported) {
        let person = collapse(&person);
        if !person.is_empty() && !people.contains(&person) {
            people.push(person);
        }
    }
    people
}

/// The remarks of the review and of the command line, one to a line; blank ones are dropped.
pub(super) fn notes(review: Option<&Value>, options: &Options) -> Vec<String> {
    let all = texts(review, "notes").into_iter().chain(options.notes.iter().cloned());
    let lines = |note: String| -> Vec<String> { sanitize::lines(&note).map(|line| line.trim().to_owned()).collect() };
    all.flat_map(lines).filter(|line| !line.is_empty()).collect()
}

fn texts(holder: Option<&Value>, key: &str) -> Vec<String> {
    match holder.and_then(|holder| holder.get(key)) {
        Some(Value::Array(members)) => members.iter().filter_map(|member| lists::text(Some(member))).collect(),
        single => lists::text(single).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Stamp;

    #[test]
    fn what_must_be_covered_is_what_was_asked_for_then_what_was_signed_off_then_three_days() {
        let hours = |hours: u64| Required::AtLeast(Duration::from_secs(hours * 3600));
        for (required, signed, expect) in [
            (Required::AsSignedOff, json!(3600), Some(3600.0)),
            (Required::AsSignedOff, json!("3600"), Some(3600.0)),
            (Required::AsSignedOff, json!(0), None),
            (Required::AsSignedOff, json!(null), Some(DEFAULT_TARGET)),
            (Required::AsSignedOff, json!(-5), Some(DEFAULT_TARGET)),
            (Required::AsSignedOff, json!("soon"), Some(DEFAULT_TARGET)),
            (hours(2), json!(3600), Some(7200.0)),
            (hours(0), json!(3600), None),
            (Required::Nothing, json!(3600), None),
        ] {
            let sign_off = json!({"criteria": {"minimum_duration_seconds": signed}});
            assert_eq!(target(Some(&sign_off), required), expect, "{required:?} {signed}");
        }
        assert_eq!(target(None, Required::AsSignedOff), Some(DEFAULT_TARGET));
    }

    #[test]
    fn a_duration_that_cannot_be_is_none() {
        for (seconds, expect) in [
            (json!(5), Some(5.0)),
            (json!("5.5"), Some(5.5)),
            (json!(-5), None),
            (json!(null), None),
            (json!([5]), None),
        ] {
            assert_eq!(duration(&json!({"logs": {"duration_seconds": seconds}})), expect, "{seconds}");
        }
        assert_eq!(duration(&json!({"duration_seconds": 5})), None);
    }

    #[test]
    fn people_and_notes_are_trimmed_each_once_and_one_to_a_line() {
        let at = Stamp::from_seconds(0).expect("in range");
        let options = Options {
            attendees: vec![" Ada  L. ".to_owned(), "  ".to_owned(), "Bob".to_owned()],
            notes: vec!["one\n\n two\u{2028}three".to_owned()],
            ..Options::new(at)
        };
        let review = json!({"attendees": ["Ada L.", 7], "notes": "zero"});
        assert_eq!(attendees(Some(&review), &[], &options), ["Ada L.", "7", "Bob"]);
        assert_eq!(notes(Some(&review), &options), ["zero", "one", "two", "three"]);
        assert!(attendees(None, &[], &Options::new(at)).is_empty());
    }

    #[test]
    fn a_run_is_called_by_its_label_before_its_name() {
        for (bundle, review, expect) in [
            (json!({"name": "r1", "label": " Release  7 "}), json!(null), Some("Release 7")),
            (json!({"name": "r1", "label": " "}), json!(null), Some("r1")),
            (json!({"name": "r1", "metadata": {"run_name": "r0"}}), json!(null), Some("r0")),
            (json!({"label": "a"}), json!({"run_label": "b"}), Some("b")),
            (json!({}), json!({}), None),
        ] {
            assert_eq!(label(&bundle, Some(&review)).as_deref(), expect, "{bundle}");
        }
    }
}
