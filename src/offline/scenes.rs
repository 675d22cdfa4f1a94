//! Turns to scenes.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use serde::Serialize;
use serde_json::{Map, Value};

use super::id::Id;
use super::moment::Moment;
use super::reading::sentences::is_blank;
use super::session::Session;
use super::turns::Turn;
use crate::json::lenient::is_truthy;

/// A scene.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Scene<'a> {
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
pub(crate) struct Tension<'a> {
    /// `calm`, `steady`, `rising` or `crisis`.
    pub level: &'static str,
    /// Turns that were rising or worse.
    pub spikes: Vec<Spike<'a>>,
}

/// A tense turn.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Spike<'a> {
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
pub(crate) struct Hook<'a> {
    /// What it is about.
    pub title: &'a Value,
    /// Its type, or null.
    #[serde(rename = "type")]
    pub kind: &'a Value,
}

/// A moment worth keeping.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KeyMoment<'a> {
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
pub(crate) struct SafetyFlag<'a> {
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
pub(crate) struct TimeRange {
    /// The earliest.
    pub start: Option<Moment>,
    /// The latest.
    pub end: Option<Moment>,
}

static NULL: Value = Value::Null;

/// The act of turns that name none.
pub(crate) fn default_act() -> Id {
    Id::Text("act:default".to_owned())
}

/// The scenes of a session, in the order of their first turn.
pub(crate) fn scenes(session: &Session) -> Vec<Scene<'_>> {
    let titles: HashMap<&Id, &str> = session.scenes.iter().rev().map(|(id, title)| (id, title.as_str())).collect();
    grouped(&session.turns)
        .into_iter()
        .enumerate()
        .map(|(index, (id, turns))| scene(id, index, &turns, &titles))
        .collect()
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
        tags.extend(texts.map(|tag| tag.trim_matches(is_blank)).filter(|tag| !tag.is_empty()));
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
pub(super) fn clamp<'t>(parts: impl Iterator<Item = &'t str>, joint: &str, longest: usize) -> String {
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
