//! The guards of a run, as its documents have them.

use serde::{Deserialize, Serialize};

use crate::finding::{Finding, Status};

/// The guards of a run. Keys are documented in `runbooks/formats.md`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GuardsSummary {
    /// The worst of them; none at all is a FAIL.
    pub status: Status,
    /// How many were planned.
    pub total: u64,
    /// Each of them.
    pub guards: Vec<GuardRow>,
    /// What is wrong with them; with the name of the guard in `metadata.guard` where it is about one.
    pub findings: Vec<Finding>,
}

/// A guard.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GuardRow {
    /// Its name.
    pub name: String,
    /// Its verdict.
    pub status: Status,
    /// Where its figure comes from.
    pub source: String,
    /// The workload that it is about, where it is one of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload: Option<String>,
    /// What is made of its figures, such as `p99 over 10m`.
    #[serde(default)]
    pub stat: String,
    /// What was measured, in words.
    pub measured: String,
    /// Its limits, in words.
    pub limits: String,
    /// The figure that was measured last, in its own unit.
    pub figure: Option<f64>,
    /// The worst.
    pub worst: Option<f64>,
    /// The last in words, with its unit.
    #[serde(default)]
    pub figure_text: Option<String>,
    /// The worst in words.
    #[serde(default)]
    pub worst_text: Option<String>,
    /// On how many samples it rests.
    pub samples: u64,
    /// How often it was beyond its limits for as long as that must last.
    pub episodes: u64,
    /// How many of these a drill caused, which are not held against it.
    #[serde(default)]
    pub excused_episodes: u64,
    /// How long all of them lasted, in seconds.
    #[serde(default)]
    pub breached_seconds: f64,
    /// What is to be known beside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
}

impl GuardRow {
    /// The name of its gate.
    pub fn gate(&self) -> String {
        format!("guards/{}", self.name)
    }

    /// Whether a finding is about it.
    pub fn has(&self, finding: &Finding) -> bool {
        finding.metadata.get("guard").and_then(serde_json::Value::as_str) == Some(&self.name)
    }
}
