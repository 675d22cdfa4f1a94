//! The summary of a guardian: a program that watched a long session of another one.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::reader::Reader;
use super::super::values::{Object, at, quoted, text};
use crate::finding::{Status, count};
use crate::guards::growth::{self, SLOPED};

/// Growth is told ahead for so many hours.
const AHEAD_HOURS: f64 = 24.0;

/// What the document says of the session.
struct Session<'a> {
    document: &'a Object,
    metrics: &'a Object,
    samples: Vec<&'a Object>,
    /// The word of its status, in lower case.
    state: String,
}

impl Session<'_> {
    /// A limit that was set for the session.
    fn limit(&self, key: &str, reader: &mut Reader<'_>) -> Option<f64> {
        let thresholds = self.metrics.get("objective_thresholds").and_then(Value::as_object);
        let place = "/metrics/objective_thresholds";
        let value = thresholds.and_then(|thresholds| thresholds.get(key)).or_else(|| self.metrics.get(key));
        reader.figure(value, &format!("the limit {key}"), &at(place, key))
    }
}

/// Judges the summary of a guardian by its samples and events. Gives the summary.
pub(in super::super) fn judge(document: &Object, reader: &mut Reader<'_>) -> String {
    let none = Object::new();
    let metrics = document.get("metrics").and_then(Value::as_object).unwrap_or(&none);
    let samples = document.get("samples").and_then(Value::as_array).into_iter().flatten();
    let samples: Vec<&Object> = samples.filter_map(Value::as_object).collect();
    let state = text(document, "status").unwrap_or_default().to_lowercase();
    let session = Session { document, metrics, samples, state };
    if session.samples.is_empty() {
        reader.fail("samples", "/samples", "it holds no sample: nothing was watched");
    }
    by_state(&session, reader);
    objectives(&session, reader);
    latency(&session, reader);
    memory(&session, reader);
    events(&session, reader);
    failover(&session, reader);
    reader.samples = session.samples.len() as u64;
    count(session.samples.len() as u64, "sample")
}

/// What it says of itself; `stopped` is an end as good as any where its own time was over.
fn by_state(session: &Session<'_>, reader: &mut Reader<'_>) {
    let reasons = session.document.get("stop_reasons").and_then(super::super::values::names).unwrap_or_default();
    let because = if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join(", ")) };
    match session.state.as_str() {
        "completed" => {}
        "stopped" if !reasons.is_empty() && reasons.iter().all(|reason| reason == "duration-elapsed") => {}
        "stopped" => reader.warn("status", "/status", &format!("it was stopped{because}")),
        "degraded" => reader.warn("status", "/status", &format!("it was degraded{because}")),
        "failed" => reader.fail("status", "/status", &format!("it failed{because}")),
        "preparing" | "running" => reader.fail("status", "/status", "it has not ended"),
        _ => {
            let said = session.document.get("status").map_or_else(|| "nothing".to_owned(), quoted);
            reader.not_understood("/status", &format!("its status is {said}, which is none of a guardian"));
        }
    }
}

/// What it says of its objectives, and how long it watched.
fn objectives(session: &Session<'_>, reader: &mut Reader<'_>) {
    let place = "/metrics/objective_compliance";
    let stated = session.metrics.get("objective_compliance").and_then(Value::as_object);
    for (name, value) in stated.into_iter().flatten() {
        match reader.word(value) {
            Some(Status::Pass) => {}
            // A session that may go on after a breach is degraded by it, and not failed.
            Some(_) if name == "no_invariant_breaches" && session.state == "degraded" => {
                reader.warn("objective", &at(place, name), "invariants were breached, which was allowed");
            }
            Some(_) => reader.fail("objective", &at(place, name), &format!("the objective {name} was not reached")),
            None => reader.not_understood(&at(place, name), &format!("the objective {name} is {}", quoted(value))),
        }
    }
    let lasted = reader.figure(session.document.get("runtime_seconds"), "runtime_seconds", "/runtime_seconds");
    if let Some(least) = session.limit("minimum_runtime_seconds", reader).filter(|least| *least > 0.0) {
        match lasted {
            Some(lasted) if lasted < least => {
                reader.fail(
                    "objective",
                    "/runtime_seconds",
                    &format!("it watched {lasted} s, at least {least} s are asked for"),
                );
            }
            Some(_) => {}
            None => {
                reader.fail("objective", "/runtime_seconds", "it does not say how long it watched, which is asked for");
            }
        }
    }
}

