//! When a session would be published, and as what: the schedule and the prepared batch.

use std::collections::HashMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use super::deltas::{Delta, Reason};
use super::id::{self, Id};
use super::mentions::Changes;
use super::moderation::Moderation;
use super::moment::Moment;
use super::session::Session;
use crate::time::Stamp;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);
/// The hour of the daily digest, UTC.
const DIGEST_HOUR: u32 = 2;

/// When things happen after a session was closed.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Schedule<'a> {
    /// The start of it all.
    pub session_closed_at: Moment,
    /// The time for moderators.
    pub moderation: Window,
    /// The one batch.
    pub batches: [Batch; 1],
    /// The daily digest.
    pub digest: Digest,
    /// Always empty.
    pub overrides: [Value; 0],
    /// The session.
    pub session_id: &'a Id,
    /// A hash of session and time.
    pub state_id: String,
    /// When the schedule was made.
    pub created_at: Moment,
    /// When it was last changed.
    pub updated_at: Moment,
    /// How it came to be.
    pub history: Vec<Value>,
}

/// The time for moderators.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Window {
    /// 15 minutes after the end of the session.
    pub start_at: Moment,
    /// 60 minutes after the end of the session.
    pub end_at: Moment,
    /// When somebody is reminded.
    pub escalations: [Moment; 2],
    /// `awaiting_review` or `clear`.
    pub status: &'static str,
    /// Deltas that wait.
    pub pending_count: usize,
    /// Why they wait.
    pub reasons: Vec<Reason>,
    /// All deltas.
    pub delta_count: usize,
    /// Always null.
    pub notes: Option<&'static str>,
    /// When this was last changed.
    pub updated_at: Moment,
    /// Always null: nobody has decided yet.
    pub moderation_decision_id: Option<&'static str>,
}

/// A batch of things to publish.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Batch {
    /// `<session>-batch-0`.
    pub batch_id: String,
    /// Always `hourly`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// When it goes out.
    pub run_at: Moment,
    /// `ready` or `awaiting_moderation`.
    pub status: &'static str,
    /// When it was prepared, unless it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prepared_at: Option<Moment>,
    /// Bundles in it, or deltas that wait.
    pub delta_count: usize,
    /// Why it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<&'static str>,
}

/// The daily digest.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Digest {
    /// The next 02:00 UTC after the end of the session.
    pub run_at: Moment,
    /// Always `scheduled`.
    pub status: &'static str,
}

/// Everything that would be published.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Prepared<'a> {
    /// When it was prepared.
    pub prepared_at: Moment,
    /// One for each entity that changes.
    pub lore_bundles: Vec<LoreBundle<'a>>,
    /// One for each delta.
    pub news_cards: Vec<NewsCard<'a>>,
    /// One for each card.
    pub overlay_payloads: Vec<Overlay>,
}

/// What is told about one entity.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LoreBundle<'a> {
    /// Made from session and entity.
    pub bundle_id: String,
    /// The entity.
    pub entity_id: &'a str,
    /// Its type.
    pub entity_type: &'a str,
    /// Its canonical name.
    pub canonical_name: &'a str,
    /// It and the regions that it takes and gives up.
    pub entity_refs: Vec<&'a str>,
    /// One line for each delta.
    pub summary_markdown: String,
    /// When it goes out.
    pub publish_at: Moment,
    /// When it was prepared.
    pub prepared_at: Moment,
    /// One for each delta.
    pub revisions: Vec<Revision>,
    /// Where it comes from.
    pub provenance: Provenance<'a>,
    /// Always empty: what has tags waits for moderation.
    pub safety_tags: [Value; 0],
    /// Always `ready`.
    pub status: &'static str,
}

/// A step of a bundle.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Revision {
    /// From 1.
    pub version: usize,
    /// The delta that made it.
    pub delta_id: String,
    /// Always `qa.offline`.
    pub editor: &'static str,
    /// When it was made.
    pub applied_at: Moment,
}

/// Where a bundle comes from.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Provenance<'a> {
    /// The session.
    pub session_id: &'a Id,
    /// Always null.
    pub moderation_decision_id: Option<&'a str>,
    /// The deltas.
    pub delta_ids: Vec<String>,
}

