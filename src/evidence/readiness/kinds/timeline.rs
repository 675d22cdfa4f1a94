//! Timelines of incidents: when each was opened, acknowledged and resolved.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::reader::Reader;
use super::super::values::{Figure, Object, at, figure, quoted, text};
use super::limits::Limits;
use crate::finding::count;
use crate::json::lenient;
use crate::time::{Stamp, human_seconds};

/// How far the clock of another machine may be ahead, in seconds.
const SKEW: f64 = 60.0;
/// How far a stated figure may be from the times beside it, in minutes.
const ROUNDED: f64 = 1.0;

const OPENING: [&str; 5] = ["alert_opened", "opened", "failure_detected", "issue_opened", "failure_logged"];
const ACKNOWLEDGING: [&str; 5] = ["alert_acknowledged", "acknowledged", "ack", "acknowledge", "slack_ack"];
const RESOLVING: [&str; 5] = ["alert_resolved", "resolved", "recovered", "closed", "issue_closed"];
const REOPENING: [&str; 1] = ["reopened"];

/// The keys of a timeline without a list of events.
const FLAT: [(&str, Step); 3] =
    [("opened_at", Step::Opened), ("acknowledged_at", Step::Acknowledged), ("resolved_at", Step::Resolved)];

/// The limits of a length of time, and how it is told.
const TO_ACKNOWLEDGE: (&str, &str) = ("mtta", "acknowledged after");
const TO_RESOLVE: (&str, &str) = ("mttr", "resolved after");
const OPEN: (&str, &str) = ("mttr", "open since");

/// What an event does to an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Opened,
    Acknowledged,
    Resolved,
    Reopened,
}

impl Step {
    fn of(word: &str) -> Option<Self> {
        let word = word.to_lowercase();
        let all: [(&[&str], Self); 4] = [
            (&OPENING, Self::Opened),
            (&ACKNOWLEDGING, Self::Acknowledged),
            (&RESOLVING, Self::Resolved),
            (&REOPENING, Self::Reopened),
        ];
        all.into_iter().find(|(words, _)| words.contains(&word.as_str())).map(|(_, step)| step)
    }
}

/// What is known of one incident.
#[derive(Debug, Default)]
struct Incident {
    pointer: String,
    events: Vec<(Stamp, Step)>,
    /// Figures that are stated beside the times or in their place, in minutes.
    mtta: Option<f64>,
    mttr: Option<f64>,
}

/// Judges one timeline, a list of them, or the entries of a trend. Gives the summary.
pub(in super::super) fn judge(document: &Value, reader: &mut Reader<'_>) -> String {
    let mut incidents: BTreeMap<String, Incident> = BTreeMap::new();
    let trend = document.get("alert_response_trend").and_then(Value::as_array);
    let list = document.as_array().map(|list| ("", list)).or_else(|| trend.map(|list| ("/alert_response_trend", list)));
    match list {
        Some((pointer, list)) => {
            for (n, entry) in list.iter().enumerate() {
                read(entry, &format!("{pointer}/{n}"), &format!("incident {}", n + 1), &mut incidents, reader);
            }
        }
        None => read(document, "", "the incident", &mut incidents, reader),
    }
    if incidents.is_empty() {
        reader.fail("timeline", "", "it holds no incident: nothing was measured");
    }
    let policy = reader.rules.incident.as_ref().map(|rules| rules.limits.clone()).unwrap_or_default();
    let limits = Limits::new(BTreeMap::new(), &policy);
    let (mut to_acknowledge, mut to_resolve) = (Vec::new(), Vec::new());
    for (name, incident) in &mut incidents {
        let (acknowledged, resolved) = incident.judge(name, &limits, reader);
        to_acknowledge.extend(acknowledged);
        to_resolve.extend(resolved);
    }
    reader.samples = incidents.len() as u64;
    let mean = |figures: &[f64]| match figures.len() {
        0 => "not measured".to_owned(),
        n => format!("{} (mean of {n})", human_seconds(figures.iter().sum::<f64>() / n as f64 * 60.0)),
    };
    format!(
        "{}; to acknowledge {}, to resolve {}",
        count(incidents.len() as u64, "incident"),
        mean(&to_acknowledge),
        mean(&to_resolve)
    )
}

