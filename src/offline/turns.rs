//! The transcript: turns that say something, with metadata of the types that the stages expect.

use std::fmt::{self, Display};

use serde_json::{Map, Value};

use super::id::Id;
use super::notes::Notes;
use super::reading::sentences::is_blank;
use crate::finding::Status;
use crate::json::lenient::{is_truthy, kind};
use crate::time::Stamp;

/// One turn.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Turn {
    /// Its place in the transcript, from 1.
    pub number: usize,
    /// `turnId`, `id`, or `turn-<number>`.
    pub id: Id,
    /// The scene that it names.
    pub scene: Option<Id>,
    /// The act that it names.
    pub act: Option<Id>,
    /// `speaker`, `role`, or `gm`.
    pub speaker: String,
    /// What was said; not blank.
    pub text: String,
    /// The time as written, null where there is none.
    pub written_at: Value,
    /// The time, where it could be read.
    pub at: Option<Stamp>,
    /// Members with the types that the stages expect.
    pub metadata: Map<String, Value>,
}

/// The most text that one turn may have, in bytes; more is no turn but a fault of the export.
const LONGEST_TURN: usize = 256 << 10;
/// A turn as findings name it: `transcript[3] (t4)`.
#[derive(Clone, Copy)]
struct TurnPlace<'a> {
    index: usize,
    id: Option<&'a Id>,
}

impl Display for TurnPlace<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "transcript[{}]", self.index)?;
        self.id.map_or(Ok(()), |id| write!(f, " ({id})"))
    }
}

/// Cleans the transcript: what is no turn is told, turns that say nothing are left out.
pub(super) fn transcript(value: Value, notes: &mut Notes) -> Vec<Turn> {
    let entries = match value {
        Value::Array(entries) => entries,
        Value::Null => Vec::new(),
        other => {
            notes.fail("transcript", format_args!("is {}, not a list of turns", kind(&other)));
            return Vec::new();
        }
    };
    let mut turns = Vec::with_capacity(entries.len());
    let mut number = 0;
    for (index, entry) in entries.into_iter().enumerate() {
        let place = TurnPlace { index, id: None };
        match entry {
            Value::Object(entry) => {
                number += 1;
                turns.extend(turn(entry, number, place, notes));
            }
            empty if !is_truthy(&empty) => notes.warn(place, format_args!("is {}, not a turn", kind(&empty))),
            other => {
                number += 1;
                notes.fail(place, format_args!("is {}, not a turn, and was not read", kind(&other)));
            }
        }
    }
    if turns.is_empty() && notes.worst() < Status::Fail {
        notes.fail("transcript", "has no turn that says anything, so nothing was checked");
    }
    turns
}

fn turn(mut entry: Map<String, Value>, number: usize, place: TurnPlace<'_>, notes: &mut Notes) -> Option<Turn> {
    let first = |keys: [&str; 2], entry: &Map<String, Value>| {
        keys.into_iter().find(|key| entry.get(*key).is_some_and(is_truthy)).unwrap_or(keys[0]).to_owned()
    };
    let key = first(["turnId", "id"], &entry);
    let id =
        notes.id(entry.get(&key), format_args!("{place}.{key}")).unwrap_or_else(|| format!("turn-{number}").into());
    // Findings name the turn as people know it.
    let place = TurnPlace { id: Some(&id), ..place };
    let text = text(&mut entry, place, notes)?;
    let mut metadata = match entry.remove("metadata") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(metadata)) => metadata,
        Some(other) => {
            notes.warn(format_args!("{place}.metadata"), format_args!("is {}, not an object", kind(&other)));
            Map::new()
        }
    };
    metadata_types(&mut metadata, place, notes);
    let mut own_or_metadata = |key: &str| {
        let own = entry.remove(key).filter(is_truthy);
        own.or_else(|| metadata.get(key).filter(|value| is_truthy(value)).cloned()).unwrap_or_default()
    };
    let (scene, act, written_at) = (own_or_metadata("sceneId"), own_or_metadata("actId"), own_or_metadata("timestamp"));
    let key = first(["speaker", "role"], &entry);
    let speaker =
        notes.id(entry.get(&key), format_args!("{place}.{key}")).map_or_else(|| "gm".to_owned(), |s| s.to_string());
    Some(Turn {
        number,
        scene: notes.id(Some(&scene), format_args!("{place}.sceneId")),
        act: notes.id(Some(&act), format_args!("{place}.actId")),
        at: notes.time(&written_at, format_args!("{place}.timestamp"), Status::Warn),
        id,
        speaker,
        text,
        written_at,
        metadata,
    })
}

/// The text of a turn, `text` before `content`; none if there is nothing to read.
fn text(entry: &mut Map<String, Value>, place: TurnPlace<'_>, notes: &mut Notes) -> Option<String> {
    let mut unread = None;
    let null = entry.get("text").is_some_and(Value::is_null);
    for key in ["text", "content"] {
        match entry.remove(key) {
            Some(Value::String(text)) if text.len() > LONGEST_TURN => {
                notes.fail(
                    format_args!("{place}.{key}"),
                    format_args!("has {} bytes, too many for one turn; it was not read", text.len()),
                );
                return None;
            }
            Some(Value::String(text)) if !text.trim_matches(is_blank).is_empty() => {
                if let Some((key, what)) = unread {
                    notes.warn(
                        format_args!("{place}.{key}"),
                        format_args!("is {what}, not text; `content` was read instead"),
                    );
                }
                return Some(text);
            }
            Some(Value::String(_) | Value::Null) | None => {}
            Some(other) => unread = unread.or(Some((key, kind(&other)))),
        }
    }
    if let Some((key, what)) = unread {
        notes.fail(format_args!("{place}.{key}"), format_args!("is {what}, not text, and was not read"));
    } else if null {
        notes.warn(format_args!("{place}.text"), "is null: what was said there is not known");
    }
    None
}

/// Removes members of the wrong type, so that the stages need not ask.
fn metadata_types(metadata: &mut Map<String, Value>, place: TurnPlace<'_>, notes: &mut Notes) {
    metadata.retain(|key, value| {
        let expected = match key.as_str() {
            "tension" => "text",
            "scene" | "momentum" => "an object",
            "hooks" | "unresolvedHooks" | "highlights" | "safetyFlags" | "tags" | "achievements" | "assetsGranted"
            | "assetsEarned" | "debtsIncurred" | "reputationShifts" => "a list",
            _ => return true,
        };
        let fits = kind(value) == expected;
        if !fits && is_truthy(value) {
            notes.warn(format_args!("{place}.metadata.{key}"), format_args!("is {}, not {expected}", kind(value)));
        }
        if let (Value::Array(items), true) = (&*value, fits) {
            for (i, item) in items.iter().enumerate().filter(|(_, item)| !item_fits(key, item)) {
                let at = format!("{place}.metadata.{key}[{i}]");
                notes.warn(&at, format_args!("is {} that nobody can use here", kind(item)));
            }
        }
        fits
    });
}

fn item_fits(key: &str, item: &Value) -> bool {
    match (key, item) {
        (_, Value::String(_)) => true,
        ("safetyFlags", Value::Object(flag)) => flag.get("id").is_some_and(Value::is_string),
        ("hooks" | "achievements" | "assetsGranted" | "assetsEarned" | "debtsIncurred" | "reputationShifts", item) => {
            item.is_object()
        }
        _ => false,
    }
}
