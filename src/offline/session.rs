//! From JSON to a session: cleaned turns, times, scenes and change feed. Whatever is of the wrong type is left
//! out and told, with its place.

use std::time::Duration;

use serde_json::{Map, Value};

use super::id::Id;
use super::json;
use crate::finding::{Finding, Status};
use crate::time::Stamp;

/// A closed session, cleaned.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// Its id.
    pub id: Id,
    /// The turns that say something.
    pub turns: Vec<Turn>,
    /// When it was closed, by its state or else by its closure job.
    pub closed_at: Option<Stamp>,
    /// The latest time that a turn names.
    pub last_at: Option<Stamp>,
    /// Titles of scenes, from the session's state.
    pub scenes: Vec<(Id, String)>,
    /// Changes that carry safety flags, from the session's state.
    pub flagged: Vec<FlaggedChange>,
    /// What is wrong with the file.
    pub findings: Vec<Finding>,
}

impl Session {
    /// Whether some of what was said could not be read, so that nobody can know what it would change.
    pub fn is_incomplete(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Status::Fail)
    }
}

/// One turn.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
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

/// A change with safety flags.
#[derive(Clone, Debug, PartialEq)]
pub struct FlaggedChange {
    /// When.
    pub at: Value,
    /// Why, in the words of the producer.
    pub reason: Option<String>,
    /// The flags, each with its severity.
    pub flags: Vec<(String, Option<String>)>,
}

/// What a file turned out to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Artefact {
    /// A session.
    Session(Box<Session>),
    /// Something else that belongs beside sessions, or is not about sessions; says what.
    Other {
        /// What it is.
        what: &'static str,
        /// Whether it is known to stand beside sessions (a transcript, a summary, a result of ours).
        expected: bool,
    },
    /// Nothing that can be used; says why.
    Broken(String),
}

/// The most text that one turn may have, in bytes; more is no turn but a fault of the export.
const LONGEST_TURN: usize = 256 << 10;
/// How many findings are told one by one.
const MAX_FINDINGS: usize = 200;

/// JSON's idea of nothing, as scripts see it: missing, null, false, 0, empty text.
pub fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(on) => *on,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

