//! The drills of a run, as its documents have them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::finding::{Finding, Status};
use crate::time::Stamp;

/// The drills of a run. Keys are documented in `runbooks/formats.md`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DrillsSummary {
    /// The worst of them; none at all is a FAIL.
    pub status: Status,
    /// How many were planned.
    pub total: u64,
    /// The mean time from the injection to the detection, in seconds; none if none was detected.
    pub mttd_seconds: Option<f64>,
    /// The mean time from the first notification to the acknowledgement, in seconds; none if none was acknowledged.
    #[serde(default)]
    pub mtta_seconds: Option<f64>,
    /// The mean time from the injection to the recovery, in seconds; none if none recovered.
    pub mttr_seconds: Option<f64>,
    /// On how many drills the first rests.
    pub detected: u64,
    /// On how many drills the second rests.
    #[serde(default)]
    pub acknowledged: u64,
    /// On how many drills the third rests.
    pub recovered: u64,
    /// Each of them.
    pub drills: Vec<DrillRow>,
    /// What is wrong with them.
    pub findings: Vec<Finding>,
}

impl DrillsSummary {
    /// Whether an incident of this id is not held against the run.
    pub fn excuses(&self, incident: &str) -> bool {
        self.drills.iter().flat_map(|row| &row.excused).any(|id| id == incident)
    }
}

/// A drill.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DrillRow {
    /// Its name.
    pub name: String,
    /// `passed`, `failed`, `not run` or `skipped`.
    pub status: String,
    /// Where it failed first.
    pub stage: Option<String>,
    /// What was expected of the system.
    #[serde(default)]
    pub hypothesis: Option<String>,
    /// When it was to begin.
    #[serde(default)]
    pub scheduled_at: Option<Stamp>,
    /// When its fault was injected.
    pub injected_at: Option<Stamp>,
    /// When that was seen.
    #[serde(default)]
    pub detected_at: Option<Stamp>,
    /// When somebody answered for it.
    #[serde(default)]
    pub acknowledged_at: Option<Stamp>,
    /// When it worked again.
    #[serde(default)]
    pub recovered_at: Option<Stamp>,
    /// What showed it.
    pub detected_by: Option<String>,
    /// From the injection, in seconds.
    pub time_to_detect_seconds: Option<f64>,
    /// From the first notification, in seconds.
    #[serde(default)]
    pub time_to_acknowledge_seconds: Option<f64>,
    /// From the injection, in seconds.
    pub time_to_recover_seconds: Option<f64>,
    /// Its limits, in seconds.
    pub limits: BTreeMap<String, f64>,
    /// How many incidents it caused.
    pub incidents: u64,
    /// The ids of those that are not held against the run.
    #[serde(default)]
    pub excused: Vec<String>,
    /// What went wrong.
    pub findings: Vec<String>,
}
