//! Sign-off: the criteria, and the gates that the evidence must pass.

use serde::{Deserialize, Serialize};

use crate::finding::{Metadata, Status};
use crate::time::Stamp;

/// What a run must show to be signed off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Criteria {
    /// Seconds that the evidence must cover; none where no minimum is asked for.
    pub minimum_duration_seconds: Option<f64>,
    /// The lowest acceptable uptime, 0 to 1.
    pub minimum_uptime_ratio: Option<f64>,
    /// Whether a decision diary must be there.
    pub require_diary: bool,
    /// Whether a performance report must be there.
    pub require_performance: bool,
    /// Whether a WARN is acceptable.
    pub allow_warnings: bool,
    /// The lowest acceptable Sharpe ratio.
    pub minimum_sharpe_ratio: Option<f64>,
}

/// The verdict of the gates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SignOff {
    /// When the gates were evaluated.
    pub evaluated_at: Stamp,
    /// The highest severity of the findings.
    pub status: Status,
    /// The criteria that were applied.
    pub criteria: Criteria,
    /// The gates that did not pass.
    #[serde(default)]
    pub findings: Vec<GateFinding>,
    /// Every gate, passed or not.
    #[serde(default)]
    pub gates: Vec<Gate>,
}

/// A gate that did not pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GateFinding {
    /// How bad it is.
    pub severity: Status,
    /// One sentence for people.
    pub message: String,
    /// Required and actual figures.
    #[serde(default)]
    pub metadata: Metadata,
}

/// One gate with what was asked for and what was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// The gate's name: `logs`, `duration`, `uptime`, `diary`, `performance`, `sharpe`, …
    pub name: String,
    /// What was asked for, in words.
    pub threshold: String,
    /// What was measured, in words.
    pub measured: String,
    /// How many records, entries or figures the measurement rests on.
    pub samples: u64,
    /// The gate's verdict.
    pub status: Status,
    /// The file (and line) that decided it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
}
