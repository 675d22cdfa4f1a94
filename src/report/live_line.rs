//! A run in one line while it lasts, its incidents as they happen, and what follows from a signal.

use std::time::Duration;

use crate::finding::{Status, count, of_workload, percent, thousands};
use crate::sanitize;
use crate::supervise::progress::{Incident, Snapshot};
use crate::time::{Stamp, human_duration, human_seconds};

/// The state of a run in one line: elapsed, lines, rate, incidents, uptime, newest incident. `rate` is in lines per
/// second.
pub(crate) fn line(snapshot: &Snapshot, rate: Option<f64>) -> String {
    let elapsed = human_seconds(snapshot.elapsed_seconds.floor());
    let mut parts = vec![format!("{elapsed} of {}", human_seconds(snapshot.target_duration_seconds))];
    let rate = rate.map(|rate| format!(" ({}/s)", short(rate))).unwrap_or_default();
    parts.push(format!("{}{rate}", count(snapshot.total_lines, "line")));
    let of = |status: Status| snapshot.incident_counts.get(&status).copied().filter(|number| *number > 0);
    let counts: Vec<String> = [Status::Fail, Status::Warn]
        .into_iter()
        .filter_map(|status| Some(format!("{} {}", thousands(of(status)?), status.label())))
        .collect();
    parts.push(if counts.is_empty() { "no incidents".to_owned() } else { counts.join(" ") });
    parts.extend(snapshot.uptime_ratio.map(|ratio| format!("uptime {}", percent(ratio))));
    if snapshot.restarts > 0 {
        parts.push(count(snapshot.restarts, "restart"));
    }
    let newest = snapshot.incidents.iter().max_by_key(|incident| incident.last_at.unwrap_or(incident.occurred_at));
    parts.extend(newest.map(|incident| format!("last: {} {}", incident.severity.label(), told(incident))));
    sanitize::line(&parts.join(" · "))
}

fn short(rate: f64) -> String {
    if rate < 10.0 { format!("{rate:.1}") } else { thousands(rate.round() as u64) }
}

/// An incident in one line, as it happens.
pub(crate) fn incident(incident: &Incident) -> String {
    let at = incident.occurred_at.utc().format("%H:%M:%SZ");
    sanitize::line(&format!("{at} {} {}", incident.severity.label(), told(incident)))
}

fn told(incident: &Incident) -> String {
    let first = incident.message.lines().next().unwrap_or_default();
    sanitize::shorten(&of_workload(incident.workload.as_deref(), first), 200)
}

/// What the first signal brings: what is sent now, what follows when, and what another one does.
pub(crate) fn stopping(signal: &str, now: Stamp, grace: Duration, several: bool) -> String {
    let at = |after: Duration| now.plus(after).utc().format("%H:%M:%SZ").to_string();
    if several {
        return format!(
            "{signal}: the workloads are asked to stop now, what depends on others first, and killed at {} at the latest; \
             another Ctrl-C kills them at once; then their evidence is sealed",
            at(grace)
        );
    }
    if grace.is_zero() {
        return format!("{signal}: the command is killed now; then its evidence is sealed");
    }
    format!(
        "{signal}: the command was sent SIGINT now and has {} to end; SIGTERM follows at {}, SIGKILL at {}; another \
         Ctrl-C kills it at once; then its evidence is sealed",
        human_duration(grace),
        at(grace / 2),
        at(grace)
    )
}

/// What a further signal brings.
pub(crate) fn killing(signal: &str, several: bool) -> String {
    match several {
        true => format!("{signal}: the workloads are killed now; then their evidence is sealed"),
        false => format!("{signal}: the command is killed now; then its evidence is sealed"),
    }
}

/// A workload that went to another state.
pub(crate) fn change(name: &str, state: &str, because: &str) -> String {
    let because = if because.is_empty() { String::new() } else { format!(" ({because})") };
    sanitize::line(&format!("{name}: {state}{because}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_told_in_one_line_without_control_characters() {
        let text = include_str!("../../fixtures/watch/runs/rehearsal-2/progress.json");
        let snapshot: Snapshot = serde_json::from_str(text).unwrap();
        let line = line(&snapshot, Some(412.4));
        assert!(line.contains("(412/s)") && line.contains(" of ") && !line.contains('\n'), "{line}");
        let at = Stamp::parse("2025-03-03T08:00:00Z").unwrap();
        let found =
            Incident { message: "bad\u{1b}[2J\nsecond".to_owned(), occurred_at: at, ..snapshot.incidents[0].clone() };
        let told = incident(&found);
        assert!(told.starts_with("08:00:00Z ") && !told.contains(['\u{1b}', '\n']), "{told}");
    }

    #[test]
    fn a_signal_says_what_follows_and_when() {
        let at = Stamp::parse("2025-03-03T08:00:00Z").unwrap();
        let text = stopping("SIGINT", at, Duration::from_secs(60), false);
        assert!(text.contains("SIGTERM follows at 08:00:30Z, SIGKILL at 08:01:00Z"), "{text}");
        assert!(stopping("SIGTERM", at, Duration::ZERO, false).contains("killed now"));
        let text = stopping("SIGINT", at, Duration::from_secs(60), true);
        assert!(text.contains("what depends on others first, and killed at 08:01:00Z"), "{text}");
    }
}
