//! What the run record says of each workload.

use serde::{Deserialize, Serialize};

use super::plan::Condition;
use super::probe::ProbeSeen;
use super::state::State;
use crate::supervise::record::{Attempt, Capture, ResourceMonitor};
use crate::time::Stamp;

/// Which workload ended a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedBy {
    /// Its name.
    pub workload: String,
    /// The one whose end began that, where it was another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
}

/// A workload of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkloadRecord {
    /// Its name.
    pub name: String,
    /// Its kind, a label.
    pub kind: String,
    /// Whether the rehearsal fails with it.
    pub required: bool,
    /// Whether it must end.
    pub job: bool,
    /// The command with its arguments.
    pub command: Vec<String>,
    /// The names of the variables that were set for it; never their values.
    #[serde(default)]
    pub environment: Vec<String>,
    /// Whether it wrote to a pseudo-terminal: both its streams are `stdout` in its log.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tty: bool,
    /// What must hold before each of its starts, by the name of the other workload.
    #[serde(default)]
    pub depends_on: std::collections::BTreeMap<String, Condition>,
    /// Its state; at the end of a run its last one.
    pub state: State,
    /// Why it is in that state.
    #[serde(default)]
    pub because: String,
    /// Each of its starts.
    #[serde(default)]
    pub attempts: Vec<Attempt>,
    /// How many times it was tried to start it again.
    #[serde(default)]
    pub restarts: u64,
    /// Seconds from the time when its conditions were met first until it was up first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub startup_seconds: Option<f64>,
    /// The share of the time since its conditions were met first in which it was up, as the live run saw it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uptime_ratio: Option<f64>,
    /// When a service that was up was not; the first of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub down: Vec<Down>,
    /// What was captured of it.
    #[serde(default)]
    pub capture: Capture,
    /// What was sampled of its process tree.
    #[serde(default)]
    pub resource_monitor: ResourceMonitor,
    /// Its probe; none if it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<ProbeRecord>,
    /// Its evidence files, by name.
    #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub evidence: std::collections::BTreeMap<String, String>,
    /// Its logs, structured and raw, in the order of writing.
    #[serde(default)]
    pub logs: Vec<String>,
    /// Its last way down.
    #[serde(default)]
    pub stop: Stop,
}

/// What the probe of a workload saw.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProbeRecord {
    /// How often it was answered, or by the log.
    pub answers: u64,
    /// How many times the workload was unready.
    pub episodes: u64,
    /// The last success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_success: Option<ProbeSeen>,
    /// The last failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<ProbeSeen>,
}

/// A stretch of time in which a service was not up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Down {
    /// From when.
    pub from: Stamp,
    /// Until when; none if that lasted until the end.
    pub to: Option<Stamp>,
    /// Why.
    pub because: String,
}

/// The way down of a workload.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Stop {
    /// The signals that it was sent, in order.
    pub signals: Vec<Signalled>,
    /// From the first of them to its end, in seconds.
    pub seconds: f64,
    /// Whether it ended before it was killed.
    pub in_time: bool,
}

/// A signal that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signalled {
    /// Its name.
    pub signal: String,
    /// When.
    pub at: Stamp,
}
