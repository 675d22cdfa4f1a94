//! What is said of the workloads of a rehearsal.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::DownTime;
use crate::finding::{Finding, Status};
use crate::time::Stamp;

/// The workloads of a rehearsal.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct WorkloadsSummary {
    /// The worst of the rows.
    pub status: Status,
    /// The share of the supervised time in which all required services were up at once; none without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uptime_ratio: Option<f64>,
    /// How many services are required.
    pub required_services: u64,
    /// So many seconds of the start cost no uptime.
    pub free_start_seconds: f64,
    /// When all required services were up at once, and when not, for pictures.
    #[serde(skip)]
    pub together: Vec<Stretch>,
    /// A row for each, in the order of the plan.
    pub rows: Vec<WorkloadSummary>,
}

/// A stretch of time in one state.
#[derive(Clone, Debug, PartialEq)]
pub struct Stretch {
    /// When it began.
    pub from: Stamp,
    /// When it ended.
    pub to: Stamp,
    /// The state, in lower case.
    pub state: String,
}

/// A workload.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct WorkloadSummary {
    /// Its name.
    pub name: String,
    /// Its kind, a label.
    pub kind: String,
    /// Whether the rehearsal fails with it.
    pub required: bool,
    /// Whether it must end.
    pub job: bool,
    /// Whether the operator left it out.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub left_out: bool,
    /// The judgement on it.
    pub status: Status,
    /// Its last state.
    pub state: String,
    /// Why it was in that state.
    pub because: String,
    /// How many times it was tried to start it again.
    pub restarts: u64,
    /// How it ended the last time, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit: Option<String>,
    /// The share of the time since its conditions were met first in which it was up; none for a job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uptime_ratio: Option<f64>,
    /// The lowest acceptable one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_uptime: Option<f64>,
    /// Answers to its probe.
    pub probes: u64,
    /// Lines of its output.
    pub lines: u64,
    /// The status of its log.
    pub log_status: Status,
    /// What its log holds against it, in words; empty where that is nothing.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub log_faults: String,
    /// The longest time without a line while it was up, in seconds, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longest_silence_seconds: Option<f64>,
    /// Its evidence files beside those that the run names, by path, with the judgement on each.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub evidence: BTreeMap<String, Status>,
    /// When it was not up.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub down_times: Vec<DownTime>,
    /// Its states over time, for pictures.
    #[serde(skip)]
    pub course: Vec<Stretch>,
    /// What is to be said of it, the worst first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
}

impl WorkloadsSummary {
    /// Adds the judgement on an evidence file of a workload and the worst that is said of it; where it may fail, that is at
    /// worst a WARN.
    pub fn add_evidence(&mut self, workload: &str, kind: &str, path: &str, (status, said): (Status, Option<String>)) {
        let Some(row) = self.rows.iter_mut().find(|row| row.name == workload) else { return };
        let status = if row.required { status } else { status.min(Status::Warn) };
        row.evidence.insert(path.to_owned(), status);
        if status == Status::Pass {
            return;
        }
        let text = format!("{workload}: {kind}: {}", said.unwrap_or_else(|| status.label().to_owned()));
        row.status = row.status.max(status);
        row.findings.push(Finding::new(status, text).with("workload", workload).in_file(path, None));
        row.findings.sort_by_key(|finding| Reverse(finding.severity));
        self.status = self.status.max(status);
    }
}
