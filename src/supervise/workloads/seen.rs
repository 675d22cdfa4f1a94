//! A workload at one instant, as snapshots show it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::probe::ProbeSeen;
use super::state::State;
use crate::finding::Status;
use crate::json::lenient::natural;
use crate::time::Stamp;

/// A workload at one instant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct WorkloadSeen {
    /// Its state.
    pub state: State,
    /// Since when it is in that state.
    pub since: Stamp,
    /// Why.
    pub because: String,
    /// Whether the rehearsal fails with it.
    pub required: bool,
    /// Whether it must end.
    pub job: bool,
    /// The number of its last start; 0 before the first.
    pub attempt: u64,
    /// How many times it was tried to start it again.
    pub restarts: u64,
    /// Its process; none where none runs.
    pub pid: Option<u32>,
    /// Whether its probe passes; none without a probe.
    pub ready: Option<bool>,
    /// The last answer to its probe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<ProbeSeen>,
    /// CPU since the sample before, in percent of one core; none where it was not sampled.
    pub cpu_percent: Option<f64>,
    /// Resident memory in bytes.
    pub rss_bytes: Option<u64>,
    /// Processes in its tree.
    pub processes: Option<u64>,
    /// Lines captured so far.
    pub lines: u64,
    /// The same for each second of the run.
    pub lines_per_second: f64,
    /// How long ago the last line came, in seconds.
    pub last_line_age_seconds: Option<f64>,
    /// The share of the time since its conditions were met first in which it was up; none for a job.
    pub uptime_ratio: Option<f64>,
    /// What it waits for.
    pub waiting_for: Vec<String>,
    /// When it is started again, at the earliest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_start_at: Option<Stamp>,
    /// Incidents of it by severity.
    pub incident_counts: BTreeMap<Status, u64>,
}

/// A workload as a reader meets it in a snapshot.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Worker {
    /// Its name.
    pub name: String,
    /// Its state, in lower case.
    pub state: String,
    /// Why.
    pub because: String,
    /// Whether the rehearsal fails with it.
    pub required: bool,
    /// How many times it was started again.
    pub restarts: u64,
}

/// The workloads of a snapshot; the only one of a run of one command is not told apart from that.
pub(crate) fn workers(all: &Map<String, Value>) -> Vec<Worker> {
    let said = |object: &Map<String, Value>, key: &str| {
        object.get(key).and_then(Value::as_str).unwrap_or_default().trim().to_owned()
    };
    let one = |(name, value): (&String, &Value)| {
        let object = value.as_object()?;
        Some(Worker {
            name: name.clone(),
            state: said(object, "state").to_lowercase(),
            because: said(object, "because"),
            required: object.get("required").and_then(Value::as_bool).unwrap_or(true),
            restarts: natural(object.get("restarts")).unwrap_or_default(),
        })
    };
    let workers: Vec<Worker> = all.iter().filter_map(one).collect();
    if workers.len() == 1 && workers[0].name == "main" { Vec::new() } else { workers }
}
