//! What would be published of a session: bundles, cards and links.

use std::collections::HashMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::deltas::Delta;
use super::id::{self, Id};
use super::moment::Moment;
use super::reading::mentions::Changes;
use super::session::Session;

/// How long a piece of news stays.
const NEWS_LIFE: Duration = Duration::from_secs(90 * 86_400);

/// Everything that would be published.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Prepared<'a> {
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
pub(crate) struct LoreBundle<'a> {
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
pub(crate) struct Revision {
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
pub(crate) struct Provenance<'a> {
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
pub(crate) struct NewsCard<'a> {
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
pub(crate) struct Overlay {
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
pub(crate) struct Badge {
    label: &'static str,
    context: &'static str,
    severity: &'static str,
}

/// Everything that would be published of `deltas`.
pub(crate) fn prepare<'a>(session: &'a Session, deltas: &[Delta<'a>], publish_at: Moment, now: Moment) -> Prepared<'a> {
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
            expires_at: Moment(publish_at.0.plus(NEWS_LIFE)),
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
pub(crate) fn lead(changes: Option<&Changes<'_>>) -> String {
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
