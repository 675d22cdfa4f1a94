//! What cannot be true of a run that was recorded as it was.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{defaults, duration, layer, positive};
use crate::finding::{Status, count};
use crate::supervise::record::{EndReason, RunRecord, State};
use crate::verdict::policy;

/// Each contradiction of a record with itself, as a sentence.
pub(super) fn of(record: &RunRecord) -> Vec<String> {
    [incidents(record), end(record), clocks(record), attempts(record)]
        .into_iter()
        .flatten()
        .chain(open(record))
        .chain(settings(record))
        .chain(criteria(record))
        .chain(levels(record))
        .collect()
}

/// The incidents are those that were counted.
fn incidents(record: &RunRecord) -> Option<String> {
    let listed = record.incidents.iter().fold(BTreeMap::new(), |mut counts: BTreeMap<Status, u64>, incident| {
        *counts.entry(incident.severity).or_default() += incident.count;
        counts
    });
    (listed != record.incident_counts).then(|| {
        "the incidents of the run record are not those that it counted: it is not as it was written".to_owned()
    })
}

/// An end that is no good one was raised as an incident.
fn end(record: &RunRecord) -> Option<String> {
    let failed = record.incidents.iter().any(|incident| incident.severity == Status::Fail);
    let last = record.attempts.last();
    let broke = last.is_some_and(|last| last.signal.is_some() || last.exit_code.is_some_and(|code| code != 0));
    let bad_end = match record.ended_because {
        Some(EndReason::GaveUp) => Some("gave the command up"),
        Some(EndReason::Interrupted) => Some("was interrupted"),
        Some(EndReason::Guard) => Some("was ended by a guard"),
        Some(EndReason::WorkloadFailed) => Some("ended with a workload that failed"),
        Some(EndReason::CommandEnded) if broke => Some("ended with a command that failed"),
        _ => None,
    };
    bad_end.filter(|_| !failed).map(|end| format!("the run {end}, but no incident of its record says so"))
}

/// A complete record says when and why the run ended.
fn open(record: &RunRecord) -> Option<String> {
    let open = record.state == State::Complete
        && (record.ended_at.is_none() || record.duration_seconds.is_none() || record.ended_because.is_none());
    open.then(|| "the run is said to be complete, but its record does not say when or why it ended".to_owned())
}

/// The clocks may differ by what an incident names, and by little else.
fn clocks(record: &RunRecord) -> Option<String> {
    let stepped = record.incidents.iter().any(|incident| incident.kind == "clock");
    let wall = record.ended_at.map(|ended| ended.seconds_since(record.started_at));
    let (duration, wall) = record.duration_seconds.zip(wall)?;
    let fits = (0.0..=wall.max(0.0) * 1.01 + 60.0).contains(&duration);
    (!fits && !stepped).then(|| {
        format!("the run is said to have lasted {duration} seconds, but {wall} passed from its start to its end")
    })
}

/// Settings that nothing can be judged by.
fn settings(record: &RunRecord) -> impl Iterator<Item = String> {
    let settings = &record.settings;
    let checks = [
        ("required_duration_seconds", duration(settings.required_duration_seconds).is_some()),
        ("minimum_uptime_ratio", (0.0..=1.0).contains(&settings.minimum_uptime_ratio)),
        ("warn_gap_seconds", positive(settings.warn_gap_seconds).is_some()),
        ("fail_gap_seconds", positive(settings.fail_gap_seconds).is_some()),
    ];
    let unusable = checks.into_iter().filter(|(_, usable)| !usable);
    unusable.map(|(name, _)| format!("the setting {name} of the run record is out of its range"))
}

/// The table of the limits, which says who set them, shows the values that the run is judged by. Another version of this
/// program may write the same value in other words.
fn criteria(record: &RunRecord) -> impl Iterator<Item = String> {
    let known = !record.criteria.is_empty() && record.version == env!("CARGO_PKG_VERSION");
    let target = Some(record.settings.target_duration_seconds);
    let judged = policy::resolve(&[layer(record, String::new()), defaults(target)]).ok().filter(|_| known);
    let judged = judged.map(|policy| policy.rows).unwrap_or_default();
    judged.into_iter().filter_map(|row| {
        let shown = record.criteria.iter().find(|shown| shown.limit == row.limit);
        let value = shown.map_or("nothing", |shown| shown.value.as_str());
        (value != row.value).then(|| {
            format!("the criteria of the run record say {value} for {}, its settings {}", row.limit, row.value)
        })
    })
}

/// Each line came from an attempt.
fn attempts(record: &RunRecord) -> Option<String> {
    let lines: u64 = record.attempts.iter().map(|attempt| attempt.lines).sum();
    let total = record.capture.total_lines;
    (record.state != State::Running && lines != total)
        .then(|| format!("the attempts printed {lines} lines by the run record, but it counts {total}"))
}

/// Each line that was raised as an incident was counted by its level.
fn levels(record: &RunRecord) -> impl Iterator<Item = String> {
    let mut raised: BTreeMap<&str, u64> = BTreeMap::new();
    for incident in record.incidents.iter().filter(|incident| incident.kind == "log_level") {
        if let Some(level) = incident.metadata.get("level").and_then(Value::as_str) {
            *raised.entry(level).or_default() += incident.count;
        }
    }
    raised.into_iter().filter_map(|(level, raised)| {
        let counted = record.capture.level_counts.get(level).copied().unwrap_or(0);
        (raised > counted).then(|| {
            let (raised, counted) = (count(raised, "incident"), count(counted, "record"));
            format!("the run record lists {raised} of the level {level}, but counts {counted} of it")
        })
    })
}