/// A piece of news.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewsCard<'a> {
    /// `news-<delta>`.
    pub card_id: String,
    /// `<name> update`.
    pub headline: String,
    /// What happened.
    pub lead: String,
    /// The faction that it is about.
    pub faction_tags: Vec<&'a str>,
    /// Always `routine`.
    pub urgency: &'static str,
    /// When it goes out.
    pub publish_at: Moment,
    /// 90 days later.
    pub expires_at: Moment,
    /// Always `flash`.
    pub card_type: &'static str,
    /// Session and delta.
    pub provenance_refs: (&'a Id, String),
    /// Always empty.
    pub safety_tags: [Value; 0],
    /// The whole card as one line.
    pub aria_summary: String,
}

/// A link to a card.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Overlay {
    /// Always `overlay.loreLink`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Of the card.
    pub headline: String,
    /// When it goes out.
    pub publish_at: Moment,
    /// Always `routine`.
    pub urgency: &'static str,
    /// The card.
    pub news_card_ref: String,
    /// How the link is marked.
    pub provenance_badge: Badge,
}

/// How a link is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Badge {
    label: &'static str,
    context: &'static str,
    severity: &'static str,
}

/// The schedule of a session; `bundles` is the number of bundles in its batch, none where it is gated.
pub fn schedule<'a>(
    session: &'a Session,
    deltas: usize,
    bundles: Option<usize>,
    gate: &Moderation,
    now: Moment,
) -> Schedule<'a> {
    let closed = session.closed_at.unwrap_or(now.0);
    let start = closed.plus(15 * MINUTE);
    let run_at = Moment(closed.plus(60 * MINUTE));
    let digest = Moment(next_digest(closed));
    let batch = Batch {
        batch_id: format!("{}-batch-0", session.id),
        kind: "hourly",
        run_at,
        status: if bundles.is_some() { "ready" } else { "awaiting_moderation" },
        prepared_at: bundles.map(|_| now),
        delta_count: bundles.unwrap_or(deltas),
        notes: bundles.is_none().then_some("moderation_gate_pending"),
    };
    let window = Window {
        start_at: Moment(start),
        end_at: Moment(closed.plus(60 * MINUTE)),
        escalations: [Moment(start.plus(30 * MINUTE)), Moment(start.plus(40 * MINUTE))],
        status: if gate.requires_moderation { "awaiting_review" } else { "clear" },
        pending_count: gate.pending,
        reasons: gate.reasons.iter().copied().collect(),
        delta_count: deltas,
        notes: None,
        updated_at: now,
        moderation_decision_id: None,
    };
    let event = |kind: &str, payload: Value| json!({"type": kind, "occurredAt": now, "payload": payload});
    let mut metadata = json!({"deltaCount": batch.delta_count});
    if let Some(at) = batch.prepared_at {
        metadata["preparedAt"] = json!(at);
    }
    if let Some(notes) = batch.notes {
        metadata["notes"] = json!(notes);
    }
    let history = vec![
        event(
            "cadence.initialised",
            json!({
                "sessionClosedAt": Moment(closed),
                "moderationStartAt": window.start_at,
                "loreBatchRunAt": run_at,
                "digestRunAt": digest,
            }),
        ),
        event("cadence.batch.status", json!({"batchId": batch.batch_id, "status": batch.status, "metadata": metadata})),
        event(
            "cadence.moderation.status",
            json!({
                "status": window.status,
                "pendingCount": window.pending_count,
                "reasons": window.reasons,
                "deltaCount": deltas,
                "moderationDecisionId": null,
                "updatedAt": now,
            }),
        ),
    ];
    Schedule {
        session_closed_at: Moment(closed),
        moderation: window,
        batches: [batch],
        digest: Digest { run_at: digest, status: "scheduled" },
        overrides: [],
        session_id: &session.id,
        state_id: id::uuid(&["cadence", &session.id.to_string(), &closed.to_string()]),
        created_at: now,
        updated_at: now,
        history,
    }
}

/// The next digest hour, strictly after `at`.
fn next_digest(at: Stamp) -> Stamp {
    let hour = at.day().and_hms_opt(DIGEST_HOUR, 0, 0).unwrap_or_default().and_utc();
    let today = Stamp::from(hour);
    if today > at { today } else { today.plus(DAY) }
}

