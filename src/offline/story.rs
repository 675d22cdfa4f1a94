//! Consolidates the turns into scenes, acts and highlights.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::Value;

use super::highlights::{Highlights, MomentumArc};
use super::id::Id;
use super::moment::Moment;
use super::scenes::{self, Hook, Scene, clamp};
use super::session::Session;
use super::turns::Turn;

/// The story of a session.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Story<'a> {
    /// The session.
    pub session_id: &'a Id,
    /// Always 1.
    pub version: u32,
    /// Scenes in the order of their first turn.
    pub scene_breakdown: Vec<Scene<'a>>,
    /// Acts in the order of their first scene.
    pub act_summary: Vec<Act<'a>>,
    /// What the player did.
    pub player_highlights: Highlights<'a>,
    /// Safety flags of turns and of the change feed.
    pub safety_notes: Vec<SafetyNote<'a>>,
    /// Always null.
    pub attachments_url: Option<&'a str>,
    /// When the story was consolidated.
    pub generated_at: Moment,
    /// Counts of the above.
    pub statistics: Statistics,
}

/// An act: scenes that belong together.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Act<'a> {
    /// Its id.
    pub act_id: Id,
    /// `Act <number>`, counted by acts.
    pub title: String,
    /// At most 640 UTF-16 units.
    pub summary: String,
    /// Its scenes.
    pub scenes: Vec<Id>,
    /// The open hooks of its scenes.
    pub unresolved_hooks: Vec<Hook<'a>>,
    /// The tags of most scenes, at most five.
    pub dominant_themes: Vec<Theme<'a>>,
    /// How the momentum went, where a turn says so.
    pub momentum_arc: Option<MomentumArc<'a>>,
}

/// A tag and how many scenes have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Theme<'a> {
    /// The tag.
    pub tag: &'a str,
    /// The scenes that have it.
    pub weight: usize,
}

/// A safety flag for the reviewer.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SafetyNote<'a> {
    /// `transcript` or `event`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The scene, for a flag of a turn.
    pub scene_id: Option<Id>,
    /// The turn, for a flag of a turn.
    pub turn_id: Option<&'a Id>,
    /// The flag itself.
    pub flag: &'a str,
    /// `medium` where the flag does not say.
    pub severity: &'a str,
    /// What it is about.
    pub description: Option<&'a str>,
    /// When, as written; only for events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<&'a Value>,
}

/// Counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Statistics {
    /// Turns that say something.
    pub turn_count: usize,
    /// Scenes.
    pub scene_count: usize,
    /// Turns of the player.
    pub player_action_count: usize,
    /// Turns of the game master.
    pub gm_action_count: usize,
    /// Safety notes.
    pub safety_flag_count: usize,
    /// Open hooks.
    pub hooks_outstanding: usize,
    /// Changes of the player's momentum.
    pub momentum_events: usize,
}

/// Consolidates a session.
pub(crate) fn consolidate<'a>(session: &'a Session, now: Moment) -> Story<'a> {
    let scenes = scenes::scenes(session);
    let acts = acts(&scenes, &session.turns);
    let player_highlights = Highlights::of(&session.turns);
    let safety_notes = safety_notes(&scenes, session);
    let spoken_by = |speaker: &str| session.turns.iter().filter(|turn| turn.speaker == speaker).count();
    let statistics = Statistics {
        turn_count: session.turns.len(),
        scene_count: scenes.len(),
        player_action_count: spoken_by("player"),
        gm_action_count: spoken_by("gm"),
        safety_flag_count: safety_notes.len(),
        hooks_outstanding: scenes.iter().map(|scene| scene.unresolved_hooks.len()).sum(),
        momentum_events: player_highlights.momentum_changes.len(),
    };
    Story {
        session_id: &session.id,
        version: 1,
        scene_breakdown: scenes,
        act_summary: acts,
        player_highlights,
        safety_notes,
        attachments_url: None,
        generated_at: now,
        statistics,
    }
}

fn acts<'a>(scenes: &[Scene<'a>], turns: &'a [Turn]) -> Vec<Act<'a>> {
    let mut groups: Vec<(&Id, Vec<&Scene<'a>>)> = Vec::new();
    let mut known: HashMap<&Id, usize> = HashMap::new();
    for scene in scenes {
        let at = *known.entry(&scene.act_id).or_insert_with(|| {
            groups.push((&scene.act_id, Vec::new()));
            groups.len() - 1
        });
        groups[at].1.push(scene);
    }
    let mut arcs = MomentumArc::by_act(turns);
    groups
        .into_iter()
        .enumerate()
        .map(|(index, (id, scenes))| Act {
            act_id: id.clone(),
            title: format!("Act {}", index + 1),
            summary: clamp(scenes.iter().map(|s| s.summary.as_str()).filter(|s| !s.is_empty()), " ", 640),
            scenes: scenes.iter().map(|scene| scene.scene_id.clone()).collect(),
            unresolved_hooks: scenes.iter().flat_map(|scene| scene.unresolved_hooks.iter().cloned()).collect(),
            dominant_themes: themes(&scenes),
            momentum_arc: arcs.remove(id),
        })
        .collect()
}

fn themes<'a>(scenes: &[&Scene<'a>]) -> Vec<Theme<'a>> {
    const MOST: usize = 5;
    let mut themes: Vec<Theme<'a>> = Vec::new();
    let mut known: HashMap<&str, usize> = HashMap::new();
    for tag in scenes.iter().flat_map(|scene| scene.tags.iter().copied()) {
        let at = *known.entry(tag).or_insert_with(|| {
            themes.push(Theme { tag, weight: 0 });
            themes.len() - 1
        });
        themes[at].weight += 1;
    }
    themes.sort_by_key(|theme| std::cmp::Reverse(theme.weight));
    themes.truncate(MOST);
    themes
}

fn safety_notes<'a>(scenes: &[Scene<'a>], session: &'a Session) -> Vec<SafetyNote<'a>> {
    let mut notes = Vec::new();
    for scene in scenes {
        notes.extend(scene.safety_flags.iter().map(|flag| SafetyNote {
            kind: "transcript",
            scene_id: Some(scene.scene_id.clone()),
            turn_id: Some(flag.turn_id),
            flag: flag.flag,
            severity: flag.severity,
            description: flag.description,
            occurred_at: None,
        }));
    }
    for change in &session.flagged {
        notes.extend(change.flags.iter().map(|(flag, severity)| SafetyNote {
            kind: "event",
            scene_id: None,
            turn_id: None,
            flag,
            severity: severity.as_deref().unwrap_or("medium"),
            description: change.reason.as_deref(),
            occurred_at: Some(&change.at),
        }));
    }
    notes
}
