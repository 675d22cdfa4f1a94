//! The criteria of a sign-off.

use serde::{Deserialize, Serialize};

use crate::finding::Status;

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

impl Criteria {
    /// What a part of the evidence in state `status` is for the sign-off.
    pub(super) fn accepts(&self, status: Status) -> Status {
        match status {
            Status::Warn if !self.allow_warnings => Status::Fail,
            status => status,
        }
    }

    /// Whether a performance report must be there, by itself or for its Sharpe ratio.
    pub fn needs_performance(&self) -> bool {
        self.require_performance || self.minimum_sharpe_ratio.is_some()
    }
}
