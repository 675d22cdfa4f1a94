//! The audit document: the summary of the evidence with the verdict on it.

use serde::Serialize;

use super::gates::{self, Gate};
use super::policy::Policy;
use super::sign_off::{self, SignOff};
use crate::finding::Status;
use crate::log::summary::{SCHEMA, Summary};
use crate::time::Stamp;

/// What `audit` writes. Keys are documented in `runbooks/formats.md`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Audit {
    /// The evidence; its keys stand at the top of the document.
    #[serde(flatten)]
    pub summary: Summary,
    /// The verdict: the higher of the status of the evidence and that of the sign-off.
    pub verdict: Status,
    /// The verdict of the sign-off, where one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sign_off: Option<SignOff>,
    /// Every gate; those of the sign-off where one was asked for.
    pub gates: Vec<Gate>,
    /// The smallest set of gates whose passing would better the verdict.
    pub to_fix: Vec<String>,
    /// The policy that applied.
    pub policy: Policy,
}

impl Audit {
    /// Judges the evidence under `policy`; `at` is the time of the evaluation.
    pub fn new(mut summary: Summary, policy: Policy, at: Stamp) -> Self {
        summary.schema = SCHEMA.to_owned();
        let parts = [
            Some(summary.logs.status),
            summary.diary.as_ref().map(|diary| diary.status),
            summary.performance.as_ref().map(|performance| performance.status),
            summary.checksums.as_ref().map(|checksums| checksums.status),
            summary.plan.as_ref().map(|plan| plan.status),
        ];
        let findings = summary.findings.iter().map(|finding| finding.severity);
        summary.status = Status::roll_up(parts.into_iter().flatten().chain(findings));
        let sign_off = policy.sign_off.as_ref().map(|criteria| sign_off::evaluate(criteria, &summary, at));
        let gates = match &sign_off {
            Some(sign_off) => sign_off.gates.clone(),
            None => gates::all(&summary, None),
        };
        Self {
            verdict: summary.status.max(sign_off.as_ref().map_or(Status::Pass, |sign_off| sign_off.status)),
            to_fix: gates::to_fix(&gates).iter().map(|gate| gate.name.clone()).collect(),
            summary,
            sign_off,
            gates,
            policy,
        }
    }
}