/// Reads a file; `id` replaces the session's own.
pub fn read(bytes: &[u8], id: Option<&str>) -> Artefact {
    let parsed = match json::parse(bytes) {
        Ok(parsed) => parsed,
        Err(error) => return Artefact::Broken(error),
    };
    let mut top = match parsed.value {
        Value::Object(top) => top,
        Value::Array(_) => return Artefact::Other { what: "a list, such as a bare transcript", expected: true },
        _ => return Artefact::Broken("this is a bare JSON value, not a session".to_owned()),
    };
    let ours = top.get("schema").and_then(Value::as_str).is_some_and(|schema| schema.starts_with("emp-ops/"));
    if ours || top.contains_key("worldDeltas") || top.contains_key("totalSessions") {
        return Artefact::Other { what: "a result of an earlier check", expected: true };
    }
    if !top.contains_key("transcript") && !top.contains_key("sessionState") {
        return if top.contains_key("sessionId") && top.contains_key("turnCount") {
            Artefact::Other { what: "the summary of a session", expected: true }
        } else {
            Artefact::Other { what: "not a session: it has neither `transcript` nor `sessionState`", expected: false }
        };
    }
    let mut notes = Notes::default();
    for place in &parsed.doubled {
        notes.fail(place, "is given twice; only the last was read");
    }
    let given = id.map(|id| Id::Text(id.to_owned()));
    let own = top.get("sessionId").filter(|value| is_truthy(value));
    let Some(id) = given.or_else(|| own.and_then(Id::of)) else {
        return Artefact::Broken(match own {
            None => "it has no `sessionId`; give one with --session".to_owned(),
            Some(value) => format!("its `sessionId` is {}, not text; give one with --session", kind(value)),
        });
    };
    let turns = transcript(top.remove("transcript").unwrap_or_default(), &mut notes);
    let state = notes.object(top.remove("sessionState").unwrap_or_default(), "sessionState");
    let job = notes.object(top.remove("closureJob").unwrap_or_default(), "closureJob");
    let closed_at = closing_time(&state, &job, &mut notes);
    let scenes = scene_titles(&state, &mut notes);
    let flagged = flagged_changes(&state, &mut notes);
    let last_at = turns.iter().filter_map(|turn| turn.at).max();
    if closed_at.is_none() {
        notes.warn("sessionState.closedAt", "is missing, so the schedule does not start where the session ended");
    }
    Artefact::Session(Box::new(Session { id, turns, closed_at, last_at, scenes, flagged, findings: notes.into() }))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Findings about places in the file; many of them are counted rather than told one by one.
#[derive(Default)]
struct Notes {
    findings: Vec<Finding>,
    more: u64,
    worst: Status,
}

impl Notes {
    fn add(&mut self, severity: Status, place: &str, what: &str) {
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(Finding::new(severity, format!("{place} {what}")).with("field", place));
        } else {
            self.more += 1;
            self.worst = self.worst.max(severity);
        }
    }

    fn warn(&mut self, place: &str, what: &str) {
        self.add(Status::Warn, place, what);
    }

    fn fail(&mut self, place: &str, what: &str) {
        self.add(Status::Fail, place, what);
    }

    /// The object at `place`, or none with a finding.
    fn object(&mut self, value: Value, place: &str) -> Map<String, Value> {
        match value {
            Value::Object(object) => object,
            Value::Null => Map::new(),
            other => {
                self.fail(place, &format!("is {}, not an object", kind(&other)));
                Map::new()
            }
        }
    }

    /// The time at `place`: text, or milliseconds since the epoch; without a zone it is UTC.
    fn time(&mut self, value: &Value, place: &str, severity: Status) -> Option<Stamp> {
        if !is_truthy(value) {
            return None;
        }
        let at = match value {
            Value::String(text) => Stamp::parse(text),
            Value::Number(number) => number.as_f64().and_then(from_millis),
            _ => None,
        };
        if at.is_none() {
            let shown: String = value.to_string().chars().take(60).collect();
            self.add(severity, place, &format!("is not a time: {shown}"));
        }
        at
    }

    fn id(&mut self, value: Option<&Value>, place: &str) -> Option<Id> {
        let value = value.filter(|value| is_truthy(value))?;
        let id = Id::of(value);
        if id.is_none() {
            self.warn(place, &format!("is {}, not an id", kind(value)));
        }
        id
    }
}

impl From<Notes> for Vec<Finding> {
    fn from(notes: Notes) -> Self {
        let mut findings = notes.findings;
        if notes.more > 0 {
            findings.push(Finding::new(notes.worst, format!("{} more faults of this kind are not listed", notes.more)));
        }
        findings
    }
}

fn from_millis(millis: f64) -> Option<Stamp> {
    const LIMIT: f64 = 8.64e15;
    (millis.abs() <= LIMIT).then(|| Stamp::from_micros((millis * 1000.0) as i64)).flatten()
}

fn transcript(value: Value, notes: &mut Notes) -> Vec<Turn> {
    let entries = match value {
        Value::Array(entries) => entries,
        Value::Null => Vec::new(),
        other => {
            notes.fail("transcript", &format!("is {}, not a list of turns", kind(&other)));
            return Vec::new();
        }
    };
    let mut turns = Vec::with_capacity(entries.len());
    let mut number = 0;
    let clean = notes.findings.len();
    for (index, entry) in entries.into_iter().enumerate() {
        let place = format!("transcript[{index}]");
        match entry {
            Value::Object(entry) => {
                number += 1;
                turns.extend(turn(entry, number, &place, notes));
            }
            empty if !is_truthy(&empty) => notes.warn(&place, &format!("is {}, not a turn", kind(&empty))),
            other => {
                number += 1;
                notes.fail(&place, &format!("is {}, not a turn, and was not read", kind(&other)));
            }
        }
    }
    if turns.is_empty() && notes.findings[clean..].iter().all(|finding| finding.severity < Status::Fail) {
        notes.fail("transcript", "has no turn that says anything, so nothing was checked");
    }
    turns
}

