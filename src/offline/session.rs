//! From JSON to a session: cleaned turns, times, scenes and change feed. Whatever is of the wrong type is left
//! out and told, with its place.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Map, Value};

use super::id::Id;
use super::json;
use super::notes::Notes;
use super::turns::{self, Turn};
use crate::finding::{Finding, Status, count};
use crate::json::lenient::{self, is_truthy, kind};
use crate::time::Stamp;

/// A closed session, cleaned.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Session {
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
    pub(crate) fn is_incomplete(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Status::Fail)
    }
}

/// A change with safety flags.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FlaggedChange {
    /// When.
    pub at: Value,
    /// Why, in the words of the producer.
    pub reason: Option<String>,
    /// The flags, each with its severity.
    pub flags: Vec<(String, Option<String>)>,
}

/// JSON that is no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Other {
    /// A list; exporters put a bare transcript beside the session.
    List,
    /// The summary that exporters put beside the session.
    Summary,
    /// A result of an earlier check.
    Result,
    /// Nothing that we know.
    Unknown,
}

impl Other {
    /// What it is, in words.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::List => "a list, such as a bare transcript",
            Self::Summary => "the summary of a session",
            Self::Result => "a result of an earlier check",
            Self::Unknown => "not a session: it has neither `transcript` nor `sessionState`",
        }
    }
}

/// What a file turned out to be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Artefact {
    /// A session.
    Session(Box<Session>),
    /// Something else.
    Other(Other),
    /// Nothing that can be used; says why.
    Broken(String),
}

/// Reads a file; `id` replaces the session's own.
pub(crate) fn read(bytes: &[u8], id: Option<&str>) -> Artefact {
    let parsed = match json::parse(bytes) {
        Ok(parsed) => parsed,
        Err(error) => return Artefact::Broken(error),
    };
    let mut top = match parsed.value {
        Value::Object(top) => top,
        Value::Array(_) => return Artefact::Other(Other::List),
        _ => return Artefact::Broken("this is a bare JSON value, not a session".to_owned()),
    };
    if !top.contains_key("transcript") && !top.contains_key("sessionState") {
        let schema = top.get("schema").and_then(Value::as_str).unwrap_or_default();
        let ours =
            schema.starts_with("emp-ops/") || top.contains_key("worldDeltas") || top.contains_key("totalSessions");
        let summary = top.contains_key("sessionId") && top.contains_key("turnCount");
        return Artefact::Other(match (ours, summary) {
            (true, _) => Other::Result,
            (_, true) => Other::Summary,
            _ => Other::Unknown,
        });
    }
    let mut notes = Notes::default();
    for place in &parsed.doubled {
        notes.fail(place, "is given twice; only the last was read");
    }
    let given = id.map(|id| Id::Text(id.to_owned()));
    let said = |value: &&Value| is_truthy(value) && value.as_str().is_none_or(|text| !text.trim().is_empty());
    let own = top.get("sessionId").filter(said);
    let Some(id) = given.or_else(|| own.and_then(Id::of)) else {
        return Artefact::Broken(match own {
            None => "it has no `sessionId`; give one with --session".to_owned(),
            Some(value) => format!("its `sessionId` is {}, not text; give one with --session", kind(value)),
        });
    };
    says_incomplete(&top, &mut notes);
    let turns = turns::transcript(top.remove("transcript").unwrap_or_default(), &mut notes);
    let state = notes.object(top.remove("sessionState").unwrap_or_default(), "sessionState");
    let job = notes.object(top.remove("closureJob").unwrap_or_default(), "closureJob");
    let closed_at = closing_time(&state, &job, &mut notes);
    let scenes = scene_titles(&state, &mut notes);
    let flagged = flagged_changes(&state, &mut notes);
    contradictions(&id, &state, &turns, closed_at, &mut notes);
    let last_at = turns.iter().filter_map(|turn| turn.at).max();
    if closed_at.is_none() {
        notes.warn("sessionState.closedAt", "is missing, so the schedule does not start where the session ended");
    }
    Artefact::Session(Box::new(Session { id, turns, closed_at, last_at, scenes, flagged, findings: notes.into() }))
}

/// How long after its last turn a session may be closed without a word.
const LATE: Duration = Duration::from_secs(366 * 86_400);

/// Notes where the exporter says itself that this is not all.
fn says_incomplete(top: &Map<String, Value>, notes: &mut Notes) {
    for flag in ["truncated", "partial", "incomplete"] {
        if top.get(flag).is_some_and(|value| lenient::flag(Some(value))) {
            notes.fail(flag, "says that this is not the whole session; what is missing was not checked");
        }
    }
    if let Some(error) = top.get("error").filter(|error| is_truthy(error)) {
        notes.warn("error", format_args!("tells of a failure of the export: {error}"));
    }
    let listed = top.get("transcript").and_then(Value::as_array).map(|turns| turns.len() as u64);
    let claimed = lenient::natural(top.get("turnCount"));
    if let Some((claimed, listed)) = claimed.zip(listed).filter(|(claimed, listed)| claimed != listed) {
        notes.warn("turnCount", format_args!("is {claimed}, but the transcript holds {}", count(listed, "turn")));
    }
}