/// Adds the incidents of an entry; its events may name others.
fn read(
    entry: &Value,
    pointer: &str,
    unnamed: &str,
    incidents: &mut BTreeMap<String, Incident>,
    reader: &mut Reader<'_>,
) {
    let Some(entry) = entry.as_object() else {
        reader.not_understood(pointer, &format!("a timeline is {}, not an object", quoted(entry)));
        return;
    };
    let own = text(entry, "incident_id").or_else(|| text(entry, "label")).unwrap_or(unnamed);
    let new = || Incident { pointer: pointer.to_owned(), ..Incident::default() };
    for (key, step) in FLAT {
        let Some(value) = entry.get(key).filter(|value| figure(Some(value)) != Figure::Absent) else { continue };
        let incident = incidents.entry(own.to_owned()).or_insert_with(new);
        incident.events.extend(time(value, own, &at(pointer, key), reader).map(|time| (time, step)));
    }
    figures(entry, pointer, own, incidents.entry(own.to_owned()).or_insert_with(new), reader);
    let events = entry.get("events").and_then(Value::as_array);
    for (n, event) in events.into_iter().flatten().enumerate() {
        let place = format!("{}/{n}", at(pointer, "events"));
        let Some(event) = event.as_object() else {
            reader.not_understood(&place, &format!("an event is {}, not an object", quoted(event)));
            continue;
        };
        let name = text(event, "incident_id").unwrap_or(own);
        let incident = incidents.entry(name.to_owned()).or_insert_with(new);
        let word = text(event, "type").unwrap_or_default();
        let Some(step) = Step::of(word) else {
            let said = quoted(&Value::from(word));
            reader.warn("timeline", &place, &format!("{name}: the event {said} is not understood"));
            continue;
        };
        match event.get("timestamp") {
            Some(value) => {
                let time = time(value, name, &at(&place, "timestamp"), reader);
                incident.events.extend(time.map(|time| (time, step)));
            }
            None => reader.fail("timeline", &place, &format!("{name}: the event `{word}` has no time")),
        }
    }
    // Where every event names another incident, there is none of the entry's own name.
    if incidents.get(own).is_some_and(|own| own.events.is_empty() && own.mtta.is_none() && own.mttr.is_none())
        && incidents.len() > 1
        && events.is_some_and(|events| events.iter().all(|event| event.get("incident_id").is_some_and(|id| id != own)))
    {
        incidents.remove(own);
    }
}

/// Figures that an entry states, in minutes.
fn figures(entry: &Object, pointer: &str, name: &str, incident: &mut Incident, reader: &mut Reader<'_>) {
    let statuses = entry.get("statuses").and_then(Value::as_object);
    let mut stated = |what: &str| {
        [("minutes", 1.0), ("seconds", 1.0 / 60.0)].into_iter().find_map(|(unit, scale)| {
            let key = format!("{what}_{unit}");
            let (value, place) = match (entry.get(&key), statuses.and_then(|statuses| statuses.get(&key))) {
                (Some(value), _) if figure(Some(value)) != Figure::Absent => (value, at(pointer, &key)),
                (_, Some(value)) => (value, at(&at(pointer, "statuses"), &key)),
                (Some(value), None) => (value, at(pointer, &key)),
                (None, None) => return None,
            };
            reader.figure(Some(value), &format!("{key} of {name}"), &place).map(|figure| figure * scale)
        })
    };
    incident.mtta = stated("mtta").or(incident.mtta);
    incident.mttr = stated("mttr").or(incident.mttr);
}

/// A time that can be; another one is found.
fn time(value: &Value, name: &str, pointer: &str, reader: &mut Reader<'_>) -> Option<Stamp> {
    let Some(time) = lenient::stamp(value) else {
        reader.fail("timeline", pointer, &format!("{name}: {} is no time", quoted(value)));
        return None;
    };
    if time.seconds_since(reader.now) > SKEW {
        reader.contradiction(pointer, &format!("{name}: {} is in the future", time.human()));
    }
    Some(time)
}

