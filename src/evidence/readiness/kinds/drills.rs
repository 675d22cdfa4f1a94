//! Drills that somebody else ran: what was broken, what saw it, and whether it came back.

use serde_json::Value;

use super::super::reader::Reader;
use super::super::values::{Object, at, names, quoted, switch, text};
use crate::finding::{Status, count};

/// Keys that show when a drill did something, or how long that took.
const TIMES: [&str; 8] = [
    "detected_at",
    "recovered_at",
    "time_to_detect_seconds",
    "time_to_recover_seconds",
    "detection_seconds",
    "recovery_seconds",
    "duration_seconds",
    "resolution_seconds",
];

/// Judges a summary of drills. Gives the summary.
pub(in super::super) fn judge(document: &Object, reader: &mut Reader<'_>) -> String {
    if document.contains_key("failover_decision") {
        return failover(document, reader);
    }
    let mut drills = 0;
    for key in ["results", "drills"] {
        let members: Vec<(String, String, &Value)> = match document.get(key) {
            Some(Value::Object(map)) => {
                map.iter().map(|(name, value)| (name.clone(), at(&at("", key), name), value)).collect()
            }
            Some(Value::Array(list)) => {
                let name = |value: &Value| Some(value.get("name")?.as_str()?.to_owned());
                let items = list.iter().enumerate();
                items
                    .map(|(n, value)| {
                        (name(value).unwrap_or_else(|| format!("drill {}", n + 1)), format!("/{key}/{n}"), value)
                    })
                    .collect()
            }
            _ => continue,
        };
        // A list of drills tells more of them than the short results beside it.
        let short =
            key == "results" && document.get("drills").and_then(Value::as_array).is_some_and(|list| !list.is_empty());
        for (name, pointer, value) in members {
            drills += u64::from(!short);
            drill(&name, &pointer, value, short, reader);
        }
    }
    if drills == 0 {
        reader.fail("drill", "", "it holds no drill: nothing was rehearsed");
    }
    if let Some(stated) = reader.stated(document, &["status"], "").filter(|stated| *stated > reader.status()) {
        reader.add(stated, "status", "/status", &format!("it says {} of itself", stated.label()));
    }
    reader.samples = drills;
    count(drills, "drill")
}

fn drill(name: &str, pointer: &str, value: &Value, short: bool, reader: &mut Reader<'_>) {
    let Some(drill) = value.as_object() else {
        reader.not_understood(pointer, &format!("the drill {name} is {}", quoted(value)));
        return;
    };
    let said =
        text(drill, "error").or_else(|| text(drill, "stage")).map(|text| format!(": {text}")).unwrap_or_default();
    if text(drill, "status") == Some("not_run") {
        reader.fail("drill", pointer, &format!("the drill {name} was not run{said}"));
        return;
    }
    match reader.stated(drill, &["status"], pointer) {
        None => reader.not_understood(pointer, &format!("the drill {name} states no verdict")),
        Some(Status::Pass) => {
            let timed = TIMES.iter().any(|key| drill.get(*key).is_some_and(|value| !value.is_null()));
            if drill.get("error").is_some_and(|error| !error.is_null()) {
                reader.contradiction(&at(pointer, "error"), &format!("the drill {name} passed with an error{said}"));
            } else if !timed && !short {
                let message =
                    format!("the drill {name} passed, but does not show when anything was detected or recovered");
                reader.warn("drill", pointer, &message);
            }
        }
        Some(status) => {
            let how = if status == Status::Fail { "failed" } else { "did not pass" };
            reader.add(status, "drill", pointer, &format!("the drill {name} {how}{said}"));
        }
    }
}

/// A drill of a failover: a target was broken, that was seen, something took over, and that was looked at again.
fn failover(document: &Object, reader: &mut Reader<'_>) -> String {
    let metadata = document.get("metadata").and_then(Value::as_object);
    let components = document.get("components").and_then(Value::as_array);
    let component = |name: &str| {
        let at = components?.iter().position(|component| component.get("name").is_some_and(|found| found == name))?;
        Some((format!("/components/{at}"), components?[at].as_object()?))
    };
    let list =
        |holder: Option<&Object>, key: &str| holder.and_then(|holder| names(holder.get(key)?)).unwrap_or_default();
    let inner = component("failover").and_then(|(_, failover)| failover.get("metadata")?.as_object());
    let mut targeted = list(metadata, "targeted_dimensions");
    targeted.extend(list(inner, "targeted"));
    targeted.sort();
    targeted.dedup();
    let decision = document.get("failover_decision").and_then(Value::as_object);
    let mut triggered = list(decision, "triggered_dimensions");
    triggered.extend(list(decision, "optional_triggers"));
    triggered.extend(list(inner, "triggered"));
    let place = component("fallback").map_or_else(|| "/components".to_owned(), |(pointer, _)| pointer);
    if targeted.is_empty() {
        reader.fail("drill", "/metadata", "it broke nothing: there is no target");
    }
    for target in targeted.iter().filter(|target| !triggered.contains(target)) {
        reader.fail("drill", "/failover_decision", &format!("the outage of {target} was not seen"));
    }
    for other in triggered.iter().filter(|other| !targeted.is_empty() && !targeted.contains(other)) {
        let message = format!("{other} was down as well, which the drill did not break: it was down before");
        reader.fail("drill", "/failover_decision", &message);
    }
    let fallback = component("fallback").and_then(|(_, fallback)| fallback.get("metadata")?.as_object());
    let fallback = fallback.or_else(|| metadata.and_then(|metadata| metadata.get("fallback")?.as_object()));
    let executed = fallback.and_then(|fallback| switch(fallback.get("executed")?)) == Some(true);
    let error = fallback.and_then(|fallback| text(fallback, "error"));
    // What is looked at after the fallback, under any of its usual names.
    let checked = ["recovery_report", "post_fallback_report", "verification", "recovery"].iter().find_map(|key| {
        let report = document.get(*key).or_else(|| fallback?.get(*key))?.as_object()?;
        Some((at("", key), report))
    });
    match (executed, error, checked) {
        (_, Some(error), _) => reader.fail("drill", &place, &format!("the fallback failed: {error}")),
        (false, ..) if !targeted.is_empty() => reader.fail("drill", &place, "no fallback ran: nothing recovered"),
        (true, None, None) => {
            reader.fail("drill", &place, "nothing was looked at after the fallback: it may have done nothing");
        }
        (true, None, Some((pointer, report))) => match reader.stated(report, &["status"], &pointer) {
            Some(Status::Pass) => {}
            Some(status) => drop(reader.add(status, "drill", &pointer, "it was not well after the fallback")),
            None => reader.not_understood(&pointer, "what was looked at after the fallback states no verdict"),
        },
        _ => {}
    }
    if let Some(stated) = reader.stated(document, &["status"], "").filter(|stated| *stated > reader.status()) {
        reader.add(stated, "status", "/status", &format!("it says {} of itself", stated.label()));
    }
    reader.samples = targeted.len() as u64;
    format!("a failover drill of {}", count(targeted.len() as u64, "target"))
}
