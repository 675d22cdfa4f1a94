//! A gate: one thing that was asked for, what was measured, and the verdict on it.

use serde::{Deserialize, Serialize};

use super::{Metadata, Status};

/// One gate with what was asked for and what was measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Gate {
    /// The gate's name, such as `logs`, `duration` or `noise`.
    pub name: String,
    /// What was asked for, in words.
    pub threshold: String,
    /// What was measured, in words.
    pub measured: String,
    /// How many records, entries, figures or files the measurement rests on.
    pub samples: u64,
    /// The gate's verdict.
    pub status: Status,
    /// The file (and line) that decided it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// What would make it pass, where it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    /// The gate that decides this one too: it passes as soon as that one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub follows: Option<String>,
    /// Who did not ask for what this gate measures; such a gate passes without a measurement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_required: Option<NotRequired>,
    /// Who accepts that this gate failed, and until when; such a gate is a WARN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waived: Option<Waived>,
    /// Whether it is a FAIL only because a WARN is not acceptable.
    #[serde(skip)]
    pub raised: bool,
    /// The required and the actual figure; part of the finding that is derived from this gate.
    #[serde(skip)]
    pub figures: Metadata,
}

/// Who did not ask for a gate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotRequired {
    /// An option, a line of a policy file, or [`NotRequired::DEFAULT`].
    pub by: String,
}

impl NotRequired {
    /// What is asked for by nobody unless somebody does.
    pub const DEFAULT: &str = "default";
}

/// Who accepts that a gate failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waived {
    /// What the gate would be without the waiver.
    pub from: Status,
    /// Who answers for it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// The last day of the waiver.
    pub expires: String,
}

impl Gate {
    /// Says what would make it pass, where it does not.
    #[must_use]
    pub fn fixed_by(mut self, how: &str) -> Self {
        self.fix = (self.status > Status::Pass).then(|| how.to_owned());
        self
    }

    /// Whether it passes only because somebody gave it up: what passes by default was never asked for.
    pub fn is_given_up(&self) -> bool {
        self.waived.is_some() || self.not_required.as_ref().is_some_and(|not| not.by != NotRequired::DEFAULT)
    }
}

/// The smallest set of gates whose passing would better the verdict: those of the worst status, without those that
/// pass by themselves as soon as another does. Empty where everything passes.
pub fn to_fix(gates: &[Gate]) -> Vec<&Gate> {
    let worst = Status::roll_up(gates.iter().map(|gate| gate.status));
    let failed: Vec<&Gate> = gates.iter().filter(|gate| gate.status == worst && worst > Status::Pass).collect();
    let follows =
        |gate: &Gate| gate.follows.as_ref().is_some_and(|other| failed.iter().any(|failed| failed.name == *other));
    failed.iter().copied().filter(|gate| !follows(gate)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_that_follows_another_need_not_be_fixed() {
        let gate = |name: &str, status, follows: Option<&str>| Gate {
            name: name.to_owned(),
            status,
            follows: follows.map(str::to_owned),
            ..Gate::default()
        };
        let gates = [
            gate("logs", Status::Fail, None),
            gate("uptime", Status::Fail, Some("logs")),
            gate("diary", Status::Warn, None),
            gate("sharpe", Status::Fail, Some("performance")),
        ];
        let names = |gates: &[Gate]| -> Vec<String> { to_fix(gates).iter().map(|g| g.name.clone()).collect() };
        assert_eq!(names(&gates), ["logs", "sharpe"]);
        assert_eq!(names(&gates[2..3]), ["diary"]);
        assert_eq!(names(&[gate("logs", Status::Pass, None)]), [""; 0]);
    }
}