/// Everything that would be published of `deltas`.
pub fn prepare<'a>(session: &'a Session, deltas: &[Delta<'a>], publish_at: Moment, now: Moment) -> Prepared<'a> {
    let mut bundles: Vec<LoreBundle<'a>> = Vec::new();
    let mut known: HashMap<&str, usize> = HashMap::new();
    let (mut cards, mut overlays) = (Vec::with_capacity(deltas.len()), Vec::with_capacity(deltas.len()));
    for delta in deltas {
        let lead = lead(delta.proposed_changes.as_ref());
        let at = *known.entry(delta.entity_id).or_insert_with(|| {
            bundles.push(bundle(session, delta, publish_at, now));
            bundles.len() - 1
        });
        extend(&mut bundles[at], delta, &lead, now);
        let headline = format!("{} update", delta.canonical_name);
        let card_id = format!("news-{}", delta.delta_id);
        overlays.push(Overlay {
            kind: "overlay.loreLink",
            headline: headline.clone(),
            publish_at,
            urgency: "routine",
            news_card_ref: card_id.clone(),
            provenance_badge: Badge { label: "Lore Drop", context: "flash", severity: "info" },
        });
        cards.push(NewsCard {
            card_id,
            aria_summary: format!("{headline}: {lead}"),
            headline,
            lead,
            faction_tags: if delta.entity_type == "faction" { vec![delta.entity_id] } else { Vec::new() },
            urgency: "routine",
            publish_at,
            expires_at: Moment(publish_at.0.plus(90 * DAY)),
            card_type: "flash",
            provenance_refs: (&session.id, delta.delta_id.clone()),
            safety_tags: [],
        });
    }
    Prepared { prepared_at: now, lore_bundles: bundles, news_cards: cards, overlay_payloads: overlays }
}

fn bundle<'a>(session: &'a Session, delta: &Delta<'a>, publish_at: Moment, now: Moment) -> LoreBundle<'a> {
    let hash = id::short(&["bundle", &session.id.to_string(), delta.entity_id]);
    LoreBundle {
        bundle_id: format!("bundle-{}-{hash}", delta.entity_id),
        entity_id: delta.entity_id,
        entity_type: delta.entity_type,
        canonical_name: delta.canonical_name,
        entity_refs: vec![delta.entity_id],
        summary_markdown: format!("### {}", delta.canonical_name),
        publish_at,
        prepared_at: now,
        revisions: Vec::new(),
        provenance: Provenance { session_id: &session.id, moderation_decision_id: None, delta_ids: Vec::new() },
        safety_tags: [],
        status: "ready",
    }
}

fn extend<'a>(bundle: &mut LoreBundle<'a>, delta: &Delta<'a>, lead: &str, now: Moment) {
    let control = delta.proposed_changes.as_ref().and_then(|changes| changes.control.as_ref());
    for region in control.iter().flat_map(|control| control.add.iter().chain(&control.remove)) {
        if !bundle.entity_refs.contains(region) {
            bundle.entity_refs.push(region);
        }
    }
    bundle.summary_markdown.push_str("\n- ");
    bundle.summary_markdown.push_str(lead);
    bundle.revisions.push(Revision {
        version: bundle.revisions.len() + 1,
        delta_id: delta.delta_id.clone(),
        editor: "qa.offline",
        applied_at: now,
    });
    bundle.provenance.delta_ids.push(delta.delta_id.clone());
}

/// What happened, in words.
pub fn lead(changes: Option<&Changes<'_>>) -> String {
    let mut parts = Vec::new();
    if let Some(control) = changes.and_then(|changes| changes.control.as_ref()) {
        for (verb, regions) in [("gains control of", &control.add), ("relinquishes", &control.remove)] {
            if !regions.is_empty() {
                parts.push(format!("{verb} {}", regions.join(", ")));
            }
        }
    }
    if let Some(status) = changes.and_then(|changes| changes.status) {
        parts.push(format!("status shifts to {status}"));
    }
    if parts.is_empty() { "lore bundle updated".to_owned() } else { parts.join("; ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_comes_strictly_after_the_end() {
        for (closed, expect) in [
            ("2025-11-04T01:59:59Z", "2025-11-04T02:00:00.000Z"),
            ("2025-11-04T02:00:00Z", "2025-11-05T02:00:00.000Z"),
            ("2025-12-31T05:00:00Z", "2026-01-01T02:00:00.000Z"),
        ] {
            assert_eq!(next_digest(Stamp::parse(closed).unwrap()).millis_z(), expect);
        }
    }
}
