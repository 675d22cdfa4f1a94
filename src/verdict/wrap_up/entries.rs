//! Follow-ups and incidents of the minutes.

use serde_json::{Map, Value};

use super::{Entry, Incident, of_target};
use crate::finding::{Metadata, Status, of_workload};
use crate::json::lenient;
use crate::level::Level;
use crate::prose;
use crate::sanitize::shorten;
use crate::time::Stamp;
use crate::verdict::backlog::{Item, Origin, Source, lists, merge};

/// A follow-up for a run that does not cover enough.
pub(super) fn too_short(duration: Option<f64>, target: f64, path: &str) -> Item {
    let mut item = blank("duration", path, "logs.duration_seconds");
    item.summary = of_target(duration, target);
    item.raw.insert("target_seconds".to_owned(), target.into());
    item.raw.insert("observed_seconds".to_owned(), duration.into());
    item
}

/// A follow-up for a summary that no gate was asked about: a WARN, for nobody signed it off.
pub(super) fn unsigned(sign_off: Option<&Value>, path: &str) -> Option<Item> {
    let says = |key: &str| sign_off.and_then(|sign_off| sign_off.get(key));
    let listed = |key: &str| says(key).and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    if lists::word(says("status")).is_some()
        || lists::word(says("verdict")).is_some()
        || listed("gates")
        || listed("findings")
    {
        return None;
    }
    let mut item = blank("sign_off", path, "sign_off");
    item.severity = Status::Warn;
    item.summary = "nobody signed this off: the summary holds no sign-off".to_owned();
    item.next_steps = Some("judge the run with `emp-ops audit RUN --sign-off`".to_owned());
    Some(item)
}

/// A follow-up for a summary whose logs hold no figure: a FAIL, for nothing was measured. Where only the number of
/// records is missing, it is a WARN: the other figures may be those of an empty log.
pub(super) fn without_logs(audit: &Value, path: &str) -> Option<Item> {
    let figure = |key: &str| audit.get("logs").and_then(|logs| logs.get(key)).filter(|figure| !figure.is_null());
    let records = figure("records").and_then(lenient::number).is_some();
    let levels = figure("level_counts").and_then(Value::as_object);
    let counted = records || levels.is_some_and(|levels| levels.values().any(|count| lenient::number(count).is_some()));
    let measured = ["duration_seconds", "uptime_ratio"].iter().any(|key| figure(key).is_some());
    let (severity, text) = match (counted, measured) {
        (true, _) => return None,
        (false, true) => (Status::Warn, "the summary does not say how many records the logs hold, if any"),
        (false, false) => (Status::Fail, "the summary holds no logs: nothing was measured"),
    };
    let mut item = blank("evidence", path, "logs");
    item.severity = severity;
    item.summary = text.to_owned();
    Some(item)
}

/// A follow-up for a remark that refuses, or consents only under a condition.
pub(super) fn refusing(note: &str, path: &str) -> Option<Item> {
    let mut item = blank("review", path, "notes");
    item.severity = Status::Warn;
    item.summary = format!("a remark withholds consent: {note}");
    prose::refuses(note).then_some(item)
}

fn blank(category: &str, path: &str, part: &str) -> Item {
    Item {
        severity: Status::Fail,
        category: category.to_owned(),
        count: 1,
        status: "open".to_owned(),
        sources: vec![Source { path: path.to_owned(), line: None, part: Some(part.to_owned()) }],
        runs: 1,
        origin: Origin::Run,
        ..Item::default()
    }
}

/// Makes one follow-up of what several documents tell of one fault.
pub(super) fn merged(mut items: Vec<Item>, audit: &Value, path: &str) -> Vec<Item> {
    // The minutes judge the duration themselves, with their tolerance.
    if items.iter().any(|item| item.category == "duration") {
        let told = |item: &Item| match item.origin {
            Origin::SignOff => item.context.contains_key("required_seconds"),
            Origin::Review => {
                let context = item.raw.get("context").filter(|_| item.category == "sign_off");
                context.is_some_and(|context| context.pointer("/metadata/required_seconds").is_some())
            }
            _ => false,
        };
        items.retain(|item| !told(item));
    }
    let levels = audit.get("logs").and_then(|logs| logs.get("level_counts"));
    let of = |meant: &dyn Fn(&str) -> bool| {
        let counted =
            |(level, count): (&String, &Value)| meant(level) && lenient::number(count).is_some_and(|count| count > 0.0);
        levels.and_then(Value::as_object).is_some_and(|levels| levels.iter().any(counted))
    };
    let listed = items.iter().filter(|item| item.origin == Origin::Logs).map(|item| item.severity).max();
    let at_error = |level: &str| Level::from_word(level) >= Level::Error;
    let errors: f64 = levels
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter(|(level, _)| at_error(level))
        .filter_map(|(_, count)| lenient::number(count))
        .sum();
    // What drills caused is in no list.
    let drills = audit.pointer("/logs/excused_by_drills").and_then(Value::as_object).into_iter().flatten();
    let excused: f64 = drills.filter_map(|(_, part)| lenient::number(part.get("errors")?)).sum();
    let (severity, summary) = if of(&at_error) && errors > excused {
        (Status::Fail, "there are records at an error level that are not listed")
    } else if of(&not_understood) {
        (Status::Warn, "there are records of a level that nothing here understands: errors among them are not seen")
    } else {
        (Status::Pass, "")
    };
    if severity > listed.unwrap_or_default() {
        let mut item = blank("log_error", path, "logs.level_counts");
        (item.origin, item.severity, item.summary) = (Origin::Logs, severity, summary.to_owned());
        item.raw = levels.and_then(Value::as_object).cloned().unwrap_or_default();
        items.push(item);
    }
    merge::merge(items)
}

