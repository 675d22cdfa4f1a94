//! The row of a workload: what is to be said of it, and how bad that is.

use std::cmp::Reverse;

use super::Part;
use super::spans::Spans;
use crate::finding::{Finding, Status, count, percent};
use crate::log::summary::workloads::{Stretch, WorkloadSummary};
use crate::log::summary::{DownTime, LogSummary};
use crate::supervise::record::{RunRecord, State as RunState};
use crate::supervise::workloads::document::PlannedWorkload;
use crate::supervise::workloads::state::State;
use crate::time::{Stamp, human_seconds};
use crate::verdict::gates::in_words;

/// So many down-times of a workload are listed.
const LISTED: usize = 1000;

/// When a workload was not up.
pub(super) struct Downs {
    /// By its state, or by its silence.
    pub(super) down: Spans,
}

/// The row of a workload, when it was not up, and its log as it is to be seen.
pub(super) fn row(part: &Part, log: LogSummary, record: &RunRecord, end: f64) -> (WorkloadSummary, Downs, LogSummary) {
    let Part { planned, record: own, course, .. } = part;
    let last = own.attempts.last();
    let exit = last.and_then(|last| match (last.exit_code, last.signal) {
        (Some(code), _) => Some(format!("exited with code {code}")),
        (None, Some(signal)) => Some(format!("ended by signal {signal}")),
        _ => None,
    });
    let mut row = WorkloadSummary {
        name: planned.name.clone(),
        kind: planned.kind.clone(),
        required: planned.required,
        job: planned.job,
        left_out: planned.left_out,
        status: Status::Pass,
        state: course.last().word().to_owned(),
        because: course.last_change().map(|change| change.because.clone()).unwrap_or_default(),
        restarts: own.restarts,
        exit,
        min_uptime: (!planned.job).then_some(planned.min_uptime),
        probes: own.probe.as_ref().map_or(0, |probe| probe.answers),
        lines: log.lines + log.folded_lines,
        ..WorkloadSummary::default()
    };
    let silences = if planned.job || planned.quiet { Vec::new() } else { silences(part, &log, record.started_at, end) };
    let down = down(part, &silences, end);
    let mut findings = Vec::new();
    if planned.left_out {
        findings.push((Status::Warn, format!("{} was left out by --skip-workload", planned.name)));
    } else {
        judge_end(part, end, &mut findings);
        if !planned.job && course.met().is_some() {
            row.uptime_ratio = uptime(&down, course.met(), end);
            judge_service(part, &mut row, &log, record, end, &mut findings);
        }
        judge_troubles(part, &mut findings);
    }
    judge_log(part, &row, &log, record, &mut findings);
    row.longest_silence_seconds = longest_silence(planned, &silences, &log, record.started_at);
    row.down_times = down_times(part, &down, &silences, record.started_at);
    let log = own_log(part, log, &silences, record.started_at);
    let wall = |seconds: f64| wall(record.started_at, seconds);
    let stretch = |(from, to, state): (f64, f64, State)| (wall(from), wall(to), state.word().to_owned());
    row.course = course.states(end).map(stretch).map(|(from, to, state)| Stretch { from, to, state }).collect();
    row.log_status = log.status;
    if log.status > Status::Pass {
        row.log_faults = in_words(&log);
    }
    let weigh = |status: Status| if planned.required { status } else { status.min(Status::Warn) };
    findings.sort_by_key(|(status, _)| Reverse(*status));
    let told =
        |(status, text): (Status, String)| Finding::new(weigh(status), text).with("workload", planned.name.as_str());
    row.findings = findings.into_iter().map(told).collect();
    let seen = row.findings.iter().map(|finding| finding.severity).chain([log.status]);
    row.status = Status::roll_up(seen);
    (row, Downs { down }, log)
}