/// The figures of one kind in the samples, with the time of each in seconds; what cannot be is found.
fn figures(session: &Session<'_>, pointer: &str, what: &str, reader: &mut Reader<'_>) -> Vec<(f64, f64)> {
    let mut figures = Vec::new();
    for (n, sample) in session.samples.iter().enumerate() {
        let mut value = None;
        let mut holder = *sample;
        for key in pointer.split('/') {
            value = holder.get(key);
            match value.and_then(Value::as_object) {
                Some(inner) => holder = inner,
                None => break,
            }
        }
        let place = format!("/samples/{n}");
        let time = reader.figure(sample.get("runtime_seconds"), "runtime_seconds", &at(&place, "runtime_seconds"));
        if let Some(figure) =
            reader.figure(value.filter(|value| !value.is_object()), what, &format!("{place}/{pointer}"))
        {
            figures.push((time.unwrap_or(n as f64), figure));
        }
    }
    figures
}

fn latency(session: &Session<'_>, reader: &mut Reader<'_>) {
    let limit = session.limit("latency_p99_threshold_s", reader);
    let before = reader.issues.len();
    let measured = figures(session, "latency_metrics/p99_latency_s", "p99_latency_s", reader);
    let Some(limit) = limit else { return };
    let worst = measured
        .iter()
        .map(|(_, figure)| *figure)
        .fold(None, |worst: Option<f64>, figure| Some(worst.map_or(figure, |worst| worst.max(figure))));
    match worst {
        Some(worst) if worst > limit => {
            reader.fail(
                "latency",
                "/samples",
                &format!("the p99 latency reached {worst} s, at most {limit} s are accepted"),
            );
        }
        Some(_) => {}
        None if reader.issues.len() == before => {
            reader.fail("latency", "/samples", "the p99 latency is limited, and was never measured");
        }
        None => {}
    }
}

fn memory(session: &Session<'_>, reader: &mut Reader<'_>) {
    let limit = session.limit("memory_growth_threshold_mb", reader);
    let before = reader.issues.len();
    let measured = figures(session, "memory_mb", "memory_mb", reader);
    let Some(limit) = limit else { return };
    if measured.is_empty() {
        if reader.issues.len() == before {
            reader.fail("memory", "/samples", "the growth of the memory is limited, and was never measured");
        }
        return;
    }
    let growth = growth::growth(settled(&measured)).unwrap_or_default();
    if growth > limit {
        let message = format!("the memory grew by {growth:.1} MB, at most {limit} MB are accepted");
        reader.fail("memory", "/samples", &message);
    } else if let Some(slope) = slope(&measured).filter(|slope| *slope * AHEAD_HOURS > limit) {
        let message = format!(
            "the memory grows by at least {slope:.1} MB an hour: within a day it passes the limit of {limit} MB"
        );
        reader.warn("memory", "/samples", &message);
    }
}

/// The points behind the warm-up, which is no growth: a tenth of the time, at most half an hour.
fn settled(points: &[(f64, f64)]) -> &[(f64, f64)] {
    let [(start, _), .., (end, _)] = points else { return points };
    let warm_up = ((end - start) / 10.0).min(1800.0);
    let from = points.iter().position(|(time, _)| *time >= start + warm_up).unwrap_or(0);
    if points.len() - from < 3 { points } else { &points[from..] }
}