fn turn(mut entry: Map<String, Value>, number: usize, place: &str, notes: &mut Notes) -> Option<Turn> {
    let first = |keys: [&str; 2], entry: &Map<String, Value>| {
        keys.into_iter().find(|key| entry.get(*key).is_some_and(is_truthy)).unwrap_or(keys[0]).to_owned()
    };
    let key = first(["turnId", "id"], &entry);
    let id = notes.id(entry.get(&key), &format!("{place}.{key}")).unwrap_or_else(|| format!("turn-{number}").into());
    // Findings name the turn as people know it.
    let place = format!("{place} ({id})");
    let text = text(&mut entry, &place, notes)?;
    let mut metadata = match entry.remove("metadata") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(metadata)) => metadata,
        Some(other) => {
            notes.warn(&format!("{place}.metadata"), &format!("is {}, not an object", kind(&other)));
            Map::new()
        }
    };
    metadata_types(&mut metadata, &place, notes);
    let mut own_or_metadata = |key: &str| {
        let own = entry.remove(key).filter(is_truthy);
        own.or_else(|| metadata.get(key).filter(|value| is_truthy(value)).cloned()).unwrap_or_default()
    };
    let (scene, act, written_at) = (own_or_metadata("sceneId"), own_or_metadata("actId"), own_or_metadata("timestamp"));
    let key = first(["speaker", "role"], &entry);
    let speaker =
        notes.id(entry.get(&key), &format!("{place}.{key}")).map_or_else(|| "gm".to_owned(), |s| s.to_string());
    Some(Turn {
        number,
        scene: notes.id(Some(&scene), &format!("{place}.sceneId")),
        act: notes.id(Some(&act), &format!("{place}.actId")),
        at: notes.time(&written_at, &format!("{place}.timestamp"), Status::Warn),
        id,
        speaker,
        text,
        written_at,
        metadata,
    })
}

/// The text of a turn, `text` before `content`; none where there is nothing to read.
fn text(entry: &mut Map<String, Value>, place: &str, notes: &mut Notes) -> Option<String> {
    let mut unread = None;
    for key in ["text", "content"] {
        match entry.remove(key) {
            Some(Value::String(text)) if text.len() > LONGEST_TURN => {
                notes.fail(
                    &format!("{place}.{key}"),
                    &format!("has {} bytes, too many for one turn; it was not read", text.len()),
                );
                return None;
            }
            Some(Value::String(text)) if !text.trim_matches(super::sentences::is_blank).is_empty() => {
                if let Some((key, what)) = unread {
                    notes.warn(&format!("{place}.{key}"), &format!("is {what}, not text; `content` was read instead"));
                }
                return Some(text);
            }
            Some(Value::String(_) | Value::Null) | None => {}
            Some(other) => unread = unread.or(Some((key, kind(&other)))),
        }
    }
    if let Some((key, what)) = unread {
        notes.fail(&format!("{place}.{key}"), &format!("is {what}, not text, and was not read"));
    }
    None
}

