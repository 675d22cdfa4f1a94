//! `drills.json`: what became of the drills of a run, with the steps from which that can be read again; and the timeline of
//! each.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::derive::{Judged, Mark, State, derive};
use super::plan::{Drill, DrillsPlan, Kind, seconds};
use super::step::{Stage, Step};
use crate::finding::Status;
use crate::log::excuse::Window;
use crate::time::Stamp;

/// The name of the document, in its `schema` key.
pub(crate) const SCHEMA: &str = "emp-ops/drills/v1";
/// The name of the file in the run directory.
pub(crate) const FILE_NAME: &str = "drills.json";
/// The name of the file in which the watchdog notes what it restored after emp-ops was killed.
pub(crate) const RESTORED: &str = "drills_restored.jsonl";
/// The folder of the timelines.
pub(crate) const TIMELINES: &str = "timelines";

/// The document. Keys are documented in `runbooks/formats.md`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Document {
    pub schema: String,
    pub run_id: String,
    pub timestamp: Stamp,
    pub status: Status,
    /// By name.
    pub results: BTreeMap<String, Short>,
    pub drills: Vec<Row>,
    /// Means, in seconds, over the drills that came so far.
    #[serde(default)]
    pub mttd_seconds: Option<f64>,
    #[serde(default)]
    pub mtta_seconds: Option<f64>,
    #[serde(default)]
    pub mttr_seconds: Option<f64>,
    /// On how many drills these means rest, and the longest.
    pub samples: Samples,
}

/// A drill in short.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Short {
    pub status: State,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A drill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row {
    pub name: String,
    pub kind: Kind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hypothesis: Option<String>,
    pub status: State,
    /// Where it failed first.
    #[serde(default)]
    pub stage: Option<Stage>,
    pub scheduled_at: Stamp,
    #[serde(default)]
    pub injected_at: Option<Stamp>,
    #[serde(default)]
    pub detected_at: Option<Stamp>,
    #[serde(default)]
    pub detected_by: Option<String>,
    #[serde(default)]
    pub acknowledged_at: Option<Stamp>,
    #[serde(default)]
    pub restored_at: Option<Stamp>,
    #[serde(default)]
    pub recovered_at: Option<Stamp>,
    #[serde(default)]
    pub time_to_detect_seconds: Option<f64>,
    /// Since the first notification.
    #[serde(default)]
    pub time_to_acknowledge_seconds: Option<f64>,
    #[serde(default)]
    pub time_to_recover_seconds: Option<f64>,
    /// How exact these times are.
    pub resolution_seconds: f64,
    pub limits: BTreeMap<String, f64>,
    pub steps: Vec<Step>,
    /// What it caused, by the ids of incidents.
    #[serde(default)]
    pub incidents: Vec<String>,
    pub findings: Vec<String>,
}

/// On how many drills the means rest, and the longest times in seconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Samples {
    pub detected: u64,
    #[serde(default)]
    pub acknowledged: u64,
    pub recovered: u64,
    #[serde(default)]
    pub worst_time_to_detect_seconds: Option<f64>,
    #[serde(default)]
    pub worst_time_to_acknowledge_seconds: Option<f64>,
    #[serde(default)]
    pub worst_time_to_recover_seconds: Option<f64>,
}

/// What a run is called and when it began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Of<'a> {
    pub run: &'a str,
    pub started: Stamp,
}

/// The document for these steps, one list for each drill; `incidents` are pairs of drill and id.
pub(crate) fn document(
    plan: &DrillsPlan,
    steps: &[&[Step]],
    of: Of<'_>,
    now: Stamp,
    incidents: &[(String, String)],
) -> Document {
    let drills: Vec<Row> =
        plan.list.iter().zip(steps).map(|(drill, steps)| row(drill, steps, plan.dry, of.started, incidents)).collect();
    let short = |row: &Row| (row.name.clone(), Short { status: row.status, error: row.error() });
    let detected: Vec<f64> = drills.iter().filter_map(|row| row.time_to_detect_seconds).collect();
    let recovered: Vec<f64> = drills.iter().filter_map(|row| row.time_to_recover_seconds).collect();
    let acknowledged: Vec<f64> = drills.iter().filter_map(|row| row.time_to_acknowledge_seconds).collect();
    let worst = |all: &[f64]| all.iter().copied().reduce(f64::max);
    let mean = |all: &[f64]| (!all.is_empty()).then(|| rounded(all.iter().sum::<f64>() / all.len() as f64));
    Document {
        schema: SCHEMA.to_owned(),
        run_id: of.run.to_owned(),
        timestamp: now,
        status: status(&drills),
        results: drills.iter().map(short).collect(),
        mttd_seconds: mean(&detected),
        mtta_seconds: mean(&acknowledged),
        mttr_seconds: mean(&recovered),
        samples: Samples {
            detected: detected.len() as u64,
            acknowledged: acknowledged.len() as u64,
            worst_time_to_acknowledge_seconds: worst(&acknowledged),
            recovered: recovered.len() as u64,
            worst_time_to_detect_seconds: worst(&detected),
            worst_time_to_recover_seconds: worst(&recovered),
        },
        drills,
    }
}

