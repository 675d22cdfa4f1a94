//! Freshness: whether the last observation allows seeded fallback alerts to be switched off.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Number, Value};

use super::observation::{LastRun, Observation};
use crate::finding::Status;
use crate::time::{Stamp, human_duration};

/// What the observation allows. Only [`State::Ready`] lets seeding go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum State {
    /// A live alert was seen inside the window, and no later run missed it.
    Ready,
    /// The last alert was a seed.
    Seeded,
    /// The last alert is older than the window.
    Stale,
    /// No run has seen an alert.
    NoAlerts,
    /// The observation does not say whether the alert was live, or a later run saw none.
    Unknown,
    /// There is no observation.
    Missing,
    /// The observation cannot be believed: wrong shape, no time, or a time in the future.
    Invalid,
}

impl State {
    /// The verdict of this state.
    pub(crate) fn status(self) -> Status {
        match self {
            Self::Ready => Status::Pass,
            Self::Seeded | Self::Stale | Self::NoAlerts | Self::Unknown => Status::Warn,
            Self::Missing | Self::Invalid => Status::Fail,
        }
    }

    /// The word of the documents.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Seeded => "seeded",
            Self::Stale => "stale",
            Self::NoAlerts => "no-alerts",
            Self::Unknown => "unknown",
            Self::Missing => "missing",
            Self::Invalid => "invalid",
        }
    }
}

/// What counts as fresh.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// The greatest age of an alert that still counts.
    pub window: Duration,
    /// How far an observation may lie in the future: the difference of two clocks, not a lie.
    pub max_skew: Duration,
}

/// The judgement of an observation.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Freshness {
    /// Whether there is a document that could be an observation.
    pub has_observation: bool,
    /// As found in the document.
    pub observed_at: Value,
    /// As found in the document.
    pub seeded: Value,
    /// Milliseconds, where the document has a number.
    pub latency_ms: Option<Number>,
    /// What to do.
    pub recommendation: Recommendation,
    /// The window in milliseconds.
    pub window_ms: u64,
    /// Milliseconds since the alert; none if that is unknown or negative.
    pub observed_age_ms: Option<i64>,
    /// Milliseconds since the alert where that is inside the window; negative within the accepted skew.
    pub window_within_ms: Option<i64>,
    /// The absolute path of the document.
    pub source_path: String,
    /// As found in the document.
    pub recorded_at: Value,
    /// Milliseconds since the document was written; none if that is unknown or negative.
    pub recorded_age_ms: Option<i64>,
    /// The accepted skew in milliseconds.
    pub max_skew_ms: u64,
    /// The instant of the judgement.
    pub checked_at: Stamp,
    /// A later run that saw no alert, if the document has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_run: Option<LastRun>,
    /// Oddities that did not decide.
    pub notes: Vec<String>,
}

/// What to do about seeding, and why.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Recommendation {
    /// Whether fallback seeding must stay.
    pub keep_fallback_seeding: bool,
    /// Why, and what to do next.
    pub reason: String,
    /// The state.
    pub status: State,
    /// The verdict of the state.
    pub verdict: Status,
}

/// Judges what was found at `path`: nothing, a document, or something that is no observation (with the reason).
pub(crate) fn assess(found: Option<&Result<Observation, String>>, rules: Rules, now: Stamp, path: &str) -> Freshness {
    let nothing = Observation::default();
    let document = match found {
        Some(Ok(document)) => document,
        _ => &nothing,
    };
    let age = |at: Stamp| (now.micros() - at.micros()).div_euclid(1000);
    let observed = document.observed();
    let age_ms = observed.as_ref().ok().copied().flatten().map(age);
    let (status, reason) = match found {
        None => (State::Missing, "there is no observation; run `emp-ops stage-smoke` first".to_owned()),
        Some(Err(why)) => (State::Invalid, format!("{why}; run `emp-ops stage-smoke` again")),
        Some(Ok(document)) => match &observed {
            Err(why) => (State::Invalid, format!("{why}; run `emp-ops stage-smoke` again")),
            Ok(None) if document.not_reached() => (State::Unknown, not_reached(document)),
            Ok(None) => (State::NoAlerts, no_alert(document, now)),
            Ok(Some(at)) => judge(document, *at, rules, now),
        },
    };
    // A simulation may be tried out, but it proves nothing about a real environment.
    let (status, reason) = match (document.simulated, status) {
        (true, State::Ready) => (
            State::Unknown,
            "only the simulated server was asked, which proves nothing about a real environment; seeding stays until a \
             live alert of it is seen"
                .to_owned(),
        ),
        (true, status) => (status, format!("only the simulated server was asked; {reason}")),
        (false, status) => (status, reason),
    };
    // A run that did not get as far as its alert says nothing, however often it is repeated.
    let verdict = if document.not_reached() { Status::Fail } else { status.status() };
    let inside = status != State::Invalid && age_ms.is_some_and(|age| i128::from(age) <= millis(rules.window));
    Freshness {
        has_observation: matches!(found, Some(Ok(_))),
        observed_at: document.observed_at.clone(),
        seeded: document.seeded.clone(),
        latency_ms: document.latency().cloned(),
        recommendation: Recommendation { keep_fallback_seeding: status != State::Ready, reason, status, verdict },
        window_ms: u64::try_from(rules.window.as_millis()).unwrap_or(u64::MAX),
        observed_age_ms: age_ms.filter(|age| *age >= 0),
        window_within_ms: age_ms.filter(|_| inside),
        source_path: path.to_owned(),
        recorded_at: document.recorded_at.clone(),
        recorded_age_ms: document.recorded().map(age).filter(|age| *age >= 0),
        max_skew_ms: u64::try_from(rules.max_skew.as_millis()).unwrap_or(u64::MAX),
        checked_at: now,
        last_run: document.last_run.clone(),
        notes: notes(document, rules, now),
    }
}

