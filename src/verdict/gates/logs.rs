//! The gates of the logs: what they show, and what the policy does not hold against them.

use serde_json::Value;

use super::{View, told, worst};
use crate::finding::{Finding, Gate, Status, count};
use crate::level::Level;
use crate::log::summary::{Excused, LogSummary, LogTotals};

/// The drills that are named with what they excuse; of more it is said how many.
const EXCUSED_SHOWN: usize = 2;

impl View<'_> {
    /// The path of the logs: the first, with how many more there are.
    pub(super) fn log_paths(&self) -> Option<String> {
        let paths = self.summary.metadata.get("log_paths").and_then(Value::as_array)?;
        let first = paths.first().and_then(Value::as_str)?;
        Some(told(vec![first.to_owned()], paths.len() as u64))
    }

    pub(super) fn logs(&self) -> Gate {
        let logs = &self.summary.logs;
        let place = first_of_logs(logs).and_then(|first| first.place.as_ref()).map(ToString::to_string);
        let counts = log_counts(logs);
        // Nobody can say that these are harmless.
        let unknown = logs
            .severity_counts
            .get(Level::Unknown.word())
            .map_or(String::new(), |number| format!("; {} of an unknown level", count(*number, "record")));
        Gate {
            name: "logs".to_owned(),
            threshold: self.wanted().to_owned(),
            measured: if logs.records == 0 { "no records".to_owned() } else { in_words(logs) + &unknown },
            samples: logs.records,
            status: self.log_status().0,
            raised: self.log_status().1,
            evidence: place.or_else(|| self.log_paths()),
            ..Gate::default()
        }
        .fixed_by(&match logs.records {
            0 => "at least one record that has a time".to_owned(),
            _ => format!("a run without its {}", join(&counts)),
        })
    }

    /// What the policy ignores; none if it ignores nothing. A text that matches nothing is a WARN, which no sign-off
    /// raises: it hides nothing.
    pub(super) fn ignored(&self) -> Option<Gate> {
        let ignored = &self.summary.logs.ignored_by_policy;
        let total = ignored.values().sum();
        let each = ignored.iter().map(|(text, number)| match number {
            0 => format!("{text:?} matches nothing"),
            _ => format!("{} with {text:?}", count(*number, "record")),
        });
        let idle = ignored.values().any(|number| *number == 0);
        let gate = Gate {
            name: "ignored".to_owned(),
            measured: each.collect::<Vec<_>>().join("; "),
            samples: total,
            status: if idle { Status::Warn } else { Status::Pass },
            evidence: self.log_paths(),
            ..Gate::default()
        };
        let gate = self.not_required(gate, "ignore");
        (!ignored.is_empty()).then(|| gate.fixed_by("texts in ignore that match, and no others"))
    }
}

/// The finding of the logs that is first for their status.
pub(crate) fn first_of_logs(logs: &LogSummary) -> Option<&Finding> {
    let faults = [&logs.findings];
    let records = [&logs.content_incidents, &logs.errors, &logs.gap_incidents, &logs.warnings];
    // Without records the silence is only what follows from the fault of the file.
    let lists: Vec<_> = if logs.records == 0 {
        faults.into_iter().chain(records).collect()
    } else {
        records.into_iter().chain(faults).collect()
    };
    lists.into_iter().filter_map(|list| worst(list)).find(|finding| finding.severity == logs.status)
}

/// `3 errors`, `1 stack trace`, `2 gaps`, …; what there is none of is left out, and if there is nothing it says so.
fn log_counts(logs: &LogSummary) -> Vec<String> {
    let totals = logs.totals;
    let faults = logs.findings.iter().filter(|finding| finding.severity > Status::Pass).count() as u64;
    let mut counts = kinds(totals);
    counts.extend((faults > 0).then(|| count(faults, "fault") + " of the files"));
    if counts.is_empty() { vec!["no errors, gaps or warnings".to_owned()] } else { counts }
}

/// What there is of each kind.
fn kinds(totals: LogTotals) -> Vec<String> {
    let kinds = [
        (totals.errors, "error"),
        (totals.content_incidents, "stack trace"),
        (totals.gap_incidents, "gap"),
        (totals.warnings, "warning"),
    ];
    kinds.into_iter().filter(|(number, _)| *number > 0).map(|(number, noun)| count(number, noun)).collect()
}

