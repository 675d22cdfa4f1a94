//! Sign-off: the fold of the gates.

use serde::Serialize;

use super::criteria::Criteria;
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
        let failed = gates.iter().filter(|gate| gate.status > Status::Pass && !follows(gate));
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
            "objectives" | "subject" => format!("the {}", gate.name),
            name => {
                let message = format!("the {name} is {}, asked for {}", gate.measured, gate.threshold);
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
