//! The audit document: the summary of the evidence with the verdict on it.

use serde::Serialize;
use serde_json::Value;

use super::attestation::decisions::Judged;
use super::attestation::judge::{Packet, Signatures};
use super::gates::{self, About};
use super::headline::{headline, remark};
use super::policy::Policy;
use super::sign_off::SignOff;
use super::waivers::Waivers;
use crate::finding::{Criterion, Gate, Status, to_fix};
use crate::log::summary::{SCHEMA, Summary};
use crate::supervise::acks::Acknowledgements;
use crate::supervise::objective::Objective;
use crate::time::Stamp;

/// What `audit` writes. Keys are documented in `runbooks/formats.md`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Audit {
    /// The evidence; its keys are at the top of the document.
    #[serde(flatten)]
    pub summary: Summary,
    /// The verdict once more: other tools look for this key.
    pub status: Status,
    /// The verdict: the highest status of the gates.
    pub verdict: Status,
    /// The verdict in one line, with what was waived and relaxed.
    pub headline: String,
    /// Whether the built-in simulator ran, and not a system of the operator.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub simulated: bool,
    /// The verdict of the sign-off, where one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sign_off: Option<SignOff>,
    /// Every gate; those of the sign-off where one was asked for.
    pub gates: Vec<Gate>,
    /// The smallest set of gates whose passing would better the verdict.
    pub to_fix: Vec<String>,
    /// Every limit with its value and its source.
    pub criteria: Vec<Criterion>,
    /// What the rehearsal was for, as the operator stated it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub objectives: Vec<Objective>,
    /// The policy that applied.
    pub policy: Policy,
    /// The signatures of a packet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signatures>,
    /// The decisions of reviewers, in their order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<Judged>,
    /// Who has seen which incident of the run; no part of the verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledgements: Option<Acknowledgements>,
    /// The workloads in the words of readers of supervised tasks, where there are several.
    #[serde(skip)]
    pub runtime: Option<Value>,
    /// The packet that was judged, for those who sign it.
    #[serde(skip)]
    pub packet: Option<Packet>,
}

impl Audit {
    /// Judges the evidence under `policy`; `at` is the time of the evaluation.
    pub fn new(mut summary: Summary, policy: Policy, about: About, at: Stamp) -> Self {
        summary.schema = SCHEMA.to_owned();
        let ended_at = about.ended_at.or(summary.logs.ended_at).unwrap_or(at);
        let mut waivers = Waivers::new(policy.waivers.clone(), ended_at, at);
        waivers.apply_to_findings(&mut summary);
        let parts = [
            Some(summary.logs.status),
            summary.diary.as_ref().map(|diary| diary.status),
            summary.performance.as_ref().map(|performance| performance.status),
            summary.checksums.as_ref().map(|checksums| checksums.status),
            summary.plan.as_ref().map(|plan| plan.status),
            summary.record.as_ref().map(|record| record.status),
            summary.drills.as_ref().map(|drills| drills.status),
            summary.guards.as_ref().map(|guards| guards.status),
            summary.notifications.as_ref().map(|all| all.status),
            summary.checklist.as_ref().map(|list| list.status),
            summary.readiness.as_ref().map(|readiness| readiness.status),
            summary.baseline.as_ref().map(|baseline| baseline.status),
            summary.trend.as_ref().map(|trend| trend.status),
        ];
        let findings = summary.findings.iter().map(|finding| finding.severity);
        summary.evidence_status = Status::roll_up(parts.into_iter().flatten().chain(findings));
        gates::settle_uptime(&mut summary, &policy, &about);
        let mut gates = gates::all(&summary, &policy, &about);
        waivers.apply_to_gates(&mut gates);
        if let Some(readiness) = &mut summary.readiness {
            readiness.settle(&gates);
        }
        let verdict = Status::roll_up(gates.iter().map(|gate| gate.status));
        let attested = about.attested;
        let headline = headline(verdict, &remark(about.simulated, &gates, &policy.rows));
        let sign_off = policy.sign_off.as_ref().map(|criteria| SignOff {
            evidence_status: summary.evidence_status,
            headline: headline.clone(),
            simulated: about.simulated,
            criteria_sources: policy.rows.clone(),
            ..SignOff::of(&gates, criteria, at)
        });
        Self {
            status: verdict,
            verdict,
            headline,
            simulated: about.simulated,
            to_fix: to_fix(&gates).iter().map(|gate| gate.name.clone()).collect(),
            summary,
            sign_off,
            gates,
            criteria: policy.rows.clone(),
            objectives: about.objectives,
            policy,
            decisions: attested.as_ref().map(|attested| attested.decisions.clone()).unwrap_or_default(),
            signature: attested.map(|attested| attested.signatures),
            acknowledgements: None,
            runtime: None,
            packet: None,
        }
    }

    /// Whether logs were judged, and not components alone.
    pub fn has_logs(&self) -> bool {
        self.gates.iter().any(|gate| gate.name == "logs")
    }

    /// What the headline says beside the word of the verdict.
    pub fn remark(&self) -> String {
        remark(self.simulated, &self.gates, &self.criteria)
    }
}
