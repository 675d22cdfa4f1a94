//! The observation: what the last smoke runs learnt about admin alerts. Written by `stage-smoke`, judged by
//! `stage-alerts`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

use crate::finding::Status;
use crate::json::lenient::{flag, is_truthy, kind};
use crate::json::strict;
use crate::prose;
use crate::time::Stamp;

/// The name of the document, in its `schema` key.
pub(crate) const SCHEMA: &str = "emp-ops/admin-alert-observation/v1";

/// Where `stage-smoke` leaves its observation unless told otherwise.
pub(crate) const DEFAULT_PATH: &str = "artifacts/admin-alert-observations.json";

/// The last alert that was really seen, and beside it what the last run did.
///
/// The values are kept as found, so that a document of another writer can be judged, and carried over, unchanged.
/// Keys are documented in `runbooks/formats.md`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Observation {
    /// [`SCHEMA`]; empty in documents of other writers.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub schema: String,
    /// When the alert arrived; null where none was ever seen.
    pub observed_at: Value,
    /// Milliseconds from the request to its alert.
    pub latency_ms: Value,
    /// The alert's reason.
    pub reason: Value,
    /// The alert's severity.
    pub severity: Value,
    /// Whether the alert was a seed of the smoke run itself.
    pub seeded: Value,
    /// The run that saw the alert.
    pub run_id: Value,
    /// Its session.
    pub session_id: Value,
    /// When this was written down.
    pub recorded_at: Value,
    /// Whether the built-in server was asked instead of a real environment.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub simulated: bool,
    /// The last run, where it saw no alert: it is beside the observation instead of replacing it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_run: Option<LastRun>,
    /// What the document says beside all this against it: `observed: false`, `error: …`.
    #[serde(skip)]
    pub denied: Option<String>,
}

/// What a run did that saw no alert.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LastRun {
    /// The run.
    pub run_id: Value,
    /// Its session.
    pub session_id: Value,
    /// When it was written down.
    pub recorded_at: Value,
    /// The state of its alert step: `failed`, `skipped` or `not-reached`.
    pub alert_step: String,
    /// Why no alert was seen.
    pub detail: String,
}

impl Observation {
    /// Reads a document, with or without a byte order mark.
    ///
    /// # Errors
    /// Says in one sentence why this is no observation: not JSON, or not an object.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        if bytes.trim_ascii().is_empty() {
            return Err("the file is empty".to_owned());
        }
        let value = strict::parse(bytes).map_err(|error| format!("the file is not JSON: {error}"))?;
        if !value.is_object() {
            return Err(format!("the file holds {} instead of an object", kind(&value)));
        }
        let denied = value.as_object().and_then(denied);
        let read: Self =
            serde_json::from_value(value).map_err(|error| format!("the file has the wrong shape: {error}"))?;
        Ok(Self { denied, ..read })
    }

    /// When the alert arrived; none if no alert was seen.
    ///
    /// # Errors
    /// Says what is wrong with the value where it is no time.
    pub fn observed(&self) -> Result<Option<Stamp>, String> {
        match &self.observed_at {
            value if !is_truthy(value) => Ok(None),
            Value::String(text) => match parse_time(text) {
                Some(at) => Ok(Some(at)),
                None => Err(format!("observedAt is no time: {text:?}")),
            },
            other => Err(format!("observedAt is {} instead of a time such as 2025-01-06T09:00:00.000Z", kind(other))),
        }
    }

    /// When this was written down, where that can be read.
    pub fn recorded(&self) -> Option<Stamp> {
        parse_time(self.recorded_at.as_str()?)
    }

    /// The latency in milliseconds, where it is a number.
    pub fn latency(&self) -> Option<&Number> {
        self.latency_ms.as_number()
    }

    /// Whether the last run ended before it could see an alert, so that it says nothing about alerts.
    pub fn not_reached(&self) -> bool {
        self.last_run.as_ref().is_some_and(|run| run.alert_step == "not-reached")
    }

    /// What in a document contradicts that a live alert was seen.
    pub(crate) fn contradicts_itself(&self) -> Option<String> {
        let text = |value: &Value| value.as_str().map(|text| text.trim().to_ascii_lowercase()).unwrap_or_default();
        if let Some(denied) = &self.denied {
            return Some(format!("the observation says of itself: {denied}"));
        }
        let reason = text(&self.reason);
        let tried = reason.split(|c: char| !c.is_alphanumeric()).any(|word| ["debug", "drill", "test"].contains(&word));
        if reason.contains("seed") || tried {
            return Some(format!("the observation calls the alert live, and its reason is {}", text(&self.reason)));
        }
        if self.latency().and_then(Number::as_f64).is_some_and(|latency| latency < 0.0) {
            return Some("the latency of the alert is negative: it came before it was asked for".to_owned());
        }
        if matches!(text(&self.severity).as_str(), "none" | "null") {
            return Some("the observation states the severity of an alert as none".to_owned());
        }
        let recorded = self.recorded().zip(self.observed().ok().flatten());
        if recorded.is_some_and(|(recorded, observed)| observed.seconds_since(recorded) > 60.0) {
            return Some("the observation was written before the alert came".to_owned());
        }
        None
    }

    /// Whether this holds a real alert (not a seed) with a readable time.
    pub fn is_live(&self) -> bool {
        self.seeded == Value::Bool(false) && !self.simulated && matches!(self.observed(), Ok(Some(_)))
    }
}