/// Notes where parts of the session contradict each other.
fn contradictions(id: &Id, state: &Map<String, Value>, turns: &[Turn], closed_at: Option<Stamp>, notes: &mut Notes) {
    let other = state.get("sessionId").and_then(Id::of).filter(|other| other.to_string() != id.to_string());
    if let Some(other) = other {
        notes.warn("sessionState.sessionId", format_args!("is {other}: the state of another session than {id}"));
    }
    let word = state.get("status").and_then(Value::as_str).map(|word| word.trim().to_ascii_lowercase());
    if let Some(word) = word.filter(|word| ["active", "open", "paused", "running"].contains(&word.as_str())) {
        notes.warn("sessionState.status", format_args!("is {word}: the session is not closed"));
    }
    let last = turns.iter().filter_map(|turn| turn.at).max();
    if let Some((closed, last)) = closed_at.zip(last) {
        if last.seconds_since(closed) > 60.0 {
            notes.warn("sessionState.closedAt", format_args!("is before the last turn ({})", last.human()));
        } else if closed.since(last) > LATE {
            notes.warn("sessionState.closedAt", "is more than a year after the last turn");
        }
    }
    let mut seen = BTreeSet::new();
    if let Some(twice) = turns.iter().find(|turn| !seen.insert(turn.id.to_string())) {
        notes.warn("transcript", format_args!("has two turns with the id {}", twice.id));
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
            notes.fail(format_args!("sessionState.{key}"), format_args!("is {}, not a list", kind(other)));
            &[]
        }
    }
}

fn scene_titles(state: &Map<String, Value>, notes: &mut Notes) -> Vec<(Id, String)> {
    let mut titles = Vec::new();
    for (i, scene) in list(state, "scenes", notes).iter().enumerate() {
        let place = format!("sessionState.scenes[{i}]");
        let Value::Object(scene) = scene else {
            notes.warn(&place, format_args!("is {}, not a scene", kind(scene)));
            continue;
        };
        let id = notes.id(scene.get("sceneId"), format_args!("{place}.sceneId"));
        let title = notes.id(scene.get("title"), format_args!("{place}.title"));
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
            notes.warn(&place, format_args!("is {}, not a change", kind(change)));
            continue;
        };
        let severity = change.get("severity").and_then(Value::as_str);
        let mut flags = Vec::new();
        for key in ["safetyFlags", "flags"] {
            let items = match change.get(key) {
                Some(Value::Array(items)) => items.as_slice(),
                None | Some(Value::Null) => &[],
                Some(other) => {
                    notes.fail(format_args!("{place}.{key}"), format_args!("is {}, not a list of flags", kind(other)));
                    &[]
                }
            };
            for (n, item) in items.iter().enumerate() {
                let own = |key: &str| item.get(key).and_then(Value::as_str);
                match item.as_str().or_else(|| own("id")).filter(|flag| !flag.trim().is_empty()) {
                    Some(flag) => flags.push((flag.to_owned(), own("severity").or(severity).map(str::to_owned))),
                    None => {
                        notes.fail(format_args!("{place}.{key}[{n}]"), format_args!("is {}, not a flag", kind(item)));
                    }
                }
            }
        }
        let at = change.get("timestamp").filter(|at| is_truthy(at)).cloned().unwrap_or_default();
        if !flags.is_empty() {
            notes.time(&at, format_args!("{place}.timestamp"), Status::Warn);
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
            (r#"{"truncated":true,"transcript":[{"text":"x"}]}"#, Status::Fail, "not the whole session"),
            (r#"{"error":"export failed","transcript":[{"text":"x"}]}"#, Status::Warn, "tells of a failure"),
            (r#"{"turnCount":9,"transcript":[{"text":"x"}]}"#, Status::Warn, "is 9, but the transcript holds 1 turn"),
            (r#"{"transcript":[{"text":null},{"text":"x"}]}"#, Status::Warn, "transcript[0] (turn-1).text is null"),
            (r#"{"transcript":[{"id":1,"text":"x"},{"id":1,"text":"y"}]}"#, Status::Warn, "two turns with the id 1"),
            (r#"{"sessionState":{"sessionId":"t"},"transcript":[{"text":"x"}]}"#, Status::Warn, "another session"),
            (r#"{"sessionState":{"status":"active"},"transcript":[{"text":"x"}]}"#, Status::Warn, "is not closed"),
            (
                r#"{"sessionState":{"closedAt":"2020-01-01"},"transcript":[{"text":"x","timestamp":"2025-01-06"}]}"#,
                Status::Warn,
                "before the last turn",
            ),
            (
                r#"{"sessionState":{"closedAt":"9999-01-01"},"transcript":[{"text":"x","timestamp":"2025-01-06"}]}"#,
                Status::Warn,
                "more than a year after",
            ),
        ] {
            let session = session(&text.replacen('{', r#"{"sessionId":"s","#, 1));
            let found = session.findings.iter().find(|finding| finding.summary.contains(expect));
            assert_eq!(found.map(|finding| finding.severity), Some(severity), "{text}: {:?}", session.findings);
        }
    }

    #[test]
    fn other_files_are_told_apart() {
        for (text, expect) in [
            ("[]", Other::List),
            (r#"{"sessionId":"s","turnCount":3}"#, Other::Summary),
            (r#"{"schema":"emp-ops/offline-qa/v1"}"#, Other::Result),
            ("{}", Other::Unknown),
        ] {
            assert_eq!(read(text.as_bytes(), None), Artefact::Other(expect), "{text}");
        }
        // Whatever else it holds, what has a transcript is checked.
        let text = br#"{"sessionId":"s","worldDeltas":{},"schema":"emp-ops/x","transcript":[]}"#;
        assert!(matches!(read(text, None), Artefact::Session(_)));
        for text in [
            "null",
            "5",
            "{",
            r#"{"transcript":[]}"#,
            r#"{"sessionId":[],"transcript":[]}"#,
            r#"{"sessionId":" ","transcript":[]}"#,
        ] {
            assert!(matches!(read(text.as_bytes(), None), Artefact::Broken(_)), "{text}");
        }
        assert!(matches!(read(br#"{"transcript":[]}"#, Some("s")), Artefact::Session(_)));
    }
}