/// The longest time without a line while it was up, as far as that is known: one that is not longer than what is free may
/// be that before its start, or one in which it was down.
fn longest_silence(
    planned: &PlannedWorkload,
    silences: &[Silence],
    log: &LogSummary,
    started_at: Stamp,
) -> Option<f64> {
    let before = log.started_at.map_or(0.0, |first| first.seconds_since(started_at));
    let is_free = |longest: &f64| *longest <= planned.warn_gap_seconds && *longest > before;
    let free = || log.longest_silence_seconds.filter(is_free);
    let judged = !planned.job && !planned.quiet && !planned.left_out;
    silences.iter().map(|silence| silence.length).reduce(f64::max).or_else(free).filter(|_| judged)
}

/// Whether it was there at the end as it should have been.
fn judge_end(part: &Part, end: f64, findings: &mut Vec<(Status, String)>) {
    let Part { planned, record: own, course, .. } = part;
    let (name, because) = (&planned.name, course.last_change().map_or("", |change| change.because.as_str()));
    let mut fail = |text: String| findings.push((Status::Fail, text));
    match course.last() {
        State::Completed if planned.job => {}
        State::Failed => fail(format!("{name}: {because}")),
        State::Skipped => fail(format!("{name} was skipped: {because}")),
        State::Stopped if planned.job => fail(format!("{name} is a job, and was not done when the run ended")),
        State::Stopped => {
            let was = course.last_change().map(|change| change.from);
            if was == Some(State::Restarting) {
                fail(format!("{name} was down when the run ended"));
            } else if course.stopping().is_none_or(|at| at + 1e-3 < end) {
                fail(format!("{name} was stopped before the end of the run: {because}"));
            }
        }
        other => fail(format!("{name} was {} when the run ended", other.word())),
    }
    if !planned.job && own.attempts.is_empty() && course.last() != State::Skipped && course.last() != State::Failed {
        fail(format!("{name} was never started"));
    }
}

/// Whether a service was up, and whether anything shows it.
fn judge_service(
    part: &Part,
    row: &mut WorkloadSummary,
    log: &LogSummary,
    record: &RunRecord,
    end: f64,
    findings: &mut Vec<(Status, String)>,
) {
    let Part { planned, course, .. } = part;
    let name = &planned.name;
    let up = course.up(end);
    if up.total() <= 0.0 {
        findings.push((Status::Fail, format!("{name} was never up")));
        return;
    }
    let asked = planned.ready.as_ref().is_some_and(|_| row.probes > 1);
    if let Some(why) = unmeasured(part, log, record.started_at, end).filter(|_| !asked) {
        findings.push((Status::Fail, format!("{name}: nothing was measured, {why}")));
        row.uptime_ratio = None;
        return;
    }
    if let Some(uptime) = row.uptime_ratio.filter(|uptime| *uptime < planned.min_uptime) {
        let text = format!(
            "{name} was up {} of the time, at least {} are asked for",
            percent(uptime),
            percent(planned.min_uptime)
        );
        findings.push((Status::Fail, text));
    }
}

/// Why its log does not show that it lived: hardly a line, or none but at its start.
fn unmeasured(part: &Part, log: &LogSummary, started_at: Stamp, end: f64) -> Option<String> {
    let met = part.course.met()?;
    let length = end - met;
    if log.records < 2 {
        return Some(format!("{} and no answer to a probe", count(log.records, "line")));
    }
    let (first, last) =
        (log.started_at?.seconds_since(started_at) - met, log.ended_at?.seconds_since(started_at) - met);
    let burst = last - first <= length / 100.0 && first <= length / 10.0;
    (burst || last <= length / 100.0).then(|| format!("all {} came at its start", count(log.records, "line")))
}