/// The least slope of `points` per hour that an interval of 95 % leaves; none for too few.
fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let settled = settled(points);
    (points.len() >= SLOPED).then(|| growth::slope(settled)).flatten().map(|slope| slope.low)
}

/// Breaches and errors: those that are listed, and those of the samples and of the report that no list shows.
fn events(session: &Session<'_>, reader: &mut Reader<'_>) {
    let list = |key: &str| session.document.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let (listed, breaches) = (list("error_events"), list("invariant_breaches"));
    let words = |event: &Value| {
        let part = |key: &str| event.get(key).and_then(Value::as_str).unwrap_or_default();
        let (stage, message) = (part("stage"), part("message"));
        if stage.is_empty() && message.is_empty() { quoted(event) } else { format!("{stage}: {message}") }
    };
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    for error in session.samples.iter().filter_map(|sample| sample.get("last_error")).filter(|error| !error.is_null()) {
        *seen.entry(words(error)).or_default() += 1;
    }
    let times = |event: &Value| match seen.get(&words(event)) {
        Some(times) if *times > 1 => format!(", {times} times in the samples"),
        _ => String::new(),
    };
    for (n, event) in breaches.iter().enumerate() {
        let severity = if session.state == "degraded" { Status::Warn } else { Status::Fail };
        let message = format!("an invariant was breached: {}{}", words(event), times(event));
        reader.add(severity, "invariant", &format!("/invariant_breaches/{n}"), &message);
    }
    for (n, event) in listed.iter().enumerate().filter(|(_, event)| !breaches.contains(event)) {
        let said = ["severity", "level"].iter().find_map(|key| event.get(*key)?.as_str());
        let grave = said.is_some_and(|word| matches!(word.trim().to_lowercase().as_str(), "critical" | "fatal"));
        let severity = if grave { Status::Fail } else { Status::Warn };
        reader.add(
            severity,
            "error",
            &format!("/error_events/{n}"),
            &format!("an error: {}{}", words(event), times(event)),
        );
    }
    let told: Vec<String> = listed.iter().chain(breaches).map(words).collect();
    for (error, times) in seen.iter().filter(|(error, _)| !told.contains(error)) {
        let message = format!("the samples show an error that no event tells of, {times} times: {error}");
        reader.fail("error", "/samples", &message);
    }
    let report = session.document.get("report").and_then(|report| report.get("errors")?.as_array());
    let unseen = report.into_iter().flatten().filter(|error| !told.contains(&words(error))).count() as u64;
    if unseen > 0 {
        let message = format!("{} of the report that no event tells of", count(unseen, "error"));
        reader.fail("error", "/report/errors", &message);
    }
    let observed = session.samples.iter().enumerate().filter_map(|(n, sample)| {
        let place = format!("/samples/{n}/errors_observed");
        reader.count(sample.get("errors_observed"), "errors_observed", &place)
    });
    // An error that comes again and again is one event, but not none.
    let observed = observed.max().unwrap_or_default();
    if observed > 0 && told.is_empty() && unseen == 0 {
        reader.fail("error", "/samples", &format!("{} observed, but no event tells of any", count(observed, "error")));
    }
}

/// Whether something had to take over, by the word and not by there being one.
fn failover(session: &Session<'_>, reader: &mut Reader<'_>) {
    let active = |sample: &&Object| sample.get("failover").and_then(|failover| failover.get("active").cloned());
    let states: Vec<Option<bool>> = session
        .samples
        .iter()
        .filter_map(active)
        .filter(|value| !value.is_null())
        .map(|value| super::super::values::switch(&value))
        .collect();
    let times = states.iter().filter(|state| **state == Some(true)).count() as u64;
    if times > 0 {
        reader.warn("failover", "/samples", &format!("the failover was active in {}", count(times, "sample")));
    }
    if states.contains(&None) {
        reader.not_understood("/samples", "whether the failover was active is not understood");
    }
}
