//! When a session would be published: moderation, batch and digest.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use super::deltas::Reason;
use super::id::{self, Id};
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
pub(crate) struct Schedule<'a> {
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
pub(crate) struct Window {
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
pub(crate) struct Batch {
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
pub(crate) struct Digest {
    /// The next 02:00 UTC after the end of the session.
    pub run_at: Moment,
    /// Always `scheduled`.
    pub status: &'static str,
}

/// When the batch of a session goes out.
pub(crate) fn run_at(session: &Session, now: Moment) -> Moment {
    Moment(session.closed_at.unwrap_or(now.0).plus(60 * MINUTE))
}

/// The schedule of a session; `bundles` is the number of bundles in its batch, none if it is gated.
pub(crate) fn schedule<'a>(
    session: &'a Session,
    deltas: usize,
    bundles: Option<usize>,
    gate: &Moderation,
    now: Moment,
) -> Schedule<'a> {
    let closed = session.closed_at.unwrap_or(now.0);
    let start = closed.plus(15 * MINUTE);
    let run_at = run_at(session, now);
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