/// Whether its log is its own, and whole.
fn judge_log(
    part: &Part,
    row: &WorkloadSummary,
    log: &LogSummary,
    record: &RunRecord,
    findings: &mut Vec<(Status, String)>,
) {
    let (name, capture) = (&part.planned.name, &part.record.capture);
    for (source, lines) in log.sources.iter().filter(|(source, _)| *source != name) {
        let whose = if source.is_empty() { "nobody" } else { source };
        findings.push((Status::Fail, format!("the log of {name} holds {} of {whose}", count(*lines, "record"))));
    }
    let captured = capture.total_lines.saturating_sub(capture.lost_lines);
    let closed = record.state != RunState::Running;
    if closed && !(captured..=capture.total_lines).contains(&row.lines) {
        let text = format!("{name} printed {}, but its log holds {}", count(captured, "line"), row.lines);
        findings.push((Status::Fail, text));
    }
}

/// What did not go smoothly.
fn judge_troubles(part: &Part, findings: &mut Vec<(Status, String)>) {
    let Part { planned, record: own, course, .. } = part;
    let name = &planned.name;
    let mut warn = |text: String| findings.push((Status::Warn, text));
    if own.restarts > 0 {
        warn(format!("{name} was restarted: {}", count(own.restarts, "restart")));
    }
    if course.was(State::Hung) {
        warn(format!("{name} was stopped because of a timeout"));
    }
    let episodes = own.probe.as_ref().map_or(0, |probe| probe.episodes);
    if episodes > 0 || course.was(State::Unready) {
        let flaps = if episodes >= 5 { "flaps" } else { "was not ready at times" };
        warn(format!("{name} {flaps}: {}", count(episodes.max(1), "episode")));
    }
}

/// A silence of a workload that was up.
struct Silence {
    /// From when on it costs uptime, in seconds since the start of the run.
    from: f64,
    to: f64,
    /// Its whole length.
    length: f64,
}

/// The silences of its log while it was up.
fn silences(part: &Part, log: &LogSummary, started_at: Stamp, end: f64) -> Vec<Silence> {
    let warn = part.planned.warn_gap_seconds;
    let seconds = |at: Stamp| at.seconds_since(started_at);
    let up = part.course.up(end);
    let mut found = Vec::new();
    for down in log.down_times.iter().filter(|down| down.cause.starts_with("no output")) {
        let (from, to) = (seconds(down.from) - warn, seconds(down.to));
        // While it was down nobody expected a line, and a start is no silence yet.
        for (start, stop) in up.within(from, to).iter() {
            if stop - start > warn {
                found.push(Silence { from: start + warn, to: stop, length: stop - start });
            }
        }
    }
    found
}

/// When it was not up, by its state or its silence.
fn down(part: &Part, silences: &[Silence], end: f64) -> Spans {
    let silent = Spans::of(silences.iter().map(|silence| (silence.from, silence.to)).collect());
    Spans::union([&part.course.up(end).rest(end), &silent])
}

/// The share of the time since its conditions were met first in which it was up.
fn uptime(down: &Spans, met: Option<f64>, end: f64) -> Option<f64> {
    let met = met.filter(|met| end > *met)?;
    Some((1.0 - down.within(met, end).total() / (end - met)).clamp(0.0, 1.0))
}

/// When and why it was not up since its conditions were met first.
fn down_times(part: &Part, down: &Spans, silences: &[Silence], started_at: Stamp) -> Vec<DownTime> {
    let Part { planned, course, .. } = part;
    let Some(met) = course.met().filter(|_| !planned.job) else { return Vec::new() };
    let wall = |seconds: f64| wall(started_at, seconds);
    let told = |(from, to): (f64, f64)| {
        let silent = silences.iter().find(|silence| silence.from <= from && silence.to >= to);
        let cause = match silent {
            Some(silence) => format!("no output for {}", human_seconds(silence.length)),
            None => course.cause(from),
        };
        DownTime::new(wall(from), wall(to), format!("{}: {cause}", planned.name))
    };
    down.within(met, f64::INFINITY).iter().take(LISTED).map(told).collect()
}