/// Whether a word for a level is none that is known, nor says that there is none.
fn not_understood(word: &str) -> bool {
    Level::from_word(word) == Level::Unknown && !prose::is_nothing(word) && !word.eq_ignore_ascii_case("unknown")
}

/// An item as the minutes list it.
pub(super) fn entry(item: &Item) -> Entry {
    let raw = |key: &str| lists::text(item.raw.get(key));
    let (category, dropped): (&str, &[&str]) = match item.origin {
        Origin::Logs => ("logs", &["severity", "summary", "message"]),
        Origin::Diary => ("diary", &["severity", "reason"]),
        Origin::SignOff => ("sign_off", &["severity", "message"]),
        Origin::Incident => ("harness", &["severity", "message", "summary", "occurred_at"]),
        Origin::Review if item.category == "objective" => ("objective", &["status", "note"]),
        Origin::Review if item.category == "action" => ("review", &["severity", "description"]),
        Origin::Review => (item.category.as_str(), &["severity", "description"]),
        _ => (item.category.as_str(), &[]),
    };
    let description = match item.origin {
        Origin::Diary => raw("reason"),
        Origin::Review if item.category == "objective" => raw("note"),
        _ => None,
    };
    let metadata: Metadata = if item.raw.is_empty() {
        item.context.clone()
    } else {
        item.raw
            .iter()
            .filter(|(key, _)| !dropped.contains(&key.as_str()))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect()
    };
    Entry {
        id: item.id.clone(),
        severity: item.severity,
        category: category.to_owned(),
        reference: item.reference.clone(),
        description: of_workload(item.workload.as_deref(), description.as_deref().unwrap_or(&item.summary)),
        workload: item.workload.clone(),
        count: item.count,
        owner: item.owner.clone(),
        due: item.due.clone(),
        status: item.status.clone(),
        occurred_at: item.occurred_at,
        sources: item.sources.clone(),
        metadata,
        varying: item.varying.clone(),
    }
}

/// The item in a sentence for "because".
pub(super) fn sentence(item: &Item) -> String {
    let reference = item.reference.as_ref().map(|reference| format!("{reference}: ")).unwrap_or_default();
    let reasons = if item.reasons.is_empty() { String::new() } else { format!(" ({})", item.reasons.join("; ")) };
    let times = if item.count > 1 { format!(" ({}×)", item.count) } else { String::new() };
    let text = shorten(&of_workload(item.workload.as_deref(), item.headline()), 200);
    format!("{reference}{text}{times}{reasons}")
}

/// What happened, with the workload and the drill that is the reason why it does not count.
fn incident_text(object: &Map<String, Value>) -> String {
    let text = ["message", "summary"].iter().find_map(|key| lists::text(object.get(*key)));
    let text = of_workload(object.get("workload").and_then(Value::as_str), text.as_deref().unwrap_or("an incident"));
    let drill = lists::text(object.get("drill")).filter(|_| lists::severity(object.get("severity")).0 == Status::Pass);
    drill.map_or(text.clone(), |drill| format!("{text} (excused by drill {drill})"))
}

/// The incidents of a bundle; members that are no objects were named when the follow-ups were gathered.
pub(super) fn incidents(list: Option<&Value>) -> Vec<Incident> {
    let members = match list {
        Some(Value::Array(members)) => members.as_slice(),
        Some(single @ Value::Object(_)) => std::slice::from_ref(single),
        _ => &[],
    };
    let objects = members.iter().filter_map(Value::as_object);
    objects
        .map(|object| Incident {
            severity: lists::severity(object.get("severity")).0,
            message: incident_text(object),
            occurred_at: object.get("occurred_at").and_then(Value::as_str).and_then(Stamp::parse),
            count: object.get("count").and_then(Value::as_u64).unwrap_or(1).max(1),
            metadata: object
                .iter()
                .filter(|(key, _)| !["severity", "message", "summary", "occurred_at"].contains(&key.as_str()))
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
        })
        .collect()
}
