//! `guards.json`: what became of the guards of a run, with what was noted of them, from which that can be read again; in
//! the keys of a guardian, so that whoever reads those reads it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::derive::{Episode, Judged, Noted};
use super::growth::Slope;
use super::plan::{Guard, GuardsPlan, Stat};
use super::source::Source;
use crate::finding::Status;
use crate::time::Stamp;

/// The name of the document, in its `schema` key.
pub(crate) const SCHEMA: &str = "emp-ops/guards/v1";
/// The name of the file in the run directory.
pub(crate) const FILE_NAME: &str = "guards.json";

/// The document. Keys are documented in `runbooks/formats.md`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Document {
    pub schema: String,
    pub run_id: String,
    /// The worst of the guards.
    pub verdict: Status,
    /// The guardian's word: `running`, `completed`, `degraded` or `failed`.
    pub status: String,
    pub generated_at: Stamp,
    pub started_at: Stamp,
    #[serde(default)]
    pub finished_at: Option<Stamp>,
    pub runtime_seconds: f64,
    /// Breaches of a WARN, in words.
    pub alerts: Vec<String>,
    pub stop_reasons: Vec<String>,
    /// Breaches of a FAIL of what is counted.
    pub invariant_breaches: Vec<Value>,
    /// All breaches.
    pub error_events: Vec<Value>,
    pub metrics: BTreeMap<String, Value>,
    pub samples: Vec<Sample>,
    pub guards: Vec<Row>,
}

/// All figures at one time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sample {
    pub timestamp: Stamp,
    pub runtime_seconds: f64,
    /// Resident memory, where a guard looks at that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_mb: Option<f64>,
    /// By the names of the guards: those in a unit of time.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub latency_metrics: BTreeMap<String, f64>,
    /// The same of all.
    pub figures: BTreeMap<String, f64>,
}

/// A guard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row {
    pub name: String,
    pub status: Status,
    pub source: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload: Option<String>,
    pub stat: Stat,
    #[serde(default)]
    pub window_seconds: Option<f64>,
    #[serde(default)]
    pub unit: String,
    /// The limits in that unit, in words.
    pub limits: String,
    /// The figure that was measured last, and the worst.
    #[serde(default)]
    pub figure: Option<f64>,
    #[serde(default)]
    pub worst: Option<f64>,
    /// Per hour, with an interval of 95 %.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slope_per_hour: Option<[f64; 3]>,
    pub episodes: Vec<Episode>,
    /// From and to, in seconds since the start.
    pub blind: Vec<(f64, f64)>,
    pub findings: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
    /// What was noted.
    #[serde(flatten)]
    pub noted: Noted,
}

/// What a run is called and when it began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Of<'a> {
    pub run: &'a str,
    pub started: Stamp,
}

/// When a document was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct When {
    pub generated_at: Stamp,
    /// When the run ended; none while it goes on.
    pub finished_at: Option<Stamp>,
    /// How long it had lasted.
    pub seconds: f64,
}

/// The figures of all guards at one time.
pub(super) fn sample(plan: &GuardsPlan, (at, seconds): (Stamp, f64), figures: BTreeMap<String, f64>) -> Sample {
    let of = |guard: &&Guard| figures.get(&guard.name).copied();
    let rss = plan.list.iter().find(|guard| {
        guard.source == "process:rss" && matches!(guard.stat, Stat::Last | Stat::Mean | Stat::Max | Stat::P50)
    });
    let timed = plan.list.iter().filter(|guard| guard.stat.has_unit() && matches!(guard.unit.as_str(), "s" | "ms"));
    Sample {
        timestamp: at,
        runtime_seconds: seconds,
        memory_mb: rss.as_ref().and_then(of).map(|bytes| bytes / f64::from(1 << 20)),
        latency_metrics: timed.filter_map(|guard| Some((guard.name.clone(), of(&guard)?))).collect(),
        figures,
    }
}