/// When it was, so many seconds after the start of the run.
pub(super) fn wall(started_at: Stamp, seconds: f64) -> Stamp {
    started_at.plus(std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

/// Its log as it is to be seen: silences are those of the workload, and each finding names it.
fn own_log(part: &Part, mut log: LogSummary, silences: &[Silence], started_at: Stamp) -> LogSummary {
    let Part { planned, record: own, .. } = part;
    let weigh = |status: Status| if planned.required { status } else { status.min(Status::Warn) };
    let file = log.files.first().map(|file| file.path.clone());
    log.gap_incidents = silences
        .iter()
        .map(|silence| {
            let status = if silence.length >= planned.fail_gap_seconds { Status::Fail } else { Status::Warn };
            let length = human_seconds(silence.length);
            let text = format!("{}: {length} of silence, until {} of the run", planned.name, human_seconds(silence.to));
            let finding = Finding::new(status, text).at(wall(started_at, silence.to));
            let finding = finding.with("gap_seconds", silence.length);
            match &file {
                Some(file) => finding.in_file(file.as_str(), None),
                None => finding,
            }
        })
        .collect();
    log.totals.gap_incidents = log.gap_incidents.len() as u64;
    // Whoever need not log has no log to be missed; the row tells where nothing at all was measured.
    if log.records == 0 && own.capture.total_lines == 0 {
        let empty = ["there is no usable record", "the file is empty"];
        log.findings.retain(|finding| !empty.iter().any(|text| finding.summary.starts_with(text)));
    }
    let name = |finding: &mut Finding| {
        finding.severity = weigh(finding.severity);
        finding.metadata.insert("workload".to_owned(), own.name.as_str().into());
    };
    let lists =
        [&mut log.gap_incidents, &mut log.content_incidents, &mut log.warnings, &mut log.errors, &mut log.findings];
    lists.into_iter().flatten().for_each(name);
    for group in &mut log.groups {
        group.severity = weigh(group.severity);
        name(&mut group.example);
    }
    let counted = match log.totals {
        totals if totals.errors + totals.content_incidents > 0 => Status::Fail,
        totals if totals.warnings > 0 => Status::Warn,
        _ => Status::Pass,
    };
    let seen = log.gap_incidents.iter().chain(&log.findings).map(|finding| finding.severity);
    log.status = Status::roll_up(seen.chain([weigh(counted)]));
    log
}

/// Puts the logs together: what was found in each, in order of time.
pub(super) fn merge(all: &mut LogSummary, logs: Vec<LogSummary>, rows: &[WorkloadSummary], listed: usize) {
    all.findings.retain(|finding| !finding.summary.starts_with("there is no usable record"));
    let faults = std::mem::take(&mut all.findings);
    all.status = Status::roll_up(rows.iter().map(|row| row.log_status).chain(faults.iter().map(|f| f.severity)));
    all.findings = faults;
    for list in [&mut all.gap_incidents, &mut all.content_incidents, &mut all.warnings, &mut all.errors] {
        list.clear();
    }
    all.groups.clear();
    all.totals.gap_incidents = 0;
    all.longest_silence_seconds = rows.iter().filter_map(|row| row.longest_silence_seconds).reduce(f64::max);
    for log in logs {
        all.gap_incidents.extend(log.gap_incidents);
        all.content_incidents.extend(log.content_incidents);
        all.warnings.extend(log.warnings);
        all.errors.extend(log.errors);
        all.findings.extend(log.findings);
        all.groups.extend(log.groups);
        all.totals.gap_incidents += log.totals.gap_incidents;
    }
    for list in [&mut all.gap_incidents, &mut all.content_incidents, &mut all.warnings, &mut all.errors] {
        list.sort_by(|a, b| (a.occurred_at, &a.place).cmp(&(b.occurred_at, &b.place)));
        list.truncate(listed);
    }
    all.groups.sort_by_key(|group| (Reverse(group.severity), Reverse(group.count)));
}
