//! Sign-off: the fold of the gates.

use serde::Serialize;

use super::criteria::Criteria;
use super::headline::{WORKLOAD, WORKLOADS};
use crate::finding::{Criterion, Gate, Metadata, Status};
use crate::time::Stamp;

/// The verdict of the gates.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SignOff {
    /// When the gates were evaluated.
    pub evaluated_at: Stamp,
    /// The highest status of the gates.
    pub status: Status,
    /// The same: the verdict.
    pub verdict: Status,
    /// The status of the evidence by itself, before any criterion.
    pub evidence_status: Status,
    /// The verdict in one line, with what was waived and relaxed.
    pub headline: String,
    /// Whether the built-in simulator ran, and not a system of the operator.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub simulated: bool,
    /// The criteria that were applied.
    pub criteria: Criteria,
    /// Every limit with its value and its source.
    pub criteria_sources: Vec<Criterion>,
    /// What the sign-off holds against the run.
    pub findings: Vec<GateFinding>,
    /// Every gate, passed or not.
    pub gates: Vec<Gate>,
}

/// A gate that did not pass.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GateFinding {
    /// How bad it is.
    pub severity: Status,
    /// One sentence for people.
    pub message: String,
    /// Required and actual figures.
    pub metadata: Metadata,
}

impl SignOff {
    /// The fold of the gates: their highest status, with a finding for each that did not pass.
    pub fn of(gates: &[Gate], criteria: &Criteria, evaluated_at: Stamp) -> Self {
        // A gate that measured nothing because of another one, which is as bad, is no finding of its own.
        let as_bad = |name: &String, status| gates.iter().any(|other| other.name == *name && other.status >= status);
        let follows =
            |gate: &&Gate| gate.samples == 0 && gate.follows.as_ref().is_some_and(|name| as_bad(name, gate.status));
        // What is to be said of workloads, their rows say.
        let rows = gates.iter().any(|gate| gate.name.starts_with(WORKLOAD));
        let sums_up = |gate: &&Gate| rows && gate.name == WORKLOADS;
        let failed = gates.iter().filter(|gate| gate.status > Status::Pass && !follows(gate) && !sums_up(gate));
        let status = Status::roll_up(gates.iter().map(|gate| gate.status));
        Self {
            evaluated_at,
            status,
            verdict: status,
            evidence_status: status,
            headline: status.label().to_owned(),
            simulated: false,
            criteria_sources: Vec::new(),
            criteria: criteria.clone(),
            findings: failed.map(GateFinding::of).collect(),
            gates: gates.to_vec(),
        }
    }
}

impl GateFinding {
    /// What a gate that did not pass holds against the run.
    fn of(gate: &Gate) -> Self {
        let subject = match gate.name.as_str() {
            "logs" | "run" | "checksums" | "record" | "signature" | "approvals" | "waivers" => {
                format!("the {}", gate.name)
            }
            "ignored" => "the records that the policy ignores".to_owned(),
            "diary" => "the decision diary".to_owned(),
            "performance" => "the performance report".to_owned(),
            "plan" => "the infrastructure plan".to_owned(),
            "checklist" => "the checklist".to_owned(),
            "drills" | "notifications" => format!("the {}", gate.name),
            "objectives" | "subject" | "baseline" | "trend" => format!("the {}", gate.name),
            name if name.starts_with(WORKLOAD) => {
                let message = format!("{}: {}", &name[WORKLOAD.len()..], gate.measured);
                return Self { severity: gate.status, message, metadata: gate.figures.clone() };
            }
            "guards" => "the guards".to_owned(),
            name if name.starts_with("guards/") => name.replace("guards/", "the guard "),
            name if name.starts_with("readiness") => name.replace('/', " of "),
            name => {
                let is = if gate.measured.starts_with("no ") { String::new() } else { format!("the {name} is ") };
                let message = format!("{is}{}, asked for {}", gate.measured, gate.threshold);
                return Self { severity: gate.status, message, metadata: gate.figures.clone() };
            }
        };
        let kind = if gate.status == Status::Warn || gate.raised { "warnings" } else { "failures" };
        let message = match gate.samples {
            0 => format!("{subject}: {}", gate.measured),
            _ => format!("{subject}: there are {kind}: {}", gate.measured),
        };
        Self { severity: gate.status, message, metadata: gate.figures.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(name: &str, status: Status, samples: u64) -> Gate {
        Gate {
            name: name.to_owned(),
            status,
            samples,
            measured: "1 error".to_owned(),
            threshold: "none".to_owned(),
            ..Gate::default()
        }
    }

    fn messages(gates: &[Gate]) -> Vec<String> {
        let criteria = Criteria {
            minimum_duration_seconds: None,
            minimum_uptime_ratio: None,
            require_diary: false,
            require_performance: false,
            allow_warnings: false,
            minimum_sharpe_ratio: None,
        };
        let at = Stamp::from_seconds(0).expect("in range");
        SignOff::of(gates, &criteria, at).findings.into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn a_finding_names_its_subject_and_whether_it_is_a_warning() {
        let raised = Gate { raised: true, ..gate("diary", Status::Fail, 3) };
        for (gate, expect) in [
            (gate("logs", Status::Fail, 9), "the logs: there are failures: 1 error"),
            (gate("logs", Status::Warn, 9), "the logs: there are warnings: 1 error"),
            (gate("logs", Status::Fail, 0), "the logs: 1 error"),
            (raised, "the decision diary: there are warnings: 1 error"),
            (gate("performance", Status::Fail, 1), "the performance report: there are failures: 1 error"),
            (gate("plan", Status::Fail, 1), "the infrastructure plan: there are failures: 1 error"),
            (gate("uptime", Status::Fail, 1), "the uptime is 1 error, asked for none"),
        ] {
            assert_eq!(messages(&[gate]), [expect]);
        }
        let unmeasured =
            Gate { measured: "no uptime was measured: 1 record".to_owned(), ..gate("uptime", Status::Fail, 1) };
        assert_eq!(messages(&[unmeasured]), ["no uptime was measured: 1 record, asked for none"]);
        assert!(messages(&[gate("logs", Status::Pass, 9)]).is_empty());
    }

    #[test]
    fn a_gate_that_measured_nothing_because_of_another_is_told_unless_it_is_worse() {
        let follows = |status| Gate { follows: Some("logs".to_owned()), ..gate("uptime", status, 0) };
        for (logs, uptime, told) in [
            (Status::Fail, Status::Fail, 1),
            (Status::Warn, Status::Fail, 2),
            (Status::Warn, Status::Warn, 1),
            (Status::Pass, Status::Fail, 1),
        ] {
            let found = messages(&[gate("logs", logs, 0), follows(uptime)]);
            assert_eq!(found.len(), told, "{logs} {uptime}: {found:?}");
        }
        // What was measured is on its own.
        let measured = Gate { samples: 5, ..follows(Status::Fail) };
        assert_eq!(messages(&[gate("logs", Status::Fail, 0), measured]).len(), 2);
    }
}