/// The document of guards that were judged.
pub(crate) fn document(
    plan: &GuardsPlan,
    judged: &[(Noted, Judged)],
    samples: &[Sample],
    of: Of<'_>,
    when: When,
    stopped_by: &[String],
) -> Document {
    let rows: Vec<Row> =
        plan.list.iter().zip(judged).map(|(guard, (noted, judged))| row(guard, noted, judged)).collect();
    let verdict = rows.iter().map(|row| row.status).max().unwrap_or(Status::Fail);
    let status = match verdict {
        _ if when.finished_at.is_none() => "running",
        Status::Pass => "completed",
        Status::Warn => "degraded",
        Status::Fail => "failed",
    };
    let (mut alerts, mut breaches, mut events) = (Vec::new(), Vec::new(), Vec::new());
    for (guard, row) in plan.list.iter().zip(&rows) {
        for episode in row.episodes.iter().filter(|episode| episode.drill.is_none()) {
            let message = format!("{} was {}", guard.what(), guard.text(episode.worst));
            let severity = if episode.severity == Status::Fail { "critical" } else { "warning" };
            let event =
                json!({"stage": guard.name, "message": message, "severity": severity, "timestamp": episode.from});
            if episode.severity == Status::Warn {
                alerts.push(format!("{}: {message}", guard.name));
            } else if matches!(Source::parse(&guard.source), Ok(Source::Count { .. })) {
                breaches.push(event.clone());
            }
            events.push(event);
        }
    }
    let met = |row: &Row| row.status < Status::Fail;
    let mut metrics: BTreeMap<String, Value> =
        rows.iter().filter_map(|row| Some((row.name.clone(), json!(row.figure?)))).collect();
    let compliance: BTreeMap<&str, bool> = rows.iter().map(|row| (row.name.as_str(), met(row))).collect();
    let thresholds: BTreeMap<&str, &str> = rows.iter().map(|row| (row.name.as_str(), row.limits.as_str())).collect();
    metrics.insert("objective_compliance".to_owned(), json!(compliance));
    metrics.insert("objective_thresholds".to_owned(), json!(thresholds));
    metrics.insert("objectives_met".to_owned(), json!(!rows.is_empty() && rows.iter().all(met)));
    Document {
        schema: SCHEMA.to_owned(),
        run_id: of.run.to_owned(),
        verdict,
        status: status.to_owned(),
        generated_at: when.generated_at,
        started_at: of.started,
        finished_at: when.finished_at,
        runtime_seconds: when.seconds,
        alerts,
        stop_reasons: stopped_by.iter().map(|name| format!("guard:{name}")).collect(),
        invariant_breaches: breaches,
        error_events: events,
        metrics,
        samples: samples.to_vec(),
        guards: rows,
    }
}

fn row(guard: &Guard, noted: &Noted, judged: &Judged) -> Row {
    let slope = |slope: Slope| [slope.low, slope.median, slope.high];
    Row {
        name: guard.name.clone(),
        status: judged.status(),
        source: guard.source.clone(),
        workload: guard.workload.clone(),
        stat: guard.stat,
        window_seconds: guard.window_seconds,
        unit: guard.unit.clone(),
        limits: guard.asked(),
        figure: judged.figure,
        worst: judged.worst,
        slope_per_hour: judged.slope.map(slope),
        episodes: judged.episodes.clone(),
        blind: judged.blind.clone(),
        findings: judged.findings.iter().map(|(_, text)| text.clone()).collect(),
        remark: judged.remark.clone(),
        noted: noted.clone(),
    }
}

/// What was measured, for people.
pub(crate) fn told(guard: &Guard, judged: &Judged) -> String {
    let Some(figure) = judged.figure else { return "never measured".to_owned() };
    let worst = judged.worst.filter(|worst| *worst != figure).map(|worst| format!(", worst {}", guard.text(worst)));
    format!("{} {}{}", guard.what(), guard.text(figure), worst.unwrap_or_default())
}