fn millis(length: Duration) -> i128 {
    i128::try_from(length.as_millis()).unwrap_or(i128::MAX)
}

fn judge(document: &Observation, at: Stamp, rules: Rules, now: Stamp) -> (State, String) {
    if at > now.plus(rules.max_skew) {
        let ahead = human_duration(at.since(now));
        return (
            State::Invalid,
            format!(
                "the alert is {ahead} in the future, more than the accepted {}; compare the clocks, then run \
                 `emp-ops stage-smoke` again",
                human_duration(rules.max_skew)
            ),
        );
    }
    let age = human_duration(now.since(at));
    let window = human_duration(rules.window);
    if now.since(at) > rules.window {
        return (
            State::Stale,
            format!("the last alert is {age} old, the window is {window}; run `emp-ops stage-smoke` again"),
        );
    }
    match &document.seeded {
        Value::Bool(true) => {
            (State::Seeded, format!("the alert of {age} ago was a seed; seeding stays until a live alert is seen"))
        }
        Value::Bool(false) => match &document.last_run {
            // A live alert followed by a run that waited for one in vain is no proof that alerts work now.
            Some(_) if document.not_reached() => (State::Unknown, not_reached(document)),
            Some(run) if run.alert_step != "skipped" => {
                (State::Unknown, format!("a live alert was seen {age} ago, but a later run saw none: {}", run.detail))
            }
            _ if let Some(why) = document.contradicts_itself() => {
                (State::Unknown, format!("{why}; run `emp-ops stage-smoke` again"))
            }
            _ => (State::Ready, format!("a live alert was seen {age} ago, within {window}; seeding may go")),
        },
        _ => (State::Unknown, "the observation does not say whether the alert was live or a seed".to_owned()),
    }
}

fn not_reached(document: &Observation) -> String {
    let detail = document.last_run.as_ref().map(|run| run.detail.as_str()).filter(|detail| !detail.is_empty());
    let detail = detail.map(|detail| format!(": {detail}")).unwrap_or_default();
    format!(
        "the last smoke run did not get as far as its alert{detail}; seeding stays until `emp-ops stage-smoke` passes"
    )
}

fn no_alert(document: &Observation, now: Stamp) -> String {
    let when = match document.recorded() {
        Some(at) if at <= now => format!(" (recorded {} ago)", human_duration(now.since(at))),
        _ => String::new(),
    };
    format!("the smoke run saw no alert{when}; seeding stays until a live alert is seen")
}