/// The worst of them; none at all is a FAIL.
fn status(drills: &[Row]) -> Status {
    let worst = drills.iter().map(Row::severity).max();
    worst.unwrap_or(Status::Fail)
}

impl Row {
    /// What it means for the run: what passed and shows nothing is a WARN.
    pub(crate) fn severity(&self) -> Status {
        match self.status {
            State::Passed if self.findings.is_empty() => Status::Pass,
            State::Passed | State::Skipped => Status::Warn,
            State::Failed | State::NotRun => Status::Fail,
        }
    }

    fn error(&self) -> Option<String> {
        self.findings.first().filter(|_| self.status != State::Passed).cloned()
    }
}

impl State {
    /// For people.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::NotRun => "not run",
            Self::Skipped => "skipped",
        }
    }
}

/// Times are told to the millisecond.
fn rounded(seconds: f64) -> f64 {
    (seconds * 1e3).round() / 1e3
}

fn row(drill: &Drill, steps: &[Step], dry: bool, started: Stamp, incidents: &[(String, String)]) -> Row {
    let judged = derive(drill, steps, dry);
    let since = |mark: Option<Mark>| Some(rounded(mark?.seconds - judged.injected?.seconds));
    let polled = drill.detect.iter().chain(&drill.recover).any(|condition| !condition.kind.happens());
    let limits = [
        ("detect_within_seconds", Some(drill.detect_within_seconds).filter(|_| !drill.detect.is_empty())),
        ("acknowledge_within_seconds", drill.acknowledge_within_seconds),
        ("recover_within_seconds", Some(drill.recover_within_seconds).filter(|_| !drill.recover.is_empty())),
        ("hold_seconds", Some(drill.hold_seconds).filter(|_| !drill.recover.is_empty())),
    ];
    Row {
        name: drill.name.clone(),
        kind: drill.kind,
        hypothesis: drill.hypothesis.clone(),
        status: judged.state,
        stage: judged.stage,
        scheduled_at: started.plus(seconds(drill.at_seconds)),
        injected_at: judged.injected.map(|mark| mark.at),
        detected_at: judged.detected.map(|mark| mark.at),
        detected_by: judged.detected_by.clone(),
        acknowledged_at: judged.acknowledged.map(|mark| mark.at),
        restored_at: judged.restored.map(|mark| mark.at),
        recovered_at: judged.recovered.map(|mark| mark.at),
        time_to_detect_seconds: since(judged.detected),
        time_to_acknowledge_seconds: judged
            .acknowledged
            .zip(judged.notified)
            .map(|(to, from)| rounded(to.seconds - from.seconds)),
        time_to_recover_seconds: since(judged.recovered),
        resolution_seconds: if polled { drill.poll_seconds } else { EVENT },
        limits: limits.into_iter().filter_map(|(name, limit)| Some((name.to_owned(), limit?))).collect(),
        steps: steps.to_vec(),
        incidents: incidents.iter().filter(|(name, _)| *name == drill.name).map(|(_, id)| id.clone()).collect(),
        findings: judged.findings,
    }
}

/// How soon a line or an incident is noticed, in seconds: what is idle looks up so often.
const EVENT: f64 = 0.25;

/// When incidents belong to a drill; none if it injected nothing.
pub(crate) fn window(drill: &Drill, judged: &Judged) -> Option<Window> {
    let from = judged.injected?;
    let to = judged.recovered.or(judged.last)?;
    Some(Window {
        drill: drill.name.clone(),
        from: from.at,
        to: to.at.plus(2 * drill.poll()),
        seconds: (from.seconds, to.seconds + 2.0 * drill.poll_seconds),
        globs: drill.excuses.clone(),
    })
}

/// The timeline of a drill, as a document of an incident.
pub(crate) fn timeline(row: &Row, of: Of<'_>, now: Stamp) -> Value {
    let event = |word: &str, at: Option<Stamp>, evidence: Option<&str>| {
        let mut event = json!({"type": word, "timestamp": at?});
        if let (Some(evidence), Some(keys)) = (evidence, event.as_object_mut()) {
            keys.insert("evidence".to_owned(), evidence.into());
        }
        Some(event)
    };
    let events = [
        event("opened", row.injected_at, Some("injected")),
        event("acknowledged", row.acknowledged_at, None),
        event("resolved", row.recovered_at, row.detected_by.as_deref()),
    ];
    let note = row.findings.join("; ");
    json!({
        "incident_id": format!("{}/{}", of.run, row.name),
        "label": row.name,
        "drill": true,
        "generated_at": now,
        "detected_at": row.detected_at,
        "events": events.into_iter().flatten().collect::<Vec<_>>(),
        "note": note,
    })
}
