//! The progress snapshot: what `final-dry-run` refreshes and `watch` shows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use super::workloads::seen::WorkloadSeen;
use crate::finding::{Criterion, Metadata, Status};
use crate::time::Stamp;

/// The name of the document, in its `schema` key.
pub(crate) const SCHEMA: &str = "emp-ops/progress/v1";

/// The state of a run at one instant. Keys are documented in `runbooks/formats.md`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    /// [`SCHEMA`].
    pub schema: String,
    /// Counts the snapshots of a run from 0.
    pub sequence: u64,
    /// The SHA-256 of the snapshot before this one in the timeline, in hex; none for the first.
    pub previous_sha256: Option<String>,
    /// `starting`, `running`, or the highest severity so far: `pass`, `warn`, `fail`.
    pub status: String,
    /// The verdict on the run; in the final snapshot only, where `status` is the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Status>,
    /// The verdict in one line, with what was waived and relaxed; in the first and the final snapshot only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headline: Option<String>,
    /// The status of the evidence by itself, before any criterion; in the first and the final snapshot only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence_status: Option<Status>,
    /// Whether the built-in simulator runs, and not a system of the operator.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub simulated: bool,
    /// Every limit with its value and its source; in the first and the final snapshot only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub criteria: Vec<Criterion>,
    /// What the supervisor is doing.
    pub phase: Phase,
    /// When this snapshot was taken.
    pub now: Stamp,
    /// When the run started.
    pub started_at: Stamp,
    /// Supervised time so far, by the monotonic clock.
    pub elapsed_seconds: f64,
    /// After this the command is stopped.
    pub target_duration_seconds: f64,
    /// Shorter runs fail.
    pub required_duration_seconds: f64,
    /// Seconds between periodic snapshots; 0 where there are none.
    pub progress_interval_seconds: f64,
    /// Lines captured so far.
    pub total_lines: u64,
    /// Lines by stream: `stdout`, `stderr`.
    pub line_counts: BTreeMap<String, u64>,
    /// Lines by level.
    pub level_counts: BTreeMap<String, u64>,
    /// When the first line came.
    pub first_line_at: Option<Stamp>,
    /// When the last line came.
    pub last_line_at: Option<Stamp>,
    /// Share of the time so far that is outside gaps, 0 to 1.
    pub uptime_ratio: Option<f64>,
    /// The supervised command with its arguments.
    pub command: Vec<String>,
    /// The lowest acceptable uptime, 0 to 1.
    pub minimum_uptime_ratio: f64,
    /// Whether a diary must be there at the end.
    pub require_diary_evidence: bool,
    /// Whether a performance report must be there at the end.
    pub require_performance_evidence: bool,
    /// The process id of the supervisor, so that a reader can tell whether it is alive.
    pub supervisor_pid: u32,
    /// The name of its machine: on another one the process id means nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supervisor_host: Option<String>,
    /// The process id of the command; none between attempts and after the end.
    pub child_pid: Option<u32>,
    /// How many times the command was restarted.
    pub restarts: u64,
    /// What is supervised, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub workloads: BTreeMap<String, WorkloadSeen>,
    /// The SHA-256 of `workloads.json`, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workloads_sha256: Option<String>,
    /// Incidents so far, by severity.
    pub incident_counts: BTreeMap<Status, u64>,
    /// The incidents so far, newest last; equal ones are one, with a count. Capped; the counts stay exact.
    pub incidents: Vec<Incident>,
    /// Freshness of the evidence files, by name (`diary`, `performance`).
    pub evidence: BTreeMap<String, Freshness>,
    /// CPU and memory of the whole process tree; none if it is not sampled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// The exit code of the command; in the first and the final snapshot only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// The summary of the evidence; in the first and the final snapshot only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Value>,
    /// The sign-off; in the first and the final snapshot only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_off: Option<Value>,
    /// The run record but for `state` and `progress`; in the first and the final snapshot only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<Value>,
    /// What the operator attached to the run.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub config_metadata: Metadata,
}

/// What the supervisor is doing. Only [`Phase::Complete`] is final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Phase {
    /// The command is being started.
    Startup,
    /// The command is running.
    Running,
    /// The command was asked to stop.
    Stopping,
    /// The command has ended; the evidence is being judged and packed.
    Sealing,
    /// Everything is written.
    Complete,
}

/// Something that happened during the run and needs a look.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// Its id within the run, by which it is acknowledged: twelve hexadecimal digits.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// How bad it is.
    pub severity: Status,
    /// When it happened first.
    pub occurred_at: Stamp,
    /// One sentence for people.
    pub message: String,
    /// The kind: `log_level`, `stack_trace`, `silence`, `evidence`, `resource`, `exit`, `restart`, `hang`, `disk`,
    /// `clock`, `capture`, `leak`, `signal`, and of workloads `readiness`, `dependency`, `stop`, `workload`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// The workload to which it happened; none if it concerns the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload: Option<String>,
    /// The number of its start at that time; 0 before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u64>,
    /// The drill that caused it, by its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drill: Option<String>,
    /// How often it happened.
    #[serde(default = "once")]
    pub count: u64,
    /// When it happened last, where it happened more than once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_at: Option<Stamp>,
    /// The time of the first snapshot that held it; none before that, and where it came too late for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown_at: Option<Stamp>,
    /// Details for machines.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
}

impl Incident {
    /// Whether a line of the log told of it, which can be read again there.
    pub fn of_log(&self) -> bool {
        matches!(self.kind.as_str(), "log_level" | "stack_trace")
    }
}

fn once() -> u64 {
    1
}

/// How fresh an evidence file is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Freshness {
    /// The file.
    pub path: String,
    /// `fresh`, `missing` or `stale`.
    pub state: String,
    /// Seconds since it was last written, or since the start where it never was there.
    pub age_seconds: f64,
    /// From this age it is a WARN; none if that is not watched.
    pub warn_seconds: Option<f64>,
    /// From this age it is a FAIL; none if that is not watched.
    pub fail_seconds: Option<f64>,
}

/// CPU and memory of the process tree, with the limits that apply.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Resources {
    /// Processes in the tree.
    pub processes: u64,
    /// CPU since the last sample, in percent of one core.
    pub cpu_percent: f64,
    /// Resident memory in bytes.
    pub rss_bytes: u64,
    /// Resident memory in percent of the machine's.
    pub memory_percent: f64,
    /// The highest CPU so far.
    pub peak_cpu_percent: f64,
    /// The highest resident memory so far.
    pub peak_rss_bytes: u64,
    /// The limit of CPU, in percent of one core.
    pub max_cpu_percent: Option<f64>,
    /// The limit of resident memory, in bytes.
    pub max_rss_bytes: Option<u64>,
    /// The limit of resident memory, in percent of the machine's.
    pub max_memory_percent: Option<f64>,
}
