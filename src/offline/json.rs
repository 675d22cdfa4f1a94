//! Session artefacts as JSON: keeps what the stages use, checks everything else, and notices what a plain
//! reader would lose without a word (members given twice).

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// The most values that are kept of one document: ten times what a long session has. More would not be checked
/// in reasonable memory, and is no session.
const MAX_VALUES: usize = 2_000_000;
/// How many doubled members are named.
const MAX_NAMED: usize = 20;

/// A document that could be read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Parsed {
    /// The parts that the stages use; everything else is left out.
    pub value: Value,
    /// Members that are twice in one object, such as `transcript[3].text`; the last one counts.
    pub doubled: Vec<String>,
}

/// Reads a session artefact; a byte-order mark is accepted.
///
/// # Errors
/// Says what is wrong and at which line and column: not JSON, not UTF-8, nested more than 128 deep, half a
/// surrogate pair, too many values.
pub(crate) fn parse(bytes: &[u8]) -> Result<Parsed, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err("the file is empty".to_owned());
    }
    let trail = RefCell::new(Trail::default());
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Node { keep: Keep::Artefact, trail: &trail }
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value))
        .map_err(|error| error.to_string())?;
    Ok(Parsed { value, doubled: trail.into_inner().doubled })
}

/// What to keep of a value.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Keep {
    Artefact,
    Transcript,
    Turn,
    Metadata,
    State,
    Job,
    All,
    /// That it is there.
    Presence,
    Nothing,
}

impl Keep {
    /// What to keep of the member `key` of an object.
    fn member(self, key: &str) -> Self {
        match (self, key) {
            (Self::Artefact, "transcript") => Self::Transcript,
            (Self::Artefact, "sessionState") => Self::State,
            (Self::Artefact, "closureJob") => Self::Job,
            (
                Self::Artefact,
                "sessionId" | "schema" | "truncated" | "partial" | "incomplete" | "error" | "turnCount",
            )
            | (Self::Job, "closedAt")
            | (Self::State, "closedAt" | "scenes" | "changeFeed" | "sessionId" | "status")
            | (
                Self::Turn,
                "turnId" | "id" | "sceneId" | "actId" | "speaker" | "role" | "timestamp" | "text" | "content",
            )
            | (
                Self::Metadata,
                "sceneId" | "actId" | "timestamp" | "sceneTitle" | "scene" | "tension" | "hooks" | "unresolvedHooks"
                | "keyMoment" | "highlights" | "safetyFlags" | "tags" | "momentum" | "achievements" | "assetsGranted"
                | "assetsEarned" | "debtsIncurred" | "reputationShifts" | "highlightQuote",
            )
            | (Self::All, _) => Self::All,
            (Self::Artefact, "worldDeltas" | "totalSessions") => Self::Presence,
            (Self::Turn, "metadata") => Self::Metadata,
            _ => Self::Nothing,
        }
    }

    /// What to keep of each element of a list.
    fn element(self) -> Self {
        match self {
            Self::Transcript => Self::Turn,
            Self::All => Self::All,
            _ => Self::Nothing,
        }
    }

    fn keeps(self) -> bool {
        !matches!(self, Self::Nothing | Self::Presence)
    }
}

/// What was learnt on the way.
#[derive(Default)]
struct Trail {
    values: usize,
    doubled: Vec<String>,
}

impl Trail {
    /// Puts the step that leads to them before the members that were found doubled since there were `known`.
    fn lead(&mut self, known: usize, step: impl Fn() -> String) {
        for path in self.doubled.iter_mut().skip(known) {
            let dot = if path.starts_with('[') { "" } else { "." };
            *path = format!("{}{dot}{path}", step());
        }
    }
}

#[derive(Clone, Copy)]
struct Node<'a> {
    keep: Keep,
    trail: &'a RefCell<Trail>,
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        if self.keep.keeps() {
            let mut trail = self.trail.borrow_mut();
            trail.values += 1;
            if trail.values > MAX_VALUES {
                return Err(de::Error::custom("more than two million values, too many for a session"));
            }
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(if self.keep.keeps() { value.into() } else { Value::Null })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let (keep, mut kept) = (self.keep.element(), Vec::new());
        for index in 0_usize.. {
            let known = self.trail.borrow().doubled.len();
            let Some(value) = list.next_element_seed(Node { keep, ..self })? else { break };
            self.trail.borrow_mut().lead(known, || format!("[{index}]"));
            if keep.keeps() {
                kept.push(value);
            }
        }
        Ok(Value::Array(kept))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut kept = Map::new();
        let mut seen = Seen::default();
        while let Some(key) = members.next_key::<Cow<'de, str>>()? {
            let keep = self.keep.member(&key);
            let known = self.trail.borrow().doubled.len();
            let value = members.next_value_seed(Node { keep, ..self })?;
            let mut trail = self.trail.borrow_mut();
            trail.lead(known, || key.to_string());
            if !seen.first(&key) && trail.doubled.len() < MAX_NAMED {
                trail.doubled.push(key.to_string());
            }
            match keep {
                Keep::Nothing => {}
                Keep::Presence => drop(kept.insert(key.into_owned(), Value::Bool(true))),
                _ => drop(kept.insert(key.into_owned(), value)),
            }
        }
        Ok(Value::Object(kept))
    }
}

/// The keys of one object, as hashes: a short list while there are few, a set when there are many.
#[derive(Default)]
struct Seen {
    few: Vec<u64>,
    many: HashSet<u64>,
}

impl Seen {
    /// Whether `key` is new.
    fn first(&mut self, key: &str) -> bool {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let hash = hasher.finish();
        if self.few.len() < 32 {
            let new = !self.few.contains(&hash);
            self.few.push(hash);
            return new;
        }
        if self.many.is_empty() {
            self.many.extend(&self.few);
        }
        self.many.insert(hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_stage_uses_is_checked_but_not_kept() {
        let parsed =
            parse(br#"{"sessionId":"s","telemetry":[{"a":1}],"transcript":[{"text":"x","prompt":"y"}]}"#).unwrap();
        assert_eq!(parsed.value, serde_json::json!({"sessionId": "s", "transcript": [{"text": "x"}]}));
        assert!(parsed.doubled.is_empty());
    }

    #[test]
    fn doubled_members_are_named() {
        let text = br#"{"a":{"b":1,"b":2},"transcript":[{"text":"x"},{"text":"y","text":"z"}],"transcript":[]}"#;
        assert_eq!(parse(text).unwrap().doubled, ["a.b", "transcript[1].text", "transcript"]);
        let wide: Vec<String> = (0..100).map(|n| format!("\"k{n}\":0")).collect();
        let wide = format!("{{{},\"k5\":1}}", wide.join(","));
        assert_eq!(parse(wide.as_bytes()).unwrap().doubled, ["k5"]);
    }

    #[test]
    fn broken_documents_are_errors_with_their_place() {
        for (text, expect) in [
            (&b""[..], "empty"),
            (b"\xef\xbb\xbf \n", "empty"),
            (b"{\"a\":", "line 1 column 5"),
            (b"{\"a\":1} x", "trailing"),
            (br#"{"a":"\ud800"}"#, "line 1 column"),
            (b"{\"a\":\"\xff\"}", "line 1 column"),
            (b"{\"a\":1e999}", "line 1 column"),
            (&b"[".repeat(100_000), "recursion limit"),
            (&[&b"{\"transcript\":["[..], &b"0,".repeat(MAX_VALUES)].concat(), "too many"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(expect), "{error}");
        }
        assert!(parse(b"\xef\xbb\xbf{}").is_ok());
    }
}
