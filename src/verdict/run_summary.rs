//! The summary bundle of a run, `summary.json`: everything that backlog, wrap-up and reviewers need, in one document.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::audit::Audit;
use super::review::Review;
use crate::finding::{Criterion, Metadata, Status};
use crate::supervise::progress::Incident;
use crate::supervise::record::{EndReason, RunRecord};
use crate::time::Stamp;
use crate::verdict::run::{PROGRESS, TIMELINE};

/// The name of the document, in its `schema` key.
pub(crate) const SCHEMA: &str = "emp-ops/summary/v1";

/// The bundle. Keys are documented in `runbooks/formats.md`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Bundle {
    /// [`SCHEMA`].
    pub schema: String,
    /// The verdict on the run.
    pub status: Status,
    /// The same.
    #[serde(default)]
    pub verdict: Status,
    /// The status of the evidence by itself, before any criterion.
    #[serde(default)]
    pub evidence_status: Status,
    /// The verdict in one line, with what was waived and relaxed.
    #[serde(default)]
    pub headline: String,
    /// Whether the built-in simulator ran, and not a system of the operator.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub simulated: bool,
    /// When the bundle was made.
    pub generated_at: Stamp,
    /// The audit of the evidence.
    pub summary: Value,
    /// The verdict of the gates.
    pub sign_off: Option<Value>,
    /// Every limit with its value and its source.
    #[serde(default)]
    pub criteria: Vec<Criterion>,
    /// The command with its arguments.
    pub command: Vec<String>,
    /// The run directory, to which the other paths are relative: `.`.
    pub run_directory: String,
    /// Where its logs are.
    pub log_directory: String,
    /// The progress file.
    pub progress_path: Option<String>,
    /// The timeline of snapshots.
    pub progress_timeline_dir: Option<String>,
    /// What happened during the run; a PASS is what is not held against it because a drill caused it.
    pub incidents: Vec<Incident>,
    /// What the operator attached, and the figures of the run.
    pub metadata: Metadata,
    /// When supervision started.
    pub started_at: Stamp,
    /// When it ended.
    pub ended_at: Option<Stamp>,
    /// Supervised seconds.
    pub duration_seconds: Option<f64>,
    /// The review brief.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<Review>,
    /// Where the packet is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence_packet: Option<Value>,
    /// The summary of the workloads for other readers, as in `runtime_summary.json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime: Option<Value>,
    /// The minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrap_up: Option<Value>,
}

/// Bundles a run that was judged.
pub(crate) fn bundle(record: &RunRecord, audit: &Audit, timeline: bool) -> Bundle {
    let mut summary = json!(audit);
    let sign_off = summary.as_object_mut().and_then(|keys| keys.remove("sign_off"));
    Bundle {
        schema: SCHEMA.to_owned(),
        status: audit.verdict,
        verdict: audit.verdict,
        evidence_status: audit.summary.evidence_status,
        headline: audit.headline.clone(),
        simulated: audit.simulated,
        criteria: audit.criteria.clone(),
        generated_at: audit.summary.generated_at,
        summary,
        sign_off,
        command: record.command.clone(),
        run_directory: ".".to_owned(),
        log_directory: "logs".to_owned(),
        progress_path: Some(PROGRESS.to_owned()),
        progress_timeline_dir: timeline.then(|| TIMELINE.to_owned()),
        incidents: record.incidents.iter().map(|incident| as_judged(incident, audit)).collect(),
        metadata: metadata(record),
        started_at: record.started_at,
        ended_at: record.ended_at,
        duration_seconds: record.duration_seconds,
        review: None,
        evidence_packet: None,
        runtime: audit.runtime.clone(),
        wrap_up: None,
    }
}

/// An incident as the verdict has it.
fn as_judged(incident: &Incident, audit: &Audit) -> Incident {
    let excused = audit.summary.drills.as_ref().is_some_and(|drills| drills.excuses(&incident.id));
    let severity = if excused { Status::Pass } else { incident.severity };
    Incident { severity, ..incident.clone() }
}

/// What the operator attached, with the figures of the run over it: nobody's remark may replace evidence.
fn metadata(record: &RunRecord) -> Metadata {
    let exit_code = record.attempts.last().and_then(|attempt| attempt.exit_code);
    let figures = json!({
        "run_name": record.name,
        "run_label": record.label,
        "run_dir": ".",
        "command": record.command,
        "started_at": record.started_at,
        "ended_at": record.ended_at,
        "exit_code": exit_code,
        "target_duration_seconds": record.settings.target_duration_seconds,
        "required_duration_seconds": record.settings.required_duration_seconds,
        "actual_duration_seconds": record.duration_seconds,
        "timed_out": record.ended_because == Some(EndReason::DurationReached),
        "ended_because": record.ended_because,
        "restarts": record.restarts(),
        "harness_incidents": record.incidents,
        "log_line_counts": record.capture.line_counts,
        "log_level_counts": record.capture.level_counts,
        "log_total_lines": record.capture.total_lines,
        "structured_log_paths": record.evidence.logs,
        "raw_log_paths": record.evidence.raw_logs,
        "resource_monitor": record.resource_monitor,
    });
    let mut all = record.metadata.clone();
    all.extend(
        figures.as_object().into_iter().flatten().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k.clone(), v.clone())),
    );
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_operator_attached_replaces_no_figure_of_the_run() {
        let record: Value = serde_json::from_str(include_str!("../../fixtures/audit/run/run.json")).unwrap();
        let mut record: RunRecord = serde_json::from_value(record).unwrap();
        record.metadata.insert("ticket".to_owned(), json!("T-1"));
        for (key, claimed) in [
            ("run_name", json!("another")),
            ("actual_duration_seconds", json!(1e9)),
            ("harness_incidents", json!([])),
            ("log_total_lines", json!(0)),
        ] {
            let honest = metadata(&record)[key].clone();
            record.metadata.insert(key.to_owned(), claimed.clone());
            assert_eq!(metadata(&record)[key], honest, "{key}");
        }
        assert_eq!(metadata(&record)["ticket"], "T-1");
    }
}