impl Incident {
    /// The minutes until it was acknowledged and until it was resolved for the last time, held against the limits.
    fn judge(&mut self, name: &str, limits: &Limits, reader: &mut Reader<'_>) -> (Option<f64>, Option<f64>) {
        self.events.sort();
        self.events.dedup();
        let times = |step: Step| self.events.iter().filter(move |(_, found)| *found == step).map(|(time, _)| *time);
        let Some(opened) = times(Step::Opened).next() else {
            if self.mtta.is_none() && self.mttr.is_none() {
                reader.fail("timeline", &self.pointer, &format!("{name}: it does not say when it was opened"));
            } else if !self.events.is_empty() {
                reader.fail("timeline", &self.pointer, &format!("{name}: it was never opened, but has other times"));
            }
            return (
                self.to_acknowledge(self.mtta, name, limits, reader),
                self.to_resolve(self.mttr, name, limits, reader),
            );
        };
        let minutes = |time: Stamp| time.seconds_since(opened) / 60.0;
        for (time, step) in self.events.iter().filter(|(time, _)| *time < opened) {
            let what = match step {
                Step::Acknowledged => "acknowledged",
                Step::Resolved => "resolved",
                Step::Opened | Step::Reopened => "reopened",
            };
            let before = human_seconds(opened.seconds_since(*time));
            reader.contradiction(&self.pointer, &format!("{name}: it was {what} {before} before it was opened"));
        }
        let acknowledged = times(Step::Acknowledged).find(|time| *time >= opened).map(minutes);
        let resolved = times(Step::Resolved).rfind(|time| *time >= opened);
        // What is opened again after it was resolved is as open as ever.
        let again = times(Step::Reopened).chain(times(Step::Opened).skip(1)).max();
        let is_open = resolved.is_none_or(|resolved| again.is_some_and(|again| again > resolved));
        let to_resolve = match resolved.filter(|_| !is_open) {
            Some(resolved) => minutes(resolved),
            // As long as it is open, its age counts.
            None => reader.now.seconds_since(opened).max(0.0) / 60.0,
        };
        for (what, stated, measured) in
            [("mtta", self.mtta, acknowledged), ("mttr", self.mttr, (!is_open).then_some(to_resolve))]
        {
            if let (Some(stated), Some(measured)) = (stated, measured)
                && (stated - measured).abs() > ROUNDED
            {
                let message = format!("{name}: {what} is {stated} minutes, its times say {measured}");
                reader.contradiction(&self.pointer, &message);
            }
        }
        let acknowledged = self.to_acknowledge(acknowledged, name, limits, reader);
        self.limit(to_resolve, if is_open { OPEN } else { TO_RESOLVE }, name, limits, reader);
        (acknowledged, (!is_open).then_some(to_resolve))
    }

    fn to_acknowledge(
        &self,
        minutes: Option<f64>,
        name: &str,
        limits: &Limits,
        reader: &mut Reader<'_>,
    ) -> Option<f64> {
        match minutes {
            None => reader.warn("timeline", &self.pointer, &format!("{name}: nobody acknowledged it")),
            Some(minutes) => self.limit(minutes, TO_ACKNOWLEDGE, name, limits, reader),
        }
        minutes
    }

    fn to_resolve(&self, minutes: Option<f64>, name: &str, limits: &Limits, reader: &mut Reader<'_>) -> Option<f64> {
        match minutes {
            None => reader.warn("timeline", &self.pointer, &format!("{name}: nobody resolved it")),
            Some(minutes) => self.limit(minutes, TO_RESOLVE, name, limits, reader),
        }
        minutes
    }

    fn limit(&self, minutes: f64, (figure, told): (&str, &str), name: &str, limits: &Limits, reader: &mut Reader<'_>) {
        let (warn, fail) =
            (limits.number(&format!("{figure}_warn_minutes")), limits.number(&format!("{figure}_fail_minutes")));
        let message = |limit: f64| {
            let took = human_seconds(minutes * 60.0);
            format!("{name}: {told} {took}, less than {} are asked for", human_seconds(limit * 60.0))
        };
        let category = format!("metrics_{figure}");
        if minutes >= fail {
            reader.fail(&category, &self.pointer, &message(fail));
        } else if minutes >= warn {
            reader.warn(&category, &self.pointer, &message(warn));
        }
    }
}