/// Removes members of the wrong type, so that the stages need not ask.
fn metadata_types(metadata: &mut Map<String, Value>, place: &str, notes: &mut Notes) {
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
            notes.warn(&format!("{place}.metadata.{key}"), &format!("is {}, not {expected}", kind(value)));
        }
        if let (Value::Array(items), true) = (&*value, fits) {
            for (i, item) in items.iter().enumerate().filter(|(_, item)| !item_fits(key, item)) {
                let at = format!("{place}.metadata.{key}[{i}]");
                notes.warn(&at, &format!("is {} that nobody can use here", kind(item)));
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

fn closing_time(state: &Map<String, Value>, job: &Map<String, Value>, notes: &mut Notes) -> Option<Stamp> {
    let nothing = Value::Null;
    let of_state = state.get("closedAt").unwrap_or(&nothing);
    let of_job = job.get("closedAt").unwrap_or(&nothing);
    let state_at = notes.time(of_state, "sessionState.closedAt", Status::Fail);
    let job_at = notes.time(of_job, "closureJob.closedAt", Status::Warn);
    if let (Some(state_at), Some(job_at)) = (state_at, job_at) {
        let apart = state_at.since(job_at).max(job_at.since(state_at));
        if apart > Duration::from_secs(60) {
            let what = format!("differs from sessionState.closedAt by {}", crate::time::human_duration(apart));
            notes.warn("closureJob.closedAt", &what);
        }
    }
    state_at.or(job_at)
}

/// The list at `sessionState.<key>`, or none with a finding.
fn list<'v>(state: &'v Map<String, Value>, key: &str, notes: &mut Notes) -> &'v [Value] {
    match state.get(key) {
        None | Some(Value::Null) => &[],
        Some(Value::Array(list)) => list,
        Some(other) => {
            notes.fail(&format!("sessionState.{key}"), &format!("is {}, not a list", kind(other)));
            &[]
        }
    }
}

fn scene_titles(state: &Map<String, Value>, notes: &mut Notes) -> Vec<(Id, String)> {
    let mut titles = Vec::new();
    for (i, scene) in list(state, "scenes", notes).iter().enumerate() {
        let place = format!("sessionState.scenes[{i}]");
        let Value::Object(scene) = scene else {
            notes.warn(&place, &format!("is {}, not a scene", kind(scene)));
            continue;
        };
        let id = notes.id(scene.get("sceneId"), &format!("{place}.sceneId"));
        let title = notes.id(scene.get("title"), &format!("{place}.title"));
        if let (Some(id), Some(title)) = (id, title) {
            titles.push((id, title.to_string()));
        }
    }
    titles
}