/// The first member that says that no alert was seen, or not for real: `observed: false`, `skipped: true`, `error: timeout`.
fn denied(members: &Map<String, Value>) -> Option<String> {
    let denies = |(key, value): &(&String, &Value)| {
        let plain: String = key.chars().filter(char::is_ascii_alphanumeric).flat_map(char::to_lowercase).collect();
        let no = match value {
            Value::Bool(truth) => !truth,
            Value::String(word) => prose::is_no(word),
            Value::Number(number) => number.as_f64() == Some(0.0),
            _ => false,
        };
        match plain.as_str() {
            "observed" | "seen" | "live" | "delivered" | "received" => no,
            "failed" | "skipped" | "dryrun" | "mocked" | "fallback" => flag(Some(value)),
            "error" | "errors" | "exception" => match value {
                Value::String(text) => !prose::is_nothing(text),
                Value::Array(list) => !list.is_empty(),
                Value::Object(members) => !members.is_empty(),
                _ => false,
            },
            _ if prose::is_success_key(key) || prose::is_consent_key(key) => no,
            _ if prose::is_end_key(key) => {
                value.as_str().and_then(Status::from_word).is_some_and(|status| status > Status::Pass)
                    || value.as_str().is_some_and(|word| ["resolved", "suppressed", "silenced"].contains(&word.trim()))
            }
            _ => false,
        }
    };
    members
        .iter()
        .find(denies)
        .map(|(key, value)| format!("{key} is {}", value.as_str().map_or(value.to_string(), str::to_owned)))
}

/// A time as the staging documents hold it: ISO 8601 (UTC where no zone is given) or RFC 2822.
pub(super) fn parse_time(text: &str) -> Option<Stamp> {
    Stamp::parse(text).or_else(|| chrono::DateTime::parse_from_rfc2822(text.trim()).ok().map(|at| at.to_utc().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_survive_reading_and_writing() {
        let text = r#"{"observedAt":"2025-01-06T09:00:00.000Z","latencyMs":0,"reason":null,"severity":"high",
            "seeded":false,"runId":"r","sessionId":"s","recordedAt":"2025-01-06T09:00:01.000Z"}"#;
        let read = Observation::read(format!("\u{feff}{text}").as_bytes()).expect("an observation");
        let again = Observation::read(&serde_json::to_vec(&read).expect("JSON")).expect("an observation");
        assert_eq!(read, again);
        assert!(read.is_live());
        assert_eq!(read.latency(), Some(&Number::from(0)));
    }

    #[test]
    fn what_denies_the_alert_is_no_live_one() {
        let live = r#""observedAt":"2025-01-06T09:00:00Z","latencyMs":5,"severity":"high","seeded":false"#;
        for (member, expect) in [
            (r#""observed":false"#, Some("observed is false")),
            (r#""observed":"no""#, Some("observed is no")),
            (r#""error":"timeout""#, Some("error is timeout")),
            (r#""success":false"#, Some("success is false")),
            (r#""status":"failed""#, Some("status is failed")),
            (r#""skipped":true"#, Some("skipped is true")),
            (r#""observed":true,"error":null,"status":"passed""#, None),
            (r#""errors":[],"skipped":false"#, None),
            (r#""environment":"staging","reason":"latest-capability""#, None),
        ] {
            let read = Observation::read(format!("{{{live},{member}}}").as_bytes()).expect("an observation");
            let expect = expect.map(|what| format!("the observation says of itself: {what}"));
            assert_eq!(read.contradicts_itself(), expect, "{member}");
        }
    }

    #[test]
    fn wrong_shapes_are_named() {
        for (text, why) in [
            ("", "empty"),
            ("  \n", "empty"),
            ("{", "not JSON"),
            ("null", "null instead"),
            ("false", "a truth value"),
            ("[]", "a list"),
            ("5", "a number"),
            ("\"x\"", "text"),
        ] {
            let error = Observation::read(text.as_bytes()).expect_err(text);
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
