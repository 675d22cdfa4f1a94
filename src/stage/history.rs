//! The trend over earlier observations and smoke reports.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::observation::{Observation, parse_time};
use super::rehearsal::figures::{Spread, spread};
use crate::json::strict;
use crate::time::Stamp;

/// What earlier documents say, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct History {
    /// One line per run.
    pub runs: Vec<Earlier>,
    /// Runs that saw a live alert.
    pub live: u64,
    /// Runs whose alert was a seed.
    pub seeded: u64,
    /// Runs that saw no alert.
    pub none: u64,
    /// Latencies of the live alerts in milliseconds.
    pub latency_ms: Option<Spread>,
    /// Documents that could not be used, with the reason.
    pub unusable: BTreeMap<String, String>,
}

/// One earlier run.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Earlier {
    /// The document.
    pub file: String,
    /// When the alert was seen, or else when the run was recorded.
    pub at: Option<Stamp>,
    /// `live`, `seeded`, `none` or `unknown`.
    pub kind: &'static str,
    /// Milliseconds, where known.
    pub latency_ms: Option<f64>,
    /// The run.
    pub run_id: String,
}

/// Puts documents (name and bytes) in order of time. A run that is in several of them counts once.
pub(crate) fn trend<'a>(documents: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> History {
    let mut history = History::default();
    let mut seen = BTreeMap::new();
    for (file, bytes) in documents {
        match earlier(file, bytes) {
            Err(why) => {
                history.unusable.insert(file.to_owned(), why);
            }
            Ok(run) => {
                let key = if run.run_id.is_empty() { file.to_owned() } else { run.run_id.clone() };
                seen.entry(key).or_insert(run);
            }
        }
    }
    history.runs = seen.into_values().collect();
    history.runs.sort_by(|a, b| (a.at, &a.file).cmp(&(b.at, &b.file)));
    let count = |kind| history.runs.iter().filter(|run| run.kind == kind).count() as u64;
    (history.live, history.seeded, history.none) = (count("live"), count("seeded"), count("none"));
    let mut latencies: Vec<f64> =
        history.runs.iter().filter(|run| run.kind == "live").filter_map(|run| run.latency_ms).collect();
    history.latency_ms = spread(&mut latencies);
    history
}

fn earlier(file: &str, bytes: &[u8]) -> Result<Earlier, String> {
    let document = Observation::read(bytes)?;
    // A smoke report holds the same facts one level deeper.
    let report = strict::parse(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)).unwrap_or_default();
    let is_report = report.get("metrics").is_some();
    let alert = report.pointer("/metrics/adminAlert");
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let (observed, latency, seeded, written) = if is_report {
        let seen = alert.filter(|alert| alert.get("observed") == Some(&Value::Bool(true)));
        // Early reports have no time and no `seeded` in the alert; the run's own start is near enough.
        let at = seen.map(|alert| text(alert.get("observedAt")));
        let at = at.map(|at| if at.is_empty() { text(report.get("startedAt")) } else { at });
        (
            at.map(|at| parse_time(&at).ok_or(format!("the alert's time is none: {at:?}"))).transpose()?,
            seen.and_then(|alert| alert.get("latencyMs")).and_then(Value::as_f64),
            seen.and_then(|alert| alert.get("seeded")).cloned().unwrap_or_default(),
            parse_time(&text(report.get("startedAt"))),
        )
    } else {
        if report.get("observedAt").is_none() {
            return Err("this is neither an observation nor a smoke report".to_owned());
        }
        (document.observed()?, document.latency_ms.as_f64(), document.seeded.clone(), document.recorded())
    };
    Ok(Earlier {
        file: file.to_owned(),
        at: observed.or(written),
        kind: match (observed, seeded) {
            (None, _) => "none",
            (Some(_), Value::Bool(false)) => "live",
            (Some(_), Value::Bool(true)) => "seeded",
            (Some(_), _) => "unknown",
        },
        latency_ms: latency,
        run_id: text(report.get("runId")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn observations_and_reports_line_up_by_time_and_count_once() {
        let live = br#"{"observedAt":"2025-01-06T10:00:00Z","latencyMs":4,"seeded":false,"runId":"b"}"#;
        let report = br#"{"runId":"b","startedAt":"2025-01-06T09:59:59Z","metrics":{"adminAlert":
            {"observed":true,"latencyMs":4,"seeded":false,"observedAt":"2025-01-06T10:00:00Z"}}}"#;
        let failed = br#"{"runId":"a","startedAt":"2025-01-05T10:00:00Z","metrics":{}}"#;
        let history = trend([
            ("live.json", &live[..]),
            ("report.json", &report[..]),
            ("failed.json", &failed[..]),
            ("other.json", b"{\"x\":1}"),
        ]);
        let shown: Vec<_> = history.runs.iter().map(|run| (run.file.as_str(), run.kind)).collect();
        assert_eq!(shown, [("failed.json", "none"), ("live.json", "live")]);
        assert_eq!((history.live, history.none, history.unusable.len()), (1, 1, 1));
        assert_eq!(history.latency_ms.map(|s| s.median), Some(4.0));
    }
}
