//! Sign-off: the criteria, and whether the evidence meets them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::gates::{self, Gate};
use crate::finding::{Metadata, Status};
use crate::log::summary::Summary;
use crate::time::{Stamp, human_seconds};

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
    pub(super) fn needs_performance(&self) -> bool {
        self.require_performance || self.minimum_sharpe_ratio.is_some()
    }
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
    /// What the sign-off holds against the run.
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

impl GateFinding {
    fn new(severity: Status, message: impl Into<String>, figures: &[(&str, f64)]) -> Self {
        let metadata = figures.iter().map(|(name, figure)| ((*name).to_owned(), Value::from(*figure))).collect();
        Self { severity, message: message.into(), metadata }
    }
}

/// Holds the evidence against the criteria. A gate with nothing to measure fails; equality satisfies.
pub fn evaluate(criteria: &Criteria, summary: &Summary, evaluated_at: Stamp) -> SignOff {
    let mut findings = Vec::new();
    let fail = |message: &str, figures: &[(&str, f64)]| GateFinding::new(Status::Fail, message, figures);
    let part = |what: &str, status: Status| match status {
        Status::Pass => None,
        Status::Warn => Some(GateFinding::new(criteria.accepts(status), format!("{what}: there are warnings"), &[])),
        Status::Fail => Some(GateFinding::new(Status::Fail, format!("{what}: there are failures"), &[])),
    };
    let logs = &summary.logs;

    findings.extend(part("the logs", logs.status));
    if let Some(required) = criteria.minimum_duration_seconds {
        match logs.duration_seconds {
            None => findings.push(fail("the duration is not known", &[("required_seconds", required)])),
            Some(actual) if actual < required => {
                let message = format!("the evidence covers {} of {}", human_seconds(actual), human_seconds(required));
                findings.push(fail(&message, &[("required_seconds", required), ("actual_seconds", actual)]));
            }
            Some(_) => {}
        }
    }
    if let Some(required) = criteria.minimum_uptime_ratio {
        match logs.uptime_ratio {
            None => findings.push(fail("the uptime is not known", &[("required_ratio", required)])),
            Some(actual) if actual < required => {
                let message = format!("the uptime is {} of {}", gates::percent(actual), gates::percent(required));
                findings.push(fail(&message, &[("required_ratio", required), ("actual_ratio", actual)]));
            }
            Some(_) => {}
        }
    }
    if criteria.require_diary {
        match &summary.diary {
            None => findings.push(fail("there is no decision diary", &[])),
            Some(diary) => findings.extend(part("the decision diary", diary.status)),
        }
    }
    if criteria.needs_performance() {
        match &summary.performance {
            None => findings.push(fail("there is no performance report", &[])),
            Some(performance) => findings.extend(part("the performance report", performance.status)),
        }
    }
    if let (Some(required), Some(performance)) = (criteria.minimum_sharpe_ratio, &summary.performance) {
        match performance.sharpe_ratio {
            None => findings.push(fail("the Sharpe ratio is not known", &[("required_sharpe_ratio", required)])),
            Some(actual) if actual < required => {
                let message = format!("the Sharpe ratio is {actual} of {required}");
                let figures = [("required_sharpe_ratio", required), ("actual_sharpe_ratio", actual)];
                findings.push(fail(&message, &figures));
            }
            Some(_) => {}
        }
    }
    findings.extend(part("the run", Status::roll_up(summary.findings.iter().map(|finding| finding.severity))));
    findings.extend(summary.checksums.as_ref().and_then(|checksums| part("the checksums", checksums.status)));
    findings.extend(summary.plan.as_ref().and_then(|plan| part("the infrastructure plan", plan.status)));

    SignOff {
        evaluated_at,
        status: Status::roll_up(findings.iter().map(|finding| finding.severity)),
        criteria: criteria.clone(),
        findings,
        gates: gates::all(summary, Some(criteria)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Finding;
    use crate::log::summary::{DiarySummary, LogSummary, PerformanceSummary};

    fn strict() -> Criteria {
        Criteria {
            minimum_duration_seconds: Some(3600.0),
            minimum_uptime_ratio: Some(0.98),
            require_diary: true,
            require_performance: true,
            allow_warnings: false,
            minimum_sharpe_ratio: Some(1.0),
        }
    }

    fn good() -> Summary {
        Summary {
            schema: String::new(),
            generated_at: Stamp::from_seconds(0).expect("in range"),
            status: Status::Pass,
            metadata: Metadata::new(),
            logs: LogSummary {
                records: 10,
                duration_seconds: Some(3600.0),
                uptime_ratio: Some(0.98),
                ..LogSummary::default()
            },
            diary: Some(DiarySummary { total_entries: 3, ..DiarySummary::default() }),
            performance: Some(PerformanceSummary { sharpe_ratio: Some(1.0), ..PerformanceSummary::default() }),
            checksums: None,
            plan: None,
            findings: Vec::new(),
        }
    }

    #[test]
    fn equality_satisfies_every_gate() {
        let sign_off = evaluate(&strict(), &good(), good().generated_at);
        assert_eq!((sign_off.status, sign_off.findings.len()), (Status::Pass, 0));
        assert!(sign_off.gates.iter().all(|gate| gate.status == Status::Pass), "{:?}", sign_off.gates);
    }

    #[test]
    fn each_shortfall_fails_its_own_gate() {
        type Change = fn(&mut Summary, &mut Criteria);
        let cases: &[(&str, Status, Change)] = &[
            ("logs", Status::Fail, |s, _| s.logs.status = Status::Fail),
            ("logs", Status::Fail, |s, _| s.logs.status = Status::Warn),
            ("logs", Status::Warn, |s, c| (s.logs.status, c.allow_warnings) = (Status::Warn, true)),
            ("duration", Status::Fail, |s, _| s.logs.duration_seconds = Some(3599.9)),
            ("duration", Status::Fail, |s, _| s.logs.duration_seconds = None),
            ("uptime", Status::Fail, |s, _| s.logs.uptime_ratio = Some(0.979_999)),
            ("uptime", Status::Fail, |s, _| s.logs.uptime_ratio = None),
            ("diary", Status::Fail, |s, _| s.diary = None),
            ("performance", Status::Fail, |s, c| (s.performance, c.minimum_sharpe_ratio) = (None, None)),
            ("sharpe", Status::Fail, |s, _| s.performance = Some(PerformanceSummary::default())),
            ("sharpe", Status::Fail, |_, c| c.minimum_sharpe_ratio = Some(1.1)),
            ("run", Status::Fail, |s, _| s.findings.push(Finding::fail("killed"))),
            ("run", Status::Fail, |s, _| s.findings.push(Finding::warn("restarted"))),
        ];
        for (name, status, change) in cases {
            let (mut summary, mut criteria) = (good(), strict());
            change(&mut summary, &mut criteria);
            let sign_off = evaluate(&criteria, &summary, summary.generated_at);
            assert_eq!((sign_off.status, sign_off.findings.len()), (*status, 1), "{name}: {:?}", sign_off.findings);
            let failed: Vec<&str> =
                sign_off.gates.iter().filter(|g| g.status != Status::Pass).map(|g| g.name.as_str()).collect();
            assert_eq!(failed, [*name]);
        }
    }

    #[test]
    fn a_sharpe_minimum_needs_a_report() {
        let summary = Summary { performance: None, ..good() };
        let criteria = Criteria { require_performance: false, ..strict() };
        let sign_off = evaluate(&criteria, &summary, summary.generated_at);
        assert_eq!(sign_off.findings.len(), 1);
        assert_eq!(gates::to_fix(&sign_off.gates).first().map(|gate| gate.name.as_str()), Some("performance"));
        assert_eq!(gates::to_fix(&sign_off.gates).len(), 1, "the Sharpe ratio comes with the report");
    }
}
