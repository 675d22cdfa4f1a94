//! From the tally of all records to the summary of the logs.

use std::cmp::Reverse;
use std::time::Duration;

use super::faults;
use super::gaps::{Gap, Mark};
use super::tally::Tally;
use crate::finding::{Finding, Status};
use crate::log::level::Level;
use crate::log::summary::{FileReport, LogSummary, LogTotals};
use crate::time::{Stamp, human_duration};

/// How a tally is judged.
#[derive(Clone, Debug)]
pub struct Terms {
    /// A longer silence is a WARN.
    pub warn_gap: Duration,
    /// A silence of this length is a FAIL.
    pub fail_gap: Duration,
    /// How many gaps are listed.
    pub listed: usize,
    /// The supervised time of a run, if the logs are of one.
    pub window: Option<(Stamp, Stamp)>,
    /// When nothing ran, from and to, in order of time.
    pub pauses: Vec<(Stamp, Stamp)>,
}

const SEVERITIES: [Level; 10] = [
    Level::Unknown,
    Level::Trace,
    Level::Debug,
    Level::Info,
    Level::Notice,
    Level::Warning,
    Level::Error,
    Level::Critical,
    Level::Alert,
    Level::Emergency,
];

/// The summary of the logs. `paths` are the files by number; `findings` are the faults of the files so far.
pub fn summary(
    tally: Tally,
    mut files: Vec<FileReport>,
    mut findings: Vec<Finding>,
    paths: &[String],
    terms: &Terms,
) -> LogSummary {
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let gaps = tally.coverage.gaps(terms.window);
    let duration = terms.window.or(tally.first.zip(tally.last)).map(|(from, to)| to.since(from));
    let uptime = duration.filter(|d| !d.is_zero() && tally.records > 0).map(|duration| uptime(&gaps, duration, terms));
    findings.extend(no_records(&tally, paths));
    findings.extend(faults::twins(&files));
    findings.extend(outside(&tally, terms.window));
    findings.sort_by_cached_key(|f| (Reverse(f.severity), f.place.clone(), f.summary.clone()));
    let totals = LogTotals {
        gap_incidents: gaps.len() as u64,
        content_incidents: tally.crashes.total(),
        warnings: tally.warnings.total(),
        errors: tally.errors.total(),
    };
    let severe = |gap: &Gap| if gap.to.since(gap.from) >= terms.fail_gap { Status::Fail } else { Status::Warn };
    let status = Status::roll_up(
        [
            if totals.errors + totals.content_incidents > 0 { Status::Fail } else { Status::Pass },
            if totals.warnings > 0 { Status::Warn } else { Status::Pass },
        ]
        .into_iter()
        .chain(gaps.iter().map(severe))
        .chain(findings.iter().map(|finding| finding.severity)),
    );
    let (level_counts, levels_not_listed) = tally.levels.finish();
    let (event_counts, events_not_listed) = tally.events.finish();
    let (groups, incidents_not_grouped) = tally.groups.finish(paths);
    LogSummary {
        status,
        lines: tally.lines,
        records: tally.records,
        ignored_lines: tally.ignored,
        continued_lines: tally.continued,
        folded_lines: tally.folded,
        level_counts,
        severity_counts: SEVERITIES
            .iter()
            .zip(tally.severities)
            .filter(|(_, count)| *count > 0)
            .map(|(level, count)| (level.word().to_owned(), count))
            .collect(),
        unknown_levels: tally.unknown_levels.finish().0,
        levels_not_listed,
        event_counts,
        events_not_listed,
        service_counts: tally.services.finish().0,
        gap_incidents: gaps.iter().take(terms.listed).map(|gap| gap_finding(gap, severe(gap), paths)).collect(),
        content_incidents: tally.crashes.finish(paths),
        warnings: tally.warnings.finish(paths),
        errors: tally.errors.finish(paths),
        totals,
        groups,
        incidents_not_grouped,
        histogram: tally.histogram.finish(),
        started_at: tally.first,
        ended_at: tally.last,
        duration_seconds: duration.filter(|_| tally.records > 0 || terms.window.is_some()).map(|d| d.as_secs_f64()),
        uptime_ratio: uptime,
        files,
        findings,
    }
}

/// The share of the duration that lies outside gaps and pauses; silence of something that runs counts from the moment
/// at which it became a gap, a pause counts whole.
fn uptime(gaps: &[Gap], duration: Duration, terms: &Terms) -> f64 {
    let running = |from: Stamp, to: Stamp| to.since(from).saturating_sub(terms.warn_gap).as_secs_f64();
    let silent = |gap: &Gap| {
        let (mut from, mut silent) = (gap.from, 0.0);
        for (down, up) in terms.pauses.iter().filter(|(down, up)| *up > gap.from && *down < gap.to) {
            silent += running(from, *down);
            from = from.max(*up);
        }
        silent + running(from, gap.to)
    };
    let down = terms.pauses.iter().map(|(down, up)| up.since(*down).as_secs_f64());
    let lost: f64 = gaps.iter().map(silent).chain(down).sum();
    (1.0 - lost / duration.as_secs_f64()).clamp(0.0, 1.0)
}

fn gap_finding(gap: &Gap, severity: Status, paths: &[String]) -> Finding {
    let event = |mark: &Option<Mark>| mark.as_ref().and_then(|mark| mark.event.clone()).map(String::from);
    let named = |mark: &Option<Mark>, edge: &str| match mark {
        None => edge.to_owned(),
        Some(Mark { label: Some(label), .. }) => format!("`{label}`"),
        Some(_) => "a record without a name".to_owned(),
    };
    let length = gap.to.since(gap.from);
    let summary = format!(
        "{} of silence between {} and {}",
        human_duration(length),
        named(&gap.before, "the start of the run"),
        named(&gap.after, "the end of the run")
    );
    let finding = Finding::new(severity, summary)
        .at(gap.to)
        .with("gap_seconds", length.as_secs_f64())
        .with("previous_event", event(&gap.before))
        .with("next_event", event(&gap.after));
    match gap.after.as_ref().or(gap.before.as_ref()) {
        Some(mark) => super::first_n::place(finding, &mark.key, paths),
        None => finding,
    }
}

/// No records at all are never a pass.
fn no_records(tally: &Tally, paths: &[String]) -> Option<Finding> {
    (tally.records == 0).then(|| match paths {
        [] => Finding::fail("there is no log to judge"),
        [path] => Finding::fail("there is no usable record in the log").in_file(path.as_str(), None),
        [path, ..] => {
            let summary = format!("there is no usable record in any of the {} logs", paths.len());
            Finding::fail(summary).in_file(path.as_str(), None)
        }
    })
}

/// Records far outside the supervised time show a wrong clock or time zone.
fn outside(tally: &Tally, window: Option<(Stamp, Stamp)>) -> Option<Finding> {
    const SLACK: Duration = Duration::from_secs(60);
    let ((from, to), (first, last)) = (window?, tally.first.zip(tally.last)?);
    (first < from.minus(SLACK) || last > to.plus(SLACK)).then(|| {
        Finding::warn(format!(
            "records from {} to {} lie outside the supervised time {} to {}: check clocks and time zones",
            first.human(),
            last.human(),
            from.human(),
            to.human()
        ))
    })
}
