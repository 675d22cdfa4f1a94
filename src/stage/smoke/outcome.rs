//! Whether a run may seed: the decision from the last observation.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::super::observation::Observation;
use crate::time::Stamp;

/// The automatic decision and what it rests on.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AutoDecision {
    /// As found in the observation.
    pub last_observed_at: Value,
    /// As found in the observation.
    pub last_seeded: Value,
    /// Whether it is recent enough to count, and not in the future.
    pub within_window: bool,
    /// The observation, as an absolute path.
    pub observation_path: String,
    /// Whether seeding was switched off.
    pub switched_off: bool,
}

/// Switches seeding off where a live alert of a real environment was seen inside the window; never on. An alert further in the future than
/// `max_skew` does not count.
pub fn decide_seeding(
    observation: Option<&Observation>,
    window: Duration,
    max_skew: Duration,
    now: Stamp,
    path: String,
) -> AutoDecision {
    let observed = observation.and_then(|observation| observation.observed().ok().flatten());
    let within = observed.is_some_and(|at| at <= now.plus(max_skew) && now.since(at) <= window);
    AutoDecision {
        last_observed_at: observation.map(|o| o.observed_at.clone()).unwrap_or_default(),
        last_seeded: observation.map(|o| o.seeded.clone()).unwrap_or_default(),
        within_window: within,
        observation_path: path,
        switched_off: within && observation.is_some_and(Observation::is_live),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_recent_live_alert_switches_seeding_off() {
        let now = Stamp::parse("2025-01-06T12:00:00Z").expect("a time");
        for (text, within, off) in [
            (r#"{"observedAt":"2025-01-06T11:00:00Z","seeded":false}"#, true, true),
            (r#"{"observedAt":"2025-01-06T11:00:00Z","seeded":true}"#, true, false),
            (r#"{"observedAt":"2025-01-06T11:00:00Z"}"#, true, false),
            (r#"{"observedAt":"2025-01-06T05:59:59Z","seeded":false}"#, false, false),
            (r#"{"observedAt":"2025-01-06T12:00:30Z","seeded":false}"#, true, true),
            (r#"{"observedAt":"2025-01-07T12:00:00Z","seeded":false}"#, false, false),
            (r#"{"observedAt":"2025-01-06T11:00:00Z","seeded":false,"simulated":true}"#, true, false),
            (r#"{"observedAt":"soon","seeded":false}"#, false, false),
            ("{}", false, false),
        ] {
            let observation = Observation::read(text.as_bytes()).expect("an object");
            let (window, skew) = (Duration::from_secs(6 * 3600), Duration::from_secs(60));
            let found = decide_seeding(Some(&observation), window, skew, now, String::new());
            assert_eq!((found.within_window, found.switched_off), (within, off), "{text}");
        }
    }
}
