//! The criteria of a sign-off.

use serde::{Deserialize, Serialize};

use crate::finding::Status;

/// What a run must show to be signed off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Criteria {
    /// Seconds that the evidence must cover; none if no minimum is asked for.
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

/// A share as a policy may state it: a number, or a text in percent.
pub(super) fn number_or_percent(value: &toml::Value) -> Option<f64> {
    match value {
        toml::Value::Float(number) => Some(*number),
        toml::Value::Integer(number) => Some(*number as f64),
        toml::Value::String(text) => Some(text.trim().strip_suffix('%')?.trim().parse::<f64>().ok()? / 100.0),
        _ => None,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn criteria(allow_warnings: bool, require_performance: bool, sharpe: Option<f64>) -> Criteria {
        Criteria {
            minimum_duration_seconds: None,
            minimum_uptime_ratio: None,
            require_diary: true,
            require_performance,
            allow_warnings,
            minimum_sharpe_ratio: sharpe,
        }
    }

    #[test]
    fn a_warning_is_acceptable_only_where_the_criteria_say_so_and_a_fail_never() {
        for (allowed, status, expect) in [
            (true, Status::Pass, Status::Pass),
            (true, Status::Warn, Status::Warn),
            (true, Status::Fail, Status::Fail),
            (false, Status::Pass, Status::Pass),
            (false, Status::Warn, Status::Fail),
            (false, Status::Fail, Status::Fail),
        ] {
            assert_eq!(criteria(allowed, true, None).accepts(status), expect, "{allowed} {status}");
        }
    }

    #[test]
    fn a_minimum_of_the_sharpe_ratio_needs_a_report_too() {
        for (required, sharpe, expect) in
            [(true, None, true), (false, Some(0.0), true), (true, Some(1.0), true), (false, None, false)]
        {
            assert_eq!(criteria(false, required, sharpe).needs_performance(), expect, "{required} {sharpe:?}");
        }
    }
}
