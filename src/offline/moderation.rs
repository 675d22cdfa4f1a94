//! The gate: whether anything of a session may be published before a person has looked.

use std::collections::BTreeSet;

use serde::Serialize;

use super::deltas::{Delta, Reason};

/// What stands against publishing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Moderation {
    /// Whether a person must look first.
    pub requires_moderation: bool,
    /// Why; sorted, each once.
    pub reasons: BTreeSet<Reason>,
    /// Deltas that name a capability.
    pub capability_violations: usize,
    /// Deltas that claim what another claims.
    pub conflict_detections: usize,
    /// Deltas that are guesses or rumours.
    pub low_confidence_findings: usize,
    /// Deltas that need moderation.
    #[serde(skip)]
    pub pending: usize,
}

impl Moderation {
    /// Judges the deltas of a session; one that could not be read in full is never published unseen.
    pub(crate) fn of(deltas: &[Delta<'_>], incomplete: bool) -> Self {
        let with = |reason| deltas.iter().filter(|delta| delta.safety.reasons.contains(&reason)).count();
        let mut reasons: BTreeSet<Reason> =
            deltas.iter().flat_map(|delta| delta.safety.reasons.iter().copied()).collect();
        if incomplete {
            reasons.insert(Reason::InputNotReadable);
        }
        Self {
            requires_moderation: !reasons.is_empty(),
            capability_violations: with(Reason::CapabilityViolation),
            conflict_detections: with(Reason::ConflictDetected),
            low_confidence_findings: with(Reason::LowConfidence),
            pending: deltas.iter().filter(|delta| delta.safety.requires_moderation).count(),
            reasons,
        }
    }
}
