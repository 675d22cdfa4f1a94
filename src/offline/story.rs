//! Consolidates the turns into scenes, acts and highlights.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use serde::Serialize;
use serde_json::{Map, Value};

use super::highlights::{Highlights, MomentumArc};
use super::id::Id;
use super::moment::Moment;
use super::session::{Session, Turn, is_truthy};

/// The story of a session.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Story<'a> {
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

/// A scene.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Scene<'a> {
    /// The id that its turns name, or `act:default:scene:<position>` for a turn that names none.
    pub scene_id: Id,
    /// Its title, from a turn or the session's state, else `Scene <number>`.
    pub title: String,
    /// The act of its first turn.
    pub act_id: Id,
    /// At most 320 UTF-16 units.
    pub summary: String,
    /// How tense it was.
    pub tension: Tension<'a>,
    /// Hooks that are still open, each once.
    pub unresolved_hooks: Vec<Hook<'a>>,
    /// Moments worth keeping.
    pub key_moments: Vec<KeyMoment<'a>>,
    /// Safety flags of its turns.
    pub safety_flags: Vec<SafetyFlag<'a>>,
    /// Tags, each once.
    pub tags: Vec<&'a str>,
    /// From its earliest to its latest time.
    pub time_range: TimeRange,
}

/// How tense a scene was.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tension<'a> {
    /// `calm`, `steady`, `rising` or `crisis`.
    pub level: &'static str,
    /// Turns that were rising or worse.
    pub spikes: Vec<Spike<'a>>,
}

/// A tense turn.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Spike<'a> {
    /// The turn.
    pub turn_id: &'a Id,
    /// Its time as written.
    pub timestamp: &'a Value,
    /// `rising` or `crisis`.
    pub level: String,
    /// At most 160 UTF-16 units.
    pub summary: String,
}

/// A thread of the story that is still open.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hook<'a> {
    /// What it is about.
    pub title: &'a Value,
    /// Its type, or null.
    #[serde(rename = "type")]
    pub kind: &'a Value,
}

/// A moment worth keeping.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyMoment<'a> {
    /// The turn.
    pub turn_id: &'a Id,
    /// What happened.
    pub description: &'a Value,
    /// Who spoke.
    pub speaker: &'a str,
}

/// A safety flag of a turn.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SafetyFlag<'a> {
    /// The turn.
    pub turn_id: &'a Id,
    /// The flag.
    pub flag: &'a str,
    /// `medium` where the flag does not say.
    pub severity: &'a str,
    /// Where the flag says more.
    pub description: Option<&'a str>,
}

/// From the earliest to the latest time, or nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TimeRange {
    /// The earliest.
    pub start: Option<Moment>,
    /// The latest.
    pub end: Option<Moment>,
}

/// An act: scenes that belong together.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Act<'a> {
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
pub struct Theme<'a> {
    /// The tag.
    pub tag: &'a str,
    /// The scenes that have it.
    pub weight: usize,
}

/// A safety flag for the reviewer.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SafetyNote<'a> {
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
pub struct Statistics {
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

static NULL: Value = Value::Null;

/// The act of turns that name none.
pub fn default_act() -> Id {
    Id::Text("act:default".to_owned())
}

/// Consolidates a session.
pub fn consolidate<'a>(session: &'a Session, now: Moment) -> Story<'a> {
    let titles: HashMap<&Id, &str> = session.scenes.iter().rev().map(|(id, title)| (id, title.as_str())).collect();
    let scenes: Vec<Scene<'a>> = grouped(&session.turns)
        .into_iter()
        .enumerate()
        .map(|(index, (id, turns))| scene(id, index, &turns, &titles))
        .collect();
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

/// Turns by scene, in the order of first appearance; a turn that names no scene is one of its own.
fn grouped(turns: &[Turn]) -> Vec<(Id, Vec<&Turn>)> {
    let mut groups: Vec<(Id, Vec<&Turn>)> = Vec::new();
    let mut known: HashMap<Id, usize> = HashMap::new();
    for (index, turn) in turns.iter().enumerate() {
        let id = turn.scene.clone().unwrap_or_else(|| format!("act:default:scene:{}", index + 1).into());
        let at = *known.entry(id).or_insert_with_key(|id| {
            groups.push((id.clone(), Vec::new()));
            groups.len() - 1
        });
        groups[at].1.push(turn);
    }
    groups
}

fn scene<'a>(id: Id, index: usize, turns: &[&'a Turn], titles: &HashMap<&Id, &str>) -> Scene<'a> {
    let first = turns[0];
    let title = title_of(&first.metadata)
        .or_else(|| titles.get(&id).map(|title| (*title).to_owned()))
        .unwrap_or_else(|| format!("Scene {}", index + 1));
    let (mut hooks, mut moments, mut flags, mut tags) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for turn in turns {
        collect_hooks(&turn.metadata, &mut hooks);
        let moment = turn.metadata.get("keyMoment").filter(|moment| is_truthy(moment));
        let highlights = items(&turn.metadata, "highlights").iter().filter(|item| item.is_string());
        moments.extend(moment.into_iter().chain(highlights).map(|description| KeyMoment {
            turn_id: &turn.id,
            description,
            speaker: &turn.speaker,
        }));
        flags.extend(items(&turn.metadata, "safetyFlags").iter().filter_map(|flag| safety_flag(turn, flag)));
        let texts = items(&turn.metadata, "tags").iter().filter_map(Value::as_str);
        tags.extend(texts.map(|tag| tag.trim_matches(super::sentences::is_blank)).filter(|tag| !tag.is_empty()));
    }
    let times = || turns.iter().filter_map(|turn| turn.at);
    Scene {
        scene_id: id,
        title,
        act_id: first.act.clone().unwrap_or_else(default_act),
        summary: scene_summary(turns),
        tension: tension(turns),
        unresolved_hooks: unique(hooks, |hook| (hook.title, hook.kind)),
        key_moments: moments,
        safety_flags: flags,
        tags: unique(tags, |tag| *tag),
        time_range: TimeRange { start: times().min().map(Moment), end: times().max().map(Moment) },
    }
}