fn notes(document: &Observation, rules: Rules, now: Stamp) -> Vec<String> {
    let mut notes = Vec::new();
    match (document.recorded(), &document.recorded_at) {
        (Some(at), _) if at > now.plus(rules.max_skew) => {
            notes.push(format!("recordedAt is {} in the future", human_duration(at.since(now))));
        }
        (None, value) if !value.is_null() => notes.push(format!("recordedAt is no time: {value}")),
        _ => {}
    }
    if let (Some(recorded), Ok(Some(observed))) = (document.recorded(), document.observed())
        && observed > recorded.plus(rules.max_skew)
    {
        notes.push("the alert is dated after the note of it".to_owned());
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules { window: Duration::from_secs(6 * 3600), max_skew: Duration::from_secs(60) };

    fn state(text: &str) -> Freshness {
        let now = Stamp::parse("2025-01-06T12:00:00Z").expect("a time");
        assess(Some(&Observation::read(text.as_bytes())), RULES, now, "/o.json")
    }

    #[test]
    fn states_and_ages() {
        for (text, expect, age, within) in [
            (r#"{"observedAt":"2025-01-06T10:00:00.000Z","seeded":false}"#, State::Ready, Some(7_200_000), true),
            (r#"{"observedAt":"2025-01-06T06:00:00.000Z","seeded":false}"#, State::Ready, Some(21_600_000), true),
            (r#"{"observedAt":"2025-01-06T05:59:59.999Z","seeded":false}"#, State::Stale, Some(21_600_001), false),
            (r#"{"observedAt":"Mon, 06 Jan 2025 12:00:00 +0200","seeded":true}"#, State::Seeded, Some(7_200_000), true),
            (r#"{"observedAt":"2025-01-06T10:00:00","seeded":"false"}"#, State::Unknown, Some(7_200_000), true),
            (r#"{"observedAt":null,"seeded":false}"#, State::NoAlerts, None, false),
            (r#"{"observedAt":0}"#, State::NoAlerts, None, false),
            ("{}", State::NoAlerts, None, false),
            (r#"{"observedAt":"2025-01-06T12:00:05.000Z","seeded":false}"#, State::Ready, None, true),
            (r#"{"observedAt":"2025-01-06T12:01:00.001Z","seeded":false}"#, State::Invalid, None, false),
            (r#"{"observedAt":"2099-01-01T00:00:00Z","seeded":false}"#, State::Invalid, None, false),
            (
                r#"{"observedAt":"2025-01-06T10:00:00Z","seeded":false,"reason":"debug.seed.admin_alert"}"#,
                State::Unknown,
                Some(7_200_000),
                true,
            ),
            (
                r#"{"observedAt":"2025-01-06T10:00:00Z","seeded":false,"latencyMs":-5}"#,
                State::Unknown,
                Some(7_200_000),
                true,
            ),
            (
                r#"{"observedAt":"2025-01-06T10:00:00Z","seeded":false,"recordedAt":"2025-01-05T10:00:00Z"}"#,
                State::Unknown,
                Some(7_200_000),
                true,
            ),
            (r#"{"observedAt":"yesterday","seeded":false}"#, State::Invalid, None, false),
            (r#"{"observedAt":1736157600000,"seeded":false}"#, State::Invalid, None, false),
            (r#"{"observedAt":{"at":1},"seeded":false}"#, State::Invalid, None, false),
            ("null", State::Invalid, None, false),
            ("[]", State::Invalid, None, false),
        ] {
            let found = state(text);
            assert_eq!(found.recommendation.status, expect, "{text}");
            assert_eq!(found.observed_age_ms, age, "{text}");
            assert_eq!(found.window_within_ms.is_some(), within, "{text}");
            assert_eq!(found.recommendation.keep_fallback_seeding, expect != State::Ready, "{text}");
        }
    }

    #[test]
    fn a_later_run_without_alert_takes_readiness_away_and_a_skipped_one_does_not() {
        for (step, expect) in [("failed", State::Unknown), ("skipped", State::Ready), ("not-reached", State::Unknown)] {
            let text =
                format!(r#"{{"observedAt":"2025-01-06T10:00:00Z","seeded":false,"lastRun":{{"alertStep":"{step}"}}}}"#);
            let found = state(&text).recommendation;
            assert_eq!(found.status, expect, "{step}");
            assert_eq!(found.verdict == Status::Fail, step == "not-reached", "{step}");
        }
    }

    #[test]
    fn a_run_that_reached_nothing_fails_and_a_simulated_one_lets_no_seeding_go() {
        let lost = r#"{"observedAt":null,"lastRun":{"alertStep":"not-reached","detail":"refused"}}"#;
        let found = state(lost).recommendation;
        assert_eq!((found.status, found.verdict, found.keep_fallback_seeding), (State::Unknown, Status::Fail, true));
        assert!(found.reason.contains("refused"), "{}", found.reason);
        let simulated = r#"{"observedAt":"2025-01-06T11:00:00Z","seeded":false,"simulated":true}"#;
        let found = state(simulated).recommendation;
        assert_eq!((found.status, found.verdict, found.keep_fallback_seeding), (State::Unknown, Status::Warn, true));
        assert!(!found.reason.contains("may go"), "{}", found.reason);
    }

    #[test]
    fn no_document_fails() {
        let now = Stamp::parse("2025-01-06T12:00:00Z").expect("a time");
        let found = assess(None, RULES, now, "/o.json");
        assert_eq!(found.recommendation.verdict, Status::Fail);
        assert!(!found.has_observation);
    }
}