fn flagged_changes(state: &Map<String, Value>, notes: &mut Notes) -> Vec<FlaggedChange> {
    let mut changes = Vec::new();
    for (i, change) in list(state, "changeFeed", notes).iter().enumerate() {
        let place = format!("sessionState.changeFeed[{i}]");
        let Value::Object(change) = change else {
            notes.warn(&place, &format!("is {}, not a change", kind(change)));
            continue;
        };
        let severity = change.get("severity").and_then(Value::as_str);
        let mut flags = Vec::new();
        for key in ["safetyFlags", "flags"] {
            let items = match change.get(key) {
                Some(Value::Array(items)) => items.as_slice(),
                None | Some(Value::Null) => &[],
                Some(other) => {
                    notes.fail(&format!("{place}.{key}"), &format!("is {}, not a list of flags", kind(other)));
                    &[]
                }
            };
            for (n, item) in items.iter().enumerate() {
                let own = |key: &str| item.get(key).and_then(Value::as_str);
                match item.as_str().or_else(|| own("id")).filter(|flag| !flag.trim().is_empty()) {
                    Some(flag) => flags.push((flag.to_owned(), own("severity").or(severity).map(str::to_owned))),
                    None => notes.fail(&format!("{place}.{key}[{n}]"), &format!("is {}, not a flag", kind(item))),
                }
            }
        }
        let at = change.get("timestamp").filter(|at| is_truthy(at)).cloned().unwrap_or_default();
        if !flags.is_empty() {
            notes.time(&at, &format!("{place}.timestamp"), Status::Warn);
            let reason = change.get("reason").and_then(Value::as_str).map(str::to_owned);
            changes.push(FlaggedChange { at, reason, flags });
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(text: &str) -> Session {
        match read(text.as_bytes(), None) {
            Artefact::Session(session) => *session,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn turns_are_cleaned() {
        let session = session(
            r#"{"sessionId":"s","transcript":[null,{"text":" ","id":"e"},{"text":"","content":" kept "},
                {"id":7,"role":"player","text":"x","metadata":{"sceneId":"m","timestamp":0}},{"text":"y","sceneId":3}],
                "closureJob":{"closedAt":"2025-01-06T00:00:00"}}"#,
        );
        let turns: Vec<_> =
            session.turns.iter().map(|t| (t.number, t.id.to_string(), t.speaker.as_str(), t.text.as_str())).collect();
        assert_eq!(
            turns,
            [(2, "turn-2".into(), "gm", " kept "), (3, "7".into(), "player", "x"), (4, "turn-4".into(), "gm", "y")]
        );
        assert_eq!(session.turns[1].scene, Some(Id::Text("m".into())));
        assert_eq!(session.turns[2].scene, Some(Id::Number(3.into())));
        assert_eq!(session.closed_at, Stamp::parse("2025-01-06T00:00:00Z"));
        assert!(!session.is_incomplete());
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_place() {
        for (text, severity, expect) in [
            (r#"{"transcript":5}"#, Status::Fail, "transcript is a number"),
            (r#"{"transcript":null}"#, Status::Fail, "no turn that says anything"),
            (r#"{"transcript":[{"text":null}]}"#, Status::Fail, "no turn that says anything"),
            (r#"{"transcript":["hello"]}"#, Status::Fail, "transcript[0] is text, not a turn"),
            (r#"{"transcript":[{"id":"a","text":["x"]}]}"#, Status::Fail, "transcript[0] (a).text is a list"),
            (r#"{"transcript":[{"text":"x"}],"transcript":[{"text":"y"}]}"#, Status::Fail, "given twice"),
            (r#"{"sessionState":{"closedAt":"soon"}}"#, Status::Fail, "sessionState.closedAt is not a time: \"soon\""),
            (r#"{"sessionState":{"changeFeed":[{"safetyFlags":[4]}]}}"#, Status::Fail, "safetyFlags[0] is a number"),
            (
                r#"{"transcript":[{"id":"a","text":"x","timestamp":"late"}]}"#,
                Status::Warn,
                "(a).timestamp is not a time",
            ),
            (r#"{"transcript":[{"text":5,"content":"x"}]}"#, Status::Warn, "`content` was read instead"),
            (
                r#"{"transcript":[{"text":"x","metadata":{"tension":{}}}]}"#,
                Status::Warn,
                "metadata.tension is an object",
            ),
            (r#"{"transcript":[{"text":"x","metadata":{"tags":[4]}}]}"#, Status::Warn, "metadata.tags[0] is a number"),
            (r#"{"transcript":[{"text":"x"}]}"#, Status::Warn, "sessionState.closedAt is missing"),
        ] {
            let session = session(&text.replacen('{', r#"{"sessionId":"s","#, 1));
            let found = session.findings.iter().find(|finding| finding.summary.contains(expect));
            assert_eq!(found.map(|finding| finding.severity), Some(severity), "{text}: {:?}", session.findings);
        }
    }

    #[test]
    fn other_files_are_told_apart() {
        for (text, expected) in [
            ("[]", true),
            (r#"{"sessionId":"s","turnCount":3}"#, true),
            (r#"{"schema":"emp-ops/offline-qa/v1"}"#, true),
            ("{}", false),
        ] {
            let Artefact::Other { expected: found, .. } = read(text.as_bytes(), None) else { panic!("{text}") };
            assert_eq!(found, expected, "{text}");
        }
        for text in ["null", "5", "{", r#"{"transcript":[]}"#, r#"{"sessionId":[],"transcript":[]}"#] {
            assert!(matches!(read(text.as_bytes(), None), Artefact::Broken(_)), "{text}");
        }
        assert!(matches!(read(br#"{"transcript":[]}"#, Some("s")), Artefact::Session(_)));
    }
}