fn title_of(metadata: &Map<String, Value>) -> Option<String> {
    let nested = metadata.get("scene").and_then(|scene| scene.get("title"));
    [metadata.get("sceneTitle"), nested]
        .into_iter()
        .flatten()
        .filter(|title| is_truthy(title))
        .find_map(|title| Id::of(title).map(|title| title.to_string()))
}

/// The members of a list of the metadata.
pub(super) fn items<'v>(metadata: &'v Map<String, Value>, key: &str) -> &'v [Value] {
    metadata.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn collect_hooks<'a>(metadata: &'a Map<String, Value>, hooks: &mut Vec<Hook<'a>>) {
    for hook in items(metadata, "hooks") {
        match hook {
            Value::String(_) => hooks.push(Hook { title: hook, kind: &NULL }),
            Value::Object(object) if object.get("status").and_then(Value::as_str) == Some("open") => {
                if let Some(title) = object.get("title").filter(|title| is_truthy(title)) {
                    let kind = object.get("type").filter(|kind| is_truthy(kind)).unwrap_or(&NULL);
                    hooks.push(Hook { title, kind });
                }
            }
            _ => {}
        }
    }
    let bare = items(metadata, "unresolvedHooks").iter().filter(|hook| hook.is_string());
    hooks.extend(bare.map(|title| Hook { title, kind: &NULL }));
}

fn safety_flag<'a>(turn: &'a Turn, flag: &'a Value) -> Option<SafetyFlag<'a>> {
    let text = |key: &str| flag.get(key).and_then(Value::as_str);
    Some(SafetyFlag {
        turn_id: &turn.id,
        flag: flag.as_str().or_else(|| text("id"))?,
        severity: text("severity").filter(|severity| !severity.is_empty()).unwrap_or("medium"),
        description: text("description").filter(|text| !text.is_empty()),
    })
}

/// `all` without repetitions; the first one stays.
fn unique<T, K: Eq + Hash>(all: Vec<T>, key: impl Fn(&T) -> K) -> Vec<T> {
    let mut seen = HashSet::new();
    all.into_iter().filter(|item| seen.insert(key(item))).collect()
}

fn scene_summary(turns: &[&Turn]) -> String {
    const LONGEST: usize = 320;
    let mut told = turns.iter().filter(|turn| turn.speaker == "gm").map(|turn| turn.text.as_str());
    let Some(first) = told.next() else {
        return clamp(turns.iter().map(|turn| turn.text.as_str()), " ", LONGEST);
    };
    match told.next_back() {
        Some(last) if last != first => clamp([first, last].into_iter(), " … ", LONGEST),
        _ => clamp(std::iter::once(first), "", LONGEST),
    }
}

/// The joined `parts`, cut to `longest` UTF-16 units with an ellipsis as the last; never within a character.
fn clamp<'t>(parts: impl Iterator<Item = &'t str>, joint: &str, longest: usize) -> String {
    let mut text = String::new();
    let mut units = 0;
    // Where the text must end if the ellipsis has to follow.
    let mut room = 0;
    for (i, part) in parts.enumerate() {
        for c in [if i > 0 { joint } else { "" }, part].into_iter().flat_map(str::chars) {
            units += c.len_utf16();
            if units > longest {
                text.truncate(room);
                text.push('…');
                return text;
            }
            text.push(c);
            if units < longest {
                room = text.len();
            }
        }
    }
    text
}

fn weight(word: &str) -> u32 {
    match word {
        "calm" => 1,
        "rising" => 3,
        "crisis" => 4,
        // Steady, and words that nobody has defined.
        _ => 2,
    }
}

fn tension<'a>(turns: &[&'a Turn]) -> Tension<'a> {
    let (mut sum, mut count, mut spikes) = (0, 0, Vec::new());
    for turn in turns {
        let word = turn.metadata.get("tension").and_then(Value::as_str).filter(|word| !word.is_empty());
        let level = match word {
            Some(word) => word.to_lowercase(),
            None if turn.speaker == "gm" => "steady".to_owned(),
            None => continue,
        };
        let weight = weight(&level);
        sum += weight;
        count += 1;
        if weight >= 3 {
            let summary = clamp(std::iter::once(turn.text.as_str()), "", 160);
            spikes.push(Spike { turn_id: &turn.id, timestamp: &turn.written_at, level, summary });
        }
    }
    let mean = if count == 0 { 2.0 } else { f64::from(sum) / f64::from(count) };
    let level = match mean {
        m if m >= 3.5 => "crisis",
        m if m >= 2.5 => "rising",
        m if m >= 1.75 => "steady",
        _ => "calm",
    };
    Tension { level, spikes }
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