/// `3 errors; 1 error, excused by drill feed-outage (10:00:00Z to 10:02:00Z)`: what counts, and what does not because
/// drills caused it.
pub(crate) fn in_words(logs: &LogSummary) -> String {
    let counts = log_counts(logs);
    let excused: Vec<String> = logs.excused_by_drills.iter().map(|(drill, part)| excused(drill, part)).collect();
    let none = kinds(logs.totals).is_empty() && logs.findings.iter().all(|finding| finding.severity == Status::Pass);
    let counted = (excused.is_empty() || !none).then(|| counts.join(", "));
    let more = excused.len().saturating_sub(EXCUSED_SHOWN) as u64;
    let more = (more > 0).then(|| format!("and by {}", count(more, "more drill")));
    counted.into_iter().chain(excused.into_iter().take(EXCUSED_SHOWN)).chain(more).collect::<Vec<_>>().join("; ")
}

/// What a drill excuses, with when it may have caused that.
fn excused(drill: &str, part: &Excused) -> String {
    let window = part.from.zip(part.to).map(|(from, to)| format!(" ({} to {})", from.human(), to.human()));
    format!("{}, excused by drill {drill}{}", join(&kinds(part.totals)), window.unwrap_or_default())
}

/// `a, b and c`.
fn join(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [only] => only.clone(),
        [front @ .., last] => format!("{} and {last}", front.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Stamp;

    #[test]
    fn what_there_is_none_of_is_not_counted() {
        for (totals, faults, expect) in [
            ((0, 0, 0, 0), &[][..], "no errors, gaps or warnings"),
            ((1, 0, 0, 0), &[], "1 error"),
            ((3, 1, 0, 2), &[], "3 errors, 1 stack trace and 2 warnings"),
            ((0, 0, 2, 0), &[Status::Warn], "2 gaps and 1 fault of the files"),
            ((0, 0, 0, 0), &[Status::Fail, Status::Warn, Status::Pass], "2 faults of the files"),
        ] {
            let (errors, content_incidents, gap_incidents, warnings) = totals;
            let logs = LogSummary {
                totals: LogTotals { errors, content_incidents, gap_incidents, warnings },
                findings: faults.iter().map(|status| Finding::new(*status, "a fault")).collect(),
                ..LogSummary::default()
            };
            assert_eq!(join(&log_counts(&logs)), expect);
        }
    }

    #[test]
    fn what_drills_excuse_is_counted_and_said() {
        let at = |seconds: i64| Stamp::from_seconds(1_767_225_600 + seconds);
        let excused = |errors, warnings| Excused {
            totals: LogTotals { errors, warnings, ..LogTotals::default() },
            from: at(5),
            to: at(65),
        };
        let window = "(2026-01-01 00:00:05Z to 2026-01-01 00:01:05Z)";
        for (errors, drills, expect) in [
            (0, &[("a", excused(1, 0))][..], format!("1 error, excused by drill a {window}")),
            (2, &[("a", excused(0, 3))], format!("2 errors; 3 warnings, excused by drill a {window}")),
            (
                0,
                &[("a", excused(1, 1)), ("b", excused(2, 0)), ("c", excused(1, 0)), ("d", excused(1, 0))],
                format!(
                    "1 error and 1 warning, excused by drill a {window}; 2 errors, excused by drill b {window}; \
                     and by 2 more drills"
                ),
            ),
        ] {
            let logs = LogSummary {
                totals: LogTotals { errors, ..LogTotals::default() },
                excused_by_drills: drills.iter().map(|(drill, part)| ((*drill).to_owned(), *part)).collect(),
                ..LogSummary::default()
            };
            assert_eq!(in_words(&logs), expect);
        }
    }

    #[test]
    fn the_first_finding_of_the_logs_is_one_that_decides_their_status() {
        let listed = |text: &str, status| vec![Finding::new(status, text)];
        let logs = |status, records| LogSummary {
            status,
            records,
            findings: listed("a fault", Status::Fail),
            errors: listed("an error", Status::Fail),
            warnings: listed("a warning", Status::Warn),
            ..LogSummary::default()
        };
        for (logs, expect) in [
            (logs(Status::Fail, 9), Some("an error")),
            // Without records the fault of the file explains the rest.
            (logs(Status::Fail, 0), Some("a fault")),
            (LogSummary { errors: Vec::new(), ..logs(Status::Fail, 9) }, Some("a fault")),
            (LogSummary { errors: Vec::new(), findings: Vec::new(), ..logs(Status::Warn, 9) }, Some("a warning")),
            (LogSummary::default(), None),
        ] {
            assert_eq!(first_of_logs(&logs).map(|finding| finding.summary.as_str()), expect);
        }
    }
}
