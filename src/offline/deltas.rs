//! From mentions to deltas: what would change in the world, and whether that may happen unseen.

use std::collections::HashMap;

use serde::Serialize;

use super::id;
use super::moment::Moment;
use super::reading::lexicon::{Capability, Lexicon};
use super::reading::mentions::{Changes, Mention, Source};

/// A change that one mention proposes.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Delta<'a> {
    /// A hash of the mention.
    pub delta_id: String,
    /// The entity that changes.
    pub entity_id: &'a str,
    /// Its type.
    pub entity_type: &'a str,
    /// Its canonical name.
    pub canonical_name: &'a str,
    /// As in the mention, 0 to 1.
    pub confidence: f64,
    /// The same in words.
    pub confidence_tier: Tier,
    /// Where the mention is.
    pub source: Source<'a>,
    /// What changes; none if only a capability is named.
    pub proposed_changes: Option<Changes<'a>>,
    /// The capabilities of the sentence, with what a reviewer needs to know of them.
    pub capability_refs: Vec<Violation<'a>>,
    /// The state before: unknown to us, so empty.
    pub before: State<'a>,
    /// The state after.
    pub after: State<'a>,
    /// Whether a person must look.
    pub safety: Safety<'a>,
    /// `needs-review` or `pending`.
    pub status: &'static str,
    /// When the delta was made.
    pub created_at: Moment,
    /// The sentence that caused it; it is in the mention.
    #[serde(skip)]
    pub sentence: &'a str,
}

/// How sure a mention is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Tier {
    /// Below 0.65: guesses and rumours.
    Low,
    /// From 0.65.
    Medium,
    /// From 0.85.
    High,
}

impl Tier {
    /// The tier of a confidence.
    pub(crate) fn of(confidence: f64) -> Self {
        match confidence {
            c if c >= 0.85 => Self::High,
            c if c >= 0.65 => Self::Medium,
            _ => Self::Low,
        }
    }
}

/// What is known of an entity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct State<'a> {
    /// The regions that a faction holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub control: Option<Vec<&'a str>>,
    /// The status of a region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<&'a str>,
}

/// A capability that needs approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Violation<'a> {
    /// Its id.
    pub capability_id: &'a str,
    /// Its severity.
    pub severity: &'a str,
    /// Its name.
    pub label: &'a str,
    /// Why it needs approval.
    pub rationale: &'a str,
    /// Always null.
    pub source: Option<&'a str>,
}

/// Whether a person must look at a delta, and why.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Safety<'a> {
    /// Whether any reason stands against it.
    pub requires_moderation: bool,
    /// Why.
    pub reasons: Vec<Reason>,
    /// The capabilities of the sentence.
    pub capability_violations: Vec<Violation<'a>>,
    /// How sure the mention is.
    pub confidence: Tier,
    /// Other claims to the same region.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<Conflict<'a>>,
}

/// Why a person must look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reason {
    /// The sentence names a capability.
    CapabilityViolation,
    /// Somebody else claims the same region.
    ConflictDetected,
    /// Parts of the session could not be read.
    InputNotReadable,
    /// A guess or a rumour.
    LowConfidence,
}

impl Reason {
    /// As in the documents.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::CapabilityViolation => "capability_violation",
            Self::ConflictDetected => "conflict_detected",
            Self::InputNotReadable => "input_not_readable",
            Self::LowConfidence => "low_confidence",
        }
    }
}

/// Another claim to a region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Conflict<'a> {
    /// Always `pending_delta_conflict`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The region.
    pub target: &'a str,
    /// The earlier claim.
    pub conflicting_delta_id: String,
}

/// The claims to each region so far: the latest delta of each claimant.
type Claims<'a> = HashMap<&'a str, Vec<(&'a str, usize)>>;

/// The deltas of a session, one for each mention.
pub(crate) fn deltas<'a>(mentions: &[Mention<'a>], lexicon: &'a Lexicon, now: Moment) -> Vec<Delta<'a>> {
    let capabilities: HashMap<&str, &Capability> = lexicon.capabilities.iter().map(|c| (c.id.as_str(), c)).collect();
    let mut all: Vec<Delta<'a>> = Vec::with_capacity(mentions.len());
    let mut claims = Claims::new();
    for mention in mentions {
        let violations: Vec<Violation<'a>> = mention
            .capability_refs
            .iter()
            .filter_map(|named| capabilities.get(named.capability_id))
            .map(|capability| Violation {
                capability_id: &capability.id,
                severity: &capability.severity,
                label: &capability.label,
                rationale: &capability.rationale,
                source: None,
            })
            .collect();
        let conflicts = conflicts(mention, &mut claims, &all);
        let tier = Tier::of(mention.confidence);
        let reasons: Vec<Reason> = [
            (tier == Tier::Low).then_some(Reason::LowConfidence),
            (!violations.is_empty()).then_some(Reason::CapabilityViolation),
            (!conflicts.is_empty()).then_some(Reason::ConflictDetected),
        ]
        .into_iter()
        .flatten()
        .collect();
        all.push(Delta {
            delta_id: id::uuid(&["delta", &mention.mention_id]),
            entity_id: mention.entity_id,
            entity_type: mention.entity_type,
            canonical_name: mention.canonical_name,
            confidence: mention.confidence,
            confidence_tier: tier,
            source: mention.source.clone(),
            proposed_changes: mention.proposed_changes.clone(),
            capability_refs: violations.clone(),
            before: State::default(),
            after: after(mention.proposed_changes.as_ref()),
            status: if reasons.is_empty() { "pending" } else { "needs-review" },
            safety: Safety {
                requires_moderation: !reasons.is_empty(),
                reasons,
                capability_violations: violations,
                confidence: tier,
                conflicts,
            },
            created_at: now,
            sentence: mention.sentence,
        });
    }
    all
}

fn after<'a>(changes: Option<&Changes<'a>>) -> State<'a> {
    let Some(changes) = changes else { return State::default() };
    State {
        control: changes
            .control
            .as_ref()
            .map(|control| control.add.iter().filter(|region| !control.remove.contains(region)).copied().collect()),
        status: changes.status,
    }
}

/// The latest claims of others to the regions that `mention` takes; its own are noted.
fn conflicts<'a>(mention: &Mention<'a>, claims: &mut Claims<'a>, earlier: &[Delta<'a>]) -> Vec<Conflict<'a>> {
    let taken = mention.proposed_changes.as_ref().and_then(|changes| changes.control.as_ref());
    let mut conflicts = Vec::new();
    for target in taken.iter().flat_map(|control| control.add.iter().copied()) {
        let claims = claims.entry(target).or_default();
        let others = claims.iter().filter(|(claimant, _)| *claimant != mention.entity_id);
        if let Some(delta) = others.map(|(_, at)| *at).max().and_then(|at| earlier.get(at)) {
            let conflicting_delta_id = delta.delta_id.clone();
            conflicts.push(Conflict { kind: "pending_delta_conflict", target, conflicting_delta_id });
        }
        match claims.iter_mut().find(|(claimant, _)| *claimant == mention.entity_id) {
            Some((_, at)) => *at = earlier.len(),
            None => claims.push((mention.entity_id, earlier.len())),
        }
    }
    conflicts
}
